//! What may be dropped where, and what that would do: the sentence in the slot, before the drop.
//!
//! The same offers stand in the menu of a row and in the sheet on a phone, so that the pointer
//! is only the fastest way to an act and never the only one.

use api::{
    Device, DeviceKind, EmployeeId, Finish, InvitationId, InvitationStatus, LineState, MemberId,
    Person, Role, RoomId,
};

use super::{Live, words::Words};
use crate::format;

/// What is being carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cargo {
    Person(EmployeeId),
    Member(MemberId),
    Missing(InvitationId),
    /// Somebody in the form of a meeting.
    Guest(EmployeeId),
}

/// Where it may land.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Speakers,
    Listeners,
    Missing,
    People,
    /// The list of people in the form of a meeting.
    Invited,
}

pub const PLACES: [Place; 5] = [
    Place::Speakers,
    Place::Listeners,
    Place::Missing,
    Place::People,
    Place::Invited,
];

impl Place {
    pub fn name(self) -> &'static str {
        match self {
            Place::Speakers => "speakers",
            Place::Listeners => "listeners",
            Place::Missing => "missing",
            Place::People => "people",
            Place::Invited => "invited",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        PLACES.into_iter().find(|place| place.name() == name)
    }
}

/// One act of the board, as it goes to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Call {
        room: RoomId,
        person: EmployeeId,
        role: Role,
    },
    CallAgain {
        invitation: InvitationId,
    },
    /// Call him by the rules of the meeting that is on.
    Expect {
        room: RoomId,
        person: EmployeeId,
    },
    StopCalling {
        invitation: InvitationId,
    },
    TakeOut {
        room: RoomId,
        member: MemberId,
    },
    SetRole {
        room: RoomId,
        member: MemberId,
        role: Role,
    },
    /// Into the form of the meeting; nothing goes to the server yet.
    Invite {
        person: EmployeeId,
    },
    /// Out of it again.
    Uninvite {
        person: EmployeeId,
    },
}

/// What a place says about what is held over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// The place stays as it is.
    None,
    Take {
        act: Act,
        /// "Call +7 916 204-11-38 and join"
        title: String,
        /// "as a speaker; the line is free"
        sub: String,
        /// The quiet line of a place that is not under the pointer.
        hint: String,
        /// Asked in the slot before it is done.
        ask: Option<String>,
    },
    Refuse(String),
}

/// Where the board is: what may be dropped depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    Room(RoomId),
    /// The form of a meeting.
    Form,
}

pub fn offer(live: &Live, words: Words, scene: Scene, cargo: Cargo, place: Place) -> Offer {
    match (scene, cargo) {
        (Scene::Room(room), Cargo::Person(person)) => over_person(live, words, room, person, place),
        (Scene::Room(_), Cargo::Member(member)) => over_member(live, words, member, place),
        (Scene::Room(_), Cargo::Missing(invitation)) => {
            over_missing(live, words, invitation, place)
        }
        (Scene::Form, Cargo::Person(person)) => into_form(live, words, person, place),
        (Scene::Form, Cargo::Guest(person)) => out_of_form(live, words, person, place),
        (Scene::Form, Cargo::Member(_) | Cargo::Missing(_)) | (Scene::Room(_), Cargo::Guest(_)) => {
            Offer::None
        }
    }
}

fn take(act: Act, title: String, sub: String, hint: &str) -> Offer {
    Offer::Take {
        act,
        title,
        sub,
        hint: hint.to_owned(),
        ask: None,
    }
}

fn over_person(live: &Live, words: Words, room: RoomId, id: EmployeeId, place: Place) -> Offer {
    let t = words.t;
    let Some(person) = live.people.get(&id) else {
        return Offer::None;
    };
    let role = match place {
        Place::Speakers => Role::Speaker,
        Place::Listeners => Role::Listener,
        Place::Missing => return expect(live, words, room, id),
        Place::People | Place::Invited => return Offer::None,
    };
    if let Some(member) = live.member_of(id) {
        if member.room_id == room {
            return if place_of(member.role) == place {
                Offer::None
            } else {
                change_role(words, room, member.id, role)
            };
        }
        let number = live
            .rooms
            .get(&member.room_id)
            .map_or("", |room| room.number.as_str());
        return Offer::Refuse(t.refuse_in_other_room(&number));
    }
    let here = live.occurrence_in(room).map(|occurrence| occurrence.id);
    if let Some(call) = live.call_under_way(id) {
        return Offer::Refuse(match live.occurrences.get(&call.occurrence_id) {
            Some(other) if Some(other.id) != here && !other.title.is_empty() => {
                t.refuse_called_for(&other.title)
            }
            _ => t.refuse_being_called().to_owned(),
        });
    }
    let Some(device) = person.devices.first() else {
        return Offer::Refuse(t.refuse_no_device().to_owned());
    };
    let line = if person.line.dnd {
        t.with_line_dnd()
    } else {
        match person.line.state {
            LineState::Free => t.with_line_free(),
            LineState::Ringing => t.with_line_ringing(),
            LineState::Busy => t.with_line_busy(),
            LineState::Offline => t.with_line_offline(),
            LineState::Unknown => t.with_line_unknown(),
        }
    };
    let (sub, hint) = if role == Role::Listener {
        (t.as_listener(&line), t.hint_listener())
    } else {
        (t.as_speaker(&line), t.hint_speaker())
    };
    let declined = here
        .and_then(|here| live.invitation_of(id, here))
        .and_then(|invitation| match invitation.status {
            InvitationStatus::Finished {
                why: Finish::Declined | Finish::CannotCome,
                at,
            } => Some(at),
            _ => None,
        });
    Offer::Take {
        act: Act::Call {
            room,
            person: id,
            role,
        },
        title: t.call_and_join(&called_by(person, device)),
        sub,
        hint: hint.to_owned(),
        ask: declined.map(|at| t.ask_declined(&words.short(at))),
    }
}

