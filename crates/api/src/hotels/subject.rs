//! What the preconditions of a hotel's edits are compared with.

use vacancy_persistence::HotelSnapshot;

use crate::http::problem::Problem;
use crate::write::Subject;

/// The hotel that was seen. Fails with 404 when there is none.
pub fn of(seen: &HotelSnapshot) -> Result<Option<Subject>, Problem> {
    let hotel = seen.hotel.as_ref().ok_or(Problem::NotFound("hotel"))?;
    Ok(Some(Subject { kind: "hotel", id: hotel.id.0, version: hotel.version }))
}
