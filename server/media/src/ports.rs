//! Which RTP ports are free.
//!
//! Ports go in pairs, the even one for RTP and the odd one above for RTCP. They
//! are given out round the range, and one that was closed rests for some
//! seconds: the other side may not yet know that the call has ended, and its
//! last packets must not be heard in the next one.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use crate::{OpenError, inbox};

/// How long a closed port rests.
const REST: Duration = Duration::from_secs(5);
/// 64 kB hold several hundred packets: more than a stall may leave behind.
const RECEIVE_BUFFER: usize = 64 * 1024;
/// Expedited Forwarding (RFC 3246), in the upper six bits.
const DSCP_EF: u32 = 46 << 2;

#[derive(Debug, Clone)]
pub struct Ports(Arc<Mutex<Allocation>>);

/// A pair in use; resting from the moment it is dropped.
#[derive(Debug)]
pub struct Pair {
    pub rtp: UdpSocket,
    pub rtcp: UdpSocket,
    port: u16,
    ports: Ports,
}

impl Ports {
    pub fn new(range: RangeInclusive<u16>) -> Self {
        Self(Arc::new(Mutex::new(Allocation::new(range))))
    }

    /// Whether one of our open sockets is bound to this port. The rest of the range is anybody's
    /// on this machine: a phone beside us may well have chosen its port there.
    pub fn are_bound_to(&self, port: u16) -> bool {
        self.lock().is_open(port)
    }

    /// Binds a pair on this address: exactly `at`, or the next that is free.
    pub fn open(&self, ip: IpAddr, at: Option<u16>) -> Result<Pair, OpenError> {
        if let Some(port) = at {
            if !self.lock().take_exactly(port)? {
                let source = io::Error::from(io::ErrorKind::AddrInUse);
                return Err(OpenError::Taken { port, source });
            }
            return self.bind(ip, port).map_err(|source| {
                self.lock().release(port, Instant::now());
                OpenError::Taken { port, source }
            });
        }
        loop {
            let port = self.lock().take(Instant::now())?;
            match self.bind(ip, port) {
                Ok(pair) => return Ok(pair),
                // Another program has it: it rests, and we go on to the next.
                Err(error) => {
                    self.lock().release(port, Instant::now());
                    if error.kind() != io::ErrorKind::AddrInUse {
                        return Err(OpenError::Socket(error));
                    }
                }
            }
        }
    }

    fn bind(&self, ip: IpAddr, port: u16) -> io::Result<Pair> {
        Ok(Pair {
            rtp: bind(SocketAddr::new(ip, port))?,
            rtcp: bind(SocketAddr::new(ip, port + 1))?,
            port,
            ports: self.clone(),
        })
    }

    /// A panic elsewhere leaves a consistent table behind: every change is one insertion or removal.
    fn lock(&self) -> MutexGuard<'_, Allocation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.ports.lock().release(self.port, Instant::now());
    }
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = for_audio(address)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// A socket as audio wants it, for an address of this family.
pub fn for_audio(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    socket.set_nonblocking(true)?;
    // These are wishes: a system that refuses them still carries audio.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    let _ = inbox::stamp_arrivals(&socket);
    let _ = match address {
        SocketAddr::V4(_) => socket.set_tos_v4(DSCP_EF),
        SocketAddr::V6(_) => socket
            .set_only_v6(true)
            .and_then(|()| socket.set_tclass_v6(DSCP_EF)),
    };
    Ok(socket)
}

#[derive(Debug)]
struct Allocation {
    range: RangeInclusive<u16>,
    /// Where the search goes on.
    next: u16,
    used: BTreeMap<u16, Use>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Open,
    Resting { until: Instant },
}

impl Allocation {
    fn new(range: RangeInclusive<u16>) -> Self {
        Self {
            next: *range.start(),
            range,
            used: BTreeMap::new(),
        }
    }

    /// Even ports whose odd neighbour is in the range too.
    fn is_pair(&self, port: u16) -> bool {
        port.is_multiple_of(2) && self.range.contains(&port) && port < *self.range.end()
    }

    fn is_open(&self, port: u16) -> bool {
        let open = |even: u16| self.used.get(&even) == Some(&Use::Open);
        open(port) || port.checked_sub(1).is_some_and(open)
    }

    fn take(&mut self, now: Instant) -> Result<u16, OpenError> {
        self.used
            .retain(|_, state| !matches!(state, Use::Resting { until } if *until <= now));
        let (first, last) = (*self.range.start(), *self.range.end());
        let round = (self.next..=last).chain(first..self.next);
        let free = round
            .filter(|&port| self.is_pair(port))
            .find(|port| !self.used.contains_key(port));
        let port = free.ok_or(OpenError::Exhausted { first, last })?;
        self.used.insert(port, Use::Open);
        self.next = port
            .checked_add(2)
            .filter(|next| *next <= last)
            .unwrap_or(first);
        Ok(port)
    }

    /// False if it is in use. Whoever names a port takes up his own call: it need not have rested.
    fn take_exactly(&mut self, port: u16) -> Result<bool, OpenError> {
        if !self.is_pair(port) {
            return Err(OpenError::NotOurs { port });
        }
        Ok(self.used.insert(port, Use::Open) != Some(Use::Open))
    }

    fn release(&mut self, port: u16, now: Instant) {
        self.used.insert(port, Use::Resting { until: now + REST });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_even_and_a_closed_one_rests() {
        let now = Instant::now();
        let mut ports = Allocation::new(20_001..=20_006);
        assert_eq!(ports.take(now).unwrap(), 20_002);
        assert_eq!(ports.take(now).unwrap(), 20_004);
        assert!(matches!(
            ports.take(now),
            Err(OpenError::Exhausted {
                first: 20_001,
                last: 20_006
            })
        ));

        ports.release(20_002, now);
        assert!(ports.take(now + REST / 2).is_err());
        assert_eq!(ports.take(now + REST).unwrap(), 20_002);
    }

    #[test]
    fn of_the_range_only_the_pairs_in_use_are_ours() {
        let now = Instant::now();
        let mut ports = Allocation::new(20_000..=20_010);
        ports.take(now).unwrap();
        ports.take(now).unwrap();
        ports.release(20_002, now);

        let ours: Vec<u16> = (19_999..=20_010).filter(|at| ports.is_open(*at)).collect();

        assert_eq!(ours, [20_000, 20_001]);
    }

    #[test]
    fn an_exact_port_is_given_once_even_while_it_rests() {
        let now = Instant::now();
        let mut ports = Allocation::new(20_000..=20_010);
        assert!(ports.take_exactly(20_004).unwrap());
        assert!(!ports.take_exactly(20_004).unwrap());
        ports.release(20_004, now);
        assert!(ports.take_exactly(20_004).unwrap());

        for wrong in [20_005, 20_010, 30_000] {
            assert!(matches!(
                ports.take_exactly(wrong),
                Err(OpenError::NotOurs { .. })
            ));
        }
    }
}
