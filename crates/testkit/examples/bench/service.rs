//! The service under measurement: one or several replicas of a release binary, seen from outside.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use vacancy_testkit::process::Process;

use crate::proc;

/// How long the migration or the audit of a database may take.
const COMMAND_DEADLINE: Duration = Duration::from_mins(15);

/// Running replicas on one database.
#[derive(Debug)]
pub struct Service {
    replicas: Vec<Process>,
}

impl Service {
    /// Starts that many with further arguments and waits until all are ready.
    pub async fn start(binary: &Path, url: &str, replicas: usize, arguments: &[&str]) -> Self {
        let arguments: Vec<_> = ["--log", "warn"].iter().chain(arguments).copied().collect();
        let mut started = Vec::new();
        for _ in 0..replicas {
            started.push(Process::start(binary, url, &arguments).await);
        }
        Self { replicas: started }
    }

    /// Where they listen.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.replicas.iter().map(Process::address).collect()
    }

    /// Where the first of them listens, as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.replicas[0].url()
    }

    /// CPU time of all so far, in clock ticks.
    pub fn ticks(&self) -> u64 {
        self.replicas.iter().map(|replica| proc::ticks(replica.pid())).sum()
    }

    /// The most memory that one of them ever had resident, in MiB.
    pub fn peak_mib(&self) -> f64 {
        let peaks = self.replicas.iter().map(|replica| proc::peak_kib(replica.pid()));
        peaks.max().unwrap_or_default() as f64 / 1024.0
    }

    /// What they have resident now, together, in MiB.
    pub fn memory_mib(&self) -> f64 {
        let now = self.replicas.iter().map(|replica| proc::memory_kib(replica.pid()));
        now.sum::<u64>() as f64 / 1024.0
    }

    /// Ends them as an operator would. Panics when one of them does not end well.
    pub async fn stop(self) {
        for mut replica in self.replicas {
            let (status, _) = replica.terminate().await;
            assert!(status.success(), "the service ended with {status}: {}", replica.log());
        }
    }
}

/// Runs `binary command --database-url url` to its end. Returns what it printed and whether it was
/// content. Panics when it does not end within 15 minutes.
pub async fn command(binary: &Path, arguments: &[&str]) -> (String, bool) {
    let mut command = tokio::process::Command::new(binary);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(COMMAND_DEADLINE, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{command:?} does not end"));
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    (String::from_utf8_lossy(&said).trim().to_owned(), output.status.success())
}

/// Whether `serve` takes an option of this name.
pub async fn knows(binary: &Path, option: &str) -> bool {
    let help = [command(binary, &["serve", "--help"]).await, command(binary, &["--help"]).await];
    help.iter().any(|(text, _)| text.contains(option))
}
