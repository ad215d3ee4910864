//! When each packet is played: the heart of the jitter buffer.
//!
//! At every frame two figures are weighed. The **lead** of the next packet is how
//! long ago the fastest packet with its timestamp would have come: what is left for
//! slower ones. The **wait** is how much of that the network needs, as learnt from
//! its jitter. What is decoded and not yet played (the **rest**) is delay too, but
//! saves nobody.
//!
//! - No packet is there: conceal, and let time stand still. Should the packet
//!   turn out lost, the concealment has stood in for it and nothing is later
//!   than before; should it come late, it is played, and the delay has grown by
//!   just what was needed.
//! - More lead than wait by a packet: take out a pitch period, or a piece of a pause.
//! - Far more (after a stall): drop whole packets at once.
//! - Less lead than wait: put a piece in, in a pause if one comes in time.
//!
//! So delay follows the network both ways, and never exceeds [`CAP`].

mod adapt;

use std::time::Instant;

use crate::codec::{Codec, Decoder};
use crate::receive::buffer::{Buffer, Content, Insert, Stored};
use crate::receive::conceal::Concealer;
use crate::receive::delay::Delay;
use crate::receive::drift::Drift;
use crate::rtp::Header;

/// No one is delayed by more than this, in milliseconds, whatever his network does.
pub const CAP: f64 = 200.0;
/// Excess beyond a packet at which whole packets are dropped rather than shortened.
const MUCH: f64 = 30.0; // ms
/// Concealment ends and the member is idle after this long without a packet.
const GIVE_UP: f64 = 200.0; // ms
/// A gap longer than this is not filled, just passed over.
const LONGEST_FILL: f64 = 100.0; // ms

/// 20 ms of a member's voice.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Samples a second.
    pub rate: u32,
    pub samples: &'a [f32],
}

/// How much later a packet could have come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spare {
    /// Its lead less what the network needs, in ms.
    pub ms: f64,
    /// Its length, in ms.
    pub packet: f64,
}

#[derive(Debug, Default)]
pub struct Playout {
    buffer: Buffer,
    delay: Delay,
    decoder: Option<Decoder>,
    concealer: Concealer,
    drift: Drift,
    /// Decoded and not yet played.
    pcm: Vec<f32>,
    frame: Vec<f32>,
    state: State,
    counters: Counters,
    /// Lead and rest when a packet was last taken, in ms: the delay.
    measured: f64,
    spare: Option<Spare>,
    /// The share of packets that never came, lately.
    losses: f32,
    /// Whoever pulls follows the sender's clock: there is no drift between them.
    led: bool,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    /// Nobody speaks, or nobody is heard yet.
    #[default]
    Idle,
    Playing {
        stream: u32,
        /// Sequence number of the packet played last.
        sequence: i64,
        /// The time of the next sample to be decoded, in samples.
        next: i64,
        /// Samples concealed while time stood still.
        held: i64,
        /// The length of a packet, in samples.
        packet: i64,
    },
}

/// What has happened since the beginning, in packets.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    pub played: u64,
    /// Came after their place had been filled, or twice.
    pub late: u64,
    /// Dropped to bring the delay down.
    pub dropped: u64,
    /// Frames in which something was made up.
    pub concealed: u64,
}

impl Playout {
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// How long what arrives waits before it is played, in ms.
    pub fn delay_ms(&self) -> f64 {
        self.measured
    }

    /// What the packet taken last for this frame had to spare; `None` if none was taken.
    pub fn spare(&self) -> Option<Spare> {
        self.spare
    }

    /// A packet's arrival will be noted next.
    pub(crate) fn fetch_lateness(&self) {
        self.delay.fetch();
    }

    /// Says whether frames are pulled by this sender's own clock.
    pub fn set_led(&mut self, led: bool) {
        self.led = led;
    }

    /// The sender's clock against ours, in ppm.
    pub fn drift_ppm(&self) -> f64 {
        self.delay.drift()
    }

    /// Takes a packet; false if it belongs to no stream of his.
    pub fn on_packet(
        &mut self,
        header: &Header,
        content: Content,
        payload: &[u8],
        arrived: Instant,
    ) -> bool {
        // Silence after silence leaves nothing to be played.
        let nothing = matches!(content, Content::Quiet { .. })
            && matches!(self.state, State::Idle)
            && self.buffer.is_empty();
        let inserted = if nothing {
            self.buffer.pass(header, content)
        } else {
            self.buffer.insert(header, content, payload)
        };
        match inserted {
            Insert::Queued { time, fresh } => {
                if fresh {
                    self.delay.on_new_stream();
                }
                if let Content::Audio { codec, .. } | Content::Quiet { codec } = content {
                    self.delay.on_packet(ms(time, codec.sample_rate()), arrived);
                }
            }
            Insert::Duplicate => self.counters.late += 1,
            Insert::Stray => return false,
        }
        true
    }

