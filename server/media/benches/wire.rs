//! What a member costs with everything: CPU time of the media threads per
//! member-second, over real sockets on loopback.
//!
//! `cargo bench -p media -- 400 1000` opens rooms of 400 and of 1000 members
//! who all send and receive PCMU, three of them a voice. One of those speaks a mark every
//! half second, and the time is taken until the last member hears it. The senders are in
//! the same process; the threads' CPU times are told apart by their names.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use media::{Codec, Config, Family, Hearing, Media, RoomKey, Stream};
use mixer::codec::g711::{MU_LAW, mu_byte};
use mixer::rtp::Header;
use tokio::sync::mpsc::unbounded_channel;

const SECONDS: u32 = 12;
const SPEAKERS: usize = 3;

fn main() {
    let sizes: Vec<usize> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let sizes = if sizes.is_empty() {
        vec![50, 200, 400, 1_000]
    } else {
        sizes
    };
    println!("{:>8} {:>12} {:>14}", "members", "CPU-ms/m-s", "delivered");
    for (i, &members) in sizes.iter().enumerate() {
        let first = 10_000 + 10_000 * i as u16;
        measure(members, first..=first + 9_999);
    }
}

fn measure(members: usize, ports: std::ops::RangeInclusive<u16>) {
    let media = Media::start(Config {
        ip: Ipv4Addr::LOCALHOST.into(),
        ipv6: None,
        ports,
        browsers: None,
        threads: 1,
    })
    .unwrap();
    let (events, _kept) = unbounded_channel();
    let phones: Vec<(UdpSocket, SocketAddr)> = (0..members)
        .map(|_| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            socket.set_nonblocking(true).unwrap();
            let leg = media.open(Family::V4, None, events.clone()).unwrap();
            media.connect(
                leg.id,
                Stream::new(Codec::Pcmu, 0, socket.local_addr().unwrap()),
            );
            media.enter(leg.id, RoomKey(1), Hearing::SPEAKER);
            (socket, leg.local)
        })
        .collect();

    let voice = payload(9_000.0);
    let noise = payload(60.0);
    let start = Instant::now();
    let mut before = 0.0;
    let mut received = 0u64;
    let mut buffer = [0; 2_048];
    let mark = payload(30_000.0);
    let mut marked: Option<Instant> = None;
    let mut delays = Vec::new();
    for frame in 0..SECONDS * 50 {
        if frame == SECONDS * 25 {
            before = cpu_of_media();
            received = 0;
        }
        for (i, (socket, to)) in phones.iter().enumerate() {
            let header = Header {
                marker: false,
                payload_type: 0,
                sequence: frame as u16,
                timestamp: frame * 160,
                ssrc: i as u32,
            };
            let payload = match i {
                0 if frame % 25 == 0 => {
                    marked = Some(Instant::now());
                    &mark
                }
                _ if i < SPEAKERS => &voice,
                _ => &noise,
            };
            let _ = socket.send_to(&[&header.to_bytes()[..], payload].concat(), to);
            while i + 1 < members && socket.recv(&mut buffer).is_ok() {
                received += 1;
            }
        }
        // The last member listens all the time, and so tells when a frame is over.
        let next = start + Duration::from_millis(20) * (frame + 1);
        let listener = &phones[members - 1].0;
        while Instant::now() < next {
            let Ok(length) = listener.recv(&mut buffer) else {
                thread::sleep(Duration::from_micros(100));
                continue;
            };
            received += 1;
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
        "{members:>8} {:>12.3} {:>13.2}% {:>10.1} {:>10.1}",
        cpu * 1_000.0 / (seconds * members as f64),
        received as f64 * 100.0 / expected,
        delay(0.5),
        delay(0.99),
    );
}

fn payload(amplitude: f64) -> Vec<u8> {
    (0..160)
        .map(|i| mu_byte((amplitude * (f64::from(i) * std::f64::consts::TAU / 20.0).sin()) as i16))
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
