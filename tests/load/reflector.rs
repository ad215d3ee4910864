//! What the same packets cost by the same system calls, with nothing done to them.
//!
//! Every 20 ms all sockets are read as the server's media threads read those of listeners, and each
//! sends back what came. It runs as a process of its own, so that its cost can be told:
//! no mixer that sends a packet for each it gets by these calls can cost less.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{Ipv4Addr, UdpSocket},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use media::Inbox;
use mixer::Codec;

use crate::{
    phones::{self, Order, Phone, Says},
    process,
};

const FRAME: Duration = Duration::from_millis(20);
/// Reports are looked for as seldom as the server does it.
const REPORTS_EVERY: usize = 25;
const MOST: usize = 64;
/// Until it has settled.
const SETTLE: Duration = Duration::from_secs(2);

struct Mirror {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    packet: Vec<u8>,
    connected: bool,
}

/// The process: tells its ports, a line each, and reflects until it is killed.
pub fn run(members: usize) -> io::Result<()> {
    let mut mirrors = Vec::new();
    let mut out = io::stdout().lock();
    for _ in 0..members {
        let open = || -> io::Result<UdpSocket> {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            media::stamp_arrivals(&socket)?;
            Ok(socket)
        };
        let mirror = Mirror {
            rtp: open()?,
            rtcp: open()?,
            packet: Vec::new(),
            connected: false,
        };
        writeln!(out, "{}", mirror.rtp.local_addr()?.port())?;
        mirrors.push(mirror);
    }
    out.flush()?;
    let mut inbox = Inbox::new();
    let mut due = Instant::now();
    for tick in 0_usize.. {
        due += FRAME;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        inbox.set_clock();
        for (nth, mirror) in mirrors.iter_mut().enumerate() {
            let mut from = None;
            inbox.read_next(&mirror.rtp, MOST, |datagram| {
                from = Some(datagram.from);
                mirror.packet.clear();
                mirror.packet.extend_from_slice(datagram.bytes);
            });
            // As the server does once it is settled whom it hears.
            if let Some(from) = from
                && !mirror.connected
            {
                mirror.connected = mirror.rtp.connect(from).is_ok();
            }
            if (tick + nth).is_multiple_of(REPORTS_EVERY) {
                inbox.read(&mirror.rtcp, MOST, |_| ());
            }
        }
        for mirror in &mirrors {
            if mirror.connected {
                // What cannot be sent is lost, as on a network.
                _ = mirror.rtp.send(&mirror.packet);
            }
        }
    }
    Ok(())
}

/// CPU-ms of a reflector per member and second.
pub fn cost(members: usize, codec: Codec, measure_for: Duration) -> io::Result<f64> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--reflect", &members.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let cost = measure(&mut child, members, codec, measure_for);
    // Gone already is what was wanted.
    _ = child.kill();
    _ = child.wait();
    cost
}

fn measure(
    child: &mut Child,
    members: usize,
    codec: Codec,
    measure_for: Duration,
) -> io::Result<f64> {
    let out = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let ports: Vec<u16> = BufReader::new(out)
        .lines()
        .take(members)
        .map(|line| line?.parse().map_err(io::Error::other))
        .collect::<io::Result<_>>()?;
    let (orders, inbox) = mpsc::channel();
    let audio = thread::spawn(move || phones::run(&inbox));
    let noise = phones::noise(codec);
    for (nth, port) in ports.into_iter().enumerate() {
        let phone = Phone::new(
            UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?,
            (Ipv4Addr::LOCALHOST, port).into(),
            (codec, codec.static_payload_type().unwrap_or(111)),
            (nth, 0),
            Says::Noise(noise.clone()),
        )?;
        // The thread lives until it is told to finish.
        _ = orders.send(Order::Add(Box::new(phone)));
    }
    thread::sleep(SETTLE);
    let before = process::cpu_ms(child.id());
    let since = Instant::now();
    thread::sleep(measure_for);
    let seconds = since.elapsed().as_secs_f64();
    let after = process::cpu_ms(child.id());
    _ = orders.send(Order::Finish);
    _ = audio.join();
    let spent = after
        .zip(before)
        .map_or(0, |(after, before)| after - before);
    Ok(spent as f64 / (members as f64 * seconds))
}
