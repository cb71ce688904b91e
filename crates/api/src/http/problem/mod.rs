//! Every problem the API answers with: its kind, its document (RFC 9457), its cause.

mod code;
mod document;
#[expect(clippy::module_inception, reason = "the enum that the folder is about")]
mod problem;
mod refusal;
mod store;

pub use self::code::Code;
pub use self::document::{Document, MEDIA_TYPE, StayView};
pub use self::problem::Problem;
