//! A room that ticks when it wants to: packets come at their own times.

use super::*;
use crate::codec::samples_in;

/// Someone whose packets leave at 20 ms + `phase` (ms), and in what seconds he speaks.
struct Talker {
    key: LegKey,
    phase: u64,
    note: f32,
    speaks: fn(u64) -> bool,
}

/// What came of it: how long each spoken packet waited for the tick that sent it on, in ms,
/// with the second; and what a silent listener heard.
struct Outcome {
    waits: Vec<(u64, f64)>,
    heard: Vec<f32>,
    ticks: usize,
}

const LISTENER: LegKey = 99;

fn converse(talkers: &[Talker], seconds: u64) -> Outcome {
    let mut meeting = Meeting::new();
    for talker in talkers {
        meeting.join(talker.key, Codec::Pcmu, talker.note);
    }
    meeting.join(LISTENER, Codec::Pcmu, 0.0);
    let start = meeting.now;
    let mut due = start + Duration::from_millis(13);
    let mut outcome = Outcome {
        waits: Vec::new(),
        heard: Vec::new(),
        ticks: 0,
    };
    for ms in 0..seconds * 1_000 {
        let now = start + Duration::from_millis(ms);
        for talker in talkers {
            if ms % 20 != talker.phase {
                continue;
            }
            let phone = meeting.phones.get_mut(&talker.key).unwrap();
            let spoken = phone.speak().unwrap();
            let speaks = (talker.speaks)(ms / 1_000);
            let silence = [&spoken[..12], &[0xff; 160]].concat();
            let datagram = if speaks { &spoken } else { &silence };
            assert_eq!(samples_in(Codec::Pcmu, &datagram[12..]), Some(160));
            meeting.room.leg(talker.key).unwrap().on_rtp(datagram, now);
            if speaks {
                let wait = due.saturating_duration_since(now);
                outcome
                    .waits
                    .push((ms / 1_000, wait.as_secs_f64() * 1_000.0));
            }
        }
        while due < now + Duration::from_millis(1) {
            let phones = &mut meeting.phones;
            meeting.room.tick(due, |key, header, payload| {
                let datagram = [&header[..], payload].concat();
                phones.get_mut(&key).unwrap().hear(&datagram);
            });
            meeting.room.drain_events(|_, _| ());
            due += meeting.room.pace();
            outcome.ticks += 1;
        }
    }
    outcome.heard = std::mem::take(&mut meeting.phones.get_mut(&LISTENER).unwrap().heard);
    outcome
}

fn longest_wait(outcome: &Outcome, seconds: std::ops::Range<u64>) -> f64 {
    let within = outcome
        .waits
        .iter()
        .filter(|(second, _)| seconds.contains(second));
    within.map(|&(_, wait)| wait).fold(0.0, f64::max)
}

#[test]
fn the_room_comes_to_tick_just_after_the_packets_of_who_speaks() {
    for phase in [0, 3, 8, 12, 14, 19] {
        let outcome = converse(
            &[Talker {
                key: 1,
                phase,
                note: 440.0,
                speaks: |_| true,
            }],
            10,
        );

        let wait = longest_wait(&outcome, 2..10);
        assert!(wait <= 3.0, "phase {phase}: {wait} ms");
        let worst = outcome.heard[4_000..]
            .chunks_exact(800)
            .map(|part| share_at(part, 8_000, 440.0))
            .fold(1.0, f32::min);
        assert!(worst > 0.999, "phase {phase}: {worst}");
    }
}

#[test]
fn it_follows_the_next_speaker_and_gives_the_time_back_in_silence() {
    let outcome = converse(
        &[
            Talker {
                key: 1,
                phase: 2,
                note: 440.0,
                speaks: |second| second % 12 < 4,
            },
            Talker {
                key: 2,
                phase: 15,
                note: 700.0,
                speaks: |second| (6..10).contains(&(second % 12)),
            },
        ],
        120,
    );

    for round in 0..10 {
        let begin = round * 12;
        for speech in [begin + 2..begin + 4, begin + 8..begin + 10] {
            let wait = longest_wait(&outcome, speech.clone());
            assert!(wait <= 3.0, "seconds {speech:?}: {wait} ms");
        }
    }
    // As many ticks as 20 ms go into the time, and a few it is ahead.
    assert!(
        (6_000..=6_003).contains(&outcome.ticks),
        "{} ticks",
        outcome.ticks
    );
}

#[test]
fn who_speaks_at_the_same_time_is_heard_as_well() {
    let outcome = converse(
        &[
            Talker {
                key: 1,
                phase: 2,
                note: 440.0,
                speaks: |_| true,
            },
            Talker {
                key: 2,
                phase: 15,
                note: 700.0,
                speaks: |_| true,
            },
        ],
        20,
    );

    let last = &outcome.heard[80_000..];
    for note in [440.0, 700.0] {
        let loudness = power_at(last, 8_000, note).sqrt();
        assert!(
            (7_500.0..8_500.0).contains(&loudness),
            "{note} Hz: {loudness}"
        );
    }
}
