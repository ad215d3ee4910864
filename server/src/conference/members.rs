//! The people in the room: what the pure room asks for is carried out here, and
//! told to everybody who watches.

use api::{EventKind, LeaveReason, MemberLeft, Text};
use domain::{
    InvitationId, MemberId, Millis,
    attempt::LeaveWay,
    invitation::Terms,
    live::{Member, Output},
    meeting::Invitee,
    speech,
};
use media::{Hearing, LegId, Mode, Target};
use store::VisitRow;

use super::{
    Conference,
    party::{Part, Party},
};
use crate::{clock, members::Order, recording, wire};

impl Conference {
    /// Takes a call into the room as this member.
    pub(super) fn seat(&mut self, leg: LegId, id: MemberId, now: Millis) {
        self.name_member(leg, id);
        let Some(party) = self.parties.get(&leg) else {
            return;
        };
        let member = party.to_member(id, now);
        self.shared.media.stop(Target::Leg(leg));
        self.live.join(member);
    }

    /// Takes a member of before the restart in again: he hears nothing new.
    pub(super) async fn rejoin(&mut self, leg: LegId, now: Millis) {
        let Some(party) = self.parties.get_mut(&leg) else {
            return;
        };
        let known = party
            .who
            .invitation
            .and_then(|id| self.seats.get(&id))
            .map(|seat| *seat.invitation.status());
        let id = match known {
            Some(domain::invitation::Status::InRoom { member, .. }) => member,
            Some(_) | None => MemberId::new(now, clock::random()),
        };
        let member = party.to_member(id, now);
        self.name_member(leg, id);
        self.live.restore(member);
        self.follow_room().await;
        self.record_on().await;
    }

    pub(super) async fn on_order(&mut self, order: Order) {
        let done = match order {
            Order::Mute {
                member,
                muted,
                done,
            } => {
                self.live.mute(member, muted);
                done
            }
            Order::SetRole { member, role, done } => {
                self.live.set_role(member, role);
                self.keep_role(member, role).await;
                done
            }
            Order::RaiseHand { member, up, done } => {
                self.live.raise_hand(member, up, clock::now());
                done
            }
            Order::Turn {
                member,
                side,
                gain,
                done,
            } => {
                self.live.set_gain(member, side, gain);
                done
            }
            Order::Act { act, done } => {
                self.live.act(act);
                done
            }
            Order::HangUp { member, done } => {
                self.live.hang_up(member);
                done
            }
            Order::Record { wanted, by, done } => {
                let terms = recording::Terms {
                    wanted,
                    by: Some(by),
                };
                // Whoever asked may have gone away.
                _ = done.send(self.start_recording(terms).await);
                return self.write().await;
            }
            Order::StopRecording { done } => {
                _ = done.send(self.stop_recording().await);
                return self.write().await;
            }
        };
        self.follow_room().await;
        self.write().await;
        // Whoever asked may have gone away.
        _ = done.send(());
    }

    /// Whoever is called again comes back in the role he was given.
    async fn keep_role(&mut self, member: MemberId, role: domain::Role) {
        let invitation = self
            .live
            .member(member)
            .and_then(|member| member.invitation);
        if let Some(id) = invitation {
            self.change(id, |one| one.role = role).await;
        }
    }

    /// Carries out what the room asks for.
    ///
    /// Whoever is taken out leaves, and that asks the room again: with hundreds of people
    /// sent home at once this would stack up without end. So the first to come here takes
    /// them out one after the other, and whoever comes here on the way only says who is next.
    pub(super) async fn follow_room(&mut self) {
        self.hear_room().await;
        if std::mem::replace(&mut self.takes_out, true) {
            return;
        }
        while let Some((member, way)) = self.leaving.pop_front() {
            self.take_out(member, way).await;
        }
        self.takes_out = false;
    }

    async fn hear_room(&mut self) {
        while let Some(output) = self.live.poll_output() {
            match output {
                Output::Hearing {
                    member,
                    speaks,
                    hears,
                } => {
                    if let Some(leg) = self.leg_of(member) {
                        self.shared
                            .media
                            .enter(leg, self.key, Hearing { speaks, hears });
                        // The room may have been empty, and has forgotten it then.
                        if self.suppresses_noise {
                            self.shared.media.suppress_noise(self.key, true);
                        }
                    }
                }
                Output::Loudness { member, loudness } => {
                    if let Some(leg) = self.leg_of(member) {
                        let media = &self.shared.media;
                        media.set_gain(leg, loudness.voice.db().into());
                        media.set_volume(leg, loudness.ear.db().into());
                    }
                }
                Output::Tell { member, phrases } => {
                    if let Some(leg) = self.leg_of(member) {
                        self.tell(leg, &phrases).await;
                    }
                }
                Output::Record { member } => Box::pin(self.on_record_key(member)).await,
                Output::Extend { member } => Box::pin(self.extend_by_key(member)).await,
                Output::Announce(phrases) => self.announce(&phrases).await,
                Output::Locked(locked) => self.on_locked(locked),
                Output::LetIn { member } => self.on_decided(member, true).await,
                Output::SendAway { member } => self.on_decided(member, false).await,
                Output::EndMeeting => self.end_by_key().await,
                Output::HangUp { member, way } => self.leaving.push_back((member, way)),
                Output::Joined(member) => self.on_joined(&member),
                Output::Changed(member) => self.on_changed(&member),
                Output::Left { member, way } => self.on_left(&member, way).await,
            }
        }
    }

