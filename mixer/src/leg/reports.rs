//! A leg's RTCP: when to report, what to say, and what is learnt from the other side.

use std::time::{Duration, Instant};

use crate::reception::{Quality, Reception};
use crate::rtcp::{self, Ntp, Report, SenderInfo};
use crate::rtp::Header;
use crate::send::{Seed, Sender};

/// RTCP is sent about every 5 s (RFC 3550 §6.2), from half to one and a half of it.
const EVERY: Duration = Duration::from_secs(5);

/// The wall clock against the monotonic one, as RTCP needs it.
#[derive(Debug, Clone, Copy)]
pub struct WallClock {
    pub at: Instant,
    pub ntp: Ntp,
}

impl WallClock {
    fn read(&self, now: Instant) -> Ntp {
        let since = now.saturating_duration_since(self.at);
        let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
        Ntp(self.ntp.0.wrapping_add(since.as_secs() << 32 | fraction))
    }
}

#[derive(Debug)]
pub struct Reports {
    reception: Reception,
    clock: WallClock,
    cname: u64,
    next: Option<Instant>,
    scatter: u32,
}

impl Reports {
    pub fn new(seed: Seed, clock: WallClock) -> Self {
        Self {
            reception: Reception::default(),
            clock,
            cname: seed.cname,
            next: None,
            scatter: seed.ssrc | 1,
        }
    }

    /// Counts a packet with audio of this clock rate (Hz).
    pub fn on_packet(&mut self, header: &Header, clock_rate: u32, arrived: Instant) {
        self.reception.on_packet(header, clock_rate, arrived);
    }

    /// Counts a packet without audio.
    pub fn on_other(&mut self, header: &Header) {
        self.reception.on_other(header);
    }

    /// Takes a datagram of the other side's; `ours` is the stream it may be about.
    pub fn on_rtcp(&mut self, ours: u32, datagram: &[u8], arrived: Instant) {
        let now = self.clock.read(arrived);
        rtcp::parse(datagram, |report| match report {
            Report::Sender { ssrc, info } => {
                self.reception.on_sender_report(ssrc, &info, arrived);
            }
            Report::About(block) if block.ssrc == ours => self.reception.on_block(&block, now),
            // A BYE may be forged, and a call is ended by signalling.
            Report::About(_) | Report::Bye { .. } => {}
        });
    }

    /// Whether a report is due; if so, the next will be some seconds later.
    pub fn is_due(&mut self, now: Instant) -> bool {
        let due = *self.next.get_or_insert(now + EVERY / 4);
        if now < due {
            return false;
        }
        // Anything but in step with others will do: a linear congruence, seeded by our SSRC.
        self.scatter = self
            .scatter
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        let share = f64::from(self.scatter >> 8) / f64::from(1u32 << 24);
        self.next = Some(now + EVERY.mul_f64(0.5 + share));
        true
    }

    /// Puts our report into `out`, which it replaces. `sends` is whether we send audio at present.
    pub fn compose(
        &mut self,
        sender: &Sender,
        sends: bool,
        bye: bool,
        now: Instant,
        out: &mut Vec<u8>,
    ) {
        let (packets, octets) = sender.sent();
        let info = (sends && packets > 0).then(|| SenderInfo {
            at: self.clock.read(now),
            timestamp: sender.timestamp(),
            packets,
            octets,
        });
        let block = self.reception.report(now);
        rtcp::compose(sender.ssrc(), info, block, self.cname, bye, out);
    }

    /// A reading for ourselves; `None` while nothing has arrived.
    pub fn read(&mut self, delay_ms: f64) -> Option<Quality> {
        self.reception.read(delay_ms)
    }
}
