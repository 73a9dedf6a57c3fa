//! The two ports of a managed Geth.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::{ManagedError, error::tried};

/// How often a starting Geth is asked, and how long each time.
const POLL: Duration = Duration::from_millis(25);
const ANSWER: Duration = Duration::from_secs(1);

/// A port that Geth is to have, held for it until it starts.
#[derive(Debug)]
pub(super) struct Port {
    number: u16,
    purpose: &'static str,
    held: parking_lot::Mutex<Option<TcpListener>>,
}

impl Port {
    /// Takes a port, or a free one for 0.
    pub(super) fn take(number: u16, purpose: &'static str) -> Result<Self, ManagedError> {
        let listener = match number {
            0 => tried(|| format!("cannot find a free port for {purpose}"), alys_peers::free_port())?,
            number => bind(number, purpose)?,
        };
        let number = tried(|| "cannot ask for a port's number".to_owned(), listener.local_addr())?.port();
        Ok(Self { number, purpose, held: parking_lot::Mutex::new(Some(listener)) })
    }

    pub(super) fn number(&self) -> u16 {
        self.number
    }

    /// Lets go of the port for Geth, or says who has it: somebody else.
    pub(super) fn release(&self) -> Result<(), ManagedError> {
        match self.held.lock().take() {
            Some(_held) => Ok(()),
            None => bind(self.number, self.purpose).map(drop),
        }
    }

    /// Waits until an HTTP server answers there, whatever it says.
    pub(super) async fn answers(&self) {
        while !timeout(ANSWER, ask(self.number)).await.is_ok_and(|read| read.is_ok_and(|read| read > 0)) {
            sleep(POLL).await;
        }
    }
}

fn bind(number: u16, purpose: &'static str) -> Result<TcpListener, ManagedError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, number)).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ManagedError::PortInUse { port: number, purpose },
        _ => ManagedError::Io { what: format!("cannot listen on port {number} of 127.0.0.1"), source },
    })
}

async fn ask(port: u16) -> io::Result<usize> {
    let mut stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    stream.read(&mut [0; 16]).await
}
