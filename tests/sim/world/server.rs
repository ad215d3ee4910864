//! What the server's glue does, in the smallest form: rows in, acts out.

use domain::{
    InvitationId, MemberId, Millis, OccurrenceId, Role,
    attempt::{Call, LeaveWay},
    employee::DeviceClass,
    guard::InFlight,
    invitation::{self, Finish, Invitation, Status, Terms},
    line::{Change, Confidence, Evidence, Seen, Source},
    live::{self, Member},
    meeting::Invitee,
    occurrence,
    speech::{self, Phrase},
};

use super::{Event, PLAYING, World};

impl World {
    /// When something is to be done next.
    pub(super) fn next_wake(&self) -> Option<Millis> {
        let meetings = self.meetings.values();
        let hours = meetings.filter_map(|meeting| meeting.occurrence.poll_timeout());
        let calls = self.calls.values().filter_map(Call::poll_timeout);
        let due = self.invitations.values().filter_map(|invitation| {
            let (due, _) = invitation.poll_timeout()?;
            let occurrence = &self.meetings[&invitation.occurrence].occurrence;
            let from = due.max(occurrence.dial_at);
            occurrence.calls(from.max(self.now)).then_some(from)
        });
        let events = self.events.keys().map(|(at, _)| *at);
        hours
            .map(|(at, _)| at)
            .chain(calls.map(|(at, _)| at))
            .chain(due)
            .chain(events)
            .min()
    }

