//! What is counted and logged when a request is denied something, or turned away.

use std::sync::Arc;

use super::warnings::Warnings;
use crate::metrics::{Denial, Metrics};

/// Counts denials, and warns of some.
#[derive(Debug)]
pub struct Denials {
    metrics: Arc<Metrics>,
    warnings: Warnings,
}

impl Denials {
    /// Counts into `metrics`.
    #[must_use]
    pub fn of(metrics: Arc<Metrics>) -> Self {
        Self { metrics, warnings: Warnings::default() }
    }

    /// A request with this credential (a key's id, a token's subject) was denied something.
    pub fn deny(&self, credential: &str, reason: Denial) {
        self.metrics.denied(reason);
        self.warnings.warn(credential, reason.label());
    }

    /// A request was turned away; that is counted elsewhere.
    pub fn warn(&self, credential: &str, why: &str) {
        self.warnings.warn(credential, why);
    }
}
