//! The audio of all phones: one thread, one socket a phone, absolute deadlines.
//!
//! Every phone sends a packet each 20 ms, at a phase of its own, as real ones would:
//! those who talk a voice, the others the faint noise of their rooms. Packets that arrive
//! carry the kernel's time stamp, so that this thread may look at them late without
//! spoiling what is measured.
//!
//! Once a second one who talks speaks a marker, each in his turn; about a hundred phones
//! listen for it, others each time. What is measured is the time from the sending of the
//! packet that begins with the marker to the arrival of its first sample.

use std::{
    f32::consts::TAU,
    io,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError},
    },
    thread,
    time::{Duration, Instant},
};

use media::Inbox;
use mixer::Codec;
use mixer::codec::{Decoder, Encoder};
use simulator::rtp;

use crate::marker::{self, Detector};

/// Phones are looked after in so many groups, a millisecond apart.
const SLOTS: usize = 20;
const SLOT: Duration = Duration::from_millis(1);
/// From one phone to the next: neighbours, and so those who talk, are far apart in time.
const STRIDE: usize = 7;
const FRAME_MS: u64 = 20;
/// Frames from one marker to the next.
const FRAMES: u64 = marker::INTERVAL.as_millis() as u64 / FRAME_MS;
/// Listening begins so many frames before the marker, and is over so many after it.
const BEFORE: u64 = 5;
const OVER: u64 = 25;
/// So many listen at once, or all if they are fewer.
const EARS: usize = 100;
/// Datagrams read at once.
const MOST: usize = 16;

/// What the thread is told.
pub enum Order {
    /// The call is up: audio flows.
    Add(Box<Phone>),
    /// From now on count.
    Measure,
    /// Count no more and report.
    Finish,
}

/// What a phone sends.
pub enum Says {
    /// A voice in a circle, and a marker when it is its turn of all in its room.
    Voice {
        samples: Arc<[i16]>,
        turn: u64,
        turns: u64,
    },
    /// Payloads, in a circle.
    Noise(Arc<[Vec<u8>]>),
}

/// One phone's audio.
pub struct Phone {
    socket: UdpSocket,
    codec: Codec,
    payload_type: u8,
    sender: rtp::Sender,
    nth: usize,
    room: usize,
    says: Says,
    at: usize,
    encoder: Encoder,
    decoder: Decoder,
    ear: Ear,
    last: Option<u16>,
    received: u64,
}

/// What a phone listens with, now and then.
#[derive(Default)]
struct Ear {
    open: bool,
    detector: Detector,
    /// The first sample of the last packets, and when they came.
    packets: [Option<(u64, Instant)>; 4],
    /// When the marker began to come out.
    heard: Option<Instant>,
}

impl Phone {
    /// The `nth` phone of all, in the room of that number.
    pub fn new(
        socket: UdpSocket,
        server: SocketAddr,
        (codec, payload_type): (Codec, u8),
        (nth, room): (usize, usize),
        says: Says,
    ) -> io::Result<Self> {
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        media::stamp_arrivals(&socket)?;
        let port = socket.local_addr()?.port();
        let no_memory = || io::Error::from(io::ErrorKind::OutOfMemory);
        Ok(Self {
            socket,
            codec,
            payload_type,
            sender: rtp::Sender::new(u32::from(port)),
            nth,
            room,
            says,
            at: nth * STRIDE,
            encoder: Encoder::new(codec).ok_or_else(no_memory)?,
            decoder: Decoder::new(codec).ok_or_else(no_memory)?,
            ear: Ear::default(),
            last: None,
            received: 0,
        })
    }

    /// Whether this is the interval in which it speaks the marker.
    fn marks(&self, interval: u64) -> bool {
        matches!(self.says, Says::Voice { turn, turns, .. } if interval % turns == turn)
    }

