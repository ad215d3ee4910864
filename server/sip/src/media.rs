//! What offer and answer agree upon: the part of SDP the rest of the program sees.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::srtp::Srtp;

/// An audio codec we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    Opus,
    G722,
    Pcmu,
    Pcma,
}

impl Codec {
    /// All, best first.
    pub const ALL: [Codec; 4] = [Codec::Opus, Codec::G722, Codec::Pcmu, Codec::Pcma];

    /// The RTP clock in Hz: 8000 for G.722 too, by an old error (RFC 3551 §4.5.2).
    pub fn rtp_clock(self) -> u32 {
        match self {
            Codec::Opus => 48_000,
            Codec::G722 | Codec::Pcmu | Codec::Pcma => 8_000,
        }
    }

    /// As written in `a=rtpmap`.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Opus => "opus",
            Codec::G722 => "G722",
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
        }
    }
}

/// Which way audio flows, seen from our side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// The same seen from the other side.
    pub fn reversed(self) -> Self {
        Direction::of(self.receives(), self.sends())
    }

    pub fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }
}

/// What the peer asks of an Opus encoder (RFC 7587 §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OpusParams {
    /// It can make use of in-band forward error correction.
    pub fec: bool,
    /// It prefers discontinuous transmission.
    pub dtx: bool,
    /// Highest rate it plays, Hz.
    pub max_playback_rate: Option<u32>,
    /// Highest average bit rate it wants, bit/s.
    pub max_average_bitrate: Option<u32>,
}

/// The outcome of offer and answer for one audio stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NegotiatedMedia {
    pub codec: Codec,
    /// The payload type to put on what we send.
    pub payload_type: u8,
    /// The payload type the peer will put on what it sends; nearly always the same.
    pub receive_payload_type: u8,
    /// Telephone events (RFC 4733) at the codec's clock: the type to send with.
    pub dtmf: Option<u8>,
    /// The telephone event types to expect, at whatever clock rate.
    pub receive_dtmf: Vec<u8>,
    /// Where the peer wants RTP. Unspecified (`0.0.0.0`) never appears here: such a
    /// peer holds, and the direction says so.
    pub remote: SocketAddr,
    pub remote_rtcp: SocketAddr,
    /// Seen from our side: a peer that holds us with `sendonly` makes us `RecvOnly`.
    pub direction: Direction,
    /// Packet duration the peer wants, ms.
    pub ptime_ms: u16,
    pub opus: OpusParams,
    /// The stream is written as `RTP/SAVP`.
    #[serde(default)]
    pub savp: bool,
    /// It is encrypted, as `srtp` says while that is known.
    #[serde(default)]
    pub encrypted: bool,
    /// How it is encrypted, if it is. Keys live as long as the process: after a restart
    /// new ones are agreed on.
    #[serde(skip)]
    pub srtp: Option<Srtp>,
}

impl NegotiatedMedia {
    /// The same, encrypted so or not at all.
    pub fn under(self, srtp: Option<Srtp>) -> Self {
        NegotiatedMedia {
            encrypted: srtp.is_some(),
            srtp,
            ..self
        }
    }

    /// Whether the peer has put us on hold: it does not want to hear us.
    pub fn held_by_peer(&self) -> bool {
        !self.direction.sends()
    }
}
