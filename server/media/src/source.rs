//! Whose packets are heard: symmetric RTP, learnt once and locked.
//!
//! SDP names where a member's packets come from. Behind a NAT that is wrong, and
//! the only way to reach him is to answer to where his packets really come from.
//! The same openness would let anybody speak into the call, so: the address of
//! the SDP wins whenever it is heard; only while it is silent may another source
//! be learnt, and only one that alone sends several packets of one stream; and then
//! it is locked until the next offer and answer names another address.

use std::net::{IpAddr, SocketAddr};

/// Packets another source must send before it is believed: a tenth of a second.
const BELIEVED_AFTER: u32 = 5;

/// What is known of where one leg's packets come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// No SDP yet: nobody is heard.
    Unknown,
    /// SDP has named this address; nothing was heard from it yet.
    Expected {
        named: SocketAddr,
        other: Option<Candidate>,
    },
    /// Packets came from the address that SDP named.
    Named(SocketAddr),
    /// Nothing came from there, but from here.
    Learnt { named: SocketAddr, at: SocketAddr },
}

/// A source that is not the one SDP named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    at: SocketAddr,
    ssrc: u32,
    packets: u32,
}

impl Source {
    /// Offer and answer name an address: again the same changes nothing, another begins anew.
    pub fn name(&mut self, address: SocketAddr) {
        if self.named() != Some(address) {
            *self = Source::Expected {
                named: address,
                other: None,
            };
        }
    }

    pub fn named(&self) -> Option<SocketAddr> {
        match *self {
            Source::Unknown => None,
            Source::Expected { named, .. } | Source::Learnt { named, .. } => Some(named),
            Source::Named(named) => Some(named),
        }
    }

    /// Where packets for the member go.
    pub fn target(&self) -> Option<SocketAddr> {
        match *self {
            Source::Learnt { at, .. } => Some(at),
            Source::Unknown | Source::Expected { .. } | Source::Named(_) => self.named(),
        }
    }

    /// The member turned out to be on another host: a candidate from there is believed sooner.
    /// For reports, which are too rare to be counted.
    pub fn expect_host(&mut self, host: IpAddr) {
        if let Source::Expected {
            other: Some(candidate),
            named,
        } = *self
            && candidate.at.ip() == host
        {
            *self = Source::Learnt {
                named,
                at: candidate.at,
            };
        }
    }

    /// Whether this is where packets are known to come from.
    pub fn is_known(&self, from: SocketAddr) -> bool {
        match *self {
            Source::Unknown => false,
            Source::Expected { named, .. } | Source::Named(named) => from == named,
            Source::Learnt { named, at } => from == named || from == at,
        }
    }

    /// Whether a packet of this stream from there may be heard.
    pub fn hears(&mut self, from: SocketAddr, ssrc: u32) -> bool {
        match *self {
            Source::Unknown => false,
            Source::Named(named) => from == named,
            Source::Learnt { named, at } => {
                if from == named {
                    *self = Source::Named(named);
                }
                from == named || from == at
            }
            Source::Expected { named, .. } if from == named => {
                *self = Source::Named(named);
                true
            }
            Source::Expected { named, other } => {
                let candidate = weigh(other, from, ssrc);
                if candidate.packets >= BELIEVED_AFTER {
                    *self = Source::Learnt { named, at: from };
                    return true;
                }
                *self = Source::Expected {
                    named,
                    other: Some(candidate),
                };
                false
            }
        }
    }
}

/// Of several sources the one that sends most comes out on top (a majority vote by counting).
fn weigh(other: Option<Candidate>, from: SocketAddr, ssrc: u32) -> Candidate {
    let first = Candidate {
        at: from,
        ssrc,
        packets: 1,
    };
    match other {
        Some(seen) if seen.at == from && seen.ssrc == ssrc => Candidate {
            packets: seen.packets + 1,
            ..seen
        },
        Some(seen) if seen.packets > 1 => Candidate {
            packets: seen.packets - 1,
            ..seen
        },
        Some(_) | None => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn expecting(port: u16) -> Source {
        let mut source = Source::Unknown;
        source.name(at(port));
        source
    }

    #[test]
    fn the_named_address_is_heard_at_once_and_nobody_else_after() {
        let mut source = expecting(10);

        assert!(source.hears(at(10), 1));
        assert!((0..100).all(|_| !source.hears(at(66), 2)));
        assert_eq!(source.target(), Some(at(10)));
    }

    #[test]
    fn another_source_is_learnt_only_while_the_named_one_is_silent() {
        let mut source = expecting(10);

        let heard: Vec<bool> = (0..6).map(|_| source.hears(at(66), 2)).collect();
        assert_eq!(heard, [false, false, false, false, true, true]);
        assert_eq!(source.target(), Some(at(66)));
        assert!(!source.hears(at(77), 3));
    }

    #[test]
    fn the_named_address_wins_even_late() {
        let mut source = expecting(10);
        for _ in 0..10 {
            source.hears(at(66), 2);
        }

        assert!(source.hears(at(10), 1));
        assert!(!source.hears(at(66), 2));
        assert_eq!(source.target(), Some(at(10)));
    }

    #[test]
    fn a_sprayer_of_sources_neither_enters_nor_keeps_the_member_out() {
        let mut source = expecting(10);
        for i in 0..100 {
            assert!(!source.hears(at(1_000 + i), u32::from(i)));
        }
        let learnt = (0..40).any(|i| {
            source.hears(at(2_000 + i), 7) || source.hears(at(50), 8) || source.hears(at(50), 8)
        });
        assert!(learnt);
        assert_eq!(source.target(), Some(at(50)));
    }

    #[test]
    fn only_another_address_in_sdp_begins_anew() {
        let mut source = expecting(10);
        for _ in 0..10 {
            source.hears(at(66), 2);
        }
        source.name(at(10));
        assert_eq!(source.target(), Some(at(66)));
        source.name(at(11));
        assert_eq!(source.target(), Some(at(11)));
        assert!(!source.hears(at(66), 2));
    }

    #[test]
    fn before_any_sdp_nobody_is_heard() {
        assert!(!Source::Unknown.hears(at(10), 1));
        assert_eq!(Source::Unknown.target(), None);
    }
}
