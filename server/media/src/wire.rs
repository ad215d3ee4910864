//! The sockets of one leg, and whom they listen to.
//!
//! A phone has a pair of ports, and its packets come in the clear or under keys that SDP has
//! brought. A browser has a socket at the port of all browsers once it has come in: see `browser`.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Instant;

use mixer::Leg;
use mixer::rtp::{HEADER, is_rtcp};
use mixer::srtp::{Inbound, Outbound, Session};
use tokio::sync::mpsc::UnboundedSender;

use crate::browser::{Link, Ticket};
use crate::inbox::{Inbox, Received, disconnect};
use crate::ports::{Pair, Ports};
use crate::source::Source;
use crate::{LegEvent, LegId, Srtp, Stream};

/// The most datagrams read of one socket at once: the rest waits for the next frame.
pub const MOST_AT_ONCE: usize = 64;

/// A leg's connection to the world. The audio itself is in a room of the mixer.
#[derive(Debug)]
pub struct Wire {
    pub id: LegId,
    road: Road,
    events: UnboundedSender<(LegId, LegEvent)>,
}

#[derive(Debug)]
enum Road {
    Phone(Phone),
    Browser {
        /// None before it has come in.
        link: Option<Box<Link>>,
        /// The porter knows him as long as this is here.
        _ticket: Ticket,
    },
}

/// The ports of a phone.
#[derive(Debug)]
pub struct Phone {
    pair: Pair,
    local: IpAddr,
    /// The RTP socket is connected to the one address that is heard: the kernel keeps all others
    /// out, and need not look for the way at every packet.
    connected: bool,
    rtp: Source,
    rtcp: Source,
    /// Most legs have none: it is no part of what every listener costs.
    seal: Option<Box<Seal>>,
}

/// Both ways of an encrypted stream.
#[derive(Debug)]
pub struct Seal {
    /// The keys that SDP has brought, if it has.
    agreed: Option<Srtp>,
    pub out: Outbound,
    pub inside: Inbound,
}

impl Seal {
    fn new(agreed: Srtp) -> Box<Self> {
        let session = |master| Session::counter(master, agreed.profile);
        Box::new(Self {
            agreed: Some(agreed),
            ..Self::of_keys(session(&agreed.ours), session(&agreed.theirs))
        })
    }

    /// Under keys that a handshake has brought.
    pub fn of_keys(ours: Session, theirs: Session) -> Self {
        Self {
            agreed: None,
            out: Outbound::new(ours),
            inside: Inbound::new(theirs),
        }
    }
}

impl Wire {
    pub fn to_phone(
        id: LegId,
        pair: Pair,
        local: IpAddr,
        events: UnboundedSender<(LegId, LegEvent)>,
    ) -> Self {
        let phone = Phone {
            pair,
            local,
            connected: false,
            rtp: Source::Unknown,
            rtcp: Source::Unknown,
            seal: None,
        };
        Self {
            id,
            road: Road::Phone(phone),
            events,
        }
    }

    /// To a browser that is expected.
    pub fn to_browser(
        id: LegId,
        ticket: Ticket,
        events: UnboundedSender<(LegId, LegEvent)>,
    ) -> Self {
        Self {
            id,
            road: Road::Browser {
                link: None,
                _ticket: ticket,
            },
            events,
        }
    }

    /// Nobody may be there any more to hear it; that is theirs to know.
    pub fn report(&self, event: LegEvent) {
        let _ = self.events.send((self.id, event));
    }

    /// Turns to where the stream goes; false if we never send there.
    pub fn connect(&mut self, stream: &Stream, ports: &Ports) -> bool {
        match &mut self.road {
            Road::Phone(phone) => phone.connect(stream, ports),
            // Where it is, it has shown.
            Road::Browser { .. } => true,
        }
    }

    /// The browser has come in.
    pub fn linked(&mut self, come: Box<Link>) {
        if let Road::Browser { link, .. } = &mut self.road {
            *link = Some(come);
        }
    }

    /// The browser comes from another address now.
    pub fn moved(&mut self, socket: UdpSocket) {
        if let Road::Browser {
            link: Some(link), ..
        } = &mut self.road
        {
            link.moved(socket);
        }
    }

    /// Reads the audio that has arrived.
    pub fn sweep(&mut self, leg: &mut Leg, inbox: &mut Inbox) {
        match &mut self.road {
            Road::Phone(phone) => phone.sweep(leg, inbox),
            Road::Browser { link, .. } => {
                if let Some(link) = link {
                    link.sweep(leg, inbox);
                }
            }
        }
    }