    /// The room behaves as its row says now.
    pub(super) async fn follow_settings(&mut self) {
        let page = self.shared.book.page();
        let Some((_, room)) = page.room(self.room) else {
            return;
        };
        let on = room.settings.suppress_noise;
        if std::mem::replace(&mut self.suppresses_noise, on) != on {
            self.shared.media.suppress_noise(self.key, on);
        }
        self.tell_of_lobby().await;
    }

    /// Says something to one member, over what he hears of the room.
    async fn tell(&mut self, leg: LegId, phrases: &[speech::Phrase]) {
        let sounds = self.shared.sounds.render(self.language(), phrases).await;
        if !sounds.is_empty() {
            self.shared
                .media
                .play(Target::Leg(leg), sounds, Mode::Once, 0);
        }
    }

    async fn announce(&mut self, phrases: &[speech::Phrase]) {
        let sounds = self.shared.sounds.render(self.language(), phrases).await;
        if sounds.is_empty() {
            return self.live.on_announced();
        }
        self.tokens += 1;
        self.shared
            .media
            .play(Target::Room(self.key), sounds, Mode::Once, self.tokens);
    }

    /// "*name* is offline", into the room and onto the boards.
    pub(super) fn announce_offline(&mut self, id: InvitationId) {
        let Some(seat) = self.seats.get(&id) else {
            return;
        };
        let name = self.name_of(&seat.invitation.invitee);
        let spoken = speech::name(&name);
        self.live.announce(match &seat.invitation.invitee {
            Invitee::Outside { name: None, number } => speech::number_is_offline(number),
            Invitee::Outside { .. } => speech::is_offline(spoken),
            Invitee::Employee(id) => speech::is_offline(speech::in_own_voice(*id, spoken)),
        });
        let text = Text {
            code: "is_offline".to_owned(),
            args: [("name".to_owned(), name)].into(),
        };
        self.unwritten
            .events
            .push(EventKind::Announced(api::Announcement {
                room_id: self.room,
                text,
            }));
    }

    async fn take_out(&mut self, member: MemberId, way: LeaveWay) {
        let Some(leg) = self.leg_of(member) else {
            return;
        };
        let now = clock::now();
        match self.part(leg) {
            Some(Part::Called { machine, .. }) => {
                machine.leave(way, now);
                Box::pin(self.follow_call(leg)).await;
            }
            Some(Part::Caller { .. }) => {
                if let Some(party) = self.parties.get(&leg) {
                    party.tie.hang_up(self.shared.switchboard.signalling());
                }
                Box::pin(self.on_caller_gone(leg, way, now)).await;
            }
            None => {}
        }
    }

    /// Everybody is out: those who were called, those who called, those who only rang.
    pub(super) async fn send_everybody_home(&mut self, now: Millis) {
        self.live.close();
        self.follow_room().await;
        for leg in self.parties.keys().copied().collect::<Vec<_>>() {
            match self.part(leg) {
                Some(Part::Called { machine, .. }) => machine.on_meeting_over(now),
                Some(Part::Caller { .. }) => {
                    if let Some(party) = self.parties.get(&leg) {
                        party.tie.hang_up(self.shared.switchboard.signalling());
                    }
                    self.on_caller_gone(leg, LeaveWay::MeetingOver, now).await;
                }
                None => {}
            }
            self.follow_call(leg).await;
        }
    }

    fn on_joined(&mut self, member: &Member) {
        if let Some(shown) = self.shown(member) {
            self.shared
                .members
                .put(self.company, shown.clone(), self.out.orders.clone());
            self.unwritten.events.push(EventKind::MemberJoined(shown));
        }
        self.unwritten.visits.push(self.visit(member, None));
        self.name_track(member.id);
        self.on_head_count(member);
    }

