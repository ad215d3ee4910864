//! What a conference sounds like: datagrams in, datagrams out, 20 ms at a time.
//!
//! A pure crate. It owns no socket and reads no clock: the media threads hand
//! it what arrived and the instant they are at, and send what it hands back.
//! So an hour of conversation, its losses and its drifting clocks, runs in a
//! test in a second.
//!
//! ```text
//!             Leg (one member)                              Room (who hear each other)
//! datagram -> rtp -> receive: buffer, decode, conceal -> level -> choose -> sum -> encode -> header -> datagram
//!               \-> dtmf    \-> reception, rtcp                   player /   one encode for all who
//!                                                                          hear the same
//! ```
//!
//! - A [`Leg`] is one member's audio both ways, a value that moves from [`Room`] to room.
//! - [`Room::tick`] is the heart: it listens to every leg, mixes the loudest, and tells
//!   everybody what he hears, which is all but himself.
//! - [`receive`] turns an unreliable stream of packets into an even one of samples.
//! - [`codec`] knows G.711, G.722 and Opus, and how to see that a packet is silent
//!   without decoding it.
//! - [`leveller`] makes everybody about as loud as everybody else, [`limiter`] keeps what is
//!   then too loud from being clipped.
//! - [`noise`] takes noise out of a voice, in rooms that ask for it.
//! - [`encode`] narrows each mix to 16 bits and encodes it once for all who hear it.
//! - [`player`] brings prompts and music into a mix; [`sound`] is what it plays.
//!
//! Audio inside is `f32` in the scale of 16-bit samples, at 8, 16 or 48 kHz: each source is
//! decoded at its own rate and converted to the others only while somebody needs it.
//! Once a room has settled, receiving and ticking allocate nothing (`tests/allocation.rs`).
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod codec;
pub mod dtmf;
pub mod encode;
mod fetch;
pub mod leg;
pub mod level;
pub mod leveller;
pub mod limiter;
pub mod noise;
pub mod opinion;
pub mod player;
pub mod receive;
pub mod reception;
pub mod resample;
pub mod room;
pub mod rtcp;
pub mod rtp;
pub mod send;
pub mod sound;
pub mod srtp;
#[cfg(test)]
pub(crate) mod testing;
pub mod voice;

pub use codec::Codec;
pub use encode::Format;
pub use leg::{Event, GAIN_MOST, Leg, NO_AUDIO, Setting, WallClock};
pub use reception::Quality;
pub use room::{LegKey, Room};
pub use rtcp::Ntp;
pub use send::Seed;
pub use sound::{Sound, SoundError};

use std::time::Duration;

/// The length of one mixer frame. Every room thinks in these.
pub const FRAME: Duration = Duration::from_millis(20);
