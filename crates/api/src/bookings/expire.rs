//! Recording that a hold has lapsed: no request asks for it, only the sweeper.

use vacancy_domain::BookingId;

use super::command::Command;
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::{EmptyBody, WriteContext};
use crate::metrics::Operation;
use crate::write::write_rooms;

const ABOUT: About = About { id: "expire_hold", kind: Kind::Command, scope: Scope::Admin };

/// Records that a hold has lapsed, if it has.
pub async fn expire(app: &App, id: BookingId) -> Result<Reply, Problem> {
    let command = Command {
        about: &ABOUT,
        counts_as: Operation::Expire,
        booking: id,
        body: Ok(EmptyBody),
        decide: vacancy_domain::expire,
    };
    write_rooms(app, WriteContext::internal("sweeper"), command).await
}
