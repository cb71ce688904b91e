//! Why a room is booked the way it is: two sessions on PostgreSQL, step by step, each way of
//! writing down a booking with the outcome it must have.
//!
//! Several of these are wrong on purpose and double-book. They stay, so that no change "simplifies"
//! the write path into one of them, and so that a PostgreSQL that behaves differently is noticed.
//! The tables are the tests' own and have no guard against overlaps, except where that is tested.
//!
//! | | variant | outcome |
//! |---|---|---|
//! | X1 | check, read the version, insert, compare-and-set | double booking |
//! | X2 | read the version, check, compare-and-set, insert | safe: 0 rows |
//! | X3 | one statement: compare-and-set on a parameter, and nothing in the way | safe: 0 rows |
//! | X4 | the same without the version | double booking |
//! | X5 | one statement that reads the version itself | safe: 0 rows |
//! | X7 | lock the room and check in one statement | double booking |
//! | X8 | lock the room, then check | safe: the check sees the rival |
//! | X8b | X2 under REPEATABLE READ | safe: 40001 |
//! | X9 | exclusion constraint, insert before compare-and-set | safe: 23P01 or a deadlock |
//! | | confirm a hold without the room's compare-and-set | double booking |

use sea_orm::sqlx::{self, AssertSqlSafe, Connection, Either, PgConnection, Row};
use tokio::sync::Barrier;
use tokio::task::JoinHandle;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::{PATIENCE, eventually};

use Expected::{Blocks, Done, Fails, Rows, Value};
use Final::{BookedOnce, BookedTwice};
use Session::{A, B};
use Statement::{
    Begin, BeginRepeatableRead, BookIfFree, BookIfFreeAtOwnReading, BookIfFreeAtVersion, Check,
    Commit, Confirm, Insert, Lapse, Lock, LockIfFree, ReadVersion, Resume, Rollback, Set,
};

#[tokio::test]
async fn x1_check_before_reading_the_version_double_books() {
    let script = &[
        (A, Begin, Done),
        (A, Check, Value(0)),
        (B, Begin, Done),
        (B, Check, Value(0)),
        (B, ReadVersion, Value(1)),
        (B, Insert, Rows(1)),
        (B, Set { seen: 1 }, Rows(1)),
        (B, Commit, Done),
        (A, ReadVersion, Value(2)),
        (A, Insert, Rows(1)),
        // The compare-and-set succeeds: the version is newer than the check.
        (A, Set { seen: 2 }, Rows(1)),
        (A, Commit, Done),
    ];
    check(script, BookedTwice { version: 3 }).await;
}

#[tokio::test]
async fn x2_reading_the_version_before_the_check_is_safe_while_the_rival_is_writing() {
    let script = &[
        (A, Begin, Done),
        (A, ReadVersion, Value(1)),
        (A, Check, Value(0)),
        (A, Set { seen: 1 }, Rows(1)),
        (B, Begin, Done),
        (B, ReadVersion, Value(1)),
        (B, Check, Value(0)),
        (B, Set { seen: 1 }, Blocks),
        (A, Insert, Rows(1)),
        (A, Commit, Done),
        (B, Resume, Rows(0)),
        (B, Rollback, Done),
    ];
    check(script, BookedOnce { version: 2 }).await;
}

#[tokio::test]
async fn x2_reading_the_version_before_the_check_is_safe_when_the_rival_is_done() {
    let script = &[
        (A, Begin, Done),
        (A, ReadVersion, Value(1)),
        (A, Check, Value(0)),
        (B, Begin, Done),
        (B, ReadVersion, Value(1)),
        (B, Check, Value(0)),
        (B, Set { seen: 1 }, Rows(1)),
        (B, Insert, Rows(1)),
        (B, Commit, Done),
        (A, Set { seen: 1 }, Rows(0)),
        (A, Rollback, Done),
    ];
    check(script, BookedOnce { version: 2 }).await;
}

#[tokio::test]
async fn x2_a_rival_that_gives_up_does_not_cost_the_one_who_waited() {
    let script = &[
        (A, Begin, Done),
        (A, ReadVersion, Value(1)),
        (A, Check, Value(0)),
        (A, Set { seen: 1 }, Rows(1)),
        (B, Begin, Done),
        (B, ReadVersion, Value(1)),
        (B, Check, Value(0)),
        (B, Set { seen: 1 }, Blocks),
        (A, Rollback, Done),
        (B, Resume, Rows(1)),
        (B, Insert, Rows(1)),
        (B, Commit, Done),
    ];
    check(script, BookedOnce { version: 2 }).await;
}

