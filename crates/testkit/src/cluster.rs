//! PostgreSQL servers that are thrown away: one shared by the tests of a process, and private ones
//! for tests that freeze or kill theirs.
//!
//! Binaries come from `PG_BIN`, else from the newest `/usr/lib/postgresql/*/bin`. A server that
//! runs already takes the shared one's place when `TEST_DATABASE_URL` names it (as a user who may
//! create databases).
//!
//! A server lives under a small shell script that holds the reading end of a pipe. The writing end
//! is ours and closes with us, whichever way we end, so neither the server nor its folder outlives
//! the test process.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use reqwest::Url;
use sea_orm::sqlx::{self, Connection, PgConnection};
use tokio::sync::OnceCell;

use crate::skip::skip;
use crate::{PATIENCE, eventually, folder, signal};

/// The user and group ids of `nobody`, as whom PostgreSQL runs when we are root: it refuses root.
const NOBODY: u32 = 65534;

/// How many ports are tried when another program is quicker to take the one that was free.
const PORTS_TRIED: u32 = 5;

/// Where the tests of this process make their PostgreSQL databases.
#[derive(Debug)]
enum Shared {
    /// A server of our own, started by the first test that asks.
    Own(Server),
    /// The server that `TEST_DATABASE_URL` names.
    Given(Url),
}

/// The shared server's address; none when there is no PostgreSQL here and tests may skip it.
///
/// Panics when there is none and `VACANCY_REQUIRE_POSTGRES` is set.
pub(crate) async fn shared() -> Option<Url> {
    static SHARED: OnceCell<Option<Shared>> = OnceCell::const_new();
    let shared = SHARED.get_or_init(|| async {
        if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
            let url = Url::parse(&url).expect("TEST_DATABASE_URL is a postgres:// URL");
            return Some(Shared::Given(url));
        }
        Server::start().await.map(Shared::Own)
    });
    let Some(shared) = shared.await else {
        // It was looked for once, by another test.
        skip_this_test();
        return None;
    };
    match shared {
        Shared::Own(server) => Some(server.address()),
        Shared::Given(url) => Some(url.clone()),
    }
}

/// Whether the shared server stays when this process ends, and databases on it have to be dropped.
pub(crate) fn shared_outlives_us() -> bool {
    std::env::var_os("TEST_DATABASE_URL").is_some()
}

/// A PostgreSQL server with an empty data directory, on 127.0.0.1 only, without passwords, with
/// `fsync` on as in production. It and its files vanish with this value or with the process.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    port: u16,
    wrapper: Child,
}

impl Server {
    /// Starts a server and waits until it accepts connections.
    ///
    /// None when there are no PostgreSQL binaries and tests may skip them; that is said on stderr.
    /// Panics when `VACANCY_REQUIRE_POSTGRES` is set and there are none.
    pub async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// The same with further settings, such as `"max_wal_size=4GB"`. What makes a commit durable
    /// (`fsync`, `synchronous_commit`, `full_page_writes`) is on unless one of them says otherwise.
    pub async fn start_with(settings: &[&str]) -> Option<Self> {
        let binaries = binaries_or_skip()?;
        let folder = folder::new_path("postgres");
        let wrapper = spawn_wrapper(&binaries, &folder, settings);
        let mut server = Self { folder, port: free_port(), wrapper };
        for _ in 0..PORTS_TRIED {
            if server.run().await {
                return Some(server);
            }
            server.port = free_port();
        }
        panic!("no free port for PostgreSQL in {PORTS_TRIED} tries");
    }

