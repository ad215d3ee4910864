//! Calls: from a row that is due to the signals of a phone and the room.

use domain::{
    AttemptId, InvitationId, MemberId, Millis, ShortNumber, Span, TrunkId, Zone,
    attempt::{self, Attempt, Call, CallEnd, CallSetup, LeaveWay, Stage},
    company::Language,
    decode::{Profile, Verdict, Way},
    guard::{self, Blocked, Circumstances, Spent},
    invitation::{Invitation, Phase, Status, Why},
    line::{LineState, Seen},
    live::{self},
    reach::{self, Choice, TrunkNow},
    speech::Briefing,
};

use super::{Event, Kills, PLAYING, World, phone::Signal};

impl World {
    /// A signal from a phone whose call is not over on its side.
    pub(super) fn on_signal(&mut self, person: usize, attempt: AttemptId, signal: Signal) {
        if self.on_the_phone.get(&person) != Some(&attempt) {
            return;
        }
        let now = self.now;
        match signal {
            Signal::Rings => {
                self.record(attempt, |record| record.ringing_at = Some(now));
                self.with_call(attempt, |call, now| call.on_ringing(now));
                self.hear(person, attempt, LineState::Ringing);
            }
            Signal::Answers => {
                self.record(attempt, |record| record.answered_at = Some(now));
                self.with_call(attempt, |call, now| call.on_answered(now));
                self.hear(person, attempt, LineState::Busy);
            }
            Signal::Fails(facts) => {
                self.phone_is_down(person, attempt);
                self.with_call(attempt, |call, now| call.on_failed(facts, now));
            }
            Signal::Key(key) => self.with_call(attempt, |call, now| call.on_digit(key, now)),
            Signal::HangsUp => {
                self.phone_is_down(person, attempt);
                self.with_call(attempt, |call, now| call.on_gone(LeaveWay::HungUp, now));
            }
        }
    }

    pub(super) fn dial_if_due(&mut self, id: InvitationId) {
        let invitation = &self.invitations[&id];
        let occurrence = &self.meetings[&invitation.occurrence].occurrence;
        let due = invitation.poll_timeout();
        if due.is_none_or(|(due, _)| due > self.now) || !occurrence.calls(self.now) {
            return;
        }
        let person = self.person_of(&invitation.invitee);
        let candidates = [self.people[person].candidate(self.now)];
        let busy = self.rules.busy.clone();
        match reach::choose(invitation, &candidates, &trunks(), &busy, self.now) {
            Choice::Call(route) => self.dial(id, person, route),
            Choice::Busy => {
                let until = self.now + busy.wait_ms;
                self.with_invitation(id, |one, _, _| one.postpone(until, Why::Busy));
            }
            Choice::ToldBusy => {
                self.with_invitation(id, |one, _, now| one.let_talk(&busy, now));
            }
            Choice::NoChannel | Choice::NotRegistered(_) | Choice::Barred(_) | Choice::NoWay => {
                unreachable!("everyone has a number, and trunks have no limit")
            }
        }
    }

    pub(super) fn dial(&mut self, id: InvitationId, person: usize, route: attempt::Route) {
        let (now, random) = (self.now, self.random());
        let invitation = &self.invitations[&id];
        let number = domain::PhoneNumber::parse(&route.address).ok();
        let occurrence = &self.meetings[&invitation.occurrence].occurrence;
        let in_flight = self.in_flight();
        let around = Circumstances {
            ends_at: occurrence.ends_at,
            calls: occurrence.calls(now),
            quiet_hours: self.quiet,
            quiet: false,
            zones: &[Zone::UTC],
            home: Zone::UTC,
            in_flight: &in_flight,
            never: &[],
            line: &route.line,
            number: number.as_ref(),
            limits: &self.limits,
            meeting_spent: Spent {
                calls: u32::try_from(self.calls_of(invitation.occurrence)).expect("few calls"),
                price: 0,
            },
            day_spent: Default::default(),
        };
        if let Err(blocked) = guard::check(invitation, &around, now) {
            let Some((until, why)) = blocked.retry(now) else {
                assert!(matches!(blocked, Blocked::Limit { .. }), "{blocked:?}");
                return self.with_invitation(id, |one, _, now| one.not_allowed(now));
            };
            return self.with_invitation(id, |one, _, _| one.postpone(until, why));
        }
        let attempt = AttemptId::new(now, random);
        let invitation = self.invitations.get_mut(&id).expect("an invitation");
        let record = invitation.dial(attempt, route, now).expect("he is due");
        self.attempts.insert(attempt, record);
        let record = &self.attempts[&attempt];
        let setup = self.setup(record, &self.invitations[&id], person);
        self.calls.insert(attempt, Call::new(setup));
        self.persist(); // before its INVITE leaves
        if self.kills == Kills::BeforeInvites {
            return self.crash();
        }
        self.send(attempt, person);
        if self.kills == Kills::AfterInvites {
            self.crash();
        }
    }

    /// Sends an INVITE, for the first time or once more.
    pub(super) fn send(&mut self, attempt: AttemptId, person: usize) {
        self.invite_reaches(person, attempt);
        self.drain_call(attempt);
    }

