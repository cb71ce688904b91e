//! A client's socket, bounded in how long it may leave an answer unread.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::framing::Framing;
use super::open::OpenConnection;

/// A client's socket that counts what was read, and fails when the client does not read.
pub(super) struct BoundedSocket {
    stream: TcpStream,
    open: Arc<OpenConnection>,
    framing: Framing,
    /// Runs while a write waits.
    write_stall: Option<Pin<Box<Sleep>>>,
    write_stall_timeout: Duration,
}

impl BoundedSocket {
    /// Tells `open` what is read.
    pub(super) fn new(
        stream: TcpStream,
        open: Arc<OpenConnection>,
        write_stall_timeout: Duration,
    ) -> Self {
        Self { stream, open, framing: Framing::default(), write_stall: None, write_stall_timeout }
    }

    /// Gives the socket back.
    pub(super) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Passes `written` on; a wait that has become too long becomes an error.
    fn bounded<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_stall = None;
            return written;
        }
        let timeout = self.write_stall_timeout;
        let stall = self.write_stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(stall.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

impl AsyncRead for BoundedSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let read = buffer.filled().len() - before;
        let this = &mut *self;
        let shown = this.framing.read(&buffer.filled()[before..]);
        this.open.shown(shown);
        if this.open.read(read) {
            return Poll::Ready(Ok(()));
        }
        let error = "the unfinished heads of all requests are too large together";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::OutOfMemory, error)))
    }
}

impl AsyncWrite for BoundedSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.bounded(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.bounded(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
