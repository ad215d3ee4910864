//! What follows a call that did not bring him, or a room he left.

use super::{Finish, Invitation, LastAttempt, Output, Remaining, Status, Terms, Why};
use crate::{
    attempt::{AttemptResult, LeaveWay},
    decode::{CallFacts, Row, Verdict},
    line::Change,
    number::PhoneNumber,
    outcome::Outcome,
    rules::{Count, Decision, LastAct},
    time::Millis,
};

impl Invitation {
    /// Nobody answered: another way first, then the rule.
    pub(super) fn on_failed(
        &mut self,
        verdict: &Verdict,
        remaining: Remaining,
        terms: Terms<'_>,
        now: Millis,
    ) {
        let (outcome, row) = (verdict.outcome, verdict.row);
        if row.is_alarm() {
            self.alarm();
        }
        self.tally.round_offline |= outcome == Outcome::Offline;
        match outcome {
            Outcome::Network if row.is_codec() && self.may_narrow() => {
                self.tally.narrow = true;
                return self.wait(now, Why::NextCodec);
            }
            Outcome::Network if remaining.another_trunk => {
                return self.wait(now, Why::NextTrunk);
            }
            Outcome::Network | Outcome::Offline if remaining.another_line => {
                return self.wait(now, Why::NextLine);
            }
            Outcome::Invalid => {
                if let Some(route) = self.round.last() {
                    self.tally.dead_lines.push(route.line.clone());
                }
                if remaining.another_line {
                    return self.wait(now, Why::NextLine);
                }
            }
            Outcome::Declined if row.is_unwanted() => self.never_again(),
            Outcome::Answered
            | Outcome::Busy
            | Outcome::Offline
            | Outcome::NoAnswer
            | Outcome::Declined
            | Outcome::NotConfirmed
            | Outcome::Dropped
            | Outcome::Network
            | Outcome::Unknown => {}
        }
        // A line that is off today outweighs one that does not exist or has no way.
        let off =
            self.tally.round_offline && matches!(outcome, Outcome::Invalid | Outcome::Network);
        let outcome = if off { Outcome::Offline } else { outcome };

        self.tally.audio_only |= row.is_audio_only();
        if reaches_him(outcome, &verdict.facts) {
            self.tally.outcomes.remove(&Outcome::Offline);
            self.tally.audio_only &= row.is_audio_only();
        }
        let overtaken = self.tally.overtaken.take();
        if overtaken == Some(Change::Returned) {
            self.tally.outcomes.remove(&Outcome::Offline);
        }
        self.decide(outcome, row, terms, now);
        self.heed_retry_after(verdict, terms, now);
        if let Some(change) = overtaken {
            self.on_change(change, terms, now);
        }
    }

    /// Asks the rule, and does what it says.
    pub(super) fn decide(&mut self, outcome: Outcome, row: Row, terms: Terms<'_>, now: Millis) {
        if matches!(
            counted_as(outcome),
            Outcome::NoAnswer | Outcome::NotConfirmed
        ) {
            self.rang_in_vain();
        }
        self.end_round();
        if outcome == Outcome::Network {
            // It says nothing of him: what was counted stays as it was.
            self.tally.network_rounds += 1;
        } else {
            self.tally.network_rounds = 0;
            let busy = outcome == Outcome::Busy;
            self.tally.busy_since = busy.then(|| self.tally.busy_since.unwrap_or(now));
        }

        let times = self.tally.outcomes.entry(counted_as(outcome)).or_default();
        *times += 1;
        let count = Count {
            times: *times,
            busy_since: self.tally.busy_since.unwrap_or(now),
            network_rounds: self.tally.network_rounds,
        };
        if outcome == Outcome::Network && self.tally.network_rounds == 1 {
            self.alarm();
        }
        match terms.rules.next(outcome, row, count, now) {
            Decision::Wait { until, why } => self.wait(until, why),
            Decision::Stop { why, act } => {
                self.finish(why, now);
                self.last_act(why, act);
            }
        }
    }

