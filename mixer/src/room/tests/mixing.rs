//! Who hears what: sums, rates, shares, crowds, continuity.

use super::*;

#[test]
fn everyone_hears_exactly_the_others_in_every_pair_of_codecs() {
    let members = [
        (1, Codec::Pcmu, 440.0),
        (2, Codec::Pcma, 620.0),
        (3, Codec::G722, 1_000.0),
        (4, Codec::Opus, 1_500.0),
    ];
    let mut meeting = Meeting::new();
    for (key, codec, note) in members {
        meeting.join(key, codec, note);
    }
    meeting.run(100);
    meeting.forget();
    meeting.run(100);

    for (listener, codec, own) in members {
        for (_, from, note) in members {
            let loudness = meeting.loudness(listener, note);
            if note == own {
                assert!(loudness < 40.0, "{codec:?} hears himself: {loudness}");
            } else {
                assert!(
                    (7_000.0..9_000.0).contains(&loudness),
                    "{codec:?} hears {from:?} at {loudness}"
                );
            }
        }
    }
}

#[test]
fn a_voice_alone_in_its_codec_passes_bit_by_bit() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::Pcmu, 0.0);
    meeting.run(200);
    meeting.forget();
    meeting.run(50);

    assert!(share_at(&meeting.phones[&2].heard, 8_000, 440.0) > 0.9995);
    assert_eq!(dbov(&meeting.phones[&1].heard), crate::level::SILENCE);
}

#[test]
fn two_loud_voices_do_not_distort_what_a_third_cancels() {
    let mut meeting = Meeting::new();
    meeting.join_with(1, Codec::Pcma, 20, 500.0, 30_000.0);
    meeting.join_with(2, Codec::Pcma, 20, 500.0, 30_000.0);
    meeting.join_with(3, Codec::Pcma, 20, 500.0, -30_000.0);
    meeting.run(100);
    meeting.forget();
    meeting.run(50);

    // Each of the first two hears a voice and its opposite: nothing is left of it.
    assert!(dbov(&meeting.phones[&1].heard) < -60.0);
    assert!(dbov(&meeting.phones[&2].heard) < -60.0);
    // The third hears both at twice full scale: limited, neither wrapped nor clipped.
    let loudest = meeting.phones[&3].heard.iter().copied().fold(0.0, f32::max);
    let share = share_at(&meeting.phones[&3].heard, 8_000, 500.0);
    assert!(
        loudest > 29_000.0 && share > 0.999,
        "{loudest} at most, {share}"
    );
}

#[test]
fn who_hears_the_same_shares_one_encode() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Opus, 440.0);
    for key in 2..=9 {
        meeting.join(key, Codec::Opus, 0.0);
    }
    meeting.run(150);
    meeting.forget();
    meeting.run(20);

    assert!((3..=9).all(|key| meeting.phones[&key].payloads == meeting.phones[&2].payloads));
    assert_ne!(meeting.phones[&1].payloads, meeting.phones[&2].payloads);
    assert!((2..=9).all(|key| meeting.room.leg(key).unwrap().own.is_none()));
}

#[test]
fn every_packet_length_carries_the_same_audio() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    for (key, ptime) in [(2, 10), (3, 20), (4, 30), (5, 40), (6, 60)] {
        meeting.join_with(key, Codec::Pcmu, ptime, 0.0, 0.0);
    }
    meeting.run(120);
    meeting.forget();
    meeting.run(60);

    for (key, ptime) in [(2, 10), (3, 20), (4, 30), (5, 40), (6, 60)] {
        let phone = &meeting.phones[&key];
        assert_eq!(phone.payloads.len(), 1_200 / ptime);
        assert_eq!(phone.payloads[0].len(), 8 * ptime);
        assert!(share_at(&phone.heard, 8_000, 440.0) > 0.999, "{ptime} ms");
    }
}

#[test]
fn in_a_crowd_only_the_loudest_are_mixed_and_noise_does_not_add_up() {
    let mut meeting = Meeting::new();
    meeting.join_with(1, Codec::Pcmu, 20, 440.0, 8_000.0);
    for key in 2..=100 {
        // A hum of -48 dBov each, all of them at different notes.
        meeting.join_with(key, Codec::Pcmu, 20, 500.0 + key as f32 * 20.0, 180.0);
    }
    meeting.join(101, Codec::Pcmu, 0.0);
    meeting.run(250);
    meeting.forget();
    meeting.run(50);

    assert!(meeting.loudness(101, 440.0) > 7_500.0);
    let share = share_at(&meeting.phones[&101].heard, 8_000, 440.0);
    assert!(share > 0.9997, "{share}: 35 dB above all else");
}

