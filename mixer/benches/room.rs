//! What a member costs: nanoseconds of mixer per member and tick, without sockets.
//!
//! `cargo bench -p mixer` prints a table of members × speakers × codec
//! (`-- 50:3` that of 50 members with 3 speakers alone), for
//! rooms in which everybody sends all the time as phones do: the speakers a voice,
//! the others the noise of their rooms. At 50 ticks a second, 1000 ns are 0.05
//! CPU-ms per member-second.
//!
//! Beside it stands what is **bare**: a program that finds the member, reads his packet once and notes
//! its numbers, and at the tick finds him again and writes a header. Nothing that mixes can take less.
//! Then what noise suppression adds, for each who speaks, what a frame of each codec costs to encode and decode,
//! and what encryption costs.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use mixer::codec::{Codec, Decoder, Encoder};
use mixer::rtp::Header;
use mixer::srtp::{GCM_SALT, Inbound, KEY, Outbound, Profile, Session};
use mixer::{FRAME, Format, Leg, LegKey, Ntp, Room, Seed, Setting, WallClock};

/// Frames measured, after as many to warm up.
const FRAMES: usize = 300;

const ALL: [Codec; 4] = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];

fn main() {
    println!("mixer: nanoseconds per member and tick (20 ms); receive | tick");
    println!(
        "{:>8} {:>9} {:>16} {:>16} {:>16} {:>16} {:>16}",
        "members", "speakers", "bare", "PCMU", "G722", "Opus", "all four codecs"
    );
    let asked: Vec<(usize, usize)> = std::env::args()
        .filter_map(|arg| {
            let (members, speakers) = arg.split_once(':')?;
            Some((members.parse().ok()?, speakers.parse().ok()?))
        })
        .collect();
    let usual = [(5, 1), (5, 5), (50, 1), (50, 3), (400, 3), (2_000, 3)];
    let sizes = if asked.is_empty() {
        usual.to_vec()
    } else {
        asked
    };
    for (members, speakers) in sizes {
        let (receive, tick) = bare(members);
        let bare = format!("{receive:.0} | {tick:.0}");
        print!("{members:>8} {speakers:>9} {bare:>16}");
        for codecs in [&[Codec::Pcmu][..], &[Codec::G722], &[Codec::Opus], &ALL] {
            let (receive, tick) = measure(members, speakers, codecs, false);
            print!(" {:>16}", format!("{receive:.0} | {tick:.0}"));
        }
        println!();
    }

    println!();
    println!("microseconds per frame: encode | decode | its noise taken out of a voice");
    for codec in [Codec::Pcmu, Codec::G722, Codec::Opus] {
        let (encode, decode) = coding(codec);
        // Three who speak and two who listen, with and without: what each of the three adds.
        let [without, with] = [false, true].map(|cleaned| {
            let (receive, tick) = measure(5, 3, &[codec], cleaned);
            (receive + tick) * 5.0 / 3.0 / 1_000.0
        });
        let cleaning = with - without;
        println!(
            "{:>8} {encode:>9.1} {decode:>9.1} {cleaning:>9.1}",
            codec.name()
        );
    }
    println!();
    println!("nanoseconds per packet of 20 ms: seal | open");
    let (pcmu, opus) = (packets(Codec::Pcmu, 60.0), packets(Codec::Opus, 6_000.0));
    let (master, salt) = ([7; KEY], [9; GCM_SALT]);
    let phone = || Session::counter(&master, Profile::Sha1_80);
    let browser = || Session::gcm(&[7; 32], &salt).unwrap();
    for (name, [out, inside], packets) in [
        ("phone's SRTP, PCMU", [phone(), phone()], &pcmu),
        ("browser's SRTP, Opus", [browser(), browser()], &opus),
    ] {
        let (seal, open) = sealing(Outbound::new(out), Inbound::new(inside), packets);
        println!("{name:>22} {seal:.0} | {open:.0}");
    }
    println!();
    println!("{} bytes in a leg", size_of::<Leg>());
}

/// Nanoseconds per member for reading his packet once, and for writing a header to him.
fn bare(members: usize) -> (f64, f64) {
    let mut legs: Vec<Box<[u64; size_of::<Leg>() / 8]>> = (0..members)
        .map(|key| Box::new([key as u64; size_of::<Leg>() / 8]))
        .collect();
    let noise = packets(Codec::Pcmu, 60.0);
    let (mut receive, mut tick) = (Duration::ZERO, Duration::ZERO);
    for packet in &noise {
        let before = Instant::now();
        for leg in &mut legs {
            let sum: u64 = packet.iter().map(|byte| u64::from(*byte)).sum();
            leg[0] = leg[0].wrapping_add(sum);
        }
        let between = Instant::now();
        for leg in &mut legs {
            leg[0] = leg[0].wrapping_add(1);
            let header = Header {
                marker: false,
                payload_type: 0,
                sequence: leg[0] as u16,
                timestamp: (leg[0] >> 16) as u32,
                ssrc: leg[1] as u32,
            };
            black_box(header.to_bytes());
        }
        receive += between - before;
        tick += between.elapsed();
    }
    let per = |time: Duration| time.as_nanos() as f64 / (members * noise.len()) as f64;
    (per(receive), per(tick))
}