    /// Reads the reports that have arrived, and sends ours if they are due.
    pub fn exchange_reports(
        &mut self,
        leg: &mut Leg,
        inbox: &mut Inbox,
        now: Instant,
        scratch: &mut Vec<u8>,
    ) {
        match &mut self.road {
            Road::Phone(phone) => phone.read_reports(leg, inbox),
            Road::Browser { link, .. } => {
                if let Some(event) = link.as_mut().and_then(|link| link.gone(now)) {
                    self.report(event);
                }
            }
        }
        if leg.poll_rtcp(now, scratch) {
            self.send_report(scratch);
        }
    }

    /// Tells the other side that the stream has ended.
    pub fn bye(&mut self, leg: &mut Leg, now: Instant, scratch: &mut Vec<u8>) {
        if leg.bye(now, scratch) {
            self.send_report(scratch);
        }
        if let Road::Browser {
            link: Some(link), ..
        } = &mut self.road
        {
            link.close();
        }
    }

    fn send_report(&mut self, report: &mut Vec<u8>) {
        match &mut self.road {
            Road::Phone(phone) => phone.send_report(report),
            Road::Browser { link, .. } => {
                if let Some(link) = link {
                    link.send_report(report);
                }
            }
        }
    }

    /// Sends one packet; `scratch` is where its parts are put together.
    pub fn send(&mut self, header: &[u8; HEADER], payload: &[u8], scratch: &mut Vec<u8>) {
        match &mut self.road {
            Road::Phone(phone) => phone.send(header, payload, scratch),
            Road::Browser { link, .. } => {
                if let Some(link) = link {
                    link.send(header, payload, scratch);
                }
            }
        }
    }
}

impl Phone {
    /// Turns to where the stream goes; false if we never send there.
    fn connect(&mut self, stream: &Stream, ports: &Ports) -> bool {
        // Under the same keys the numbers go on: they may never be used twice.
        if self.seal.as_ref().and_then(|seal| seal.agreed) != stream.srtp {
            self.seal = stream.srtp.map(Seal::new);
        }
        if self.rtp.named() != Some(stream.remote) {
            self.disconnect();
        }
        if !permitted(stream.remote, self.local, ports) {
            self.rtp = Source::Unknown;
            self.rtcp = Source::Unknown;
            return stream.remote.ip().is_unspecified();
        }
        let remote = stream.remote;
        let above = SocketAddr::new(remote.ip(), remote.port().saturating_add(1));
        self.rtp.name(remote);
        self.rtcp.name(stream.remote_rtcp.unwrap_or(above));
        true
    }

    fn disconnect(&mut self) {
        if self.connected {
            disconnect(&self.pair.rtp);
            self.connected = false;
        }
    }

    /// Connects the socket once it is settled whom it hears. Bound to all addresses it stays
    /// open: connecting would bind it to the one that the way back takes.
    fn settle(&mut self) {
        if let Source::Named(named) = self.rtp
            && !self.connected
            && !self.local.is_unspecified()
        {
            self.connected = self.pair.rtp.connect(named).is_ok();
        }
    }

    /// Reads the audio that has arrived: all of it from who is heard, else at least one packet.
    fn sweep(&mut self, leg: &mut Leg, inbox: &mut Inbox) {
        let (source, rtcp, seal) = (&mut self.rtp, &mut self.rtcp, &mut self.seal);
        let heard = leg.is_heard();
        let take = |received: Received<'_>| {
            // Both on one port (RFC 5761): reports come from where audio comes from.
            if is_rtcp(received.bytes) {
                if source.is_known(received.from)
                    && let Some(report) = open_rtcp(seal, received.bytes)
                {
                    leg.on_rtcp(report, received.arrived);
                }
                return;
            }
            let Some(packet) = open_rtp(seal, received.bytes) else {
                return;
            };
            if let Some(ssrc) = ssrc_of(packet)
                && source.hears(received.from, ssrc)
            {
                if let Source::Learnt { at, .. } = *source {
                    rtcp.expect_host(at.ip());
                }
                leg.on_rtp(packet, received.arrived);
            }
        };
        inbox.sweep(&self.pair.rtp, heard, MOST_AT_ONCE, take);
        self.settle();
    }

    /// Reads the reports that have arrived.
    fn read_reports(&mut self, leg: &mut Leg, inbox: &mut Inbox) {
        let (source, seal) = (&mut self.rtcp, &mut self.seal);
        inbox.read(&self.pair.rtcp, MOST_AT_ONCE, |received| {
            if let Some(report) = open_rtcp(seal, received.bytes)
                && let Some(ssrc) = sender_of(report)
                && source.hears(received.from, ssrc)
            {
                leg.on_rtcp(report, received.arrived);
            }
        });
    }

    fn send_report(&mut self, report: &mut Vec<u8>) {
        if let Some(seal) = &mut self.seal {
            seal.out.protect_rtcp(report);
        }
        let shared = self.rtp.named() == self.rtcp.named();
        let (socket, source) = if shared {
            (&self.pair.rtp, &self.rtp)
        } else {
            (&self.pair.rtcp, &self.rtcp)
        };
        if let Some(to) = source.target() {
            let _ = socket.send_to(report, to);
        }
    }

    /// Sends one packet; `scratch` is where its parts are put together.
    fn send(&mut self, header: &[u8; HEADER], payload: &[u8], scratch: &mut Vec<u8>) {
        let Some(to) = self.rtp.target() else {
            return;
        };
        scratch.clear();
        scratch.extend_from_slice(header);
        scratch.extend_from_slice(payload);
        if let Some(seal) = &mut self.seal {
            seal.out.protect_rtp(scratch);
        }
        // A full queue or an unreachable host loses this packet, as a network would.
        let _ = if self.connected {
            self.pair.rtp.send(scratch)
        } else {
            self.pair.rtp.send_to(scratch, to)
        };
    }
}

