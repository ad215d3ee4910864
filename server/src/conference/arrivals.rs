//! Calls that come in: at the door, and through it.

use std::time::Duration;

use domain::{
    EmployeeId, MemberId, Millis, PhoneNumber, Role,
    attempt::LeaveWay,
    employee::DeviceClass,
    entrance::{Caller, Entrance, Expected, Known, Output, way_back},
    invitation::Invitation,
    line::{LineKey, LineState},
    meeting::Invitee,
};
use media::{Family, LegId};
use sip::{CallId, LocalMedia, Rejection};

use super::{
    Conference,
    party::{Part, Party, Who},
};
use crate::clock;

/// A call that wants into the room.
#[derive(Debug)]
pub struct Arrival {
    pub call: CallId,
    /// Which of our addresses its audio uses.
    pub family: Family,
    pub caller: Caller,
    /// The name the caller's side shows.
    pub shown: Option<String>,
    pub class: DeviceClass,
    pub line: Option<LineKey>,
    /// What wrong PINs are counted by: something he cannot change at will.
    pub source: String,
}

impl Conference {
    pub(super) async fn on_arrival(&mut self, arrival: Arrival) {
        let now = clock::now();
        self.refresh().await;
        let signalling = self.shared.switchboard.signalling().clone();
        let page = self.shared.book.page();
        let Some((_, room)) = page.room(self.room) else {
            return signalling.reject(arrival.call, Rejection::status(404));
        };
        let leg = match self
            .shared
            .media
            .open(arrival.family, None, self.out.legs.clone())
        {
            Ok(leg) => leg,
            Err(error) => {
                tracing::error!(%error, "No audio for a call that came in");
                let busy = Rejection {
                    retry_after: Some(Duration::from_secs(5)),
                    ..Rejection::status(503)
                };
                return signalling.reject(arrival.call, busy);
            }
        };
        let who = self.recognise(&arrival);
        let known = match who.invitation {
            Some(_) => Known::Expected(who.role),
            None => Known::Stranger,
        };
        let opens_at = self
            .occurrence
            .as_ref()
            .map(|held| held.value.starts_at)
            .filter(|at| *at > now);
        let watched = self.shared.pins().may_try(&arrival.source, self.room, now);
        let door = Entrance::new(room.clone(), known, opens_at, watched, now);
        let party = Party {
            call: arrival.call,
            who,
            part: Part::Caller {
                door: Box::new(door),
                source: arrival.source,
            },
            media: None,
            hears: 0,
            member: None,
            quality: None,
        };
        self.calls.insert(arrival.call, leg.id);
        self.parties.insert(leg.id, party);
        self.shared
            .switchboard
            .take(arrival.call, self.out.sip.clone());
        signalling.answer(arrival.call, LocalMedia::at(leg.local));
    }

    /// Who it is, and whether he is on the list.
    fn recognise(&self, arrival: &Arrival) -> Who {
        let numbers: Vec<(&Invitation, Vec<PhoneNumber>)> = self
            .seats
            .values()
            .map(|seat| (&seat.invitation, self.numbers_of(&seat.invitation.invitee)))
            .collect();
        let expected: Vec<Expected<'_>> = numbers
            .iter()
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
            role: place.map_or(Role::Speaker, |place| place.role),
            invitee,
            class: arrival.class,
            line: arrival.line.clone(),
            invitation: place.map(|place| place.id),
        }
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

    /// The caller's audio is connected: now he can hear the door.
    pub(super) async fn open_the_door(&mut self, leg: LegId, now: Millis) {
        if let Some(party) = self.parties.get(&leg)
            && let Some(line) = &party.who.line
        {
            self.shared.lines.call(
                line,
                &party.line_key(),
                LineState::Busy,
                now,
                "in a call of ours",
            );
        }
    }

    /// Carries out what the door asks for, once the caller can hear it.
    pub(super) async fn follow_caller(&mut self, leg: LegId) {
        while let Some(Party {
            part: Part::Caller { door, source },
            media: Some(_),
            ..
        }) = self.parties.get_mut(&leg)
        {
            let Some(output) = door.poll_output() else {
                return;
            };
            match output {
                Output::Play { phrases, mode } => self.play(leg, &phrases, mode).await,
                Output::HoldMusic => self.play_music(leg),
                Output::Join(role) => {
                    self.shared.pins().on_right(source);
                    self.let_in(leg, role).await;
                }
                Output::WrongPin => {
                    let source = source.clone();
                    self.shared
                        .pins()
                        .on_wrong(&source, self.room, clock::now());
                }
                Output::HangUp => {
                    if let Some(party) = self.parties.get(&leg) {
                        self.shared
                            .switchboard
                            .signalling()
                            .hang_up(party.call, Vec::new());
                    }
                    self.on_caller_gone(leg, LeaveWay::Key, clock::now()).await;
                }
            }
        }
    }

    async fn let_in(&mut self, leg: LegId, role: Role) {
        let now = clock::now();
        let member = MemberId::new(now, clock::random());
        let Some(party) = self.parties.get_mut(&leg) else {
            return;
        };
        party.who.role = role;
        if let Some(id) = party.who.invitation {
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
        let Some(party) = self.parties.remove(&leg) else {
            return;
        };
        self.calls.remove(&party.call);
        self.shared.media.close(leg);
        if let Some(line) = &party.who.line {
            self.shared.lines.call_ended(line, &party.line_key(), now);
        }
        if let (Some(id), Some(member)) = (party.who.invitation, party.member) {
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
