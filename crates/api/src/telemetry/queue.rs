//! The bounded queue between the log and the standard error.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

use crate::config::LogFormat;

/// Lines that may wait to be written.
const QUEUE_LINES_MAX: usize = 8_192;
/// Bytes of lines that may wait to be written.
const QUEUE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The longest line. What is logged from outside is bounded where it is logged; this is for what
/// was overlooked.
const LINE_BYTES_MAX: usize = 8 * 1024;
/// How much of a longer line is shown.
const SHOWN_BYTES_MAX: usize = 1024;
/// How often the end looks whether everything is written.
const END_POLL: Duration = Duration::from_millis(5);

/// The standard error is one for the whole process, and so is the count of what it did not get.
static DROPPED: LazyLock<Arc<AtomicU64>> = LazyLock::new(Arc::default);

/// How many lines of the log were dropped since the process started, because the queue was full or
/// because they could not be written.
#[must_use]
pub fn lines_dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Takes finished lines of the log, and never waits.
#[derive(Clone, Debug)]
pub(super) struct LineQueue {
    lines: SyncSender<Vec<u8>>,
    waiting: Arc<Waiting>,
    dropped: Arc<AtomicU64>,
    format: LogFormat,
}

/// What is between the log and its sink.
#[derive(Debug, Default)]
struct Waiting {
    lines: AtomicUsize,
    bytes: AtomicUsize,
}

impl LineQueue {
    /// A queue to the standard error, with the thread that empties it. Fails when no thread can be
    /// started.
    pub(super) fn to_stderr(format: LogFormat) -> io::Result<Self> {
        // Past the lock of the standard library: a writer that waits for a full pipe must not keep
        // others who would print from going on.
        Self::to(format, DROPPED.clone(), |bytes| Ok(rustix::io::write(std::io::stderr(), bytes)?))
    }

