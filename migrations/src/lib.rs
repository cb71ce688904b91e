//! The tables of `vacancy`, one file a step. See the README beside this crate: expand first,
//! contract a release later.

use async_trait::async_trait;
use sea_orm_migration::prelude::MigrationTrait;

mod m0001_tables;

pub use sea_orm_migration::MigratorTrait;

/// All steps, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_tables::Migration)]
    }
}
