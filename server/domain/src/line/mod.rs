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

mod evidence;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    id::DeviceId,
    number::PhoneNumber,
    time::{Millis, Span},
};

pub use evidence::{
    Confidence, Detail, Evidence, OPERATOR_LIVES, OUTCOME_LIVES, OperatorState, Seen, Source,
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
    /// What each source said last, and of when, whether it still counts or not.
    said: BTreeMap<Source, (LineState, Millis)>,
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

impl Line {
    /// Takes evidence in, in the place of what its source said before.
    ///
    /// Evidence that the line can be reached clears older evidence that it
    /// cannot; evidence that it is in no call clears an older outcome "busy". A
    /// source that says again what it said says nothing new: a phone that
    /// registers each minute and answers 480 does not return each minute.
    /// Evidence from the future is no evidence.
    ///
    /// What an attempt came to is no [`Change`]: whoever made it knows.
    pub fn add(&mut self, evidence: Evidence, now: Millis) -> Option<Change> {
        let before = self.of_source(evidence.source).cloned();
        let said = self.said.get(&evidence.source).copied();
        let outdated = said.is_some_and(|(_, at)| at > evidence.at);
        if evidence.at > now + CLOCK_TOLERANCE || !evidence.valid(now) || outdated {
            return None;
        }
        let source = evidence.source;
        self.said.insert(source, (evidence.state, evidence.at));
        let repeated = match source {
            // One that had run out is a return, though it says the same.
            Source::Registration | Source::RegEvent => before
                .as_ref()
                .is_some_and(|old| old.valid(now) && old.state == evidence.state),
            Source::Dialog | Source::Presence | Source::Operator => {
                said.is_some_and(|(state, _)| state == evidence.state)
            }
            Source::OwnCall | Source::Outcome | Source::Notice => false,
        };
        let was_busy = self.state(now).state == LineState::Busy;
        let (reaches, no_call) = (evidence.reaches() && !repeated, evidence.no_call());
        self.evidence.retain(|old| {
            let older = old.at <= evidence.at;
            let back = reaches && old.state == LineState::Offline;
            let idle = no_call && old.state == LineState::Busy && old.source == Source::Outcome;
            old.source != source && !(older && (back || idle))
        });
        self.evidence.push(evidence);
        if repeated {
            return None;
        }

        // A phone that goes off, or is taken up for another call, while it rings unanswered
        // leaves "nobody came" as the last word of ours. Whoever saw it go sees it return.
        let said = said.map(|(state, _)| state);
        let was_off = said == Some(LineState::Offline) || self.known == LineState::Offline;
        let was_busy = said == Some(LineState::Busy) || was_busy;
        let change = self.heard(now);
        let freed = no_call && was_busy && self.can_be_called();
        let returned = reaches && was_off && self.known != LineState::Offline;
        match (source, change) {
            (Source::Outcome, _) => None,
            (Source::Registration | Source::RegEvent, Some(Change::Freed)) => None,
            (_, Some(change)) => Some(change),
            (_, None) if freed => Some(Change::Freed),
            (_, None) if returned => Some(Change::Returned),
            (_, None) => None,
        }
    }

    /// A source says nothing any more: that is no event.
    pub fn withdraw(&mut self, source: Source, now: Millis) {
        self.evidence.retain(|piece| piece.source != source);
        self.said.remove(&source);
        self.heard(now);
    }

    /// What a source said goes on to count until then; it said nothing new.
    pub fn prolong(&mut self, source: Source, until: Millis) {
        let piece = self
            .evidence
            .iter_mut()
            .find(|piece| piece.source == source);
        // What has a time of its own keeps it.
        if let Some(piece) = piece
            && !piece.promises_return()
        {
            piece.until = piece.until.map(|own| own.max(until));
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
        detail: Detail,
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
            detail,
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
        // Whoever un-registered meanwhile is not to be called.
        let over = !matches!(self.known, LineState::Busy | LineState::Offline);
        let freed = ended.state == LineState::Busy && over;
        freed.then_some(Change::Freed)
    }

    /// Our clock shows `by` less than it did: what was noted by the old one is as old as it
    /// was, and what is said from now on is newer. An hour that somebody named is where it was.
    pub fn on_clock_set_back(&mut self, by: Span) {
        for piece in self.calls.values_mut().chain(&mut self.evidence) {
            piece.at = piece.at - by;
            if !piece.promises_return() {
                piece.until = piece.until.map(|until| until - by);
            }
        }
        for (_, at) in self.said.values_mut() {
            *at = *at - by;
        }
    }

    /// Sets or lifts "do not disturb"; `until` none is until it is lifted.
    pub fn set_dnd(&mut self, on: bool, until: Option<Millis>) {
        self.dnd = on.then(|| until.map_or(Dnd::Always, Dnd::Until));
    }

    /// What is to be shown.
    pub fn state(&self, now: Millis) -> LineView<'_> {
        let mut evidence: Vec<&Evidence> = self.calls.values().chain(&self.evidence).collect();
        evidence.retain(|piece| piece.valid(now));
        // That nothing is known outdoes nothing that is.
        evidence.sort_by_key(|piece| {
            let says = piece.state != LineState::Unknown;
            std::cmp::Reverse((says, piece.confidence, piece.at))
        });

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

    /// Forgets what has faded. That is no event, but where a line was told to be back
    /// by now.
    pub fn prune(&mut self, now: Millis) -> Option<Change> {
        let promised = self
            .evidence
            .iter()
            .any(|piece| piece.promises_return() && !piece.valid(now));
        self.evidence.retain(|piece| piece.valid(now));
        if !promised || self.state(now).state == LineState::Offline {
            return None;
        }
        self.known = self.state(now).state;
        Some(Change::Returned)
    }

    fn of_source(&self, source: Source) -> Option<&Evidence> {
        self.evidence.iter().find(|piece| piece.source == source)
    }

    /// Nothing speaks against a call.
    fn can_be_called(&self) -> bool {
        matches!(self.known, LineState::Free | LineState::Unknown)
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
mod properties;
#[cfg(test)]
mod tests;
