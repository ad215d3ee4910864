//! What a member does: mutes, keys, pauses, changes, floods; and what is reported of him.

use super::*;

#[test]
fn muted_he_is_not_heard_and_his_old_speech_never_is() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::G722, 440.0);
    meeting.join(2, Codec::Pcmu, 620.0);
    meeting.run(50);
    meeting.room.leg(1).unwrap().set_muted(true);
    meeting.run(5);
    meeting.forget();
    meeting.run(50);
    assert!(meeting.loudness(2, 440.0) < 5.0 && meeting.loudness(1, 620.0) > 7_000.0);

    // While muted he changed his tune; unmuted he is heard as he is now.
    meeting.phones.get_mut(&1).unwrap().tone = Some(Tone::new(16_000, 1_200.0, 8_000.0));
    meeting.run(10);
    meeting.room.leg(1).unwrap().set_muted(false);
    meeting.forget();
    meeting.run(50);
    assert!(meeting.loudness(2, 440.0) < 40.0 && meeting.loudness(2, 1_200.0) > 7_000.0);
}

#[test]
fn a_listener_hears_and_is_not_heard_and_the_deaf_hears_only_what_is_played_to_him() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::Pcmu, 620.0);
    meeting.room.leg(1).unwrap().set_hearing(false, true);
    meeting.room.leg(2).unwrap().set_deaf(true);
    let tone = Tone::new(16_000, 1_000.0, 6_000.0).frame_i16(32_000);
    let sound = Arc::new(Sound::from_samples(tone));
    meeting.run(50);
    meeting.room.leg(2).unwrap().play(vec![sound], 5);
    meeting.run(5);
    meeting.forget();
    meeting.run(80);

    assert!(meeting.loudness(1, 620.0) > 7_000.0);
    assert!(meeting.loudness(2, 440.0) < 5.0);
    assert!(meeting.loudness(2, 1_000.0) > 5_500.0);
    assert!(meeting.loudness(1, 1_000.0) < 40.0);
    meeting.run(20);
    assert!(meeting.events.contains(&(2, Event::Played { token: 5 })));
}

#[test]
fn comfort_noise_is_a_pause_and_no_loss() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::Pcmu, 0.0);
    meeting.run(50);
    let phone = meeting.phones.get_mut(&1).unwrap();
    let header = Header {
        marker: false,
        payload_type: 13,
        sequence: phone.sent as u16,
        timestamp: phone.sent * 160,
        ssrc: 1,
    };
    phone.sent += 1;
    phone.sends = false;
    let skipped = phone.sent;
    let datagram = [&header.to_bytes()[..], &[60]].concat();
    let now = meeting.now;
    meeting.room.leg(1).unwrap().on_rtp(&datagram, now);
    meeting.run(10);
    meeting.forget();
    meeting.run(40);
    assert_eq!(dbov(&meeting.phones[&2].heard), crate::level::SILENCE);

    // He speaks again: the next number, a second later.
    let phone = meeting.phones.get_mut(&1).unwrap();
    phone.sends = true;
    phone.sequence_gap = phone.sent - skipped;
    meeting.run(10);
    meeting.forget();
    meeting.run(100);
    assert!(meeting.loudness(2, 440.0) > 7_000.0);
    let quality = meeting
        .events
        .iter()
        .filter_map(|(key, event)| match event {
            Event::Quality(quality) if *key == 1 => Some(quality.loss),
            _ => None,
        });
    assert!(quality.sum::<f32>() < 0.02);
}

#[test]
fn a_flood_costs_its_sender_alone() {
    let mut meeting = Meeting::new();
    for (key, note) in [(1, 440.0), (2, 620.0), (3, 0.0)] {
        meeting.join(key, Codec::Pcmu, note);
    }
    meeting.run(50);
    meeting.forget();
    for i in 0..50u32 {
        for n in 0..200u32 {
            let header = Header {
                marker: false,
                payload_type: 0,
                sequence: (i * 200 + n) as u16,
                timestamp: n * 160,
                ssrc: 7,
            };
            let datagram = [&header.to_bytes()[..], &[0x20; 160]].concat();
            let now = meeting.now;
            meeting.room.leg(1).unwrap().on_rtp(&datagram, now);
        }
        meeting.run(1);
    }
    assert!(meeting.loudness(3, 620.0) > 7_000.0);
    meeting.run(100);
    meeting.forget();
    meeting.run(50);
    // He may have been lowered for the noise he made.
    assert!(meeting.loudness(3, 440.0) > 1_900.0);
}

