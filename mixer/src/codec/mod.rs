//! The codecs a member may speak, and what RTP says about each.
//!
//! Inside, audio is `f32` in the scale of 16-bit samples: wide enough that a sum
//! of hundreds of voices is exact, and narrowed to `i16` once, just before it is
//! encoded.

pub mod g711;
pub mod g722;
pub mod opus;
pub mod screen;

/// An audio codec, as negotiated in SDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// G.711 µ-law, 8 kHz.
    Pcmu,
    /// G.711 A-law, 8 kHz.
    Pcma,
    /// G.722 at 64 kbit/s: 16 kHz audio under an 8 kHz RTP clock (RFC 3551 §4.5.2).
    G722,
    /// Opus, decoded and encoded mono at 48 kHz (RFC 7587).
    Opus,
}

impl Codec {
    /// Audio samples a second.
    pub const fn sample_rate(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma => 8_000,
            Codec::G722 => 16_000,
            Codec::Opus => 48_000,
        }
    }

    /// RTP timestamp units a second: what SDP writes into `rtpmap`.
    pub const fn clock_rate(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => 8_000,
            Codec::Opus => 48_000,
        }
    }

    /// The payload type RFC 3551 assigns for good, if it does.
    pub const fn static_payload_type(self) -> Option<u8> {
        match self {
            Codec::Pcmu => Some(0),
            Codec::Pcma => Some(8),
            Codec::G722 => Some(9),
            Codec::Opus => None,
        }
    }

    /// The encoding name in SDP.
    pub const fn name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
            Codec::G722 => "G722",
            Codec::Opus => "opus",
        }
    }
}

/// A packet's payload that its codec cannot make sense of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Not a {} payload", .0.name())]
pub struct BadPayload(pub Codec);

/// The receiving half of a codec, with its memory of what came before.
#[derive(Debug)]
pub enum Decoder {
    Pcmu,
    Pcma,
    G722(Box<g722::Decoder>),
    Opus(opus::Decoder),
}

impl Decoder {
    /// `None` only if libopus cannot get memory.
    pub fn new(codec: Codec) -> Option<Self> {
        Some(match codec {
            Codec::Pcmu => Decoder::Pcmu,
            Codec::Pcma => Decoder::Pcma,
            Codec::G722 => Decoder::G722(Box::default()),
            Codec::Opus => Decoder::Opus(opus::Decoder::new().ok()?),
        })
    }

    pub fn codec(&self) -> Codec {
        match self {
            Decoder::Pcmu => Codec::Pcmu,
            Decoder::Pcma => Codec::Pcma,
            Decoder::G722(_) => Codec::G722,
            Decoder::Opus(_) => Codec::Opus,
        }
    }

    /// Appends the payload's samples to `out`.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<f32>) -> Result<(), BadPayload> {
        match self {
            Decoder::Pcmu => out.extend(
                payload
                    .iter()
                    .map(|&byte| f32::from(g711::MU_LAW[usize::from(byte)])),
            ),
            Decoder::Pcma => out.extend(
                payload
                    .iter()
                    .map(|&byte| f32::from(g711::A_LAW[usize::from(byte)])),
            ),
            Decoder::G722(decoder) => {
                for &byte in payload {
                    out.extend(decoder.decode(byte).map(f32::from));
                }
            }
            Decoder::Opus(decoder) => {
                let mut samples = [0; opus::LONGEST];
                let count = decoder
                    .decode(payload, &mut samples)
                    .map_err(|_| BadPayload(Codec::Opus))?;
                out.extend(samples[..count].iter().copied().map(f32::from));
            }
        }
        Ok(())
    }

    /// Appends `count` samples (at most 20 ms) in place of lost ones, where the codec
    /// itself knows how; `next` is the payload right after the gap, if it is at hand.
    /// False if the codec has no means of its own.
    pub fn conceal(&mut self, count: usize, next: Option<&[u8]>, out: &mut Vec<f32>) -> bool {
        let Decoder::Opus(decoder) = self else {
            return false;
        };
        let mut samples = [0; 960];
        let Some(room) = samples.get_mut(..count) else {
            return false;
        };
        let Ok(made) = decoder.conceal(next, room) else {
            return false;
        };
        out.extend(samples[..made].iter().copied().map(f32::from));
        true
    }
}

/// The sending half of a codec, with its memory of what came before.
#[derive(Debug)]
pub enum Encoder {
    Pcmu,
    Pcma,
    G722(Box<g722::Encoder>),
    Opus(opus::Encoder),
}

impl Encoder {
    /// `None` only if libopus cannot get memory.
    pub fn new(codec: Codec) -> Option<Self> {
        Some(match codec {
            Codec::Pcmu => Encoder::Pcmu,
            Codec::Pcma => Encoder::Pcma,
            Codec::G722 => Encoder::G722(Box::default()),
            Codec::Opus => Encoder::Opus(opus::Encoder::new().ok()?),
        })
    }

    /// An encoder that goes on where this one is: a copy of its state, or, for
    /// Opus, which cannot be copied, one that has just encoded `last` as well.
    pub fn branch(&self, last: &[i16], effort: opus::Effort) -> Option<Self> {
        match self {
            Encoder::Pcmu => Some(Encoder::Pcmu),
            Encoder::Pcma => Some(Encoder::Pcma),
            Encoder::G722(encoder) => Some(Encoder::G722(encoder.clone())),
            Encoder::Opus(_) => {
                let mut encoder = Encoder::new(Codec::Opus)?;
                encoder.set_effort(effort);
                encoder.encode(last, &mut Vec::new());
                Some(encoder)
            }
        }
    }

    /// What encoding may cost from now on; only Opus has a choice.
    pub fn set_effort(&mut self, effort: opus::Effort) {
        match self {
            Encoder::Opus(encoder) => encoder.set_effort(effort),
            Encoder::Pcmu | Encoder::Pcma | Encoder::G722(_) => {}
        }
    }

    /// Replaces `payload` by the encoded samples: 10, 20, 30 (not Opus), 40 or 60 ms of them.
    pub fn encode(&mut self, samples: &[i16], payload: &mut Vec<u8>) {
        payload.clear();
        match self {
            Encoder::Pcmu => payload.extend(samples.iter().map(|&s| g711::mu_byte(s))),
            Encoder::Pcma => payload.extend(samples.iter().map(|&s| g711::a_byte(s))),
            Encoder::G722(encoder) => {
                let (pairs, _) = samples.as_chunks::<2>();
                payload.extend(pairs.iter().map(|&[a, b]| encoder.encode(a, b)));
            }
            Encoder::Opus(encoder) => {
                payload.resize(1_275, 0);
                let length = encoder.encode(samples, payload).unwrap_or(0);
                payload.truncate(length);
            }
        }
    }
}

/// How many samples a payload decodes to, at the codec's sample rate.
pub fn samples_in(codec: Codec, payload: &[u8]) -> Option<usize> {
    match codec {
        Codec::Pcmu | Codec::Pcma => Some(payload.len()),
        Codec::G722 => Some(payload.len() * 2),
        Codec::Opus => opus::samples(payload),
    }
    .filter(|&samples| samples > 0)
}