#[tokio::test]
async fn x3_one_statement_with_the_version_as_a_parameter_is_safe() {
    let script = &[
        (A, Begin, Done),
        (A, BookIfFreeAtVersion { seen: 1 }, Rows(1)),
        (B, Begin, Done),
        (B, BookIfFreeAtVersion { seen: 1 }, Blocks),
        (A, Commit, Done),
        // The version is compared again on the newest row, and differs.
        (B, Resume, Rows(0)),
        (B, Rollback, Done),
    ];
    check(script, BookedOnce { version: 2 }).await;
}

#[tokio::test]
async fn x4_one_statement_without_the_version_double_books() {
    let script = &[
        (A, Begin, Done),
        (A, BookIfFree, Rows(1)),
        (B, Begin, Done),
        (B, BookIfFree, Blocks),
        (A, Commit, Done),
        // The room is looked at again, the bookings are not: they are those of the old snapshot.
        (B, Resume, Rows(1)),
        (B, Commit, Done),
    ];
    check(script, BookedTwice { version: 3 }).await;
}

#[tokio::test]
async fn x5_one_statement_that_reads_the_version_itself_is_safe() {
    let script = &[
        (A, Begin, Done),
        (A, BookIfFreeAtOwnReading, Rows(1)),
        (B, Begin, Done),
        (B, BookIfFreeAtOwnReading, Blocks),
        (A, Commit, Done),
        (B, Resume, Rows(0)),
        (B, Rollback, Done),
    ];
    check(script, BookedOnce { version: 2 }).await;
}

#[tokio::test]
async fn x7_locking_and_checking_in_one_statement_double_books() {
    let script = &[
        (A, Begin, Done),
        (A, LockIfFree, Value(1)),
        (B, Begin, Done),
        (B, LockIfFree, Blocks),
        (A, Set { seen: 1 }, Rows(1)),
        (A, Insert, Rows(1)),
        (A, Commit, Done),
        // The newest version of the room, and the bookings as they were before.
        (B, Resume, Value(2)),
        (B, Set { seen: 2 }, Rows(1)),
        (B, Insert, Rows(1)),
        (B, Commit, Done),
    ];
    check(script, BookedTwice { version: 3 }).await;
}

#[tokio::test]
async fn x8_locking_first_and_checking_then_is_safe() {
    let script = &[
        (A, Begin, Done),
        (A, Lock, Value(1)),
        (A, Check, Value(0)),
        (B, Begin, Done),
        (B, Lock, Blocks),
        (A, Set { seen: 1 }, Rows(1)),
        (A, Insert, Rows(1)),
        (A, Commit, Done),
        (B, Resume, Value(2)),
        (B, Check, Value(1)),
        (B, Rollback, Done),
    ];
    check(script, BookedOnce { version: 2 }).await;
}

#[tokio::test]
async fn x8b_under_repeatable_read_the_lost_race_is_a_serialization_failure() {
    let script = &[
        (A, BeginRepeatableRead, Done),
        (A, ReadVersion, Value(1)),
        (A, Check, Value(0)),
        (A, Set { seen: 1 }, Rows(1)),
        (B, BeginRepeatableRead, Done),
        (B, ReadVersion, Value(1)),
        (B, Check, Value(0)),
        (B, Set { seen: 1 }, Blocks),
        (A, Insert, Rows(1)),
        (A, Commit, Done),
        (B, Resume, Fails("40001")),
        (B, Rollback, Done),
    ];
    check(script, BookedOnce { version: 2 }).await;
}

#[tokio::test]
async fn confirming_a_hold_without_the_rooms_compare_and_set_double_books() {
    let script = &[
        (A, Begin, Done),
        (A, Check, Value(1)),
        (B, Lapse, Rows(1)),
        // To the rival, who comes later, the hold has run out.
        (B, Begin, Done),
        (B, ReadVersion, Value(1)),
        (B, Check, Value(0)),
        (B, Set { seen: 1 }, Rows(1)),
        (B, Insert, Rows(1)),
        (B, Commit, Done),
        // `now()` is the start of the transaction, and then the hold had not run out.
        (A, Confirm, Rows(1)),
        (A, Commit, Done),
    ];
    check_with_hold(script, BookedTwice { version: 2 }).await;
}