    /// Sends the next frame; the instant if a marker begins with it.
    fn send(&mut self, frame: u64, scratch: &mut Scratch) -> Option<Instant> {
        let marks = self.marks(frame / FRAMES);
        let ticks = self.codec.clock_rate() / 50;
        let payload = match &self.says {
            Says::Voice { samples, .. } => {
                let count = self.codec.sample_rate() as usize / 50;
                let said = &mut scratch.samples;
                said.clear();
                said.extend(
                    (self.at..)
                        .take(count)
                        .map(|at| samples[at % samples.len()]),
                );
                self.at = (self.at + count) % samples.len();
                if marks {
                    let since = Duration::from_millis(frame % FRAMES * FRAME_MS);
                    marker::mix_into(said, self.codec.sample_rate(), since);
                }
                self.encoder.encode(said, &mut scratch.payload);
                &scratch.payload
            }
            Says::Noise(payloads) => {
                self.at = (self.at + 1) % payloads.len();
                &payloads[self.at]
            }
        };
        let packet = self.sender.audio(self.payload_type, false, payload, ticks);
        let now = Instant::now();
        // A full socket loses a packet, as a network would.
        _ = self.socket.send(&packet);
        (marks && frame.is_multiple_of(FRAMES)).then_some(now)
    }

    /// Reads what has come.
    fn receive(&mut self, inbox: &mut Inbox, scratch: &mut Scratch) {
        inbox.read(&self.socket, MOST, |datagram| {
            let Some(packet) = rtp::parse(datagram.bytes) else {
                return;
            };
            let fresh = self
                .last
                .is_none_or(|last| (1..0x8000).contains(&packet.sequence.wrapping_sub(last)));
            if !fresh || packet.payload_type != self.payload_type {
                return;
            }
            self.last = Some(packet.sequence);
            self.received += 1;
            if !self.ear.open {
                return;
            }
            scratch.heard.clear();
            if self
                .decoder
                .decode(packet.payload, &mut scratch.heard)
                .is_ok()
            {
                // Markers and their surroundings are far below half of this rate.
                let step = (self.codec.sample_rate() / marker::RATE) as usize;
                let thinned = scratch.heard.len() / step;
                for n in 0..thinned {
                    scratch.heard[n] = scratch.heard[n * step];
                }
                self.ear.take(&scratch.heard[..thinned], datagram.arrived);
            }
        });
    }
}

impl Ear {
    fn open(&mut self) {
        *self = Self {
            open: true,
            ..Self::default()
        };
    }

    /// Hears a packet: sample `n` of it `n` samples after its arrival.
    fn take(&mut self, samples: &[f32], arrived: Instant) {
        self.packets.rotate_right(1);
        self.packets[0] = Some((self.detector.pushed(), arrived));
        let Some(begins) = self.detector.push(samples) else {
            return;
        };
        let packet = self.packets.iter().flatten().find(|p| p.0 <= begins);
        self.heard = packet.map(|&(first, arrived)| {
            let into = (begins - first) as f64 / f64::from(marker::RATE);
            arrived + Duration::from_secs_f64(into)
        });
    }
}

#[derive(Default)]
struct Scratch {
    samples: Vec<i16>,
    payload: Vec<u8>,
    heard: Vec<f32>,
}

/// What was counted between [`Order::Measure`] and [`Order::Finish`].
#[derive(Debug, Default)]
pub struct Tally {
    pub seconds: f64,
    /// Packets that should have come, and those that did.
    pub expected: u64,
    pub received: u64,
    /// Markers that should have been heard, and how long each took, ms.
    pub markers_expected: u64,
    pub delays_ms: Vec<f64>,
    /// The longest this thread was behind its own deadlines, ms: what it cannot vouch for.
    pub late_ms: f64,
}

struct Phones {
    slots: Vec<Vec<Phone>>,
    count: usize,
    inbox: Inbox,
    scratch: Scratch,
    /// When the last marker was sent in each room.
    marked: Vec<Option<Instant>>,
    measuring: Option<Instant>,
    tally: Tally,
}

