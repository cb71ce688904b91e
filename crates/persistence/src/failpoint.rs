//! A place for tests to write in between a decision and its commit.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

type Hook = dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// Awaited right before each commit begins its transaction. Nothing in production sets it: it is
/// how a test loses a race on purpose, without luck.
#[derive(Clone, Default)]
pub struct Failpoint(Option<Arc<Hook>>);

impl Failpoint {
    /// Calls `hook` before each commit.
    pub fn before_commit<F>(hook: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self(Some(Arc::new(move || Box::pin(hook()))))
    }

    pub(crate) async fn reached(&self) {
        if let Some(hook) = &self.0 {
            hook().await;
        }
    }
}

impl fmt::Debug for Failpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_some() { "Failpoint(set)" } else { "Failpoint" })
    }
}
