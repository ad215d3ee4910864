//! One person expected at one occurrence: when he is called, and when no more.
//!
//! An invitation is a row. It is read, given one input, written back as a
//! whole, and then its [`Output`]s are carried out; they stay in it until they
//! are taken, so that a crash may repeat one but never loses it. A call is not
//! an output: it begins by [`Invitation::dial`], which puts the attempt on
//! record *before* its INVITE leaves. The first try, the retry and the restart
//! are thereby one path: whoever is waiting and due is dialled, whoever is
//! being called is called again with the same bytes.
//!
//! Words: a *try* is what a rule counts; it may take several *attempts* when one
//! device after the other turns out to be no way to him (a *round*).

mod board;
mod follow;
mod set_back;
mod status;
#[cfg(test)]
mod tests;
mod wishes;

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

pub use status::{
    Finish, LastAttempt, Next, Output, Phase, Rsvp, Standing, Status, StatusKind, Why,
};

use crate::{
    attempt::{Attempt, AttemptResult, CallEnd, LeaveWay, Route},
    decode::Verdict,
    id::{AttemptId, InvitationId, MemberId, OccurrenceId},
    line::{Change, LineKey},
    meeting::Invitee,
    outcome::Outcome,
    role::Role,
    rules::{BusyRule, RetryRules},
    time::Millis,
};

/// One person × one occurrence. Persisted as a whole after every change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// At what he is expected.
    pub occurrence: OccurrenceId,
    /// Who.
    pub invitee: Invitee,
    /// As what.
    pub role: Role,
    status: Status,
    rsvp: Option<Rsvp>,
    attempts: u32,
    last: Option<LastAttempt>,
    tally: Tally,
    /// What was tried since he last had to wait, the last one at the end.
    round: Vec<Route>,
    outputs: VecDeque<Output>,
}

/// What counts against further tries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Tally {
    /// How often each outcome came.
    outcomes: BTreeMap<Outcome, u32>,
    /// When the busy tones began that have not ended yet.
    busy_since: Option<Millis>,
    /// How many rounds over all trunks failed, one after the other.
    network_rounds: u32,
    /// An attempt had sound but never rang.
    audio_only: bool,
    /// A line of this round was offline.
    round_offline: bool,
    /// The next call goes the same way, with G.711 alone.
    narrow: bool,
    /// Lines that turned out not to exist.
    dead_lines: Vec<LineKey>,
    /// His line freed or returned while a call to him was on its way: what that
    /// call comes to may be out of date before it is known.
    #[serde(default)]
    overtaken: Option<Change>,
    /// How often nobody came to each line: the next call is for another one.
    #[serde(default)]
    in_vain: Vec<(LineKey, u32)>,
    /// Since when he is left to a talk that others tell of.
    #[serde(default)]
    left_to_talk: Option<Millis>,
}

/// What holds around an invitation.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The meeting's rules.
    pub rules: &'a RetryRules,
    /// When it begins.
    pub starts_at: Millis,
    /// When it is over.
    pub ends_at: Millis,
}

/// What has not been tried in this round: [`crate::reach`] knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Remaining {
    /// Another device, or a trunk after the direct way to this one.
    pub another_line: bool,
    /// Another trunk for the same line.
    pub another_trunk: bool,
}

/// He is not to be called now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Nobody is due: the invitation is {0:?}")]
pub struct NotDue(pub StatusKind);

