//! What follows each outcome: how long to wait, how often to try, what to do last.
//!
//! Every wait and every count is a setting of the company and of the meeting.
//! The defaults are the product's: see each field. An outcome that comes from
//! the network and not from the person is never counted against the person.

use serde::{Deserialize, Serialize};

use crate::time::Span;

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
}

/// Offline: a few tries, then it is said aloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct OfflineRule {
    /// Between tries. 5 min.
    pub wait_ms: Span,
    /// How many more after the first. 2.
    pub tries: u32,
    /// Whether "*name* is offline" is said into the room at the end. Yes.
    pub announce: bool,
    /// Whether he is called after all when his line is seen to return later. Yes.
    pub call_when_back: bool,
}

/// No answer: waits that grow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NoAnswerRule {
    /// Before each further try; as many as there are waits. 60 s, 180 s.
    pub waits_ms: Vec<Span>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    Nothing,
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
            not_confirmed: TryRule {
                wait_ms: Span::minutes(5),
                tries: 1,
            },
            dropped: TryRule {
                wait_ms: Span::seconds(5),
                tries: 1,
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
        }
    }
}

impl Default for OfflineRule {
    fn default() -> Self {
        Self {
            wait_ms: Span::minutes(5),
            tries: 2,
            announce: true,
            call_when_back: true,
        }
    }
}

impl Default for NoAnswerRule {
    fn default() -> Self {
        Self {
            waits_ms: vec![Span::seconds(60), Span::seconds(180)],
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
