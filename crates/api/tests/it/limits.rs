//! What one client, or many together, may use of a process.
