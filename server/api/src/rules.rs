//! When to call again, outcome by outcome.

use serde::{Deserialize, Serialize};

use crate::LastAct;

/// The company's rules, or a meeting's own. In seconds; a request may leave
/// any of them out, and then the company's rule stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RetryRules {
    /// How long a phone rings before we give up.
    pub ring_s: u32,
    /// How long a machine has to not press a key.
    pub confirm_s: u32,
    /// Busy: every so often…
    pub busy_wait_s: u32,
    /// …for so long after the first busy, then less often.
    pub busy_eager_for_s: u32,
    pub busy_later_wait_s: u32,
    /// After a busy line is seen to free.
    pub freed_wait_s: u32,
    pub offline: TriesThenAct,
    pub no_answer: TriesThenAct,
    pub not_confirmed: TriesThenAct,
    pub dropped: TriesThenAct,
    /// The waits of each round over the trunks; the last repeats. Never counted against the person.
    pub network_waits_s: Vec<u32>,
}

/// One more try after each of these waits, then the last act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TriesThenAct {
    pub waits_s: Vec<u32>,
    pub then: LastAct,
}
