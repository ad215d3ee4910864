//! The life of one outbound call.
//!
//! From the INVITE to the last BYE: how long it may ring, what the person hears
//! when he picks up, what his keys mean, whether he waits with music, and when
//! he is in. It is read back after a restart and goes on.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{CallEnd, CallSetup, HangUp, LeaveWay, Output, PlayMode, Stage};
use crate::{
    decode::{self, CallFacts, Row, Verdict},
    id::AttemptId,
    invitation::{Phase, Rsvp},
    outcome::Outcome,
    speech::{self, Phrase},
    time::{Millis, Span},
};

/// One outbound call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    setup: CallSetup,
    stage: Stage,
    /// When it first rang.
    ringing_at: Option<Millis>,
    /// When it first had sound without an answer.
    early_media_at: Option<Millis>,
    /// Something said that a mailbox answers.
    diverted: bool,
    /// It rang too long, and we cancelled.
    timed_out: bool,
    answered_at: Option<Millis>,
    /// He pressed 1, or needs no key.
    confirmed: bool,
    #[serde(skip)]
    outputs: VecDeque<Output>,
}

/// A CANCEL that nobody answers: 64·T1 (RFC 3261 §9.1) and a little.
const CANCEL_LIMIT: Span = Span::seconds(35);

/// A call taken up after a restart is given at least this long to ring.
const RESUMED_RINGS: Span = Span::seconds(5);

/// The last words are shorter than this.
const PARTING_LIMIT: Span = Span::seconds(12);

impl Call {
    /// A call whose INVITE leaves now.
    pub fn new(setup: CallSetup) -> Self {
        let gives_up_at = setup.started_at + setup.setup_ms;
        Self {
            setup,
            stage: Stage::Dialling { gives_up_at },
            ringing_at: None,
            early_media_at: None,
            diverted: false,
            timed_out: false,
            answered_at: None,
            confirmed: false,
            outputs: VecDeque::new(),
        }
    }

    /// Its attempt.
    pub fn attempt(&self) -> AttemptId {
        self.setup.attempt
    }

    /// How far it is.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Whether its ringing shows that the phone is in the network.
    pub fn ringing_is_proof(&self) -> bool {
        self.setup.profile.ringing_is_proof()
    }

    /// When it first rang, and when it was answered.
    pub fn times(&self) -> (Option<Millis>, Option<Millis>) {
        (self.ringing_at, self.answered_at)
    }

    /// What is to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next, and why.
    pub fn poll_timeout(&self) -> Option<(Millis, &'static str)> {
        match self.stage {
            Stage::Dialling { gives_up_at } => Some((gives_up_at, "no sign of ringing")),
            Stage::Ringing { gives_up_at } => Some((gives_up_at, "no answer")),
            Stage::TimingOut { until } | Stage::Withdrawing { until } => {
                Some((until, "no word on the CANCEL"))
            }
            Stage::Greeting {
                confirm_until: Some(until),
            } => Some((until, "no key")),
            Stage::Greeting {
                confirm_until: None,
            }
            | Stage::Held => Some((self.setup.starts_at, "start")),
            Stage::Parting { until, .. } => Some((until, "last words")),
            Stage::Joined | Stage::Over => None,
        }
    }

    /// The clock shows `by` less than it did: what began by the old one lasts no longer
    /// for it. The meeting's start is where it was.
    pub fn on_clock_set_back(&mut self, by: Span) {
        self.setup.started_at = self.setup.started_at - by;
        let noted = [
            &mut self.ringing_at,
            &mut self.early_media_at,
            &mut self.answered_at,
        ];
        for at in noted.into_iter().flatten() {
            *at = *at - by;
        }
        match &mut self.stage {
            Stage::Dialling { gives_up_at: at }
            | Stage::Ringing { gives_up_at: at }
            | Stage::TimingOut { until: at }
            | Stage::Withdrawing { until: at }
            | Stage::Greeting {
                confirm_until: Some(at),
            }
            | Stage::Parting { until: at, .. } => *at = *at - by,
            Stage::Greeting {
                confirm_until: None,
            }
            | Stage::Held
            | Stage::Joined
            | Stage::Over => {}
        }
    }