impl Invitation {
    /// Somebody is expected, and is called from `due_at` on.
    pub fn new(
        id: InvitationId,
        occurrence: OccurrenceId,
        invitee: Invitee,
        role: Role,
        due_at: Millis,
    ) -> Self {
        Self {
            id,
            occurrence,
            invitee,
            role,
            status: Status::Waiting {
                due_at,
                why: Why::First,
            },
            rsvp: None,
            attempts: 0,
            last: None,
            tally: Tally::default(),
            round: Vec::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Somebody is in the room whom nobody invited: he is on the list from now on.
    pub fn of_member(
        id: InvitationId,
        occurrence: OccurrenceId,
        invitee: Invitee,
        role: Role,
        member: MemberId,
        now: Millis,
    ) -> Self {
        let mut invitation = Self::new(id, occurrence, invitee, role, now);
        invitation.on_called_in(member, now);
        invitation
    }

    /// How far it is.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// What he said about coming.
    pub fn rsvp(&self) -> Option<Rsvp> {
        self.rsvp
    }

    /// How many attempts there were.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The last attempt that is over.
    pub fn last(&self) -> Option<&LastAttempt> {
        self.last.as_ref()
    }

    /// What was tried since he last had to wait.
    pub fn tried(&self) -> &[Route] {
        &self.round
    }

    /// Lines that turned out not to exist.
    pub fn dead_lines(&self) -> &[LineKey] {
        &self.tally.dead_lines
    }

    /// How often this line rang and nobody came, since he was last reached or it stirred.
    pub fn in_vain(&self, line: &LineKey) -> u32 {
        let of = self.tally.in_vain.iter().find(|(one, _)| one == line);
        of.map_or(0, |(_, times)| *times)
    }

    /// The way to repeat with G.711 alone, when the last one had no common codec.
    pub fn repeat(&self) -> Option<Route> {
        let last = self.round.last().filter(|_| self.tally.narrow)?;
        Some(Route {
            g711_only: true,
            ..last.clone()
        })
    }

    /// Whether an earlier attempt had sound but never rang.
    pub fn audio_only_before(&self) -> bool {
        self.tally.audio_only
    }

    /// When he is to be called next, and why.
    pub fn poll_timeout(&self) -> Option<(Millis, Why)> {
        match self.status {
            Status::Waiting { due_at, why } => Some((due_at, why)),
            Status::Calling { .. }
            | Status::Held { .. }
            | Status::InRoom { .. }
            | Status::Finished { .. } => None,
        }
    }

    /// What else is to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Begins a call: the attempt is to be on disk before its INVITE leaves.
    pub fn dial(
        &mut self,
        attempt: AttemptId,
        route: Route,
        now: Millis,
    ) -> Result<Attempt, NotDue> {
        let Status::Waiting { due_at, why } = self.status else {
            return Err(NotDue(self.status.kind()));
        };
        if due_at > now {
            return Err(NotDue(StatusKind::Waiting));
        }
        self.attempts += 1;
        self.tally.narrow = false;
        self.tally.overtaken = None;
        self.tally.left_to_talk = None;
        self.round.push(route.clone());
        self.status = Status::Calling {
            attempt,
            since: now,
            phase: Phase::Dialling,
            why,
        };
        Ok(Attempt {
            id: attempt,
            invitation: self.id,
            number: self.attempts,
            route,
            started_at: now,
            ringing_at: None,
            answered_at: None,
            ended_at: None,
            result: None,
            end: None,
        })
    }

    /// Something stands in the way of the call that is due. It does not count.
    pub fn postpone(&mut self, until: Millis, why: Why) {
        if let Status::Waiting { .. } = self.status {
            self.status = Status::Waiting { due_at: until, why };
        }
    }

    /// Whether he would be left to a talk that others tell of: not by the organiser's own
    /// hand, and not for longer than the rule lets him.
    pub fn lets_talk(&self, rule: &BusyRule, now: Millis) -> bool {
        let by_hand = matches!(self.poll_timeout(), Some((_, Why::Organiser)));
        let since = self.tally.left_to_talk.unwrap_or(now);
        !by_hand && now < since + rule.let_talk_ms
    }

    /// Others tell that he talks: he is called when they tell that he is done, and is
    /// looked at again until then. It does not count.
    pub fn let_talk(&mut self, rule: &BusyRule, now: Millis) {
        if let Status::Waiting { .. } = self.status {
            let since = *self.tally.left_to_talk.get_or_insert(now);
            let until = (now + rule.wait_ms).min(since + rule.let_talk_ms);
            self.postpone(until, Why::Busy);
        }
    }

    /// He is due, and there is nothing to call him by.
    pub fn no_way(&mut self, now: Millis) {
        if let Status::Waiting { .. } = self.status {
            self.finish(Finish::NoDevice, now);
            self.outputs
                .push_back(Output::TellOrganiser(Finish::NoDevice));
        }
    }

    /// He is due, and the company's limits forbid the call.
    pub fn not_allowed(&mut self, now: Millis) {
        if let Status::Waiting { .. } = self.status {
            self.finish(Finish::NotAllowed, now);
            self.outputs
                .push_back(Output::TellOrganiser(Finish::NotAllowed));
        }
    }

    /// The call went on.
    pub fn on_phase(&mut self, of: AttemptId, reached: Phase, now: Millis) {
        if let Status::Calling {
            attempt,
            since,
            phase,
            ..
        } = &mut self.status
            && *attempt == of
            && *phase < reached
        {
            (*phase, *since) = (reached, now);
        }
    }

    /// He answered before the start and stays on the line.
    pub fn on_held(&mut self, of: AttemptId, now: Millis) {
        if self.is_calling(of) {
            self.status = Status::Held {
                attempt: of,
                since: now,
            };
        }
    }

    /// He pressed a key that says whether he comes.
    pub fn on_rsvp(&mut self, of: AttemptId, rsvp: Rsvp, now: Millis) {
        if self.status.attempt() != Some(of) {
            return;
        }
        self.rsvp = Some(rsvp);
        if rsvp == Rsvp::Declined {
            // On record at once: a crash before he hung up must not call him again.
            self.finish(Finish::CannotCome, now);
        }
    }

    /// He joined by this call. False when nobody waits for it any more: hang up.
    #[must_use]
    pub fn on_joined(&mut self, of: AttemptId, member: MemberId, now: Millis) -> bool {
        let ours = match self.status {
            Status::Calling { attempt, .. } | Status::Held { attempt, .. } => attempt == of,
            // A restart may have him join again whose joining was written last.
            Status::InRoom { attempt, .. } => attempt == Some(of),
            Status::Waiting { .. } | Status::Finished { .. } => false,
        };
        if ours {
            self.enter(member, Some(of), now);
        }
        ours
    }

    /// He called the room himself, whatever became of our calls.
    pub fn on_called_in(&mut self, member: MemberId, now: Millis) {
        if let Status::Calling { attempt, .. } | Status::Held { attempt, .. } = self.status {
            self.outputs.push_back(Output::Withdraw(attempt));
        }
        self.enter(member, None, now);
    }

    /// The call ended without his being in the room, or with his leaving it.
    ///
    /// The end of a call that is not the one we wait for changes nothing.
    pub fn on_call_ended(
        &mut self,
        of: AttemptId,
        end: CallEnd,
        verdict: &Verdict,
        remaining: Remaining,
        terms: Terms<'_>,
        now: Millis,
    ) {
        if self.status.attempt() != Some(of) {
            return;
        }
        self.last = Some(LastAttempt {
            result: AttemptResult::from(verdict),
            at: now,
        });
        match end {
            CallEnd::Failed => self.on_failed(verdict, remaining, terms, now),
            CallEnd::NotConfirmed => self.decide(Outcome::NotConfirmed, verdict.row, terms, now),
            CallEnd::Later => self.call_later(terms, now),
            CallEnd::CannotCome => self.finish(Finish::CannotCome, now),
            CallEnd::LeftHold if now < terms.starts_at => {
                self.reached();
                self.wait(terms.starts_at, Why::AtStart);
            }
            CallEnd::LeftHold => self.on_leaving(LeaveWay::HungUp, terms, now),
            CallEnd::Left(way) => self.on_leaving(way, terms, now),
            CallEnd::Withdrawn => self.finish(Finish::GivenUp, now),
        }
    }

    /// The member left the room.
    pub fn on_left(&mut self, who: MemberId, way: LeaveWay, terms: Terms<'_>, now: Millis) {
        if matches!(self.status, Status::InRoom { member, .. } if member == who) {
            self.on_leaving(way, terms, now);
        }
    }

    /// His line was seen to free or to return: a wait for that ends at once, and
    /// whoever was given up because nobody could reach him is called after all.
    pub fn on_change(&mut self, change: Change, terms: Terms<'_>, now: Millis) {
        // He is at that one, whatever came before.
        self.tally.in_vain.clear();
        self.tally.left_to_talk = None;
        match (change, self.status) {
            (
                Change::Freed,
                Status::Waiting {
                    due_at,
                    why: Why::Busy | Why::NoAnswer | Why::AlreadyCalled,
                },
            ) => {
                let sooner = now + terms.rules.after_freed_ms;
                self.wait(due_at.min(sooner), Why::LineFreed);
            }
            (
                Change::Returned,
                Status::Waiting {
                    due_at,
                    why: Why::Offline | Why::NoAnswer | Why::NotConfirmed | Why::Busy,
                },
            ) => {
                self.tally.outcomes.remove(&Outcome::Offline);
                self.tally.audio_only = false;
                let sooner = self.not_before(terms).max(now);
                self.wait(due_at.min(sooner), Why::LineReturned);
            }
            (change, Status::Finished { why, .. })
                if terms.rules.offline.call_when_back
                    && now < terms.ends_at
                    && self.is_refuted(why, change) =>
            {
                self.tally.outcomes.clear();
                let why = match change {
                    Change::Freed => Why::LineFreed,
                    Change::Returned => Why::LineReturned,
                };
                self.wait(self.not_before(terms).max(now), why);
            }
            // Once it rings it is our own call that is seen.
            (
                change,
                Status::Calling {
                    phase: Phase::Dialling,
                    ..
                },
            ) => self.tally.overtaken = Some(change),
            (
                Change::Freed | Change::Returned,
                Status::Waiting { .. }
                | Status::Calling { .. }
                | Status::Held { .. }
                | Status::InRoom { .. }
                | Status::Finished { .. },
            ) => {}
        }
    }

    /// Whether what his line did refutes the reason for which he was given up.
    fn is_refuted(&self, why: Finish, change: Change) -> bool {
        let last = self.last.map(|last| last.result.outcome);
        match why {
            // He came back, or was on the phone all the while and missed the second call.
            Finish::NoAnswer => true,
            Finish::Offline | Finish::NotConfirmed => change == Change::Returned,
            Finish::Left => change == Change::Returned && last == Some(Outcome::Dropped),
            Finish::Declined
            | Finish::CannotCome
            | Finish::Invalid
            | Finish::NoDevice
            | Finish::TakenOut
            | Finish::GivenUp
            | Finish::NotAllowed
            | Finish::Attended
            | Finish::Absent => false,
        }
    }

    fn is_calling(&self, of: AttemptId) -> bool {
        matches!(self.status, Status::Calling { attempt, .. } if attempt == of)
    }

    fn enter(&mut self, member: MemberId, attempt: Option<AttemptId>, now: Millis) {
        self.reached();
        // Only leaving has a memory: whoever was called back once is not again.
        let drops = self.tally.outcomes.remove_entry(&Outcome::Dropped);
        self.tally.outcomes = drops.into_iter().collect();
        self.rsvp = Some(Rsvp::Accepted);
        self.status = Status::InRoom {
            member,
            attempt,
            since: now,
        };
    }

    /// The network reached him: whatever was held against his line is refuted.
    fn reached(&mut self) {
        self.tally.outcomes.remove(&Outcome::Offline);
        self.tally.busy_since = None;
        self.tally.network_rounds = 0;
        self.tally.audio_only = false;
        self.tally.in_vain.clear();
        self.end_round();
    }

    /// Nobody came to the line that was called last.
    fn rang_in_vain(&mut self) {
        let Some(last) = self.round.last() else {
            return;
        };
        match self
            .tally
            .in_vain
            .iter_mut()
            .find(|(line, _)| *line == last.line)
        {
            Some((_, times)) => *times += 1,
            None => self.tally.in_vain.push((last.line.clone(), 1)),
        }
    }

    fn end_round(&mut self) {
        self.round.clear();
        self.tally.round_offline = false;
        self.tally.narrow = false;
    }

    fn wait(&mut self, due_at: Millis, why: Why) {
        self.status = Status::Waiting { due_at, why };
    }

    fn finish(&mut self, why: Finish, now: Millis) {
        self.end_round();
        self.status = Status::Finished { why, at: now };
    }
}
