//! Which statement of a connection commits what it writes.

/// Follows the transactions of one connection.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    /// Whether BEGIN was executed, and neither COMMIT nor ROLLBACK since.
    open: bool,
}

impl Transactions {
    /// Whether `statement`, which is executed next, commits: COMMIT does, and so does a statement that
    /// writes and is a transaction of its own.
    pub(super) fn commits(&mut self, statement: &str) -> bool {
        let alone = !self.open && writes(statement);
        let commit = is(statement, "commit");
        if commit || is(statement, "rollback") {
            self.open = false;
        } else if statement.trim_start().to_ascii_lowercase().starts_with("begin") {
            self.open = true;
        }
        alone || commit
    }
}

fn is(statement: &str, word: &str) -> bool {
    statement.trim().trim_end_matches(';').trim_end().eq_ignore_ascii_case(word)
}

/// Whether it writes rows. Comments do not count, nor does FOR UPDATE.
fn writes(statement: &str) -> bool {
    let code = statement.lines().filter(|line| !line.trim_start().starts_with("--"));
    let code = code.collect::<Vec<_>>().join(" ").to_ascii_uppercase();
    let words: Vec<_> = code.split(|c: char| !c.is_ascii_alphabetic()).collect();
    let inserts = words.windows(2).any(|pair| pair == ["INSERT", "INTO"]);
    let deletes = words.windows(2).any(|pair| pair == ["DELETE", "FROM"]);
    let updates = words.contains(&"UPDATE") && words.contains(&"SET");
    inserts || deletes || updates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commit_commits_and_so_does_a_write_by_itself() {
        for (statements, commits) in [
            (&["COMMIT"][..], true),
            (&["commit;"], true),
            (&[" Commit ; "], true),
            (&["ROLLBACK"], false),
            (&["SELECT 'COMMIT'"], false),
            (&["COMMIT PREPARED 'x'"], false),
            (&["WITH a AS (UPDATE rooms SET x = 1 RETURNING id) SELECT 1 FROM a"], true),
            (&["-- not an\nINSERT INTO keys VALUES (1)"], true),
            (&["-- INSERT INTO keys\nSELECT 1"], false),
            (&["SELECT id FROM rooms FOR NO KEY UPDATE"], false),
            (&["BEGIN", "UPDATE rooms SET x = 1"], false),
            (&["BEGIN READ WRITE", "INSERT INTO keys VALUES (1)", "COMMIT"], true),
            (&["BEGIN", "ROLLBACK", "DELETE FROM keys"], true),
        ] {
            let mut transactions = Transactions::default();
            let last = statements.iter().map(|statement| transactions.commits(statement)).last();
            assert_eq!(last, Some(commits), "{statements:?}");
        }
    }
}
