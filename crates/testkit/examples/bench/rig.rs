//! What all parts of a run share: the options, the database server, the clock.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use vacancy_testkit::cluster::Server;
use vacancy_testkit::database::{Database, Kind};

use crate::options::Options;
use crate::rooms;
use crate::service;
use crate::sql::Sql;

/// Rooms for bookings over all of them.
pub const ROOMS: i64 = 10_000;
/// Rooms for bookings of one, for the service and for the reference each: one after the other.
pub const HOT_ROOMS: i64 = 4_000;

/// Checkpoints come when a slice begins, never within one. Durability is PostgreSQL's default.
const SETTINGS: &[&str] = &["max_wal_size=8GB", "checkpoint_timeout=1h"];

/// The surroundings of a run.
#[derive(Debug)]
pub struct Rig {
    /// The command line.
    pub options: Options,
    /// The release binary, found from any folder.
    pub binary: PathBuf,
    /// A PostgreSQL server of the run's own.
    pub server: Server,
    began: Instant,
    /// What did not hold, in the order in which it was seen.
    pub failures: Vec<String>,
}

impl Rig {
    /// Starts the server. Fails when the binary or PostgreSQL is not there.
    pub async fn new(options: Options) -> Result<Self, String> {
        let binary = options.binary.canonicalize();
        let binary = binary.map_err(|error| format!("{}: {error}", options.binary.display()))?;
        let server = Server::start_with(SETTINGS).await.ok_or("PostgreSQL is needed")?;
        Ok(Self { options, binary, server, began: Instant::now(), failures: Vec::new() })
    }

    /// How long a slice lasts.
    pub fn duration(&self) -> Duration {
        Duration::from_secs(self.options.seconds)
    }

    /// Says on standard error how far the run is.
    pub fn progress(&self, what: &str) {
        eprintln!("bench: {:4} s  {what}", self.began.elapsed().as_secs());
    }

    /// A new database of either kind with the tables of the release, empty.
    pub async fn database(&self, kind: Kind) -> (Database, Sql) {
        let database = match kind {
            Kind::Sqlite => Database::create(kind).await.expect("SQLite is always there"),
            Kind::Postgres => Database::on(&self.server).await,
        };
        let arguments = ["migrate", "--database-url", database.url()];
        let (said, done) = service::command(&self.binary, &arguments).await;
        assert!(done, "the migration failed: {said}");
        let sql = Sql::read(&database).await;
        (database, sql)
    }

    /// The same with the rooms that are booked.
    pub async fn database_with_rooms(&self, kind: Kind) -> (Database, Sql) {
        let (database, sql) = self.database(kind).await;
        let hotels = ROOMS / rooms::ROOMS_IN_A_HOTEL;
        let statements = [
            rooms::hotels(&sql, 0, hotels + 2),
            rooms::rooms(&sql, rooms::ROOMS, ROOMS, 0, rooms::ROOMS_IN_A_HOTEL),
            rooms::rooms(&sql, rooms::HOT_ROOMS, HOT_ROOMS, hotels, HOT_ROOMS),
            rooms::rooms(&sql, rooms::REFERENCE_ROOMS, HOT_ROOMS, hotels + 1, HOT_ROOMS),
        ];
        rooms::load(&database, &statements.concat()).await;
        (database, sql)
    }

    /// Has PostgreSQL write out what is dirty, so that each slice begins alike.
    pub async fn settle(&self, database: &Database) {
        if database.kind() == Kind::Postgres {
            database.sql("CHECKPOINT").await;
        }
    }

    /// Runs the release's own audit and keeps what it finds.
    pub async fn audit(&mut self, database: &Database, part: &str) {
        self.progress(&format!("{part}: audit"));
        let arguments = ["audit", "--database-url", database.url()];
        let (said, clean) = service::command(&self.binary, &arguments).await;
        if !clean {
            let first: Vec<_> = said.lines().take(5).collect();
            self.failures.push(format!("{part}: the audit finds {}", first.join("; ")));
        }
    }
}