    /// Goes on to what holds at `now`.
    pub fn handle_timeout(&mut self, now: Millis) {
        match self.stage {
            Stage::Dialling { gives_up_at } | Stage::Ringing { gives_up_at }
                if gives_up_at <= now =>
            {
                self.timed_out = true;
                self.stage = Stage::TimingOut {
                    until: now + CANCEL_LIMIT,
                };
                self.outputs.push_back(Output::StopRinging);
            }
            Stage::TimingOut { until } if until <= now => self.fail(CallFacts::default(), now),
            Stage::Withdrawing { until } if until <= now => self.withdrawn(now),
            Stage::Greeting {
                confirm_until: Some(until),
            } if until <= now => self.not_confirmed(now),
            Stage::Greeting {
                confirm_until: None,
            }
            | Stage::Held
                if self.setup.starts_at <= now =>
            {
                self.join();
            }
            Stage::Parting { until, end } if until <= now => self.part(end, now),
            Stage::Dialling { .. }
            | Stage::Ringing { .. }
            | Stage::TimingOut { .. }
            | Stage::Withdrawing { .. }
            | Stage::Greeting { .. }
            | Stage::Held
            | Stage::Parting { .. } => {} // woken early
            Stage::Joined | Stage::Over => {}
        }
    }

    /// A 180 came.
    pub fn on_ringing(&mut self, now: Millis) {
        match self.stage {
            Stage::Dialling { .. } | Stage::Ringing { .. } if self.ringing_at.is_none() => {
                self.ringing_at = Some(now);
                self.ring_until(now + self.setup.ring_ms);
            }
            Stage::Dialling { .. }
            | Stage::Ringing { .. }
            | Stage::TimingOut { .. }
            | Stage::Withdrawing { .. }
            | Stage::Greeting { .. }
            | Stage::Held
            | Stage::Joined
            | Stage::Parting { .. }
            | Stage::Over => {}
        }
    }

    /// A 183 with a session came: sound, but nobody knows whose.
    pub fn on_early_media(&mut self, now: Millis) {
        self.early_media_at.get_or_insert(now);
        if let Stage::Dialling { .. } = self.stage {
            self.ring_until(now + self.setup.ring_ms);
        }
    }

    /// A 181, Diversion or History-Info said that a mailbox answers.
    pub fn on_diverted(&mut self) {
        self.diverted = true;
    }

    /// A 200 came. It joins also when it crosses our CANCEL.
    pub fn on_answered(&mut self, now: Millis) {
        match self.stage {
            Stage::Dialling { .. } | Stage::Ringing { .. } | Stage::TimingOut { .. } => {
                self.answered_at = Some(now);
                self.timed_out = false;
                self.outputs.push_back(Output::Phase(Phase::Answered));
                self.greet(now);
            }
            Stage::Withdrawing { .. } => {
                self.answered_at = Some(now);
                self.hang_up(HangUp::Withdrawn, CallEnd::Withdrawn, now);
            }
            Stage::Greeting { .. }
            | Stage::Held
            | Stage::Joined
            | Stage::Parting { .. }
            | Stage::Over => {}
        }
    }

    /// A final answer that is no 200 came, or none can come any more.
    pub fn on_failed(&mut self, facts: CallFacts, now: Millis) {
        match self.stage {
            Stage::Dialling { .. } | Stage::Ringing { .. } | Stage::TimingOut { .. } => {
                self.fail(facts, now);
            }
            Stage::Withdrawing { .. } => self.withdrawn(now),
            Stage::Greeting { .. }
            | Stage::Held
            | Stage::Joined
            | Stage::Parting { .. }
            | Stage::Over => {}
        }
    }

