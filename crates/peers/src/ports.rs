//! Ports for programs that are told theirs before they listen.

use std::{
    hash::{BuildHasher as _, RandomState},
    io,
    net::{Ipv4Addr, TcpListener},
    ops::Range,
    process,
};

/// Below what systems give to outgoing connections: Linux from 32768 on, others from 49152 (RFC 6335, section 6).
///
/// A port from up there is free only until somebody connects somewhere: while Geth starts, or is away for a
/// minute, it can become the near end of a stranger's connection, even of one to itself. Geth then cannot listen.
const PORTS: Range<u16> = 20_000..32_000;

/// A port of 127.0.0.1 that nobody uses, and that no outgoing connection will be given.
///
/// It is held as long as the listener is kept. Then it is free for the program that it was found for.
///
/// # Errors
/// The system's, where it lets nobody listen; [`io::ErrorKind::AddrInUse`] where every port is taken.
pub fn free_port() -> io::Result<TcpListener> {
    // Anywhere in the range, so that two who look at the same time do not meet at each step.
    let length = PORTS.end - PORTS.start;
    let random = RandomState::new().hash_one(process::id()) % u64::from(length);
    let first = u16::try_from(random).unwrap_or(0);
    let ports = (first..length).chain(0..first).map(|offset| PORTS.start + offset);
    first_free(ports)
}

/// The first of these ports that can be had.
fn first_free(ports: impl Iterator<Item = u16>) -> io::Result<TcpListener> {
    use io::ErrorKind::{AddrInUse, PermissionDenied};

    let mut taken = io::Error::from(AddrInUse);
    for port in ports {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            // Some systems keep ports to themselves.
            Err(error) if matches!(error.kind(), AddrInUse | PermissionDenied) => taken = error,
            other => return other,
        }
    }
    Err(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(listener: &TcpListener) -> u16 {
        listener.local_addr().unwrap().port()
    }

    #[test]
    fn no_outgoing_connection_is_given_a_free_port() {
        let held: Vec<_> = (0..50).map(|_| free_port().unwrap()).collect();
        for listener in &held {
            assert!(PORTS.contains(&number(listener)));
        }
        #[cfg(target_os = "linux")]
        {
            let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
            let first: u16 = range.split_whitespace().next().unwrap().parse().unwrap();
            assert!(PORTS.end <= first, "outgoing connections have {range}");
        }
    }

    #[test]
    fn what_somebody_has_is_passed_over_and_said_where_nothing_is_left() {
        let mine = free_port().unwrap();
        let free = number(&free_port().unwrap());
        let found = first_free([number(&mine), free].into_iter()).unwrap();
        assert_eq!(number(&found), free);
        let refused = first_free([number(&mine), free].into_iter()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    }
}