    fn on_changed(&mut self, member: &Member) {
        let Some(shown) = self.shown(member) else {
            return;
        };
        self.tell_of_moderator();
        let before = self
            .shared
            .members
            .put(self.company, shown.clone(), self.out.orders.clone());
        // Who talks is told by levels, many times a second, and never written
        // down; neither is a reading that would be called by the same word.
        let lasting = |member: &api::Member| {
            let quality = member.quality.as_ref().map(wire::grade);
            (
                quality,
                api::Member {
                    talking: false,
                    quality: None,
                    ..member.clone()
                },
            )
        };
        if before.as_ref().map(lasting) != Some(lasting(&shown)) {
            self.unwritten.events.push(EventKind::Member(shown));
        }
    }

    async fn on_left(&mut self, member: &Member, way: LeaveWay) {
        self.shared.members.remove(member.id);
        let why = match way {
            LeaveWay::HungUp | LeaveWay::Key => LeaveReason::Left,
            LeaveWay::Moderator => LeaveReason::Removed,
            LeaveWay::AudioLost | LeaveWay::Lost => LeaveReason::Dropped,
            LeaveWay::MeetingOver => LeaveReason::Ended,
        };
        self.unwritten.visits.push(self.visit(member, Some(why)));
        self.unwritten
            .events
            .push(EventKind::MemberLeft(MemberLeft {
                id: member.id,
                room_id: self.room,
                why,
            }));
        self.on_head_count(member);
        if self.live.count() == 0 && self.tape.is_some() {
            // Nobody is there to be told.
            _ = Box::pin(self.stop_recording()).await;
        }
    }

    /// He called in and is gone again: his place on the list hears of it.
    pub(super) async fn on_guest_left(
        &mut self,
        id: InvitationId,
        member: MemberId,
        way: LeaveWay,
        now: Millis,
    ) {
        let (rules, times) = (self.rules(), self.times());
        self.change(id, |one| {
            let terms = Terms {
                rules: &rules,
                starts_at: times.0,
                ends_at: times.1,
            };
            one.on_left(member, way, terms, now);
        })
        .await;
        self.shared.nudge.notify_one();
    }

    /// A call looks different: its member is shown anew.
    pub(super) fn show(&mut self, leg: LegId) {
        let member = self.parties.get(&leg).and_then(|party| party.member);
        if let Some(member) = member.and_then(|id| self.live.member(id)).cloned() {
            self.on_changed(&member);
        }
    }

    /// The room and the person look different when somebody comes or goes.
    fn on_head_count(&mut self, member: &Member) {
        if let Some(employee) = member.employee {
            self.shared.people.look_again(employee);
        }
        self.unwritten.room = true;
        self.tell_of_moderator();
    }

    /// The room is locked, or open again: the board and those at the door hear of it.
    fn on_locked(&mut self, locked: bool) {
        self.shared.members.set_locked(self.room, locked);
        for party in self.parties.values_mut() {
            if let Part::Caller { door, .. } = &mut party.part {
                door.on_lock(locked);
            }
        }
        self.unwritten.room = true;
    }

    /// Those who wait for a moderator hear whether one is here.
    fn tell_of_moderator(&mut self) {
        let here = self.live.has_moderator();
        if std::mem::replace(&mut self.moderated, here) == here {
            return;
        }
        let now = clock::now();
        for party in self.parties.values_mut() {
            if let Part::Caller { door, .. } = &mut party.part {
                door.on_moderator(here, now);
            }
        }
    }

    fn shown(&self, member: &Member) -> Option<api::Member> {
        let party = self.parties.get(&self.leg_of(member.id)?)?;
        Some(party.shown(member, self.room))
    }

    fn visit(&self, member: &Member, why: Option<LeaveReason>) -> VisitRow {
        let now = clock::now();
        let party = self
            .leg_of(member.id)
            .and_then(|leg| self.parties.get(&leg));
        VisitRow {
            member: member.id,
            occurrence: self.occurrence.as_ref().map(|held| held.value.id),
            name: member.name.clone(),
            employee: member.employee,
            number: member.number.clone(),
            joined_at: member.joined_at,
            left_at: why.map(|_| now),
            why: why.and_then(|why| serde_json::to_value(why).ok()?.as_str().map(str::to_owned)),
            talked_ms: party.map(|party| party.talked_until(now).0),
        }
    }

    pub(super) fn leg_of(&self, member: MemberId) -> Option<LegId> {
        self.seated.get(&member).copied()
    }

    /// Whoever has this leg is this member from now on.
    pub(super) fn name_member(&mut self, leg: LegId, member: MemberId) {
        if let Some(party) = self.parties.get_mut(&leg) {
            party.member = Some(member);
            self.seated.insert(member, leg);
        }
    }

    /// The call is no more in this room's care.
    pub(super) fn dismiss(&mut self, leg: LegId) -> Option<Party> {
        let party = self.parties.remove(&leg)?;
        if let Some(member) = party.member {
            self.seated.remove(&member);
        }
        Some(party)
    }
}
