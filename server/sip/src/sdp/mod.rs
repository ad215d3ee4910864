//! Session descriptions: offer and answer for one audio stream (RFC 3264, RFC 6337).
//!
//! [`read`] turns a body into what matters of it and refuses what must not get
//! media; [`Negotiation`] keeps the state of one dialog's descriptions. Video and
//! other streams are declined with port 0, never with an error. [`BrowserOffer`] is what
//! browsers offer, who come by HTTP and not by a dialog.

mod agree;
mod browser;
mod crypto;
mod negotiation;
mod read;

pub use browser::{BrowserOffer, NotTaken, OurSide};
pub use negotiation::Negotiation;
pub use read::{Description, Format, Stream, read};

/// Why a description cannot be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unacceptable {
    /// Not SDP at all: 400.
    #[error("Malformed session description")]
    Malformed,
    /// Larger than any honest description: 488 too, without a look inside.
    #[error("Session description with too many streams or attributes")]
    Bomb,
    /// Nothing we could speak: 488.
    #[error("No codec in common")]
    NoCommonCodec,
    /// Encryption is required and was not offered: 488.
    #[error("Audio is not encrypted")]
    NotEncrypted,
    /// Audio would go where the sender has no business to send it: 488.
    #[error("Media address not allowed")]
    Address,
}

impl Unacceptable {
    pub fn status(self) -> u16 {
        match self {
            Unacceptable::Malformed => 400,
            Unacceptable::Bomb
            | Unacceptable::NoCommonCodec
            | Unacceptable::NotEncrypted
            | Unacceptable::Address => 488,
        }
    }
}
