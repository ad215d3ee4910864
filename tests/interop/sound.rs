//! Sounds that phones play, and what can be heard in those they recorded.

use std::path::Path;

use simulator::{Ear, Heard};
use tests::wait;

/// Samples a second of the files that phones play.
const RATE: u32 = 16_000;
/// Longer than any test keeps a call up.
const SECONDS: u32 = 300;

/// Two seconds at 16 kHz: what [`wait_for_more`] waits for, bytes.
const MORE: u64 = 64_000;

/// How far off a tone may be after two codecs and a mixer, Hz.
const NEAR_HZ: u16 = 12;

/// Writes a sine of `hz` at about -20 dBov.
pub fn write_tone(path: &Path, hz: u16) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(path, spec).expect("the folder is ours");
    for sample in tone(hz, RATE).cycle().take((RATE * SECONDS) as usize) {
        file.write_sample(sample).expect("the disk has room");
    }
    file.finalize().expect("the disk has room");
}

/// One second of it, which is a whole number of periods.
pub fn tone(hz: u16, rate: u32) -> impl Iterator<Item = i16> + Clone {
    (0..rate).map(move |n| {
        let angle = std::f32::consts::TAU * f32::from(hz) * n as f32 / rate as f32;
        (0.14 * 32_767.0 * angle.sin()) as i16
    })
}

/// What a recording holds, half second by half second.
pub fn heard_in(path: &Path) -> Vec<Heard> {
    let file =
        hound::WavReader::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rate = file.spec().sample_rate;
    // A phone that is still writing, or was killed, leaves a short last sample.
    let samples: Vec<f32> = file
        .into_samples::<i16>()
        .map_while(Result::ok)
        .map(f32::from)
        .collect();
    Ear::new(rate).hear(&samples)
}

/// Waits until the phone has written down some more seconds of what it hears.
pub fn wait_for_more(recording: &Path) {
    let length = || std::fs::metadata(recording).map_or(0, |file| file.len());
    let before = length();
    let what = format!("{} to grow", recording.display());
    wait::until(what, wait::LONG, || {
        (length() > before + MORE).then_some(())
    });
}

/// Is this tone among those heard?
pub fn has(heard: &Heard, hz: u16) -> bool {
    heard.tones.iter().any(|tone| tone.abs_diff(hz) <= NEAR_HZ)
}

/// A moment at which exactly these tones stood out.
pub fn heard_together(heard: &[Heard], tones: [u16; 2]) -> bool {
    heard
        .iter()
        .any(|moment| tones.iter().all(|hz| has(moment, *hz)) && moment.tones.len() == tones.len())
}

/// A moment at which this tone was heard at all.
pub fn ever_heard(heard: &[Heard], hz: u16) -> bool {
    heard.iter().any(|moment| has(moment, hz))
}

/// Whether a phone hears its own tone beside those of the others: at most moments of
/// their being together. The greeting is speech, which has any tone for a moment.
pub fn hears_itself(heard: &[Heard], own: u16, others: [u16; 2]) -> bool {
    let together = heard
        .iter()
        .filter(|moment| others.iter().all(|hz| has(moment, *hz)));
    let (with, without): (Vec<&Heard>, Vec<&Heard>) = together.partition(|moment| has(moment, own));
    with.len() > without.len()
}
