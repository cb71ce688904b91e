//! `pgbench`, the reference on PostgreSQL: the same rows without a service.

use std::path::Path;
use std::process::Stdio;

use vacancy_testkit::cluster;
use vacancy_testkit::folder::Folder;

/// `pgbench` counts its seconds from before it connects; this is for connecting.
const CONNECTING_SECONDS: u64 = 1;

/// What to run, how, and for how long.
#[derive(Clone, Debug)]
pub struct Pgbench<'a> {
    /// The script of one transaction.
    pub script: &'a str,
    /// Connections in a closed loop.
    pub clients: usize,
    /// For how long.
    pub seconds: u64,
    /// Variables of the script.
    pub variables: &'a [(&'a str, i64)],
}

/// What `pgbench` says of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Transactions a second, connecting not counted.
    pub rate: f64,
    /// All transactions.
    pub transactions: u64,
}

impl Pgbench<'_> {
    /// Runs it on the database at `url`. Panics, with what it printed, when a transaction failed.
    pub async fn run(&self, url: &str) -> Summary {
        let folder = Folder::new("pgbench");
        let script = folder.path().join("script.sql");
        std::fs::write(&script, self.script).expect("a new folder can be written");
        let program = cluster::program("pgbench").expect("pgbench is installed with PostgreSQL");
        let output = self.command(&program, &script, url).output().await;
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let summary = Summary::parse(&said).filter(|_| output.status.success());
        summary.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)))
    }

    fn command(&self, program: &Path, script: &Path, url: &str) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(program);
        command.args(["--no-vacuum", "--protocol=prepared", "--jobs=2"]);
        let seconds = self.seconds + CONNECTING_SECONDS;
        command.arg(format!("--client={}", self.clients)).arg(format!("--time={seconds}"));
        command.args(self.variables.iter().map(|(name, value)| format!("--define={name}={value}")));
        command.arg("--file").arg(script).arg(url).stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

impl Summary {
    /// None when a line is missing, and when a transaction failed.
    fn parse(text: &str) -> Option<Self> {
        let after = |start| text.lines().find_map(|line: &str| line.strip_prefix(start));
        let first = |text: &str| text.split_whitespace().next().map(str::to_owned);
        let failed = after("number of failed transactions:")
            .map_or(Some(0), |rest| first(rest)?.parse::<u64>().ok())?;
        let transactions = after("number of transactions actually processed:")?;
        // Followed by "/" and the number asked for when it ran by number instead of by time.
        let transactions = first(transactions)?.split('/').next()?.parse().ok()?;
        let rate = first(after("tps =")?)?.parse().ok()?;
        (failed == 0).then_some(Self { rate, transactions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "pgbench (15.18)
transaction type: script.sql
query mode: prepared
number of clients: 32
number of threads: 2
maximum number of tries: 1
duration: 2 s
number of transactions actually processed: 9021
number of failed transactions: 0 (0.000%)
latency average = 7.012 ms
initial connection time = 91.100 ms
tps = 4563.412000 (without initial connection time)
";

    #[test]
    fn the_rate_is_read() {
        let expected = Summary { rate: 4563.412, transactions: 9021 };
        assert_eq!(Summary::parse(SAID), Some(expected));
        let older = SAID.replace("number of failed transactions: 0 (0.000%)\n", "");
        assert_eq!(Summary::parse(&older), Some(expected));
    }

    #[test]
    fn a_run_with_failures_or_without_an_end_is_none() {
        assert_eq!(Summary::parse(&SAID.replace("transactions: 0 (", "transactions: 3 (")), None);
        assert_eq!(Summary::parse(&SAID.replace("tps", "speed")), None);
        assert_eq!(Summary::parse(""), None);
    }
}
