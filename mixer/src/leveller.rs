//! Everybody about as loud as everybody else: automatic gain, slow, and for speech alone.
//!
//! One speaks into a headset and the other across a table; heard together they may be 20 dB
//! apart. The leveller learns how loud someone's **speech** is and brings it towards
//! [`TARGET`]:
//!
//! - What is learnt from: frames that stand well out of his noise, *while he is alive*. The
//!   syllables of speech rise and fall by more than [`SWING`] three to six times a second; a tone
//!   does not, a fan does not, an engaged tone does twice in two seconds. Whoever does not swing
//!   is no speech and is heard as loud as he comes, so neither tone nor noise nor silence is raised.
//! - The loudness of his speech is the mean power of those frames: of all of them at
//!   first, of the last 5 s of speech later. A frame far above the mean weighs more, so that
//!   whoever leans towards his microphone is not too loud for seconds.
//! - The gain goes to `TARGET - loudness`, between [`LEAST`] and [`MOST`], only while he
//!   speaks, by [`UP`] or [`DOWN`] in a frame. Once there it stays until it is off by [`OFF`]: a
//!   sentence that ends more quietly does not make it breathe.
//! - In his pauses what was raised is taken back: not his noise is to be louder. With the first frame
//!   that stands out the gain is what it was.
//!
//! It works on the level of each frame that is measured anyway, looks at nothing ahead and delays
//! nothing. What would be too loud then is the [limiter](crate::limiter)'s affair.

/// Where speech is brought to, dBov: the level that telephony is planned for.
pub const TARGET: f32 = -26.0;
/// The bounds of the gain, dB.
pub const LEAST: f32 = -12.0;
pub const MOST: f32 = 18.0;
/// His noise is not raised above this even while he speaks, dBov.
const NOISE_MOST: f32 = -34.0;
/// A syllable rises and falls by this much, dB...
const SWING: f32 = 8.0;
/// ...from nothing quieter than this, dBov.
const QUIET: f32 = -70.0;
/// Each swing counts one, and fades by this factor in a frame: speech stands at 3 to 6, ...
const FADE: f32 = 0.98;
/// ...and this much is alive.
const ALIVE: f32 = 2.0;
/// Speech must have been heard for so many frames before the gain moves: 0.4 s.
const FIRST: u32 = 20;
/// Loudness is the mean over so many frames of speech: 5 s.
const SETTLED: u32 = 250;
/// A frame that is above the mean by so many dB counts so many times.
const FAR_ABOVE: f32 = 10.0;
const FAR_WEIGHT: f32 = 6.0;
/// How fast the gain moves, in dB a frame: 6 dB a second up, 20 down.
const UP: f32 = 0.12;
const DOWN: f32 = 0.4;
/// A gain that is not off by more, in dB, is left alone; one that moves goes on until it is as near as this.
const OFF: f32 = 2.5;
const NEAR: f32 = 0.2;
/// A pause begins after so many frames, 300 ms, and takes back so much in each, 30 dB a second.
const PAUSE: u8 = 15;
const EASE: f32 = 0.6;

#[derive(Debug, Clone)]
pub struct Leveller {
    /// The mean power of his speech, full scale being 1.
    power: f32,
    /// So many frames of speech have been heard; no further than [`SETTLED`].
    heard: u32,
    swings: Swings,
    gain: f32,
    moving: bool,
    pause: u8,
    /// How much of a raise is taken back in a pause, dB.
    eased: f32,
    /// What comes of it, as a factor.
    factor: f32,
}

impl Default for Leveller {
    fn default() -> Self {
        Self {
            power: 0.0,
            heard: 0,
            swings: Swings::default(),
            gain: 0.0,
            moving: false,
            pause: u8::MAX,
            eased: 0.0,
            factor: 1.0,
        }
    }
}

/// Counts how often a level has fallen and risen again of late.
#[derive(Debug, Clone, Default)]
struct Swings {
    rising: bool,
    /// The highest while it rises, the lowest while it falls.
    turn: f32,
    count: f32,
}

impl Swings {
    fn on_level(&mut self, level: f32) {
        let level = level.max(QUIET);
        self.count *= FADE;
        if self.rising {
            self.turn = self.turn.max(level);
        } else {
            self.turn = self.turn.min(level);
        }
        if (level - self.turn).abs() >= SWING {
            self.rising = !self.rising;
            self.turn = level;
            self.count += f32::from(u8::from(self.rising));
        }
    }
}

/// What is known of a frame.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// dBov.
    pub level: f32,
    /// The noise he sits in, dBov.
    pub floor: f32,
    /// It is more than the noise of his room.
    pub stands_out: bool,
    /// It is so loud that it may be speech.
    pub loud: bool,
}

impl Leveller {
    /// Takes the next frame of a member who may be heard.
    pub fn on_frame(&mut self, look: Look) {
        let before = (self.gain, self.eased);
        self.swings.on_level(look.level);
        if look.loud && self.swings.count >= ALIVE {
            self.learn(look);
        }
        if look.stands_out {
            (self.pause, self.eased) = (0, 0.0);
        } else {
            self.pause = self.pause.saturating_add(1);
            if self.pause > PAUSE {
                self.eased = (self.eased + EASE).min(self.gain.max(0.0));
            }
        }
        if before != (self.gain, self.eased) {
            self.factor = 10.0_f32.powf((self.gain - self.eased) / 20.0);
        }
    }