#[tokio::test]
async fn confirming_a_hold_with_the_rooms_compare_and_set_is_safe() {
    let script = &[
        (A, Begin, Done),
        (A, ReadVersion, Value(1)),
        (B, Lapse, Rows(1)),
        (B, Begin, Done),
        (B, ReadVersion, Value(1)),
        (B, Check, Value(0)),
        (B, Set { seen: 1 }, Rows(1)),
        (B, Insert, Rows(1)),
        (B, Commit, Done),
        (A, Set { seen: 1 }, Rows(0)),
        (A, Rollback, Done),
    ];
    check_with_hold(script, BookedOnce { version: 2 }).await;
}

/// X9. How often each error comes is a matter of luck; what must hold is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x9_the_exclusion_constraint_lets_one_win_and_the_loser_sees_23p01_or_a_deadlock() {
    const RACES: i64 = 60;
    let Some(database) = Database::create(Kind::Postgres).await else { return };
    database.sql(TABLES).await;
    database.sql(GUARD).await;
    let rooms = format!("INSERT INTO rooms SELECT room, 1 FROM generate_series(2, {RACES}) room");
    database.sql(&rooms).await;
    let barrier = std::sync::Arc::new(Barrier::new(2));
    let rivals = [A, B].map(|session| {
        let (url, barrier) = (database.url().to_owned(), std::sync::Arc::clone(&barrier));
        tokio::spawn(async move {
            let mut connection = PgConnection::connect(&url).await.expect("a session");
            // A deadlock is looked for after this time, a second by default.
            run(&mut connection, "SET deadlock_timeout = '20ms'").await;
            let mut results = Vec::new();
            for room in 1..=RACES {
                barrier.wait().await;
                results.push(insert_then_compare_and_set(&mut connection, session, room).await);
            }
            results
        })
    });
    let [a, b] = rivals;
    let (a, b) = (a.await.expect("no panic"), b.await.expect("no panic"));
    let mut losers = Vec::new();
    for (room, results) in (1..).zip(a.iter().zip(&b)) {
        let loser = match results {
            (Ok(()), Err(loser)) | (Err(loser), Ok(())) => loser,
            other => panic!("room {room} does not have one winner: {other:?}"),
        };
        assert!(["23P01", "40P01"].contains(loser), "room {room}: {loser}");
        losers.push(*loser);
    }
    let deadlocks = losers.iter().filter(|loser| **loser == "40P01").count();
    eprintln!("{RACES} races: {} × 23P01, {deadlocks} × deadlock", losers.len() - deadlocks);
    assert_eq!(database.count(DOUBLE_BOOKINGS).await, 0);
    assert_eq!(database.count("SELECT count(*) FROM bookings").await, RACES);
    assert_eq!(database.count("SELECT count(*) FROM rooms WHERE version = 2").await, RACES);
}

