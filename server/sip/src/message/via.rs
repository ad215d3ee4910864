//! The Via field: the way back (RFC 3261 §20.42, RFC 3581).

use std::{fmt, net::SocketAddr, str::FromStr};

use super::name_addr::{parse_params, write_params};
use crate::{
    scan,
    uri::{BadUri, Host, Param, find_param},
};

/// One Via value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// `UDP`, `TCP`, …; upper case.
    pub transport: String,
    pub host: Host,
    pub port: Option<u16>,
    pub params: Vec<Param>,
}

impl Via {
    pub fn param(&self, name: &str) -> Option<&str> {
        find_param(&self.params, name).flatten()
    }

    pub fn branch(&self) -> Option<&str> {
        self.param("branch")
    }

    /// A branch that identifies a transaction; the bare cookie of some old or broken
    /// clients does not (RFC 3261 §8.1.1.7, RFC 4475 §3.1.2.19).
    pub fn unique_branch(&self) -> Option<&str> {
        const COOKIE: &str = "z9hG4bK";
        self.branch().filter(|branch| {
            branch
                .get(..COOKIE.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(COOKIE))
                && branch.len() > COOKIE.len()
        })
    }

    pub fn wants_rport(&self) -> bool {
        find_param(&self.params, "rport").is_some()
    }

    /// Notes where the request really came from (RFC 3261 §18.2.1, RFC 3581 §4).
    pub fn note_source(&mut self, source: SocketAddr) {
        let wants_rport = self.wants_rport();
        self.params.retain(|(name, _)| name != "received");
        if wants_rport {
            let port = Some(source.port().to_string());
            for (_, value) in self.params.iter_mut().filter(|(name, _)| name == "rport") {
                value.clone_from(&port);
            }
        }
        if wants_rport || self.host.ip() != Some(source.ip()) {
            self.params
                .push(("received".to_owned(), Some(source.ip().to_string())));
        }
    }

    /// Where a response over an unreliable transport goes (RFC 3261 §18.2.2): to the
    /// address the request came from, at the port it asks for. Never to `maddr`.
    pub fn return_address(&self, source: SocketAddr) -> SocketAddr {
        if self.wants_rport() {
            return source;
        }
        SocketAddr::new(source.ip(), self.port.unwrap_or(5060))
    }
}

impl FromStr for Via {
    type Err = BadUri;

    fn from_str(text: &str) -> Result<Self, BadUri> {
        let (sent, params) = text.split_at(text.find(';').unwrap_or(text.len()));
        let mut parts = sent.splitn(3, '/').map(scan::trim);
        let (Some(name), Some(version), Some(rest)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(BadUri("malformed Via"));
        };
        if !name.eq_ignore_ascii_case("SIP") || version != "2.0" {
            return Err(BadUri("Via of another protocol"));
        }
        let (transport, sent_by) = rest
            .split_once([' ', '\t'])
            .ok_or(BadUri("Via without sent-by"))?;
        if !scan::is_token(transport) {
            return Err(BadUri("malformed Via transport"));
        }
        let (host, port) = Host::parse_with_port(scan::trim(sent_by))?;
        Ok(Via {
            transport: transport.to_ascii_uppercase(),
            host,
            port,
            params: parse_params(params)?,
        })
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write_params(f, &self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Via {
        text.parse().unwrap()
    }

    #[test]
    fn white_space_may_stand_anywhere() {
        let via =
            parse("SIP  / 2.0  / TCP     spindle.example.com   ;  branch  =   z9hG4bK9ikj8  ");
        assert_eq!(
            via.to_string(),
            "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8"
        );
    }

    #[test]
    fn the_source_is_noted_as_the_sender_asked() {
        let source = "192.0.2.9:1024".parse().unwrap();
        let mut via = parse("SIP/2.0/UDP 10.1.1.1:5060;rport;branch=z9hG4bKx");
        via.note_source(source);
        assert_eq!(
            via.to_string(),
            "SIP/2.0/UDP 10.1.1.1:5060;rport=1024;branch=z9hG4bKx;received=192.0.2.9"
        );
        assert_eq!(via.return_address(source), source);

        let mut old = parse("SIP/2.0/UDP pc33.example.com:5070;branch=z9hG4bKx");
        old.note_source(source);
        assert_eq!(old.param("received"), Some("192.0.2.9"));
        assert_eq!(
            old.return_address(source),
            "192.0.2.9:5070".parse().unwrap()
        );
    }

    #[test]
    fn a_bare_cookie_names_no_transaction() {
        assert_eq!(parse("SIP/2.0/UDP h;branch=z9hG4bK").unique_branch(), None);
        assert_eq!(
            parse("SIP/2.0/UDP h;branch=390skdjuw").unique_branch(),
            None
        );
        assert!(
            parse("SIP/2.0/UDP h;branch=z9hG4bK1")
                .unique_branch()
                .is_some()
        );
    }

    #[test]
    fn what_is_no_via_is_refused() {
        for text in [
            "SIP/2.0/UDP 192.0.2.15;;,;",
            "SIP/2.0/UDP",
            "SIP/7.0/UDP h",
            "",
            "SIP/2.0/UDP [::1",
        ] {
            assert!(text.parse::<Via>().is_err(), "{text}");
        }
    }
}
