//! Sounds without words: the music of someone who waits, and the room's tones.

use std::f32::consts::TAU;

use super::RATE;

/// Raised when anything below sounds different.
pub const RECIPE: &str = "music 1";

/// Makes a sound at [`RATE`], samples of -1.0..1.0.
pub type Make = fn() -> Vec<f32>;

/// File names under `sounds/rendered/common/`, and what makes them.
pub const ALL: [(&str, Make); 3] = [
    ("hold_music", hold_music),
    ("entered", entered),
    ("left", left),
];

/// Hz of a note, counted in semitones from A4.
fn note(semitones: i32) -> f32 {
    440.0 * 2_f32.powf(semitones as f32 / 12.0)
}

/// Five chords of four seconds each, in semitones from A4: Fmaj7, Am7, Dm9, Gsus, Cmaj7.
/// Low enough for a telephone's loudspeaker, high enough for its band.
const CHORDS: [[i32; 4]; 5] = [
    [-16, -12, -9, -5],
    [-12, -9, -5, -2],
    [-19, -9, -4, -5],
    [-14, -9, -7, -2],
    [-9, -5, -2, 2],
];
const CHORD_S: f32 = 4.0;
/// How long a chord swells and fades into the next.
const SWELL_S: f32 = 1.4;

/// Twenty seconds of soft chords with a slow arpeggio above them. The end runs into
/// the beginning, so that it can be played in a loop without a seam.
fn hold_music() -> Vec<f32> {
    let mut loop_ = vec![0.0_f32; seconds(CHORD_S * CHORDS.len() as f32)];
    for (index, chord) in CHORDS.iter().enumerate() {
        let start = seconds(CHORD_S * index as f32);
        for tone in chord {
            add(
                &mut loop_,
                start,
                CHORD_S + SWELL_S,
                0.045,
                note(*tone),
                pad,
            );
        }
        for (step, tone) in [0, 2, 3, 1, 3, 2]
            .into_iter()
            .map(|n| chord[n] + 12)
            .enumerate()
        {
            let at = start + seconds(CHORD_S / 6.0 * step as f32);
            add(&mut loop_, at, 1.5, 0.05, note(tone), pluck);
        }
    }
    loop_
}

/// Two rising notes: somebody came in.
fn entered() -> Vec<f32> {
    chime([note(3), note(8)])
}

/// The same two, falling: somebody left.
fn left() -> Vec<f32> {
    chime([note(8), note(3)])
}

fn chime(notes: [f32; 2]) -> Vec<f32> {
    let mut out = vec![0.0; seconds(0.5)];
    for (hz, at) in notes.into_iter().zip([0.0, 0.12]) {
        let start = seconds(at);
        for (n, sample) in out[start..].iter_mut().enumerate() {
            let t = n as f32 / RATE as f32;
            *sample += 0.12 * pluck(hz, t, 0.5 - at);
        }
    }
    out
}

/// Adds a note of `length_s` from sample `start`, carried over the loop's end to its beginning.
fn add(
    loop_: &mut [f32],
    start: usize,
    length_s: f32,
    size: f32,
    hz: f32,
    voice: fn(f32, f32, f32) -> f32,
) {
    let length = loop_.len();
    for n in 0..seconds(length_s) {
        let t = n as f32 / RATE as f32;
        loop_[(start + n) % length] += size * voice(hz, t, length_s);
    }
}

/// A held note: three soft partials, swelling and fading over [`SWELL_S`].
fn pad(hz: f32, t: f32, length: f32) -> f32 {
    let swell = (t / SWELL_S).min((length - t) / SWELL_S).clamp(0.0, 1.0);
    let swell = swell * swell * (3.0 - 2.0 * swell);
    let angle = TAU * hz * t;
    swell * (angle.sin() + 0.3 * (2.0 * angle).sin() + 0.1 * (3.0 * angle).sin())
}

/// A struck note that dies away, and is silent at its end.
fn pluck(hz: f32, t: f32, length: f32) -> f32 {
    let attack = (t / 0.008).min(1.0);
    let end = ((length - t) / 0.05).clamp(0.0, 1.0);
    let angle = TAU * hz * t;
    attack * end * (-4.0 * t).exp() * (angle.sin() + 0.25 * (2.0 * angle).sin())
}

fn seconds(s: f32) -> usize {
    (s * RATE as f32).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use voice::level::active_rms;

    #[test]
    fn the_hold_music_loops_without_a_step() {
        let music = hold_music();

        let inside = music
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .fold(0.0_f32, f32::max);
        let seam = (music[0] - music[music.len() - 1]).abs();

        assert_eq!(music.len(), 20 * RATE as usize);
        assert!(
            seam <= inside,
            "a step of {seam} where {inside} is the largest inside"
        );
    }

    #[test]
    fn music_and_tones_are_no_louder_than_speech_and_never_clip() {
        for (name, make) in ALL {
            let sound = make();

            let dbov = 20.0 * active_rms(&sound, RATE).log10();
            assert!((-32.0..=-18.0).contains(&dbov), "{name} is at {dbov} dBov");
            assert!(
                sound.iter().all(|sample| sample.abs() < 0.708),
                "{name} clips"
            );
        }
    }

    #[test]
    fn a_tone_begins_and_ends_in_silence() {
        for make in [entered as Make, left] {
            let tone = make();

            assert!(tone[0].abs() < 0.001 && tone[tone.len() - 1].abs() < 0.001);
        }
    }
}
