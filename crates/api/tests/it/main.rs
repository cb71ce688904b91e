//! The service as its users see it: one list of tests, on SQLite and on PostgreSQL.

mod support;

mod smoke;
