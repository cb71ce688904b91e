//! Opening a database, with every setting that correctness rests on said and read back.

mod file_lock;
mod open;
mod options;
mod pools;
mod postgres;
mod sqlite;

pub use options::{ConnectError, StoreOptions};
pub use pools::PoolUse;
pub(crate) use pools::Pools;
