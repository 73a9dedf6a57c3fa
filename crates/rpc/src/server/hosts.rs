//! Who may come: the `Host` a request names, and for WebSocket the `Origin` of the page that opens it.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, Uri, header};

use crate::RpcConfig;

/// Tells strangers apart.
#[derive(Debug)]
pub(super) struct Strangers {
    any_host: bool,
    hosts: Vec<String>,
    any_origin: bool,
    origins: Vec<String>,
}

impl Strangers {
    pub(super) fn new(config: &RpcConfig) -> Self {
        Self {
            any_host: config.any_host(),
            hosts: config.allowed_hosts.clone(),
            any_origin: config.any_origin(),
            origins: config.cors_origins.clone(),
        }
    }

    /// Whether the request is addressed to a name of ours, or to a number.
    ///
    /// A page whose own name was pointed at this machine sends that name. Without the header it is no browser.
    pub(super) fn knows_host(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        if self.any_host {
            return true;
        }
        let mut given = headers.get_all(header::HOST).iter();
        let first = given.next();
        if given.next().is_some() {
            return false;
        }
        let by_header = match first.map(|value| value.to_str()) {
            None => true,
            Some(Ok(value)) => value.is_empty() || self.allows(host_of(value)),
            Some(Err(_)) => false,
        };
        by_header && uri.host().is_none_or(|host| self.allows(host_of(host)))
    }

    fn allows(&self, host: &str) -> bool {
        host.parse::<Ipv4Addr>().is_ok()
            || host.parse::<Ipv6Addr>().is_ok()
            || self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host))
    }

    /// Whether the page that opens a WebSocket may. Browsers ask no leave for WebSockets, so CORS does not help here.
    /// Without the header it is no browser.
    pub(super) fn knows_origin(&self, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(header::ORIGIN).iter();
        match (given.next(), given.next()) {
            (None, _) => true,
            (Some(origin), None) => {
                self.any_origin || self.origins.iter().any(|ours| ours.as_bytes() == origin.as_bytes())
            }
            (Some(_), Some(_)) => false,
        }
    }
}

/// The host of `host[:port]`, without the brackets of IPv6.
fn host_of(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split_once(']').map_or(rest, |(host, _)| host);
    }
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may end by a panic")]
mod tests {
    use super::*;

    fn strangers(hosts: &[&str], origins: &[&str]) -> Strangers {
        Strangers::new(&RpcConfig {
            allowed_hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
            cors_origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
            ..RpcConfig::default()
        })
    }

    fn headers(name: header::HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_name_that_is_not_ours_is_a_stranger_and_a_number_never_is() {
        let rules = strangers(&["localhost", "node.example"], &[]);
        let uri = Uri::from_static("/");
        for ours in
            ["localhost", "LOCALHOST:8545", "node.example:80", "127.0.0.1:8545", "[::1]:8545", "192.168.1.7"]
        {
            assert!(rules.knows_host(&headers(header::HOST, &[ours]), &uri), "{ours}");
        }
        for other in [
            "attacker.example",
            "attacker.example:8545",
            "localhost.attacker.example",
            "127.0.0.1.attacker.example",
            "localhost@attacker.example",
        ] {
            assert!(!rules.knows_host(&headers(header::HOST, &[other]), &uri), "{other}");
        }
        let two = headers(header::HOST, &["localhost", "attacker.example"]);
        assert!(!rules.knows_host(&two, &uri));
        let absolute = Uri::from_static("http://attacker.example/");
        assert!(!rules.knows_host(&headers(header::HOST, &["localhost"]), &absolute));
        assert!(rules.knows_host(&HeaderMap::new(), &uri));
    }

    #[test]
    fn a_page_opens_a_websocket_only_if_it_was_named() {
        let none = strangers(&[], &[]);
        let one = strangers(&[], &["https://wallet.example"]);
        let any = strangers(&[], &["*"]);
        let wallet = headers(header::ORIGIN, &["https://wallet.example"]);
        let other = headers(header::ORIGIN, &["https://other.example"]);
        assert!(none.knows_origin(&HeaderMap::new()));
        assert!(!none.knows_origin(&wallet));
        assert!(one.knows_origin(&wallet));
        assert!(!one.knows_origin(&other));
        assert!(any.knows_origin(&other));
    }
}
