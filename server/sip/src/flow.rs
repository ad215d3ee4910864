//! Where bytes come from and go to.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::uri::Host;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    Udp,
    Tcp,
}

impl Transport {
    /// A reliable transport needs no retransmission (RFC 3261 §17).
    pub fn is_reliable(self) -> bool {
        match self {
            Transport::Udp => false,
            Transport::Tcp => true,
        }
    }

    /// As written in a Via.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
        }
    }
}

/// Where SIP is when nothing else is said.
pub const SIP_PORT: u16 = 5060;

/// One way bytes travel: for UDP a socket and a peer, for TCP a connection.
///
/// `local` is the address of the listening socket (as bound), also for the
/// connections it accepted and those opened on its behalf; a TCP connection is
/// known by its remote address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flow {
    pub transport: Transport,
    pub local: SocketAddr,
    pub remote: SocketAddr,
}

/// Where a request is sent first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hop {
    /// Back the way something came, which is the only way through a NAT or into
    /// an accepted connection.
    Flow(Flow),
    /// To an address, or to the first address the name leads to; the others are for
    /// when that one is not there (RFC 3263 §4). An address always has its port; a name
    /// without one is looked up as a service.
    To {
        transport: Transport,
        host: Host,
        port: Option<u16>,
    },
}

/// What has to be looked up before something can be sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lookup {
    pub name: String,
    pub transport: Transport,
    /// Without one there may be a service of that name (RFC 3263 §4.2).
    pub port: Option<u16>,
}

impl Hop {
    pub fn to(transport: Transport, address: SocketAddr) -> Self {
        Hop::To {
            transport,
            host: address.ip().into(),
            port: Some(address.port()),
        }
    }

    /// The same transport to another address.
    pub fn instead(&self, address: SocketAddr) -> Self {
        match self {
            Hop::Flow(flow) => Hop::to(flow.transport, address),
            Hop::To { transport, .. } => Hop::to(*transport, address),
        }
    }

    /// To the host a URI or a setting names.
    pub fn to_host(transport: Transport, host: Host, port: Option<u16>) -> Self {
        let port = match host {
            Host::Ip(_) => Some(port.unwrap_or(SIP_PORT)),
            Host::Name(_) => port,
        };
        Hop::To {
            transport,
            host,
            port,
        }
    }
}
