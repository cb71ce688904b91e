//! Statements that find one row by its id, or those of several requests at once.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use sea_orm::QueryResult;
use sea_orm::sqlx::query;
use uuid::Uuid;

use crate::StoreError;
use crate::hot::Link;
use crate::rows::expand;

const HOTEL: &str = "
SELECT id, name, city, country, time_zone, day_ends, version, created_at, updated_at, deleted_at
FROM hotels WHERE id = $1 AND deleted_at IS NULL";
static ROOM: LazyLock<String> =
    LazyLock::new(|| expand("SELECT {room:r} FROM rooms AS r WHERE r.id = $1"));
static BOOKING: LazyLock<String> =
    LazyLock::new(|| expand("SELECT {booking:b} FROM bookings AS b WHERE b.id = $1"));
const PLACE: &str = "SELECT id, room_id FROM bookings WHERE id = $1";

/// A kind of row that is read by its id, which is its column `id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Single {
    Hotel,
    Room,
    Booking,
    Place,
}

impl Single {
    const ALL: [Self; 4] = [Self::Hotel, Self::Room, Self::Booking, Self::Place];

    /// The statement for one id.
    pub(crate) fn one(self) -> &'static str {
        match self {
            Self::Hotel => HOTEL,
            Self::Room => ROOM.as_str(),
            Self::Booking => BOOKING.as_str(),
            Self::Place => PLACE,
        }
    }
}

/// The same for any number of ids.
static SEVERAL: LazyLock<[String; 4]> =
    LazyLock::new(|| Single::ALL.map(|kind| kind.one().replace("id = $1", "id = ANY ($1)")));

/// Reads the rows of `asks`, each kind by one statement.
pub(crate) async fn postgres_rows(
    link: &mut Link,
    asks: &[(Single, Uuid)],
) -> Result<HashMap<(Single, Uuid), Arc<QueryResult>>, StoreError> {
    let mut rows = HashMap::new();
    for (kind, text) in Single::ALL.into_iter().zip(SEVERAL.iter()) {
        let of_kind = asks.iter().filter(|(asked, _)| *asked == kind);
        let ids: Vec<_> = of_kind.map(|(_, id)| *id).collect();
        if ids.is_empty() {
            continue;
        }
        let found = query(text.as_str()).bind(ids).fetch_all(link.start()).await;
        for row in link.settle(found)? {
            let row = QueryResult::from(row);
            rows.insert((kind, row.try_get("", "id")?), Arc::new(row));
        }
    }
    Ok(rows)
}