#[test]
fn keys_are_reported_and_not_heard() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::Pcmu, 0.0);
    meeting.run(50);
    // He holds a key for 200 ms, while his phone goes on sending the tone of it.
    for frame in 0..10u16 {
        let phone = meeting.phones.get_mut(&1).unwrap();
        let header = Header {
            marker: frame == 0,
            payload_type: 101,
            sequence: phone.sent as u16,
            timestamp: phone.sent * 160 - u32::from(frame) * 160,
            ssrc: 1,
        };
        phone.sent += 1;
        let [high, low] = (frame * 160).to_be_bytes();
        let datagram = [&header.to_bytes()[..], &[7, 10, high, low]].concat();
        let now = meeting.now;
        meeting.room.leg(1).unwrap().on_rtp(&datagram, now);
        if frame == 2 {
            meeting.forget();
        }
        let phone = meeting.phones.get_mut(&1).unwrap();
        phone.sends = false;
        phone.sent -= 1;
        meeting.run(1);
    }
    let loudness = meeting.loudness(2, 440.0);
    assert!(loudness < 400.0, "{loudness}");
    let digits = meeting
        .events
        .iter()
        .filter(|(_, event)| matches!(event, Event::Digit(_)));
    assert_eq!(digits.collect::<Vec<_>>(), [&(1, Event::Digit('7'))]);

    meeting.phones.get_mut(&1).unwrap().sends = true;
    meeting.run(10);
    meeting.forget();
    meeting.run(50);
    assert!(meeting.loudness(2, 440.0) > 7_000.0);
}

#[test]
fn keys_in_the_audio_are_found_where_asked_for_and_hardly_heard() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 0.0);
    meeting.join(2, Codec::Pcmu, 0.0);
    let mut asked = setting(Codec::Pcmu, 20);
    asked.inband_digits = true;
    let now = meeting.now;
    meeting.room.leg(1).unwrap().configure(asked, now);
    meeting.run(50);
    meeting.forget();
    let mut low = Tone::new(8_000, 852.0, 6_000.0);
    let mut high = Tone::new(8_000, 1_209.0, 6_000.0);
    meeting.phones.get_mut(&1).unwrap().sends = false;
    for _ in 0..10 {
        let phone = meeting.phones.get_mut(&1).unwrap();
        let (a, b) = (low.frame(160), high.frame(160));
        let both: Vec<i16> = a.iter().zip(b).map(|(a, b)| (a + b) as i16).collect();
        let mut payload = Vec::new();
        phone.encoder.encode(&both, &mut payload);
        let header = Header {
            marker: false,
            payload_type: 0,
            sequence: phone.sent as u16,
            timestamp: phone.sent * 160,
            ssrc: 1,
        };
        let datagram = [&header.to_bytes()[..], &payload].concat();
        let now = meeting.now;
        meeting.room.leg(1).unwrap().on_rtp(&datagram, now);
        meeting.run(1);
    }

    assert!(meeting.events.contains(&(1, Event::Digit('7'))));
    let loud = meeting.phones[&2]
        .heard
        .chunks_exact(160)
        .filter(|frame| dbov(frame) > -40.0);
    assert!(loud.count() <= 1);
}

#[test]
fn a_key_of_ours_takes_the_place_of_audio() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 0.0);
    meeting.run(10);
    assert!(meeting.room.leg(1).unwrap().press('4'));
    meeting.forget();
    meeting.run(20);

    let events = meeting.phones[&1].payloads.iter().filter(|p| p.len() == 4);
    let events: Vec<_> = events.collect();
    assert!(events.len() >= 6 && events.iter().all(|p| p[0] == 4));
    assert_eq!(meeting.phones[&1].payloads.len(), 20);
}