    /// He pressed a key while the call was not in the room yet.
    pub fn on_digit(&mut self, digit: char, now: Millis) {
        let (Stage::Greeting { .. } | Stage::Held) = self.stage else {
            return;
        };
        match digit {
            '1' if !self.confirmed => self.confirm(now),
            '2' => {
                self.outputs.push_back(Output::Rsvp(Rsvp::Later));
                let begun = self.setup.starts_at <= now;
                self.say_goodbye(speech::called_later(begun), CallEnd::Later, now);
            }
            '3' => {
                self.outputs.push_back(Output::Rsvp(Rsvp::Declined));
                self.say_goodbye(speech::cannot_come(), CallEnd::CannotCome, now);
            }
            _ => {}
        }
    }

    /// What was to be played once has been heard.
    pub fn on_played(&mut self, now: Millis) {
        match self.stage {
            Stage::Greeting {
                confirm_until: None,
            } => self.hold(),
            Stage::Held => self.outputs.push_back(Output::HoldMusic),
            Stage::Parting { end, .. } => self.part(end, now),
            Stage::Dialling { .. }
            | Stage::Ringing { .. }
            | Stage::TimingOut { .. }
            | Stage::Withdrawing { .. }
            | Stage::Greeting { .. }
            | Stage::Joined
            | Stage::Over => {}
        }
    }

    /// The other side hung up, or its audio is lost.
    pub fn on_gone(&mut self, way: LeaveWay, now: Millis) {
        if way == LeaveWay::AudioLost && self.answered_at.is_some() && self.stage != Stage::Over {
            self.outputs.push_back(Output::HangUp(HangUp::AudioLost));
        }
        match self.stage {
            // Our own fault is nothing he said.
            Stage::Greeting { .. } | Stage::Held if way == LeaveWay::Lost => {
                self.end(CallEnd::Left(way), now);
            }
            // Somebody who hangs up on the greeting has not said that he is a person.
            Stage::Greeting {
                confirm_until: Some(_),
            } => self.end(CallEnd::NotConfirmed, now),
            Stage::Greeting {
                confirm_until: None,
            }
            | Stage::Held => self.end(CallEnd::LeftHold, now),
            Stage::Joined => self.end(CallEnd::Left(way), now),
            Stage::Parting { end, .. } => self.end(end, now),
            Stage::Withdrawing { .. } => self.withdrawn(now),
            Stage::Dialling { .. } | Stage::Ringing { .. } | Stage::TimingOut { .. } => {
                self.fail(CallFacts::default(), now);
            }
            Stage::Over => {}
        }
    }

    /// He leaves the room by a key, or a moderator takes him out.
    pub fn leave(&mut self, way: LeaveWay, now: Millis) {
        let reason = match way {
            LeaveWay::Moderator => HangUp::TakenOut,
            LeaveWay::MeetingOver => HangUp::MeetingOver,
            LeaveWay::AudioLost => HangUp::AudioLost,
            LeaveWay::Key | LeaveWay::HungUp | LeaveWay::Lost => HangUp::AsAsked,
        };
        match self.stage {
            Stage::Joined => self.hang_up(reason, CallEnd::Left(way), now),
            Stage::Dialling { .. }
            | Stage::Ringing { .. }
            | Stage::TimingOut { .. }
            | Stage::Withdrawing { .. }
            | Stage::Greeting { .. }
            | Stage::Held
            | Stage::Parting { .. }
            | Stage::Over => self.withdraw(now),
        }
    }