/// Looks after all phones until told to finish.
pub fn run(orders: &Receiver<Order>) -> Tally {
    let mut phones = Phones {
        slots: (0..SLOTS).map(|_| Vec::new()).collect(),
        count: 0,
        inbox: Inbox::new(),
        scratch: Scratch::default(),
        marked: Vec::new(),
        measuring: None,
        tally: Tally::default(),
    };
    // A phone is not kept waiting by what else this machine does.
    media::prefer_this_thread();
    let started = Instant::now();
    for turn in 0_u64.. {
        loop {
            match orders.try_recv() {
                Ok(Order::Add(phone)) => phones.add(*phone),
                Ok(Order::Measure) => phones.measure(),
                Ok(Order::Finish) | Err(TryRecvError::Disconnected) => return phones.close(),
                Err(TryRecvError::Empty) => break,
            }
        }
        let due = started + SLOT * u32::try_from(turn).unwrap_or(u32::MAX);
        let now = Instant::now();
        match due.checked_duration_since(now) {
            Some(ahead) => thread::sleep(ahead),
            None => {
                let late = now.duration_since(due).as_secs_f64() * 1_000.0;
                phones.tally.late_ms = phones.tally.late_ms.max(late);
            }
        }
        phones.visit((turn % SLOTS as u64) as usize, turn / SLOTS as u64);
    }
    phones.tally
}

impl Phones {
    fn add(&mut self, phone: Phone) {
        if self.marked.len() <= phone.room {
            self.marked.resize(phone.room + 1, None);
        }
        let slot = &mut self.slots[phone.nth * STRIDE % SLOTS];
        // Who talks is served first, lest the others' number moves him about.
        match phone.says {
            Says::Voice { .. } => slot.insert(0, phone),
            Says::Noise(_) => slot.push(phone),
        }
        self.count += 1;
    }

    fn measure(&mut self) {
        for phone in self.slots.iter_mut().flatten() {
            phone.received = 0;
        }
        self.tally = Tally::default();
        self.measuring = Some(Instant::now());
    }

    /// Sends and reads for the phones of a slot.
    fn visit(&mut self, slot: usize, frame: u64) {
        self.inbox.set_clock();
        let ears = (self.count.div_ceil(EARS)).max(1) as u64;
        for phone in &mut self.slots[slot] {
            if let Some(at) = phone.send(frame, &mut self.scratch) {
                self.marked[phone.room] = Some(at);
            }
            phone.receive(&mut self.inbox, &mut self.scratch);
            let next = (frame + BEFORE) / FRAMES;
            match frame % FRAMES {
                OVER if phone.ear.open => {
                    phone.ear.open = false;
                    let marked = self.marked[phone.room]
                        .filter(|at| self.measuring.is_some_and(|since| *at > since));
                    if let Some(marked) = marked {
                        self.tally.markers_expected += 1;
                        let delay = phone
                            .ear
                            .heard
                            .and_then(|at| at.checked_duration_since(marked));
                        let ms = delay.map(|delay| delay.as_secs_f64() * 1_000.0);
                        self.tally.delays_ms.extend(ms);
                    }
                }
                at if at == FRAMES - BEFORE
                    && !phone.marks(next)
                    && (next + phone.nth as u64).is_multiple_of(ears) =>
                {
                    phone.ear.open();
                }
                _ => {}
            }
        }
    }

    fn close(mut self) -> Tally {
        let seconds = self.measuring.map_or(0.0, |at| at.elapsed().as_secs_f64());
        self.tally.seconds = seconds;
        for phone in self.slots.iter().flatten() {
            self.tally.expected += (seconds * 1_000.0 / FRAME_MS as f64) as u64;
            self.tally.received += phone.received;
        }
        self.tally
    }
}

/// A second of the faint noise of a room, -60 dBov, as packets of this codec carry it. They may be
/// sent in a circle: where the last meets the first, the codec's state fits as between any others.
pub fn noise(codec: Codec) -> Arc<[Vec<u8>]> {
    let Some(mut encoder) = Encoder::new(codec) else {
        return Arc::new([]);
    };
    let count = codec.sample_rate() as usize / 50;
    let mut state = 1_u32;
    let second: Vec<i16> = (0..50 * count)
        .map(|n| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = f32::from((state >> 16) as i16) / 32_768.0 * 40.0;
            let t = n as f32 / codec.sample_rate() as f32;
            (hiss + 30.0 * (TAU * 50.0 * t).sin()) as i16
        })
        .collect();
    let mut once = || -> Vec<Vec<u8>> {
        let packets = second.chunks(count).map(|frame| {
            let mut payload = Vec::new();
            encoder.encode(frame, &mut payload);
            payload
        });
        packets.collect()
    };
    // An encoder that has just begun is in a state of its own: it is not heard.
    once();
    once().into()
}
