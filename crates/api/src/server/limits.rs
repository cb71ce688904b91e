//! What one client, and all of them together, may use.

use std::time::Duration;

/// What one client, and all of them together, may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the head of a request, from its first byte; for the first of a connection, from the
    /// moment it was accepted, so that a silent client is cut too.
    pub header_read_timeout: Duration,
    /// How long a connection may wait for its next request. Longer than proxies keep their idle
    /// connections (commonly 60 s): the side that sends requests should be the one to close.
    pub idle_timeout: Duration,
    /// How long an answer may wait for a client that does not read it.
    pub write_stall_timeout: Duration,
    /// How long what a client still sends is read and thrown away after the last answer. Closing
    /// at once would reset the connection, and an answer such as 413 would be lost with it.
    pub linger: Duration,
    /// Open connections. Each further one is accepted in place of the one that has waited longest
    /// for its next request, which is closed.
    pub connections_max: usize,
    /// How many connections are accepted beyond that when none waits: for probes, which have to be
    /// answered. Any other request on them is refused, and they are closed after one answer.
    pub probe_connections_max: usize,
    /// For the head of a request, in bytes. Above what the router allows, so that the router is the
    /// one to answer 414 and 431, with a problem document.
    pub read_buffer_max_bytes: usize,
    /// For the unfinished heads of all connections together, in bytes; what goes beyond is cut.
    pub head_bytes_max: usize,
    /// Header fields of a request. More than fit into the bytes that the router allows, so that it
    /// is the bytes that count.
    pub headers_max: usize,
    /// After a stop, how long connections may go on while every answer asks them to close.
    pub leave_grace: Duration,
    /// After a stop, when connections that are still open are dropped.
    pub drain_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_read_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(75),
            write_stall_timeout: Duration::from_secs(30),
            linger: Duration::from_secs(2),
            connections_max: 4_096,
            probe_connections_max: 64,
            read_buffer_max_bytes: 32 * 1024,
            head_bytes_max: 32 * 1024 * 1024,
            headers_max: 4_096,
            leave_grace: Duration::from_secs(1),
            drain_deadline: Duration::from_secs(10),
        }
    }
}
