//! Calls that come in: at the door, and through it.

use std::time::Duration;

use api::WaitingEnd;
use domain::{
    EmployeeId, MemberId, Millis, OccurrenceId, PhoneNumber, Role,
    attempt::LeaveWay,
    desk::Desk,
    employee::DeviceClass,
    entrance::{Around, Caller, Entrance, Expected, Known, Output, way_back},
    invitation::Invitation,
    line::{LineKey, LineState, Seen},
    meeting::Invitee,
    role::Approach,
    room::Room,
    speech,
};
use media::{Family, Leg, LegId};
use sip::{CallId, LocalMedia, Rejection};
use store::InboundRow;

use super::{
    Conference,
    ending::Ending,
    party::{Guest, Part, Party, Tie, Who},
};
use crate::{
    booth::{self, Visitor},
    browsers::BrowserRing,
    clock, wire,
};

/// Somebody who wants into the room.
#[derive(Debug)]
pub struct Arrival {
    pub bell: Bell,
    pub caller: Caller,
    /// The name the caller's side shows.
    pub shown: Option<String>,
    pub class: DeviceClass,
    pub line: Option<LineKey>,
    /// The city number he dialled, if it was one.
    pub dialled: Option<PhoneNumber>,
    /// What wrong PINs are counted by: something he cannot change at will.
    pub source: String,
    /// He comes by an event's number.
    pub told: Option<ToldOf>,
}

/// By what he comes.
#[derive(Debug)]
pub enum Bell {
    /// A call, whose audio uses this family of our addresses.
    Call {
        call: CallId,
        family: Family,
    },
    Browser(BrowserRing),
}

/// What an event's number leads to.
#[derive(Debug, Clone, Copy)]
pub struct ToldOf {
    pub occurrence: OccurrenceId,
    pub starts_at: Millis,
    /// What he comes as, unless he is on the list.
    pub role: Role,
}

