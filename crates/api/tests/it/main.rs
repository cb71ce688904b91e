//! The service as its users see it: one list of tests, on SQLite and on PostgreSQL.

#![allow(clippy::disallowed_methods, reason = "tests look at the clock and the environment")]

mod crowd;
mod raw;
mod rival;
mod support;

mod altered_tables;
mod ambiguity;
mod auth;
mod bad_input;
mod cli;
mod conditional;
mod contract;
mod cost;
mod crash;
mod day_ends;
mod examples;
mod faults;
mod files;
mod guests;
mod holds;
mod hot_rooms;
mod idempotency;
mod lanes;
mod limits;
mod lists;
mod logs;
mod metadata;
mod metrics;
mod overload;
mod pooler;
mod prefix;
mod races;
mod readiness;
mod references;
mod room_change;
mod rules;
mod shutdown;
mod signals;
mod smoke;
mod storm;
mod time_zones;
mod versions;
