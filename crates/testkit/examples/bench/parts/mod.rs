//! The parts of a run, each of which measures one kind of work and returns its section of the
//! report.

pub mod growth;
pub mod history;
pub mod hot;
pub mod idle;
pub mod keyed;
pub mod overload;
pub mod read;
pub mod sqlite;
pub mod trips;
pub mod uniform;