/// One racer of X9: books and commits, or is told by PostgreSQL with which code it has lost.
async fn insert_then_compare_and_set(
    connection: &mut PgConnection,
    session: Session,
    room: i64,
) -> Result<(), &'static str> {
    let id = 2 * room + i64::from(session == B);
    let insert = format!(
        "INSERT INTO bookings VALUES ({id}, {room}, '2030-01-01', '2030-01-03', 'confirmed')"
    );
    let set = format!("UPDATE rooms SET version = version + 1 WHERE id = {room} AND version = 1");
    run(connection, &Begin.sql(session)).await;
    for (statement, hits) in [(insert, Rows(1)), (set, Rows(1)), (Commit.sql(session), Done)] {
        let outcome = run(connection, &statement).await;
        if let Fails(code) = outcome {
            run(connection, &Rollback.sql(session)).await;
            return Err(code);
        }
        assert_eq!(outcome, hits, "{statement}");
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Session {
    A,
    B,
}

/// What a session does next.
#[derive(Clone, Copy, Debug)]
enum Statement {
    Begin,
    BeginRepeatableRead,
    /// How many bookings are in the way of the stay.
    Check,
    ReadVersion,
    /// The room's compare-and-set.
    Set {
        seen: i64,
    },
    /// The booking: number 1 by session A, number 2 by session B.
    Insert,
    BookIfFreeAtVersion {
        seen: i64,
    },
    BookIfFree,
    BookIfFreeAtOwnReading,
    LockIfFree,
    Lock,
    /// Time passes, and with it the hold.
    Lapse,
    /// The hold becomes a booking, as long as it has not run out.
    Confirm,
    Commit,
    Rollback,
    /// Nothing new: the statement that was blocked before goes on.
    Resume,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Done,
    /// So many rows were written.
    Rows(u64),
    /// The first column of the first row that was read.
    Value(i64),
    /// The other session has to end before this one goes on.
    Blocks,
    /// PostgreSQL refuses with this SQLSTATE.
    Fails(&'static str),
}

/// What the tables say in the end.
#[derive(Clone, Copy, Debug)]
enum Final {
    BookedOnce { version: i64 },
    BookedTwice { version: i64 },
}

const TABLES: &str = "
    CREATE TABLE rooms (id bigint PRIMARY KEY, version bigint NOT NULL);
    CREATE TABLE bookings (
        id bigint PRIMARY KEY, room_id bigint NOT NULL, check_in date NOT NULL,
        check_out date NOT NULL, status text NOT NULL, hold_expires_at timestamptz);
    INSERT INTO rooms VALUES (1, 1)";

const GUARD: &str = "
    CREATE EXTENSION btree_gist;
    ALTER TABLE bookings ADD CONSTRAINT bookings_do_not_overlap
        EXCLUDE USING gist (room_id WITH =, daterange(check_in, check_out) WITH &&)
        WHERE (status IN ('held', 'confirmed'))";

const HOLD: &str = "
    INSERT INTO bookings VALUES
        (1, 1, '2030-01-01', '2030-01-03', 'held', now() + interval '1 hour')";

/// The bookings in the way of a stay from 1 to 3 January 2030.
const IN_THE_WAY: &str = "
    FROM bookings WHERE room_id = 1 AND check_in < '2030-01-03' AND '2030-01-01' < check_out
    AND (status = 'confirmed' OR status = 'held' AND hold_expires_at > now())";

const DOUBLE_BOOKINGS: &str = "
    SELECT count(*) FROM bookings a JOIN bookings b ON a.room_id = b.room_id AND a.id < b.id
    WHERE a.status = 'confirmed' AND b.status = 'confirmed'
    AND a.check_in < b.check_out AND b.check_in < a.check_out";

impl Statement {
    fn sql(self, session: Session) -> String {
        let id = if session == A { 1 } else { 2 };
        let booking = format!("{id}, 1, '2030-01-01'::date, '2030-01-03'::date, 'confirmed'");
        let free = format!("NOT EXISTS (SELECT 1 {IN_THE_WAY})");
        let next = "UPDATE rooms SET version = rooms.version + 1";
        match self {
            Begin => "BEGIN ISOLATION LEVEL READ COMMITTED".to_owned(),
            BeginRepeatableRead => "BEGIN ISOLATION LEVEL REPEATABLE READ".to_owned(),
            Check => format!("SELECT count(*) {IN_THE_WAY}"),
            ReadVersion => "SELECT version FROM rooms WHERE id = 1".to_owned(),
            Set { seen } => format!("{next} WHERE id = 1 AND version = {seen}"),
            Insert => format!("INSERT INTO bookings SELECT {booking}"),
            BookIfFreeAtVersion { seen } => format!(
                "WITH won AS ({next} WHERE id = 1 AND version = {seen} AND {free} RETURNING id)
                 INSERT INTO bookings SELECT {booking} FROM won"
            ),
            BookIfFree => format!(
                "WITH won AS ({next} WHERE id = 1 AND {free} RETURNING id)
                 INSERT INTO bookings SELECT {booking} FROM won"
            ),
            BookIfFreeAtOwnReading => format!(
                "WITH seen AS (SELECT id, version FROM rooms WHERE id = 1),
                 won AS ({next} FROM seen WHERE rooms.id = seen.id
                         AND rooms.version = seen.version AND {free} RETURNING rooms.id)
                 INSERT INTO bookings SELECT {booking} FROM won"
            ),
            LockIfFree => {
                format!("SELECT version FROM rooms WHERE id = 1 AND {free} FOR NO KEY UPDATE")
            }
            Lock => "SELECT version FROM rooms WHERE id = 1 FOR NO KEY UPDATE".to_owned(),
            Lapse => "UPDATE bookings SET hold_expires_at = clock_timestamp()".to_owned(),
            Confirm => "UPDATE bookings SET status = 'confirmed', hold_expires_at = NULL
                        WHERE id = 1 AND status = 'held' AND hold_expires_at > now()"
                .to_owned(),
            Commit => "COMMIT".to_owned(),
            Rollback => "ROLLBACK".to_owned(),
            Resume => unreachable!("it has no statement of its own"),
        }
    }
}

/// The one place that plays a script: room 1 at version 1, without bookings.
async fn check(script: &[(Session, Statement, Expected)], expected: Final) {
    play("", script, expected).await;
}

/// The same, with a hold on the stay, booking 1, that has an hour to run.
async fn check_with_hold(script: &[(Session, Statement, Expected)], expected: Final) {
    play(HOLD, script, expected).await;
}

async fn play(setup: &str, script: &[(Session, Statement, Expected)], expected: Final) {
    let Some(database) = Database::create(Kind::Postgres).await else { return };
    database.sql(&format!("{TABLES};{setup}")).await;
    let (mut a, mut b) = (Actor::new(&database).await, Actor::new(&database).await);
    for (step, (session, statement, outcome)) in script.iter().enumerate() {
        let (actor, other) = match session {
            A => (&mut a, &b),
            B => (&mut b, &a),
        };
        if !matches!(statement, Resume) {
            actor.say(statement.sql(*session));
        }
        let label = format!("step {}: {session:?} {statement:?}", step + 1);
        if *outcome == Blocks {
            actor.await_blocked_by(other, &database, &label).await;
        } else {
            assert_eq!(actor.hear(&label).await, *outcome, "{label}");
        }
    }
    let (bookings, doubles, version) = match expected {
        BookedOnce { version } => (1, 0, version),
        BookedTwice { version } => (2, 1, version),
    };
    let occupying = "SELECT count(*) FROM bookings WHERE status = 'confirmed'";
    assert_eq!(database.count(occupying).await, bookings);
    assert_eq!(database.count(DOUBLE_BOOKINGS).await, doubles);
    assert_eq!(database.count("SELECT version FROM rooms").await, version);
}

/// A session of its own with PostgreSQL that may be waiting for an answer.
struct Actor {
    backend: i32,
    idle: Option<PgConnection>,
    busy: Option<JoinHandle<(PgConnection, Expected)>>,
}

impl Actor {
    async fn new(database: &Database) -> Self {
        let mut connection = PgConnection::connect(database.url()).await.expect("a session");
        let backend = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection);
        let backend = backend.await.expect("every session has a backend");
        Self { backend, idle: Some(connection), busy: None }
    }

    /// Sends a statement without waiting for what comes of it.
    fn say(&mut self, statement: String) {
        let mut connection = self.idle.take().expect("a script resumes what it has blocked");
        self.busy = Some(tokio::spawn(async move {
            let outcome = run(&mut connection, &statement).await;
            (connection, outcome)
        }));
    }

    /// Waits for what comes of the last statement.
    async fn hear(&mut self, label: &str) -> Expected {
        let answer = self.busy.take().expect("a script hears each statement once");
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        let (connection, outcome) = answer.expect(label).expect("sessions do not panic");
        self.idle = Some(connection);
        outcome
    }

    /// Waits until PostgreSQL says that this session waits for a lock of the other one.
    async fn await_blocked_by(&self, other: &Self, database: &Database, label: &str) {
        let busy = self.busy.as_ref().expect("something was said");
        let blocked = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = {} AND wait_event_type = 'Lock'
             AND {} = ANY (pg_blocking_pids(pid))",
            self.backend, other.backend
        );
        eventually(label, PATIENCE, || async {
            assert!(!busy.is_finished(), "{label}: it was not blocked");
            (database.count(&blocked).await == 1).then_some(())
        })
        .await;
    }
}