/// Microseconds for a frame of 20 ms.
fn coding(codec: Codec) -> (f64, f64) {
    let samples = codec.sample_rate() as usize / 50;
    let mut audio = Vec::new();
    let mut decoder = Decoder::new(codec).unwrap();
    let packets = packets(codec, 6_000.0);
    let before = Instant::now();
    for packet in &packets {
        decoder
            .decode(&packet[mixer::rtp::HEADER..], &mut audio)
            .unwrap();
    }
    let decode = before.elapsed();
    let audio: Vec<i16> = audio.iter().map(|s| *s as i16).collect();
    let mut encoder = Encoder::new(codec).unwrap();
    let mut payload = Vec::new();
    let before = Instant::now();
    for frame in audio.chunks_exact(samples) {
        encoder.encode(black_box(frame), &mut payload);
        black_box(&payload);
    }
    let encode = before.elapsed();
    let per = |time: Duration| time.as_secs_f64() * 1e6 / packets.len() as f64;
    (per(encode), per(decode))
}

/// Nanoseconds for a packet.
fn sealing(mut out: Outbound, mut inside: Inbound, packets: &[Vec<u8>]) -> (f64, f64) {
    let (mut seal, mut open) = (Duration::ZERO, Duration::ZERO);
    let mut sent = Vec::with_capacity(2_048);
    for packet in packets {
        sent.clear();
        sent.extend_from_slice(packet);
        let before = Instant::now();
        out.protect_rtp(&mut sent);
        let between = Instant::now();
        black_box(inside.open_rtp(&mut sent).unwrap());
        seal += between - before;
        open += between.elapsed();
    }
    let per = |time: Duration| time.as_nanos() as f64 / packets.len() as f64;
    (per(seal), per(open))
}

/// Nanoseconds per member for taking his packet, and for the tick.
fn measure(members: usize, speakers: usize, codecs: &[Codec], cleaned: bool) -> (f64, f64) {
    let start = Instant::now();
    let mut room = Room::default();
    room.suppress_noise(cleaned);
    for key in 0..members {
        let codec = codecs[key % codecs.len()];
        let seed = Seed {
            ssrc: key as u32,
            sequence: 0,
            timestamp: 0,
            cname: 0,
        };
        let clock = WallClock {
            at: start,
            ntp: Ntp(0),
        };
        let mut leg = Box::new(Leg::new(seed, clock));
        let setting = Setting {
            format: Format::new(codec, 20),
            payload_type: payload_type(codec),
            digits: Some(101),
            level: None,
            inband_digits: false,
            sends: true,
            receives: true,
        };
        leg.configure(setting, start);
        room.insert(key as LegKey, leg);
    }
    // One stream of speech and one of noise per codec: everybody repeats them.
    let streams: Vec<[Vec<Vec<u8>>; 2]> = codecs
        .iter()
        .map(|&codec| [packets(codec, 6_000.0), packets(codec, 60.0)])
        .collect();

    let (mut receive, mut tick) = (Duration::ZERO, Duration::ZERO);
    for frame in 0..2 * FRAMES {
        let now = start + FRAME * frame as u32;
        if frame == FRAMES {
            (receive, tick) = (Duration::ZERO, Duration::ZERO);
        }
        let before = Instant::now();
        for key in 0..members {
            let [speech, noise] = &streams[key % codecs.len()];
            let stream = if key < speakers { speech } else { noise };
            let leg = room.leg(key as LegKey).unwrap();
            leg.on_rtp(&stream[frame], now);
        }
        let between = Instant::now();
        room.tick(now + Duration::from_millis(3), |key, header, payload| {
            black_box((key, header, payload));
        });
        room.drain_events(|_, event| {
            black_box(event);
        });
        receive += between - before;
        tick += between.elapsed();
    }
    let per = |time: Duration| time.as_nanos() as f64 / (members * FRAMES) as f64;
    (per(receive), per(tick))
}

/// Datagrams of something like speech: bursts of a few harmonics under noise.
fn packets(codec: Codec, amplitude: f64) -> Vec<Vec<u8>> {
    let rate = f64::from(codec.sample_rate());
    let samples = codec.sample_rate() as usize / 50;
    let mut encoder = Encoder::new(codec).unwrap();
    let mut noise = 1u32;
    (0..2 * FRAMES)
        .map(|frame| {
            let audio: Vec<i16> = (0..samples)
                .map(|i| {
                    let t = (frame * samples + i) as f64 / rate;
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let hiss = f64::from(noise >> 16) / 65_536.0 - 0.5;
                    let voice: f64 = (1..6)
                        .map(|h| (t * 800.0 * f64::from(h)).sin() / f64::from(h))
                        .sum();
                    (amplitude * (voice + 0.2 * hiss)) as i16
                })
                .collect();
            let mut payload = Vec::new();
            encoder.encode(&audio, &mut payload);
            let header = Header {
                marker: false,
                payload_type: payload_type(codec),
                sequence: frame as u16,
                timestamp: frame as u32 * codec.clock_rate() / 50,
                ssrc: 1,
            };
            [&header.to_bytes()[..], &payload].concat()
        })
        .collect()
}

fn payload_type(codec: Codec) -> u8 {
    codec.static_payload_type().unwrap_or(111)
}
