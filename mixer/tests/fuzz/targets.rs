//! What may come over the wire, as functions from bytes to nothing: each must hold whatever the
//! bytes are, and panics where it does not.
//!
//! Two run them: `mixer/tests/fuzz` with the corpus and random bytes in every check, and `fuzz/` with
//! libFuzzer for as long as one likes (`make fuzz`). A case that was found is kept in the corpus.
//!
//! Bytes are read as a story by [`Story`]; where it ends, the target ends.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mixer::codec::{Codec, Decoder, samples_in};
use mixer::dtmf;
use mixer::receive::Playout;
use mixer::receive::buffer::{Buffer, Content, Insert};
use mixer::rtcp::{self, Block, Ntp, Report, SenderInfo};
use mixer::rtp::{HEADER, Header, Packet};
use mixer::srtp::{Inbound, KEY, Outbound, Profile, Session};
use mixer::{Event, FRAME, Format, Leg, Room, Seed, Setting, WallClock};

/// A target.
pub type Target = fn(&[u8]);

/// All of them, by the names of their corpora.
pub const TARGETS: [(&str, Target); 8] = [
    ("rtp", rtp),
    ("rtcp", rtcp_reports),
    ("digits", digits),
    ("buffer", buffer),
    ("playout", playout),
    ("codecs", codecs),
    ("srtp", srtp),
    ("room", room),
];

const CODECS: [Codec; 4] = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];

/// Reads bytes one after the other until there are none.
struct Story<'a>(&'a [u8]);

impl<'a> Story<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn word(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*first))
    }

    /// So many bytes, or as many as there are.
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "virtual time begins at some instant"
)]
fn beginning() -> Instant {
    Instant::now()
}

/// A datagram that is read lies within what came, and what is read of it says the same when it
/// is written again.
pub fn rtp(bytes: &[u8]) {
    let Ok(packet) = Packet::parse(bytes) else {
        return;
    };
    assert!(packet.payload.len() + HEADER <= bytes.len());
    for id in 0..=15 {
        if let Some(level) = packet.level(id) {
            assert!((-127..=0).contains(&level));
        }
    }
    let again = [&packet.header.to_bytes()[..], packet.payload].concat();
    let read = Packet::parse(&again).expect("ours is RTP");
    assert_eq!((read.header, read.payload), (packet.header, packet.payload));
}

/// Reports of strangers are bounded by their length; ours are read as they were meant.
pub fn rtcp_reports(bytes: &[u8]) {
    let mut reports = 0;
    rtcp::parse(bytes, |_| reports += 1);
    assert!(reports * 4 <= bytes.len(), "{reports} in {}", bytes.len());

    let mut story = Story(bytes);
    let mut word = || story.word().unwrap_or_default();
    let ssrc = word();
    let info = SenderInfo {
        at: Ntp(u64::from(word()) << 32 | u64::from(word())),
        timestamp: word(),
        packets: word(),
        octets: word(),
    };
    let block = Block {
        ssrc: word(),
        fraction_lost: word() as u8,
        lost: (word() as i32) >> 8,
        highest: word(),
        jitter: word(),
        last_report: word(),
        since_report: word(),
    };
    let mut datagram = Vec::new();
    rtcp::compose(ssrc, Some(info), Some(block), 1, true, &mut datagram);
    let mut read = Vec::new();
    rtcp::parse(&datagram, |report| read.push(report));
    let meant = [
        Report::Sender { ssrc, info },
        Report::About(block),
        Report::Bye { ssrc },
    ];
    assert_eq!(read, meant);
}

