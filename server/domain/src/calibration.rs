//! Learning what a trunk's answers mean, by three calls whose truth is known.
//!
//! Somebody at the operator's mercy switches a phone off, then keeps it busy,
//! then lets it ring; each time one call is made and its fingerprint kept. What
//! was learnt is used only when it tells the three apart: an operator who says
//! the same of a phone that is off and of one nobody answers cannot be read, and
//! it is better to know that than to guess.
//!
//! A calibration is a row. It places no calls itself and reads no clock.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    decode::{CallFacts, Fingerprint, Profile, Row, judge},
    id::{AttemptId, CompanyId, TrunkId},
    number::PhoneNumber,
    outcome::Outcome,
    time::Millis,
};

/// What is true of the phone that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It is switched off.
    Off,
    /// Somebody is talking on it.
    Busy,
    /// It rings, and nobody picks up.
    Unanswered,
}

/// Three calls over one trunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calibration {
    /// Over which trunk.
    pub trunk: TrunkId,
    /// Whose it is.
    pub company: CompanyId,
    /// When it began.
    pub started_at: Millis,
    steps: BTreeMap<Condition, Step>,
}

/// One of the three calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Step {
    /// The phone is being called.
    Calling {
        /// The call's id: its INVITE derives from it.
        call: AttemptId,
        /// Which number.
        number: PhoneNumber,
        /// Since when.
        since: Millis,
    },
    /// The operator's answer is known.
    Learnt {
        /// Which number.
        number: PhoneNumber,
        /// What it looked like.
        print: Fingerprint,
    },
    /// The call taught nothing.
    Failed {
        /// Which number.
        number: PhoneNumber,
        /// When.
        at: Millis,
        /// Why not.
        why: Useless,
    },
}

/// Why a call taught nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Useless {
    /// A person or a mailbox answered.
    Answered,
    /// The trunk did not answer at all.
    TrunkSilent,
    /// The trunk does not let us call.
    TrunkRefused,
    /// No common codec.
    NoCodec,
    /// The server was restarted while it rang.
    Interrupted,
}

/// Why a step cannot begin, or what was learnt cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalibrationError {
    /// One call at a time.
    #[error("A test call is under way")]
    Calling,
    /// A call is missing.
    #[error("The phone has not been called while {0:?}")]
    Missing(Condition),
    /// Two states look the same from here.
    #[error("{0:?} and {1:?} look the same over this trunk")]
    Ambiguous(Condition, Condition),
}

impl Condition {
    /// In the order in which they are asked for.
    pub const ALL: [Condition; 3] = [Self::Off, Self::Busy, Self::Unanswered];

    /// What a call to such a phone comes to.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Off => Outcome::Offline,
            Self::Busy => Outcome::Busy,
            Self::Unanswered => Outcome::NoAnswer,
        }
    }
}

impl Calibration {
    /// Nothing is known yet.
    pub fn new(trunk: TrunkId, company: CompanyId, now: Millis) -> Self {
        Self {
            trunk,
            company,
            started_at: now,
            steps: BTreeMap::new(),
        }
    }

    /// How far a step is; none when it has not begun.
    pub fn step(&self, of: Condition) -> Option<&Step> {
        self.steps.get(&of)
    }

    /// The call under way.
    pub fn calling(&self) -> Option<(Condition, AttemptId, &PhoneNumber)> {
        self.steps.iter().find_map(|(condition, step)| match step {
            Step::Calling { call, number, .. } => Some((*condition, *call, number)),
            Step::Learnt { .. } | Step::Failed { .. } => None,
        })
    }

    /// A phone of which this is true is to be called, for the first time or again.
    pub fn call(
        &mut self,
        of: Condition,
        number: PhoneNumber,
        call: AttemptId,
        now: Millis,
    ) -> Result<(), CalibrationError> {
        if self.calling().is_some() {
            return Err(CalibrationError::Calling);
        }
        let step = Step::Calling {
            call,
            number,
            since: now,
        };
        self.steps.insert(of, step);
        Ok(())
    }

    /// The call was answered: the phone was not what it was said to be.
    pub fn on_answered(&mut self, call: AttemptId, now: Millis) {
        self.fail(call, Useless::Answered, now);
    }

    /// The server was restarted: nobody knows what became of the call.
    pub fn on_restart(&mut self, now: Millis) {
        if let Some((_, call, _)) = self.calling() {
            self.fail(call, Useless::Interrupted, now);
        }
    }

