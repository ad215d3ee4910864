//! What follows each outcome: how long to wait, how often to try, what to do last.
//!
//! Every wait and every count is a setting of the company and of the meeting.
//! The defaults are the product's: see each field. An outcome that comes from
//! the network and not from the person is never counted against the person.

use serde::{Deserialize, Serialize};

use crate::{
    decode::Row,
    invitation::{Finish, Why},
    outcome::Outcome,
    time::{Millis, Span},
};

/// The rules of a company or a meeting. Spans are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RetryRules {
    /// He is talking to somebody else: knock until he is in.
    pub busy: BusyRule,
    /// Switched off or out of reach.
    pub offline: OfflineRule,
    /// It rang and nobody came.
    pub no_answer: NoAnswerRule,
    /// He refused the call: final, but for a message.
    pub declined: DeclinedRule,
    /// A machine answered.
    pub not_confirmed: TryRule,
    /// The call broke off.
    pub dropped: TryRule,
    /// The network failed.
    pub network: NetworkRule,
    /// How long it rings. 30 s.
    pub ring_ms: Span,
    /// How long a call may show no sign of ringing. 30 s.
    pub setup_ms: Span,
    /// How long the greeting waits for a key, from the answer on. 30 s.
    pub confirm_ms: Span,
    /// When somebody asks to be called later and the meeting has begun. 5 min.
    pub later_ms: Span,
    /// How long after another call of his ends he is called. 3 s.
    pub after_freed_ms: Span,
}

/// Busy: never given up before the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct BusyRule {
    /// Between knocks at first. 20 s.
    pub wait_ms: Span,
    /// How long "at first" lasts, from the first busy tone on. 2 min.
    pub first_ms: Span,
    /// Between knocks after that, and for a line that says it is busy everywhere. 45 s.
    pub then_wait_ms: Span,
    /// How long he is left to a talk that another server tells of, before one knock tries
    /// whether it is true. He is called anyhow when it tells that he is done. 5 min.
    pub let_talk_ms: Span,
}

/// Offline: a few tries, then it is said aloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields, from = "OfflineAsWritten")]
pub struct OfflineRule {
    /// Between tries. 5 min.
    pub wait_ms: Span,
    /// How many more after the first. 2.
    pub tries: u32,
    /// What is done last. It is said into the room that he is offline.
    pub last_act: LastAct,
    /// Whether he is called after all when his line is seen to return later. Yes.
    pub call_when_back: bool,
}

/// The rule as it may be on record: once there was only saying it or not.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct OfflineAsWritten {
    wait_ms: Span,
    tries: u32,
    announce: Option<bool>,
    last_act: Option<LastAct>,
    call_when_back: bool,
}

/// Declined: final.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct DeclinedRule {
    /// What is done last. A message "join later" with the room's number.
    pub last_act: LastAct,
}

/// No answer: waits that grow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NoAnswerRule {
    /// Before each further try; as many as there are waits. 60 s, 180 s.
    pub waits_ms: Vec<Span>,
    /// What is done last. A message with the room's number.
    pub last_act: LastAct,
}

/// A wait and a count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TryRule {
    /// Before each further try.
    pub wait_ms: Span,
    /// How many more after the first.
    pub tries: u32,
    /// What is done last. Nothing.
    #[serde(default)]
    pub last_act: LastAct,
}

/// Network: all trunks, then a pause that grows; never counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NetworkRule {
    /// After each round over the trunks; the last one is repeated. 10, 20, 30 s.
    pub round_waits_ms: Vec<Span>,
}

/// What is done when there are no more tries.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LastAct {
    /// "*name* is offline" into the room, and the organiser told.
    AnnounceOffline,
    /// The organiser told, nothing said.
    TellOrganiser,
    /// A message with the room's number to the person.
    SendRoomNumber,
    /// A message "join later" with the room's number to the person.
    SendJoinLater,
    /// Nothing.
    #[default]
    Nothing,
}

impl LastAct {
    /// Those that make sense after any outcome.
    pub const ANYWHERE: [LastAct; 4] = [
        Self::TellOrganiser,
        Self::SendRoomNumber,
        Self::SendJoinLater,
        Self::Nothing,
    ];
}

/// A rule that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct RuleError {
    /// The setting, such as `busy.wait_ms`.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl Default for RetryRules {
    fn default() -> Self {
        Self {
            busy: BusyRule::default(),
            offline: OfflineRule::default(),
            no_answer: NoAnswerRule::default(),
            declined: DeclinedRule::default(),
            not_confirmed: TryRule {
                wait_ms: Span::minutes(5),
                tries: 1,
                last_act: LastAct::Nothing,
            },
            dropped: TryRule {
                wait_ms: Span::seconds(5),
                tries: 1,
                last_act: LastAct::Nothing,
            },
            network: NetworkRule::default(),
            ring_ms: Span::seconds(30),
            setup_ms: Span::seconds(30),
            confirm_ms: Span::seconds(30),
            later_ms: Span::minutes(5),
            after_freed_ms: Span::seconds(3),
        }
    }
}

