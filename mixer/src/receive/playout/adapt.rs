//! Leading the delay to what the network needs: by a piece, by a packet, or by a few
//! parts in a million.

use std::ops::RangeInclusive;
use std::time::Instant;

use super::{CAP, Playout, State, ms};
use crate::codec::{Codec, Decoder};
use crate::level::dbov;
use crate::receive::buffer::Content;
use crate::receive::drift::Drift;
use crate::receive::stretch;

/// In audible audio a piece is put in only when the lead is short by this.
const SHORT: f64 = 8.0; // ms
/// No pitch period is shorter.
const LEAST_PIECE: f64 = 2.5; // ms
/// Quieter than this is a pause, dBov.
const PAUSE: f32 = -50.0;
/// From this share of lost packets on it is worth a packet's delay to fill them from their copies.
const LOSSY: f32 = 0.02;
/// The share is that of about so many packets.
const LOSSES_OVER: f32 = 200.0;
/// Slack in the comparison of lead and wait.
const SLACK: f64 = 2.0; // ms
/// While resampling for drift, how strongly the delay is led to its middle: ppm per ms.
const STEER: f64 = 20.0;
const STEER_MOST: f64 = 150.0; // ppm

impl Playout {
    /// How long the fastest packets wait so that the others are in time, in ms. Where packets are
    /// lost and carry copies of the ones before, long enough for the next one to be there.
    pub(super) fn wait(&self) -> f64 {
        let copies =
            self.losses > LOSSY && self.decoder.as_ref().map(Decoder::codec) == Some(Codec::Opus);
        let for_copies = match self.state {
            State::Playing { packet, .. } if copies => ms(packet, self.rate()),
            State::Playing { .. } | State::Idle => 0.0,
        };
        (self.delay.wait() + for_copies).min(CAP / 2.0)
    }

    /// Packets were played or found missing.
    pub(super) fn note_losses(&mut self, packets: i64, lost: bool) {
        for _ in 0..packets.clamp(0, 16) {
            let goal = f32::from(u8::from(lost));
            self.losses += (goal - self.losses) / LOSSES_OVER;
        }
    }

    /// Drops packets while the lead exceeds the wait by more than a packet and `beyond`.
    pub(super) fn drop_excess(&mut self, now: Instant, beyond: f64) {
        let wait = self.wait();
        let mut dropped = false;
        while let (Some(front), Some(second)) = (self.buffer.front(), self.buffer.second()) {
            let (Content::Audio { codec, .. }, Content::Audio { codec: other, .. }) =
                (front.content, second.content)
            else {
                break;
            };
            let length = ms(second.time - front.time, codec.sample_rate());
            let lead = self.lead(front, codec, now);
            let beyond = if dropped { 0.0 } else { beyond };
            if second.stream != front.stream
                || codec.sample_rate() != other.sample_rate()
                || lead < wait + length + SLACK + beyond
            {
                break;
            }
            self.buffer.discard_front();
            self.counters.dropped += 1;
            dropped = true;
        }
        if dropped && !self.concealer.running() {
            // Leads from what was heard into what is left.
            self.concealer.conceal(0, &mut self.pcm);
        }
    }

    /// Moves the delay a little towards what the network needs.
    pub(super) fn adapt(&mut self, lead: f64, rest: f64, packet: f64) {
        let wait = self.wait();
        let rate = self.rate();
        let samples = |ms: f64| (ms * f64::from(rate) / 1_000.0) as usize;
        let pause = dbov(&self.pcm) < PAUSE;
        let another = self.buffer.front().is_some();

        let spare = lead - packet >= wait + SLACK && another;
        let excess = if spare { rest + packet } else { rest };
        let too_much = lead + rest > wait + packet + 2.0 * SLACK;
        if self.led && pause {
            self.drift.disengage();
        }
        let drifts = self.delay.drift() != 0.0 && !self.led;
        let steady = !self.drift.engaged() && !drifts;
        // While the rest sweeps through a packet's length, lead and rest together must cover both.
        let too_little = !steady && lead + rest < wait + packet - SLACK;
        // Whoever leads the room has its ticks where his packets come: a rest is nothing but delay.
        let idle_rest = self.led && steady && rest >= LEAST_PIECE;
        if excess >= 1.0
            && ((pause && lead >= wait && steady)
                || idle_rest
                || (too_much && (pause || spare || rest >= packet)))
        {
            let most = samples(excess);
            let lengths = if pause { 1..=most } else { pieces(rate, most) };
            stretch::shorten(&mut self.pcm, lengths, rate, !pause);
        } else if too_little {
            let most = samples(wait + packet + SLACK - lead - rest);
            let lengths = if pause {
                1..=most
            } else {
                pieces(rate, most.max(samples(10.0)))
            };
            stretch::lengthen(&mut self.pcm, lengths, rate, !pause);
        } else if steady && lead < wait - SLACK && rest + SLACK < packet {
            let most = samples(packet - rest);
            if pause {
                stretch::lengthen(&mut self.pcm, 1..=most, rate, false);
            } else if lead < wait - SHORT {
                stretch::lengthen(
                    &mut self.pcm,
                    pieces(rate, most.max(samples(10.0))),
                    rate,
                    true,
                );
            }
        }

        if drifts
            && !self.drift.engaged()
            && (another || self.pcm.len() > rate as usize / 50 + Drift::ahead())
        {
            self.drift.engage();
        }
    }

    /// Where the delay is led to while the rest sweeps through a packet's length, in ms.
    pub(super) fn middle(&self) -> f64 {
        let packet = match self.state {
            State::Playing { packet, .. } => ms(packet, self.rate()),
            State::Idle => 0.0,
        };
        self.wait() + packet + SLACK
    }

    /// How many samples of the stream are played for one of ours.
    pub(super) fn ratio(&self) -> f64 {
        if !self.drift.engaged() || matches!(self.state, State::Idle) {
            return 1.0;
        }
        let steer = ((self.measured - self.middle()) * STEER).clamp(-STEER_MOST, STEER_MOST);
        1.0 + (self.delay.drift() + steer) / 1e6
    }

    /// Keeps the hard cap: whatever the reason, what is too old is not played.
    pub(super) fn bound(&mut self) {
        while let (Some(front), Some(back)) = (self.buffer.front(), self.buffer.back()) {
            let Content::Audio { codec, .. } = front.content else {
                break;
            };
            let old_stream = front.stream != back.stream && self.buffer.len() > 16;
            let span = ms(back.time - front.time, codec.sample_rate());
            if !old_stream && (front.stream != back.stream || span < CAP) {
                break;
            }
            self.buffer.discard_front();
            self.counters.dropped += 1;
        }
    }
}

/// The lengths of a piece of audible audio: 2.5 to 15 ms, at most `most` samples.
fn pieces(rate: u32, most: usize) -> RangeInclusive<usize> {
    let rate = rate as usize;
    rate / 400..=most.min(rate * 15 / 1_000)
}
