//! What `vacancy` decides, as pure functions: no I/O, no clock, no serialisation.
//!
//! A caller reads one snapshot, asks this crate for a [`Decision`], and commits the [`Change`] it
//! holds with a compare-and-set on the versions the snapshot showed. `now` is always an argument.
//!
//! Files build on one another in one direction: values (`text`, `money`, `stay` …), states (`room`,
//! `booking`, `hotel`), what is written (`event`, `change`, `merge`), and `decide` above them all.

mod booking;
mod capacity;
mod change;
mod decide;
mod decision;
mod event;
mod hotel;
mod ids;
mod invalid;
mod merge;
mod metadata;
mod money;
mod origin;
mod precondition;
mod refusal;
mod room;
mod search;
mod stay;
mod text;
mod time;
mod version;
mod zones;

pub use booking::{Booking, Guest, Status};
pub use capacity::{Capacity, Guests};
pub use change::{BookingChange, Change, HotelChange, RoomChange, RoomWrite};
pub use decide::{Amendment, Calendar, NewBooking, amend, cancel, confirm, erase, expire};
pub use decision::{Decided, Decision, Refused};
pub use event::{Event, EventData, EventKind};
pub use hotel::{Hotel, HotelAttributes};
pub use ids::{BookingId, HotelId, RoomId};
pub use invalid::{Field, Invalid};
pub use metadata::{METADATA_KEY_CHARS_MAX, METADATA_KEYS_MAX, METADATA_VALUE_CHARS_MAX, Metadata};
pub use money::{Amount, Currency, Money, Total};
pub use origin::{Claim, Origin, REFERENCE_CHARS_MAX, Reference, Source};
pub use precondition::{Expected, Preconditions, Stale, Tag};
pub use refusal::Refusal;
pub use room::{Room, RoomAttributes, RoomStatus};
pub use search::{GuestPrefix, folded};
pub use stay::{NIGHTS_MAX, Stay, YEARS_AHEAD_MAX};
pub use text::{Country, Email, TEXT_CHARS_MAX, Text};
pub use time::{Day, DayEnds, HotelDay, Instant, TimeZone};
pub use version::Version;
pub use zones::Zones;
