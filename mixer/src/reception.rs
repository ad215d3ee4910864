//! How one member's packets arrive, as RTCP counts it (RFC 3550 §6.4.1, A.3, A.8).

use std::time::{Duration, Instant};

use crate::rtcp::{Block, Ntp, SenderInfo};
use crate::rtp::Header;

/// One reading of a leg's transport.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Quality {
    /// Share of the member's packets lost on the way to us since the last reading, 0 to 1.
    pub loss: f32,
    /// Share of our packets lost on the way to the member, as he last reported, 0 to 1.
    pub loss_there: f32,
    /// Interarrival jitter, milliseconds.
    pub jitter_ms: f32,
    /// Round trip by RTCP, milliseconds; `None` until the member's side has reported.
    pub rtt_ms: Option<f32>,
    /// How long what he says waits in our jitter buffer, milliseconds.
    pub delay_ms: f32,
    /// How well people would say he sounds, 1 to 4.5: see [`opinion`](crate::opinion).
    pub mos: f32,
}

impl Quality {
    /// Whether somebody who looks at this one would want to know of the other.
    pub fn differs(&self, other: &Self) -> bool {
        let apart = |a: f32, b: f32, by: f32| (a - b).abs() > by;
        let round_trips = match (self.rtt_ms, other.rtt_ms) {
            (Some(a), Some(b)) => apart(a, b, 10.0),
            (None, None) => false,
            (Some(_), None) | (None, Some(_)) => true,
        };
        round_trips
            || apart(self.loss, other.loss, 0.005)
            || apart(self.loss_there, other.loss_there, 0.005)
            || apart(self.jitter_ms, other.jitter_ms, 2.0)
            || apart(self.delay_ms, other.delay_ms, 10.0)
            || apart(self.mos, other.mos, 0.05)
    }
}

/// Counts the packets of the stream that is heard now.
#[derive(Debug, Default)]
pub struct Reception {
    stream: Option<Stream>,
    /// What the member's side said about our stream.
    rtt: Option<Duration>,
    loss_there: f32,
}

#[derive(Debug, Clone, Copy)]
struct Stream {
    ssrc: u32,
    /// First and highest sequence number, the latter extended by its cycles.
    first: u32,
    highest: u32,
    received: u32,
    /// Of transit times; in timestamp units.
    jitter: f64,
    transit: Option<f64>,
    clock_rate: u32,
    origin: Instant,
    /// Expected and received when last reported to the other side, and when last read.
    reported: (u32, u32),
    read: (u32, u32),
    sender_report: Option<(Ntp, Instant)>,
}

impl Stream {
    fn expected(&self) -> u32 {
        self.highest.wrapping_sub(self.first).wrapping_add(1)
    }
}

impl Reception {
    /// Takes a packet with audio of this clock rate (Hz).
    pub fn on_packet(&mut self, header: &Header, clock_rate: u32, arrived: Instant) {
        let known = self
            .stream
            .filter(|s| s.ssrc == header.ssrc && s.clock_rate == clock_rate);
        let sequence = u32::from(header.sequence);
        let mut stream = known.unwrap_or(Stream {
            ssrc: header.ssrc,
            first: sequence,
            highest: sequence,
            received: 0,
            jitter: 0.0,
            transit: None,
            clock_rate,
            origin: arrived,
            reported: (0, 0),
            read: (0, 0),
            sender_report: None,
        });
        let ahead = header.sequence.wrapping_sub(stream.highest as u16) as i16;
        if !(-100..3_000).contains(&ahead) {
            // The sender began anew: what was counted before says nothing about it.
            self.stream = None;
            return;
        }
        if ahead > 0 {
            stream.highest = stream.highest.wrapping_add(ahead as u32);
        }
        stream.received += 1;

        let since = arrived.saturating_duration_since(stream.origin);
        let arrival = since.as_secs_f64() * f64::from(clock_rate);
        // Differences of transit are small though both parts of it wrap.
        let transit = arrival - f64::from(header.timestamp);
        if let Some(before) = stream.transit {
            let wrap = f64::from(u32::MAX) + 1.0;
            let mut change = transit - before;
            if change.abs() > wrap / 2.0 {
                change -= (change / wrap).round() * wrap;
            }
            stream.jitter += (change.abs() - stream.jitter) / 16.0;
        }
        stream.transit = Some(transit);
        self.stream = Some(stream);
    }

    /// Takes a packet of the same stream that carries no audio: a key press, comfort noise or
    /// what we do not know. It has a number, and uncounted it would look like loss.
    pub fn on_other(&mut self, header: &Header) {
        if let Some(stream) = self.stream.as_mut().filter(|s| s.ssrc == header.ssrc) {
            let ahead = header.sequence.wrapping_sub(stream.highest as u16) as i16;
            if (-100..3_000).contains(&ahead) {
                let ahead = u32::try_from(ahead).unwrap_or(0);
                stream.highest = stream.highest.wrapping_add(ahead);
                stream.received += 1;
            }
        }
    }

    /// The member's side has told the time.
    pub fn on_sender_report(&mut self, ssrc: u32, info: &SenderInfo, arrived: Instant) {
        if let Some(stream) = self.stream.as_mut().filter(|s| s.ssrc == ssrc) {
            stream.sender_report = Some((info.at, arrived));
        }
    }

    /// The member's side tells how our stream arrives; `now` is the time of its arrival.
    pub fn on_block(&mut self, block: &Block, now: Ntp) {
        self.loss_there = f32::from(block.fraction_lost) / 256.0;
        if block.last_report == 0 {
            return;
        }
        let trip = now
            .middle()
            .wrapping_sub(block.last_report)
            .wrapping_sub(block.since_report);
        let rtt = Duration::from_secs_f64(f64::from(trip) / 65_536.0);
        // A broken clock there makes nonsense; half a minute is no round trip.
        if rtt < Duration::from_secs(30) {
            self.rtt = Some(rtt);
        }
    }