/// What one would dial oneself: a desk phone has only its extension.
fn called_by(person: &Person, device: &Device) -> String {
    match device.kind {
        DeviceKind::SipPhone => person.extension.clone(),
        DeviceKind::IpSim | DeviceKind::Outside | DeviceKind::Browser => {
            format::phone(&device.address)
        }
    }
}

fn expect(live: &Live, words: Words, room: RoomId, person: EmployeeId) -> Offer {
    let t = words.t;
    if live
        .member_of(person)
        .is_some_and(|member| member.room_id == room)
    {
        return Offer::None;
    }
    let expected = live
        .occurrence_in(room)
        .and_then(|occurrence| live.invitation_of(person, occurrence.id))
        .is_some_and(|invitation| !matches!(invitation.status, InvitationStatus::Finished { .. }));
    if expected {
        return Offer::None;
    }
    take(
        Act::Expect { room, person },
        t.expect().to_owned(),
        t.expect_sub().to_owned(),
        t.hint_expect(),
    )
}

fn over_member(live: &Live, words: Words, id: MemberId, place: Place) -> Offer {
    let t = words.t;
    let Some(member) = live.members.get(&id) else {
        return Offer::None;
    };
    match place {
        Place::People => take(
            Act::TakeOut {
                room: member.room_id,
                member: id,
            },
            t.take_out(&member.name),
            t.take_out_sub().to_owned(),
            t.hint_out(),
        ),
        Place::Speakers if member.role == Role::Listener => {
            change_role(words, member.room_id, id, Role::Speaker)
        }
        Place::Listeners if member.role != Role::Listener => {
            change_role(words, member.room_id, id, Role::Listener)
        }
        Place::Speakers | Place::Listeners | Place::Missing | Place::Invited => Offer::None,
    }
}

fn change_role(words: Words, room: RoomId, member: MemberId, role: Role) -> Offer {
    let t = words.t;
    let act = Act::SetRole { room, member, role };
    if role == Role::Listener {
        take(
            act,
            t.make_listener().to_owned(),
            t.make_listener_sub().to_owned(),
            t.make_listener(),
        )
    } else {
        take(
            act,
            t.make_speaker().to_owned(),
            t.make_speaker_sub().to_owned(),
            t.make_speaker(),
        )
    }
}

fn over_missing(live: &Live, words: Words, id: InvitationId, place: Place) -> Offer {
    let t = words.t;
    let Some(invitation) = live.invitations.get(&id) else {
        return Offer::None;
    };
    let called = matches!(
        invitation.status,
        InvitationStatus::Calling { .. } | InvitationStatus::Held { .. }
    );
    let over = matches!(invitation.status, InvitationStatus::Finished { .. });
    match place {
        Place::Speakers | Place::Listeners if called => {
            Offer::Refuse(t.refuse_being_called().to_owned())
        }
        Place::Speakers | Place::Listeners if place != place_of(invitation.role) => Offer::None,
        Place::Speakers | Place::Listeners => Offer::Take {
            act: Act::CallAgain { invitation: id },
            title: t.call_now_name(&invitation.name),
            sub: t.call_now_sub().to_owned(),
            hint: t.hint_call_now().to_owned(),
            ask: match invitation.status {
                InvitationStatus::Finished {
                    why: Finish::Declined | Finish::CannotCome,
                    at,
                } => Some(t.ask_declined(&words.short(at))),
                _ => None,
            },
        },
        Place::People if !over => take(
            Act::StopCalling { invitation: id },
            t.give_up_name(&invitation.name),
            t.give_up_sub().to_owned(),
            t.hint_give_up(),
        ),
        Place::People | Place::Missing | Place::Invited => Offer::None,
    }
}

