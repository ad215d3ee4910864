//! Opus (RFC 6716, RFC 7587) over libopus, mono at 48 kHz.
//!
//! Encoders carry in-band FEC for the loss expected, so that a receiver who
//! misses a packet finds a coarse copy of it in the next. Decoders take any
//! frame size and channel count the packet announces, and make one channel of it.

use opus::{Application, Bitrate, Channels, ErrorCode};

/// The most samples one packet may hold: 120 ms (RFC 6716 §2.1.4).
pub const LONGEST: usize = 5_760;
/// Speech in full band; above this there is little to gain for one voice.
const BIT_RATE: i32 = 32_000;
/// What libopus is told to prepare for, in percent.
const EXPECTED_LOSS: i32 = 10;

/// What an encoder may cost. libopus has complexities 0 to 10, of which 5 is within a
/// hair of 10 for speech; 0 costs a third of 5 and still sounds better than G.711.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Effort {
    /// Complexity 0: audio that is in time is better than audio that is beautiful.
    Least,
    /// Complexity 2.
    Less,
    /// Complexity 5.
    #[default]
    Full,
}

impl Effort {
    const fn complexity(self) -> i32 {
        match self {
            Effort::Least => 0,
            Effort::Less => 2,
            Effort::Full => 5,
        }
    }
}

#[derive(Debug)]
pub struct Encoder(opus::Encoder);

#[derive(Debug)]
pub struct Decoder(opus::Decoder);

impl Encoder {
    pub fn new() -> Result<Self, opus::Error> {
        let mut encoder = opus::Encoder::new(48_000, Channels::Mono, Application::Voip)?;
        encoder.set_bitrate(Bitrate::Bits(BIT_RATE))?;
        encoder.set_complexity(Effort::Full.complexity())?;
        encoder.set_inband_fec(true)?;
        encoder.set_packet_loss_perc(EXPECTED_LOSS)?;
        Ok(Self(encoder))
    }

    /// One whose packets carry no copies of those before: to compare with.
    #[cfg(test)]
    pub(crate) fn without_fec() -> Result<Self, opus::Error> {
        let mut encoder = Self::new()?;
        encoder.0.set_inband_fec(false)?;
        Ok(encoder)
    }

    /// From the next packet on; the stream goes on without a seam.
    pub fn set_effort(&mut self, effort: Effort) {
        let set = self.0.set_complexity(effort.complexity());
        debug_assert!(set.is_ok(), "libopus knows complexities 0 to 10");
    }

    /// Encodes 10, 20, 40 or 60 ms into `packet`, and returns its length in bytes.
    pub fn encode(&mut self, samples: &[i16], packet: &mut [u8]) -> Result<usize, opus::Error> {
        self.0.encode(samples, packet)
    }
}

impl Decoder {
    pub fn new() -> Result<Self, opus::Error> {
        opus::Decoder::new(48_000, Channels::Mono).map(Self)
    }

    pub fn decode(&mut self, packet: &[u8], samples: &mut [i16]) -> Result<usize, opus::Error> {
        self.0.decode(packet, samples, false)
    }

    /// Fills `samples` (a multiple of 2.5 ms) in place of a lost packet: from the copy in
    /// the packet after it, if that is at hand, or by carrying on what was heard.
    pub fn conceal(
        &mut self,
        next: Option<&[u8]>,
        samples: &mut [i16],
    ) -> Result<usize, opus::Error> {
        match next {
            Some(packet) => self.0.decode(packet, samples, true),
            None => self.0.decode(&[], samples, false),
        }
    }
}

/// How many samples the packet holds, if it is an Opus packet at all.
pub fn samples(packet: &[u8]) -> Option<usize> {
    if packet.is_empty() {
        return None;
    }
    match opus::packet::get_nb_samples(packet, 48_000) {
        Ok(samples) if (1..=LONGEST).contains(&samples) => Some(samples),
        Ok(_) => None,
        Err(error) => {
            debug_assert_eq!(error.code(), ErrorCode::InvalidPacket);
            None
        }
    }
}
