//! How loud someone is, and whether he is speaking.
//!
//! Levels are in dBov: 0 is a square wave at full scale, speech lies around
//! -20 to -35, the noise of an office around -55, and -127 stands for silence.
//!
//! Talking is louder than one's own background: the noise floor follows the
//! quiet moments quickly downwards and slowly upwards, so that a fan is learnt
//! within seconds. Speech holds for a while after it falls silent, since words
//! have gaps.

/// The level of digital silence.
pub const SILENCE: f32 = -127.0;
/// Nothing quieter is ever speech.
const QUIETEST_SPEECH: f32 = -50.0;
/// No room is taken to be noisier than this: a steady sound that is louder is meant to be heard.
const NOISIEST: f32 = -38.0;
/// No microphone is this quiet: muted, suppressed, or nothing has come.
const NO_MICROPHONE: f32 = -90.0;
/// Speech stands out of the noise by this much, in dB.
const ABOVE_FLOOR: f32 = 9.0;
/// Frames (of 20 ms) that must be loud before he is said to talk: a click is not speech.
const ATTACK_FRAMES: u8 = 2;
/// Frames he is held to talk after the last loud one: 300 ms.
const HANGOVER_FRAMES: u8 = 15;

/// The level of a frame in dBov.
pub fn dbov(samples: &[f32]) -> f32 {
    if samples.is_empty() {
        return SILENCE;
    }
    let energy: f32 = samples.iter().map(|s| s * s).sum();
    let mean = energy / samples.len() as f32;
    let full = 32_768.0_f32 * 32_768.0;
    (10.0 * (mean / full).log10()).max(SILENCE)
}

/// Follows one member's level from frame to frame.
#[derive(Debug, Clone)]
pub struct Meter {
    level: f32,
    /// Rises at once and falls by 1 dB a frame: for ranking speakers.
    loudness: f32,
    floor: f32,
    loud_frames: u8,
    hangover: u8,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            level: SILENCE,
            loudness: SILENCE,
            floor: -60.0,
            loud_frames: 0,
            hangover: 0,
        }
    }
}

impl Meter {
    /// Takes the next frame's level.
    pub fn on_level(&mut self, level: f32) {
        self.level = level;
        self.loudness = level.max(self.loudness - 1.0).max(SILENCE);
        let loud = level > QUIETEST_SPEECH && level > self.floor + ABOVE_FLOOR;
        // Down to a new quiet at once in some frames, up by 2 dB a second;
        // digital silence tells nothing about the room he sits in.
        if level < self.floor && level > NO_MICROPHONE {
            self.floor = (self.floor + (level - self.floor) * 0.2).max(-80.0);
        } else if level > self.floor {
            self.floor = (self.floor + 0.04).min(level).min(NOISIEST);
        }

        self.loud_frames = if loud {
            self.loud_frames.saturating_add(1)
        } else {
            0
        };
        if self.loud_frames >= ATTACK_FRAMES {
            self.hangover = HANGOVER_FRAMES;
        } else {
            self.hangover = self.hangover.saturating_sub(1);
        }
    }

    /// The last frame's level in dBov.
    pub fn level(&self) -> f32 {
        self.level
    }

    /// The recent peak in dBov, by which speakers are ranked.
    pub fn loudness(&self) -> f32 {
        self.loudness
    }

    /// The noise he sits in, as far as it is known, in dBov.
    pub fn floor(&self) -> f32 {
        self.floor
    }

    /// The last frame was loud enough for speech, be it only a click.
    pub fn loud(&self) -> bool {
        self.loud_frames > 0
    }

    pub fn talking(&self) -> bool {
        self.hangover > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(meter: &mut Meter, level: f32, frames: usize) {
        for _ in 0..frames {
            meter.on_level(level);
        }
    }

    #[test]
    fn levels_are_relative_to_full_scale() {
        assert!((dbov(&[32_768.0, -32_768.0])).abs() < 0.01);
        assert!((dbov(&[3_276.8; 160]) + 20.0).abs() < 0.01);
        assert_eq!(dbov(&[0.0; 160]), SILENCE);
    }

    #[test]
    fn speech_is_noticed_at_once_and_survives_the_gap_between_words() {
        let mut meter = Meter::default();
        follow(&mut meter, -65.0, 50);
        assert!(!meter.talking());
        follow(&mut meter, -25.0, 2);
        assert!(meter.talking());
        follow(&mut meter, -65.0, 10);
        assert!(meter.talking());
        follow(&mut meter, -65.0, 10);
        assert!(!meter.talking());
    }

    #[test]
    fn a_click_is_not_speech() {
        let mut meter = Meter::default();
        follow(&mut meter, -65.0, 50);
        follow(&mut meter, -20.0, 1);
        follow(&mut meter, -65.0, 1);

        assert!(!meter.talking());
    }

    #[test]
    fn a_steady_noise_is_learnt_as_background() {
        let mut meter = Meter::default();
        follow(&mut meter, -42.0, 1_000);

        assert!(!meter.talking());
        follow(&mut meter, -25.0, 2);
        assert!(meter.talking());
    }
}
