//! The log: lines for people or for machines, on the standard error.
//!
//! A log that fails costs no request its answer. Lines go through a bounded queue to a thread of
//! their own; what does not fit, or cannot be written, is dropped and counted.

mod init;
mod queue;
mod throttle;

pub use self::init::{end, init, last_line};
pub use self::queue::lines_dropped;
pub use self::throttle::Throttle;
