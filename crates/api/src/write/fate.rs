//! What has become of a commit whose answer was lost, while there is time to find out.

use std::time::Duration;

use tokio::time::Instant;
use vacancy_persistence::{Fate, Store, Write};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// Finds out what has become of `write` until `deadline`; after that its fate is open.
pub(super) async fn settle(store: &Store, write: &Write, deadline: Option<Instant>) -> Fate {
    let Some(receipt) = write.receipt() else {
        // Nothing but answers was kept: the requests find them when they are decided again.
        return Fate::NotCommitted;
    };
    while deadline.is_none_or(|deadline| Instant::now() < deadline) {
        match store.fate(&receipt).await {
            Ok(Fate::Open) => {}
            Ok(settled) => return settled,
            Err(error) => tracing::debug!(%error, "the outcome of a commit is still unknown"),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Fate::Open
}
