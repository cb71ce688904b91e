//! HTTP as this service speaks it: preconditions, problems, bodies, keys, lists.

pub mod body;
pub mod cursor;
pub mod etag;
pub mod idempotency;
pub mod layers;
pub mod list;
pub mod patch;
pub mod path;
pub mod problem;
pub mod query;
pub mod reply;
pub mod view;
