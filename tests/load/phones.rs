//! The audio of all phones: one thread, one socket a phone, absolute deadlines.
//!
//! Every phone sends a G.711 packet each 20 ms, at a phase of its own, as real ones
//! would. Packets that arrive carry the kernel's time stamp, so that this thread
//! may look at them late without spoiling what is measured.

use std::{
    io::{self, IoSliceMut},
    net::{SocketAddr, UdpSocket},
    os::fd::AsRawFd,
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use mixer::Codec;
use nix::{
    cmsg_space,
    sys::{
        socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt},
        time::TimeSpec,
    },
};
use simulator::rtp;

use crate::marker::{self, Detector};

/// Phones are looked after in so many groups, a millisecond apart.
const SLOTS: usize = 20;
const SLOT: Duration = Duration::from_millis(1);
const FRAME_MS: u64 = 20;
const FRAME_SAMPLES: usize = 160;

/// What the thread is told.
pub enum Order {
    /// The call is up: audio flows.
    Add(Box<Phone>),
    /// From now on count.
    Measure,
    /// Count no more and report.
    Finish,
}

/// One phone's audio.
pub struct Phone {
    socket: UdpSocket,
    payload_type: u8,
    sender: rtp::Sender,
    /// What it says, in a circle; a listener says nothing.
    speech: Option<Arc<[i16]>>,
    at: usize,
    marks: bool,
    encoder: mixer::codec::Encoder,
    decoder: mixer::codec::Decoder,
    detector: Detector,
    last: Option<u16>,
    received: u64,
    marked: u64,
}

impl Phone {
    /// `marks`: adds the marker to its speech.
    pub fn new(
        socket: UdpSocket,
        server: SocketAddr,
        payload_type: u8,
        speech: Option<Arc<[i16]>>,
        marks: bool,
    ) -> io::Result<Self> {
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        let port = socket.local_addr()?.port();
        let no_memory = || io::Error::from(io::ErrorKind::OutOfMemory);
        Ok(Self {
            socket,
            payload_type,
            sender: rtp::Sender::new(u32::from(port)),
            speech,
            at: 0,
            marks,
            encoder: mixer::codec::Encoder::new(Codec::Pcmu).ok_or_else(no_memory)?,
            decoder: mixer::codec::Decoder::new(Codec::Pcmu).ok_or_else(no_memory)?,
            detector: Detector::default(),
            last: None,
            received: 0,
            marked: 0,
        })
    }

    /// Sends the next frame. `marking` is how far the marker's interval has come.
    fn send(&mut self, marking: Duration, scratch: &mut Scratch) {
        match &self.speech {
            Some(speech) => {
                for (slot, at) in scratch.samples.iter_mut().zip(self.at..) {
                    *slot = speech[at % speech.len()];
                }
                self.at = (self.at + FRAME_SAMPLES) % speech.len();
                if self.marks {
                    marker::mix_into(&mut scratch.samples, marking);
                }
            }
            None => scratch.samples.fill(0),
        }
        self.encoder.encode(&scratch.samples, &mut scratch.payload);
        let packet = self.sender.audio(
            self.payload_type,
            false,
            &scratch.payload,
            FRAME_SAMPLES as u32,
        );
        // A full socket loses a packet, as a network would.
        _ = self.socket.send(&packet);
    }

    /// Takes one packet that waits; `None` when there is none. Otherwise the wall
    /// clock at which a marker began to come out, if one did.
    fn receive(&mut self, scratch: &mut Scratch) -> Option<Option<Duration>> {
        let (length, arrived) = {
            let mut pieces = [IoSliceMut::new(&mut scratch.packet)];
            let mut control = cmsg_space!(TimeSpec);
            let message = recvmsg::<SockaddrStorage>(
                self.socket.as_raw_fd(),
                &mut pieces,
                Some(&mut control),
                MsgFlags::empty(),
            )
            .ok()?;
            let stamp = message.cmsgs().ok()?.find_map(|control| match control {
                ControlMessageOwned::ScmTimestampns(stamp) => Some(Duration::from(stamp)),
                _ => None,
            });
            (message.bytes, stamp.unwrap_or_else(wall_clock))
        };
        let Some(packet) = rtp::parse(&scratch.packet[..length]) else {
            return Some(None);
        };
        let fresh = self
            .last
            .is_none_or(|last| (1..0x8000).contains(&packet.sequence.wrapping_sub(last)));
        if !fresh || packet.payload_type != self.payload_type {
            return Some(None);
        }
        self.last = Some(packet.sequence);
        self.received += 1;
        scratch.heard.clear();
        if self
            .decoder
            .decode(packet.payload, &mut scratch.heard)
            .is_err()
        {
            return Some(None);
        }
        let before = self.detector.pushed();
        let found = self.detector.push(&scratch.heard);
        // An ear that plays each packet as it comes hears sample n of it n/8 ms later.
        Some(found.map(|at| {
            let back = before.saturating_sub(at) as f64 / 8_000.0;
            let ahead = at.saturating_sub(before) as f64 / 8_000.0;
            arrived + Duration::from_secs_f64(ahead) - Duration::from_secs_f64(back)
        }))
    }
}