#[test]
fn gain_makes_him_louder_or_quieter_for_the_others() {
    let mut meeting = Meeting::new();
    meeting.join_with(1, Codec::Pcmu, 20, 440.0, 2_000.0);
    meeting.join(2, Codec::G722, 0.0);
    for (db, factor) in [(0.0, 1.0), (12.0, 3.98), (-12.0, 0.251)] {
        meeting.room.leg(1).unwrap().set_gain(db);
        meeting.run(20);
        meeting.forget();
        meeting.run(50);
        let loudness = meeting.loudness(2, 440.0) / 2_000.0;
        assert!(
            (loudness / factor - 1.0).abs() < 0.05,
            "{db} dB: {loudness}"
        );
    }
}

#[test]
fn a_volume_of_his_own_is_heard_by_him_alone_and_costs_no_one_else_an_encode() {
    for codec in [Codec::Pcmu, Codec::G722, Codec::Opus] {
        let mut meeting = Meeting::new();
        meeting.join_with(1, codec, 20, 440.0, 2_000.0);
        for key in 2..=5 {
            meeting.join(key, codec, 0.0);
        }
        meeting.room.leg(2).unwrap().set_volume(12.0);
        meeting.room.leg(3).unwrap().set_volume(-12.0);
        meeting.run(120);
        meeting.forget();
        meeting.run(50);

        let heard = |key| meeting.loudness(key, 440.0);
        assert!((7_000.0..9_000.0).contains(&heard(2)), "{}", heard(2));
        assert!((400.0..600.0).contains(&heard(3)), "{}", heard(3));
        assert!((1_700.0..2_300.0).contains(&heard(4)), "{}", heard(4));
        assert_eq!(meeting.phones[&4].payloads, meeting.phones[&5].payloads);
        assert!(meeting.room.leg(4).unwrap().own.is_none());

        // As loud as for the others again, he shares their line again.
        meeting.phones.get_mut(&1).unwrap().tone = None;
        meeting.room.leg(2).unwrap().set_volume(0.0);
        meeting.run(100);
        assert!(meeting.room.leg(2).unwrap().own.is_none(), "{codec:?}");
    }
}

#[test]
fn what_is_too_loud_for_a_listener_is_limited_not_clipped() {
    let mut meeting = Meeting::new();
    meeting.join_with(1, Codec::G722, 20, 440.0, 20_000.0);
    meeting.join(2, Codec::G722, 0.0);
    meeting.room.leg(1).unwrap().set_gain(20.0);
    meeting.room.leg(2).unwrap().set_volume(20.0);
    meeting.run(150);
    meeting.forget();
    meeting.run(50);

    let share = share_at(&meeting.phones[&2].heard, 16_000, 440.0);
    assert!(share > 0.995, "{share}");
    assert!(meeting.loudness(2, 440.0) > 28_000.0);
}

#[test]
fn who_speaks_quietly_is_heard_about_as_loud_as_who_speaks_up() {
    let mut meeting = Meeting::new();
    let said = crate::testing::speech(8_000, 12);
    meeting.join(1, Codec::Pcmu, 0.0);
    meeting.join(2, Codec::Pcmu, 0.0);
    meeting.join(3, Codec::Pcmu, 0.0);
    let mut heard = [0.0; 2];
    for (key, factor) in [(1, 1.0), (2, 0.1)] {
        meeting.phones.get_mut(&key).unwrap().says =
            said.iter().map(|s| (s * factor) as i16).collect();
        meeting.run(300);
        meeting.forget();
        meeting.run(250);
        heard[key as usize - 1] = dbov(&meeting.phones[&3].heard);
        meeting.phones.get_mut(&key).unwrap().says.clear();
        meeting.run(100);
    }
    let apart = heard[0] - heard[1];
    assert!(apart.abs() < 3.5, "{heard:?}");
}

