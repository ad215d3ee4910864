//! Rooms that ask for voices without the noise around them.

use super::*;
use crate::testing::{noise, speech};

/// A fan that is heard in every pause: -35 dBov.
fn fan(samples: usize) -> Vec<f32> {
    noise(samples, 1_000.0)
}

fn says(meeting: &mut Meeting, key: LegKey, signal: &[f32]) {
    let says = signal.iter().map(|s| *s as i16).collect();
    meeting.phones.get_mut(&key).unwrap().says = says;
}

fn talked(meeting: &Meeting, who: LegKey) -> usize {
    let began = (who, Event::Talking { on: true });
    meeting.events.iter().filter(|e| **e == began).count()
}

/// Somebody with a fan beside him who speaks, is silent and speaks, two seconds each; and who
/// hears him, at the same rate.
fn beside_a_fan(codec: Codec, suppresses: bool) -> (Meeting, Vec<f32>) {
    let rate = codec.sample_rate() as usize;
    let mut said = speech(rate as u32, 6);
    said[2 * rate..4 * rate].fill(0.0);
    let came: Vec<f32> = said.iter().zip(fan(6 * rate)).map(|(a, b)| a + b).collect();
    let mut meeting = Meeting::new();
    meeting.room.suppress_noise(suppresses);
    meeting.join(1, codec, 0.0);
    meeting.join(2, codec, 0.0);
    says(&mut meeting, 1, &came);
    meeting.run(300);
    (meeting, said)
}

#[test]
fn in_a_room_that_asks_for_it_the_fan_is_gone_and_the_words_are_not() {
    for codec in [Codec::Pcmu, Codec::G722, Codec::Opus] {
        let rate = codec.sample_rate() as usize;
        let level = |meeting: &Meeting, from: f32, to: f32| {
            let at = |seconds: f32| (seconds * rate as f32) as usize;
            dbov(&meeting.phones[&2].heard[at(from)..at(to)])
        };
        let (usual, said) = beside_a_fan(codec, false);
        let (quiet, _) = beside_a_fan(codec, true);
        let fell = level(&usual, 2.8, 3.9) - level(&quiet, 2.8, 3.9);
        assert!(fell > 12.0, "{codec:?}: the fan falls by {fell} dB");
        let spoken = dbov(&said[rate..2 * rate]);
        let (with, without) = (level(&usual, 1.0, 2.0), level(&quiet, 1.0, 2.0));
        assert!(
            (with - without).abs() < 3.0,
            "{codec:?}: {with}, {without}, {spoken}"
        );
    }
}

#[test]
fn whoever_sits_beside_a_fan_and_says_nothing_is_not_heard_at_all() {
    for (suppresses, quiet) in [(false, false), (true, true)] {
        let mut meeting = Meeting::new();
        meeting.room.suppress_noise(suppresses);
        meeting.join(1, Codec::Pcmu, 0.0);
        meeting.join(2, Codec::Pcmu, 0.0);
        says(&mut meeting, 1, &fan(64_000));
        meeting.run(200);
        meeting.forget();
        meeting.run(100);
        let heard = dbov(&meeting.phones[&2].heard);
        assert_eq!(heard < -70.0, quiet, "{suppresses}: {heard} dBov");
    }
}

#[test]
fn the_first_word_after_a_long_silence_is_whole() {
    let mut meeting = Meeting::new();
    meeting.room.suppress_noise(true);
    meeting.join(1, Codec::Pcmu, 0.0);
    meeting.join(2, Codec::Pcmu, 0.0);
    let said = speech(8_000, 2);
    says(&mut meeting, 1, &noise(32_000, 30.0));
    meeting.run(200);
    meeting.forget();
    says(&mut meeting, 1, &said);
    meeting.run(100);
    // A jitter buffer, 10 ms of the network and the way up later.
    let heard = &meeting.phones[&2].heard;
    let best = (0..1_600)
        .map(|late| share(&said[..2_400], &heard[late..late + 2_400]))
        .fold(0.0, f32::max);
    assert!(
        best > 0.85,
        "only {best} of the first syllables is what was said"
    );
}

/// How much of what was heard is what was said, 0 to 1.
fn share(said: &[f32], heard: &[f32]) -> f32 {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let common = product(said, heard);
    common * common / (product(said, said) * product(heard, heard)).max(1.0)
}

#[test]
fn turned_on_and_off_in_mid_word_he_goes_on_to_talk() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 0.0);
    meeting.join(2, Codec::Pcmu, 0.0);
    says(&mut meeting, 1, &speech(8_000, 8));
    for on in [true, false, true, false] {
        meeting.run(70);
        meeting.room.suppress_noise(on);
        meeting.forget();
        meeting.run(30);
        let heard = dbov(&meeting.phones[&2].heard);
        assert!(heard > -35.0, "{heard} dBov when {on}");
    }
    assert_eq!(talked(&meeting, 1), 1);
}

#[test]
fn in_a_crowd_of_fans_who_speaks_is_heard_and_they_are_not() {
    const FANS: u64 = 30;
    let mut meeting = Meeting::new();
    meeting.room.suppress_noise(true);
    for key in 1..=FANS {
        meeting.join(key, Codec::Pcmu, 0.0);
        // Each at another moment: they are not one fan.
        let fan = fan(80_000 + key as usize * 777).split_off(key as usize * 777);
        says(&mut meeting, key, &fan);
    }
    meeting.join(40, Codec::Pcmu, 0.0);
    meeting.join(41, Codec::Pcmu, 0.0);
    meeting.run(300);
    meeting.forget();
    meeting.run(50);
    let before = dbov(&meeting.phones[&41].heard);
    says(&mut meeting, 40, &speech(8_000, 2));
    meeting.forget();
    meeting.run(100);
    let heard = dbov(&meeting.phones[&41].heard);
    assert!(before < -50.0, "{before} dBov of fans");
    assert!(heard > -32.0, "{heard} dBov of him");
    assert_eq!(talked(&meeting, 40), 1);
}
