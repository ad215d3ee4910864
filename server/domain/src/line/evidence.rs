//! Evidence: one thing that says something about a line, by LINE_STATE's table of signals.

use serde::{Deserialize, Serialize};

use super::LineState;
use crate::time::{Millis, Span};

/// Where evidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A call of ours with that line.
    OwnCall,
    /// The line's registration with us.
    Registration,
    /// Another registrar's word of its registration there (RFC 3680).
    RegEvent,
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
    /// What was seen, for the one who asks why.
    pub detail: Detail,
}

/// What was seen, and by which trunk's operator where it was one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// What was seen.
    pub seen: Seen,
    /// The trunk's name.
    pub trunk: Option<String>,
}

/// What can be seen of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// It is registered.
    Registered,
    /// It never was registered, as far as is known.
    NotRegistered,
    /// It un-registered.
    Unregistered,
    /// Its registration ran out.
    Expired,
    /// Its registration is suspended for so many seconds.
    Probation(u32),
    /// A call of ours rings there.
    OurCallRings,
    /// It is in a call of ours.
    OurCall,
    /// An attempt ended with this Q.850 cause.
    Cause(u16),
    /// An attempt ended with this SIP status.
    Code(u16),
    /// An attempt was not answered.
    NoAnswer,
    /// It is being called.
    Rings,
    /// It talks.
    Talks,
    /// It has no call.
    NoCall,
    /// Its owner is to be reached.
    Open,
    /// Its owner is not to be reached.
    Closed,
    /// Its owner is on the phone.
    OnThePhone,
    /// 3GPP: the network takes it for idle.
    AssumedIdle,
    /// 3GPP: it is in a call.
    CamelBusy,
    /// 3GPP: the network cannot find it.
    NetDetNotReachable,
    /// 3GPP: the network does not say.
    NotProvided,
    /// The home register knows where it is.
    Connected,
    /// The home register does not know where it is.
    Absent,
    /// It came back into the network.
    Back,
}

/// What an operator answers or pushes about a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum OperatorState {
    /// Any-time interrogation: idle.
    #[serde(rename = "assumedIdle")]
    AssumedIdle,
    /// Any-time interrogation: in a call.
    #[serde(rename = "camelBusy")]
    CamelBusy,
    /// Any-time interrogation: out of reach.
    #[serde(rename = "netDetNotReachable")]
    NetDetNotReachable,
    /// Any-time interrogation: the visited network does not tell.
    #[serde(rename = "notProvidedFromVLR")]
    NotProvidedFromVlr,
    /// Home register: attached somewhere.
    #[serde(rename = "connected")]
    Connected,
    /// Home register: absent.
    #[serde(rename = "absent")]
    Absent,
    /// A notice: it is back in the network.
    #[serde(rename = "backInNetwork")]
    BackInNetwork,
}

/// How long an attempt's outcome says something about the line.
pub const OUTCOME_LIVES: Span = Span::minutes(2);

/// How long an operator's answer says something about the line.
pub const OPERATOR_LIVES: Span = Span::seconds(60);

impl Seen {
    /// Of nobody's trunk.
    pub fn here(self) -> Detail {
        Detail {
            seen: self,
            trunk: None,
        }
    }

    /// Told by the operator of this trunk.
    pub fn over(self, trunk: &str) -> Detail {
        Detail {
            seen: self,
            trunk: Some(trunk.to_owned()),
        }
    }
}

impl Evidence {
    /// A phone registered with us, until its registration runs out.
    pub fn registered(now: Millis, until: Millis) -> Self {
        Self {
            state: LineState::Free,
            source: Source::Registration,
            at: now,
            until: Some(until),
            confidence: Confidence::Likely,
            detail: Seen::Registered.here(),
        }
    }

    /// A phone's registration ended, by its wish or by time.
    pub fn unregistered(now: Millis, seen: Seen) -> Self {
        Self {
            state: LineState::Offline,
            source: Source::Registration,
            at: now,
            until: None,
            confidence: Confidence::Sure,
            detail: seen.here(),
        }
    }

