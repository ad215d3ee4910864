//! Keys for encrypted audio, as descriptions carry them (SDES, RFC 4568).
//!
//! The keys are as secret as the signalling they travel in: over UDP and TCP whoever
//! reads one can hear the other. They are never logged and never kept in a row.

use std::fmt;

use crate::random::Random;

/// How audio is encrypted and checked (RFC 4568 §6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SrtpSuite {
    Sha1_80,
    Sha1_32,
}

impl SrtpSuite {
    /// Both, the safer one first.
    pub const ALL: [SrtpSuite; 2] = [SrtpSuite::Sha1_80, SrtpSuite::Sha1_32];

    /// As written in `a=crypto`.
    pub fn name(self) -> &'static str {
        match self {
            SrtpSuite::Sha1_80 => "AES_CM_128_HMAC_SHA1_80",
            SrtpSuite::Sha1_32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }
}

/// A master key with its salt behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SrtpKey(pub [u8; 30]);

impl SrtpKey {
    /// A key nobody can guess.
    pub(crate) fn random(random: &mut Random) -> Self {
        let mut key = [0; 30];
        key.copy_from_slice(&random.bytes()[..30]);
        SrtpKey(key)
    }
}

impl fmt::Debug for SrtpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SrtpKey(…)")
    }
}

/// What offer and answer have agreed on: what we send is under our key, what comes under theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Srtp {
    pub suite: SrtpSuite,
    pub ours: SrtpKey,
    pub theirs: SrtpKey,
}

/// Whether a call's audio is to be encrypted, and our key if it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encryption {
    #[default]
    Off,
    /// It is taken where the other side offers it, and kept to from then on.
    IfAsked(SrtpKey),
    /// We offer it as well, beside plain audio.
    Offered(SrtpKey),
    /// Without it there is no call.
    Required(SrtpKey),
}

impl Encryption {
    pub fn key(self) -> Option<SrtpKey> {
        match self {
            Encryption::Off => None,
            Encryption::IfAsked(key) | Encryption::Offered(key) | Encryption::Required(key) => {
                Some(key)
            }
        }
    }
}