    /// Nobody wants this call any more.
    pub fn withdraw(&mut self, now: Millis) {
        match self.stage {
            Stage::Dialling { .. } | Stage::Ringing { .. } => {
                self.stage = Stage::Withdrawing {
                    until: now + CANCEL_LIMIT,
                };
                self.outputs.push_back(Output::Cancel);
            }
            Stage::TimingOut { until } => {
                self.stage = Stage::Withdrawing { until };
                self.outputs.push_back(Output::Cancel);
            }
            Stage::Greeting { .. } | Stage::Held | Stage::Joined => {
                self.hang_up(HangUp::Withdrawn, CallEnd::Withdrawn, now);
            }
            Stage::Withdrawing { .. } | Stage::Parting { .. } | Stage::Over => {}
        }
    }

    /// The meeting is over.
    pub fn on_meeting_over(&mut self, now: Millis) {
        match self.stage {
            Stage::Greeting { .. } | Stage::Held => {
                self.say_goodbye(speech::meeting_ended(), CallEnd::Withdrawn, now);
            }
            Stage::Joined => self.leave(LeaveWay::MeetingOver, now),
            Stage::Dialling { .. }
            | Stage::Ringing { .. }
            | Stage::TimingOut { .. }
            | Stage::Withdrawing { .. }
            | Stage::Parting { .. }
            | Stage::Over => self.withdraw(now),
        }
    }

    /// The meeting begins at another time than planned: now, for instance.
    pub fn on_start_moved(&mut self, starts_at: Millis, now: Millis) {
        self.setup.starts_at = starts_at;
        self.setup.briefing.starts_at = starts_at;
        self.handle_timeout(now);
    }

    /// It was read back after a restart. To be told when the INVITE of a call
    /// that was not answered goes out again, or when the dialog of one that was
    /// stands again: he hears once more what he was hearing. Whoever was in the
    /// room is in it.
    pub fn on_restart(&mut self, now: Millis) {
        match &mut self.stage {
            Stage::Dialling { gives_up_at } | Stage::Ringing { gives_up_at } => {
                *gives_up_at = (*gives_up_at).max(now + RESUMED_RINGS);
            }
            Stage::Greeting { .. } => self.greet(now),
            Stage::Held => {
                self.outputs.push_back(Output::HoldMusic);
                self.handle_timeout(now);
            }
            Stage::Parting { end, .. } => {
                let end = *end;
                self.part(end, now);
            }
            Stage::TimingOut { .. } => self.outputs.push_back(Output::StopRinging),
            Stage::Withdrawing { .. } => self.outputs.push_back(Output::Cancel),
            Stage::Joined | Stage::Over => {}
        }
    }

    fn ring_until(&mut self, gives_up_at: Millis) {
        self.stage = Stage::Ringing { gives_up_at };
        self.outputs.push_back(Output::Phase(Phase::Ringing));
    }

    fn greet(&mut self, now: Millis) {
        let facts = self.facts(CallFacts::default(), now);
        let needs_key = self.setup.needs_key || decode::judge_answer(&facts).key_required;
        let begun = self.setup.starts_at <= now;

        self.confirmed = !needs_key;
        if needs_key {
            self.stage = Stage::Greeting {
                confirm_until: Some(now + self.setup.confirm_ms),
            };
            self.play(speech::greeting(&self.setup.briefing, now), PlayMode::Loop);
        } else if begun {
            self.join();
        } else {
            self.stage = Stage::Greeting {
                confirm_until: None,
            };
            self.play(
                speech::short_greeting(&self.setup.briefing, now),
                PlayMode::Once,
            );
        }
    }

    fn confirm(&mut self, now: Millis) {
        self.confirmed = true;
        self.outputs.push_back(Output::Rsvp(Rsvp::Accepted));
        if self.setup.starts_at <= now {
            self.join();
        } else {
            self.hold();
            self.play(speech::stay_on_the_line(), PlayMode::Once);
        }
    }

    /// Stays on the line; the music comes right away, or after what is said first.
    fn hold(&mut self) {
        let asked = matches!(
            self.stage,
            Stage::Greeting {
                confirm_until: Some(_)
            }
        );
        self.stage = Stage::Held;
        self.outputs.push_back(Output::Held);
        if !asked {
            self.outputs.push_back(Output::HoldMusic);
        }
    }

