//! Whether there is anything to hear of a member.
//!
//! Someone's microphone is never silent: it has the noise of his room. Who has given
//! no more than that for a second is taken out of the mix, and put back with
//! the first frame that stands out. In a crowd his packets are then not even
//! decoded, as long as they tell by themselves that nothing is in them.

use crate::codec::Codec;
use crate::codec::screen::Screen;
use crate::level::{self, Meter};

/// What is not louder than the noise of his room by this, in dB, is not for the others...
const ABOVE_NOISE: f32 = 6.0;
/// ...unless it is louder than this, dBov. And what is quieter than the other is nothing.
const SURELY_AUDIBLE: f32 = -42.0;
const INAUDIBLE: f32 = -60.0;
/// How long he must be quiet to be out of the mix: 1 s.
const QUIET_FRAMES: u8 = 50;
/// After so many he is taken for one who only listens.
const RESTING_FRAMES: u8 = 250;

#[derive(Debug, Clone)]
pub struct Activity {
    meter: Meter,
    quiet: u8,
    audible: bool,
    screen: Screen,
    /// What screening told of the last packet.
    screened: Option<f32>,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            meter: Meter::default(),
            quiet: QUIET_FRAMES,
            audible: false,
            screen: Screen::default(),
            screened: None,
        }
    }
}

impl Activity {
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Looks at a packet from outside; true if he is quiet and there is nothing in it.
    pub fn on_packet(&mut self, codec: Codec, payload: &[u8], told: Option<i8>) -> bool {
        self.screened = self.screen.level(codec, payload, told);
        self.is_quiet() && self.screened.is_some_and(|level| level <= self.gate())
    }

    /// Takes the frame he gave, if any: it may come from packets that were looked at.
    pub fn on_frame(&mut self, frame: Option<&[f32]>) {
        let screened = self.screened.take().unwrap_or(level::SILENCE);
        let level = frame.map_or(screened, level::dbov);
        self.meter.on_level(level);
        self.quiet = if level > self.gate() {
            0
        } else {
            self.quiet.saturating_add(1)
        };
        self.audible = frame.is_some() && !self.is_quiet();
    }

    /// There is something to hear of him now, or was just now.
    pub fn audible(&self) -> bool {
        self.audible
    }

    /// The last frame was more than the noise of his room.
    pub fn stands_out(&self) -> bool {
        self.quiet == 0
    }

    /// He has just now been quiet for so long that he may well remain so: 5 s.
    pub fn rests(&self) -> bool {
        self.quiet == RESTING_FRAMES
    }

    fn is_quiet(&self) -> bool {
        self.quiet >= QUIET_FRAMES
    }

    /// What is no louder than this is the noise of his room, dBov.
    fn gate(&self) -> f32 {
        (self.meter.floor() + ABOVE_NOISE).clamp(INAUDIBLE, SURELY_AUDIBLE)
    }
}
