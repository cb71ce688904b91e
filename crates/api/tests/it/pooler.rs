//! A pgbouncer between the service and PostgreSQL: what works, and what is refused in one line.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use vacancy_testkit::PATIENCE;
use vacancy_testkit::cluster::{Server, free_port};
use vacancy_testkit::database::Database;
use vacancy_testkit::folder::Folder;
use vacancy_testkit::process::Process;
use vacancy_testkit::skip::skip;

use crate::support::{Api, binary};

/// Where Debian puts it.
const PGBOUNCER: &str = "/usr/sbin/pgbouncer";
/// How many ports are tried when another program is quicker to take the one that was free.
const PORTS_TRIED: u32 = 5;
/// The user and group ids of `nobody`: pgbouncer refuses root.
const NOBODY: u32 = 65534;

/// One that ends with this value.
struct Pooler {
    _child: Child,
    _folder: Folder,
    port: u16,
}

impl Pooler {
    /// In front of `server`, with these settings beside what every one needs.
    async fn start(server: &Server, settings: &str) -> Self {
        for _ in 0..PORTS_TRIED {
            if let Some(started) = Self::start_at(free_port(), server, settings).await {
                return started;
            }
        }
        panic!("no free port for pgbouncer in {PORTS_TRIED} tries");
    }

    /// None when it ends at once: another program was quicker to take the port.
    async fn start_at(port: u16, server: &Server, settings: &str) -> Option<Self> {
        let folder = Folder::new("pgbouncer");
        let config = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             {settings}\n",
            server.port()
        );
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, config).expect("a new folder can be written");
        let mut command = Command::new(PGBOUNCER);
        if std::fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0) {
            for path in [folder.path(), &file] {
                chown(path, Some(NOBODY), Some(NOBODY)).expect("root may give things away");
            }
            command.uid(NOBODY).gid(NOBODY);
        }
        let child = command.arg("-q").arg(&file).kill_on_drop(true).spawn();
        let mut child = child.expect("it is installed");
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if child.try_wait().expect("our own child can be asked").is_some() {
                return None;
            }
            assert!(began.elapsed() < PATIENCE, "pgbouncer does not listen");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Some(Self { _child: child, _folder: folder, port })
    }

    fn url(&self, db: &Database) -> String {
        let name = db.url().rsplit('/').next().expect("a URL has a path");
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }
}

/// Drops what sessions are told at start.
const IGNORE: &str = "ignore_startup_parameters = options,extra_float_digits";
/// What the sessions must be told then by other means.
const ROLE: &str = "ALTER ROLE postgres SET statement_timeout = '5s'; \
                    ALTER ROLE postgres SET lock_timeout = '1s'; \
                    ALTER ROLE postgres SET idle_in_transaction_session_timeout = '10s'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_is_told_its_settings_and_keeps_sessions_or_is_refused() {
    if !Path::new(PGBOUNCER).exists() {
        let what = "CONNECTIONS THROUGH A POOLER ARE NOT TESTED: no pgbouncer here";
        skip(what, "VACANCY_REQUIRE_PGBOUNCER", "install pgbouncer");
        return;
    }
    let Some(server) = Server::start().await else { return };
    let db = Database::on(&server).await;
    let refused = async |settings: &str, why: &str| {
        let pooler = Pooler::start(&server, settings).await;
        let url = pooler.url(&db);
        let args = ["serve", "--listen", "127.0.0.1:0", "--database-url", &url];
        let ended = Process::run(binary(), &args).await;
        assert_eq!(ended.code, Some(1), "{settings}: {ended:?}");
        assert!(ended.stderr.contains(why), "{settings}: {ended:?}");
        assert!(ended.stderr.contains("connect it to PostgreSQL directly"), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{settings}: {ended:?}");
    };
    let (session, transaction) =
        (format!("pool_mode = session\n{IGNORE}"), format!("pool_mode = transaction\n{IGNORE}"));
    refused("pool_mode = transaction", "refuses the session's settings").await;
    refused("pool_mode = session", "refuses the session's settings").await;
    refused(&session, "statement_timeout is not set").await;
    refused(&transaction, "for single transactions").await;
    db.sql(ROLE).await;
    refused(&transaction, "for single transactions").await;

    let pooler = Pooler::start(&server, &session).await;
    let mut service = Process::start(binary(), &pooler.url(&db), &[]).await;
    let api = Api::new(service.url());
    let room = api.one_room().await;
    for night in 0..20 {
        api.book(&room, night, night + 1).await.expect(201);
    }
    service.terminate().await;
    db.assert_audit_is_clean().await;
}
