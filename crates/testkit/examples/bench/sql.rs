//! SQL in the words of either database, and INSERTs for whatever columns the tables have.
//!
//! The bench runs beside releases whose tables differ. So an INSERT names the columns that it knows
//! and that are there, and gives a value of the right type to any other that must not be NULL.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Statement};
use vacancy_testkit::database::{Database, Kind};

const POSTGRES_COLUMNS: &str =
    "SELECT table_name::text AS place, column_name::text AS name, data_type::text AS type,
    (is_nullable = 'NO' AND column_default IS NULL)::int::bigint AS needed
    FROM information_schema.columns
    WHERE table_schema = 'public' AND is_generated = 'NEVER' AND is_identity = 'NO'
    ORDER BY table_name, ordinal_position";

const SQLITE_COLUMNS: &str = r#"SELECT m.name AS place, p.name AS name, p.type AS type,
    CAST(p."notnull" AND p.dflt_value IS NULL AS INTEGER) AS needed
    FROM sqlite_master AS m, pragma_table_info(m.name) AS p WHERE m.type = 'table'
    ORDER BY m.name, p.cid"#;

/// A column of a table.
#[derive(Clone, Debug)]
struct Column {
    name: String,
    /// As the database calls it.
    kind: String,
    /// Whether an INSERT has to give it a value.
    needed: bool,
}

/// The tables of one database, and how SQL is written for it.
#[derive(Clone, Debug)]
pub struct Sql {
    kind: Kind,
    tables: BTreeMap<String, Vec<Column>>,
}

impl Sql {
    /// Looks at the tables that are there.
    pub async fn read(database: &Database) -> Self {
        let kind = database.kind();
        let query = if kind == Kind::Postgres { POSTGRES_COLUMNS } else { SQLITE_COLUMNS };
        let connection = database.connect().await;
        let statement = Statement::from_string(connection.get_database_backend(), query);
        let rows = connection.query_all_raw(statement).await.expect("the catalogue can be read");
        let mut tables = BTreeMap::<_, Vec<_>>::new();
        for row in rows {
            let text = |name| row.try_get::<String>("", name).expect("a text");
            let needed = row.try_get::<i64>("", "needed").expect("a number") != 0;
            let column = Column { name: text("name"), kind: text("type").to_lowercase(), needed };
            tables.entry(text("place")).or_default().push(column);
        }
        connection.close().await.expect("closing a pool cannot fail");
        Self { kind, tables }
    }

    /// `INSERT INTO table (…) SELECT …`, to be followed by a FROM clause. `known` is what is known
    /// of the columns; those that the table does not have are left out.
    ///
    /// Panics when the table is not there, or has a column that must be given and whose type is
    /// unknown.
    pub fn insert(&self, table: &str, known: &[(&str, &str)]) -> String {
        let columns = self.tables.get(table).unwrap_or_else(|| panic!("there is no table {table}"));
        let value = |column: &Column| {
            let given = known.iter().find(|(name, _)| *name == column.name);
            let given = given.map(|(_, value)| (*value).to_owned());
            given.or_else(|| column.needed.then(|| self.anything(table, column).to_owned()))
        };
        let pairs = columns.iter().filter_map(|column| Some((column.name.clone(), value(column)?)));
        let (names, values): (Vec<_>, Vec<_>) = pairs.unzip();
        format!("INSERT INTO {table} ({}) SELECT {}", names.join(", "), values.join(", "))
    }

