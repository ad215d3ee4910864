//! What a conference sounds like: datagrams in, datagrams out, 20 ms at a time.
//!
//! A pure crate. It owns no socket and reads no clock: the media threads hand
//! it what arrived and the instant they are at, and send what it hands back.
//! So an hour of conversation, its losses and its drifting clocks, runs in a
//! test in a second.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod codec;
pub mod dtmf;
pub mod encode;
pub mod leg;
pub mod level;
pub mod player;
pub mod receive;
pub mod reception;
pub mod resample;
pub mod room;
pub mod rtcp;
pub mod rtp;
pub mod send;
pub mod sound;
#[cfg(test)]
pub(crate) mod testing;
pub mod voice;

pub use codec::Codec;
pub use encode::Format;
pub use leg::{Event, Leg, Setting, WallClock};
pub use reception::Quality;
pub use room::{LegKey, Room};
pub use rtcp::Ntp;
pub use send::Seed;
pub use sound::{Sound, SoundError};

use std::time::Duration;

/// The length of one mixer frame. Every room thinks in these.
pub const FRAME: Duration = Duration::from_millis(20);