    fn learn(&mut self, look: Look) {
        self.heard = (self.heard + 1).min(SETTLED);
        let power = 10.0_f32.powf(look.level / 10.0);
        let far = look.level > self.loudness() + FAR_ABOVE;
        let weight = if far { FAR_WEIGHT } else { 1.0 } / self.heard as f32;
        self.power += (power - self.power) * weight.min(1.0);
        if self.heard < FIRST {
            return;
        }
        let bearable = (NOISE_MOST - look.floor).max(0.0);
        let goal = (TARGET - self.loudness()).clamp(LEAST, MOST).min(bearable);
        let off = goal - self.gain;
        self.moving = off.abs() > if self.moving { NEAR } else { OFF };
        if self.moving {
            self.gain += off.clamp(-DOWN, UP);
        }
    }

    /// How loud his speech is, dBov.
    fn loudness(&self) -> f32 {
        10.0 * self.power.max(1e-12).log10()
    }

    /// By how much he is raised while he speaks, dB.
    pub fn gain_db(&self) -> f32 {
        self.gain
    }

    /// What his samples are multiplied by now.
    pub fn factor(&self) -> f32 {
        self.factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::{Meter, dbov};
    use crate::testing::{Tone, noise, speech};

    /// Someone at his microphone, frame by frame.
    #[derive(Default)]
    struct Speaker {
        meter: Meter,
        leveller: Leveller,
    }

    impl Speaker {
        /// What leaves for what comes in, at 8 kHz.
        fn say(&mut self, signal: &[f32]) -> Vec<f32> {
            let mut out = Vec::new();
            for frame in signal.chunks_exact(160) {
                let level = dbov(frame);
                self.meter.on_level(level);
                let floor = self.meter.floor();
                self.leveller.on_frame(Look {
                    level,
                    floor,
                    stands_out: level > floor + 6.0,
                    loud: self.meter.loud(),
                });
                out.extend(frame.iter().map(|s| s * self.leveller.factor()));
            }
            out
        }
    }

    fn scaled(signal: &[f32], db: f32) -> Vec<f32> {
        let factor = 10.0_f32.powf(db / 20.0);
        signal.iter().map(|s| s * factor).collect()
    }

    #[test]
    fn speakers_twenty_db_apart_are_heard_within_three() {
        let said = speech(8_000, 8);
        let (mut near, mut far) = (Speaker::default(), Speaker::default());
        let loud = near.say(&said);
        let quiet = far.say(&scaled(&said, -20.0));
        let apart = dbov(&loud[40_000..]) - dbov(&quiet[40_000..]);
        assert!(apart.abs() < 3.0, "{apart} dB after five seconds");
    }

    #[test]
    fn whoever_is_too_loud_is_lowered_and_whoever_is_right_is_left_alone() {
        let said = speech(8_000, 8);
        let usual = scaled(&said, TARGET - 1.5 - dbov(&said));
        let mut right = Speaker::default();
        assert_eq!(right.say(&usual), usual);

        let mut loud = Speaker::default();
        let heard = loud.say(&scaled(&usual, 9.0));
        let over = dbov(&heard[40_000..]) - dbov(&usual[40_000..]);
        assert!((-2.0..4.0).contains(&over), "{over}");
    }

    #[test]
    fn neither_tone_nor_noise_nor_silence_is_raised() {
        for amplitude in [60.0, 200.0, 600.0, 2_000.0] {
            let tone = Tone::new(8_000, 1_000.0, amplitude).frame(80_000);
            assert_eq!(Speaker::default().say(&tone), tone, "{amplitude}");
            let fan = noise(80_000, amplitude);
            assert_eq!(Speaker::default().say(&fan), fan, "{amplitude}");
        }
        let silence = vec![0.0; 16_000];
        assert_eq!(Speaker::default().say(&silence), silence);
    }

    #[test]
    fn noise_in_his_pauses_is_not_pumped_up_and_his_next_word_is_as_loud_as_the_last() {
        let mut far = Speaker::default();
        let said = scaled(&speech(8_000, 6), -18.0);
        let hiss = noise(80_000, 15.0);
        let mixed: Vec<f32> = said.iter().zip(&hiss).map(|(a, b)| a + b).collect();
        let before = far.say(&mixed);
        assert!(far.leveller.gain_db() > 8.0, "{}", far.leveller.gain_db());

        let pause = far.say(&hiss[..40_000]);
        let louder = dbov(&pause[12_000..]) - dbov(&hiss[12_000..40_000]);
        assert!(louder.abs() < 0.1, "{louder} dB after a second and a half");

        let again = far.say(&mixed[..8_000]);
        let off = dbov(&again) - dbov(&before[40_000..]);
        assert!(off.abs() < 2.0, "{off}");
    }

    #[test]
    fn a_settled_loudness_does_not_breathe() {
        let mut far = Speaker::default();
        far.say(&scaled(&speech(8_000, 10), -15.0));
        let settled = far.leveller.gain_db();
        for sentence in 0..20 {
            // Some sentences are said a little louder than others.
            let louder = [0.0, 1.5, -1.5, 1.0][sentence % 4];
            far.say(&scaled(&speech(8_000, 3), -15.0 + louder));
            let moved = far.leveller.gain_db() - settled;
            assert_eq!(moved, 0.0, "sentence {sentence}");
        }
    }

    #[test]
    fn whoever_leans_forward_is_lowered_within_a_second() {
        let mut far = Speaker::default();
        let said = speech(8_000, 6);
        far.say(&scaled(&said, -20.0));
        let raised = far.leveller.gain_db();
        far.say(&said[..10_000]);
        assert!(far.leveller.gain_db() < raised - 10.0);
    }
}
