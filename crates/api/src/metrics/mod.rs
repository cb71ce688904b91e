//! Every metric this service has: names, labels and help live here and nowhere else.
//!
//! There is no global recorder. Each [`Metrics`] owns its registry, so that two replicas can run in
//! one test process without seeing each other's counts. Every series whose labels are known in
//! advance is registered when the value is made, so it is zero from the first scrape on and `rate()`
//! sees its first increment.

#![expect(clippy::disallowed_macros, reason = "this is the folder the others are kept out of")]

mod catalogue;
mod labels;
mod recording;
mod series;
mod text;

pub use labels::{
    AuthMethod, AuthResult, Denial, KeyResult, Operation, Outcome, PreconditionResult,
};
pub use recording::{ActiveRequest, Metrics};
pub use text::CONTENT_TYPE;

#[cfg(test)]
mod tests;