    /// The address of a database on this server, as user `postgres`.
    pub fn url(&self, database: &str) -> String {
        let mut url = self.address();
        url.set_path(database);
        url.into()
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of the postmaster.
    pub fn pid(&self) -> u32 {
        self.last_pid().unwrap_or_else(|| panic!("PostgreSQL never ran: {}", self.log()))
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Freezes the server: its sockets stay open and nothing answers, as when a machine hangs.
    ///
    /// Returns when every process of it stands still.
    pub async fn stop_frozen(&self) {
        for pid in self.frozen_family().await {
            signal::send("STOP", &[pid]);
            until(pid, "stands still", |pid| signal::stopped(pid) || !signal::alive(pid)).await;
        }
    }

    /// Lets a frozen server go on.
    pub fn resume(&self) {
        let postmaster = self.pid();
        let mut family = signal::children(postmaster);
        family.push(postmaster);
        signal::send("CONT", &family);
    }

    /// Kills every process of the server with SIGKILL, as a power cut would, and waits until all
    /// are gone. [`Server::restart`] brings it back.
    pub async fn kill9(&self) {
        let family = self.frozen_family().await;
        signal::send("KILL", &family);
        for pid in family {
            until(pid, "is gone", |pid| !signal::alive(pid)).await;
        }
    }

    /// Starts a killed server again on the same port and data, and waits until it has recovered.
    pub async fn restart(&mut self) {
        assert!(!signal::alive(self.pid()), "only a server that was killed can be started again");
        assert!(self.run().await, "the server's port was taken meanwhile: {}", self.log());
    }

    /// The postmaster, standing still, and then all of its children: none can be born meanwhile.
    async fn frozen_family(&self) -> Vec<u32> {
        let postmaster = self.pid();
        signal::send("STOP", &[postmaster]);
        until(postmaster, "stands still", |pid| signal::stopped(pid) || !signal::alive(pid)).await;
        let mut family = vec![postmaster];
        family.extend(signal::children(postmaster));
        family
    }

    /// Has the wrapper run a server on our port and waits until it answers. False when the port
    /// was taken by another program.
    async fn run(&mut self) -> bool {
        let before = self.last_pid();
        let orders = self.wrapper.stdin.as_mut().expect("taken by drop alone");
        writeln!(orders, "{}", self.port).expect("the wrapper reads its orders");
        let pid = eventually("PostgreSQL is started", PATIENCE, || async {
            assert!(!self.folder.join("failed").exists(), "initdb failed: {}", self.log());
            self.last_pid().filter(|pid| Some(*pid) != before)
        })
        .await;
        eventually("PostgreSQL accepts connections", PATIENCE * 2, || async {
            if self.answers().await {
                return Some(true);
            }
            if signal::alive(pid) {
                return None;
            }
            let log = self.log();
            assert!(log.contains("could not create any TCP/IP sockets"), "no PostgreSQL: {log}");
            Some(false)
        })
        .await
    }

    /// Whether this server, and no other one that was quicker to take the port, lets us in.
    async fn answers(&self) -> bool {
        let Ok(mut connection) = PgConnection::connect(&self.url("postgres")).await else {
            return false;
        };
        let data = sqlx::query_scalar("SHOW data_directory").fetch_one(&mut connection).await;
        let ours = data.is_ok_and(|data: String| self.folder.join("data") == Path::new(&data));
        // What cannot be closed in good order is closed all the same.
        let _ = connection.close().await;
        ours
    }

    /// What the wrapper wrote when it last started a server.
    fn last_pid(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.folder.join("pid")).ok()?;
        Some(text.trim().parse().expect("the wrapper writes a process id"))
    }

    fn address(&self) -> Url {
        let address = format!("postgres://postgres@127.0.0.1:{}/postgres", self.port);
        Url::parse(&address).expect("written as a URL above")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.last_pid().is_some() {
            self.resume();
        }
        // The wrapper sees the end of its input and cleans up. There is no need to wait for that here.
        drop(self.wrapper.stdin.take());
    }
}

/// A port on 127.0.0.1 that nothing listens on now, below the ones given to outgoing connections,
/// so that a server killed and started again finds it still free.
pub fn free_port() -> u16 {
    use std::hash::{BuildHasher, RandomState};
    for attempt in 0..1000 {
        let spread = RandomState::new().hash_one(attempt) % 17_000;
        let port = 15_000 + u16::try_from(spread).expect("below 17,000");
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between 15000 and 32000 on 127.0.0.1");
}

async fn until(pid: u32, what: &str, condition: impl Fn(u32) -> bool) {
    let what = format!("process {pid} {what}");
    eventually(&what, PATIENCE, || async { condition(pid).then_some(()) }).await;
}

/// Starts the wrapper, which makes the folder and its data directory and then waits for a port.
fn spawn_wrapper(binaries: &Path, folder: &Path, further: &[&str]) -> Child {
    let mut wrapper = Command::new("sh");
    wrapper.args(["-c", include_str!("cluster.sh"), "cluster.sh"]).arg(folder).arg(binaries);
    let ours = [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "max_connections=300",
        "fsync=on",
        "logging_collector=off",
        "timezone=UTC",
    ];
    wrapper.args(ours.iter().chain(further).flat_map(|setting| ["-c", setting]));
    if we_are_root() {
        wrapper.uid(NOBODY).gid(NOBODY);
    }
    // The folder we were started in may be closed to `nobody`.
    wrapper.current_dir("/");
    // A group of its own, so that an interrupt at the terminal reaches us and not the cleaner.
    wrapper.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    wrapper.spawn().expect("a shell to run PostgreSQL under")
}

fn we_are_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0)
}

/// The folder of the binaries; none, after an announcement, when this test is skipped for want of
/// them.
fn binaries_or_skip() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(binaries);
    if found.is_none() {
        skip_this_test();
    }
    found.clone()
}

fn skip_this_test() {
    skip(
        "PostgreSQL IS NOT TESTED: no initdb in PG_BIN or /usr/lib/postgresql/*/bin, no \
         TEST_DATABASE_URL",
        "VACANCY_REQUIRE_POSTGRES",
        "install PostgreSQL's server (Debian and Ubuntu: apt-get install postgresql), or point \
         PG_BIN at the folder of initdb and postgres, or TEST_DATABASE_URL at a server",
    );
}

/// A program that comes with PostgreSQL, such as `pgbench`; none when it is not there.
pub fn program(name: &str) -> Option<PathBuf> {
    binaries().map(|bin| bin.join(name)).filter(|program| program.exists())
}

fn binaries() -> Option<PathBuf> {
    let has_both = |bin: &PathBuf| bin.join("initdb").exists() && bin.join("postgres").exists();
    if let Some(bin) = std::env::var_os("PG_BIN") {
        return Some(PathBuf::from(bin)).filter(has_both);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
    let bins = versions.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin"))).filter(|(_, bin)| has_both(bin))
    });
    bins.max().map(|(_, bin)| bin)
}