impl Conference {
    /// Takes him to the door; the rows have been read since he came.
    pub(super) fn on_arrival(&mut self, arrival: Arrival) {
        let now = clock::now();
        if self.ending != Ending::No {
            // Those before him are still leaving: he hears ringing for a moment.
            if let Bell::Call { call, .. } = arrival.bell {
                self.shared.switchboard.signalling().ring(call);
            }
            return self.at_the_door.push(arrival);
        }
        let page = self.shared.book.page();
        let Some((_, room)) = page.room(self.room) else {
            return self.turn_away(arrival.bell, Rejection::status(404));
        };
        if let Some(told) = arrival.told
            && self
                .occurrence
                .as_ref()
                .is_some_and(|held| held.value.id != told.occurrence)
        {
            return self.ask_to_come_later(&arrival, told, now);
        }
        let opened = match &arrival.bell {
            Bell::Call { family, .. } => self
                .shared
                .open_leg(*family, None, self.out.legs.clone())
                .map(|leg| (leg, None)),
            Bell::Browser(ring) => self
                .shared
                .media
                .open_browser(wire::browser(&ring.offer), self.out.legs.clone())
                .map(|opened| (Leg::of(&opened), Some(opened))),
        };
        let (leg, browser) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                tracing::error!(%error, "No audio for somebody who comes in");
                let busy = Rejection {
                    retry_after: Some(Duration::from_secs(5)),
                    ..Rejection::status(503)
                };
                return self.turn_away(arrival.bell, busy);
            }
        };
        let who = self.recognise(&arrival, room);
        let known = match who.invitation {
            Some(_) => Known::Expected(who.role),
            None if arrival.told.is_some() => Known::Told(who.role),
            None => Known::Stranger(who.role),
        };
        let early = arrival
            .told
            .map(|told| told.starts_at)
            .filter(|starts_at| self.occurrence.is_none() && *starts_at > now);
        let around = Around {
            opens_at: early.or_else(|| self.opens_at(now)),
            watched: self.shared.pins().may_try(&arrival.source, self.room, now),
            locked: self.live.is_locked(),
            moderator_inside: self.live.has_moderator(),
            lobby: self.has_lobby(),
        };
        let door = Entrance::new(room.clone(), known, around, now);
        let guest = Guest {
            id: uuid::Builder::from_unix_timestamp_millis(now.0.unsigned_abs(), &clock::random())
                .into_uuid(),
            room: self.room,
            who,
            source: arrival.source,
            awaits: arrival.told.map(|told| told.occurrence),
            knocks: None,
            member: None,
            since: now,
            rtp_port: leg.local.port(),
            dialog: None,
        };
        match (arrival.bell, browser) {
            (Bell::Call { call, .. }, _) => {
                self.seat_guest(Tie::Call(call), leg, door, guest);
                let switchboard = &self.shared.switchboard;
                switchboard.take(call, self.out.sip.clone());
                let audio = LocalMedia::at(leg.local);
                switchboard.signalling().answer(call, audio);
            }
            (Bell::Browser(ring), Some(opened)) => {
                self.seat_guest(Tie::Browser(ring.id), leg, door, guest);
                let browsers = &self.shared.browsers;
                browsers.answer(ring, &opened, self.room, self.out.legs.clone());
            }
            (Bell::Browser(_), None) => {}
        }
    }

    fn turn_away(&self, bell: Bell, why: Rejection) {
        match bell {
            Bell::Call { call, .. } => self.shared.switchboard.signalling().reject(call, why),
            // Whoever waits for the answer hears that there is none.
            Bell::Browser(ring) => drop(ring),
        }
    }

    /// What is held here is not yet the event he was told of.
    fn ask_to_come_later(&self, arrival: &Arrival, told: ToldOf, now: Millis) {
        let page = self.shared.book.page();
        let zone = page
            .company(self.company)
            .map(|company| company.company.zone)
            .unwrap_or_default();
        // Browsers come to rooms alone.
        let Bell::Call { call, family } = arrival.bell else {
            return;
        };
        let visitor = Visitor {
            call,
            family,
            language: self.language(),
        };
        let desk = Desk::notice(speech::event_begins(told.starts_at, zone, now), now);
        tokio::spawn(booth::serve(self.shared.clone(), visitor, desk, None));
    }

    pub(super) fn seat_guest(&mut self, tie: Tie, leg: Leg, door: Entrance, guest: Guest) {
        let party = Party {
            tie,
            who: guest.who.clone(),
            part: Part::Caller {
                door: Box::new(door),
                guest: Box::new(guest),
            },
            codec: None,
            hears: 0,
            member: None,
            quality: None,
            local: leg.local,
            probed: false,
            talked: Default::default(),
        };
        if let Some(call) = tie.call() {
            self.calls.insert(call, leg.id);
        }
        self.parties.insert(leg.id, party);
    }

    pub(super) fn opens_at(&self, now: Millis) -> Option<Millis> {
        self.occurrence
            .as_ref()
            .map(|held| held.value.begins_at(now) - self.early())
            .filter(|at| *at > now)
    }

    /// Keeps a call that came in on disk, with the dialog it is taken up by.
    pub(super) fn keep_guest(&mut self, leg: LegId) {
        let Some(Party {
            part: Part::Caller { guest, .. },
            ..
        }) = self.parties.get(&leg)
        else {
            return;
        };
        let (Some(dialog), Ok(body)) = (guest.dialog.clone(), serde_json::to_string(guest)) else {
            return;
        };
        let row = InboundRow {
            id: guest.id,
            company: self.company,
            started_at: guest.since,
            rtp_port: Some(guest.rtp_port),
            dialog,
            body,
        };
        self.unwritten.inbound.insert(row.id, Some(row));
    }

    pub(super) fn forget_guest(&mut self, id: uuid::Uuid) {
        self.unwritten.inbound.insert(id, None);
    }

    /// Who it is, and whether he is on the list.
    fn recognise(&self, arrival: &Arrival, room: &Room) -> Who {
        let numbers: Vec<(&Invitation, Vec<PhoneNumber>)> = self
            .seats
            .values()
            .map(|seat| (&seat.invitation, self.numbers_of(&seat.invitation.invitee)))
            .collect();
        // A number that an operator shows is no proof: behind a PIN it counts
        // only for whom we have called, and never as a moderator.
        let guarded = matches!(arrival.caller, Caller::Number(_))
            && (room.pin.is_some() || room.moderator_pin.is_some());
        let expected: Vec<Expected<'_>> = numbers
            .iter()
            .filter(|(invitation, _)| !guarded || invitation.attempts() > 0)
            .map(|(invitation, numbers)| Expected {
                invitation,
                numbers,
            })
            .collect();
        let place = way_back(&arrival.caller, &expected);
        let invitee = place
            .map(|place| place.invitee.clone())
            .or_else(|| invitee_of(&arrival.caller));
        let name = match (&invitee, &arrival.shown) {
            (Some(Invitee::Outside { name: None, .. }) | None, Some(shown)) => shown.clone(),
            (Some(invitee), _) => self.name_of(invitee),
            (None, None) => String::new(),
        };
        Who {
            name,
            role: match place.map(|place| place.role) {
                Some(Role::Moderator) if guarded => Role::Speaker,
                Some(role) => role,
                None => arrival
                    .told
                    .map_or_else(|| self.granted(arrival, room), |told| told.role),
            },
            invitee,
            class: arrival.class,
            line: arrival.line.clone(),
            invitation: place.map(|place| place.id),
        }
    }

    /// His role by what he calls from and dialled.
    fn granted(&self, arrival: &Arrival, room: &Room) -> Role {
        let page = self.shared.book.page();
        let employee = match &arrival.caller {
            Caller::Employee(id) => page
                .company(self.company)
                .and_then(|company| company.employee(*id)),
            Caller::Number(_) | Caller::Unknown => None,
        };
        let approach = Approach {
            employee: employee.is_some(),
            group: employee.and_then(|employee| employee.group.as_deref()),
            dialled: arrival.dialled.as_ref(),
        };
        approach
            .granted(&room.settings.grants)
            .unwrap_or(Role::Speaker)
    }

    fn numbers_of(&self, invitee: &Invitee) -> Vec<PhoneNumber> {
        match invitee {
            Invitee::Outside { number, .. } => vec![number.clone()],
            Invitee::Employee(id) => self.device_numbers(*id),
        }
    }

    fn device_numbers(&self, id: EmployeeId) -> Vec<PhoneNumber> {
        let page = self.shared.book.page();
        let employee = page
            .company(self.company)
            .and_then(|company| company.employee(id));
        employee
            .map(|employee| {
                employee
                    .devices
                    .iter()
                    .filter_map(|device| device.kind.number().cloned())
                    .collect()
            })
            .unwrap_or_default()
    }

    /// The caller's audio is connected: now he can hear the door, or is where he was before a restart.
    pub(super) fn on_guest_connected(&mut self, leg: LegId, now: Millis) {
        let Some(party) = self.parties.get_mut(&leg) else {
            return;
        };
        if let Some(line) = &party.who.line {
            self.shared.lines.call(
                line,
                &party.line_key(),
                LineState::Busy,
                now,
                Seen::OurCall.here(),
            );
        }
        if let Part::Caller { door, guest } = &mut party.part
            && let Some(member) = guest.member
        {
            while door.poll_output().is_some() {}
            let restored = party.to_member(member, now);
            self.name_member(leg, member);
            self.live.restore(restored);
        }
    }

    /// Carries out what the door asks for, once the caller can hear it.
    pub(super) async fn follow_caller(&mut self, leg: LegId) {
        while let Some(Party {
            part: Part::Caller { door, guest },
            codec: Some(_),
            ..
        }) = self.parties.get_mut(&leg)
        {
            let Some(output) = door.poll_output() else {
                return;
            };
            match output {
                Output::Play { phrases, mode } => self.play(leg, &phrases, mode).await,
                Output::HoldMusic => self.play_music(leg),
                Output::Join(role) => self.let_in(leg, role).await,
                Output::Knock(role) => self.on_knock(leg, role),
                Output::RightPin => self.shared.pins().on_right(&guest.source),
                Output::WrongPin => {
                    let (source, now) = (guest.source.clone(), clock::now());
                    self.shared.pins().on_wrong(&source, self.room, now);
                    // He may be guessing in many calls at once.
                    if self.shared.pins().may_try(&source, self.room, now).is_err() {
                        door.on_watched(now);
                    }
                }
                Output::HangUp => self.hang_up_caller(leg, clock::now()).await,
            }
        }
    }

    async fn hang_up_caller(&mut self, leg: LegId, now: Millis) {
        if let Some(party) = self.parties.get(&leg) {
            party.tie.hang_up(self.shared.switchboard.signalling());
        }
        self.on_caller_gone(leg, LeaveWay::Key, now).await;
    }

    /// Half a PIN and a hung-up call is a guess like any other.
    fn count_wrong_pins(&self, door: &mut Entrance, source: &str) {
        while let Some(output) = door.poll_output() {
            match output {
                Output::WrongPin => self.shared.pins().on_wrong(source, self.room, clock::now()),
                Output::RightPin => self.shared.pins().on_right(source),
                Output::Play { .. }
                | Output::HoldMusic
                | Output::Join(_)
                | Output::Knock(_)
                | Output::HangUp => {}
            }
        }
    }

    async fn let_in(&mut self, leg: LegId, role: Role) {
        let now = clock::now();
        let member = self
            .waits_no_more(leg, WaitingEnd::LetIn)
            .unwrap_or_else(|| MemberId::new(now, clock::random()));
        let Some(party) = self.parties.get_mut(&leg) else {
            return;
        };
        party.who.role = role;
        let invitation = party.who.invitation;
        if let Part::Caller { guest, .. } = &mut party.part {
            guest.who.role = role;
            guest.member = Some(member);
        }
        if let Some(Party {
            tie: Tie::Browser(id),
            ..
        }) = self.parties.get(&leg)
        {
            self.shared.browsers.let_in(*id, member);
        }
        self.keep_guest(leg);
        if let Some(id) = invitation {
            self.change(id, |one| one.on_called_in(member, now)).await;
        }
        self.seat(leg, member, now);
    }

    /// A caller hung up, was taken out, or has heard why he may not come in.
    pub(super) async fn on_caller_gone(&mut self, leg: LegId, way: LeaveWay, now: Millis) {
        if let Some(member) = self.parties.get(&leg).and_then(|party| party.member) {
            self.live.leave(member, way);
            Box::pin(self.follow_room()).await;
        }
        if self.waits_no_more(leg, WaitingEnd::Left).is_some() {
            // The moderators hear who is next.
            Box::pin(self.follow_room()).await;
        }
        let Some(party) = self.dismiss(leg) else {
            return;
        };
        match party.tie {
            Tie::Call(call) => _ = self.calls.remove(&call),
            Tie::Browser(id) => self.shared.browsers.remove(id),
        }
        self.shared.media.close(leg);
        if let Some(line) = &party.who.line {
            self.shared.lines.call_ended(line, &party.line_key(), now);
        }
        let was = match &party.part {
            Part::Caller { guest, .. } => guest.member,
            Part::Called { .. } => None,
        };
        if let Part::Caller { mut door, guest } = party.part {
            door.on_gone();
            self.count_wrong_pins(&mut door, &guest.source);
            self.forget_guest(guest.id);
        }
        if let (Some(id), Some(member)) = (party.who.invitation, party.member.or(was)) {
            self.on_guest_left(id, member, way, now).await;
        }
    }
}

fn invitee_of(caller: &Caller) -> Option<Invitee> {
    match caller {
        Caller::Employee(id) => Some(Invitee::Employee(*id)),
        Caller::Number(number) => Some(Invitee::Outside {
            name: None,
            number: number.clone(),
        }),
        Caller::Unknown => None,
    }
}