impl Default for BusyRule {
    fn default() -> Self {
        Self {
            wait_ms: Span::seconds(20),
            first_ms: Span::minutes(2),
            then_wait_ms: Span::seconds(45),
            let_talk_ms: Span::minutes(5),
        }
    }
}

impl Default for OfflineRule {
    fn default() -> Self {
        Self {
            wait_ms: Span::minutes(5),
            tries: 2,
            last_act: LastAct::AnnounceOffline,
            call_when_back: true,
        }
    }
}

impl Default for OfflineAsWritten {
    fn default() -> Self {
        let rule = OfflineRule::default();
        Self {
            wait_ms: rule.wait_ms,
            tries: rule.tries,
            announce: None,
            last_act: None,
            call_when_back: rule.call_when_back,
        }
    }
}

impl From<OfflineAsWritten> for OfflineRule {
    fn from(written: OfflineAsWritten) -> Self {
        let once = match written.announce {
            Some(false) => LastAct::TellOrganiser,
            Some(true) | None => LastAct::AnnounceOffline,
        };
        Self {
            wait_ms: written.wait_ms,
            tries: written.tries,
            last_act: written.last_act.unwrap_or(once),
            call_when_back: written.call_when_back,
        }
    }
}

impl Default for DeclinedRule {
    fn default() -> Self {
        Self {
            last_act: LastAct::SendJoinLater,
        }
    }
}

impl Default for NoAnswerRule {
    fn default() -> Self {
        Self {
            waits_ms: vec![Span::seconds(60), Span::seconds(180)],
            last_act: LastAct::SendRoomNumber,
        }
    }
}

impl Default for NetworkRule {
    fn default() -> Self {
        Self {
            round_waits_ms: vec![Span::seconds(10), Span::seconds(20), Span::seconds(30)],
        }
    }
}

/// What counts when a rule decides: everything up to and with the outcome at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// How often this outcome came at this person.
    pub times: u32,
    /// When the busy tones began that have not ended yet.
    pub busy_since: Millis,
    /// How many rounds over all trunks failed one after the other.
    pub network_rounds: u32,
}

/// What a rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Call again at this time, or at once when the line is seen to be ready.
    Wait {
        /// The fallback, when nothing is seen.
        until: Millis,
        /// Why.
        why: Why,
    },
    /// No more calls.
    Stop {
        /// Why.
        why: Finish,
        /// What is done last.
        act: LastAct,
    },
}

impl RetryRules {
    /// What follows an outcome that nobody can do anything about at once: a
    /// further line or trunk has been tried before this is asked.
    pub fn next(&self, outcome: Outcome, row: Row, count: Count, now: Millis) -> Decision {
        let wait = |span: Span, why| Decision::Wait {
            until: now + span,
            why,
        };
        match outcome {
            Outcome::Busy => wait(self.busy.wait(row, now - count.busy_since), Why::Busy),
            Outcome::Offline if count.times <= self.offline.tries => {
                wait(self.offline.wait_ms, Why::Offline)
            }
            Outcome::Offline => Decision::Stop {
                why: Finish::Offline,
                act: self.offline.last_act,
            },
            Outcome::NoAnswer | Outcome::Unknown => match self.no_answer.wait(count.times) {
                Some(span) => wait(span, Why::NoAnswer),
                None => Decision::Stop {
                    why: Finish::NoAnswer,
                    act: self.no_answer.last_act,
                },
            },
            Outcome::NotConfirmed | Outcome::Answered
                if count.times <= self.not_confirmed.tries =>
            {
                wait(self.not_confirmed.wait_ms, Why::NotConfirmed)
            }
            Outcome::NotConfirmed | Outcome::Answered => Decision::Stop {
                why: Finish::NotConfirmed,
                act: self.not_confirmed.last_act,
            },
            Outcome::Dropped if count.times <= self.dropped.tries => {
                wait(self.dropped.wait_ms, Why::Dropped)
            }
            Outcome::Dropped => Decision::Stop {
                why: Finish::Left,
                act: self.dropped.last_act,
            },
            Outcome::Declined => Decision::Stop {
                why: Finish::Declined,
                act: if row.is_unwanted() {
                    LastAct::Nothing
                } else {
                    self.declined.last_act
                },
            },
            Outcome::Invalid => Decision::Stop {
                why: Finish::Invalid,
                act: LastAct::TellOrganiser,
            },
            Outcome::Network => wait(self.network.wait(count.network_rounds), Why::Network),
        }
    }