    /// What the member says in the 20 ms that begin at `now`; `None` while he is not heard.
    pub fn pull(&mut self, now: Instant) -> Option<Frame<'_>> {
        self.bound();
        self.delay.settle();
        self.frame.clear();
        self.spare = None;
        let mut rate = self.rate();
        if let State::Idle = self.state
            && self.pcm.is_empty()
        {
            self.start(now)?;
            rate = self.rate();
        }
        let count = rate as usize / 50;
        let mut ratio = self.ratio();
        let mut concealed = false;
        // Each turn adds audio, removes a packet or ends: the bound is for peace of mind.
        for _ in 0..256 {
            if self.pcm.len() >= self.drift.needs(count, ratio) {
                break;
            }
            let needed = self.drift.needs(count, ratio);
            match self.state {
                State::Idle => {
                    if self.start(now).is_none() {
                        let missing = needed - self.pcm.len();
                        self.concealer.conceal(missing, &mut self.pcm);
                    }
                }
                State::Playing { .. } => concealed |= self.advance(now, needed),
            }
            if self.rate() != rate {
                // Another codec: what was left of the old one is gone.
                return self.pull(now);
            }
            ratio = self.ratio();
        }
        self.counters.concealed += u64::from(concealed);
        self.drift
            .read(&mut self.pcm, count, ratio, &mut self.frame);
        self.frame.resize(count, 0.0);
        if let State::Idle = self.state {
            self.pcm.clear();
        }
        Some(Frame {
            rate,
            samples: &self.frame,
        })
    }

    /// Whether there is nothing to pull until another packet comes.
    pub fn is_spent(&self) -> bool {
        matches!(self.state, State::Idle)
            && self.buffer.is_empty()
            && self.pcm.is_empty()
            && self.frame.is_empty()
    }

    /// The frame pulled last, if there was one.
    pub fn last(&self) -> Option<Frame<'_>> {
        (!self.frame.is_empty()).then(|| Frame {
            rate: self.rate(),
            samples: &self.frame,
        })
    }

    /// Forgets what has arrived: it will not be heard. What was learnt of the network stays.
    pub fn drain(&mut self) {
        self.buffer.clear();
        self.pcm.clear();
        self.frame.clear();
        self.concealer.silence();
        self.state = State::Idle;
    }

    /// Gives back what only audio needs: he has been silent for long, and may never speak.
    /// What was learnt of the network stays.
    pub fn rest(&mut self) {
        self.drain();
        self.buffer.rest();
        self.decoder = None;
        self.concealer = Concealer::default();
        self.drift.reset();
        self.pcm = Vec::new();
        self.frame = Vec::new();
    }

    fn rate(&self) -> u32 {
        self.decoder
            .as_ref()
            .map_or(8_000, |decoder| decoder.codec().sample_rate())
    }

    /// How long ago the fastest packet with this one's time would have come. The last packets of a
    /// stream that was followed by another are played as if just in time: of their clock nothing
    /// is known any more.
    fn lead(&self, packet: &Stored, codec: Codec, now: Instant) -> f64 {
        self.lead_of(packet.stream, ms(packet.time, codec.sample_rate()), now)
    }

    fn lead_of(&self, stream: u32, time_ms: f64, now: Instant) -> f64 {
        if self.buffer.goes_on(stream) {
            self.delay.lead(time_ms, now)
        } else {
            self.wait()
        }
    }

    /// Leaves idleness if the packet in front is due.
    fn start(&mut self, now: Instant) -> Option<()> {
        loop {
            let front = self.buffer.front()?;
            let Content::Audio { codec, samples } = front.content else {
                self.buffer.discard_front();
                continue;
            };
            let lead = self.lead(front, codec, now);
            // Half of what is needed is enough to begin with: the first word is not kept
            // waiting for a frame, and should a packet come too late, the rest follows.
            if lead < self.wait() / 2.0 {
                return None;
            }
            let (stream, sequence, next) = (front.stream, front.sequence, front.time);
            self.switch_to(codec);
            if self.pcm.is_empty() {
                // A new talkspurt: where packets and frames meet is chosen anew.
                self.drift.disengage();
            }
            self.state = State::Playing {
                stream,
                sequence: sequence - 1,
                next,
                held: 0,
                packet: samples as i64,
            };
            self.drop_excess(now, 0.0);
            return Some(());
        }
    }

    /// One step while playing: takes a packet, passes over a gap, or conceals. True if it made audio up.
    fn advance(&mut self, now: Instant, needed: usize) -> bool {
        let State::Playing {
            stream,
            sequence,
            next,
            held,
            packet,
        } = self.state
        else {
            return false;
        };
        let rate = self.rate();
        let Some(front) = self.buffer.front() else {
            return self.hold(needed);
        };
        let Content::Audio { codec, .. } = front.content else {
            self.buffer.discard_front();
            self.state = State::Idle;
            return false;
        };
        if front.stream != stream || codec.sample_rate() != rate {
            self.state = State::Idle;
            return false;
        }
        if front.time < next {
            self.counters.late += 1;
            self.buffer.discard_front();
            return false;
        }
        if front.time == next {
            self.take(now, needed, held > 0);
            return false;
        }

        // A gap. With the sequence unbroken the sender was silent: a new talkspurt.
        let follows = front.sequence == sequence + 1;
        let missing = front.time - next - held;
        let to = front.time;
        if follows && held == 0 {
            self.state = State::Idle;
            return false;
        }
        let lost = front.sequence - sequence - 1;
        if follows || missing <= 0 || ms(missing, rate) > LONGEST_FILL {
            let sequence = front.sequence - 1;
            self.note_losses(lost, true);
            self.state = State::Playing {
                stream,
                sequence,
                next: to,
                held: 0,
                packet,
            };
            return false;
        }
        let chunk = missing.min(i64::from(rate / 50));
        let from_next = chunk == missing && front.sequence == sequence + 2;
        self.fill(chunk as usize, from_next);
        if chunk == missing {
            self.note_losses(lost, true);
        }
        self.state = State::Playing {
            stream,
            sequence,
            next: to - (missing - chunk),
            held: 0,
            packet,
        };
        true
    }

    /// Nothing is there: makes audio up, and lets the stream's time stand still.
    fn hold(&mut self, needed: usize) -> bool {
        let rate = self.rate();
        let State::Playing {
            stream,
            sequence,
            next,
            held,
            packet,
        } = self.state
        else {
            return false;
        };
        if ms(held, rate) >= GIVE_UP {
            self.state = State::Idle;
            return false;
        }
        let missing = needed.saturating_sub(self.pcm.len());
        let before = self.pcm.len();
        self.fill(missing, false);
        self.state = State::Playing {
            stream,
            sequence,
            next,
            held: held + (self.pcm.len() - before) as i64,
            packet,
        };
        true
    }

    /// Makes up `count` samples, by the codec's own means if it has any.
    fn fill(&mut self, count: usize, from_next: bool) {
        let rate = self.rate();
        let begin = self.pcm.len();
        if let Some(decoder) = &mut self.decoder {
            // Opus makes whole steps of 2.5 ms.
            let step = rate as usize / 400;
            let whole = count.next_multiple_of(step).min(rate as usize / 50);
            let next = self.buffer.front().filter(|_| from_next);
            let payload = next.map(|packet| &packet.payload[..]);
            if decoder.conceal(whole, payload, &mut self.pcm) {
                self.concealer.remember(&self.pcm[begin..]);
                return;
            }
        }
        self.concealer.conceal(count, &mut self.pcm);
    }

    /// Decodes the packet in front, which is the next one due, towards the samples `needed`.
    fn take(&mut self, now: Instant, needed: usize, after_hold: bool) {
        if after_hold {
            self.drop_excess(now, 0.0);
        } else {
            self.drop_excess(now, MUCH);
        }
        let Some(Stored {
            stream,
            sequence,
            time,
            content: Content::Audio { codec, samples },
            payload,
        }) = self.buffer.pop()
        else {
            return;
        };
        self.switch_to(codec);
        let rate = codec.sample_rate();
        let begin = self.pcm.len();
        let decoded = match &mut self.decoder {
            Some(decoder) => decoder.decode(&payload, &mut self.pcm).is_ok(),
            None => false,
        };
        self.buffer.recycle(payload);
        if !decoded {
            self.fill(samples, false);
        } else if self.concealer.running() {
            self.concealer.blend(&mut self.pcm[begin..]);
        }
        self.concealer.remember(&self.pcm[begin..]);
        self.counters.played += 1;
        self.note_losses(1, false);
        let made = (self.pcm.len() - begin) as i64;
        self.state = State::Playing {
            stream,
            sequence,
            next: time + made,
            held: 0,
            packet: made,
        };
        if self.pcm.len() >= needed {
            // Shorter packets come several to a frame: the last of them is the one to wait for.
            let others = needed as i64 - made;
            let rest = ms(begin as i64 - others.max(0), rate);
            let lead = self.lead_of(stream, ms(time, rate), now);
            self.measured = lead + rest;
            let needed = if self.drift.engaged() {
                self.middle() - rest
            } else {
                self.wait()
            };
            self.spare = Some(Spare {
                ms: lead - needed,
                packet: ms(made, rate),
            });
            self.adapt(lead, rest, ms(made, rate));
        }
    }

    fn switch_to(&mut self, codec: Codec) {
        if self.decoder.as_ref().map(Decoder::codec) == Some(codec) {
            return;
        }
        let rate = self.decoder.as_ref().map(|d| d.codec().sample_rate());
        self.decoder = Decoder::new(codec);
        if rate != Some(codec.sample_rate()) {
            self.concealer.reset(codec.sample_rate());
            self.drift.reset();
            self.pcm.clear();
        }
    }
}

fn ms(samples: i64, rate: u32) -> f64 {
    samples as f64 * 1_000.0 / f64::from(rate)
}