#[test]
fn a_louder_speaker_takes_a_place_in_a_crowd_within_frames() {
    let mut meeting = Meeting::new();
    for key in 1..=7 {
        meeting.join_with(key, Codec::Pcmu, 20, 300.0 + key as f32 * 100.0, 4_000.0);
    }
    meeting.join(8, Codec::Pcmu, 0.0);
    meeting.run(100);
    meeting.phones.get_mut(&8).unwrap().tone = Some(Tone::new(8_000, 2_000.0, 14_000.0));
    meeting.run(4);
    meeting.forget();
    meeting.run(25);

    assert!(meeting.loudness(1, 2_000.0) > 12_000.0);
}

#[test]
fn who_begins_to_speak_in_a_crowd_is_heard_from_his_first_packet_on() {
    for codec in [Codec::Pcmu, Codec::G722, Codec::Opus] {
        let mut meeting = Meeting::new();
        meeting.join(1, codec, 0.0);
        for key in 2..=40 {
            meeting.join_with(key, codec, 20, 500.0 + key as f32 * 20.0, 40.0);
        }
        meeting.run(200);
        assert!(
            meeting
                .room
                .leg(1)
                .unwrap()
                .playout()
                .is_some_and(|p| p.last().is_none())
        );
        meeting.phones.get_mut(&1).unwrap().tone =
            Some(Tone::new(codec.sample_rate(), 440.0, 8_000.0));
        meeting.forget();
        meeting.run(5);

        // Of five frames at most one and a half are spent on the way there and the codecs' own delay.
        let level = dbov(&meeting.phones[&40].heard);
        assert!(level > -18.5, "{codec:?}: {level}");
        meeting.run(50);
        meeting.forget();
        meeting.run(50);
        let share = share_at(&meeting.phones[&40].heard, codec.sample_rate(), 440.0);
        assert!(share > 0.995, "{codec:?}: {share}");
    }
}

#[test]
fn in_a_crowd_of_the_loud_a_free_place_is_taken_with_the_first_syllable() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 0.0);
    // Two talk, and four have just ended: seven may be heard, and five are.
    for key in 2..=7 {
        meeting.join_with(key, Codec::Pcmu, 20, 300.0 + key as f32 * 100.0, 4_000.0);
    }
    meeting.join(8, Codec::Pcmu, 0.0);
    meeting.run(50);
    for key in 4..=7 {
        meeting.phones.get_mut(&key).unwrap().tone = None;
    }
    meeting.run(25);
    meeting.forget();
    meeting.phones.get_mut(&1).unwrap().tone = Some(Tone::new(8_000, 2_000.0, 8_000.0));
    meeting.run(2);

    // Of his first frame nothing is missing but what packets and frames are apart.
    let heard = meeting.loudness(8, 2_000.0);
    assert!(heard > 6_000.0, "{heard}");
}

#[test]
fn a_prompt_to_the_room_is_heard_over_speech_at_every_rate() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::G722, 0.0);
    meeting.join(3, Codec::Opus, 0.0);
    let tone = Tone::new(16_000, 1_000.0, 6_000.0).frame_i16(32_000);
    meeting.run(50);
    meeting
        .room
        .play(vec![Arc::new(Sound::from_samples(tone))], 9);
    meeting.run(10);
    meeting.forget();
    meeting.run(80);

    for key in 1..=3 {
        let loudness = meeting.loudness(key, 1_000.0);
        assert!((5_500.0..6_500.0).contains(&loudness), "{key}: {loudness}");
    }
    assert!(meeting.loudness(2, 440.0) > 7_000.0);
    meeting.run(20);
    assert_eq!(meeting.room.poll_finished(), Some(9));
}

#[test]
fn a_tone_passes_a_minute_without_a_click_while_others_come_and_go() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::Pcmu, 0.0);
    meeting.join(3, Codec::G722, 0.0);
    meeting.run(100);
    meeting.forget();
    for second in 0..60 {
        let guest = 10 + second % 4;
        if meeting.room.remove(guest).is_some() {
            meeting.phones.remove(&guest);
        } else {
            let codec = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus][second as usize % 4];
            meeting.join(guest, codec, 0.0);
        }
        meeting.run(50);
    }

    for (key, rate) in [(2, 8_000), (3, 16_000)] {
        let worst = meeting.phones[&key]
            .heard
            .chunks_exact(rate as usize / 10)
            .map(|part| share_at(part, rate, 440.0))
            .fold(1.0, f32::min);
        assert!(worst > 0.999, "at {rate} Hz: {worst}");
    }
}

#[test]
fn g722_listeners_hear_no_click_when_they_begin_and_end_to_speak() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::G722, 440.0);
    meeting.join(2, Codec::G722, 0.0);
    meeting.run(100);
    meeting.forget();
    for _ in 0..5 {
        meeting.phones.get_mut(&2).unwrap().tone = Some(Tone::new(16_000, 900.0, 4_000.0));
        meeting.run(50);
        meeting.phones.get_mut(&2).unwrap().tone = None;
        meeting.run(100);
    }

    let worst = meeting.phones[&2]
        .heard
        .chunks_exact(1_600)
        .map(|part| share_at(part, 16_000, 440.0))
        .fold(1.0, f32::min);
    assert!(worst > 0.999, "{worst}");
}
