//! A mix on its way to those who hear it: narrowed once, encoded once.
//!
//! A **line** is one encoder with one packet length. Everyone in a room who
//! hears the same mix in the same codec and packet length shares a line, so a
//! listener costs a packet header. Whoever is himself part of the mix has a line
//! of his own, branched off the shared one when he begins to speak and dropped
//! some time after he has ended, when both sound alike again.

use crate::Codec;
use crate::codec::Encoder;
use crate::codec::opus::Effort;
use crate::limiter::Limiter;

/// What a listener needs: the key of a shared line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Format {
    pub codec: Codec,
    /// Milliseconds of audio in a packet.
    pub ptime: u8,
}

impl Format {
    /// Opus has no frame of 30 ms, and nobody needs an odd length.
    pub fn new(codec: Codec, ptime: u8) -> Self {
        let ptime = match ptime {
            10 | 20 | 40 | 60 => ptime,
            30 if codec != Codec::Opus => 30,
            _ => 20,
        };
        Self { codec, ptime }
    }

    /// Samples in a packet.
    fn samples(self) -> usize {
        self.codec.sample_rate() as usize / 1_000 * usize::from(self.ptime)
    }

    /// What a packet adds to the RTP timestamp.
    pub fn ticks(self) -> u32 {
        self.codec.clock_rate() / 1_000 * u32::from(self.ptime)
    }

    /// What a mixer frame of 20 ms adds to the RTP timestamp.
    pub fn frame_ticks(self) -> u32 {
        self.codec.clock_rate() / 50
    }
}

#[derive(Debug)]
pub struct Line {
    format: Format,
    encoder: Encoder,
    effort: Effort,
    limiter: Limiter,
    /// A mix that was too loud, as loud as it may be.
    limited: Vec<f32>,
    /// Narrowed and not yet encoded.
    pending: Vec<i16>,
    /// What was encoded last, for an encoder that branches off.
    last: Vec<i16>,
    packets: Vec<Vec<u8>>,
    ready: usize,
}

impl Line {
    /// `frames` is how many frames the room has ticked: lines of the same format
    /// cut their packets at the same frames, whenever they began.
    pub fn new(format: Format, frames: u64, effort: Effort) -> Option<Self> {
        let phase = (frames % 3 * 20 + frames / 3 % 2 * 60) as usize % usize::from(format.ptime);
        let per_ms = format.codec.sample_rate() as usize / 1_000;
        let mut encoder = Encoder::new(format.codec)?;
        encoder.set_effort(effort);
        Some(Self {
            format,
            encoder,
            effort,
            limiter: Limiter::default(),
            limited: Vec::new(),
            pending: vec![0; phase * per_ms],
            last: Vec::new(),
            packets: Vec::new(),
            ready: 0,
        })
    }

    /// A line that goes on exactly where this one is, to be fed another mix.
    pub fn branch(&self) -> Option<Self> {
        Some(Self {
            format: self.format,
            encoder: self.encoder.branch(&self.last, self.effort)?,
            effort: self.effort,
            limiter: self.limiter.clone(),
            limited: Vec::new(),
            pending: self.pending.clone(),
            last: self.last.clone(),
            packets: Vec::new(),
            ready: 0,
        })
    }

    pub fn format(&self) -> Format {
        self.format
    }

    pub fn set_effort(&mut self, effort: Effort) {
        if self.effort != effort {
            self.effort = effort;
            self.encoder.set_effort(effort);
        }
    }

    /// Takes the mix of the next 20 ms, at the codec's sample rate.
    pub fn feed(&mut self, mix: &[f32]) {
        let mut mix = mix;
        if !self.limiter.passes(mix) {
            self.limited.clear();
            self.limited.extend_from_slice(mix);
            self.limiter.limit(&mut self.limited);
            mix = &self.limited;
        }
        self.pending
            .extend(mix.iter().map(|&sample| narrow(sample)));
        self.ready = 0;
        let samples = self.format.samples();
        while self.pending.len() >= samples {
            if self.packets.len() == self.ready {
                self.packets.push(Vec::new());
            }
            self.encoder
                .encode(&self.pending[..samples], &mut self.packets[self.ready]);
            self.ready += 1;
            self.last.clear();
            self.last.extend_from_slice(&self.pending[..samples]);
            self.pending.drain(..samples);
        }
    }

    /// The payloads that this frame completed: none, one or two.
    pub fn payloads(&self) -> &[Vec<u8>] {
        &self.packets[..self.ready]
    }
}

/// The one place where a wide sum becomes 16 bits.
fn narrow(sample: f32) -> i16 {
    sample.round() as i16 // saturates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_cut_at_the_same_frames_whenever_a_line_began() {
        for ptime in [10, 20, 30, 40, 60] {
            let format = Format::new(Codec::Pcmu, ptime);
            let mut old = Line::new(format, 0, Effort::Full).unwrap();
            for frame in 0..12 {
                let mut young = Line::new(format, frame, Effort::Full).unwrap();
                for _ in 0..6 {
                    young.feed(&[0.0; 160]);
                }
                let mut reference = Line::new(format, 0, Effort::Full).unwrap();
                for _ in 0..frame + 6 {
                    reference.feed(&[0.0; 160]);
                }
                assert_eq!(
                    young.payloads().len(),
                    reference.payloads().len(),
                    "{ptime} ms from frame {frame}"
                );
                assert_eq!(young.pending.len(), reference.pending.len());
                old.feed(&[0.0; 160]);
            }
        }
    }

    #[test]
    fn a_branch_goes_on_as_its_origin_would_have() {
        let mut tone = crate::testing::Tone::new(16_000, 700.0, 9_000.0);
        let mut line = Line::new(Format::new(Codec::G722, 20), 0, Effort::Full).unwrap();
        for _ in 0..10 {
            line.feed(&tone.frame(320));
        }
        let mut branch = line.branch().unwrap();
        let next = tone.frame(320);
        line.feed(&next);
        branch.feed(&next);

        assert_eq!(line.payloads(), branch.payloads());
    }

    #[test]
    fn a_sum_beyond_full_scale_is_limited_not_wrapped() {
        assert_eq!(narrow(60_000.0), i16::MAX);
        assert_eq!(narrow(-60_000.0), i16::MIN);
        assert_eq!(narrow(0.6), 1);
    }
}
