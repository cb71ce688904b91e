//! Opening a database, with every setting that correctness rests on said and read back.

mod file_lock;
mod file_watch;
mod open;
mod options;
mod pools;
mod postgres;
mod postgres_check;
mod reader;
mod readiness;
mod retire;
mod sqlite;

pub(crate) use file_lock::FileLock;
pub(crate) use file_watch::FileWatch;
pub use options::{ConnectError, StoreOptions};
pub use pools::PoolUse;
pub(crate) use pools::Pools;
pub(crate) use reader::Reader;
pub use readiness::Readiness;
pub(crate) use retire::Retirement;
