//! Calls that come in: whose they are, what they dialled, and who takes them.
//!
//! A phone of ours reaches its company's rooms and colleagues. An operator's
//! trunk reaches rooms by their city numbers, and, for a mobile that is a line
//! of ours, by their short numbers as well. Nobody else gets as far as this.

use std::sync::Arc;

use domain::{
    CompanyId, DeviceId, EmployeeId, PhoneNumber, RoomId, TrunkId,
    employee::{Device, DeviceClass, Employee},
    entrance::{Caller as AtDoor, Expected, way_back},
    line::LineKey,
    meeting::Invitee,
    occurrence::Status,
};
use media::Family;
use sip::{CallId, Caller, Incoming, Rejection};
use store::{CompanyDirectory, StoreError};

use crate::{
    bridge::{self, Connection},
    clock,
    conference::{Arrival, Conferences, Message},
    dialling::family_of,
    directory::{Dialled, Numbers},
    shared::Shared,
};

pub struct Exchange {
    pub shared: Arc<Shared>,
    pub conferences: Arc<Conferences>,
}

/// Who calls.
struct From<'a> {
    company: &'a CompanyDirectory,
    /// The employee and the device of his that calls.
    own: Option<(&'a Employee, &'a Device)>,
    number: Option<PhoneNumber>,
    source: String,
}

impl Exchange {
    /// Finds the one who takes the call, or refuses it.
    pub async fn take(&self, call: CallId, incoming: Incoming) {
        let page = self.shared.book.page();
        let dialled = incoming.dialled.user.clone().unwrap_or_default();
        let (from, to) = match incoming.caller {
            Caller::Account(account) => {
                let device = DeviceId::from_uuid(account.0);
                let Some(owner) = page.device(device) else {
                    return self.refuse(call, 403);
                };
                let from = From {
                    company: owner.company,
                    own: Some((owner.employee, owner.device)),
                    number: owner.device.kind.number().cloned(),
                    source: device.to_string(),
                };
                (from, owner.company.dialled(&dialled))
            }
            Caller::Trunk(trunk) => {
                let Some((company, trunk)) = page.trunk_for(
                    TrunkId::from_uuid(trunk.0),
                    [Some(&dialled), incoming.to_user.as_ref()],
                ) else {
                    return self.refuse(call, 403);
                };
                let shown = incoming
                    .asserted_user
                    .as_ref()
                    .or(incoming.from_user.as_ref());
                let own = shown.and_then(|shown| company.mobile_calling(shown, trunk.id));
                let number = shown.and_then(|shown| PhoneNumber::parse(shown).ok());
                let source = format!("{} {}", trunk.id, shown.map_or("", String::as_str));
                let from = From {
                    company,
                    own,
                    number,
                    source,
                };
                let to = self
                    .behind_trunk(&from, &dialled, incoming.to_user.as_deref())
                    .await;
                (from, to)
            }
        };
        if let Some((_, device)) = from.own {
            self.shared.lines.seen(&device.line(), clock::now());
        }
        tracing::info!(%dialled, ?to, call_id = incoming.sip_call_id, "A call came in");
        match to {
            Dialled::Room(room) => self.to_room(call, &incoming, &from, room),
            Dialled::Employee(employee) => self.to_colleague(call, incoming, &from, employee),
            Dialled::Nothing => self.refuse(call, 404),
        }
    }

