//! Proving from the rows alone that nothing was sold twice and nothing was lost.

use sea_orm::TransactionTrait;

use crate::query::Query;
use crate::{Store, StoreError};

/// The most violations listed of one kind.
const VIOLATIONS_MAX: u64 = 1_000;

/// What must hold, each as a query for the rows that break it. `line` is for the operator.
const RULES: &[&str] = &[
    // Two occupying bookings that share a night: of each such pair one begins within the other.
    "SELECT 'room ' || {a.room_id} || ': bookings ' || {a.id} || ' and ' || {b.id} || ' overlap from '
         || b.check_in AS line
     FROM bookings AS a JOIN bookings AS b ON b.room_id = a.room_id
         AND b.check_in >= a.check_in AND b.check_in < a.check_out
         AND (b.check_in > a.check_in OR b.id > a.id)
     WHERE a.status IN ('held', 'confirmed') AND b.status NOT IN ('cancelled', 'expired')",
    "SELECT 'room ' || {r.id} || ': times_booked is ' || r.times_booked || ', confirmed bookings are '
         || COALESCE(sold.bookings, 0) AS line
     FROM rooms AS r LEFT JOIN (
         SELECT room_id, COUNT(*) AS bookings FROM bookings WHERE status = 'confirmed' GROUP BY room_id
     ) AS sold ON sold.room_id = r.id
     WHERE r.times_booked <> COALESCE(sold.bookings, 0)",
    "SELECT 'room ' || {r.id} || ': version is ' || r.version || ', events are '
         || COALESCE(told.events, 0) || ' from ' || COALESCE(told.lowest, 0) || ' to '
         || COALESCE(told.highest, 0) AS line
     FROM rooms AS r LEFT JOIN (
         SELECT room_id, COUNT(*) AS events, MIN(version) AS lowest, MAX(version) AS highest
         FROM room_events GROUP BY room_id
     ) AS told ON told.room_id = r.id
     WHERE COALESCE(told.events, 0) <> r.version OR told.lowest <> 1 OR told.highest <> r.version",
    "SELECT 'booking ' || {b.id} || ': in ' || COUNT(*) || ' rooms at once' AS line
     FROM bookings AS b GROUP BY b.id HAVING COUNT(*) > 1",
    "SELECT 'hotel ' || {b.hotel_id} || ': ' || COUNT(*) || ' bookings, ' || MIN({b.id}) || ' and '
         || MAX({b.id}) || ' among them, have one source and reference' AS line
     FROM bookings AS b WHERE b.reference IS NOT NULL AND b.status <> 'expired'
     GROUP BY b.reference, COALESCE(b.source, ''), b.hotel_id HAVING COUNT(*) > 1",
    "SELECT 'booking ' || {b.id} || ': confirmed in room ' || {b.room_id} || ', which does not exist' AS line
     FROM bookings AS b LEFT JOIN rooms AS r ON r.id = b.room_id
     WHERE b.status = 'confirmed' AND r.id IS NULL",
    "SELECT 'booking ' || {b.id} || ': its last write is version ' || b.room_version || ' of room '
         || {b.room_id} || ', which has no such event of it' AS line
     FROM bookings AS b LEFT JOIN room_events AS e
         ON e.room_id = b.room_id AND e.version = b.room_version AND e.booking_id = b.id
     WHERE e.version IS NULL",
    // The nights slept of a stay that changed rooms, and the booking under which it went on.
    "SELECT 'booking ' || {b.id} || ' of room ' || {b.room_id} || ': continues ' || {b.continues}
         || ', which is no stay that went on before it' AS line
     FROM bookings AS b LEFT JOIN bookings AS slept ON slept.id = b.continues
         AND slept.hotel_id = b.hotel_id AND slept.continued_by IS NOT NULL
         AND slept.check_out <= b.check_in
     WHERE b.continues IS NOT NULL AND slept.id IS NULL",
    "SELECT 'booking ' || {b.id} || ' of room ' || {b.room_id} || ': continued by '
         || {b.continued_by} || ', which continues none' AS line
     FROM bookings AS b LEFT JOIN bookings AS later ON later.id = b.continued_by
         AND later.hotel_id = b.hotel_id AND later.continues IS NOT NULL
     WHERE b.continued_by IS NOT NULL AND later.id IS NULL",
];

impl Store {
    /// One line for each violation; none means that every rule holds. Reads one snapshot, so that
    /// it may run beside a service that writes.
    pub async fn audit(&self) -> Result<Vec<String>, StoreError> {
        let tx = self.reader.begin_with_options(self.dialect.read_only_snapshot()).await?;
        let mut violations = Vec::new();
        for rule in RULES {
            let mut query = Query::new(self.dialect, self.show_ids(rule));
            query.limit(VIOLATIONS_MAX);
            for row in query.all(&tx).await? {
                violations.push(row.try_get("", "line")?);
            }
        }
        tx.rollback().await?;
        Ok(violations)
    }

    /// Replaces each `{column}` with SQL that shows a UUID as text.
    fn show_ids(&self, rule: &str) -> String {
        let mut parts = rule.split('{');
        let mut sql = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (column, rest) = part.split_once('}').unwrap_or((part, ""));
            sql.push_str(&self.dialect.uuid_text(column));
            sql.push_str(rest);
        }
        sql
    }
}