    /// Whether the rules can be followed: names the setting that cannot.
    pub fn check(&self) -> Result<(), RuleError> {
        span("busy.wait_ms", self.busy.wait_ms, SHORTEST_WAIT, DAY)?;
        span("busy.first_ms", self.busy.first_ms, Span::ZERO, DAY)?;
        span(
            "busy.then_wait_ms",
            self.busy.then_wait_ms,
            SHORTEST_WAIT,
            DAY,
        )?;
        span("busy.let_talk_ms", self.busy.let_talk_ms, Span::ZERO, DAY)?;
        span("offline.wait_ms", self.offline.wait_ms, SHORTEST_WAIT, DAY)?;
        count("offline.tries", self.offline.tries as usize)?;
        count("no_answer.waits_ms", self.no_answer.waits_ms.len())?;
        for wait in &self.no_answer.waits_ms {
            span("no_answer.waits_ms", *wait, SHORTEST_WAIT, DAY)?;
        }
        span(
            "not_confirmed.wait_ms",
            self.not_confirmed.wait_ms,
            SHORTEST_WAIT,
            DAY,
        )?;
        count("not_confirmed.tries", self.not_confirmed.tries as usize)?;
        span("dropped.wait_ms", self.dropped.wait_ms, Span::ZERO, DAY)?;
        count("dropped.tries", self.dropped.tries as usize)?;
        if self.network.round_waits_ms.is_empty() {
            return Err(RuleError {
                field: "network.round_waits_ms",
                problem: "at least one wait is needed".to_owned(),
            });
        }
        for wait in &self.network.round_waits_ms {
            span("network.round_waits_ms", *wait, SHORTEST_WAIT, DAY)?;
        }
        last_act("no_answer.last_act", self.no_answer.last_act)?;
        last_act("declined.last_act", self.declined.last_act)?;
        last_act("not_confirmed.last_act", self.not_confirmed.last_act)?;
        last_act("dropped.last_act", self.dropped.last_act)?;
        span("ring_ms", self.ring_ms, Span::seconds(1), Span::minutes(5))?;
        span(
            "setup_ms",
            self.setup_ms,
            Span::seconds(1),
            Span::minutes(5),
        )?;
        span(
            "confirm_ms",
            self.confirm_ms,
            Span::seconds(1),
            Span::minutes(5),
        )?;
        span("later_ms", self.later_ms, SHORTEST_WAIT, DAY)?;
        span(
            "after_freed_ms",
            self.after_freed_ms,
            Span::ZERO,
            Span::minutes(5),
        )
    }
}

impl BusyRule {
    fn wait(&self, row: Row, busy_for: Span) -> Span {
        if busy_for < self.first_ms && row != Row::BusyEverywhere600 {
            self.wait_ms
        } else {
            self.then_wait_ms
        }
    }
}

impl NoAnswerRule {
    fn wait(&self, times: u32) -> Option<Span> {
        let index = usize::try_from(times).ok()?.checked_sub(1)?;
        self.waits_ms.get(index).copied()
    }
}

impl NetworkRule {
    fn wait(&self, rounds: u32) -> Span {
        let last = self.round_waits_ms.len().saturating_sub(1);
        let index = usize::try_from(rounds.saturating_sub(1)).unwrap_or(last);
        self.round_waits_ms
            .get(index.min(last))
            .copied()
            .unwrap_or(Span::seconds(30))
    }
}

/// Nobody is knocked up more often than this, whatever the settings say.
const SHORTEST_WAIT: Span = Span(100);
const DAY: Span = Span::minutes(24 * 60);
const MOST_TRIES: usize = 100;

fn span(field: &'static str, value: Span, least: Span, most: Span) -> Result<(), RuleError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(RuleError {
        field,
        problem: format!("{} ms is outside {} to {} ms", value.0, least.0, most.0),
    })
}

/// Only of somebody who is offline it can be said that he is.
fn last_act(field: &'static str, act: LastAct) -> Result<(), RuleError> {
    if LastAct::ANYWHERE.contains(&act) {
        return Ok(());
    }
    Err(RuleError {
        field,
        problem: "only the offline rule can say so into the room".to_owned(),
    })
}

fn count(field: &'static str, tries: usize) -> Result<(), RuleError> {
    if tries <= MOST_TRIES {
        return Ok(());
    }
    Err(RuleError {
        field,
        problem: format!("{tries} tries are more than {MOST_TRIES}"),
    })
}

#[cfg(test)]
mod tests;