    /// What an operator's caller means: his own missed meeting, a city number, or
    /// (a mobile of ours) a short number.
    async fn behind_trunk(&self, from: &From<'_>, dialled: &str, to_user: Option<&str>) -> Dialled {
        let company = from.company;
        let behind = [Some(dialled), to_user]
            .into_iter()
            .flatten()
            .find_map(|number| company.room_behind(number));
        let is_ours = behind.is_some()
            || company.trunks.iter().any(|trunk| {
                let number = PhoneNumber::parse(dialled).ok();
                trunk
                    .caller_number
                    .as_ref()
                    .zip(number)
                    .is_some_and(|(ours, number)| ours.same_line(&number))
            });
        if is_ours {
            match self.missed_meeting(company.company.id, from).await {
                Ok(Some(room)) => return Dialled::Room(room),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "Nobody knows whether this caller is expected")
                }
            }
        }
        match (behind, from.own) {
            (Some(room), _) => Dialled::Room(room),
            (None, Some(_)) => company.dialled(dialled),
            (None, None) => Dialled::Nothing,
        }
    }

    /// The room of the meeting that rang this caller and is still missing him.
    async fn missed_meeting(
        &self,
        company: CompanyId,
        from: &From<'_>,
    ) -> Result<Option<RoomId>, StoreError> {
        let page = self.shared.book.page();
        let under_way = self.shared.store.occurrences_under_way().await?;
        let rows = self.shared.store.current_invitations(company).await?;
        let numbers: Vec<Vec<PhoneNumber>> = rows
            .iter()
            .map(|row| match &row.invitation.invitee {
                Invitee::Outside { number, .. } => vec![number.clone()],
                Invitee::Employee(id) => page
                    .company(company)
                    .and_then(|company| company.employee(*id))
                    .map(|employee| {
                        employee
                            .devices
                            .iter()
                            .filter_map(|one| one.kind.number().cloned())
                            .collect()
                    })
                    .unwrap_or_default(),
            })
            .collect();
        let open = |id| {
            under_way.iter().find(|row| {
                row.value.id == id
                    && matches!(
                        row.value.status,
                        Status::Calling { .. } | Status::Live { .. }
                    )
            })
        };
        let expected: Vec<Expected<'_>> = rows
            .iter()
            .zip(&numbers)
            .filter(|(row, _)| {
                row.invitation.attempts() > 0 && open(row.invitation.occurrence).is_some()
            })
            .map(|(row, numbers)| Expected {
                invitation: &row.invitation,
                numbers,
            })
            .collect();
        let found = way_back(&at_door(from), &expected);
        Ok(found
            .and_then(|invitation| open(invitation.occurrence))
            .map(|row| row.value.room))
    }

    fn to_room(&self, call: CallId, incoming: &Incoming, from: &From<'_>, room: RoomId) {
        let arrival = Arrival {
            call,
            family: incoming
                .media
                .as_ref()
                .map_or(Family::V4, |media| family_of(media.remote.ip())),
            caller: at_door(from),
            shown: incoming.from_display.clone(),
            class: from
                .own
                .map_or(DeviceClass::Outside, |(_, device)| device.kind.class()),
            line: line_of(from),
            source: from.source.clone(),
        };
        let message = Message::Arrival(Box::new(arrival));
        self.conferences
            .tell(&self.shared, from.company.company.id, room, message);
    }

    fn to_colleague(&self, call: CallId, incoming: Incoming, from: &From<'_>, callee: EmployeeId) {
        let Some((employee, device)) = from.own else {
            // Nobody from outside reaches an extension.
            return self.refuse(call, 404);
        };
        let connection = Connection {
            call,
            incoming,
            caller_line: device.line(),
            from: bridge::caller_party(
                &from.company.company,
                &employee.name,
                employee.extension.as_str(),
            ),
            callee,
        };
        tokio::spawn(bridge::connect(self.shared.clone(), connection));
    }

    fn refuse(&self, call: CallId, status: u16) {
        self.shared.switchboard.let_go(call);
        self.shared
            .switchboard
            .signalling()
            .reject(call, Rejection::status(status));
    }
}

fn at_door(from: &From<'_>) -> AtDoor {
    match (from.own, &from.number) {
        (Some((employee, _)), _) => AtDoor::Employee(employee.id),
        (None, Some(number)) => AtDoor::Number(number.clone()),
        (None, None) => AtDoor::Unknown,
    }
}

fn line_of(from: &From<'_>) -> Option<LineKey> {
    match (from.own, &from.number) {
        (Some((_, device)), _) => Some(device.line()),
        (None, Some(number)) => Some(LineKey::Number(number.clone())),
        (None, None) => None,
    }
}
