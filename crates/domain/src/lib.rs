//! What `vacancy` decides, as pure functions: no I/O, no clock, no serialisation.
//!
//! A caller reads one snapshot, asks this crate for a [`Decision`], and commits the [`Change`] it
//! holds with a compare-and-set on the versions the snapshot showed. `now` is always an argument.

mod booking;
mod calendar;
mod change;
mod hotel;
mod ids;
mod money;
mod precondition;
mod refusal;
mod room;
mod stay;
mod text;
mod version;

pub use booking::{Booking, Guest, Status};
pub use calendar::{Amendment, Calendar, NewBooking, amend, cancel, confirm, expire};
pub use change::{
    BookingChange, Change, Decision, Event, EventData, EventKind, HotelChange, RoomChange,
    RoomWrite,
};
pub use hotel::{Hotel, HotelAttributes, TimeZone};
pub use ids::{BookingId, HotelId, RoomId};
pub use money::{Currency, Money};
pub use precondition::{Expected, Preconditions, Stale, Tag};
pub use refusal::{Invalid, Refusal};
pub use room::{Room, RoomAttributes, RoomStatus};
pub use stay::{NIGHTS_MAX, Stay, YEARS_AHEAD_MAX};
pub use text::{Country, Email, TEXT_CHARS_MAX, Text};
pub use version::Version;

/// A moment in UTC. The database's clock makes them, in whole microseconds.
pub type Instant = chrono::DateTime<chrono::Utc>;
/// A day in the hotel's calendar.
pub type Day = chrono::NaiveDate;
