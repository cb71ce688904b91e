//! Hotels.

pub mod body;
pub mod handlers;
mod service;
