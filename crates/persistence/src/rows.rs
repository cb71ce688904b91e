//! Several tables in one row of a result: their columns by position, in one order everywhere.

use sea_orm::{DbErr, QueryResult, TryGetable};

use crate::entity::{booking, room};

const ROOM: &[&str] = &[
    "id",
    "hotel_id",
    "number",
    "kind",
    "capacity",
    "rate_amount",
    "rate_currency",
    "status",
    "times_booked",
    "version",
    "created_at",
    "updated_at",
    "deleted_at",
];

const BOOKING: &[&str] = &[
    "room_id",
    "id",
    "hotel_id",
    "guest_name",
    "guest_email",
    "guests",
    "check_in",
    "check_out",
    "status",
    "hold_expires_at",
    "total_amount",
    "total_currency",
    "version",
    "room_version",
    "created_at",
    "updated_at",
    "made_by",
    "source",
    "reference",
    "continues",
    "continued_by",
    "metadata",
];

/// Writes out each `{room:alias}` and `{booking:alias}` of a statement as the columns of that table.
pub(crate) fn expand(sql: &str) -> String {
    let mut parts = sql.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        let (table, alias) = name.split_once(':').unwrap_or((name, ""));
        let columns = if table == "room" { ROOM } else { BOOKING };
        let columns: Vec<_> = columns.iter().map(|column| format!("{alias}.{column}")).collect();
        text.push_str(&columns.join(", "));
        text.push_str(rest);
    }
    text
}

/// Reads the columns of a row one after the other.
pub(crate) struct Columns<'a> {
    row: &'a QueryResult,
    next: usize,
}

impl<'a> Columns<'a> {
    pub(crate) fn new(row: &'a QueryResult) -> Self {
        Self::after(row, 0)
    }

    /// Passes over the first `columns`.
    pub(crate) fn after(row: &'a QueryResult, columns: usize) -> Self {
        Self { row, next: columns }
    }

    /// The next column, without passing over it.
    pub(crate) fn peek<T: TryGetable>(&self) -> Result<T, DbErr> {
        self.row.try_get_by_index(self.next)
    }

    pub(crate) fn take<T: TryGetable>(&mut self) -> Result<T, DbErr> {
        self.next += 1;
        self.row.try_get_by_index(self.next - 1)
    }

    /// Reads a room, or passes over the columns of one that a LEFT JOIN did not find.
    pub(crate) fn room(&mut self) -> Result<Option<room::Model>, DbErr> {
        if self.peek::<Option<uuid::Uuid>>()?.is_none() {
            self.next += ROOM.len();
            return Ok(None);
        }
        Ok(Some(room::Model {
            id: self.take()?,
            hotel_id: self.take()?,
            number: self.take()?,
            kind: self.take()?,
            capacity: self.take()?,
            rate_amount: self.take()?,
            rate_currency: self.take()?,
            status: self.take()?,
            times_booked: self.take()?,
            version: self.take()?,
            created_at: self.take()?,
            updated_at: self.take()?,
            deleted_at: self.take()?,
        }))
    }

    /// As [`Self::room`], a booking.
    pub(crate) fn booking(&mut self) -> Result<Option<booking::Model>, DbErr> {
        if self.peek::<Option<uuid::Uuid>>()?.is_none() {
            self.next += BOOKING.len();
            return Ok(None);
        }
        Ok(Some(booking::Model {
            room_id: self.take()?,
            id: self.take()?,
            hotel_id: self.take()?,
            guest_name: self.take()?,
            guest_email: self.take()?,
            guests: self.take()?,
            check_in: self.take()?,
            check_out: self.take()?,
            status: self.take()?,
            hold_expires_at: self.take()?,
            total_amount: self.take()?,
            total_currency: self.take()?,
            version: self.take()?,
            room_version: self.take()?,
            created_at: self.take()?,
            updated_at: self.take()?,
            made_by: self.take()?,
            source: self.take()?,
            reference: self.take()?,
            continues: self.take()?,
            continued_by: self.take()?,
            metadata: self.take()?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_written_out_column_by_column() {
        let text = expand("SELECT {room:r}, x FROM {booking:b}.");
        assert!(text.starts_with("SELECT r.id, r.hotel_id, "), "{text}");
        assert!(text.contains("r.deleted_at, x FROM b.room_id, "), "{text}");
        assert!(text.ends_with("b.metadata."), "{text}");
    }
}