    fn join(&mut self) {
        self.stage = Stage::Joined;
        self.outputs.push_back(Output::Join);
    }

    fn not_confirmed(&mut self, now: Millis) {
        self.hang_up(HangUp::NotConfirmed, CallEnd::NotConfirmed, now);
    }

    fn say_goodbye(&mut self, phrases: Vec<Phrase>, end: CallEnd, now: Millis) {
        self.stage = Stage::Parting {
            until: now + PARTING_LIMIT,
            end,
        };
        self.play(phrases, PlayMode::Once);
    }

    fn part(&mut self, end: CallEnd, now: Millis) {
        let reason = match end {
            CallEnd::Withdrawn => HangUp::MeetingOver,
            CallEnd::Failed
            | CallEnd::NotConfirmed
            | CallEnd::Later
            | CallEnd::CannotCome
            | CallEnd::LeftHold
            | CallEnd::Left(_) => HangUp::AsAsked,
        };
        self.hang_up(reason, end, now);
    }

    fn hang_up(&mut self, reason: HangUp, end: CallEnd, now: Millis) {
        self.outputs.push_back(Output::HangUp(reason));
        self.end(end, now);
    }

    fn play(&mut self, phrases: Vec<Phrase>, mode: PlayMode) {
        self.outputs.push_back(Output::Play { phrases, mode });
    }

    fn withdrawn(&mut self, now: Millis) {
        self.end(CallEnd::Withdrawn, now);
    }

    fn fail(&mut self, facts: CallFacts, now: Millis) {
        let facts = self.facts(facts, now);
        let verdict = decode::judge(&facts, &self.setup.profile);
        self.over(CallEnd::Failed, verdict);
    }

    /// An end after the answer, or one of our own making.
    fn end(&mut self, end: CallEnd, now: Millis) {
        let facts = self.facts(CallFacts::default(), now);
        let verdict = match end {
            CallEnd::NotConfirmed => {
                Verdict::after_answer(Outcome::NotConfirmed, Row::NoConfirmKey, facts)
            }
            CallEnd::Left(LeaveWay::HungUp | LeaveWay::AudioLost | LeaveWay::Lost) => {
                Verdict::after_answer(Outcome::Dropped, Row::BrokenOff, facts)
            }
            CallEnd::Withdrawn if self.answered_at.is_none() => {
                Verdict::after_answer(Outcome::Unknown, Row::Withdrawn, facts)
            }
            CallEnd::Failed
            | CallEnd::Later
            | CallEnd::CannotCome
            | CallEnd::LeftHold
            | CallEnd::Left(LeaveWay::Key | LeaveWay::Moderator | LeaveWay::MeetingOver)
            | CallEnd::Withdrawn => decode::judge_answer(&facts),
        };
        self.over(end, verdict);
    }

    fn over(&mut self, end: CallEnd, verdict: Verdict) {
        self.stage = Stage::Over;
        self.outputs.push_back(Output::Ended { end, verdict });
    }

    /// The facts the signalling gives, with what this call knows itself.
    fn facts(&self, facts: CallFacts, now: Millis) -> CallFacts {
        let started_at = self.setup.started_at;
        let after = |at: Option<Millis>| at.map(|at| at - started_at);
        CallFacts {
            final_code: facts.final_code.or(self.answered_at.map(|_| 200)),
            ringing_after_ms: facts.ringing_after_ms.or(after(self.ringing_at)),
            early_media_after_ms: facts.early_media_after_ms.or(after(self.early_media_at)),
            ended_after_ms: self.answered_at.unwrap_or(now) - started_at,
            diverted_to_mailbox: facts.diverted_to_mailbox || self.diverted,
            timed_out_by_us: self.timed_out,
            way: self.setup.way,
            audio_only_before: self.setup.audio_only_before,
            ..facts
        }
    }
}