/// Of each press something arrives or nothing, twice, late and in any order: each is heard once, with
/// the first of its packets, unless a later one was heard by then.
pub fn digits(bytes: &[u8]) {
    const KEYS: &[u8] = b"0123456789*#ABCD";
    let mut story = Story(bytes);
    let mut receiver = dtmf::Receiver::default();
    let origin = story.word().unwrap_or_default();
    let mut newest = None;
    // Which press of the last sixteen, which key, and whether its end has come.
    while let (Some(press), Some(kind)) = (story.byte(), story.byte()) {
        let base = newest.unwrap_or(16_u32).max(16) - 16;
        let number = base + u32::from(press % 32);
        // One press has one key, whatever its packets say besides.
        let key = (number.wrapping_mul(7) % 16) as u8;
        let timestamp = origin.wrapping_add(number * 800);
        let event = if kind & 1 == 0 { key } else { 16 + (kind >> 1) };
        let payload = [event, kind & 0x80 | 10, press, kind];
        let heard = receiver.on_packet(1, timestamp, &payload[..4 - usize::from(kind & 3 == 2)]);
        let whole = kind & 3 != 2 && event < 16;
        let new = newest.is_none_or(|newest| number > newest);
        let meant = (whole && new).then(|| char::from(KEYS[usize::from(key)]));
        assert_eq!(heard, meant, "press {number} after {newest:?}");
        if heard.is_some() {
            newest = Some(number);
        }
    }
}

/// A packet of the model: what its sender knows of it.
#[derive(Debug, Clone, Copy)]
struct Sent {
    /// What it counts without a break.
    epoch: u32,
    sequence: i64,
    /// At its codec's clock rate.
    time: i64,
    /// `None` is a key press or comfort noise.
    codec: Option<Codec>,
}

impl Sent {
    /// Two epochs share an SSRC, their numbers far apart.
    fn header(&self) -> Header {
        let far = i64::from(self.epoch % 2) * 30_000 + i64::from(self.epoch) * 17;
        Header {
            marker: false,
            payload_type: 0,
            sequence: (self.sequence + far + 65_500) as u16,
            timestamp: self.time.wrapping_add(i64::from(self.epoch) * 0x7000_0000) as u32,
            ssrc: self.epoch / 2,
        }
    }

    fn content(&self) -> Content {
        match self.codec {
            Some(codec) => Content::Audio { codec, samples: 1 },
            None => Content::Pause,
        }
    }

    fn payload(&self) -> Vec<u8> {
        let mark = (i64::from(self.epoch) << 32) + self.sequence;
        match self.codec {
            Some(_) => mark.to_be_bytes().to_vec(),
            None => Vec::new(),
        }
    }
}

/// A buffer that is obviously right: a sorted map, and the four rules by which a stream is
/// followed or left.
#[derive(Debug, Default)]
struct Model {
    packets: BTreeMap<(u32, i64), (Sent, i64)>,
    stream: Option<Followed>,
    streams: u32,
}

#[derive(Debug, Clone, Copy)]
struct Followed {
    epoch: u32,
    highest: i64,
    codec: Option<Codec>,
    /// Of the newest audio.
    time: i64,
    /// What is to be added to the sender's time.
    origin: Option<i64>,
    /// A packet that would be the second in a row of another stream.
    other: Option<(u32, i64)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Kept {
    In { time: i64, fresh: bool },
    Twice,
    Stray,
}

impl Model {
    const MOST: usize = 64;

