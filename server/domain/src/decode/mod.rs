//! From the facts of a call to its outcome.
//!
//! SIP codes say little of people: 486 is a busy phone or a thumb on the red
//! key, 480 is a phone in a tunnel or one that rang in vain. The
//! [table](TABLE) reads code, `Reason: Q.850` (RFC 3326) and the timing of the
//! 18x together. It is data, each row has a name, and the record of an attempt
//! says which row judged it.
//!
//! Precedence: whether anything was heard at all, then the trunk's [`Profile`],
//! then what we ourselves did, then the Q.850 cause, then the SIP code.

mod profile;
mod row;
mod table;

use serde::{Deserialize, Serialize};

pub use profile::{Fingerprint, Profile};
pub use row::Row;
pub use table::{Entry, TABLE, When};

use crate::{
    line::{Detail, Evidence, LineState},
    outcome::Outcome,
    time::{Millis, Span},
};

/// All that one call told us until its end. Spans count from its INVITE.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CallFacts {
    /// The final answer; none when none came.
    pub final_code: Option<u16>,
    /// Its `Reason: Q.850`, if it had one.
    pub q850: Option<Q850>,
    /// When the first 180 came.
    pub ringing_after_ms: Option<Span>,
    /// When the first 183 with a session came.
    pub early_media_after_ms: Option<Span>,
    /// When it ended, or was answered.
    pub ended_after_ms: Span,
    /// Its `Retry-After`, in seconds.
    pub retry_after_s: Option<u32>,
    /// 181, Diversion or History-Info said that a mailbox answers.
    pub diverted_to_mailbox: bool,
    /// We gave up waiting and cancelled.
    pub timed_out_by_us: bool,
    /// Not even a 100 within 4 s.
    pub no_100: bool,
    /// The message could not be sent.
    pub transport_error: bool,
    /// What the call went to.
    pub way: Way,
    /// An earlier attempt at this person also had sound but never rang.
    pub audio_only_before: bool,
}

/// A `Reason: Q.850` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Q850 {
    /// The cause value, 1-127.
    pub cause: u8,
    /// Whether the location is the user or a private network (RFC 8606: `U`,
    /// `LPN`, `RPN`); none when it is not said.
    #[serde(default)]
    pub location_user: Option<bool>,
}

/// What a call went to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// An operator.
    #[default]
    Trunk,
    /// A phone registered with us.
    Device,
}

/// What an attempt's facts mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// How the attempt ended.
    pub outcome: Outcome,
    /// The row that says so.
    pub row: Row,
    /// What it says of the line.
    pub line: Option<LineState>,
    /// When the other side asked to be called again, counted from now.
    pub retry_after_ms: Option<Span>,
    /// Whether this may be a machine, so that only a key opens the room.
    pub key_required: bool,
    /// The facts, for the record.
    pub facts: CallFacts,
}

/// A 200 this soon without a 180 is a machine's.
const TOO_QUICK: Span = Span::seconds(2);

/// Reads the facts of a call that failed.
pub fn judge(facts: &CallFacts, profile: &Profile) -> Verdict {
    let (row, outcome) = match profile.read(facts) {
        Some(print) => (Row::Profile, print.outcome),
        None => TABLE
            .iter()
            .find(|entry| entry.fits(facts))
            .map_or((Row::Unlisted, Outcome::Unknown), |entry| {
                (entry.row, entry.outcome)
            }),
    };
    Verdict {
        outcome,
        row,
        line: line_state(outcome, row, facts),
        retry_after_ms: retry_after(outcome, facts),
        key_required: false,
        facts: facts.clone(),
    }
}

/// Reads the facts of a call that was answered: by whom, remains to be seen.
pub fn judge_answer(facts: &CallFacts) -> Verdict {
    // After a restart his ringing may have been missed. He is asked for a key all the same: one
    // press too many is better than a mailbox in the room.
    let quick = facts.ringing_after_ms.is_none() && facts.ended_after_ms < TOO_QUICK;
    let row = match (facts.diverted_to_mailbox, quick) {
        (true, _) => Row::AnsweredByMailbox,
        (false, true) => Row::AnsweredTooQuickly,
        (false, false) => Row::Answered,
    };
    Verdict {
        outcome: Outcome::Answered,
        row,
        line: None,
        retry_after_ms: None,
        key_required: row != Row::Answered,
        facts: facts.clone(),
    }
}

impl CallFacts {
    /// How long it rang: from the first 180 to the end.
    pub fn rung_for(&self) -> Option<Span> {
        let since = self.ringing_after_ms?;
        Some(Span((self.ended_after_ms.0 - since.0).max(0)))
    }
}

impl Verdict {
    /// A verdict that follows from what happened after the answer.
    pub fn after_answer(outcome: Outcome, row: Row, facts: CallFacts) -> Self {
        Self {
            outcome,
            row,
            line: None,
            retry_after_ms: None,
            key_required: false,
            facts,
        }
    }

    /// A try at a phone that is not registered, over as it began. Its
    /// registration says so already, so it is no evidence of its own.
    pub fn not_registered() -> Self {
        let facts = CallFacts {
            way: Way::Device,
            ..CallFacts::default()
        };
        Self::after_answer(Outcome::Offline, Row::NotRegistered, facts)
    }

    /// The evidence about the line, if the attempt gave any.
    pub fn evidence(&self, now: Millis, detail: Detail) -> Option<Evidence> {
        let mut evidence = Evidence::outcome(self.line?, now, detail);
        if let (LineState::Offline, Some(wait)) = (evidence.state, self.retry_after_ms) {
            evidence.until = Some(now + wait);
        }
        Some(evidence)
    }
}

/// What an outcome says of the line. A phone that rang is in the network and,
/// now that we stopped, free.
fn line_state(outcome: Outcome, row: Row, facts: &CallFacts) -> Option<LineState> {
    let rang = facts.ringing_after_ms.is_some();
    match outcome {
        Outcome::Busy => Some(LineState::Busy),
        Outcome::Offline => Some(LineState::Offline),
        Outcome::NoAnswer | Outcome::Declined => Some(LineState::Free),
        Outcome::Unknown if rang => Some(LineState::Free),
        Outcome::Unknown if row == Row::TimeoutAudioOnly => Some(LineState::Unknown),
        Outcome::Answered
        | Outcome::NotConfirmed
        | Outcome::Dropped
        | Outcome::Invalid
        | Outcome::Network
        | Outcome::Unknown => None,
    }
}

/// A wish to be called later counts where the wait is for the other side.
fn retry_after(outcome: Outcome, facts: &CallFacts) -> Option<Span> {
    match outcome {
        Outcome::Offline | Outcome::Network => facts
            .retry_after_s
            .map(|seconds| Span::seconds(i64::from(seconds.max(1)))),
        Outcome::Answered
        | Outcome::Busy
        | Outcome::NoAnswer
        | Outcome::Declined
        | Outcome::NotConfirmed
        | Outcome::Dropped
        | Outcome::Invalid
        | Outcome::Unknown => None,
    }
}
