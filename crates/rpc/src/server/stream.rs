//! A socket that waits for a slow reader only so long, and meanwhile takes no more requests from it.
//!
//! A client that sends requests and never reads the answers would else make the server hold them all: over a
//! WebSocket, jsonrpsee reads on whatever waits to be written.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

/// A connection's socket.
#[derive(Debug)]
pub(super) struct PatientStream {
    socket: TcpStream,
    patience: Duration,
    /// There while the client takes nothing, and ends the connection.
    stalled: Option<Pin<Box<Sleep>>>,
    /// The patience is spent: nothing is read or written any more.
    given_up: bool,
    /// Who wants to read while the client takes nothing.
    reader: Option<Waker>,
}

impl PatientStream {
    /// Waits for the client to take something for `patience` at most.
    pub(super) fn new(socket: TcpStream, patience: Duration) -> Self {
        Self { socket, patience, stalled: None, given_up: false, reader: None }
    }

    /// Writes by `write`, and notes whether the client takes it.
    fn write<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.given_up {
            return Poll::Ready(Err(gone()));
        }
        let written = write(Pin::new(&mut self.socket), cx);
        if written.is_ready() {
            self.stalled = None;
            self.wake_reader();
            return written;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        if stalled.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.given_up = true;
        self.wake_reader();
        Poll::Ready(Err(gone()))
    }

    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client takes no answers")
}

impl AsyncRead for PatientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.given_up {
            return Poll::Ready(Err(gone()));
        }
        if self.stalled.is_some() {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl AsyncWrite for PatientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.write(cx, |socket, cx| socket.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, |socket, cx| socket.poll_write_vectored(cx, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
