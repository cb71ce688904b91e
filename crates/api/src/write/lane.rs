//! Who goes when: writes of one room in one process queue instead of racing each other. At its turn
//! a write takes along all that wait.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;
use vacancy_domain::RoomId;

/// The lanes of all rooms. One exists while a write is in it.
#[derive(Debug)]
pub struct Lanes<T>(Arc<Mutex<HashMap<RoomId, Arc<Lane<T>>>>>);

#[derive(Debug)]
struct Lane<T> {
    waiting: Mutex<VecDeque<T>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// A place in a room's lane.
#[derive(Debug)]
pub struct Place<T> {
    lanes: Lanes<T>,
    room: RoomId,
    /// Absent while it is dropped.
    lane: Option<Arc<Lane<T>>>,
}

/// The turn: until it is dropped, no other write of the room is at work in this process.
#[derive(Debug)]
pub struct LaneTurn<T> {
    // In this order: the next turn begins before the lane is looked at for removal.
    _turn: OwnedMutexGuard<()>,
    place: Place<T>,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Lanes<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Lanes<T> {
    /// A place in the lane of `room`.
    #[must_use]
    pub fn place(&self, room: RoomId) -> Place<T> {
        let new = || Arc::new(Lane { waiting: Mutex::default(), turn: Arc::default() });
        let lane = self.lanes().entry(room).or_insert_with(new).clone();
        Place { lanes: self.clone(), room, lane: Some(lane) }
    }

    /// How many writes wait for their turn.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lanes().values().map(|lane| lane.waiting().len()).sum()
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<RoomId, Arc<Lane<T>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Lane<T> {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Place<T> {
    /// Puts `member` at the end of those that wait, for whichever turn takes it.
    pub fn wait(&self, member: T) {
        self.lane().waiting().push_back(member);
    }

    /// Waits for the turn: first come, first served.
    pub async fn turn(&self) -> LaneTurn<T> {
        let turn = self.lane().turn.clone().lock_owned().await;
        LaneTurn { _turn: turn, place: self.lanes.place(self.room) }
    }

    fn lane(&self) -> &Lane<T> {
        self.lane.as_ref().expect("it is there until it is dropped")
    }
}

impl<T> LaneTurn<T> {
    /// Takes up to `most` of those that wait, in order of arrival: as many as may go together, or
    /// one that goes `alone`.
    #[must_use]
    pub fn take(&self, most: usize, alone: impl Fn(&T) -> bool) -> Vec<T> {
        let mut waiting = self.place.lane().waiting();
        let together = waiting.iter().take(most).take_while(|member| !alone(member)).count();
        let count = together.max(1).min(waiting.len());
        waiting.drain(..count).collect()
    }
}

/// What an attempt holds of lanes while it is at work.
pub trait Turns<T>: Send + 'static {
    /// Takes all that wait behind it.
    fn take_all(&self) -> Vec<T> {
        Vec::new()
    }
}

impl<T: Send + 'static> Turns<T> for LaneTurn<T> {
    fn take_all(&self) -> Vec<T> {
        self.place.lane().waiting().drain(..).collect()
    }
}

/// The lanes of a move, whose rooms are hardly ever both held.
impl<T: Send + 'static> Turns<T> for (LaneTurn<T>, LaneTurn<T>) {}

/// Without lanes, nothing waits.
impl<T> Turns<T> for () {}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        let mut lanes = self.lanes.lanes();
        // Under the lock, so that the last of several that leave at once sees that it is the last.
        self.lane = None;
        if lanes.get(&self.room).is_some_and(|lane| Arc::strong_count(lane) == 1) {
            lanes.remove(&self.room);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ROOM: RoomId = RoomId(Uuid::nil());

    #[tokio::test]
    async fn a_turn_takes_all_that_wait_in_order() {
        let lanes = Lanes::default();
        let place = lanes.place(ROOM);
        (1..=5).for_each(|member| place.wait(member));
        assert_eq!(lanes.waiting(), 5);
        let turn = place.turn().await;
        assert_eq!(turn.take(2, |_| false), [1, 2]);
        assert_eq!(turn.take(64, |member| *member == 5), [3, 4]);
        assert_eq!(turn.take(64, |member| *member == 5), [5]);
        assert_eq!(turn.take(64, |_| false), [0; 0]);
    }

    #[tokio::test]
    async fn one_turn_at_a_time_and_no_lane_is_left_behind() {
        let lanes = Lanes::<()>::default();
        let (first, second) = (lanes.place(ROOM), lanes.place(ROOM));
        let turn = first.turn().await;
        let early = tokio::time::timeout(std::time::Duration::from_millis(10), second.turn());
        assert!(early.await.is_err(), "the turn is taken");
        drop(turn);
        let turn = second.turn().await;
        drop((first, second));
        assert_eq!(lanes.lanes().len(), 1, "a turn keeps its lane");
        drop(turn);
        assert_eq!(lanes.lanes().len(), 0);
    }

    #[tokio::test]
    async fn other_rooms_do_not_wait() {
        let lanes = Lanes::<()>::default();
        let _turn = lanes.place(ROOM).turn().await;
        let _other = lanes.place(RoomId(Uuid::max())).turn().await;
    }
}
