//! Members by browser: WebRTC on one UDP port, in the same threads as everybody.
//!
//! What a browser wants before it is heard is done at the [`porter`]: the first address check
//! (ICE, in its lite form, RFC 8445 §2.5), and the handshake (DTLS 1.2), whose signatures take a millisecond that
//! no tick may wait for. Then a socket of its own is bound to the same port and connected to the browser:
//! the kernel hands it that browser's packets and the porter all others. With the keys of the
//! handshake it becomes the leg's [`link`], and from here on a browser is a leg like any other: its
//! socket is read before the tick, its packets go through the same jitter buffer, and the same
//! reports are exchanged, only encrypted (DTLS-SRTP, RFC 5764).
//!
//! ICE and DTLS are by the crates `is` and `dimpl` of the str0m project; whatever they ask of
//! cryptography is answered by `ring` ([`crypto`]).

mod certificate;
mod crypto;
mod link;
mod porter;
mod stun;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use crate::{Direction, LegId};

pub use self::link::Link;
pub use self::porter::{Porter, Ticket};
pub use self::stun::answer_to_check;

/// What a browser's offer tells of its side, and what was agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// SHA-256 of its certificate: who comes with another is not the one who offered.
    pub fingerprint: [u8; 32],
    /// The payload type of Opus.
    pub opus: u8,
    /// That of `telephone-event`, if both have it.
    pub dtmf: Option<u8>,
    /// The id of the `ssrc-audio-level` header extension (RFC 6464), if both have it.
    pub level_extension: Option<u8>,
    pub direction: Direction,
}

/// What the answer tells the browser of our side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserLeg {
    pub id: LegId,
    /// The port all browsers use. Its IP is the bound one, which may be unspecified.
    pub local: SocketAddr,
    pub ufrag: String,
    pub password: String,
    /// SHA-256 of our certificate.
    pub fingerprint: [u8; 32],
    /// What our packets come under.
    pub ssrc: u32,
}
