//! What a room sounds like, for whoever writes it down.
//!
//! While it is tapped a room makes its mix at [`TAPPED_RATE`] even if no listener
//! needs that rate, and after each tick hands out the whole mix, with all that is
//! played into the room, and the voice of each who is part of it. It is the mix that
//! nobody hears, for everybody hears it without himself.

use super::{LegKey, Room};
use crate::voice::rate_index;

/// Samples a second of what is handed out: all of speech, and a third of Opus's data.
pub const TAPPED_RATE: u32 = 16_000;
/// Samples in a frame of 20 ms at that rate.
pub const TAPPED_FRAME: usize = TAPPED_RATE as usize / 50;

impl Room {
    /// From the next tick on the room is written down, or no more.
    pub fn set_tapped(&mut self, on: bool) {
        self.tapped = on;
    }

    /// The last tick, to be asked right after it: first the mix, then who of its speakers said what, as samples in
    /// the scale of 16 bits. Nothing if the room is not tapped.
    pub fn tapped(&mut self, mut take: impl FnMut(Option<LegKey>, &[f32])) {
        let mix = &self.mixes[rate_index(TAPPED_RATE)];
        // It was made before the room was tapped.
        if !self.tapped || mix.len() != TAPPED_FRAME {
            return;
        }
        take(None, mix);
        for &speaker in &self.speakers {
            if let Some((key, leg)) = self.legs.get(speaker) {
                take(Some(*key), leg.voice.at(TAPPED_RATE));
            }
        }
    }
}
