//! Empty databases of either kind, each for one test alone, and the macro that makes one test two.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use vacancy_persistence::{ConnectError, Store, StoreOptions};

use crate::cluster::{self, Server};
use crate::folder::Folder;
use crate::{PATIENCE, eventually};

/// The two kinds of database that the service runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

impl Kind {
    /// A UUID as it is written in SQL.
    #[must_use]
    pub fn uuid(self, id: impl std::fmt::Display) -> String {
        let id = id.to_string();
        match self {
            Self::Sqlite => format!("x'{}'", id.replace('-', "")),
            Self::Postgres => format!("'{id}'::uuid"),
        }
    }

    /// The database's time in SQL, in the form in which instants are stored.
    #[must_use]
    pub fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')",
            Self::Postgres => "now()",
        }
    }
}

/// An empty database for one test. Clones are the same one; it is removed with the last of them.
#[derive(Clone, Debug)]
pub struct Database(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    url: String,
    home: Home,
    /// Why its rows need not be sound when the test ends.
    unsound: OnceLock<&'static str>,
}

/// What has to be removed in the end.
#[derive(Debug)]
enum Home {
    File { _folder: Folder },
    Shared { name: String },
    Private,
}

impl Database {
    /// Makes an empty database.
    ///
    /// None when `kind` is PostgreSQL, there is none here, and tests may skip it; that was said on
    /// stderr. Panics when `VACANCY_REQUIRE_POSTGRES` is set and there is none.
    pub async fn create(kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::Sqlite => {
                let folder = Folder::new("sqlite");
                let file = folder.path().join("vacancy.db");
                let url = format!("sqlite://{}?mode=rwc", file.display());
                Self::at(url, Home::File { _folder: folder })
            }
            Kind::Postgres => {
                let mut url = cluster::shared().await?;
                let name = create_on(url.as_str()).await;
                url.set_path(&name);
                Self::at(url.into(), Home::Shared { name })
            }
        })
    }

    /// Makes an empty PostgreSQL database on a server of the test's own, to vanish with it.
    pub async fn on(server: &Server) -> Self {
        let name = create_on(&server.url("postgres")).await;
        Self::at(server.url(&name), Home::Private)
    }

    fn at(url: String, home: Home) -> Self {
        eprintln!("test database: {url}");
        Self(Arc::new(Shared { url, home, unsound: OnceLock::new() }))
    }

    /// What to give to the service as `--database-url`.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self.0.home {
            Home::File { .. } => Kind::Sqlite,
            Home::Shared { .. } | Home::Private => Kind::Postgres,
        }
    }

    /// Its host and port, for [`crate::wire::Wire::start`]. Panics for SQLite, which has none.
    pub fn address(&self) -> std::net::SocketAddr {
        let url = reqwest::Url::parse(self.url()).expect("a URL was given");
        let mut addresses =
            url.socket_addrs(|| Some(5432)).expect("the server's host has an address");
        addresses.pop().expect("a resolved host has at least one address")
    }

    /// A new connection past the service. Close it in the end: SQLite is held open by it.
    pub async fn connect(&self) -> DatabaseConnection {
        let url = self.url();
        open(url).await.unwrap_or_else(|error| panic!("cannot open {url}: {error}"))
    }

    /// Runs statements past the service, for example to break rows on purpose.
    pub async fn sql(&self, statements: &str) {
        let connection = self.connect().await;
        let result = connection.execute_unprepared(statements).await;
        result.unwrap_or_else(|error| panic!("{error} in: {statements}"));
        close(connection).await;
    }

    /// The one number that a query such as `SELECT COUNT(*) FROM bookings` answers, as a `bigint`.
    pub async fn count(&self, query: &str) -> i64 {
        let connection = self.connect().await;
        let statement = Statement::from_string(connection.get_database_backend(), query);
        let row = connection.query_one_raw(statement).await;
        let row = row.unwrap_or_else(|error| panic!("{error} in: {query}"));
        let row = row.unwrap_or_else(|| panic!("no row from: {query}"));
        let count = row.try_get_by_index(0).unwrap_or_else(|error| panic!("{error} in: {query}"));
        close(connection).await;
        count
    }

    /// Moves the end of every hold an hour into the past. Returns how many holds there were.
    pub async fn let_holds_lapse(&self) -> u64 {
        let an_hour_ago = match self.kind() {
            // The service's own format, to the microsecond.
            Kind::Sqlite => "strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now', '-1 hour')",
            Kind::Postgres => "now() - interval '1 hour'",
        };
        let update =
            format!("UPDATE bookings SET hold_expires_at = {an_hour_ago} WHERE status = 'held'");
        let connection = self.connect().await;
        let result = connection.execute_unprepared(&update).await;
        let holds = result.unwrap_or_else(|error| panic!("{error} in: {update}")).rows_affected();
        close(connection).await;
        holds
    }

    /// Locks every room, and on SQLite everything else too, as a transaction does that takes
    /// its time: until it is let go, no write to any of them comes through.
    pub async fn hold_rooms(&self) -> Held {
        let held = self.hold().await;
        if self.kind() == Kind::Postgres {
            let lock = "SELECT 1 FROM rooms FOR UPDATE";
            held.transaction.execute_unprepared(lock).await.expect("rooms can be locked");
        }
        held
    }

    /// Uses an idempotency key without keeping it, as a request does that another process has not
    /// committed yet: until it is let go, no other can tell whether it is used.
    pub async fn hold_key(&self, key: &str) -> Held {
        let held = self.hold().await;
        let insert = format!(
            "INSERT INTO idempotency_keys (key, fingerprint, status, created_at, expires_at)
             VALUES ('{key}', '', 201, now(), now() + interval '1 day')"
        );
        held.transaction.execute_unprepared(&insert).await.expect("the key is not used");
        held
    }

    /// Writes something without keeping it, as a request does that another process has not committed
    /// yet.
    pub async fn hold_write(&self, sql: &str) -> Held {
        let held = self.hold().await;
        held.transaction.execute_unprepared(sql).await.expect("it can be written");
        held
    }

    /// Waits until as many sessions of PostgreSQL as `count` wait for a lock.
    pub async fn until_waiting(&self, count: usize) {
        const WAITING: &str = "SELECT COUNT(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let what = format!("{count} sessions wait for a lock");
        eventually(&what, PATIENCE, || async {
            let waiting = usize::try_from(self.count(WAITING).await);
            waiting.is_ok_and(|waiting| waiting >= count).then_some(())
        })
        .await;
    }

    async fn hold(&self) -> Held {
        let connection = self.connect().await;
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = connection.begin_with_options(options).await;
        let transaction = transaction.expect("a transaction can begin when nothing else writes");
        Held { transaction, connection }
    }

    /// Says that this test leaves rows which break the rules, or no tables at all, and why it does:
    /// the audit at the end of [`crate::on_both_databases!`] is left out.
    pub fn is_left_unsound(&self, why: &'static str) {
        eprintln!("{} is not audited: {why}", self.url());
        self.0.unsound.get_or_init(|| why);
    }

    /// Runs the service's own audit, beside whatever serves the database. Panics with what it finds.
    pub async fn assert_audit_is_clean(&self) {
        let options = StoreOptions {
            url: self.url().to_owned(),
            connections: 1,
            statement_timeout: PATIENCE,
            exclusive: false,
        };
        let url = self.url();
        let store = connect(&options).await;
        let violations = store.audit().await;
        let violations = violations.unwrap_or_else(|error| panic!("cannot audit {url}: {error}"));
        store.close().await;
        assert!(violations.is_empty(), "the audit of {url} finds {violations:#?}");
    }
}

