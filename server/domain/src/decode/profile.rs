//! What a trunk's answers mean where they mean something of their own.
//!
//! Operators answer as they please: 480 for a busy phone, 404 for one that is
//! off, ringing and an announcement for everything. A profile is learnt by three
//! calls whose truth is known ([`crate::calibration`]) and then wins over the
//! cause and the code. A fingerprint is the code, the cause, the 18x before it
//! and, where nothing else tells two states apart, the seconds it took.

use serde::{Deserialize, Serialize};

use super::{CallFacts, When};
use crate::{
    outcome::Outcome,
    time::{Millis, Span},
};

/// What a trunk's answers mean: learnt by calling a phone that is off, one that
/// is busy and one nobody answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Profile {
    /// No two of them look alike.
    pub prints: Vec<Fingerprint>,
}

/// An answer as one trunk gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fingerprint {
    /// The SIP code; none when none came until we gave up.
    #[serde(default)]
    pub code: Option<u16>,
    /// The Q.850 cause; none for an answer without one.
    #[serde(default)]
    pub cause: Option<u8>,
    /// Whether a 180 came before it.
    pub rang: bool,
    /// Whether sound came before it.
    pub early_media: bool,
    /// When it came, counted from the INVITE; none where that says nothing.
    #[serde(default)]
    pub after_ms: Option<Span>,
    /// What it means.
    pub outcome: Outcome,
    /// When it was learnt.
    #[serde(default)]
    pub learnt_at: Millis,
}

/// Two spans nearer than this are one: networks are not that punctual.
const APART: Span = Span::seconds(2);

impl Profile {
    /// What these facts were learnt to mean.
    pub fn read(&self, facts: &CallFacts) -> Option<&Fingerprint> {
        if When::Silent.holds(facts) {
            return None;
        }
        let seen = Fingerprint::of(facts, Outcome::Unknown, Millis(0));
        self.prints
            .iter()
            .filter(|print| print.has_pattern_of(&seen) && print.is_timely(&seen))
            .min_by(|a, b| a.distance(&seen).total_cmp(&b.distance(&seen)))
    }

    /// Whether a phone that rings over this trunk is surely in the network.
    pub fn ringing_is_proof(&self) -> bool {
        let off = |print: &Fingerprint| print.outcome == Outcome::Offline;
        !self.prints.iter().any(|print| off(print) && print.rang)
    }
}

impl Fingerprint {
    /// What a call looked like from here.
    pub fn of(facts: &CallFacts, outcome: Outcome, learnt_at: Millis) -> Self {
        let ours = When::TimedOut.holds(facts);
        Self {
            code: facts.final_code.filter(|_| !ours),
            cause: facts.q850.map(|reason| reason.cause).filter(|_| !ours),
            rang: facts.ringing_after_ms.is_some(),
            early_media: facts.early_media_after_ms.is_some(),
            // When we gave up is our rule, not the operator's.
            after_ms: Some(facts.ended_after_ms).filter(|_| !ours),
            outcome,
            learnt_at,
        }
    }

    /// Whether nothing tells the two apart, not even the time they take.
    pub fn looks_like(&self, other: &Self) -> bool {
        if !self.has_pattern_of(other) {
            return false;
        }
        let (Some(a), Some(b)) = (self.after_ms, other.after_ms) else {
            return true;
        };
        let (short, long) = (a.min(b).0, a.max(b).0);
        long - short < APART.0 || long < 2 * short
    }

    fn has_pattern_of(&self, seen: &Self) -> bool {
        self.code == seen.code
            && self.cause == seen.cause
            && self.rang == seen.rang
            && self.early_media == seen.early_media
    }

    /// Where it rang, a person may have pressed the red key, with the same code: what
    /// the network does by itself, it does at its time.
    fn is_timely(&self, seen: &Self) -> bool {
        let (true, Some(learnt), Some(after)) = (self.rang, self.after_ms, seen.after_ms) else {
            return true;
        };
        let slack = (learnt.0 / 4).max(APART.0);
        (learnt.0 - after.0).abs() <= slack
    }

    /// How far the times are from each other, as a ratio: an announcement of 8 s and
    /// a timeout of 40 s part in the geometric middle.
    fn distance(&self, seen: &Self) -> f64 {
        match (self.after_ms, seen.after_ms) {
            (Some(learnt), Some(after)) => {
                let ratio = |span: Span| (span.0.max(1) as f64).ln();
                (ratio(learnt) - ratio(after)).abs()
            }
            (None, _) | (_, None) => 0.0,
        }
    }
}
