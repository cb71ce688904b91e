//! Everything this API can say no with, as problem documents (RFC 9457).

mod code;
mod document;
#[expect(clippy::module_inception, reason = "the enum that the folder is about")]
mod problem;
mod refusal;
mod store;

pub use self::code::Code;
pub use self::document::{Document, MEDIA_TYPE, StayView};
pub use self::problem::Problem;