/// What an open transaction keeps from others. See [`Database::hold_rooms`],
/// [`Database::hold_key`] and [`Database::hold_write`].
#[derive(Debug)]
pub struct Held {
    transaction: DatabaseTransaction,
    connection: DatabaseConnection,
}

impl Held {
    /// Ends the transaction, of which nothing is kept.
    pub async fn let_go(self) {
        self.transaction.rollback().await.expect("nothing stands in its way");
        close(self.connection).await;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the failed test ran on {}", self.url);
        }
        let Home::Shared { name } = &self.home else { return };
        let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        // Not on this thread, which may be driving other tasks of the test.
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(drop_shared(&statement));
        });
        // A server of our own takes its databases with it; from any other they have to be removed.
        if cluster::shared_outlives_us() && dropping.join().is_err() {
            eprintln!("{} stays behind", self.url);
        }
    }
}

async fn drop_shared(statement: &str) {
    let url = cluster::shared().await.expect("the database was made on it");
    let Ok(connection) = open(url.as_str()).await else { return };
    if let Err(error) = connection.execute_unprepared(statement).await {
        eprintln!("{statement}: {error}");
    }
    close(connection).await;
}

/// Makes a database on the server that `url` names and returns the new one's name.
async fn create_on(url: &str) -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{number}_{}", std::process::id());
    let connection = open(url).await.expect("the PostgreSQL server for tests can be reached");
    // There is never a connection to template0, so tests do not get into each other's way.
    let statement = format!("CREATE DATABASE {name} TEMPLATE template0");
    let made = connection.execute_unprepared(&statement).await;
    made.unwrap_or_else(|error| panic!("{statement}: {error}"));
    close(connection).await;
    name
}

/// The service's store. It gives a database that is slow to answer a few seconds; a loaded machine may
/// need more, so it is asked again. So is a SQLite file that is in use: a process that another test is
/// about to start may have its lock until it runs its program.
pub(crate) async fn connect(options: &StoreOptions) -> Store {
    let started = Instant::now();
    loop {
        match Store::connect(options).await {
            Ok(store) => return store,
            Err(ConnectError::Unreachable { .. } | ConnectError::InUse(_))
                if started.elapsed() < PATIENCE => {}
            Err(error) => panic!("cannot open {}: {error}", options.url),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn open(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).acquire_timeout(PATIENCE).sqlx_logging(false);
    sea_orm::Database::connect(options).await
}

async fn close(connection: DatabaseConnection) {
    connection.close().await.expect("closing a pool cannot fail");
}

/// One list of tests for both databases: each `async fn name(db: Database) { … }` becomes the two
/// tests `name::sqlite` and `name::postgres`, on a runtime of two threads. Each ends with the audit,
/// unless it has said by [`Database::is_left_unsound`] why its rows break the rules.
///
/// The crate that uses it needs tokio with `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! on_both_databases {
    ($($(#[$attribute:meta])* async fn $name:ident($db:ident: $Database:ty) $body:block)*) => { $(
        $(#[$attribute])*
        async fn $name($db: $Database) $body

        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::database::run($crate::database::Kind::Sqlite, super::$name).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::database::run($crate::database::Kind::Postgres, super::$name).await;
            }
        }
    )* };
}

/// Runs a test on a new database, unless it is one of PostgreSQL and that is skipped, and audits
/// what it leaves.
#[doc(hidden)]
pub async fn run<F: Future<Output = ()>>(kind: Kind, test: impl FnOnce(Database) -> F) {
    let Some(database) = Database::create(kind).await else { return };
    test(database.clone()).await;
    if database.0.unsound.get().is_none() {
        database.assert_audit_is_clean().await;
    }
}