    pub(super) fn setup(
        &self,
        record: &Attempt,
        invitation: &Invitation,
        person: usize,
    ) -> CallSetup {
        let starts_at = self.meetings[&invitation.occurrence].occurrence.starts_at;
        CallSetup {
            attempt: record.id,
            started_at: record.started_at,
            starts_at,
            way: Way::Trunk,
            profile: Profile::default(),
            needs_key: self.people[person].needs_key,
            audio_only_before: invitation.audio_only_before(),
            ring_ms: self.rules.ring_ms,
            setup_ms: self.rules.setup_ms,
            confirm_ms: self.rules.confirm_ms,
            briefing: Briefing {
                language: Language::English,
                organiser: None,
                caller: None,
                callee: None,
                title: None,
                zone: Zone::UTC,
                starts_at,
                room: ShortNumber::parse("9000").expect("a number"),
            },
        }
    }

    pub(super) fn with_call(&mut self, id: AttemptId, act: impl FnOnce(&mut Call, Millis)) {
        let now = self.now;
        if let Some(call) = self.calls.get_mut(&id) {
            act(call, now);
            self.drain_call(id);
        }
    }

    pub(super) fn drain_call(&mut self, id: AttemptId) {
        while let Some(output) = self.calls.get_mut(&id).and_then(Call::poll_output) {
            self.carry_out_of_call(id, output);
        }
        if self
            .calls
            .get(&id)
            .is_some_and(|call| *call.stage() == Stage::Over)
        {
            self.calls.remove(&id);
        }
    }

    pub(super) fn carry_out_of_call(&mut self, id: AttemptId, output: attempt::Output) {
        let invitation = self.attempts[&id].invitation;
        let person = self.person_of(&self.invitations[&invitation].invitee);
        let now = self.now;
        match output {
            attempt::Output::Cancel | attempt::Output::StopRinging => {
                // The phone's 487; if it answers first, that is its script's affair.
                let facts = domain::decode::CallFacts {
                    final_code: Some(487),
                    ..Default::default()
                };
                let event = Event::Phone {
                    person,
                    attempt: id,
                    signal: Signal::Fails(facts),
                };
                self.schedule(now + Span(20), event);
            }
            attempt::Output::Play { mode, .. } => {
                if mode == attempt::PlayMode::Once {
                    let serial = self.next_playing(id);
                    self.schedule(
                        now + PLAYING,
                        Event::Played {
                            attempt: id,
                            serial,
                        },
                    );
                }
            }
            attempt::Output::HoldMusic => {}
            attempt::Output::Join => self.join(id, invitation, person),
            attempt::Output::HangUp(_) => self.phone_is_down(person, id),
            attempt::Output::Phase(phase) => {
                self.with_invitation(invitation, |one, _, now| one.on_phase(id, phase, now));
                if phase == Phase::Answered {
                    self.record(id, |record| record.answered_at = Some(now));
                }
            }
            attempt::Output::Held => {
                self.with_invitation(invitation, |one, _, now| one.on_held(id, now));
            }
            attempt::Output::Rsvp(rsvp) => {
                self.with_invitation(invitation, |one, _, now| one.on_rsvp(id, rsvp, now));
                self.watch_declines(invitation, person);
            }
            attempt::Output::Ended { end, verdict } => self.on_ended(id, end, &verdict, person),
        }
    }

    pub(super) fn on_ended(
        &mut self,
        id: AttemptId,
        end: CallEnd,
        verdict: &Verdict,
        person: usize,
    ) {
        let now = self.now;
        let invitation = self.attempts[&id].invitation;
        self.record(id, |record| record.finish(end, verdict, now));
        self.phone_is_down(person, id);

        let freed = self.people[person].line.call_ended(&id.to_string(), now);
        if let Some(evidence) = verdict.evidence(now, Seen::NoAnswer.here()) {
            self.people[person].line.add(evidence, now);
        }
        if let CallEnd::Left(way) = end {
            let status = *self.invitations[&invitation].status();
            if let Status::InRoom { member, .. } = status {
                let occurrence = self.invitations[&invitation].occurrence;
                self.with_room(occurrence, |room| room.leave(member, way));
            }
        }
        let candidates = [self.people[person].candidate(now)];
        let remaining = reach::remaining(&self.invitations[&invitation], &candidates, &trunks());
        self.with_invitation(invitation, |one, terms, now| {
            one.on_call_ended(id, end, verdict, remaining, terms, now);
        });
        self.watch_declines(invitation, person);
        self.on_change(person, freed);
    }

    pub(super) fn join(&mut self, id: AttemptId, invitation: InvitationId, person: usize) {
        let random = self.random();
        let member = MemberId::new(self.now, random);
        let mut wanted = false;
        self.with_invitation(invitation, |one, _, now| {
            wanted = one.on_joined(id, member, now);
        });
        if wanted {
            self.enter(invitation, member, person, live::LiveRoom::join);
        } else {
            self.with_call(id, |call, now| call.withdraw(now));
        }
    }

    pub(super) fn hear(&mut self, person: usize, attempt: AttemptId, state: LineState) {
        let line = &mut self.people[person].line;
        let change = line.call(&attempt.to_string(), state, self.now, Seen::OurCall.here());
        self.on_change(person, change);
    }

    pub(super) fn record(&mut self, id: AttemptId, change: impl FnOnce(&mut Attempt)) {
        change(self.attempts.get_mut(&id).expect("an attempt"));
    }

    /// What is played to a call replaces what was played before.
    pub(super) fn next_playing(&mut self, id: AttemptId) -> u64 {
        self.counter += 1;
        self.playing.insert(id, self.counter);
        self.counter
    }

    pub(super) fn playing(&self, id: AttemptId) -> Option<u64> {
        self.playing.get(&id).copied()
    }
}

fn trunks() -> [TrunkNow; 1] {
    [TrunkNow {
        id: TrunkId::new(Millis(0), [1; 10]),
        free_channels: None,
    }]
}