fn into_form(live: &Live, words: Words, id: EmployeeId, place: Place) -> Offer {
    let (Place::Invited, Some(person)) = (place, live.people.get(&id)) else {
        return Offer::None;
    };
    let title = words.t.invite_by(&person.name, &person.extension);
    take(
        Act::Invite { person: id },
        title,
        String::new(),
        words.t.hint_invite(),
    )
}

fn out_of_form(live: &Live, words: Words, id: EmployeeId, place: Place) -> Offer {
    let (Place::People, Some(person)) = (place, live.people.get(&id)) else {
        return Offer::None;
    };
    take(
        Act::Uninvite { person: id },
        words.t.uninvite(&person.name),
        String::new(),
        words.t.hint_uninvite(),
    )
}

/// Where a member of this role stands in the room.
pub fn place_of(role: Role) -> Place {
    match role {
        Role::Moderator | Role::Speaker => Place::Speakers,
        Role::Listener => Place::Listeners,
    }
}

#[cfg(test)]
mod tests {
    use api::WaitReason;

    use super::{super::fixtures::*, *};

    fn offered(live: &Live, cargo: Cargo, place: Place) -> Offer {
        offer(live, words(), Scene::Room(room_id(1)), cargo, place)
    }

    fn act(offer: Offer) -> Act {
        match offer {
            Offer::Take { act, .. } => act,
            other => panic!("{other:?} takes nothing"),
        }
    }

    #[test]
    fn a_person_over_the_room_is_called_by_the_first_device() {
        let live = company();
        let Offer::Take {
            act,
            title,
            sub,
            ask,
            ..
        } = offered(&live, Cargo::Person(person_id(3)), Place::Speakers)
        else {
            panic!("the speakers take a person");
        };
        assert_eq!(
            act,
            Act::Call {
                room: room_id(1),
                person: person_id(3),
                role: Role::Speaker
            }
        );
        assert_eq!(title, "Call +7 916 204-11-38 and join");
        assert_eq!(sub, "as a speaker; the line is free");
        assert_eq!(ask, None);
    }

    #[test]
    fn nobody_is_called_twice() {
        let mut live = company();
        put(&mut live, invitation_to(3, calling(0)));
        assert_eq!(
            offered(&live, Cargo::Person(person_id(3)), Place::Speakers),
            Offer::Refuse("Already being called".to_owned())
        );
    }

    #[test]
    fn who_declined_is_asked_about_first() {
        let mut live = company();
        put(&mut live, invitation_to(3, finished(Finish::Declined)));
        let Offer::Take { ask, .. } = offered(&live, Cargo::Person(person_id(3)), Place::Speakers)
        else {
            panic!("may still be called");
        };
        assert_eq!(ask.as_deref(), Some("Declined at 00:00. Call anyway?"));
    }

    #[test]
    fn a_member_over_the_people_goes_out_and_over_the_listeners_changes_role() {
        let live = company();
        let member = Cargo::Member(member_id(2));
        assert_eq!(
            act(offered(&live, member, Place::People)),
            Act::TakeOut {
                room: room_id(1),
                member: member_id(2)
            }
        );
        assert_eq!(
            act(offered(&live, member, Place::Listeners)),
            Act::SetRole {
                room: room_id(1),
                member: member_id(2),
                role: Role::Listener
            }
        );
        assert_eq!(offered(&live, member, Place::Speakers), Offer::None);
    }

    #[test]
    fn a_person_already_here_is_not_called_again() {
        let live = company();
        assert_eq!(
            offered(&live, Cargo::Person(person_id(1)), Place::Speakers),
            Offer::None
        );
        assert_eq!(
            offered(&live, Cargo::Person(person_id(1)), Place::Missing),
            Offer::None
        );
    }

    #[test]
    fn a_missing_person_is_called_now_in_the_role_of_the_invitation() {
        let mut live = company();
        put(
            &mut live,
            invitation_to(3, waiting(60_000, WaitReason::Retry)),
        );
        let missing = Cargo::Missing(invitation_id(3));
        assert_eq!(
            act(offered(&live, missing, Place::Speakers)),
            Act::CallAgain {
                invitation: invitation_id(3)
            }
        );
        assert_eq!(offered(&live, missing, Place::Listeners), Offer::None);
        assert_eq!(
            act(offered(&live, missing, Place::People)),
            Act::StopCalling {
                invitation: invitation_id(3)
            }
        );
    }

    #[test]
    fn every_place_is_found_by_its_name() {
        assert_eq!(
            PLACES.map(|place| Place::named(place.name())),
            PLACES.map(Some)
        );
    }
}
