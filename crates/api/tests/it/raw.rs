//! A client that sends bytes, not requests.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection.
pub struct Wire(pub TcpStream);

impl Wire {
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).expect("the listener is open");
        socket.set_read_timeout(Some(PATIENCE)).expect("a valid timeout");
        socket.set_write_timeout(Some(PATIENCE)).expect("a valid timeout");
        Self(socket)
    }

    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).expect("the service reads");
    }

    /// Sends what it may, and reads until the service closes the connection.
    #[track_caller]
    pub fn exchange(mut self, bytes: &[u8]) -> String {
        // One that answers early may not read to the end.
        let _ = self.0.write_all(bytes);
        self.rest()
    }

    /// Says that nothing more will come.
    #[track_caller]
    pub fn half_close(&self) {
        self.0.shutdown(Shutdown::Write).expect("it is open");
    }

    /// Reads one answer, to the end of its body.
    #[track_caller]
    pub fn answer(&mut self) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).expect("an answer");
            bytes.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length = length.map_or(0, |length| length.trim().parse().expect("a number"));
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("the whole body");
        bytes.extend(body);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Reads until the service closes or resets the connection.
    #[track_caller]
    pub fn rest(mut self) -> String {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