    /// The call came to its end without an answer.
    pub fn on_failed(&mut self, call: AttemptId, facts: &CallFacts, now: Millis) {
        match judge(facts, &Profile::default()).row {
            Row::TrunkSilent => self.fail(call, Useless::TrunkSilent, now),
            Row::TrunkRefused | Row::CauseBarred => self.fail(call, Useless::TrunkRefused, now),
            Row::CodecRefused | Row::CauseCodec => self.fail(call, Useless::NoCodec, now),
            _ => {
                if let Some((condition, number)) = self.of_call(call) {
                    let print = Fingerprint::of(facts, condition.outcome(), now);
                    self.steps.insert(condition, Step::Learnt { number, print });
                }
            }
        }
    }

    /// The two states that look the same so far, if any do.
    pub fn conflict(&self) -> Option<(Condition, Condition)> {
        let learnt: Vec<(Condition, &Fingerprint)> = self.prints().collect();
        let pairs = learnt.iter().enumerate().flat_map(|(nth, (a, print))| {
            let later = learnt.iter().skip(nth + 1);
            later.map(move |(b, other)| (*a, *b, print.looks_like(other)))
        });
        let mut alike = pairs.filter(|(_, _, alike)| *alike);
        alike.next().map(|(a, b, _)| (a, b))
    }

    /// What was learnt, if it tells all three apart.
    pub fn profile(&self) -> Result<Profile, CalibrationError> {
        for condition in Condition::ALL {
            if !matches!(self.steps.get(&condition), Some(Step::Learnt { .. })) {
                return Err(CalibrationError::Missing(condition));
            }
        }
        if let Some((a, b)) = self.conflict() {
            return Err(CalibrationError::Ambiguous(a, b));
        }
        Ok(Profile {
            prints: self.prints().map(|(_, print)| *print).collect(),
        })
    }

    fn prints(&self) -> impl Iterator<Item = (Condition, &Fingerprint)> {
        self.steps
            .iter()
            .filter_map(|(condition, step)| match step {
                Step::Learnt { print, .. } => Some((*condition, print)),
                Step::Calling { .. } | Step::Failed { .. } => None,
            })
    }

    fn of_call(&self, wanted: AttemptId) -> Option<(Condition, PhoneNumber)> {
        let (condition, call, number) = self.calling()?;
        (call == wanted).then(|| (condition, number.clone()))
    }