#[test]
fn talking_is_reported_and_so_is_its_end() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 0.0);
    meeting.join(2, Codec::Pcmu, 0.0);
    meeting.run(50);
    meeting.phones.get_mut(&1).unwrap().tone = Some(Tone::new(8_000, 440.0, 8_000.0));
    meeting.run(25);
    meeting.phones.get_mut(&1).unwrap().tone = None;
    meeting.run(50);

    let talking: Vec<_> = meeting
        .events
        .iter()
        .filter(|(_, event)| matches!(event, Event::Talking { .. }))
        .collect();
    assert_eq!(
        talking,
        [
            &(1, Event::Talking { on: true }),
            &(1, Event::Talking { on: false })
        ]
    );
    assert!(meeting.events.contains(&(1, Event::Level { dbov: -15 })));
}

#[test]
fn silence_on_the_wire_is_reported_once_and_only_where_audio_is_due() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::Pcmu, 440.0);
    meeting.run(50);
    let mut on_hold = setting(Codec::Pcmu, 20);
    on_hold.receives = false;
    let now = meeting.now;
    meeting.room.leg(2).unwrap().configure(on_hold, now);
    for key in [1, 2] {
        meeting.phones.get_mut(&key).unwrap().sends = false;
    }
    meeting.run(300);
    meeting.phones.get_mut(&1).unwrap().sends = true;
    meeting.run(10);

    let notices: Vec<_> = meeting
        .events
        .iter()
        .filter(|(_, event)| matches!(event, Event::NoAudio | Event::AudioBack))
        .collect();
    assert_eq!(notices, [&(1, Event::NoAudio), &(1, Event::AudioBack)]);
}

#[test]
fn silence_after_comfort_noise_is_by_design_until_it_lasts_too_long() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.run(50);
    meeting.phones.get_mut(&1).unwrap().sends = false;
    let noise = Header {
        marker: false,
        payload_type: 13,
        sequence: meeting.phones[&1].sent as u16,
        timestamp: meeting.phones[&1].sent * 160,
        ssrc: 1,
    };
    let datagram = [&noise.to_bytes()[..], &[60]].concat();
    let now = meeting.now;
    meeting.room.leg(1).unwrap().on_rtp(&datagram, now);
    let missed = |meeting: &Meeting| meeting.events.contains(&(1, Event::NoAudio));

    meeting.run(900);
    assert!(!missed(&meeting));
    meeting.run(200);
    assert!(missed(&meeting));
}

#[test]
fn a_member_whose_source_and_numbers_change_in_mid_call_is_heard_on() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::Pcmu, 0.0);
    meeting.run(100);
    for (ssrc, sequence, timestamp) in [
        (2, 60_000, 5),
        (2, 9, 4_000_000_000),
        (3, 65_530, 4_294_967_000),
    ] {
        meeting.forget();
        for i in 0..50u32 {
            let phone = meeting.phones.get_mut(&1).unwrap();
            let spoken = phone.speak().unwrap();
            let header = Header {
                marker: false,
                payload_type: 0,
                sequence: (sequence + i) as u16,
                timestamp: (timestamp + i64::from(i) * 160) as u32,
                ssrc,
            };
            let datagram = [&header.to_bytes()[..], &spoken[12..]].concat();
            let now = meeting.now;
            meeting.room.leg(1).unwrap().on_rtp(&datagram, now);
            meeting.phones.get_mut(&1).unwrap().sends = false;
            meeting.run(1);
            meeting.phones.get_mut(&1).unwrap().sends = true;
        }
        let silent = meeting.phones[&2]
            .heard
            .chunks_exact(160)
            .filter(|frame| dbov(frame) < -40.0);
        assert!(silent.count() <= 1, "after the change to source {ssrc}");
        assert!(meeting.loudness(2, 440.0) > 6_500.0);
    }
}

#[test]
fn a_member_who_changes_codec_in_mid_call_is_heard_on_and_hears_on() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::G722, 620.0);
    meeting.run(100);
    let now = meeting.now;
    let phone = meeting.phones.get_mut(&1).unwrap();
    phone.codec = Codec::Opus;
    phone.encoder = Encoder::new(Codec::Opus).unwrap();
    phone.decoder = Decoder::new(Codec::Opus).unwrap();
    phone.tone = Some(Tone::new(48_000, 440.0, 8_000.0));
    meeting
        .room
        .leg(1)
        .unwrap()
        .configure(setting(Codec::Opus, 20), now);
    meeting.run(20);
    meeting.forget();
    meeting.run(50);

    assert!(meeting.loudness(2, 440.0) > 7_000.0);
    assert!(meeting.loudness(1, 620.0) > 7_000.0);
}