/// The packet in a datagram: itself, or what is in it if the stream is encrypted and it is
/// genuine.
fn open_rtp<'a>(seal: &mut Option<Box<Seal>>, datagram: &'a mut [u8]) -> Option<&'a [u8]> {
    match seal {
        None => Some(datagram),
        Some(seal) => seal.inside.open_rtp(datagram),
    }
}

/// The same for a report.
fn open_rtcp<'a>(seal: &mut Option<Box<Seal>>, datagram: &'a mut [u8]) -> Option<&'a [u8]> {
    match seal {
        None => Some(datagram),
        Some(seal) => seal.inside.open_rtcp(datagram),
    }
}

/// The stream a datagram says it belongs to.
fn ssrc_of(datagram: &[u8]) -> Option<u32> {
    let bytes = datagram.get(8..12)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// Who sends a report: the word after its first header.
fn sender_of(datagram: &[u8]) -> Option<u32> {
    let bytes = datagram.get(4..8)?;
    is_rtcp(datagram).then(|| bytes.try_into().map(u32::from_be_bytes).ok())?
}

/// Media goes to hosts, and not to ourselves: SDP is written by strangers.
fn permitted(remote: SocketAddr, local: IpAddr, ports: &Ports) -> bool {
    let ip = remote.ip();
    let our_host = ip == local || (local.is_unspecified() && ip.is_loopback());
    let ourselves = our_host && ports.are_bound_to(remote.port());
    let outward = match ip {
        IpAddr::V4(v4) => !v4.is_broadcast() && !v4.is_link_local(),
        IpAddr::V6(v6) => !v6.is_unicast_link_local(),
    };
    // Bound to an outer address we cannot reach loopback. Bound to all, we can: signalling has
    // made sure that only a phone which signals from this machine names it.
    let out_of_reach = ip.is_loopback() && !local.is_loopback() && !local.is_unspecified();
    remote.port() != 0
        && ip.is_ipv4() == local.is_ipv4()
        && !ip.is_unspecified()
        && !ip.is_multicast()
        && outward
        && !out_of_reach
        && !ourselves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_is_sent_to_hosts_and_never_to_ourselves() {
        let ports = Ports::new(20_000..=29_999);
        let ours = ports.open("127.0.0.1".parse().unwrap(), None).unwrap();
        let ours = ours.rtp.local_addr().unwrap().port();
        let to = |remote: &str, local: &str| {
            permitted(remote.parse().unwrap(), local.parse().unwrap(), &ports)
        };

        assert!(to("192.0.2.7:4000", "192.0.2.1"));
        assert!(to("127.0.0.1:4000", "127.0.0.1"));
        assert!(to("[2001:db8::7]:4000", "2001:db8::1"));
        for forbidden in [
            "127.0.0.1:4000",
            "192.0.2.7:0",
            "0.0.0.0:4000",
            "224.0.0.1:4000",
            "255.255.255.255:4000",
            "169.254.1.1:4000",
            &format!("192.0.2.1:{ours}"),
            "[2001:db8::7]:4000",
        ] {
            assert!(!to(forbidden, "192.0.2.1"), "{forbidden}");
        }
        assert!(!to(&format!("127.0.0.1:{ours}"), "127.0.0.1"));
        assert!(!to(&format!("127.0.0.1:{}", ours + 1), "127.0.0.1"));
        // A phone on this very machine; whether it is one, its signalling has told.
        assert!(to("127.0.0.1:4000", "0.0.0.0"));
        assert!(to("[::1]:4000", "::"));
        assert!(!to(&format!("127.0.0.1:{ours}"), "0.0.0.0"));
        // A port of our range that we have not taken may be that phone's.
        assert!(to("127.0.0.1:29999", "0.0.0.0"));
        assert!(!to("[fe80::1]:4000", "2001:db8::1"));
    }
}
