//! What a leg is told: where its audio goes, and how it takes part.

use std::fmt;
use std::net::SocketAddr;

use mixer::Codec;
use mixer::srtp::{KEY, Profile};

use crate::{LegId, RoomKey};

/// The outcome of offer and answer for one leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// What we send, and what we expect. The static types PCMU, PCMA and G.722 are
    /// understood besides it, and comfort noise (payload type 13) is tolerated.
    pub codec: Codec,
    pub payload_type: u8,
    /// The payload type of `telephone-event` (RFC 4733), if it was agreed on.
    pub dtmf: Option<u8>,
    /// Look for key presses in the audio as well: for members without telephone events.
    pub inband_digits: bool,
    /// Where the SDP says its RTP goes and comes from.
    pub remote: SocketAddr,
    /// Where its RTCP goes; `None` is the port above `remote` (RFC 3550 §11). The same
    /// address as `remote` means that both share one port (RFC 5761).
    pub remote_rtcp: Option<SocketAddr>,
    /// Milliseconds of audio in each packet we send: 10, 20, 30, 40 or 60; anything else is taken as 20.
    pub ptime_ms: u8,
    pub direction: Direction,
    /// The id of the `ssrc-audio-level` header extension (RFC 6464), if it was agreed on.
    pub level_extension: Option<u8>,
    /// How it is encrypted, if it is.
    pub srtp: Option<Srtp>,
}

/// Encryption both ways (RFC 3711), with the keys that signalling has brought.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Srtp {
    pub profile: Profile,
    /// Master key and salt of what we send.
    pub ours: [u8; KEY],
    pub theirs: [u8; KEY],
}

/// Keys are never shown.
impl fmt::Debug for Srtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Srtp({:?})", self.profile)
    }
}

impl Stream {
    /// Both ways, 20 ms packets, no telephone events, no extension.
    pub fn new(codec: Codec, payload_type: u8, remote: SocketAddr) -> Self {
        Self {
            codec,
            payload_type,
            dtmf: None,
            inband_digits: false,
            remote,
            remote_rtcp: None,
            ptime_ms: 20,
            direction: Direction::SendReceive,
            level_extension: None,
            srtp: None,
        }
    }
}

/// Which way audio flows, seen from us (that is, as written in *our* SDP).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    SendReceive,
    /// We only send: the member has put us on hold with music of ours, or cannot speak.
    SendOnly,
    /// We only receive.
    ReceiveOnly,
    /// On hold both ways.
    Inactive,
}

impl Direction {
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendReceive | Direction::SendOnly)
    }

    pub fn receives(self) -> bool {
        matches!(self, Direction::SendReceive | Direction::ReceiveOnly)
    }
}

/// How a leg takes part in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hearing {
    /// The room may hear him. A listener's microphone is drained, never mixed.
    pub speaks: bool,
    /// He hears the room. What is played to him alone he hears in any case.
    pub hears: bool,
}

impl Hearing {
    pub const SPEAKER: Self = Self {
        speaks: true,
        hears: true,
    };
    pub const LISTENER: Self = Self {
        speaks: false,
        hears: true,
    };
}

/// To whom something is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// To one member alone, wherever he is.
    Leg(LegId),
    /// To everyone in the room who hears.
    Room(RoomKey),
}

/// How sounds are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One after the other, after what was queued before; then [`LegEvent::Played`](crate::LegEvent::Played)
    /// (or [`RoomEvent::Played`](crate::RoomEvent::Played)).
    Once,
    /// Over and over as background music, in place of the music before. It is
    /// lowered while something is played [`Once`](Mode::Once).
    Loop,
}