    /// Some value that the column takes.
    fn anything(&self, table: &str, column: &Column) -> &'static str {
        match (self.kind, column.kind.as_str()) {
            (Kind::Postgres, "uuid") => "gen_random_uuid()",
            (Kind::Postgres, "timestamp with time zone") => "now()",
            (Kind::Postgres, "date") => "current_date",
            (Kind::Postgres, "jsonb" | "json" | "array") => "'{}'",
            (Kind::Postgres, "bytea") => r"'\x00'::bytea",
            (Kind::Postgres, "boolean") => "false",
            (_, "bigint" | "integer" | "smallint" | "numeric" | "int") => "1",
            (_, "text" | "character varying") => "'-'",
            (Kind::Sqlite, "blob") => "randomblob(16)",
            (_, kind) => panic!("what does {table}.{}, a {kind}, take?", column.name),
        }
    }

    /// Rows with a column `n` that counts from 0 to `count` − 1.
    pub fn series(&self, count: i64) -> String {
        let last = count - 1;
        match self.kind {
            Kind::Postgres => format!("(SELECT generate_series(0, {last})::bigint AS n) AS s"),
            Kind::Sqlite => format!(
                "(WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < {last})
                 SELECT n FROM c) AS s"
            ),
        }
    }

    /// The id that [`id`] writes as text, where `number` is an expression.
    pub fn id(&self, family: u16, number: &str) -> String {
        match self.kind {
            Kind::Postgres => format!(
                "CAST('0190{family:04x}-0000-7000-8000-' \
                 || lpad(to_hex(CAST({number} AS bigint)), 12, '0') AS uuid)"
            ),
            Kind::Sqlite => {
                format!("unhex('0190{family:04x}000070008000' || printf('%012x', {number}))")
            }
        }
    }

    /// The day that is `days`, an expression, from today.
    pub fn day(&self, days: &str) -> String {
        match self.kind {
            Kind::Postgres => format!("(current_date + CAST({days} AS int))"),
            Kind::Sqlite => format!("date('now', ({days}) || ' days')"),
        }
    }

    /// The instant that is so many hours from now.
    pub fn in_hours(&self, hours: u32) -> String {
        match self.kind {
            Kind::Postgres => format!("(now() + interval '{hours} hours')"),
            Kind::Sqlite => {
                format!("strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now', '+{hours} hours')")
            }
        }
    }
}

/// The id of the `number`-th row of a family: as UUIDs of version 7 go, in ascending order.
pub fn id(family: u16, number: u64) -> String {
    format!("0190{family:04x}-0000-7000-8000-{number:012x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(kind: Kind, columns: &[(&str, &str, bool)]) -> Sql {
        let columns = columns.iter().map(|(name, kind, needed)| Column {
            name: (*name).to_owned(),
            kind: (*kind).to_owned(),
            needed: *needed,
        });
        Sql { kind, tables: BTreeMap::from([("events".to_owned(), columns.collect())]) }
    }

    #[test]
    fn columns_that_came_later_get_a_value_and_those_that_went_are_left_out() {
        let known = [("version", "7"), ("gone", "8"), ("optional", "9")];
        let columns = [
            ("version", "bigint", true),
            ("write_id", "uuid", true),
            ("note", "text", false),
            ("optional", "bigint", false),
        ];
        assert_eq!(
            sql(Kind::Postgres, &columns).insert("events", &known),
            "INSERT INTO events (version, write_id, optional) SELECT 7, gen_random_uuid(), 9"
        );
        let columns = columns.map(|(name, kind, needed)| {
            (name, if kind == "uuid" { "blob" } else { "integer" }, needed)
        });
        assert_eq!(
            sql(Kind::Sqlite, &columns).insert("events", &known),
            "INSERT INTO events (version, write_id, optional) SELECT 7, randomblob(16), 9"
        );
    }

    #[test]
    #[should_panic(expected = "events.shape")]
    fn a_type_that_is_not_known_is_named() {
        sql(Kind::Postgres, &[("shape", "polygon", true)]).insert("events", &[]);
    }

    #[test]
    fn ids_are_ordered_by_family_and_number() {
        assert_eq!(id(2, 255), "01900002-0000-7000-8000-0000000000ff");
        assert!(id(2, 9) < id(2, 10) && id(2, u64::from(u32::MAX)) < id(3, 0));
    }
}
