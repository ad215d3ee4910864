//! Those who wait at the door until a moderator lets them in.
//!
//! The room decides about them, by whomever it is told to; their doors carry it out, and
//! the boards hear of them. A call that waits keeps its place over a restart.

use api::{EventKind, WaitingEnd, WaitingOver};
use domain::{
    MemberId, Role,
    live::{Member, Waiting},
    speech::{self, Phrase},
};
use media::LegId;

use super::{Conference, party::Part};
use crate::clock;

impl Conference {
    /// Whether everybody who is not expected has to be let in.
    pub(super) fn has_lobby(&self) -> bool {
        let page = self.shared.book.page();
        page.room(self.room)
            .is_some_and(|(_, room)| room.settings.lobby)
            || self.meeting.as_ref().is_some_and(|meeting| meeting.lobby)
    }

    /// A caller stands at the door and asks to be let in.
    pub(super) fn on_knock(&mut self, leg: LegId, role: Role) {
        let now = clock::now();
        let room = self.room;
        let Some(party) = self.parties.get_mut(&leg) else {
            return;
        };
        party.who.role = role;
        let shown = party.to_member(MemberId::new(now, clock::random()), now);
        let name = spoken(&shown);
        let Part::Caller { guest, .. } = &mut party.part else {
            return;
        };
        guest.who.role = role;
        // After a restart he is still the same one.
        let id = *guest.knocks.get_or_insert(shown.id);
        let waiting = api::Waiting {
            id,
            room_id: room,
            name: shown.name,
            employee_id: shown.employee,
            number: shown.number.map(|number| number.to_string()),
            device_kind: shown.class,
            role,
            since_at: guest.since.0,
        };
        self.keep_guest(leg);
        self.shared
            .members
            .knock(self.company, waiting.clone(), self.out.orders.clone());
        self.unwritten.events.push(EventKind::Waiting(waiting));
        self.live.knock(Waiting { id, name });
    }

    /// A moderator decided about one who waits.
    pub(super) async fn on_decided(&mut self, id: MemberId, lets_in: bool) {
        let found = self.parties.iter_mut().find_map(|(leg, party)| {
            let Part::Caller { door, guest } = &mut party.part else {
                return None;
            };
            (guest.knocks == Some(id)).then_some((*leg, door))
        });
        let Some((leg, door)) = found else {
            return;
        };
        match lets_in {
            true => door.on_let_in(),
            false => door.on_sent_away(clock::now()),
        }
        if !lets_in {
            self.waits_no_more(leg, WaitingEnd::SentAway);
            self.keep_guest(leg);
        }
        Box::pin(self.follow_caller(leg)).await;
    }

    /// He waits no more; the member he becomes, if he waited.
    pub(super) fn waits_no_more(&mut self, leg: LegId, how: WaitingEnd) -> Option<MemberId> {
        let party = self.parties.get_mut(&leg)?;
        let Part::Caller { guest, .. } = &mut party.part else {
            return None;
        };
        let id = guest.knocks.take()?;
        self.live.stop_knocking(id);
        self.shared.members.stop_knocking(id);
        self.unwritten
            .events
            .push(EventKind::WaitingOver(WaitingOver {
                id,
                room_id: self.room,
                how,
            }));
        Some(id)
    }

    /// The room, and what is held here now, may have a lobby or none: those at the door
    /// hear of it.
    pub(super) async fn tell_of_lobby(&mut self) {
        let lobby = self.has_lobby();
        let let_in = self.parties.iter_mut().filter_map(|(leg, party)| {
            let Part::Caller { door, .. } = &mut party.part else {
                return None;
            };
            door.on_lobby(lobby).then_some(*leg)
        });
        for leg in let_in.collect::<Vec<_>>() {
            self.follow_call(leg).await;
        }
    }
}

/// How he is spoken of: by his name, else by his number.
fn spoken(member: &Member) -> Vec<Phrase> {
    match &member.number {
        Some(number) if member.name.is_empty() || member.name == number.as_str() => {
            speech::phone_number(number)
        }
        Some(_) | None => vec![member.spoken()],
    }
}
