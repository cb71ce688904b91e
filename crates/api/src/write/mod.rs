//! The executor: how a write is carried out. In a task of its own, attempt by attempt, alone or with
//! all that wait for the same room, and counted once.

mod attempt;
mod conditions;
mod counting;
mod end;
mod fate;
mod hotel;
mod lane;
mod operation;
mod permitted;
mod retry;
mod rooms;
mod run;

pub use hotel::{HotelOperation, write_hotel};
pub use lane::Lanes;
pub use operation::{Look, Member, Nights, Operation, Ruling, Seen, Stop, Subject, Turn};
pub use rooms::{attempt_in_room, write_rooms};
pub use run::{Claimed, Failure, Run, check_no_precondition, run_write};
