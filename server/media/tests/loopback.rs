//! Real sockets, real threads, real time: phones on loopback in rooms of ours.
//!
//! No test sleeps. A phone sends one packet for each it receives: the media
//! thread's own beat drives it, and only a missing beat runs into a time-out.

use std::borrow::BorrowMut;
use std::f64::consts::TAU;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use media::{
    Codec, Config, Family, Hearing, Leg, LegEvent, LegId, Media, Mode, OpenError, RoomEvent,
    RoomKey, Sound, Srtp, Stream, Target,
};
use mixer::codec::g711::{MU_LAW, a_byte, mu_byte};
use mixer::rtcp;
use mixer::rtp::{Header, Packet};
use mixer::srtp::{Inbound, Outbound, Profile, Session};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// No beat for this long is a failure.
const PATIENCE: Duration = Duration::from_secs(5);

fn media(ports: std::ops::RangeInclusive<u16>) -> Media {
    Media::start(Config {
        ip: Ipv4Addr::LOCALHOST.into(),
        ipv6: Some(Ipv6Addr::LOCALHOST),
        ports,
        browsers: None,
        threads: 2,
    })
    .unwrap()
}

/// A phone that speaks PCMU and hums one note.
struct Phone {
    socket: UdpSocket,
    leg: Leg,
    events: UnboundedReceiver<(LegId, LegEvent)>,
    frequency: f64,
    sent: u32,
    heard: Vec<f64>,
    seal: Option<(Outbound, Inbound)>,
}

impl Phone {
    fn call(media: &Media, frequency: f64) -> Self {
        Self::call_by(media, frequency, Family::V4)
    }

