//! What the media threads report.

use mixer::Quality;

/// Something that happened to a leg.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LegEvent {
    /// The member pressed a key: `0`-`9`, `*`, `#`, `A`-`D`. Once per key press,
    /// whether it came as RTP events (RFC 4733) or through [`Media::digit`](crate::Media::digit).
    Digit(char),
    /// The sounds of the [`play`](crate::Media::play) with this token have been heard to their end.
    /// Never for sounds that were stopped, nor for loops.
    Played { token: u64 },
    /// The member began or ceased to speak.
    Talking { on: bool },
    /// How loud the member is, in dBov (0 is full scale, -127 silence); a few times a second while talking.
    Level { dbov: i8 },
    /// Nothing has arrived from the member for two seconds though we should hear him.
    NoAudio,
    /// Audio arrives again after [`LegEvent::NoAudio`].
    AudioBack,
    /// How well the member's audio travels; about every two seconds.
    Quality(Quality),
    /// The address in the member's SDP is one we never send to (multicast, ourselves,
    /// loopback from outside): the leg stays silent until the next [`connect`](crate::Media::connect).
    RemoteRefused,
    /// The browser has proved who it is: from now on it is heard and hears.
    CameIn,
    /// The browser is there no more: it said so, or it did not come within 30 s, or nothing was
    /// heard of it for so long.
    Gone { said: bool },
}

impl From<mixer::Event> for LegEvent {
    fn from(event: mixer::Event) -> Self {
        match event {
            mixer::Event::Digit(digit) => LegEvent::Digit(digit),
            mixer::Event::Played { token } => LegEvent::Played { token },
            mixer::Event::Talking { on } => LegEvent::Talking { on },
            mixer::Event::Level { dbov } => LegEvent::Level { dbov },
            mixer::Event::NoAudio => LegEvent::NoAudio,
            mixer::Event::AudioBack => LegEvent::AudioBack,
            mixer::Event::Quality(quality) => LegEvent::Quality(quality),
        }
    }
}

/// Something that happened to a room as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomEvent {
    /// The sounds played to the room under this token have been heard to their end.
    Played { token: u64 },
}
