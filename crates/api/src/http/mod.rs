//! HTTP as this service speaks it: reading requests strictly, preconditions, keys, problems, lists,
//! and the layers around every request.

pub mod arrival;
pub mod cursor;
pub mod fields;
pub mod in_flight;
pub mod instants;
pub mod json;
pub mod key;
pub mod layers;
pub mod list;
pub mod patch;
pub mod path;
pub mod preconditions;
pub mod prefix;
pub mod problem;
pub mod query;
pub mod reply;
pub mod request;
pub mod request_id;
pub mod same;
pub mod tag;
pub mod viewing;
