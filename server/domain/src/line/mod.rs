//! A line and what is known of it.
//!
//! Nobody tells us the state of a line. We collect *evidence*: each piece has a
//! source, a time, a time to live and a confidence, and the state shown is that
//! of the freshest evidence of the highest confidence. When nothing that is
//! still valid says anything, the state is unknown, and unknown is never shown
//! as free. The state is always derived, never stored.
//!
//! Evidence that a line frees or returns to the network is an event
//! ([`Change`]): a call that waits for it goes out at once. Evidence that merely
//! fades is not: nothing happened.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    id::DeviceId,
    number::PhoneNumber,
    time::{Millis, Span},
};

/// What a line is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKey {
    /// An employee's device.
    Device(DeviceId),
    /// A number of the public network that nobody of ours has.
    Number(PhoneNumber),
}

/// The state of a line.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    /// Can be called.
    Free,
    /// Is being called.
    Ringing,
    /// Is in a call.
    Busy,
    /// Switched off, out of reach or not registered.
    Offline,
    /// Nothing is known.
    #[default]
    Unknown,
}

/// Where evidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A call of ours with that line.
    OwnCall,
    /// The line's registration with us, or another registrar's word of it (RFC 3680).
    Registration,
    /// How an attempt ended.
    Outcome,
    /// Another server's word of its dialogs (RFC 4235).
    Dialog,
    /// Presence (RFC 3863, RFC 4480).
    Presence,
    /// The mobile operator, asked.
    Operator,
    /// The mobile operator, unasked: "back in network".
    Notice,
}

/// How far evidence is believed, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// A guess from something that does not quite say it.
    Guess,
    /// True as a rule: a registered phone may have lost its cable.
    Likely,
    /// Said by the network or the phone itself.
    Sure,
    /// We hold the call in our own hands.
    Exact,
}

/// One thing that says something about a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The state it says.
    pub state: LineState,
    /// Who says it.
    pub source: Source,
    /// When it was so.
    pub at: Millis,
    /// When it stops counting; none while it lasts until something ends it.
    pub until: Option<Millis>,
    /// How far it is believed.
    pub confidence: Confidence,
    /// What was seen, for the one who asks why: "cause 20 from trunk North".
    pub detail: String,
}

/// What happened to a line, as opposed to what faded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A call of his ended: he can be called in a few seconds.
    Freed,
    /// He is back in the network: he can be called at once.
    Returned,
}

/// What is shown of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineView<'a> {
    /// Its state.
    pub state: LineState,
    /// What says so; none when nothing does.
    pub winner: Option<&'a Evidence>,
    /// Whether he asked not to be disturbed.
    pub dnd: bool,
    /// Everything still valid, the winner first.
    pub evidence: Vec<&'a Evidence>,
}

/// A line: its evidence, and whether it wants to be left alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Line {
    /// The newest of each source.
    evidence: Vec<Evidence>,
    /// Our own calls with it, by a key of the caller's.
    #[serde(skip)]
    calls: BTreeMap<String, Evidence>,
    /// What was shown when something was last heard: it does not fade.
    known: LineState,
    dnd: Option<Dnd>,
}

/// Do not disturb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Dnd {
    Always,
    Until(Millis),
}

/// How long an attempt's outcome says something about the line.
pub const OUTCOME_LIVES: Span = Span::minutes(2);

/// How long an operator's answer says something about the line.
pub const OPERATOR_LIVES: Span = Span::seconds(60);

/// Evidence this far from the future is a clock that differs; beyond it is nonsense.
const CLOCK_TOLERANCE: Span = Span::seconds(5);

impl LineState {
    /// Whether it says that the network reaches the line.
    pub fn reachable(self) -> bool {
        match self {
            Self::Free | Self::Ringing | Self::Busy => true,
            Self::Offline | Self::Unknown => false,
        }
    }
}

impl Evidence {
    /// A phone registered, until its registration runs out.
    pub fn registered(now: Millis, until: Millis) -> Self {
        Self {
            state: LineState::Free,
            source: Source::Registration,
            at: now,
            until: Some(until),
            confidence: Confidence::Likely,
            detail: "registered".to_owned(),
        }
    }

    /// A phone's registration ended, by its wish or by time.
    pub fn unregistered(now: Millis, detail: &str) -> Self {
        Self {
            state: LineState::Offline,
            source: Source::Registration,
            at: now,
            until: None,
            confidence: Confidence::Sure,
            detail: detail.to_owned(),
        }
    }

    /// An attempt ended in a way that says something about the line.
    pub fn outcome(state: LineState, now: Millis, detail: String) -> Self {
        Self {
            state,
            source: Source::Outcome,
            at: now,
            until: Some(now + OUTCOME_LIVES),
            confidence: Confidence::Sure,
            detail,
        }
    }

