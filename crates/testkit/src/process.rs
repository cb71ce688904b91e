//! A running `vacancy`: started as its users start it, watched from outside, ended in any way.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::folder::Folder;
use crate::http::Client;
use crate::{PATIENCE, eventually, signal};

/// How much of the end of a service's log is shown when its test fails.
const LOG_SHOWN_BYTES: usize = 20_000;

/// A service of the test's own, on a free port of 127.0.0.1. It is killed with this value, and
/// also when the test process itself is.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pid: u32,
    address: SocketAddr,
    folder: Folder,
    watchdog: Watchdog,
}

impl Process {
    /// Runs `binary serve --listen 127.0.0.1:0 --database-url … args…` and waits until `/readyz`
    /// answers 200. Panics, showing its stderr, when that takes longer than [`PATIENCE`] or it ends before.
    pub async fn start(binary: &Path, database_url: &str, args: &[&str]) -> Self {
        Self::start_at(binary, "127.0.0.1:0", database_url, args).await
    }

    /// The same with another `--listen`, which 127.0.0.1 must reach.
    pub async fn start_at(binary: &Path, listen: &str, database_url: &str, args: &[&str]) -> Self {
        let folder = Folder::new("process");
        let log = File::create(folder.path().join("stderr")).expect("a new folder can be written");
        let mut command = command(binary);
        command.args(["serve", "--listen", listen, "--database-url", database_url]);
        command.args(args).current_dir(folder.path()).stderr(log).kill_on_drop(true);
        let name = binary.display();
        let mut child = spawn(&mut command).await;
        let pid = child.id().expect("it was not waited for yet");
        let watchdog = Watchdog::over(pid, folder.path());
        let stdout = child.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(stdout).lines();
        let log = || read_log(&folder);
        let Ok(address) = timeout(PATIENCE, address_in(&mut lines)).await else {
            panic!("{name} does not say where it listens; {}", log())
        };
        let Some(address) = address else {
            let status = child.wait().await.expect("our own child can be waited for");
            panic!("{name} ended with {status} before it said where it listens; {}", log())
        };
        // A full pipe would make the service wait for us whenever it prints.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let mut process = Self { child, pid, address, folder, watchdog };
        process.await_ready().await;
        process
    }

    /// Runs `binary args…` to its end, as for `audit`, with no setting from the environment.
    ///
    /// Panics when it cannot be started or takes more than a minute.
    pub async fn run(binary: &Path, args: &[impl AsRef<OsStr>]) -> Finished {
        Self::run_in(Path::new("."), binary, &[], args).await
    }

    /// The same in a folder, and with these settings in the environment.
    pub async fn run_in(
        folder: &Path,
        binary: &Path,
        environment: &[(&str, &str)],
        args: &[impl AsRef<OsStr>],
    ) -> Finished {
        let mut command = command(binary);
        command.current_dir(folder).envs(environment.iter().copied());
        command.args(args).stderr(Stdio::piped()).kill_on_drop(true);
        let child = spawn(&mut command).await;
        let output = timeout(PATIENCE * 2, child.wait_with_output()).await;
        let output = output.unwrap_or_else(|_| panic!("{command:?} does not end"));
        let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: without_waiting(&String::from_utf8_lossy(&output.stderr)),
        }
    }

    /// Where it serves, such as `http://127.0.0.1:40123`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address for bare sockets.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What it has written to stderr so far.
    pub fn log(&self) -> String {
        read_log(&self.folder)
    }

    /// Kills it with SIGKILL and waits until it is gone.
    pub async fn kill9(&mut self) {
        self.watchdog.dismiss();
        self.child.kill().await.expect("our own child can be killed");
    }

    /// Asks it to end with SIGTERM, and does not wait for it.
    pub fn ask_to_stop(&self) {
        signal::send("TERM", &[self.pid]);
    }

    /// Asks it to end with SIGTERM, and returns how it ended and how long that took.
    ///
    /// Panics when it takes longer than [`PATIENCE`].
    pub async fn terminate(&mut self) -> (ExitStatus, Duration) {
        self.ask_to_stop();
        self.end().await
    }

    /// Waits for the end of one that was asked to stop, and returns how it ended and how long that
    /// took from here.
    ///
    /// Panics when it takes longer than [`PATIENCE`].
    pub async fn end(&mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        let Ok(status) = timeout(PATIENCE, self.child.wait()).await else {
            panic!("it does not end after SIGTERM; {}", self.log())
        };
        self.watchdog.dismiss();
        (status.expect("our own child can be waited for"), started.elapsed())
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child can be asked")
    }

    async fn await_ready(&mut self) {
        let client = Client::new();
        let url = format!("{}/readyz", self.url());
        let started = Instant::now();
        loop {
            let answer = client.get(&url).timeout(Duration::from_secs(5)).try_send().await;
            if answer.as_ref().is_ok_and(|answer| answer.status == 200) {
                return;
            }
            if let Some(status) = self.ended() {
                panic!("it ended with {status} before it was ready; {}", self.log());
            }
            assert!(started.elapsed() < PATIENCE, "not ready: {answer:?}; {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let start = log.len().saturating_sub(LOG_SHOWN_BYTES);
            let shown = String::from_utf8_lossy(&log.as_bytes()[start..]);
            eprintln!("the service {} at {} wrote: {shown}", self.pid, self.address);
        }
    }
}

