//! The service as its users see it: one list of tests, on SQLite and on PostgreSQL.

#![allow(clippy::disallowed_methods, reason = "tests look at the clock and the environment")]

mod crowd;
mod support;

mod idempotency;
mod races;
mod smoke;