struct Scratch {
    samples: [i16; FRAME_SAMPLES],
    payload: Vec<u8>,
    packet: [u8; 2_048],
    heard: Vec<f32>,
}

/// What was counted between [`Order::Measure`] and [`Order::Finish`].
#[derive(Debug, Default)]
pub struct Tally {
    pub seconds: f64,
    /// Packets that should have come, and those that did.
    pub expected: u64,
    pub received: u64,
    /// Markers that should have been heard, and how old each was, ms.
    pub markers_expected: u64,
    pub delays_ms: Vec<f64>,
    /// The longest this thread was behind its own deadlines, ms: what it cannot vouch for.
    pub late_ms: f64,
}

/// Looks after all phones until told to finish.
pub fn run(orders: &Receiver<Order>) -> Tally {
    let mut slots: Vec<Vec<Phone>> = (0..SLOTS).map(|_| Vec::new()).collect();
    let mut phones = 0;
    let mut scratch = Scratch {
        samples: [0; FRAME_SAMPLES],
        payload: Vec::new(),
        packet: [0; 2_048],
        heard: Vec::new(),
    };
    let started = Instant::now();
    let started_wall = wall_clock();
    let mut measuring: Option<Instant> = None;
    let mut tally = Tally::default();
    for turn in 0_u64.. {
        loop {
            match orders.try_recv() {
                Ok(Order::Add(phone)) => {
                    slots[phones % SLOTS].push(*phone);
                    phones += 1;
                }
                Ok(Order::Measure) => {
                    for phone in slots.iter_mut().flatten() {
                        phone.received = 0;
                        phone.marked = 0;
                    }
                    tally = Tally::default();
                    measuring = Some(Instant::now());
                }
                Ok(Order::Finish) | Err(TryRecvError::Disconnected) => {
                    let seconds = measuring.map_or(0.0, |at| at.elapsed().as_secs_f64());
                    return close(tally, &slots, seconds);
                }
                Err(TryRecvError::Empty) => break,
            }
        }
        let due = started + SLOT * u32::try_from(turn).unwrap_or(u32::MAX);
        let now = Instant::now();
        match due.checked_duration_since(now) {
            Some(ahead) => thread::sleep(ahead),
            None => {
                let late = now.duration_since(due).as_secs_f64() * 1_000.0;
                tally.late_ms = tally.late_ms.max(late);
            }
        }
        let frame = turn / SLOTS as u64;
        let interval = marker::INTERVAL.as_millis() as u64;
        let marking = Duration::from_millis(frame * FRAME_MS % interval);
        for phone in &mut slots[(turn % SLOTS as u64) as usize] {
            phone.send(marking, &mut scratch);
            while let Some(marked) = phone.receive(&mut scratch) {
                let Some(at) = marked.filter(|_| measuring.is_some() && !phone.marks) else {
                    continue;
                };
                phone.marked += 1;
                tally
                    .delays_ms
                    .push(age_ms(at.saturating_sub(started_wall), interval));
            }
        }
    }
    tally
}

/// How long ago the marker left the mouth when it was heard `at` after the start.
///
/// The marking phone stands in the first slot, so that its frame `n` is sent at
/// `n * 20 ms` after the start, and holds what was said in the 20 ms before.
fn age_ms(at: Duration, interval: u64) -> f64 {
    let since = at.as_secs_f64() * 1_000.0 % interval as f64;
    since + FRAME_MS as f64
}

fn close(mut tally: Tally, slots: &[Vec<Phone>], seconds: f64) -> Tally {
    let phones = slots.iter().flatten();
    tally.seconds = seconds;
    for phone in phones {
        tally.expected += (seconds * 1_000.0 / FRAME_MS as f64) as u64;
        tally.received += phone.received;
        if !phone.marks {
            tally.markers_expected += (seconds / marker::INTERVAL.as_secs_f64()) as u64;
        }
    }
    tally
}

fn wall_clock() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}
