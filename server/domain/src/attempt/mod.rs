//! One call to one person.
//!
//! An [`Attempt`] is its record: on disk before the INVITE leaves, whose
//! identity derives from its id. A [`Call`] is its life: ringing, the greeting,
//! the keys, music until the start, the room.

mod call;
mod end;
mod stage;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use call::Call;
pub use end::{CallEnd, HangUp, LeaveWay};
pub use stage::{CallSetup, Output, PlayMode, Stage};

use crate::{
    decode::{Row, Verdict},
    employee::DeviceClass,
    id::{AttemptId, InvitationId, TrunkId},
    line::LineKey,
    outcome::Outcome,
    time::{Millis, Span},
};

/// The record of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its id. The INVITE's branch, Call-ID, From-tag and CSeq derive from it.
    pub id: AttemptId,
    /// For whom.
    pub invitation: InvitationId,
    /// Which attempt at him this is, counted from 1.
    pub number: u32,
    /// What is called, and over what.
    pub route: Route,
    /// When it was put on record; the INVITE leaves right after.
    pub started_at: Millis,
    /// When it began to ring.
    pub ringing_at: Option<Millis>,
    /// When it was answered.
    pub answered_at: Option<Millis>,
    /// When it was over.
    pub ended_at: Option<Millis>,
    /// How; none while it goes on.
    pub result: Option<AttemptResult>,
    /// Who ended it, or what; none while it goes on.
    #[serde(default)]
    pub end: Option<CallEnd>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptResult {
    /// The outcome.
    pub outcome: Outcome,
    /// The row that judged it.
    pub row: Row,
    /// The final SIP code, if one came.
    pub sip_code: Option<u16>,
    /// The Q.850 cause, if one came.
    pub q850_cause: Option<u8>,
    /// How long it rang.
    pub rang_ms: Option<Span>,
}

/// A way to a person: the line, how it is dialled, and over which trunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The line.
    pub line: LineKey,
    /// Its kind.
    pub class: DeviceClass,
    /// What is dialled: a number, or a phone's user name.
    pub address: String,
    /// The trunk; none for a phone registered with us.
    pub trunk: Option<TrunkId>,
    /// Whether G.711 alone is offered, since anything more was refused.
    #[serde(default)]
    pub g711_only: bool,
}

impl Attempt {
    /// Puts the result on record.
    pub fn finish(&mut self, end: CallEnd, verdict: &Verdict, now: Millis) {
        self.end = Some(end);
        self.ended_at = Some(now);
        self.result = Some(AttemptResult::from(verdict));
    }
}

impl From<&Verdict> for AttemptResult {
    fn from(verdict: &Verdict) -> Self {
        Self {
            outcome: verdict.outcome,
            row: verdict.row,
            sip_code: verdict.facts.final_code,
            q850_cause: verdict.facts.q850.map(|reason| reason.cause),
            rang_ms: verdict.facts.rung_for(),
        }
    }
}
