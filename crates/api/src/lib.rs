//! The only crate that knows HTTP: from a request to an answer, once, downwards.
//!
//! `router` leads to a handler; the handler makes the request an *operation*, a value, and hands it to
//! `write`, which reads one snapshot, has the operation decide, and commits, until it is settled.

mod about;
pub mod admission;
pub mod app;
pub mod auth;
mod bookings;
pub mod cli;
pub mod config;
mod demo;
mod docs;
pub mod healthcheck;
mod hotels;
mod http;
mod keys;
pub mod metrics;
mod openapi;
mod probes;
mod rooms;
mod router;
pub mod server;
mod sweeper;
pub mod telemetry;
mod write;
pub mod zoneinfo;