    fn arrive(&mut self, sent: Sent) -> Kept {
        let mut fresh = false;
        let begins = match &mut self.stream {
            None => true,
            // Another stream is believed at its second packet in a row, and never for a key press.
            Some(stream) if stream.epoch != sent.epoch => {
                if sent.codec.is_none() {
                    return Kept::Stray;
                }
                if stream.other != Some((sent.epoch, sent.sequence)) {
                    stream.other = Some((sent.epoch, sent.sequence + 1));
                    return Kept::Stray;
                }
                true
            }
            Some(stream) => {
                stream.other = None;
                let ahead = sent.sequence > stream.highest;
                let (changes, leaps) = match (stream.codec, sent.codec) {
                    (Some(was), Some(is)) => (
                        rates(was) != rates(is),
                        sent.time - stream.time > 10 * i64::from(is.clock_rate()),
                    ),
                    _ => (false, false),
                };
                // Another clock begins a stream, and a straggler from before it is nothing. So
                // does a silence of more than ten seconds.
                if changes && !ahead {
                    return Kept::Stray;
                }
                ahead && (changes || leaps)
            }
        };
        if begins {
            fresh = true;
            self.streams += 1;
            self.stream = Some(Followed {
                epoch: sent.epoch,
                highest: sent.sequence,
                codec: None,
                time: sent.time,
                origin: None,
                other: None,
            });
        }
        let stream = self.stream.as_mut().expect("one was begun");
        stream.highest = stream.highest.max(sent.sequence);
        let mut time = 0;
        if let Some(codec) = sent.codec {
            let read = i64::from(sent.header().timestamp);
            let origin = *stream.origin.get_or_insert(read - sent.time);
            let (clock, rate) = rates(codec);
            time = (sent.time + origin) * i64::from(rate / clock);
            stream.codec = Some(codec);
            stream.time = stream.time.max(sent.time);
        }
        let key = (self.streams, sent.sequence);
        if self.packets.contains_key(&key) {
            return Kept::Twice;
        }
        self.packets.insert(key, (sent, time));
        if self.packets.len() > Self::MOST {
            self.packets.pop_first();
        }
        Kept::In { time, fresh }
    }
}

fn rates(codec: Codec) -> (u32, u32) {
    (codec.clock_rate(), codec.sample_rate())
}

/// The jitter buffer does what the model does, whatever is lost, late, sent twice or begun anew.
pub fn buffer(bytes: &[u8]) {
    let mut story = Story(bytes);
    let (mut buffer, mut model) = (Buffer::default(), Model::default());
    // What is on its way, the oldest first, and what is sent next.
    let mut travelling: Vec<Sent> = Vec::new();
    let mut next = Sent {
        epoch: 0,
        sequence: 0,
        time: 0,
        codec: Some(Codec::Pcmu),
    };
    while let (Some(act), Some(which)) = (story.byte(), story.byte()) {
        match act % 8 {
            // Some packets are sent.
            0..=2 => {
                for _ in 0..=which % 4 {
                    travelling.push(next);
                    next.sequence += 1;
                    next.time += 160;
                }
                if which & 0x10 != 0 {
                    travelling.push(Sent {
                        codec: None,
                        ..next
                    });
                    next.sequence += 1;
                }
                // Nobody is as late as this: the packet is lost.
                travelling
                    .retain(|sent| sent.epoch != next.epoch || sent.sequence > next.sequence - 90);
            }
            // One of them arrives, perhaps not for the last time.
            3 | 4 if !travelling.is_empty() => {
                let at = usize::from(which & 0x7f) % travelling.len();
                let sent = travelling[at];
                if which & 0x80 == 0 {
                    travelling.remove(at);
                }
                let inserted = buffer.insert(&sent.header(), sent.content(), &sent.payload());
                let kept = match inserted {
                    Insert::Queued { time, fresh } => Kept::In { time, fresh },
                    Insert::Duplicate => Kept::Twice,
                    Insert::Stray => Kept::Stray,
                };
                assert_eq!(kept, model.arrive(sent), "{sent:?}");
            }
            // One is played, or some are dropped.
            5 => {
                for _ in 0..=which % 4 {
                    let kept = model.packets.pop_first();
                    let played = buffer.pop();
                    let played = played.map(|packet| {
                        let payload = packet.payload.clone();
                        buffer.recycle(packet.payload);
                        (packet.stream, packet.time, payload)
                    });
                    let kept =
                        kept.map(|((stream, _), (sent, time))| (stream, time, sent.payload()));
                    assert_eq!(played, kept);
                }
            }
            // The sender says nothing for a while, up to 8 s.
            6 if which & 1 == 0 => next.time += i64::from(which) * 250,
            // He begins anew; what is on its way may still come.
            6 if which & 2 == 0 => {
                next.epoch += 1;
                next.sequence = 0;
            }
            // He changes his codec.
            6 => next.codec = Some(CODECS[usize::from(which >> 2) % CODECS.len()]),
            7 if which == 0 => {
                buffer.clear();
                model.packets.clear();
            }
            _ => {}
        }
        assert_eq!(buffer.len(), model.packets.len());
        assert_eq!(buffer.is_empty(), model.packets.is_empty());
    }
}

/// Whatever packets come, each frame is 20 ms of finite samples, and the delay has its cap.
pub fn playout(bytes: &[u8]) {
    let mut story = Story(bytes);
    let mut playout = Playout::default();
    let mut now = beginning();
    let (mut sequence, mut timestamp) = (65_500_u16, u32::MAX - 4_000);
    while let (Some(act), Some(amount)) = (story.byte(), story.byte()) {
        match act % 8 {
            0..=3 => {
                let codec = CODECS[usize::from(act >> 3) % CODECS.len()];
                let payload = story.take(usize::from(amount));
                let content = match samples_in(codec, payload) {
                    Some(samples) => Content::Audio { codec, samples },
                    None => Content::Pause,
                };
                let header = Header {
                    marker: act & 0x80 != 0,
                    payload_type: 0,
                    sequence,
                    timestamp,
                    ssrc: u32::from(act >> 6),
                };
                playout.on_packet(&header, content, payload, now);
                sequence = sequence.wrapping_add(1);
                timestamp = timestamp.wrapping_add(160);
            }
            4 => sequence = sequence.wrapping_add(u16::from(amount)),
            5 => timestamp = timestamp.wrapping_add(u32::from(amount) << (act >> 3)),
            6 if amount == 0 => playout.drain(),
            6 if amount == 1 => playout.rest(),
            6 => playout.set_led(amount & 1 == 0),
            _ => {
                now += Duration::from_millis(u64::from(amount % 64));
                if let Some(frame) = playout.pull(now) {
                    assert_eq!(frame.samples.len(), frame.rate as usize / 50);
                    assert!(frame.samples.iter().all(|sample| sample.is_finite()));
                }
                assert!(playout.delay_ms().is_finite());
            }
        }
    }
}

/// A payload is refused or gives as many samples as it said it would, and none of them is beyond
/// 16 bits by more than a little.
pub fn codecs(bytes: &[u8]) {
    let mut story = Story(bytes);
    let mut decoders = CODECS.map(|codec| Decoder::new(codec).expect("there is memory"));
    while let (Some(which), Some(length)) = (story.byte(), story.byte()) {
        let decoder = &mut decoders[usize::from(which) % CODECS.len()];
        let payload = story.take(usize::from(length));
        let mut out = Vec::new();
        let said = samples_in(decoder.codec(), payload);
        if decoder.decode(payload, &mut out).is_ok() && !payload.is_empty() {
            assert_eq!(Some(out.len()), said);
        }
        if which & 0x80 != 0 {
            decoder.conceal(960, Some(payload), &mut out);
        }
        assert!(out.iter().all(|sample| sample.abs() <= 40_000.0));
    }
}

/// What is forged is not believed, and what is genuine is opened once.
pub fn srtp(bytes: &[u8]) {
    let mut story = Story(bytes);
    let mut key = [0; KEY];
    let told = story.take(KEY);
    key[..told.len()].copy_from_slice(told);
    let profile = match story.byte().unwrap_or_default() & 1 {
        0 => Profile::Sha1_80,
        _ => Profile::Sha1_32,
    };
    let keys = || Session::counter(&key, profile);
    let (mut outbound, mut inbound) = (Outbound::new(keys()), Inbound::new(keys()));
    let mut header = Header {
        marker: false,
        payload_type: 0,
        sequence: 65_530,
        timestamp: 0,
        ssrc: 9,
    };
    while let (Some(act), Some(length)) = (story.byte(), story.byte()) {
        let body = story.take(usize::from(length));
        match act % 4 {
            0 => {
                header.sequence = header.sequence.wrapping_add(1 + u16::from(act >> 4));
                let plain = [&header.to_bytes()[..], body].concat();
                let mut packet = plain.clone();
                outbound.protect_rtp(&mut packet);
                let mut flipped = packet.clone();
                let at = usize::from(length) % flipped.len();
                flipped[at] ^= 1 << (act >> 5);
                assert_eq!(inbound.open_rtp(&mut flipped), None);
                let mut again = packet.clone();
                assert_eq!(inbound.open_rtp(&mut packet), Some(&plain[..]));
                assert_eq!(inbound.open_rtp(&mut again), None);
            }
            1 => {
                let plain = [&[0x80, 201, 0, 1, 0, 0, 0, 9][..], body].concat();
                let mut packet = plain.clone();
                outbound.protect_rtcp(&mut packet);
                let mut again = packet.clone();
                assert_eq!(inbound.open_rtcp(&mut packet), Some(&plain[..]));
                assert_eq!(inbound.open_rtcp(&mut again), None);
            }
            2 => _ = inbound.open_rtp(&mut body.to_vec()),
            _ => _ = inbound.open_rtcp(&mut body.to_vec()),
        }
    }
}

/// Whatever anybody sends, everybody gets one packet in a frame, numbered without a gap.
pub fn room(bytes: &[u8]) {
    const MEMBERS: u64 = 4;
    let mut story = Story(bytes);
    let mut now = beginning();
    let mut room = Room::default();
    for key in 0..MEMBERS {
        let seed = Seed {
            ssrc: key as u32,
            sequence: 65_530,
            timestamp: u32::MAX - 500,
            cname: key,
        };
        let clock = WallClock {
            at: now,
            ntp: Ntp(0),
        };
        let mut leg = Box::new(Leg::new(seed, clock));
        leg.configure(setting(CODECS[key as usize], 20), now);
        room.insert(key, leg);
    }
    let mut next = [65_530_u16; MEMBERS as usize];
    let mut report = Vec::new();
    while let (Some(act), Some(amount)) = (story.byte(), story.byte()) {
        let leg = room.leg(u64::from(act >> 6)).expect("he is here");
        match act % 8 {
            // A datagram that is RTP at first sight, of a payload type that means something.
            0..=2 => {
                let mut datagram = story.take(usize::from(amount)).to_vec();
                if let [flags, kind, ..] = &mut datagram[..] {
                    *flags = *flags & 0x3f | 0x80;
                    *kind = *kind & 0x80 | [0, 8, 9, 13, 101, 111, 77, 13][usize::from(*kind % 8)];
                }
                leg.on_rtp(&datagram, now);
            }
            3 => leg.on_rtcp(story.take(usize::from(amount)), now),
            4 => {
                leg.poll_rtcp(now, &mut report);
                assert!(report.len() <= 200);
            }
            5 => leg.set_muted(amount & 1 == 0),
            6 => room.suppress_noise(amount & 1 == 0),
            _ => {
                let mut sent = [0; MEMBERS as usize];
                room.tick(now, |key, header, payload| {
                    let (at, datagram) = (key as usize, [&header[..], payload].concat());
                    let packet = Packet::parse(&datagram).expect("ours is RTP");
                    assert_eq!(packet.header.sequence, next[at]);
                    assert!(!packet.payload.is_empty());
                    next[at] = next[at].wrapping_add(1);
                    sent[at] += 1;
                });
                assert_eq!(sent, [1; MEMBERS as usize]);
                room.drain_events(|_, event| {
                    if let Event::Quality(quality) = event {
                        assert!((1.0..=4.5).contains(&quality.mos), "{quality:?}");
                        assert!((0.0..=1.0).contains(&quality.loss), "{quality:?}");
                    }
                });
                now += FRAME + Duration::from_millis(u64::from(amount % 8));
            }
        }
    }
}

fn setting(codec: Codec, ptime: u8) -> Setting {
    Setting {
        format: Format::new(codec, ptime),
        payload_type: codec.static_payload_type().unwrap_or(111),
        digits: Some(101),
        level: Some(1),
        inband_digits: codec == Codec::Pcma,
        sends: true,
        receives: true,
    }
}