    /// Does what is to be done now.
    pub(super) fn step(&mut self) {
        while let Some(entry) = self.events.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let event = entry.remove();
            self.on_event(event);
        }
        for id in self.meetings.keys().copied().collect::<Vec<_>>() {
            self.wake_meeting(id);
        }
        for id in self.calls.keys().copied().collect::<Vec<_>>() {
            self.with_call(id, |call, now| call.handle_timeout(now));
        }
        for id in self.invitations.keys().copied().collect::<Vec<_>>() {
            self.dial_if_due(id);
        }
    }

    /// The organiser wants somebody now.
    pub fn call_now(&mut self, id: InvitationId) {
        let now = self.now;
        let invitation = self.invitations.get_mut(&id).expect("an invitation");
        let occurrence = invitation.occurrence;
        let invitee = invitation.invitee.clone();
        invitation.call_now(now);
        if let Some(him) = self.people.iter_mut().find(|one| one.invitee == invitee) {
            him.declined.remove(&occurrence);
        }
        self.persist();
    }

    /// The organiser gives up on somebody.
    pub fn give_up(&mut self, id: InvitationId) {
        let now = self.now;
        self.invitations
            .get_mut(&id)
            .expect("an invitation")
            .give_up(now);
        self.carry_out(id);
        self.persist();
    }

    /// A moderator takes somebody out.
    pub fn take_out(&mut self, id: InvitationId) {
        if let Status::InRoom { member, .. } = *self.invitations[&id].status() {
            let occurrence = self.invitations[&id].occurrence;
            self.with_room(occurrence, |room| {
                room.hang_up(member);
            });
        }
        self.persist();
    }

    pub(super) fn on_event(&mut self, event: Event) {
        match event {
            Event::Phone {
                person,
                attempt,
                signal,
            } => self.on_signal(person, attempt, signal),
            Event::Played { attempt, serial } => {
                if self.playing(attempt) == Some(serial) {
                    self.with_call(attempt, |call, now| call.on_played(now));
                }
            }
            Event::Announced(id) => self.with_room(id, live::LiveRoom::on_announced),
            Event::Returns(person) => {
                let change = self.people[person].line.seen(self.now);
                self.on_change(person, change);
            }
            Event::IsSeen(person, state) => {
                let evidence = Evidence {
                    state,
                    source: Source::Presence,
                    at: self.now,
                    until: None,
                    confidence: Confidence::Sure,
                    detail: Seen::Open.here(),
                };
                let change = self.people[person].line.add(evidence, self.now);
                self.on_change(person, change);
            }
            Event::CallsIn(person) => self.on_called_in(person),
            Event::Crash => self.crash(),
        }
    }

    pub(super) fn wake_meeting(&mut self, id: OccurrenceId) {
        let now = self.now;
        let meeting = self.meetings.get_mut(&id).expect("a meeting");
        for output in meeting.occurrence.handle_timeout(now) {
            match output {
                occurrence::Output::CallEveryone | occurrence::Output::OpenRoom => {}
                occurrence::Output::Begin => {
                    for invitation in self.invitations_of(id) {
                        self.with_invitation(invitation, |one, _, now| one.on_started(now));
                    }
                }
                occurrence::Output::Close => self.close(id),
                occurrence::Output::ReportMissed => self.note("missed"),
            }
        }
    }

    pub(super) fn close(&mut self, id: OccurrenceId) {
        for invitation in self.invitations_of(id) {
            let up = self.invitations[&invitation].status().attempt();
            self.with_invitation(invitation, |one, _, now| one.on_meeting_over(now));
            if let Some(attempt) = up {
                self.with_call(attempt, |call, now| call.on_meeting_over(now));
            }
        }
        self.with_room(id, live::LiveRoom::close);
    }

    pub(super) fn enter(
        &mut self,
        invitation: InvitationId,
        member: MemberId,
        person: usize,
        how: fn(&mut live::LiveRoom, Member),
    ) {
        let (now, name) = (self.now, self.people[person].name.clone());
        let occurrence = self.invitations[&invitation].occurrence;
        let member = Member {
            id: member,
            name,
            employee: None,
            number: None,
            class: DeviceClass::IpSim,
            role: Role::Speaker,
            invitation: Some(invitation),
            joined_at: now,
            muted: false,
            talking: false,
            hand: None,
            loudness: domain::loudness::Loudness::default(),
        };
        self.with_room(occurrence, |room| how(room, member));
    }

    /// He dials the number that rang him: into the room of his meeting.
    pub(super) fn on_called_in(&mut self, person: usize) {
        let invitee = self.people[person].invitee.clone();
        let open = |one: &&Invitation| {
            one.invitee == invitee && self.meetings[&one.occurrence].occurrence.is_open()
        };
        let found = self.invitations.values().find(open);
        let Some((id, occurrence)) = found.map(|one| (one.id, one.occurrence)) else {
            return;
        };
        let inside = matches!(self.invitations[&id].status(), Status::InRoom { .. });
        if inside || self.on_the_phone.contains_key(&person) {
            return;
        }
        let member = MemberId::new(self.now, self.random());
        self.people[person].declined.remove(&occurrence);
        self.with_invitation(id, |one, _, now| one.on_called_in(member, now));
        self.enter(id, member, person, live::LiveRoom::join);
    }

    pub(super) fn on_change(&mut self, person: usize, change: Option<Change>) {
        let Some(change) = change else { return };
        let invitee = self.people[person].invitee.clone();
        let his: Vec<InvitationId> = self
            .invitations
            .values()
            .filter(|one| one.invitee == invitee)
            .map(|one| one.id)
            .collect();
        for id in his {
            self.with_invitation(id, |one, terms, now| one.on_change(change, terms, now));
        }
    }

    pub(super) fn with_invitation(
        &mut self,
        id: InvitationId,
        act: impl FnOnce(&mut Invitation, Terms<'_>, Millis),
    ) {
        let invitation = self.invitations.get_mut(&id).expect("an invitation");
        let occurrence = &self.meetings[&invitation.occurrence].occurrence;
        let terms = Terms {
            rules: &self.rules,
            starts_at: occurrence.starts_at,
            ends_at: occurrence.ends_at,
        };
        act(invitation, terms, self.now);
        self.carry_out(id);
    }

    pub(super) fn carry_out(&mut self, id: InvitationId) {
        while let Some(output) = self
            .invitations
            .get_mut(&id)
            .and_then(Invitation::poll_output)
        {
            let occurrence = self.invitations[&id].occurrence;
            let person = self.person_of(&self.invitations[&id].invitee);
            let name = self.people[person].name.clone();
            match output {
                invitation::Output::Withdraw(attempt) => {
                    self.with_call(attempt, |call, now| call.withdraw(now));
                }
                invitation::Output::AnnounceOffline => {
                    let phrases = speech::is_offline(speech::name(&name));
                    self.with_room(occurrence, |room| room.announce(phrases));
                }
                invitation::Output::TellOrganiser(why) => self.note(format!("{name}: {why:?}")),
                invitation::Output::Send(act) => self.note(format!("{name}: {act:?}")),
                invitation::Output::NeverAgain(number) => self.note(format!("never {number}")),
                invitation::Output::Alarm => self.note("alarm"),
            }
        }
    }

    pub(super) fn with_room(&mut self, id: OccurrenceId, act: impl FnOnce(&mut live::LiveRoom)) {
        act(&mut self.meetings.get_mut(&id).expect("a meeting").room);
        while let Some(output) = self
            .meetings
            .get_mut(&id)
            .and_then(|meeting| meeting.room.poll_output())
        {
            match output {
                live::Output::Announce(phrases) => {
                    let words = spoken(&phrases);
                    let meeting = self.meetings.get_mut(&id).expect("a meeting");
                    meeting.announced.push(words);
                    self.schedule(self.now + PLAYING, Event::Announced(id));
                }
                live::Output::HangUp { member, way } => self.hang_up_member(id, member, way),
                live::Output::Hearing { .. }
                | live::Output::Loudness { .. }
                | live::Output::Record { .. }
                | live::Output::Tell { .. }
                | live::Output::Joined(_)
                | live::Output::Changed(_)
                | live::Output::Locked(_)
                | live::Output::EndMeeting
                | live::Output::LetIn { .. }
                | live::Output::SendAway { .. }
                | live::Output::Extend { .. }
                | live::Output::Left { .. } => {}
            }
        }
    }

    pub(super) fn hang_up_member(&mut self, id: OccurrenceId, member: MemberId, way: LeaveWay) {
        let his = self.invitations.values().find(
            |one| matches!(*one.status(), Status::InRoom { member: here, .. } if here == member),
        );
        let Some((invitation, attempt)) = his.map(|one| (one.id, one.status().attempt())) else {
            return self.with_room(id, |room| room.leave(member, way));
        };
        match attempt {
            Some(attempt) => self.with_call(attempt, |call, now| call.leave(way, now)),
            None => {
                self.with_room(id, |room| room.leave(member, way));
                self.with_invitation(invitation, |one, terms, now| {
                    one.on_left(member, way, terms, now);
                });
            }
        }
    }

    /// Who said no must not be called; the phones watch over it.
    pub(super) fn watch_declines(&mut self, id: InvitationId, person: usize) {
        let invitation = &self.invitations[&id];
        let declined = matches!(
            invitation.status(),
            Status::Finished {
                why: Finish::Declined | Finish::CannotCome,
                ..
            }
        );
        if declined {
            let occurrence = invitation.occurrence;
            self.people[person].declined.insert(occurrence);
        }
    }

    pub(super) fn in_flight(&self) -> Vec<InFlight> {
        let up = self.invitations.values().filter_map(|one| {
            let attempt = one.status().attempt();
            let route = attempt.map(|attempt| &self.attempts[&attempt].route);
            let inside = matches!(one.status(), Status::InRoom { .. });
            if route.is_none() && !inside {
                return None;
            }
            let person = &self.people[self.person_of(&one.invitee)];
            Some(InFlight {
                invitation: one.id,
                occurrence: one.occurrence,
                invitee: one.invitee.clone(),
                line: person.candidate(self.now).line,
                number: person.candidate(self.now).number,
            })
        });
        // A call taken back is in flight until its phone is down.
        let leaving = self.calls.keys().filter_map(|attempt| {
            let record = &self.attempts[attempt];
            let one = &self.invitations[&record.invitation];
            (one.status().attempt() != Some(*attempt)).then(|| InFlight {
                invitation: one.id,
                occurrence: one.occurrence,
                invitee: one.invitee.clone(),
                line: record.route.line.clone(),
                number: None,
            })
        });
        up.chain(leaving).collect()
    }

    pub(super) fn invitations_of(&self, id: OccurrenceId) -> Vec<InvitationId> {
        let of_it = self.invitations.values().filter(|one| one.occurrence == id);
        of_it.map(|one| one.id).collect()
    }

    pub(super) fn person_of(&self, invitee: &Invitee) -> usize {
        let mut people = self.people.iter();
        people
            .position(|one| one.invitee == *invitee)
            .expect("a person")
    }
}

fn spoken(phrases: &[Phrase]) -> String {
    let words = phrases.iter().map(|phrase| match phrase {
        Phrase::Sound(key) => key.to_string(),
        Phrase::Spoken { text, .. } => text.clone(),
        Phrase::Recording { otherwise, .. } => spoken(&[(**otherwise).clone()]),
    });
    words.collect::<Vec<_>>().join(" ")
}
