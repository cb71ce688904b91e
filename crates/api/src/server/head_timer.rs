//! How long the head of a request may take, and how long a connection may wait for its next one.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use super::limits::Limits;
use super::open::OpenConnection;

/// The clock that hyper starts whenever it begins to wait for the head of a request.
///
/// hyper has one limit for that wait, be it for a client in the middle of a head or for one that
/// has nothing to ask at the moment. The two deserve different limits, and the number of bytes read
/// since the wait began tells them apart.
pub(super) struct HeadTimer {
    /// The connection, which says how many bytes have come so far.
    pub(super) open: Arc<OpenConnection>,
    pub(super) limits: Limits,
}

impl HeadTimer {
    fn start(&self) -> Pin<Box<dyn hyper::rt::Sleep>> {
        let bytes_at_start = self.open.bytes_read();
        self.open.waits();
        let is_first_head = bytes_at_start == 0;
        let Limits { header_read_timeout, idle_timeout, .. } = self.limits;
        let timeout = if is_first_head { header_read_timeout } else { idle_timeout };
        Box::pin(HeadDeadline {
            idle_since: (!is_first_head).then_some(bytes_at_start),
            open: self.open.clone(),
            header_read_timeout,
            sleep: Box::pin(tokio::time::sleep(timeout)),
        })
    }
}

impl hyper::rt::Timer for HeadTimer {
    // hyper computes its moments from the one limit it knows; they say when the wait begins, and
    // the length is decided here. This HTTP/1 server uses its timer for nothing else.
    fn sleep(&self, _: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.start()
    }

    fn sleep_until(&self, _: std::time::Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.start()
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
    }
}

/// Done when the client has taken too long over the head of a request.
struct HeadDeadline {
    /// How many bytes had been read when the wait began, until the first byte of the head comes.
    idle_since: Option<u64>,
    open: Arc<OpenConnection>,
    header_read_timeout: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl hyper::rt::Sleep for HeadDeadline {}

impl Future for HeadDeadline {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // hyper polls this after every read that did not complete the head.
        let bytes_read = self.open.bytes_read();
        if self.idle_since.is_some_and(|before| before != bytes_read) {
            self.idle_since = None;
            let deadline = Instant::now() + self.header_read_timeout;
            self.sleep.as_mut().reset(deadline);
        }
        pin!(&mut self.sleep).poll(cx)
    }
}
