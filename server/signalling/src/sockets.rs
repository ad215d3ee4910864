//! Opening the sockets, with errors that name the address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};

use crate::handle::{Bind, StartError};

/// What the kernel may hold for us while a burst arrives, bytes.
const RECEIVE_BUFFER: usize = 4 << 20;
/// Free ports tried until one is free for both transports.
const PORT_TRIES: usize = 16;

/// One address, opened for UDP, TCP or both.
pub struct Pair {
    pub address: SocketAddr,
    pub udp: Option<UdpSocket>,
    pub tcp: Option<TcpListener>,
}

pub fn open(bind: Bind) -> Result<Pair, StartError> {
    let free = bind.address.port() == 0;
    let mut tries = if free { PORT_TRIES } else { 1 };
    loop {
        tries -= 1;
        match open_once(bind) {
            Err(error) if tries > 0 && error.source.kind() == std::io::ErrorKind::AddrInUse => {}
            outcome => return outcome,
        }
    }
}

fn open_once(bind: Bind) -> Result<Pair, StartError> {
    let wanted = bind.address;
    let failed = |transport, address| {
        move |source| StartError {
            address,
            transport,
            source,
        }
    };
    let mut address = wanted;
    let mut pair = Pair {
        address,
        udp: None,
        tcp: None,
    };
    if bind.udp {
        let socket = udp(wanted).map_err(failed("UDP", wanted))?;
        address = socket.local_addr().map_err(failed("UDP", wanted))?;
        pair.udp = Some(socket);
    }
    if bind.tcp {
        let listener = tcp(address).map_err(failed("TCP", address))?;
        address = listener.local_addr().map_err(failed("TCP", address))?;
        pair.tcp = Some(listener);
    }
    Ok(Pair { address, ..pair })
}

fn udp(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    prepare(&socket, address)?;
    // The kernel grants what its limit allows; less is no reason not to start.
    if let Err(error) = socket.set_recv_buffer_size(RECEIVE_BUFFER) {
        tracing::debug!(%error, "Receive buffer stays as it is");
    }
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

fn tcp(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    prepare(&socket, address)?;
    // Connections of an earlier process may linger on the port; a listener may not.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(256)?;
    TcpListener::from_std(socket.into())
}

fn prepare(socket: &Socket, address: SocketAddr) -> std::io::Result<()> {
    if address.is_ipv6() {
        // So that both families can be bound to one port.
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)
}

/// The host's own address on the way to the world, for sockets bound to all of them.
/// No packet is sent: connecting a UDP socket only asks the routing table.
pub fn host_ip(bound: IpAddr) -> IpAddr {
    if !bound.is_unspecified() {
        return bound;
    }
    let (any, somewhere, fallback): (SocketAddr, SocketAddr, IpAddr) = match bound {
        IpAddr::V4(_) => (
            (Ipv4Addr::UNSPECIFIED, 0).into(),
            ([192, 0, 2, 1], 9).into(),
            Ipv4Addr::LOCALHOST.into(),
        ),
        IpAddr::V6(_) => (
            (Ipv6Addr::UNSPECIFIED, 0).into(),
            ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 9).into(),
            Ipv6Addr::LOCALHOST.into(),
        ),
    };
    let routed = std::net::UdpSocket::bind(any).and_then(|socket| {
        socket.connect(somewhere)?;
        socket.local_addr()
    });
    routed.map_or(fallback, |address| address.ip())
}