    /// A queue to whatever `write` writes to; lines that are lost are counted in `dropped`.
    fn to(
        format: LogFormat,
        dropped: Arc<AtomicU64>,
        write: impl FnMut(&[u8]) -> io::Result<usize> + Send + 'static,
    ) -> io::Result<Self> {
        let (lines, queued) = sync_channel(QUEUE_LINES_MAX);
        let waiting = Arc::new(Waiting::default());
        let writer = Writer { waiting: waiting.clone(), dropped: dropped.clone(), write };
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.run(&queued))?;
        Ok(Self { lines, waiting, dropped, format })
    }

    /// Waits until every line is written, but no longer than `patience`.
    pub(super) fn drain(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        while self.waiting.lines.load(Ordering::Acquire) > 0 && Instant::now() < deadline {
            thread::sleep(END_POLL);
        }
    }

    fn push(&self, line: &[u8]) {
        let line = if line.len() > LINE_BYTES_MAX { self.cut(line) } else { line.to_vec() };
        let bytes = line.len();
        let waiting = self.waiting.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.waiting.lines.fetch_add(1, Ordering::Relaxed);
        let sent = if waiting + bytes > QUEUE_BYTES_MAX {
            Err(TrySendError::Full(line))
        } else {
            self.lines.try_send(line)
        };
        if sent.is_err() {
            self.waiting.written(bytes);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The start of a line that is too long, in the form of the log.
    fn cut(&self, line: &[u8]) -> Vec<u8> {
        let start = String::from_utf8_lossy(&line[..SHOWN_BYTES_MAX]);
        let text = match self.format {
            LogFormat::Text => format!("{start}… (a line of {} bytes, cut)\n", line.len()),
            LogFormat::Json => {
                let message = format!("a line of {} bytes was cut", line.len());
                let cut = serde_json::json!({ "level": "WARN", "message": message, "line": start });
                format!("{cut}\n")
            }
        };
        text.into_bytes()
    }
}

impl Waiting {
    fn written(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.lines.fetch_sub(1, Ordering::Release);
    }
}

/// The log hands over a whole line at a time, and is never told of a failure.
impl io::Write for &LineQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LineQueue {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

/// The other end of the queue.
struct Writer<W> {
    waiting: Arc<Waiting>,
    dropped: Arc<AtomicU64>,
    write: W,
}

impl<W: FnMut(&[u8]) -> io::Result<usize>> Writer<W> {
    fn run(mut self, queued: &Receiver<Vec<u8>>) {
        let mut is_torn = false;
        while let Ok(line) = queued.recv() {
            // A line of which a part was written must not run into the next one.
            let whole = (!is_torn || self.all(b"\n").is_ok()) && {
                let written = self.all(&line);
                is_torn = written.is_err_and(|part| part > 0);
                !is_torn && written.is_ok()
            };
            if !whole {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
            self.waiting.written(line.len());
        }
    }

    /// Writes all of `bytes`. Fails with how much of it was written.
    fn all(&mut self, bytes: &[u8]) -> Result<(), usize> {
        let mut written = 0;
        while written < bytes.len() {
            match (self.write)(&bytes[written..]) {
                Ok(0) => return Err(written),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A terminal or pipe that another process has made non-blocking.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    thread::sleep(Duration::from_millis(10));
                }
                Err(_) => return Err(written),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::Mutex;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn lines_arrive_in_order() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = written.clone();
        let queue = queue(LogFormat::Text, move |bytes| {
            // A sink that takes a few bytes at a time.
            let taken = bytes.len().min(3);
            sink.lock().expect("no panic").extend_from_slice(&bytes[..taken]);
            Ok(taken)
        });
        (&queue).write_all(b"the first\n").expect("it never fails");
        (&queue).write_all(b"the second\n").expect("it never fails");
        queue.drain(PATIENCE);
        assert_eq!(*written.lock().expect("no panic"), b"the first\nthe second\n");
        assert_eq!(queue.dropped.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_sink_that_fails_is_tried_again_with_the_next_line() {
        let mut calls = 0;
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = written.clone();
        let queue = queue(LogFormat::Text, move |bytes| {
            calls += 1;
            match calls {
                1 | 4 => Err(io::ErrorKind::StorageFull.into()),
                3 => Ok(1),
                _ => {
                    sink.lock().expect("no panic").extend_from_slice(bytes);
                    Ok(bytes.len())
                }
            }
        });
        for line in [&b"lost\n"[..], b"one\n", b"torn\n", b"two\n"] {
            (&queue).write_all(line).expect("it never fails");
        }
        queue.drain(PATIENCE);
        assert_eq!(*written.lock().expect("no panic"), b"one\n\ntwo\n");
        assert_eq!(queue.dropped.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_sink_that_takes_nothing_holds_up_a_bounded_number_of_bytes_and_no_caller() {
        let (_keep, blocked) = sync_channel::<()>(0);
        let queue = queue(LogFormat::Text, move |_| {
            let _ = blocked.recv();
            Err(io::ErrorKind::BrokenPipe.into())
        });
        let line = [b'x'; LINE_BYTES_MAX];
        let fits = QUEUE_BYTES_MAX / line.len();
        for _ in 0..fits + 100 {
            (&queue).write_all(&line).expect("it never fails");
        }
        assert_eq!(queue.dropped.load(Ordering::Relaxed), 100);
        assert_eq!(queue.waiting.bytes.load(Ordering::Relaxed), QUEUE_BYTES_MAX);
        let began = Instant::now();
        queue.drain(Duration::from_millis(20));
        assert!(began.elapsed() < PATIENCE, "the end does not wait for it");
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_in_the_form_of_the_log() {
        let long = "é".repeat(LINE_BYTES_MAX);
        for format in [LogFormat::Text, LogFormat::Json] {
            let cut = queue(format, |bytes| Ok(bytes.len())).cut(long.as_bytes());
            assert!(cut.len() < 2 * SHOWN_BYTES_MAX, "{}", cut.len());
            let text = String::from_utf8(cut).expect("text");
            assert!(text.contains("a line of 16384 bytes"), "{text}");
            assert_eq!(text.lines().count(), 1);
            let json = serde_json::from_str::<serde_json::Value>(&text);
            assert_eq!(json.is_ok(), format == LogFormat::Json);
        }
    }

    fn queue(
        format: LogFormat,
        write: impl FnMut(&[u8]) -> io::Result<usize> + Send + 'static,
    ) -> LineQueue {
        LineQueue::to(format, Arc::default(), write).expect("a thread")
    }
}
