//! Another writer that comes between a decision and its commit: races lost on purpose.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio::time::timeout;
use vacancy_persistence::Failpoint;
use vacancy_testkit::PATIENCE;
use vacancy_testkit::database::Database;

/// Sits at the failpoint of a replica and runs SQL of its own right before commits begin.
#[derive(Clone)]
pub struct Rival {
    db: Database,
    moves: Arc<Mutex<VecDeque<Move>>>,
    commits: Arc<AtomicUsize>,
    held_up: Arc<Semaphore>,
    let_go: Arc<Semaphore>,
}

#[derive(Clone)]
enum Move {
    Write(String),
    HoldUp,
}

impl Rival {
    pub fn on(db: &Database) -> Self {
        let none = || Arc::new(Semaphore::new(0));
        Self {
            db: db.clone(),
            moves: Arc::default(),
            commits: Arc::default(),
            held_up: none(),
            let_go: none(),
        }
    }

    /// For the options of the replica to disturb.
    pub fn failpoint(&self) -> Failpoint {
        let rival = self.clone();
        Failpoint::before_commit(move || {
            let rival = rival.clone();
            async move { rival.act().await }
        })
    }

    /// Runs `sql` before each of the next `times` commits.
    pub fn interfere(&self, times: usize, sql: &str) {
        let mut moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        moves.extend(std::iter::repeat_n(Move::Write(sql.to_owned()), times));
    }

    /// Makes each of the next `times` commits wait until it is let go.
    pub fn hold_up(&self, times: usize) {
        let mut moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        moves.extend(std::iter::repeat_n(Move::HoldUp, times));
    }

    /// Waits until so many more commits are held up.
    pub async fn has_held_up(&self, times: u32) {
        let held_up = timeout(PATIENCE, self.held_up.acquire_many(times)).await;
        held_up.expect("the commits come").expect("never closed").forget();
    }

    /// Lets so many of those that are held up go on.
    pub fn let_go(&self, times: usize) {
        self.let_go.add_permits(times);
    }

    /// How many commits were about to begin since the last call.
    pub fn commits(&self) -> usize {
        self.commits.swap(0, Ordering::SeqCst)
    }

    async fn act(&self) {
        self.commits.fetch_add(1, Ordering::SeqCst);
        let next = self.moves.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match next {
            None => {}
            Some(Move::Write(sql)) => self.db.sql(&sql).await,
            Some(Move::HoldUp) => {
                self.held_up.add_permits(1);
                self.let_go.acquire().await.expect("never closed").forget();
            }
        }
    }

    /// SQL that writes to a room as every write does: one version, one event.
    pub fn room_write(&self, room: &str) -> String {
        self.room_sql(room, "", "room_edited", "NULL")
    }

    /// SQL that deletes a room.
    pub fn room_deletion(&self, room: &str) -> String {
        let mark = format!(", deleted_at = {}", self.db.kind().now());
        self.room_sql(room, &mark, "room_deleted", "NULL")
    }

    /// SQL that writes to a booking, and with that to its room.
    pub fn booking_write(&self, room: &str, booking: &str) -> String {
        let (room_id, booking) = (self.db.kind().uuid(room), self.db.kind().uuid(booking));
        let room = self.room_sql(room, "", "booking_edited", &booking);
        format!(
            "{room} UPDATE bookings SET version = version + 1, room_version = \
             (SELECT version FROM rooms WHERE id = {room_id}) WHERE id = {booking};"
        )
    }

    /// SQL that writes to a hotel.
    pub fn hotel_write(&self, hotel: &str) -> String {
        let id = self.db.kind().uuid(hotel);
        format!("UPDATE hotels SET version = version + 1 WHERE id = {id};")
    }

    /// SQL that closes a room.
    pub fn room_closure(&self, room: &str) -> String {
        self.room_sql(room, ", status = 'closed'", "room_edited", "NULL")
    }

    /// SQL of a writer who ignores the room's version: a copy of a booking on other nights.
    pub fn lawless_booking(
        &self,
        booking: &str,
        id: &str,
        check_in: &str,
        check_out: &str,
    ) -> String {
        let (booking, id) = (self.db.kind().uuid(booking), self.db.kind().uuid(id));
        format!(
            "INSERT INTO bookings (room_id, id, hotel_id, guest_name, guests, check_in, check_out,
                 status, version, room_version, created_at, updated_at)
             SELECT room_id, {id}, hotel_id, guest_name, guests, '{check_in}', '{check_out}',
                 status, version, room_version, created_at, updated_at
             FROM bookings WHERE id = {booking};"
        )
    }

    fn room_sql(&self, room: &str, also: &str, event: &str, booking: &str) -> String {
        let (id, now) = (self.db.kind().uuid(room), self.db.kind().now());
        format!(
            "UPDATE rooms SET version = version + 1{also} WHERE id = {id};
             INSERT INTO room_events (room_id, version, kind, booking_id, at, data, write_id)
             SELECT id, version, '{event}', {booking}, {now}, '{{}}', id FROM rooms WHERE id = {id};"
        )
    }
}
