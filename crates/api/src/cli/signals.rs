//! Signals of the operating system. None of them ends the process by itself.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Whether the process has been asked to stop, and by which signal.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    asked: CancellationToken,
    number: Arc<AtomicU8>,
}

/// Signals that ask the process to stop, with the numbers that a shell adds to 128.
const STOPPING: [(&str, u8); 4] = [("SIGHUP", 1), ("SIGINT", 2), ("SIGQUIT", 3), ("SIGTERM", 15)];

impl Stop {
    /// Takes the signals over, before anything is waited for: without a handler the first process of
    /// a container does not hear them at all, and any other one ends without finishing its work.
    /// SIGHUP, SIGINT, SIGQUIT and SIGTERM ask for a stop; SIGUSR1 and SIGUSR2 do nothing.
    pub(super) fn on_signals() -> io::Result<Self> {
        let stop = Self { asked: CancellationToken::new(), number: Arc::default() };
        // A handler stays when nothing listens to it any more.
        let _ = signal(SignalKind::user_defined1())?;
        let _ = signal(SignalKind::user_defined2())?;
        for (name, number) in STOPPING {
            let stream = signal(SignalKind::from_raw(number.into()))?;
            tokio::spawn(stop.clone().hear(name, number, stream));
        }
        Ok(stop)
    }

    async fn hear(self, name: &'static str, number: u8, mut stream: Signal) {
        while stream.recv().await.is_some() {
            tracing::info!(signal = name, "asked to stop");
            self.number.store(number, Ordering::Relaxed);
            self.asked.cancel();
        }
    }

    /// Cancelled when the process has been asked to stop.
    pub(super) fn asked(&self) -> &CancellationToken {
        &self.asked
    }

    /// The exit status of work that was given up because of it.
    pub(super) fn status(&self) -> u8 {
        128 + self.number.load(Ordering::Relaxed)
    }
}
