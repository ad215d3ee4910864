//! What a member costs with everything: CPU time of the media threads per
//! member-second, over real sockets on loopback.
//!
//! `cargo bench -p media -- 400 1000` opens rooms of 400 and of 1000 members
//! who all send and receive PCMU, three of them a voice; `-- 400b` one of 400 browsers, whose audio is Opus
//! under SRTP. One of those speaks a mark every
//! half second, and the time is taken until the last member hears it. The senders are in
//! the same process; the threads' CPU times are told apart by their names.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

#[expect(unused_imports, reason = "its tests do not run here")]
#[path = "../../src/browser/certificate.rs"]
mod certificate;
#[expect(unused_imports, reason = "its tests do not run here")]
#[path = "../../src/browser/crypto.rs"]
mod crypto;

mod browser;

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use media::{Codec, Config, Family, Hearing, Media, RoomKey, Stream};
use mixer::codec::Encoder;
use mixer::codec::g711::MU_LAW;
use mixer::rtp::Header;
use mixer::srtp::Outbound;
use tokio::sync::mpsc::unbounded_channel;

use browser::{Browser, Maker, OPUS};

const SECONDS: u32 = 12;
const SPEAKERS: usize = 3;

/// One who sends and listens.
struct Phone {
    socket: UdpSocket,
    to: SocketAddr,
    /// A browser's keys.
    out: Option<Outbound>,
}

fn main() {
    let asked: Vec<(usize, Codec)> = std::env::args()
        .filter_map(|arg| match arg.strip_suffix('b') {
            Some(browsers) => Some((browsers.parse().ok()?, Codec::Opus)),
            None => Some((arg.parse().ok()?, Codec::Pcmu)),
        })
        .collect();
    let sizes = if asked.is_empty() {
        [
            (50, Codec::Pcmu),
            (200, Codec::Pcmu),
            (400, Codec::Pcmu),
            (400, Codec::Opus),
        ]
        .to_vec()
    } else {
        asked
    };
    println!(
        "{:>8} {:>8} {:>12} {:>10} {:>10} {:>10}",
        "members", "", "CPU-ms/m-s", "delivered", "p50 ms", "p99 ms"
    );
    for (i, (members, codec)) in sizes.into_iter().enumerate() {
        let first = 10_000 + 10_000 * i as u16;
        measure(members, codec, first..=first + 9_999);
    }
}

/// Everybody, in one room: phones of PCMU, or browsers.
fn gather(media: &Media, members: usize, codec: Codec) -> Vec<Phone> {
    let (events, mut reports) = unbounded_channel();
    thread::spawn(move || while reports.blocking_recv().is_some() {});
    let maker = Maker::new();
    (0..members)
        .map(|_| {
            if codec == Codec::Opus {
                let Browser {
                    socket,
                    id,
                    to,
                    out,
                } = maker.come_in(media, events.clone());
                media.enter(id, RoomKey(1), Hearing::SPEAKER);
                let out = Some(out);
                return Phone { socket, to, out };
            }
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            socket.set_nonblocking(true).unwrap();
            let leg = media.open(Family::V4, None, events.clone()).unwrap();
            let stream = Stream::new(Codec::Pcmu, 0, socket.local_addr().unwrap());
            media.connect(leg.id, stream);
            media.enter(leg.id, RoomKey(1), Hearing::SPEAKER);
            let (to, out) = (leg.local, None);
            Phone { socket, to, out }
        })
        .collect()
}