    fn valid(&self, now: Millis) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Line {
    /// Takes evidence in, in the place of what its source said before.
    ///
    /// Evidence that the line can be reached clears older evidence that it
    /// cannot. A registration that is only refreshed says nothing new: a phone
    /// that registers each minute and answers 480 does not return each minute.
    /// Evidence from the future is no evidence.
    ///
    /// What an attempt came to is no [`Change`]: whoever made it knows.
    pub fn add(&mut self, evidence: Evidence, now: Millis) -> Option<Change> {
        let before = self.of_source(evidence.source).cloned();
        let outdated = before.as_ref().is_some_and(|old| old.at > evidence.at);
        if evidence.at > now + CLOCK_TOLERANCE || !evidence.valid(now) || outdated {
            return None;
        }
        let source = evidence.source;
        let refreshed = source == Source::Registration
            && before.is_some_and(|old| old.valid(now) && old.state == evidence.state);

        let reaches = evidence.state.reachable() && !refreshed;
        self.evidence.retain(|old| {
            let refuted = reaches && old.state == LineState::Offline && old.at <= evidence.at;
            old.source != source && !refuted
        });
        self.evidence.push(evidence);
        if refreshed {
            return None;
        }

        let change = self.heard(now)?;
        match (source, change) {
            (Source::Outcome, _) | (Source::Registration, Change::Freed) => None,
            (_, change) => Some(change),
        }
    }

    /// Something came from the line itself (a call, a digit, a 180, a contact
    /// that is new) or a notice that it is back: whatever said it was offline is
    /// out of date.
    pub fn seen(&mut self, now: Millis) -> Option<Change> {
        let was_off = self.known == LineState::Offline;
        self.evidence.retain(|old| old.state != LineState::Offline);
        self.heard(now);
        was_off.then_some(Change::Returned)
    }

    /// A call of ours with this line began or went on: exact while it lasts.
    /// `key` tells the calls apart.
    pub fn call(
        &mut self,
        key: &str,
        state: LineState,
        now: Millis,
        detail: &str,
    ) -> Option<Change> {
        if state.reachable() {
            self.evidence.retain(|old| old.state != LineState::Offline);
        }
        let evidence = Evidence {
            state,
            source: Source::OwnCall,
            at: now,
            until: None,
            confidence: Confidence::Exact,
            detail: detail.to_owned(),
        };
        self.calls.insert(key.to_owned(), evidence);
        self.heard(now).filter(|change| *change == Change::Returned)
    }

    /// That call is over: he can be called in a moment, unless another goes on.
    /// What attempts made of the line while it lasted is out of date.
    pub fn call_ended(&mut self, key: &str, now: Millis) -> Option<Change> {
        let ended = self.calls.remove(key)?;
        if self.calls.is_empty() {
            self.evidence
                .retain(|old| old.source != Source::Outcome || old.state != LineState::Busy);
        }
        self.heard(now);
        let freed = ended.state == LineState::Busy && self.known != LineState::Busy;
        freed.then_some(Change::Freed)
    }

    /// Sets or lifts "do not disturb"; `until` none is until it is lifted.
    pub fn set_dnd(&mut self, on: bool, until: Option<Millis>) {
        self.dnd = on.then(|| until.map_or(Dnd::Always, Dnd::Until));
    }

    /// What is to be shown.
    pub fn state(&self, now: Millis) -> LineView<'_> {
        let mut evidence: Vec<&Evidence> = self.calls.values().chain(&self.evidence).collect();
        evidence.retain(|piece| piece.valid(now));
        evidence.sort_by_key(|piece| std::cmp::Reverse((piece.confidence, piece.at)));

        let winner = evidence.first().copied();
        LineView {
            state: winner.map_or(LineState::Unknown, |winner| winner.state),
            winner,
            dnd: match self.dnd {
                None => false,
                Some(Dnd::Always) => true,
                Some(Dnd::Until(until)) => now < until,
            },
            evidence,
        }
    }

    /// When what is shown may change by itself.
    pub fn next_change(&self, now: Millis) -> Option<Millis> {
        let fades = self.evidence.iter().filter_map(|piece| piece.until);
        let quiet = match self.dnd {
            Some(Dnd::Until(until)) => Some(until),
            Some(Dnd::Always) | None => None,
        };
        fades.chain(quiet).filter(|until| *until > now).min()
    }

    /// Forgets what has faded.
    pub fn prune(&mut self, now: Millis) {
        self.evidence.retain(|piece| piece.valid(now));
    }

    fn of_source(&self, source: Source) -> Option<&Evidence> {
        self.evidence.iter().find(|piece| piece.source == source)
    }

    /// Notes what is known now, and tells how it differs from what was known
    /// when something was last heard.
    fn heard(&mut self, now: Millis) -> Option<Change> {
        use LineState::{Busy, Free, Offline, Ringing, Unknown};

        let state = self.state(now).state;
        match (std::mem::replace(&mut self.known, state), state) {
            (Offline | Unknown, Free | Ringing | Busy) => Some(Change::Returned),
            (Busy, Free) => Some(Change::Freed),
            (Free | Ringing | Busy | Offline | Unknown, _) => None,
        }
    }
}

#[cfg(test)]
mod tests;
