//! What a line says: speech by espeak-ng where there is one, else something like it,
//! or a plain tone.

use std::{collections::BTreeMap, f32::consts::TAU, sync::Arc, thread};

use mixer::Codec;

use crate::script;

/// The speech of all lines, rendered on every core.
pub fn of_all<'a>(lines: impl Iterator<Item = &'a script::Voice>) -> Vec<Speech> {
    let voices: Vec<_> = lines.enumerate().collect();
    let cores = thread::available_parallelism().map_or(2, usize::from);
    let share = voices.len().div_ceil(cores).max(1);
    thread::scope(|scope| {
        let parts: Vec<_> = voices
            .chunks(share)
            .map(|part| {
                scope.spawn(|| {
                    let speech = part.iter().map(|(nth, voice)| Speech::new(voice, *nth));
                    speech.collect::<Vec<_>>()
                })
            })
            .collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().expect("rendering does not panic"))
            .collect()
    })
}

/// One utterance and the pause after it, to be repeated; samples at any codec's rate.
pub struct Speech {
    /// -1.0..1.0 at [`voice::RATE`].
    cycle: Vec<f32>,
    at_rate: BTreeMap<u32, Arc<[i16]>>,
}

impl Speech {
    /// `nth` is the line's place in the script: every line has a pitch of its own,
    /// and begins to speak at its own time.
    pub fn new(script: &script::Voice, nth: usize) -> Self {
        let cycle = match script.tone_hz {
            Some(hz) => tone(hz),
            None if script.noise => noise(),
            None => {
                let every = (script.every.as_secs_f32() * voice::RATE as f32) as usize;
                in_turn(said(script, nth), every, nth)
            }
        };
        Self {
            cycle,
            at_rate: BTreeMap::new(),
        }
    }

    /// The cycle as this codec wants it.
    pub fn for_codec(&mut self, codec: Codec) -> Arc<[i16]> {
        let rate = codec.sample_rate();
        let cycle = &self.cycle;
        self.at_rate
            .entry(rate)
            .or_insert_with(|| voice::level::narrowed(&at_rate(cycle, rate)).into())
            .clone()
    }
}

/// The samples at another rate, by the shortest filters there are: this is heard over
/// a telephone, and it must be ready before the next packet is due.
fn at_rate(samples: &[f32], rate: u32) -> Vec<f32> {
    let next = |n: usize| samples[(n + 1) % samples.len()];
    match rate {
        8_000 => (0..samples.len())
            .step_by(2)
            .map(|n| {
                let before = samples[(n + samples.len() - 1) % samples.len()];
                0.25 * before + 0.5 * samples[n] + 0.25 * next(n)
            })
            .collect(),
        48_000 => samples
            .iter()
            .enumerate()
            .flat_map(|(n, &here)| {
                let step = (next(n) - here) / 3.0;
                [here, here + step, here + 2.0 * step]
            })
            .collect(),
        _ => samples.to_vec(),
    }
}

/// One second of a sine at about -20 dBov: whole periods, as all its Hz are.
fn tone(hz: f32) -> Vec<f32> {
    (0..voice::RATE)
        .map(|n| 0.14 * (TAU * hz.round() * n as f32 / voice::RATE as f32).sin())
        .collect()
}

/// Some seconds of white noise at about -35 dBov.
fn noise() -> Vec<f32> {
    let mut seed = 1_u32;
    (0..5 * voice::RATE)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            0.031 * ((seed >> 16) as f32 / 32_768.0 - 1.0)
        })
        .collect()
}

/// The utterance in a circle of `every` samples, begun at the line's own place in it.
fn in_turn(said: Vec<f32>, every: usize, nth: usize) -> Vec<f32> {
    let length = every.max(said.len() + voice::RATE as usize / 2);
    let mut cycle = vec![0.0; length];
    // The golden ratio spreads any number of lines evenly over the circle.
    let start = (nth as f32 * 0.618_034).fract() * length as f32;
    for (n, sample) in said.into_iter().enumerate() {
        cycle[(start as usize + n) % length] = sample;
    }
    cycle
}

