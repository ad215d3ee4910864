//! The road to an operator: his address, the proxy before it where there is one,
//! and how packets travel there.

use domain::trunk::{self, Trunk};
use sip::{Hop, Host, SipUri, Transport};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Road {
    pub host: Host,
    pub port: Option<u16>,
    pub transport: Transport,
    /// The proxy, as a route to be loaded (RFC 3261 §8.1.2).
    pub route: Vec<SipUri>,
    /// Where packets go first, and come from.
    pub hop: Hop,
}

impl Road {
    /// None if an address cannot be read.
    pub fn to(trunk: &Trunk) -> Option<Road> {
        let transport = match trunk.transport {
            trunk::Transport::Udp => Transport::Udp,
            trunk::Transport::Tcp => Transport::Tcp,
        };
        let (host, port) = Host::parse_with_port(&trunk.address).ok()?;
        let proxy = match &trunk.proxy {
            Some(proxy) => Some(Host::parse_with_port(proxy).ok()?),
            None => None,
        };
        let (first_host, first_port) = proxy.clone().unwrap_or((host.clone(), port));
        let route = proxy.map(|(host, port)| {
            over(SipUri::new(None, host, port), transport).with_param("lr", None)
        });
        Some(Road {
            host,
            port,
            transport,
            route: route.into_iter().collect(),
            hop: Hop::to_host(transport, first_host, first_port),
        })
    }

    /// Somebody at the operator, or the operator himself.
    pub fn uri(&self, user: Option<&str>) -> SipUri {
        SipUri::new(user, self.host.clone(), self.port)
    }

    /// The same as a Request-URI, which says how it is reached.
    pub fn target(&self, user: Option<&str>) -> SipUri {
        over(self.uri(user), self.transport)
    }
}

fn over(uri: SipUri, transport: Transport) -> SipUri {
    match transport {
        Transport::Udp => uri,
        Transport::Tcp => uri.with_param("transport", Some("tcp")),
    }
}
