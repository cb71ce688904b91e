//! Which booking of a hotel has a reference.

use sea_orm::FromQueryResult;
use vacancy_domain::{Booking, Claim, Instant, Source};

use crate::entity::booking;
use crate::query::{Query, own_columns};
use crate::{Store, StoreError};

/// The booking that has what another one claims.
#[derive(Clone, Debug)]
pub struct Holder {
    /// It is not expired; it may be cancelled.
    pub booking: Booking,
    /// Whether it is a hold whose time is up, and that gives the reference up once this is recorded.
    pub has_lapsed: bool,
}

impl Store {
    /// The booking that keeps others from `claim`.
    pub async fn holder_of(&self, claim: &Claim) -> Result<Option<Holder>, StoreError> {
        let columns = own_columns::<booking::Column>("b");
        let now = self.dialect.now();
        let mut query = Query::new(self.dialect, format!("SELECT {now} AS now, {columns}"));
        query.push(" FROM bookings AS b WHERE b.reference = ").bind(claim.reference.as_str());
        query.push(" AND COALESCE(b.source, '') = ");
        query.bind(claim.source.as_ref().map_or("", Source::as_str));
        query.push(" AND b.hotel_id = ").bind(claim.hotel.0);
        query.push(" AND b.status <> 'expired'");
        let Some(row) = query.one(&self.reader).await? else { return Ok(None) };
        let now: Instant = row.try_get("", "now")?;
        let booking = booking::Model::from_query_result(&row, "")?.into_domain()?;
        let has_lapsed = booking.has_lapsed(now);
        Ok(Some(Holder { booking, has_lapsed }))
    }
}