    /// What to report to the member's side.
    pub fn report(&mut self, now: Instant) -> Option<Block> {
        let stream = self.stream.as_mut()?;
        let loss = loss_since(stream, stream.reported);
        stream.reported = (stream.expected(), stream.received);
        let (last_report, since_report) = match stream.sender_report {
            Some((at, arrived)) => {
                let since = now.saturating_duration_since(arrived).as_secs_f64();
                (at.middle(), (since * 65_536.0) as u32)
            }
            None => (0, 0),
        };
        Some(Block {
            ssrc: stream.ssrc,
            fraction_lost: (loss * 256.0).min(255.0) as u8,
            lost: stream.expected().wrapping_sub(stream.received) as i32,
            highest: stream.highest,
            jitter: stream.jitter as u32,
            last_report,
            since_report,
        })
    }

    /// A reading for ourselves; `None` while nothing has arrived.
    pub fn read(&mut self, delay_ms: f64) -> Option<Quality> {
        let stream = self.stream.as_mut()?;
        let loss = loss_since(stream, stream.read);
        stream.read = (stream.expected(), stream.received);
        Some(Quality {
            loss,
            loss_there: self.loss_there,
            jitter_ms: (stream.jitter * 1_000.0 / f64::from(stream.clock_rate)) as f32,
            rtt_ms: self.rtt.map(|rtt| rtt.as_secs_f32() * 1_000.0),
            delay_ms: delay_ms as f32,
            mos: 0.0,
        })
    }
}

/// The share of the packets expected since then that did not come.
fn loss_since(stream: &Stream, (expected, received): (u32, u32)) -> f32 {
    let expected = stream.expected().wrapping_sub(expected);
    let received = stream.received.wrapping_sub(received);
    if expected == 0 || received >= expected {
        return 0.0;
    }
    (expected - received) as f32 / expected as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(i: u32) -> Header {
        Header {
            marker: false,
            payload_type: 0,
            sequence: (65_500 + i) as u16,
            timestamp: (i * 160).wrapping_sub(5_000),
            ssrc: 3,
        }
    }

    fn receive(count: u32, lost: impl Fn(u32) -> bool, late: impl Fn(u32) -> u64) -> Reception {
        let start = crate::testing::an_instant();
        let mut reception = Reception::default();
        for i in (0..count).filter(|&i| !lost(i)) {
            let at = start + Duration::from_millis(u64::from(i) * 20 + late(i));
            reception.on_packet(&header(i), 8_000, at);
        }
        reception
    }

    #[test]
    fn loss_is_counted_across_the_wrap() {
        let mut reception = receive(101, |i| i % 10 == 5, |_| 0);

        let block = reception.report(crate::testing::an_instant()).unwrap();
        assert_eq!(block.lost, 10);
        assert_eq!(block.fraction_lost, (10.0 / 101.0 * 256.0) as u8);
        assert_eq!(block.highest, 65_600);
        assert!((reception.read(0.0).unwrap().loss - 0.099).abs() < 0.001);
        assert_eq!(reception.read(0.0).unwrap().loss, 0.0);
    }

    #[test]
    fn jitter_is_that_of_the_rfc() {
        let clean = receive(500, |_| false, |_| 0).read(0.0).unwrap();
        assert!(clean.jitter_ms < 1e-6);
        // Every other packet 8 ms late: transit changes by 8 ms each time.
        let jitter = receive(500, |_| false, |i| u64::from(i % 2) * 8);
        assert!((jitter.stream.unwrap().jitter - 64.0).abs() < 0.5);
    }

    #[test]
    fn the_round_trip_is_what_remains_of_the_time_since_our_report() {
        let mut reception = receive(5, |_| false, |_| 0);
        let sent = Ntp(0x1234_5678_0000_0000);
        let block = Block {
            last_report: sent.middle(),
            since_report: 65_536 / 2,
            fraction_lost: 64,
            ..Block::default()
        };
        // 0.6 s later, of which he waited 0.5 s.
        let now = Ntp(sent.0 + (u64::from(u32::MAX) as f64 * 0.6) as u64);
        reception.on_block(&block, now);

        let quality = reception.read(0.0).unwrap();
        assert!((quality.rtt_ms.unwrap() - 100.0).abs() < 0.1);
        assert_eq!(quality.loss_there, 0.25);
    }

    #[test]
    fn a_key_press_among_the_audio_is_no_loss() {
        let start = crate::testing::an_instant();
        let mut reception = receive(50, |_| false, |_| 0);
        for i in 50..60 {
            reception.on_other(&header(i));
        }
        let after = Duration::from_millis(1_200);
        reception.on_packet(&header(60), 8_000, start + after);

        assert_eq!(reception.read(0.0).unwrap().loss, 0.0);
        assert_eq!(reception.report(start + after).unwrap().lost, 0);
    }

    #[test]
    fn a_sender_that_begins_anew_is_no_loss() {
        let mut reception = receive(100, |_| false, |_| 0);
        let start = crate::testing::an_instant();
        for i in 0..50u32 {
            let header = Header {
                sequence: (20_000 + i) as u16,
                ..header(i)
            };
            reception.on_packet(
                &header,
                8_000,
                start + Duration::from_millis(u64::from(i) * 20),
            );
        }

        assert_eq!(reception.report(start).unwrap().lost, 0);
    }
}
