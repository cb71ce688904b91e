//! The body of a request on its way: how long it may take, how large it may be, and how much of all
//! bodies together may be waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Extensions, HeaderMap, header};
use http_body_util::BodyExt as _;
use tokio::time::Instant;

use crate::http::problem::Problem;

/// The most bytes of a body.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take to begin; a lost packet is sent again within that.
const GRACE: Duration = Duration::from_secs(2);
/// How much of it has to come in each second after that.
const BYTES_PER_SECOND_MIN: u32 = 1_024;
/// For what has come of all bodies that have not come to their end.
const ALL_BODIES_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A body that was waited for: all of it, or why it is not there. In the extensions of its request.
#[derive(Clone, Debug)]
pub struct Arrived(pub Result<Bytes, Problem>);

/// The bodies on their way to one service. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Bodies {
    bytes: Arc<AtomicUsize>,
}

/// The body that has arrived for this request. Fails when it did not, or was announced to be larger
/// than a body may be, in which case it has not been read.
pub fn of(extensions: &mut Extensions, headers: &HeaderMap) -> Result<Bytes, Problem> {
    if is_too_large(headers) {
        return Err(too_large());
    }
    extensions.remove::<Arrived>().map_or_else(|| Ok(Bytes::new()), |Arrived(body)| body)
}

/// The length of the body; `None` when it is told only at its end.
pub fn announced_length(headers: &HeaderMap) -> Option<usize> {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return None;
    }
    let Some(length) = headers.get(header::CONTENT_LENGTH) else { return Some(0) };
    length.to_str().ok()?.parse().ok()
}

/// Whether the body is announced to be larger than a body may be.
pub fn is_too_large(headers: &HeaderMap) -> bool {
    announced_length(headers).is_some_and(|length| length > BODY_BYTES_MAX)
}

fn too_large() -> Problem {
    Problem::PayloadTooLarge { limit: BODY_BYTES_MAX }
}

impl Bodies {
    /// Reads a body to its end. One that becomes too large is not waited for: the connection is
    /// closed after the answer, and the server lingers so that its sender hears it.
    ///
    /// Fails with 408 when it comes too slowly, and with 503 when too much is waited for already.
    pub async fn read(&self, mut body: Body) -> Result<Bytes, Problem> {
        let began = Instant::now();
        let mut share = Share { bodies: self, bytes: 0 };
        // Nothing is reserved for what is only announced.
        let mut bytes = Vec::new();
        loop {
            let deadline = began + allowed(bytes.len());
            let frame = tokio::time::timeout_at(deadline, body.frame()).await;
            let Some(frame) = frame.map_err(|_| Problem::RequestTimeout)? else { break };
            let frame = frame
                .map_err(|_| Problem::InvalidRequest("the body ended before it should".into()))?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > BODY_BYTES_MAX {
                return Err(too_large());
            }
            share.grow(data.len())?;
            bytes.extend_from_slice(&data);
        }
        Ok(Bytes::from(bytes))
    }
}

/// How long a body may take of which so many bytes have come.
fn allowed(bytes: usize) -> Duration {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    (GRACE + Duration::from_secs(1) * bytes / BYTES_PER_SECOND_MIN).min(BODY_TIMEOUT)
}

/// What one body has of the room for all.
struct Share<'a> {
    bodies: &'a Bodies,
    bytes: usize,
}

impl Share<'_> {
    fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        self.bytes += bytes;
        let before = self.bodies.bytes.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > ALL_BODIES_BYTES_MAX {
            return Err(Problem::unavailable("too many bodies are on their way"));
        }
        Ok(())
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.bodies.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;
    use tokio::time::{Sleep, sleep};

    use super::*;

    /// A body that comes in pieces, with a pause before each, and never ends by itself.
    struct Slow {
        pause: Pin<Box<Sleep>>,
        every: Duration,
        piece: Bytes,
    }

    impl Slow {
        fn body(every: Duration, piece: usize) -> Body {
            let piece = Bytes::from(vec![b'x'; piece]);
            Body::new(Self { pause: Box::pin(sleep(every)), every, piece })
        }
    }

    impl hyper::body::Body for Slow {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            std::task::ready!(self.pause.as_mut().poll(cx));
            let next = Instant::now() + self.every;
            self.pause.as_mut().reset(next);
            Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_waited_for_as_long_as_it_comes_fast_enough() {
        let second = Duration::from_secs(1);
        for (every, piece, expected, why) in [
            (1_000 * second, 1, 2.0, "nothing comes"),
            (second, 1, 2.0, "a byte a second"),
            (second, 512, 3.0, "half as fast as it must"),
            (second, 2_048, 10.0, "fast enough, and without end"),
        ] {
            let began = Instant::now();
            let read = Bodies::default().read(Slow::body(every, piece)).await;
            assert!(matches!(read, Err(Problem::RequestTimeout)), "{why}: {read:?}");
            let took = began.elapsed().as_secs_f64();
            assert!((took - expected).abs() < 1.0, "{why}: after {took} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_without_end_is_cut_at_the_limit() {
        let read = Bodies::default().read(Slow::body(Duration::ZERO, 4_096)).await;
        assert!(matches!(read, Err(Problem::PayloadTooLarge { .. })), "{read:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn all_bodies_share_a_budget_and_give_it_back() {
        let bodies = Bodies::default();
        bodies.bytes.store(ALL_BODIES_BYTES_MAX - 10, Ordering::Relaxed);
        assert_eq!(bodies.read(Body::from("0123456789")).await.expect("it fits"), "0123456789");
        let read = bodies.read(Body::from("0123456789x")).await;
        assert!(matches!(read, Err(Problem::Unavailable(_))), "{read:?}");
        assert_eq!(bodies.bytes.load(Ordering::Relaxed), ALL_BODIES_BYTES_MAX - 10);
    }
}
