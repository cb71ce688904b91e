//! Messages of the protocol, as whole pieces.

use std::io::{ErrorKind, Result};

use tokio::io::{AsyncReadExt, BufReader};
use tokio::net::tcp::OwnedReadHalf;

/// Longer than any message of these tests; a length beyond it means that we lost the thread.
const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// One message of the protocol.
pub(super) struct Message {
    /// Its type; none for those that open a connection.
    pub(super) kind: Option<u8>,
    pub(super) body: Vec<u8>,
}

impl Message {
    pub(super) async fn read(from: &mut BufReader<OwnedReadHalf>) -> Result<Self> {
        let kind = from.read_u8().await?;
        let message = Self::read_untyped(from).await?;
        Ok(Self { kind: Some(kind), ..message })
    }

    pub(super) async fn read_untyped(from: &mut BufReader<OwnedReadHalf>) -> Result<Self> {
        // The length counts its own four bytes.
        let length = usize::try_from(from.read_u32().await?).ok().and_then(|n| n.checked_sub(4));
        let length = length.filter(|length| *length <= MESSAGE_BYTES_MAX);
        let mut body = vec![0; length.ok_or(ErrorKind::InvalidData)?];
        from.read_exact(&mut body).await?;
        Ok(Self { kind: None, body })
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.body.len() + 4).expect("bounded when it was read");
        let mut bytes = Vec::with_capacity(self.body.len() + 5);
        bytes.extend(self.kind);
        bytes.extend(length.to_be_bytes());
        bytes.extend(&self.body);
        bytes
    }
}

/// Cuts a string that a NUL ends off the front of `bytes`.
pub(super) fn cut_string<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let string = &bytes[..end];
    *bytes = bytes.get(end + 1..).unwrap_or_default();
    string
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
