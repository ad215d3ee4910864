//! The table, as data: the first row that fits judges the call.

use super::{CallFacts, Row, Way};
use crate::{outcome::Outcome, time::Span};

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its name.
    pub row: Row,
    /// The Q.850 causes it is for; empty: any, or none.
    pub causes: &'static [u8],
    /// The SIP codes it is for; empty: any, or none.
    pub codes: &'static [u16],
    /// What else must hold, all of it.
    pub when: &'static [When],
    /// What it means.
    pub outcome: Outcome,
}

/// A condition on the facts besides code and cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// We gave up and cancelled, and nothing but the answer to that came.
    TimedOut,
    /// No 100 in time, or it could not be sent.
    Silent,
    /// A 180 came.
    Rang,
    /// No 180 came.
    NeverRang,
    /// It rang for a second or more.
    RangOneSecond,
    /// A 183 with sound came.
    Sound,
    /// No 183 with sound came.
    NoSound,
    /// An earlier attempt had sound but no ringing too.
    Again,
    /// The answer names a time to call again.
    RetryAfter,
    /// The cause lies with the user or his private network.
    AtUser,
    /// The call went to an operator.
    OverTrunk,
    /// The call went to a phone registered with us.
    ToDevice,
}

/// Ringing shorter than this is a phone's reflex, not a person's finger.
const ONE_SECOND: Span = Span::seconds(1);

const fn row(
    row: Row,
    causes: &'static [u8],
    codes: &'static [u16],
    when: &'static [When],
    outcome: Outcome,
) -> Entry {
    Entry {
        row,
        causes,
        codes,
        when,
        outcome,
    }
}

/// Row by row: our own acts, then causes, then codes.
#[rustfmt::skip]
pub const TABLE: &[Entry] = {
    use Outcome::{Busy, Declined, Invalid, Network, NoAnswer, Offline, Unknown};
    use When::{Again, AtUser, NeverRang, NoSound, OverTrunk, Rang, RangOneSecond, RetryAfter, Silent, Sound, TimedOut, ToDevice};
    &[
        row(Row::TimeoutRang,            &[], &[], &[TimedOut, Rang],                    NoAnswer),
        row(Row::TimeoutAudioOnlyAgain,  &[], &[], &[TimedOut, Sound, Again],            Offline),
        row(Row::TimeoutAudioOnly,       &[], &[], &[TimedOut, Sound],                   Unknown),
        row(Row::DeviceSilent,           &[], &[], &[Silent, ToDevice],                  Offline),
        row(Row::TrunkSilent,            &[], &[], &[Silent],                            Network),
        row(Row::TimeoutSilent,          &[], &[], &[TimedOut],                          Unknown),

        // Said by none but one who means it; a cause with them says less.
        row(Row::Unwanted,          &[17, 21],           &[607, 608], &[],               Declined),
        row(Row::BusyEverywhere600, &[17],               &[600], &[],                    Busy),
        row(Row::Cause17Rang,     &[17],                 &[],    &[RangOneSecond],       Declined),
        row(Row::Cause17,         &[17],                 &[],    &[],                    Busy),
        row(Row::Cause18,         &[18],                 &[],    &[],                    Offline),
        row(Row::Cause19,         &[19],                 &[],    &[],                    NoAnswer),
        row(Row::Cause20,         &[20],                 &[],    &[],                    Offline),
        row(Row::Cause21User,     &[21],                 &[],    &[AtUser],              Declined),
        row(Row::Cause21Rang,     &[21],                 &[],    &[RangOneSecond],       Declined),
        row(Row::Cause21Elsewhere, &[21],                &[480], &[],                    Unknown),
        row(Row::Cause27User,     &[27],                 &[],    &[AtUser],              Offline),
        row(Row::Cause27Network,  &[27],                 &[],    &[],                    Network),
        row(Row::Cause31,         &[31],                 &[480], &[],                    Offline),
        row(Row::CauseInvalid,    &[1, 22, 28],          &[],    &[],                    Invalid),
        row(Row::CauseBarred,     &[55, 57],             &[],    &[OverTrunk],           Network),
        row(Row::CauseCongestion, &[34, 38, 41, 42, 47], &[],    &[],                    Network),
        row(Row::CauseCodec,      &[65, 79, 88],         &[],    &[],                    Network),

        row(Row::Declined486,       &[], &[486],                &[RangOneSecond],        Declined),
        row(Row::Busy486,           &[], &[486],                &[],                     Busy),
        row(Row::BusyEverywhere600, &[], &[600],                &[],                     Busy),
        row(Row::Declined603,       &[], &[603],                &[],                     Declined),
        row(Row::Unwanted,          &[], &[607, 608],           &[],                     Declined),
        row(Row::OfflineRetryAfter, &[], &[480],                &[RetryAfter],           Offline),
        row(Row::NoAnswer480,       &[], &[480],                &[Rang],                 NoAnswer),
        row(Row::Offline480,        &[], &[480],                &[NoSound],              Offline),
        row(Row::AudioOnly480Again, &[], &[480],                &[Again],                Offline),
        row(Row::AudioOnly480,      &[], &[480],                &[],                     Unknown),
        row(Row::NoAnswer408,       &[], &[408],                &[Rang],                 NoAnswer),
        row(Row::Offline408,        &[], &[408],                &[NeverRang, ToDevice],  Offline),
        row(Row::InvalidCode,       &[], &[404, 410, 484, 604], &[],                     Invalid),
        row(Row::TrunkRefused,      &[], &[401, 402, 403, 407], &[OverTrunk],            Network),
        row(Row::CodecRefused,      &[], &[415, 488, 606],      &[],                     Network),
        row(Row::ServerFailure,     &[], &[482, 483, 500, 501, 502, 503, 504, 505, 513, 580], &[], Network),
    ]
};

impl Entry {
    /// Whether this row is about such a call.
    pub fn fits(&self, facts: &CallFacts) -> bool {
        let cause = facts.q850.map(|reason| reason.cause);
        let for_cause = self.causes.is_empty() || cause.is_some_and(|c| self.causes.contains(&c));
        let for_code =
            self.codes.is_empty() || facts.final_code.is_some_and(|c| self.codes.contains(&c));
        for_cause && for_code && self.when.iter().all(|when| when.holds(facts))
    }
}

impl When {
    pub(super) fn holds(self, facts: &CallFacts) -> bool {
        let rang = facts.ringing_after_ms.is_some();
        let sound = facts.early_media_after_ms.is_some();
        match self {
            // An answer of the other side's own that crosses our CANCEL says more.
            Self::TimedOut => {
                facts.timed_out_by_us && matches!(facts.final_code, None | Some(408 | 487))
            }
            Self::Silent => facts.no_100 || facts.transport_error,
            Self::Rang => rang,
            Self::NeverRang => !rang,
            Self::RangOneSecond => facts.rung_for().is_some_and(|rung| rung >= ONE_SECOND),
            Self::Sound => sound,
            Self::NoSound => !sound,
            Self::Again => facts.audio_only_before,
            Self::RetryAfter => facts.retry_after_s.is_some(),
            Self::AtUser => facts.q850.and_then(|q850| q850.location_user) == Some(true),
            Self::OverTrunk => facts.way == Way::Trunk,
            Self::ToDevice => facts.way == Way::Device,
        }
    }
}
