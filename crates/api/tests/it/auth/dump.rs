//! Whether a text is anywhere in a database.

use vacancy_testkit::database::{Database, Kind};

/// The text is in no row of any table and, on SQLite, in no byte of the file. Nothing must have the
/// file open any more: what its log holds goes into it with the last connection.
pub async fn check_is_nowhere(db: &Database, text: &str) {
    assert!(!is_somewhere(db, text).await, "{text} is in the database");
}

pub async fn is_somewhere(db: &Database, text: &str) -> bool {
    match db.kind() {
        Kind::Sqlite => {
            let path = db.url().trim_start_matches("sqlite://").split('?').next().expect("a file");
            ["", "-wal", "-journal"].iter().any(|suffix| {
                let bytes = std::fs::read(format!("{path}{suffix}")).unwrap_or_default();
                assert!(!suffix.is_empty() || bytes.len() > 4096, "the database's file");
                bytes.windows(text.len()).any(|bytes| bytes == text.as_bytes())
            })
        }
        Kind::Postgres => {
            // Every table as text. Bytes come as base64, and none of them are texts.
            let dump = "SELECT database_to_xml(true, false, '')::text AS dump";
            let found = format!("SELECT COUNT(*) FROM ({dump}) AS d WHERE dump LIKE '%{text}%'");
            db.count(&found).await > 0
        }
    }
}
