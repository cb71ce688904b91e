//! What the commands on a booking have in common: each is a transition of its state.

use vacancy_domain::{Booking, BookingId, Decided, Decision, Instant, Room};

use super::view::written;
use crate::about::About;
use crate::http::problem::Problem;
use crate::http::request::EmptyBody;
use crate::metrics;
use crate::write::{Look, Operation, Ruling, Seen, Stop, Subject, Turn};

/// A command on a booking.
#[derive(Debug)]
pub struct Command {
    /// What it is.
    pub about: &'static About,
    /// What it counts as.
    pub counts_as: metrics::Operation,
    /// The booking.
    pub booking: BookingId,
    /// A body, where there should be none, is a problem.
    pub body: Result<EmptyBody, Problem>,
    /// What the domain decides of the booking, its room and the time.
    pub decide: fn(&Booking, &Room, Instant) -> Decision<Booking>,
}

impl Operation for Command {
    fn about(&self) -> &'static About {
        self.about
    }

    fn counts_as(&self) -> metrics::Operation {
        self.counts_as
    }

    fn looks_at(&self) -> Look {
        Look { booking: Some(self.booking), ..Look::default() }
    }

    fn subject(&self, seen: &Seen) -> Result<Subject, Problem> {
        let version = seen.booking(self.booking)?.0.version;
        Ok(Subject { kind: "booking", id: self.booking.0, version })
    }

    fn decide(&self, seen: &Seen, turn: &mut Turn) -> Result<Ruling, Stop> {
        self.body.as_ref().map_err(Clone::clone)?;
        let (booking, calendar) = seen.booking(self.booking)?;
        Ok(match (self.decide)(booking, &calendar.room, seen.now())? {
            Decided::Changed(change, booking) => Ruling::Write(change, written(&booking, turn)?),
            Decided::Unchanged(booking) => Ruling::Unchanged(written(&booking, turn)?),
        })
    }
}
