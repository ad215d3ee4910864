//! What an offer or answer of the peer and our own wish come to, and whether audio may
//! go where it says.

use std::net::{IpAddr, SocketAddr};

use super::{Stream, Unacceptable};
use crate::media::{Codec, Direction, NegotiatedMedia, OpusParams};

/// Both sides' agreement over the peer's stream in the given codec.
pub fn agree(
    stream: &Stream,
    codec: Codec,
    wish: Direction,
    peer: IpAddr,
    before: Option<&NegotiatedMedia>,
) -> Result<NegotiatedMedia, Unacceptable> {
    let address = stream.address.ok_or(Unacceptable::Address)?;
    let (payload_type, opus) = stream.find(codec).ok_or(Unacceptable::NoCommonCodec)?;
    let theirs = match stream.is_held_by_address() {
        true => Direction::of(stream.direction.sends(), false),
        false => stream.direction,
    };
    let (remote, remote_rtcp) = if stream.is_held_by_address() {
        match before {
            Some(before) => (before.remote, before.remote_rtcp),
            None => addresses(stream, peer)?,
        }
    } else {
        check_address(address, peer)?;
        addresses(stream, address)?
    };
    let dtmf: Vec<(u8, u32)> = stream.dtmf().collect();
    let matching = dtmf.iter().find(|(_, clock)| *clock == codec.rtp_clock());
    Ok(NegotiatedMedia {
        codec,
        payload_type,
        receive_payload_type: payload_type,
        dtmf: matching.or(dtmf.first()).map(|(pt, _)| *pt),
        receive_dtmf: dtmf.iter().map(|(pt, _)| *pt).collect(),
        remote,
        remote_rtcp,
        direction: Direction::of(
            wish.sends() && theirs.receives(),
            wish.receives() && theirs.sends(),
        ),
        // Frames are of 10 ms; Opus packets end at 120.
        ptime_ms: stream
            .ptime_ms
            .map_or(20, |ms| (ms.clamp(10, 60) / 10) * 10),
        savp: stream.is_secure(),
        encrypted: false,
        srtp: None,
        opus: if codec == Codec::Opus {
            opus
        } else {
            OpusParams::default()
        },
    })
}

fn addresses(stream: &Stream, ip: IpAddr) -> Result<(SocketAddr, SocketAddr), Unacceptable> {
    let rtcp_port = stream.port.checked_add(1).ok_or(Unacceptable::Malformed)?;
    let rtcp = stream
        .rtcp
        // Control packets follow the audio; elsewhere they could only be aimed at a third party.
        .filter(|rtcp| rtcp.ip() == ip && rtcp.port() != 0)
        .unwrap_or(SocketAddr::new(ip, rtcp_port));
    Ok((SocketAddr::new(ip, stream.port), rtcp))
}

/// Audio goes to loopback and link-local addresses only for peers that are there
/// themselves, and never to many.
fn check_address(address: IpAddr, peer: IpAddr) -> Result<(), Unacceptable> {
    let link_local = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let broadcast = matches!(address, IpAddr::V4(ip) if ip.is_broadcast());
    let peer = peer.to_canonical();
    let foreign = (address.is_loopback() && !peer.is_loopback())
        || (link_local(address) && !link_local(peer) && !peer.is_loopback());
    if address.is_multicast() || broadcast || foreign {
        return Err(Unacceptable::Address);
    }
    Ok(())
}
