//! Which of the two databases a URL names.

use super::options::{ConnectError, StoreOptions};
use super::{postgres, sqlite};
use crate::Store;

impl Store {
    /// Opens the database. Fails at once, in one line, when it is not there or not fit.
    pub async fn connect(options: &StoreOptions) -> Result<Self, ConnectError> {
        if options.url.starts_with("sqlite:") {
            sqlite::connect(options).await
        } else {
            postgres::connect(options).await
        }
    }
}
