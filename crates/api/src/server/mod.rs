//! The HTTP/1 server: an accept loop with a limit on everything, and an orderly end.
//!
//! `axum::serve` has no header timeout, so half a request head would keep a socket, and the end of
//! the process, waiting for ever. Here a client has a few seconds for the head of a request, a
//! connection that stops reading is cut, and the number of connections is bounded.
//!
//! A stop goes in three steps. First, connections that wait in the kernel's queue are still taken,
//! since their clients believe themselves connected, and then the listener is closed. Then, for a
//! short grace, requests are answered as before, but with `Connection: close`: a client that is busy
//! on a kept-alive connection leaves by itself, after an answer, and never finds its next request
//! cut. Last, idle connections are closed, running requests are finished, and what is not done by
//! the deadline is dropped.

mod accept;
mod answer;
mod connection;
mod descriptors;
mod drain;
mod framing;
mod head_timer;
mod limits;
mod open;
mod socket;

#[cfg(test)]
mod test_kit;
#[cfg(test)]
mod tests;

pub use self::answer::{AmbiguousEnd, BeyondLimit};
pub use self::descriptors::{connections_for, raise_descriptors};
pub use self::drain::serve;
pub use self::limits::Limits;