#[test]
fn reports_tell_both_sides_loss_jitter_and_round_trip() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    let mut ours = Vec::new();
    let mut datagram = Vec::new();
    for frame in 0..600 {
        // Every tenth packet of his is lost.
        meeting.phones.get_mut(&1).unwrap().sends = frame % 10 != 3;
        meeting.run(1);
        let now = meeting.now;
        if meeting.room.leg(1).unwrap().poll_rtcp(now, &mut datagram) {
            rtcp::parse(&datagram, |report| ours.push((now, report)));
        }
    }
    let mut blocks = ours.iter().filter_map(|(_, report)| match report {
        Report::About(block) => Some(block),
        _ => None,
    });
    let last = blocks.next_back().unwrap();
    assert!((24..=27).contains(&last.fraction_lost), "{last:?}");
    assert!(
        (2..=6).contains(&(ours.len() / 2)),
        "{} reports in 12 s",
        ours.len() / 2
    );

    // His report on ours, 300 ms after he got it, which took 80 ms both ways.
    let (sent, Report::Sender { info, .. }) = ours[ours.len() - 2] else {
        panic!("no sender report among {ours:?}");
    };
    let block = rtcp::Block {
        ssrc: 1,
        last_report: info.at.middle(),
        since_report: 65_536 * 3 / 10,
        fraction_lost: 128,
        ..rtcp::Block::default()
    };
    rtcp::compose(9, None, Some(block), 5, true, &mut datagram);
    let leg = meeting.room.leg(1).unwrap();
    leg.on_rtcp(&datagram, sent + Duration::from_millis(380));
    meeting.run(100);

    let quality = meeting
        .events
        .iter()
        .rev()
        .find_map(|(_, event)| match event {
            Event::Quality(quality) => Some(*quality),
            _ => None,
        });
    let quality = quality.unwrap();
    assert!((quality.rtt_ms.unwrap() - 80.0).abs() < 1.0, "{quality:?}");
    assert_eq!(quality.loss_there, 0.5);
}

mod anything {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn may_arrive_and_the_others_are_not_disturbed(
            datagrams in prop::collection::vec(
                (prop::sample::select(vec![0u8, 8, 9, 13, 101, 111, 77]), prop::collection::vec(any::<u8>(), 0..120)),
                0..200,
            ),
        ) {
            let mut meeting = Meeting::new();
            meeting.join(1, Codec::Opus, 0.0);
            meeting.join(2, Codec::Pcmu, 440.0);
            meeting.join(3, Codec::Pcmu, 0.0);
            meeting.room.leg(1).unwrap().set_muted(true);
            for chunk in datagrams.chunks(4) {
                for (payload_type, bytes) in chunk {
                    let mut datagram = bytes.clone();
                    if let Some(flags) = datagram.first_mut() { *flags = *flags & 0x3f | 0x80; }
                    if let Some(kind) = datagram.get_mut(1) { *kind = *kind & 0x80 | payload_type; }
                    let now = meeting.now;
                    meeting.room.leg(1).unwrap().on_rtp(&datagram, now);
                }
                meeting.run(1);
            }
            meeting.forget();
            meeting.run(30);
            prop_assert!(meeting.loudness(3, 440.0) > 7_000.0);
        }
    }
}

#[test]
fn encoding_with_less_effort_is_heard_as_well_in_mid_sentence() {
    let mut meeting = Meeting::new();
    meeting.join(1, Codec::Pcmu, 440.0);
    meeting.join(2, Codec::Opus, 620.0);
    meeting.run(100);
    for effort in [Effort::Least, Effort::Full] {
        meeting.room.set_effort(effort);
        meeting.forget();
        meeting.run(50);
        let silent = meeting.phones[&2]
            .heard
            .chunks_exact(960)
            .filter(|frame| dbov(frame) < -40.0);
        assert_eq!(silent.count(), 0, "{effort:?}");
        assert!(meeting.loudness(2, 440.0) > 6_500.0, "{effort:?}");
    }
}