    /// The other side said when to call again: that is when, unless it is too late.
    fn heed_retry_after(&mut self, verdict: &Verdict, terms: Terms<'_>, now: Millis) {
        let Some(wait) = verdict.retry_after_ms else {
            return;
        };
        if let Status::Waiting {
            due_at,
            why: why @ (Why::Offline | Why::Network),
        } = self.status
        {
            let asked = now + wait;
            let due_at = if why == Why::Network {
                due_at.max(asked)
            } else {
                asked
            };
            if due_at < terms.ends_at {
                self.wait(due_at, why);
            }
        }
    }

    fn last_act(&mut self, why: Finish, act: LastAct) {
        match act {
            LastAct::AnnounceOffline => {
                self.outputs.push_back(Output::AnnounceOffline);
                self.outputs.push_back(Output::TellOrganiser(why));
            }
            LastAct::TellOrganiser => self.outputs.push_back(Output::TellOrganiser(why)),
            LastAct::SendRoomNumber | LastAct::SendJoinLater => {
                self.outputs.push_back(Output::Send(act));
            }
            LastAct::Nothing => {}
        }
    }

    pub(super) fn call_later(&mut self, terms: Terms<'_>, now: Millis) {
        self.reached();
        if now < terms.starts_at {
            self.wait(terms.starts_at, Why::AtStart);
        } else {
            self.wait(now + terms.rules.later_ms, Why::AskedLater);
        }
    }

    pub(super) fn on_leaving(&mut self, way: LeaveWay, terms: Terms<'_>, now: Millis) {
        match way {
            LeaveWay::HungUp | LeaveWay::AudioLost => {
                let facts = CallFacts::default();
                let verdict = Verdict::after_answer(Outcome::Dropped, Row::BrokenOff, facts);
                self.last = Some(LastAttempt {
                    result: AttemptResult::from(&verdict),
                    at: now,
                });
                self.decide(Outcome::Dropped, Row::BrokenOff, terms, now);
            }
            LeaveWay::Lost => self.wait(now, Why::Lost),
            LeaveWay::Key => self.finish(Finish::Left, now),
            LeaveWay::Moderator => self.finish(Finish::TakenOut, now),
            LeaveWay::MeetingOver => self.finish(Finish::Attended, now),
        }
    }

    /// Whether G.711 alone has not been offered on this way yet.
    fn may_narrow(&self) -> bool {
        self.round.last().is_some_and(|route| !route.g711_only)
    }

    fn alarm(&mut self) {
        if !self.outputs.contains(&Output::Alarm) {
            self.outputs.push_back(Output::Alarm);
        }
    }

    fn never_again(&mut self) {
        let number = self
            .round
            .last()
            .and_then(|route| PhoneNumber::parse(&route.address).ok());
        self.outputs.extend(number.map(Output::NeverAgain));
    }

    /// A line that flaps is not called faster than one that frees.
    pub(super) fn not_before(&self, terms: Terms<'_>) -> Millis {
        self.last.map_or(Millis(i64::MIN), |last| {
            last.at + terms.rules.after_freed_ms
        })
    }
}

/// Nothing known is treated like no answer, and counted with it.
fn counted_as(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Unknown => Outcome::NoAnswer,
        Outcome::Answered => Outcome::NotConfirmed,
        Outcome::Busy
        | Outcome::Offline
        | Outcome::NoAnswer
        | Outcome::Declined
        | Outcome::NotConfirmed
        | Outcome::Dropped
        | Outcome::Invalid
        | Outcome::Network => outcome,
    }
}

/// Whether the network reached the phone, so that it is not offline.
fn reaches_him(outcome: Outcome, facts: &CallFacts) -> bool {
    match outcome {
        Outcome::Busy | Outcome::NoAnswer | Outcome::Declined => true,
        Outcome::Unknown => facts.ringing_after_ms.is_some(),
        Outcome::Answered | Outcome::NotConfirmed | Outcome::Dropped => true,
        Outcome::Offline | Outcome::Invalid | Outcome::Network => false,
    }
}