fn said(script: &script::Voice, nth: usize) -> Vec<f32> {
    let speaker = match script.language.as_str() {
        "ru" => voice::Voice::RUSSIAN,
        _ => voice::Voice::ENGLISH,
    };
    match speaker.speak(&script.say) {
        Ok(samples) => {
            let samples: Vec<f32> = samples.iter().map(|s| f32::from(*s) / 32_768.0).collect();
            // Read faster or slower, the same voice becomes another person's.
            let pitch = 0.85 + 0.06 * (nth % 7) as f32;
            let from = (voice::RATE as f32 * pitch) as u32;
            voice::level::resampled(&samples, from, voice::RATE)
        }
        Err(error) => {
            tracing::debug!(%error, "Speech is imitated");
            babble(&script.say, nth)
        }
    }
}

/// Voiced syllables with a melody, one for every three letters: sounds like speech to
/// a talk detector, and like somebody far away to a listener.
fn babble(text: &str, nth: usize) -> Vec<f32> {
    let rate = voice::RATE as f32;
    let syllables = (text.chars().count() / 3).clamp(3, 40);
    let length = (syllables as f32 * 0.22 * rate) as usize;
    let base = 95.0 + 17.0 * (nth % 8) as f32;
    let mut phase = 0.0_f32;
    let samples: Vec<f32> = (0..length)
        .map(|n| {
            let t = n as f32 / rate;
            let syllable = t / 0.22;
            let loud = (std::f32::consts::PI * syllable.fract()).sin().powf(0.6);
            let melody = base * (1.0 + 0.15 * (TAU * 0.7 * t + nth as f32).sin());
            phase = (phase + melody / rate).fract();
            let formant = 500.0 + 300.0 * (syllable.floor() * 2.4 + nth as f32).sin();
            let buzz: f32 = (1..12)
                .map(|k| {
                    let hz = melody * k as f32;
                    let near = 1.0 / (1.0 + ((hz - formant) / 180.0).powi(2));
                    (0.15 + near) / k as f32 * (TAU * phase * k as f32).sin()
                })
                .sum();
            loud * buzz
        })
        .collect();
    voice::level::levelled(&samples, voice::RATE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_tone_has_its_frequency_at_every_codecs_rate() {
        let mut speech = Speech::new(
            &script::Voice {
                tone_hz: Some(880.0),
                ..script::Voice::default()
            },
            0,
        );
        for codec in [Codec::Pcmu, Codec::G722, Codec::Opus] {
            let samples: Vec<f32> = speech
                .for_codec(codec)
                .iter()
                .map(|s| f32::from(*s))
                .collect();

            let heard = crate::ear::Ear::new(codec.sample_rate()).hear(&samples);

            assert!(heard[0].tones[0].abs_diff(880) <= 2, "{:?}", heard[0].tones);
        }
    }

    #[test]
    fn imitated_speech_is_as_loud_as_a_prompt_and_pauses_between_utterances() {
        let cycle = in_turn(babble("Good morning, everyone.", 3), 12 * 16_000, 3);

        let dbov = 20.0 * voice::level::active_rms(&cycle, voice::RATE).log10();

        assert!((-22.0..-18.0).contains(&dbov), "{dbov} dBov");
        let silent = cycle.iter().filter(|s| s.abs() < 0.001).count();
        assert!(silent > cycle.len() / 2, "{silent} of {}", cycle.len());
    }

    #[test]
    fn a_cycle_is_as_long_as_the_script_says() {
        let mut speech = Speech::new(
            &script::Voice {
                every: Duration::from_secs(9),
                ..script::Voice::default()
            },
            2,
        );

        let samples = speech.for_codec(Codec::Pcma);

        assert_eq!(samples.len(), 9 * 8_000);
    }
}