/// How a one-shot run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// All it wrote to stdout.
    pub stdout: String,
    /// All it wrote to stderr, but for the log's lines of what it waits for: they come with what takes
    /// longer than a second, as everything may on a loaded machine.
    pub stderr: String,
}

/// A shell that waits for the pipe between us to close and then kills the process and removes its
/// folder, for the case that we are killed ourselves. Told before that it is not needed, it does
/// nothing.
#[derive(Debug)]
struct Watchdog {
    shell: std::process::Child,
}

impl Watchdog {
    fn over(pid: u32, folder: &Path) -> Self {
        let script = r#"read -r word; [ "$word" = done ] || { kill -s KILL "$1"; rm -rf "$2"; }"#;
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", script, "watchdog", &pid.to_string()]).arg(folder);
        // A group of its own, so that an interrupt at the terminal leaves it to do its work.
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { shell: shell.spawn().expect("a shell to watch over the service") }
    }

    /// From now on the process id may belong to another process.
    fn dismiss(&mut self) {
        if let Some(mut stdin) = self.shell.stdin.take() {
            // A watchdog that is gone already needs no telling.
            let _ = stdin.write_all(b"done\n");
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.dismiss();
        // It ends at once; waiting keeps it from staying behind as a zombie.
        let _ = self.shell.wait();
    }
}

/// A command free of the settings that the tests' own environment may hold.
fn command(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    let settings = std::env::vars_os().map(|(name, _)| name);
    for name in settings.filter(|name| name.to_string_lossy().starts_with("VACANCY_")) {
        command.env_remove(name);
    }
    command.env_remove("DATABASE_URL").env_remove("TZDIR");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// Starts it. A script that this process wrote a moment ago may still be open for writing in a child of
/// another test that has not come to run its own program yet, and is not started meanwhile.
async fn spawn(command: &mut Command) -> Child {
    eventually("the program is not being written", PATIENCE, || {
        let started = match command.spawn() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => None,
            started => Some(started.unwrap_or_else(|error| panic!("{command:?}: {error}"))),
        };
        std::future::ready(started)
    })
    .await
}

/// Where the first line that has an address says that it listens, as 127.0.0.1 reaches it; none when
/// the output ends before that.
async fn address_in(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<SocketAddr> {
    while let Ok(Some(line)) = lines.next_line().await {
        let after = line.split_once("http://").map_or("", |(_, after)| after);
        let ends = |c: char| !(c.is_ascii_hexdigit() || ".:[]".contains(c));
        let said = after.split(ends).next().and_then(|said| said.parse::<SocketAddr>().ok());
        if let Some(said) = said {
            return Some(SocketAddr::from(([127, 0, 0, 1], said.port())));
        }
    }
    None
}

/// The text without the log's lines that say what is waited for.
fn without_waiting(text: &str) -> String {
    let waits = |line: &&str| !(line.contains(" INFO ") && line.contains(" waiting for "));
    text.split_inclusive('\n').filter(waits).collect()
}

/// What the service wrote to stderr.
fn read_log(folder: &Folder) -> String {
    let bytes = std::fs::read(folder.path().join("stderr")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
