//! The only crate that knows HTTP: from a request to an answer, once, downwards.
//!
//! `router` leads to a handler; the handler hands one *attempt* to `write`, which runs it in
//! `retry`'s loop until it is settled: read one snapshot, decide, commit.

pub mod admission;
pub mod app;
mod bookings;
pub mod cli;
pub mod config;
mod demo;
mod docs;
pub mod healthcheck;
mod hotels;
mod http;
pub mod metrics;
mod openapi;
mod probes;
mod retry;
mod rooms;
mod router;
pub mod server;
mod sweeper;
pub mod telemetry;
mod write;