fn measure(members: usize, codec: Codec, ports: std::ops::RangeInclusive<u16>) {
    let media = Media::start(Config {
        ip: Ipv4Addr::LOCALHOST.into(),
        ipv6: None,
        ports,
        browsers: Some((Ipv4Addr::LOCALHOST, 0).into()),
        threads: 1,
    })
    .unwrap();
    let mut phones = gather(&media, members, codec);
    let [voice, noise, mark] = [9_000.0, 30.0, 30_000.0].map(|size| payloads(codec, size));
    let payload_type = codec.static_payload_type().unwrap_or(OPUS);
    let mut datagram = Vec::new();

    let start = Instant::now();
    let mut before = 0.0;
    let mut received = 0u64;
    let mut buffer = [0; 2_048];
    let mut marked: Option<Instant> = None;
    let mut delays = Vec::new();
    for frame in 0..SECONDS * 50 {
        if frame == SECONDS * 25 {
            before = cpu_of_media();
            received = 0;
        }
        for (i, phone) in phones.iter_mut().enumerate() {
            let header = Header {
                marker: false,
                payload_type,
                sequence: frame as u16,
                timestamp: frame * codec.clock_rate() / 50,
                ssrc: i as u32,
            };
            let says = match i {
                0 if frame % 25 == 0 => {
                    marked = Some(Instant::now());
                    &mark
                }
                _ if i < SPEAKERS => &voice,
                _ => &noise,
            };
            datagram.clear();
            datagram.extend_from_slice(&header.to_bytes());
            datagram.extend_from_slice(&says[frame as usize % says.len()]);
            if let Some(out) = &mut phone.out {
                out.protect_rtp(&mut datagram);
            }
            let _ = phone.socket.send_to(&datagram, phone.to);
            while i + 1 < members
                && let Ok(length) = phone.socket.recv(&mut buffer)
            {
                received += u64::from(is_audio(&buffer[..length]));
            }
        }
        // The last member listens all the time, and so tells when a frame is over.
        let next = start + Duration::from_millis(20) * (frame + 1);
        let listener = &phones[members - 1].socket;
        while Instant::now() < next {
            let Ok(length) = listener.recv(&mut buffer) else {
                thread::sleep(Duration::from_micros(100));
                continue;
            };
            received += u64::from(is_audio(&buffer[..length]));
            if codec != Codec::Pcmu {
                continue;
            }
            let loudest = buffer[12..length]
                .iter()
                .map(|&b| MU_LAW[usize::from(b)])
                .max();
            if loudest > Some(25_000)
                && let Some(since) = marked.take()
            {
                delays.push(since.elapsed());
            }
        }
    }
    delays.sort_unstable();
    let delay = |share: f64| {
        let at = (delays.len() as f64 * share) as usize;
        delays
            .get(at)
            .map_or(f64::NAN, |delay| delay.as_secs_f64() * 1_000.0)
    };
    let cpu = cpu_of_media() - before;
    let seconds = f64::from(SECONDS) / 2.0;
    let expected = seconds * 50.0 * members as f64;
    println!(
        "{members:>8} {:>8} {:>12.3} {:>9.2}% {:>10.1} {:>10.1}",
        if codec == Codec::Opus {
            "browsers"
        } else {
            "phones"
        },
        cpu * 1_000.0 / (seconds * members as f64),
        received as f64 * 100.0 / expected,
        delay(0.5),
        delay(0.99),
    );
}

/// Neither STUN nor DTLS nor a report.
fn is_audio(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| first >> 6 == 2) && !mixer::rtp::is_rtcp(datagram)
}

/// A second of a hum of this size.
fn payloads(codec: Codec, amplitude: f64) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(codec).unwrap();
    let samples = codec.sample_rate() as usize / 50;
    (0..50)
        .map(|frame| {
            let audio: Vec<i16> = (0..samples)
                .map(|i| {
                    let t = (frame * samples + i) as f64 / f64::from(codec.sample_rate());
                    (amplitude * (t * 400.0 * std::f64::consts::TAU).sin()) as i16
                })
                .collect();
            let mut payload = Vec::new();
            encoder.encode(&audio, &mut payload);
            payload
        })
        .collect()
}

/// CPU seconds of the threads named `media-…` (user and system, in ticks of 10 ms).
fn cpu_of_media() -> f64 {
    let mut ticks = 0u64;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let path = task.unwrap().path();
        let name = std::fs::read_to_string(path.join("comm")).unwrap_or_default();
        if !name.starts_with("media-") {
            continue;
        }
        let stat = std::fs::read_to_string(path.join("stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        ticks += fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    }
    ticks as f64 / 100.0
}
