//! The decisions: from one snapshot to a change or a refusal.

mod amend;
mod book;
mod calendar;
mod command;
mod draft;
mod hotel;
mod room;
mod slept;

pub use self::amend::{Amendment, amend};
pub use self::book::NewBooking;
pub use self::calendar::Calendar;
pub use self::command::{cancel, confirm, erase, expire};