    fn call_by(media: &Media, frequency: f64, family: Family) -> Self {
        let address: SocketAddr = match family {
            Family::V4 => (Ipv4Addr::LOCALHOST, 0).into(),
            Family::V6 => (Ipv6Addr::LOCALHOST, 0).into(),
        };
        let socket = UdpSocket::bind(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let (sender, events) = unbounded_channel();
        let leg = media.open(family, None, sender).unwrap();
        let mut stream = Stream::new(Codec::Pcmu, 0, socket.local_addr().unwrap());
        stream.dtmf = Some(101);
        media.connect(leg.id, stream);
        Self {
            socket,
            leg,
            events,
            frequency,
            sent: 0,
            heard: Vec::new(),
            seal: None,
        }
    }

    /// From now on with SRTP.
    fn encrypt(&mut self, media: &Media) {
        let (ours, theirs, profile) = ([1; 30], [2; 30], Profile::Sha1_80);
        let mut stream = Stream::new(Codec::Pcmu, 0, self.socket.local_addr().unwrap());
        stream.srtp = Some(Srtp {
            profile,
            ours,
            theirs,
        });
        media.connect(self.leg.id, stream);
        self.seal = Some((
            Outbound::new(Session::counter(&theirs, profile)),
            Inbound::new(Session::counter(&ours, profile)),
        ));
    }

    /// Waits for the next packet, whatever it says.
    fn skip(&mut self) {
        let mut buffer = [0; 2_048];
        self.socket.recv_from(&mut buffer).expect("no packet came");
    }

    /// Answers `beats` packets with as many of its own.
    fn hum(&mut self, beats: usize) {
        for _ in 0..beats {
            self.hear();
            let payload: Vec<u8> = (0..160)
                .map(|i| {
                    let t = f64::from(self.sent * 160 + i) / 8_000.0;
                    mu_byte((8_000.0 * (TAU * self.frequency * t).sin()) as i16)
                })
                .collect();
            self.send(0, self.sent * 160, &payload);
        }
    }

    /// Waits for the next packet, and keeps what it says.
    fn hear(&mut self) {
        let mut buffer = [0; 2_048];
        let (length, _) = self.socket.recv_from(&mut buffer).expect("no packet came");
        let datagram = &mut buffer[..length];
        let opened = match &mut self.seal {
            None => Some(&*datagram),
            Some((_, inside)) => inside.open_rtp(datagram),
        };
        // Sent before the keys were known.
        let Some(opened) = opened else {
            return;
        };
        let packet = Packet::parse(opened).unwrap();
        assert_eq!(packet.header.payload_type, 0);
        self.heard.extend(
            packet
                .payload
                .iter()
                .map(|&b| f64::from(MU_LAW[usize::from(b)])),
        );
    }

    fn send(&mut self, payload_type: u8, timestamp: u32, payload: &[u8]) {
        let header = Header {
            marker: false,
            payload_type,
            sequence: self.sent as u16,
            timestamp,
            ssrc: self.leg.local.port().into(),
        };
        self.sent += 1;
        let mut datagram = [&header.to_bytes()[..], payload].concat();
        if let Some((out, _)) = &mut self.seal {
            out.protect_rtp(&mut datagram);
        }
        self.socket.send_to(&datagram, self.leg.local).unwrap();
    }

    /// The amplitude of a note in the last half second heard.
    fn loudness(&self, frequency: f64) -> f64 {
        let last = &self.heard[self.heard.len() - 4_000..];
        let (mut re, mut im) = (0.0, 0.0);
        for (i, sample) in last.iter().enumerate() {
            let angle = TAU * frequency * i as f64 / 8_000.0;
            re += sample * angle.cos();
            im += sample * angle.sin();
        }
        2.0 * re.hypot(im) / last.len() as f64
    }

    /// Hums until an event comes that `wanted` accepts.
    fn hum_until(&mut self, wanted: impl Fn(&LegEvent) -> bool) -> LegEvent {
        for _ in 0..500 {
            while let Ok((id, event)) = self.events.try_recv() {
                assert_eq!(id, self.leg.id);
                if wanted(&event) {
                    return event;
                }
            }
            self.hum(1);
        }
        panic!("the event did not come in ten seconds");
    }
}

fn hum_together<P: BorrowMut<Phone>>(phones: &mut [P], beats: usize) {
    for _ in 0..beats {
        for phone in &mut *phones {
            phone.borrow_mut().hum(1);
        }
    }
}

#[test]
fn everyone_in_a_room_hears_exactly_the_others() {
    let media = media(31_000..=31_098);
    let room = RoomKey(1);
    let notes = [440.0, 620.0, 1_000.0];
    let mut phones: Vec<Phone> = notes
        .iter()
        .map(|&note| Phone::call(&media, note))
        .collect();
    for phone in &phones {
        media.enter(phone.leg.id, room, Hearing::SPEAKER);
    }

    hum_together(&mut phones, 75);

    for phone in &phones {
        for note in notes {
            let loudness = phone.loudness(note);
            if note == phone.frequency {
                assert!(loudness < 30.0, "{note} Hz hears himself: {loudness}");
            } else {
                assert!(loudness > 7_000.0, "{note} Hz is missing: {loudness}");
            }
        }
    }
}

#[test]
fn an_encrypted_member_is_heard_and_hears_and_nobody_speaks_in_his_place() {
    let media = media(32_300..=32_398);
    let mut plain = Phone::call(&media, 440.0);
    let mut sealed = Phone::call(&media, 620.0);
    sealed.encrypt(&media);
    for phone in [&plain, &sealed] {
        media.enter(phone.leg.id, RoomKey(17), Hearing::SPEAKER);
    }
    hum_together(&mut [&mut plain, &mut sealed], 75);
    assert!(plain.loudness(620.0) > 7_000.0);
    assert!(sealed.loudness(440.0) > 7_000.0);

    // The right port and stream, and no key.
    let keys = sealed.seal.take();
    for _ in 0..75 {
        plain.hum(1);
        sealed.skip();
        sealed.send(0, sealed.sent * 160, &[0x55; 160]);
    }
    assert!(
        plain.heard[plain.heard.len() - 2_000..]
            .iter()
            .all(|s| s.abs() < 100.0)
    );
    sealed.seal = keys;
    hum_together(&mut [&mut plain, &mut sealed], 75);
    assert!(plain.loudness(620.0) > 7_000.0);
}

#[test]
fn a_member_moves_between_rooms_of_different_threads_and_out_again() {
    let media = media(31_100..=31_198);
    let mut phones = [440.0, 620.0, 1_000.0].map(|note| Phone::call(&media, note));
    media.enter(phones[0].leg.id, RoomKey(2), Hearing::SPEAKER);
    media.enter(phones[1].leg.id, RoomKey(3), Hearing::SPEAKER);
    let mover = phones[2].leg.id;
    for room in [2, 3, 2, 3] {
        media.enter(mover, RoomKey(room), Hearing::SPEAKER);
    }
    hum_together(&mut phones, 75);
    assert!(phones[0].loudness(1_000.0) < 30.0);
    assert!(phones[1].loudness(1_000.0) > 7_000.0);
    assert!(phones[2].loudness(620.0) > 7_000.0);

    media.leave(mover);
    hum_together(&mut phones, 75);
    assert!(phones[1].loudness(1_000.0) < 30.0);
    assert!(phones[2].loudness(620.0) < 30.0);
}

#[test]
fn muted_he_is_not_heard_and_deaf_he_does_not_hear() {
    let media = media(31_200..=31_298);
    let mut phones = [440.0, 620.0].map(|note| Phone::call(&media, note));
    for phone in &phones {
        media.enter(phone.leg.id, RoomKey(4), Hearing::SPEAKER);
    }
    media.set_muted(phones[0].leg.id, true);
    hum_together(&mut phones, 75);
    assert!(phones[1].loudness(440.0) < 30.0 && phones[0].loudness(620.0) > 7_000.0);

    media.set_muted(phones[0].leg.id, false);
    media.set_deaf(phones[0].leg.id, true);
    hum_together(&mut phones, 75);
    assert!(phones[1].loudness(440.0) > 7_000.0 && phones[0].loudness(620.0) < 30.0);
}

#[test]
fn a_member_is_louder_for_the_others_or_hears_louder_than_they() {
    let media = media(36_600..=36_698);
    let mut phones = [440.0, 620.0, 1_000.0].map(|note| Phone::call(&media, note));
    for phone in &phones {
        media.enter(phone.leg.id, RoomKey(7), Hearing::SPEAKER);
    }
    media.set_gain(phones[0].leg.id, -12.0);
    media.set_volume(phones[1].leg.id, -6.0);
    hum_together(&mut phones, 75);

    let near = |heard: f64, wanted: f64| (wanted * 0.8..wanted * 1.2).contains(&heard);
    assert!(near(phones[2].loudness(440.0), 2_000.0) && near(phones[2].loudness(620.0), 8_000.0));
    assert!(near(phones[1].loudness(440.0), 1_000.0) && near(phones[1].loudness(1_000.0), 4_000.0));
}

#[test]
fn a_prompt_is_heard_in_the_private_place_and_its_end_is_reported() {
    let media = media(31_300..=31_398);
    let mut phone = Phone::call(&media, 440.0);
    let tone: Vec<i16> = (0..16_000)
        .map(|i| (6_000.0 * (TAU * 800.0 * f64::from(i) / 16_000.0).sin()) as i16)
        .collect();
    let sound = Arc::new(Sound::from_samples(tone));
    media.play(Target::Leg(phone.leg.id), vec![sound], Mode::Once, 42);

    phone.hum_until(|event| *event == LegEvent::Played { token: 42 });

    assert!(phone.loudness(800.0) > 5_000.0);
}

#[test]
fn a_prompt_to_a_room_is_heard_by_all_and_reported_to_who_watches() {
    let media = media(31_400..=31_498);
    let mut phones = [440.0, 620.0].map(|note| Phone::call(&media, note));
    let room = RoomKey(5);
    for phone in &phones {
        media.enter(phone.leg.id, room, Hearing::LISTENER);
    }
    let (watcher, mut watched) = unbounded_channel();
    media.watch(room, watcher);
    let tone: Vec<i16> = (0..16_000)
        .map(|i| (6_000.0 * (TAU * 800.0 * f64::from(i) / 16_000.0).sin()) as i16)
        .collect();
    media.play(
        Target::Room(room),
        vec![Arc::new(Sound::from_samples(tone))],
        Mode::Once,
        7,
    );

    hum_together(&mut phones, 52);

    for phone in &phones {
        assert!(phone.loudness(800.0) > 4_000.0);
        assert!(phone.loudness(440.0) < 30.0 && phone.loudness(620.0) < 30.0);
    }
    hum_together(&mut phones, 10);
    assert_eq!(
        watched.try_recv(),
        Ok((room, RoomEvent::Played { token: 7 }))
    );
}

#[test]
fn keys_are_reported_once_from_both_ways() {
    let media = media(31_500..=31_598);
    let mut phone = Phone::call(&media, 440.0);
    phone.hum(5);
    let start = phone.sent * 160;
    for (flags, duration) in [
        (10u8, 320u16),
        (10, 480),
        (0x80 | 10, 640),
        (0x80 | 10, 640),
    ] {
        let [high, low] = duration.to_be_bytes();
        phone.send(101, start, &[5, flags, high, low]);
    }
    let digit = |event: &LegEvent| matches!(event, LegEvent::Digit(_));
    assert_eq!(phone.hum_until(digit), LegEvent::Digit('5'));

    media.digit(phone.leg.id, '#');
    assert_eq!(phone.hum_until(digit), LegEvent::Digit('#'));
}

#[test]
fn a_stranger_is_not_heard_and_a_phone_behind_nat_is() {
    let media = media(31_600..=31_698);
    let mut listener = Phone::call(&media, 440.0);
    let mut natted = Phone::call(&media, 620.0);
    let room = RoomKey(6);
    for phone in [&listener, &natted] {
        media.enter(phone.leg.id, room, Hearing::SPEAKER);
    }
    // SDP names a port nobody sends from; the real socket must be learnt.
    let nowhere = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    media.connect(
        natted.leg.id,
        Stream::new(Codec::Pcmu, 0, nowhere.local_addr().unwrap()),
    );
    listener.hum(5);
    for _ in 0..6 {
        let sent = natted.sent;
        natted.send(0, sent * 160, &[0xff; 160]);
    }
    for _ in 0..75 {
        listener.hum(1);
        natted.hum(1);
    }
    assert!(listener.loudness(620.0) > 7_000.0);
    assert!(natted.loudness(440.0) > 7_000.0);

    // Somebody else speaks into the locked leg.
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for i in 0..60u32 {
        let header = Header {
            marker: false,
            payload_type: 0,
            sequence: i as u16,
            timestamp: i * 160,
            ssrc: 99,
        };
        let noise: Vec<u8> = (0..160)
            .map(|n| mu_byte(if n % 4 < 2 { 20_000 } else { -20_000 }))
            .collect();
        let datagram = [&header.to_bytes()[..], &noise].concat();
        stranger.send_to(&datagram, natted.leg.local).unwrap();
        listener.hum(1);
        natted.hum(1);
    }
    assert!(listener.loudness(2_000.0) < 100.0);
    assert!(listener.loudness(620.0) > 7_000.0);
}

/// One phone sends ever other packets: of every length, in the other law, as another source,
/// with other numbers. Another hears one even tone all the while.
#[test]
fn packets_of_every_length_and_changes_in_mid_call_are_heard_as_one_tone() {
    let media = media(32_200..=32_298);
    let mut listener = Phone::call(&media, 440.0);
    let mut talker = Phone::call(&media, 620.0);
    for phone in [&listener, &talker] {
        media.enter(phone.leg.id, RoomKey(8), Hearing::SPEAKER);
    }
    hum_together(&mut [&mut listener, &mut talker], 25);

    let mut said = talker.sent * 160;
    let (mut sequence, mut timestamp, mut ssrc) = (talker.sent as u16, said, 1);
    // Samples in a packet; what else changes with it.
    for (samples, law, jump) in [
        (80, 0, false),
        (160, 8, false),
        (240, 0, false),
        (320, 0, true),
        (480, 8, true),
        (160, 0, true),
    ] {
        if jump {
            (sequence, timestamp, ssrc) = (sequence ^ 0x5555, timestamp ^ 0x5555_0000, ssrc + 1);
        }
        let begin = listener.heard.len();
        let mut due = 0;
        for _ in 0..75 {
            due += 160;
            while due >= samples {
                due -= samples;
                let payload: Vec<u8> = (said..said + samples)
                    .map(|i| {
                        let note = (TAU * 620.0 * f64::from(i) / 8_000.0).sin();
                        let sample = (8_000.0 * note) as i16;
                        if law == 0 {
                            mu_byte(sample)
                        } else {
                            a_byte(sample)
                        }
                    })
                    .collect();
                let header = Header {
                    marker: false,
                    payload_type: law,
                    sequence,
                    timestamp,
                    ssrc,
                };
                let datagram = [&header.to_bytes()[..], &payload].concat();
                talker.socket.send_to(&datagram, talker.leg.local).unwrap();
                (sequence, timestamp) = (sequence.wrapping_add(1), timestamp.wrapping_add(samples));
                said += samples;
            }
            listener.hum(1);
            talker.hear();
        }
        let loudness = listener.loudness(620.0);
        assert!(
            loudness > 7_000.0,
            "{samples} samples in law {law}: {loudness}"
        );
        assert!(listener.heard.len() - begin >= 75 * 160);
    }
}

#[test]
fn ipv6_phones_talk_to_ipv4_phones() {
    let media = media(31_700..=31_798);
    let mut phones = [
        Phone::call_by(&media, 440.0, Family::V6),
        Phone::call_by(&media, 620.0, Family::V4),
    ];
    for phone in &phones {
        media.enter(phone.leg.id, RoomKey(7), Hearing::SPEAKER);
    }
    hum_together(&mut phones, 75);

    assert!(phones[0].loudness(620.0) > 7_000.0);
    assert!(phones[1].loudness(440.0) > 7_000.0);
}

#[test]
fn ports_run_out_with_a_clear_error_and_an_exact_port_is_given() {
    let media = media(31_800..=31_805);
    let open = |at| media.open(Family::V4, at, unbounded_channel().0);

    assert_eq!(open(Some(31_802)).unwrap().local.port(), 31_802);
    assert!(matches!(
        open(Some(31_802)),
        Err(OpenError::Taken { port: 31_802, .. })
    ));
    assert_eq!(open(None).unwrap().local.port(), 31_800);
    assert_eq!(open(None).unwrap().local.port(), 31_804);
    let error = open(None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "All RTP ports from 31800 to 31805 are in use"
    );
}

#[test]
fn silence_on_the_wire_is_noticed_and_its_end_too() {
    let media = media(31_900..=31_998);
    let mut phone = Phone::call(&media, 440.0);
    phone.hum(10);
    // Hears on, and says nothing for two seconds.
    for _ in 0..105 {
        phone.hear();
    }
    phone.hum_until(|event| *event == LegEvent::NoAudio);
    phone.hum_until(|event| *event == LegEvent::AudioBack);
}

#[test]
fn reports_go_both_ways_and_quality_is_told() {
    let media = media(32_100..=32_198);
    let mut phone = Phone::call(&media, 440.0);
    let reports = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    reports.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = Stream::new(Codec::Pcmu, 0, phone.socket.local_addr().unwrap());
    stream.remote_rtcp = Some(reports.local_addr().unwrap());
    media.connect(phone.leg.id, stream);
    phone.hum(75);

    let mut buffer = [0; 1_500];
    let (length, from) = reports.recv_from(&mut buffer).expect("no report came");
    assert_eq!(from.port(), phone.leg.local.port() + 1);
    let mut about = None;
    let mut sender = None;
    rtcp::parse(&buffer[..length], |report| match report {
        rtcp::Report::About(block) => about = Some(block),
        rtcp::Report::Sender { ssrc, info } => sender = Some((ssrc, info)),
        rtcp::Report::Bye { .. } => {}
    });
    assert_eq!(about.unwrap().ssrc, u32::from(phone.leg.local.port()));

    // The phone tells that a quarter of what we sent was lost.
    let (ssrc, info) = sender.unwrap();
    let block = rtcp::Block {
        ssrc,
        fraction_lost: 64,
        last_report: info.at.middle(),
        ..rtcp::Block::default()
    };
    let mut report = Vec::new();
    rtcp::compose(1, None, Some(block), 2, false, &mut report);
    reports.send_to(&report, from).unwrap();
    phone.hum_until(|event| {
        matches!(event, LegEvent::Quality(quality) if quality.loss_there == 0.25 && quality.rtt_ms.is_some())
    });

    media.close(phone.leg.id);
    let (length, _) = reports.recv_from(&mut buffer).expect("no goodbye came");
    let mut bye = None;
    rtcp::parse(&buffer[..length], |report| {
        if let rtcp::Report::Bye { ssrc } = report {
            bye = Some(ssrc);
        }
    });
    assert_eq!(bye, Some(ssrc));
}

#[test]
fn media_that_points_at_ourselves_is_refused() {
    let media = media(32_000..=32_098);
    let mut phone = Phone::call(&media, 440.0);
    phone.hum(2);
    let (sender, mut events) = unbounded_channel();
    let other = media.open(Family::V4, None, sender).unwrap();
    media.connect(other.id, Stream::new(Codec::Pcmu, 0, phone.leg.local));
    phone.hum(3);

    assert_eq!(events.try_recv(), Ok((other.id, LegEvent::RemoteRefused)));
}