/// Runs one statement and says what came of it.
async fn run(connection: &mut PgConnection, statement: &str) -> Expected {
    use futures_util::TryStreamExt;
    let mut results = sqlx::raw_sql(AssertSqlSafe(statement)).fetch_many(connection);
    let mut outcome = Done;
    loop {
        match results.try_next().await {
            Ok(Some(Either::Right(row))) => outcome = Value(row.get(0)),
            // After the rows of a query comes their number, which is no news.
            Ok(Some(Either::Left(written))) if outcome == Done && writes_rows(statement) => {
                outcome = Rows(written.rows_affected());
            }
            Ok(Some(Either::Left(_))) => {}
            Ok(None) => return outcome,
            Err(sqlx::Error::Database(error)) => return Fails(sqlstate(error.code().as_deref())),
            Err(error) => panic!("{statement}: {error}"),
        }
    }
}

fn writes_rows(statement: &str) -> bool {
    ["INSERT", "UPDATE", "WITH"].iter().any(|verb| statement.starts_with(verb))
}

/// The codes that these tests know.
fn sqlstate(code: Option<&str>) -> &'static str {
    const KNOWN: [&str; 3] = ["23P01", "40001", "40P01"];
    let known = KNOWN.into_iter().find(|known| Some(*known) == code);
    known.unwrap_or_else(|| panic!("an error that is not expected: {code:?}"))
}