    fn fail(&mut self, call: AttemptId, why: Useless, now: Millis) {
        if let Some((condition, number)) = self.of_call(call) {
            let at = now;
            self.steps
                .insert(condition, Step::Failed { number, at, why });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decode::Q850, time::Span};

    const NOW: Millis = Millis(1_000_000);

    fn code(code: u16, after: i64) -> CallFacts {
        CallFacts {
            final_code: Some(code),
            ended_after_ms: Span(after),
            ..CallFacts::default()
        }
    }

    fn sound(facts: CallFacts) -> CallFacts {
        CallFacts {
            early_media_after_ms: Some(Span(400)),
            ..facts
        }
    }

    fn rang(facts: CallFacts) -> CallFacts {
        CallFacts {
            ringing_after_ms: Some(Span(300)),
            ..facts
        }
    }

    fn gave_up(facts: CallFacts) -> CallFacts {
        CallFacts {
            final_code: Some(487),
            ended_after_ms: Span(30_000),
            timed_out_by_us: true,
            ..facts
        }
    }

    fn calibration() -> Calibration {
        let id = [1; 10];
        Calibration::new(TrunkId::new(NOW, id), CompanyId::new(NOW, id), NOW)
    }

    fn number() -> PhoneNumber {
        PhoneNumber::parse("+79161230104").unwrap()
    }

    fn call(calibration: &mut Calibration, of: Condition) -> AttemptId {
        let call = AttemptId::new(NOW, [of as u8; 10]);
        calibration.call(of, number(), call, NOW).unwrap();
        call
    }

    fn learnt(off: &CallFacts, busy: &CallFacts, unanswered: &CallFacts) -> Calibration {
        let mut calibration = calibration();
        for (condition, facts) in [
            (Condition::Off, off),
            (Condition::Busy, busy),
            (Condition::Unanswered, unanswered),
        ] {
            let call = call(&mut calibration, condition);
            calibration.on_failed(call, facts, NOW);
        }
        calibration
    }

    fn read(profile: &Profile, facts: &CallFacts) -> (Outcome, Row) {
        let verdict = judge(facts, profile);
        (verdict.outcome, verdict.row)
    }

    #[test]
    fn an_operator_who_says_404_of_a_phone_that_is_off_is_understood() {
        let calibration = learnt(
            &code(404, 900),
            &code(486, 900),
            &gave_up(rang(code(487, 0))),
        );

        let profile = calibration.profile().unwrap();

        assert_eq!(
            read(&profile, &code(404, 2_500)),
            (Outcome::Offline, Row::Profile)
        );
        assert_eq!(
            read(&profile, &code(410, 900)),
            (Outcome::Invalid, Row::InvalidCode)
        );
        // A thumb on the red key is no busy phone.
        assert_eq!(
            read(&profile, &rang(code(486, 6_000))),
            (Outcome::Declined, Row::Declined486)
        );
    }

    #[test]
    fn announcements_for_everything_are_told_apart_by_their_length() {
        let off = sound(code(480, 9_000));
        let busy = sound(code(480, 2_000));
        let unanswered = gave_up(sound(code(487, 0)));

        let profile = learnt(&off, &busy, &unanswered).profile().unwrap();

        let means = |facts: CallFacts| read(&profile, &facts).0;
        assert_eq!(means(sound(code(480, 8_200))), Outcome::Offline);
        assert_eq!(means(sound(code(480, 11_000))), Outcome::Offline);
        assert_eq!(means(sound(code(480, 2_600))), Outcome::Busy);
        assert_eq!(means(gave_up(sound(code(487, 0)))), Outcome::NoAnswer);
        assert!(profile.ringing_is_proof());
    }

    #[test]
    fn two_states_that_look_the_same_are_named_and_not_used() {
        let same = sound(code(480, 4_000));
        let calibration = learnt(
            &same,
            &sound(code(480, 4_900)),
            &gave_up(rang(code(487, 0))),
        );

        assert_eq!(
            calibration.conflict(),
            Some((Condition::Off, Condition::Busy))
        );
        assert_eq!(
            calibration.profile(),
            Err(CalibrationError::Ambiguous(Condition::Off, Condition::Busy))
        );
        // How long we wait before we give up is nothing the operator says.
        let timeout = gave_up(sound(code(487, 0)));
        assert_eq!(
            learnt(&timeout, &code(486, 500), &timeout).conflict(),
            Some((Condition::Off, Condition::Unanswered))
        );
    }

    #[test]
    fn ringing_proves_nothing_where_phones_that_are_off_ring_too() {
        let calibration = learnt(
            &rang(code(480, 12_000)),
            &code(486, 700),
            &gave_up(rang(code(487, 0))),
        );

        let profile = calibration.profile().unwrap();

        assert!(!profile.ringing_is_proof());
        assert_eq!(
            read(&profile, &rang(code(480, 12_800))),
            (Outcome::Offline, Row::Profile)
        );
        // At another time it is a person who did not come.
        assert_eq!(
            read(&profile, &rang(code(480, 25_000))),
            (Outcome::NoAnswer, Row::NoAnswer480)
        );
    }

    #[test]
    fn a_call_that_taught_nothing_says_why_and_is_made_again() {
        let mut calibration = calibration();
        let answered = call(&mut calibration, Condition::Off);
        assert_eq!(
            calibration.call(Condition::Busy, number(), answered, NOW),
            Err(CalibrationError::Calling)
        );
        calibration.on_answered(answered, NOW);
        let failed = |calibration: &Calibration, of| match calibration.step(of) {
            Some(Step::Failed { why, .. }) => Some(*why),
            Some(Step::Calling { .. } | Step::Learnt { .. }) | None => None,
        };
        assert_eq!(
            failed(&calibration, Condition::Off),
            Some(Useless::Answered)
        );

        let refused = call(&mut calibration, Condition::Busy);
        calibration.on_failed(refused, &code(403, 100), NOW);
        assert_eq!(
            failed(&calibration, Condition::Busy),
            Some(Useless::TrunkRefused)
        );

        call(&mut calibration, Condition::Busy);
        calibration.on_restart(NOW);
        assert_eq!(
            failed(&calibration, Condition::Busy),
            Some(Useless::Interrupted)
        );

        let again = call(&mut calibration, Condition::Off);
        let cause = Some(Q850 {
            cause: 20,
            location_user: None,
        });
        let facts = CallFacts {
            q850: cause,
            ..code(480, 500)
        };
        calibration.on_failed(again, &facts, NOW);
        assert!(matches!(
            calibration.step(Condition::Off),
            Some(Step::Learnt { .. })
        ));
        assert_eq!(
            calibration.profile(),
            Err(CalibrationError::Missing(Condition::Busy))
        );
    }

    #[test]
    fn a_calibration_is_read_back_as_it_was() {
        let calibration = learnt(&code(404, 1), &code(486, 2), &gave_up(code(487, 0)));
        let text = serde_json::to_string(&calibration).unwrap();
        assert_eq!(
            serde_json::from_str::<Calibration>(&text).unwrap(),
            calibration
        );
    }
}
