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
    /// To an address, or to the first address the name resolves to.
    To {
        transport: Transport,
        host: Host,
        port: u16,
    },
}

impl Hop {
    pub fn to(transport: Transport, address: SocketAddr) -> Self {
        Hop::To {
            transport,
            host: address.ip().into(),
            port: address.port(),
        }
    }
}
