//! What the client asks: which statements it has executed, and in how many round trips.

use std::collections::HashMap;
use std::io::Result;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::message::{Message, cut_string, text};
use super::state::{Cut, Shared};
use super::transactions::Transactions;

/// Later than any turn that comes.
const NOTHING_WITHHELD: u64 = u64::MAX;

/// What the client of one connection does not hear.
#[derive(Debug)]
pub(super) struct Withheld {
    /// The turn from which on it hears nothing.
    pub(super) from: AtomicU64,
    /// Whether it does not even hear that the connection has ended.
    pub(super) silently: AtomicBool,
}

impl Default for Withheld {
    fn default() -> Self {
        Self { from: AtomicU64::new(NOTHING_WITHHELD), silently: AtomicBool::new(false) }
    }
}

/// What the client asks on one connection.
///
/// The server answers in turns, each ended by `ReadyForQuery`: one to the startup, then one to each
/// Sync or simple query. So the turn that answers a COMMIT is known when it is asked.
pub(super) struct Requests<'a> {
    shared: &'a Shared,
    withheld: &'a Withheld,
    turns: u64,
    statements: HashMap<Vec<u8>, String>,
    portals: HashMap<Vec<u8>, String>,
    transactions: Transactions,
}

impl<'a> Requests<'a> {
    pub(super) fn new(shared: &'a Shared, withheld: &'a Withheld) -> Self {
        let (statements, portals) = (HashMap::new(), HashMap::new());
        let transactions = Transactions::default();
        Self { shared, withheld, turns: 1, statements, portals, transactions }
    }

    /// Passes messages to the server until the client ends or a COMMIT is to be swallowed.
    pub(super) async fn pass(
        mut self,
        mut client: BufReader<OwnedReadHalf>,
        mut server: OwnedWriteHalf,
    ) -> Result<()> {
        loop {
            let Ok(message) = Message::read(&mut client).await else {
                if self.withheld.from.load(Ordering::SeqCst) != NOTHING_WITHHELD {
                    // The fate of a COMMIT on its way is seen to its end, whether or not a client waits for it.
                    std::future::pending::<()>().await;
                }
                return Ok(());
            };
            if let Some(statement) = self.executed(&message) {
                self.shared.record(&statement);
                if self.transactions.commits(&statement) {
                    match self.shared.next_commit() {
                        Cut::BeforeCommit(_) => return Ok(()),
                        cut @ (Cut::AfterCommit(_) | Cut::Unanswered(_)) => {
                            let silently = matches!(cut, Cut::Unanswered(_));
                            self.withheld.silently.store(silently, Ordering::SeqCst);
                            self.withheld.from.store(self.turns + 1, Ordering::SeqCst);
                        }
                        Cut::None => {}
                    }
                }
            }
            if matches!(message.kind, Some(b'Q' | b'S' | b'F')) {
                self.turns += 1;
                self.shared.state().round_trips += 1;
            }
            server.write_all(&message.bytes()).await?;
        }
    }

    /// The statement that this message has the server execute, if it does.
    fn executed(&mut self, message: &Message) -> Option<String> {
        let mut body = message.body.as_slice();
        match message.kind? {
            b'Q' => return Some(text(cut_string(&mut body))),
            b'P' => {
                let name = cut_string(&mut body).to_vec();
                self.statements.insert(name, text(cut_string(&mut body)));
            }
            b'B' => {
                let portal = cut_string(&mut body).to_vec();
                let statement = self.statements.get(cut_string(&mut body));
                self.portals.insert(portal, statement.cloned().unwrap_or_default());
            }
            b'E' => return self.portals.get(cut_string(&mut body)).cloned(),
            b'C' => {
                let (kind, name) = body.split_first()?;
                let names = if *kind == b'S' { &mut self.statements } else { &mut self.portals };
                let mut name = name;
                names.remove(cut_string(&mut name));
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_commit_is_seen_through_a_prepared_statement() {
        let shared = Shared { state: Mutex::default() };
        let withheld = Withheld::default();
        let mut requests = Requests::new(&shared, &withheld);
        let mut executed = |kind: u8, body: &[u8]| {
            requests.executed(&Message { kind: Some(kind), body: body.to_vec() })
        };
        assert_eq!(executed(b'P', b"s1\0COMMIT\0\0\0"), None);
        assert_eq!(executed(b'B', b"p1\0s1\0\0\0\0\0"), None);
        assert_eq!(executed(b'E', b"p1\0\0\0\0\0"), Some("COMMIT".to_owned()));
        assert_eq!(executed(b'C', b"Pp1\0"), None);
        assert_eq!(executed(b'E', b"p1\0\0\0\0\0"), None);
        assert_eq!(executed(b'Q', b"SELECT 1\0"), Some("SELECT 1".to_owned()));
    }
}