    /// An attempt ended in a way that says something about the line.
    pub fn outcome(state: LineState, now: Millis, detail: Detail) -> Self {
        Self {
            state,
            source: Source::Outcome,
            at: now,
            until: Some(now + OUTCOME_LIVES),
            confidence: Confidence::Sure,
            detail,
        }
    }

    /// Another registrar's word (RFC 3680), which counts until `until`.
    pub fn reg_event(detail: Detail, now: Millis, until: Millis) -> Self {
        let (state, confidence, until) = match detail.seen {
            Seen::Registered => (LineState::Free, Confidence::Likely, until),
            Seen::Probation(seconds) => (
                LineState::Offline,
                Confidence::Sure,
                now + Span::seconds(seconds.into()),
            ),
            Seen::Unregistered | Seen::Expired => (LineState::Offline, Confidence::Sure, until),
            _ => (LineState::Unknown, Confidence::Guess, until),
        };
        Self {
            state,
            source: Source::RegEvent,
            at: now,
            until: Some(until),
            confidence,
            detail,
        }
    }

    /// Another server's word of its calls (RFC 4235), which counts until `until`. That
    /// there is no call is not yet that it can be called.
    pub fn dialog_event(detail: Detail, now: Millis, until: Millis) -> Self {
        let state = match detail.seen {
            Seen::Talks => LineState::Busy,
            Seen::Rings => LineState::Ringing,
            _ => LineState::Unknown,
        };
        Self {
            state,
            source: Source::Dialog,
            at: now,
            until: Some(until),
            confidence: Confidence::Sure,
            detail,
        }
    }

    /// Presence (RFC 3863, RFC 4480), which counts until `until`.
    pub fn presence(detail: Detail, now: Millis, until: Millis) -> Self {
        let (state, confidence) = match detail.seen {
            Seen::Open => (LineState::Free, Confidence::Likely),
            Seen::Closed => (LineState::Offline, Confidence::Sure),
            Seen::OnThePhone => (LineState::Busy, Confidence::Sure),
            _ => (LineState::Unknown, Confidence::Guess),
        };
        Self {
            state,
            source: Source::Presence,
            at: now,
            until: Some(until),
            confidence,
            detail,
        }
    }

    /// What the mobile operator answered, or told unasked, of the time `at`.
    pub fn operator(state: OperatorState, trunk: &str, at: Millis) -> Self {
        let (state, seen) = match state {
            OperatorState::AssumedIdle => (LineState::Free, Seen::AssumedIdle),
            OperatorState::CamelBusy => (LineState::Busy, Seen::CamelBusy),
            OperatorState::NetDetNotReachable => (LineState::Offline, Seen::NetDetNotReachable),
            OperatorState::NotProvidedFromVlr => (LineState::Unknown, Seen::NotProvided),
            OperatorState::Connected => (LineState::Unknown, Seen::Connected),
            OperatorState::Absent => (LineState::Offline, Seen::Absent),
            OperatorState::BackInNetwork => (LineState::Unknown, Seen::Back),
        };
        Self {
            state,
            source: match seen {
                Seen::Back => Source::Notice,
                _ => Source::Operator,
            },
            at,
            until: Some(at + OPERATOR_LIVES),
            confidence: Confidence::Sure,
            detail: seen.over(trunk),
        }
    }

    /// Whether it still counts.
    pub fn valid(&self, now: Millis) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether it says that the network reaches the line, in whatever state.
    pub(super) fn reaches(&self) -> bool {
        self.state.reachable() || matches!(self.detail.seen, Seen::Connected | Seen::Back)
    }

    /// Whether it says that the line is in no call, so that an older "busy" is over.
    /// A registration says nothing of calls.
    pub(super) fn no_call(&self) -> bool {
        match self.source {
            Source::Registration | Source::RegEvent => false,
            Source::OwnCall | Source::Outcome | Source::Notice => false,
            Source::Dialog => self.detail.seen == Seen::NoCall,
            Source::Presence | Source::Operator => self.state == LineState::Free,
        }
    }

    /// When the line is back as it was told to be, once this has faded.
    pub(super) fn promises_return(&self) -> bool {
        matches!(self.detail.seen, Seen::Probation(_))
    }
}
