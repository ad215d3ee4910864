//! Calls that come in: whose they are, what they dialled, and who takes them.
//!
//! A phone of ours reaches its company's rooms and colleagues. An operator's
//! trunk reaches rooms by their city numbers, events by theirs in their hours, and, for a mobile that is a line
//! of ours, by their short numbers as well. Whom the company lets, calls numbers outside: from a phone
//! that logs in with us, or from an IP-SIM for which its own trunk vouches. Nobody else gets as far as this.

use std::sync::Arc;

use domain::{
    AttemptId, CompanyId, DeviceId, EmployeeId, NumberId, PhoneNumber, RoomId, ShortNumber,
    TrunkId,
    desk::Desk,
    employee::{Device, DeviceClass, Employee},
    entrance::{Caller as AtDoor, Expected, way_back},
    event_number::{self, Stand},
    line::LineKey,
    meeting::Invitee,
    numbering,
    occurrence::Occurrence,
    role::Approach,
    speech::{self, Phrase},
};
use media::Family;
use sip::{CallId, Caller, Incoming, Rejection};
use store::{CompanyDirectory, Person, StoreError};
use uuid::Uuid;

use crate::{
    booth::{self, Visitor},
    bridge::{self, Callee, Connection},
    clock,
    conference::{Arrival, Bell, Conferences, Message, ToldOf, spent_on},
    dialling::family_of,
    directory::{Dialled, Numbers},
    own_calls::Wish,
    secretary::Secretary,
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
    /// He has logged in, or the trunk that is his line's own says who he is: more than a
    /// number that is shown.
    vouched: bool,
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
                    vouched: true,
                };
                // The number that rang his mobile, dialled on his desk phone.
                let missed = self
                    .called_back(&from, [Some(dialled.as_str()), None])
                    .await;
                let to = missed.unwrap_or_else(|| owner.company.dialled(&dialled));
                (from, to)
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
                let vouched = incoming.asserted_user.is_some()
                    && own.is_some_and(|(_, device)| company.is_of_trunk(device.id, trunk.id));
                let source = format!("{} {}", trunk.id, shown.map_or("", String::as_str));
                let from = From {
                    company,
                    own,
                    number,
                    source,
                    vouched,
                };
                let to = self
                    .behind_trunk(&from, &dialled, incoming.to_user.as_deref())
                    .await;
                (from, to)
            }
        };
        let to = match to {
            Dialled::Nothing => outside(&from, &dialled),
            to => to,
        };
        if let Some((_, device)) = from.own {
            self.shared.lines.seen(&device.line(), clock::now());
        }
        tracing::info!(%dialled, ?to, call_id = incoming.sip_call_id, "A call came in");
        match to {
            Dialled::Room(room) => self.to_room(call, &incoming, &from, room, None),
            Dialled::Employee(employee) => self.to_colleague(call, incoming, &from, employee),
            Dialled::Service => self.to_service(call, &incoming, &from).await,
            Dialled::Event(number) => self.to_event(call, &incoming, &from, number).await,
            Dialled::Outside(number) => self.to_outside(call, incoming, &from, number).await,
            Dialled::Nothing => self.refuse(call, 404),
        }
    }

    /// What an operator's caller means: his own missed meeting, a city number, or
    /// (a mobile of ours) a short number.
    async fn behind_trunk(&self, from: &From<'_>, dialled: &str, to_user: Option<&str>) -> Dialled {
        let company = from.company;
        let event = [Some(dialled), to_user]
            .into_iter()
            .flatten()
            .find_map(|number| company.event_behind(number));
        if let Some(event) = event {
            return Dialled::Event(event.id);
        }
        if company.is_service(dialled) || to_user.is_some_and(|number| company.is_service(number)) {
            return Dialled::Service;
        }
        if let Some(missed) = self.called_back(from, [Some(dialled), to_user]).await {
            return missed;
        }
        let behind = [Some(dialled), to_user]
            .into_iter()
            .flatten()
            .find_map(|number| company.room_behind(number));
        match (behind, from.own) {
            (Some(room), _) => Dialled::Room(room),
            (None, Some(_)) => company.dialled(dialled),
            (None, None) => Dialled::Nothing,
        }
    }

    /// Whoever calls back a number of ours that rang him means the meeting he missed,
    /// by whichever of his lines.
    async fn called_back(&self, from: &From<'_>, dialled: [Option<&str>; 2]) -> Option<Dialled> {
        let company = from.company;
        let is_ours = |dialled: &str| {
            let number = PhoneNumber::parse(dialled).ok();
            company.room_behind(dialled).is_some()
                || company.trunks.iter().any(|trunk| {
                    let ours = trunk.caller_number.as_ref();
                    ours.zip(number.as_ref())
                        .is_some_and(|(ours, number)| ours.same_line(number))
                })
        };
        if !dialled.into_iter().flatten().any(is_ours) {
            return None;
        }
        match self.missed_meeting(company.company.id, from).await {
            Ok(room) => room.map(Dialled::Room),
            Err(error) => {
                tracing::warn!(%error, "Nobody knows whether this caller is expected");
                None
            }
        }
    }

    /// The room of the meeting that rang this caller and is still missing him.
    async fn missed_meeting(
        &self,
        company: CompanyId,
        from: &From<'_>,
    ) -> Result<Option<RoomId>, StoreError> {
        let page = self.shared.book.page();
        let store = &self.shared.store;
        let mut people = Vec::new();
        if let Some((employee, _)) = from.own {
            people.push(Person::Employee(employee.id));
        } else if let Some(number) = &from.number {
            people.push(Person::NumberEnding(number.ending().to_owned()));
            let employees = page.company(company).map(|company| &company.employees);
            let whose = employees.into_iter().flatten().filter(|employee| {
                let mut numbers = employee.devices.iter().filter_map(|one| one.kind.number());
                numbers.any(|own| own.same_line(number))
            });
            people.extend(whose.map(|employee| Person::Employee(employee.id)));
        }
        let mut rows = Vec::new();
        for person in &people {
            rows.extend(store.expected_now(company, person).await?);
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let under_way = store.occurrences_under_way().await?;
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
            under_way
                .iter()
                .find(|row| row.value.id == id && row.value.is_under_way())
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

    /// Into the event in its hours; outside them he hears when they are or were.
    async fn to_event(&self, call: CallId, incoming: &Incoming, from: &From<'_>, number: NumberId) {
        let now = clock::now();
        let bound = from
            .company
            .event_numbers
            .iter()
            .find(|event| event.id == number)
            .and_then(|event| Some((event, event.binding.as_ref()?)));
        let Some((event, binding)) = bound else {
            return self.refuse(call, 404);
        };
        let dates = match self.shared.store.occurrences_of(binding.meeting).await {
            Ok(dates) => dates,
            Err(error) => {
                tracing::warn!(%error, "Nobody knows when this number's event is");
                return self.refuse(call, 503);
            }
        };
        let dates: Vec<Occurrence> = dates.into_iter().map(|date| date.value).collect();
        let company = from.company.company.id;
        let planned = match self.shared.store.meeting(company, binding.meeting).await {
            Ok(meeting) => event_number::planned(&meeting, &dates, now),
            // Removed since.
            Err(_) => None,
        };
        let zone = from.company.company.zone;
        match binding.stand(&dates, planned, now) {
            Stand::Free | Stand::Resting { .. } => self.refuse(call, 404),
            Stand::Before { starts_at } => {
                self.say(
                    call,
                    incoming,
                    from,
                    speech::event_begins(starts_at, zone, now),
                );
            }
            Stand::Over { .. } => self.say(call, incoming, from, speech::event_over()),
            Stand::Open {
                room,
                occurrence,
                starts_at,
            } => {
                let employee = from.own.map(|(employee, _)| employee);
                let approach = Approach {
                    employee: employee.is_some(),
                    group: employee.and_then(|employee| employee.group.as_deref()),
                    dialled: Some(&event.number),
                };
                let told = ToldOf {
                    occurrence,
                    starts_at,
                    role: binding.role(&approach),
                };
                self.to_room(call, incoming, from, room, Some(told));
            }
        }
    }

    /// To the desk, where meetings are planned by keys.
    async fn to_service(&self, call: CallId, incoming: &Incoming, from: &From<'_>) {
        let company = &from.company.company;
        let secretary = Secretary::new(self.shared.clone(), company.id, from.source.clone());
        let (now, zone) = (clock::now(), company.zone);
        let known = match from.own {
            Some((employee, _)) => secretary.visitor(employee.id).await,
            None => None,
        };
        let desk = match known {
            None if !secretary.may_try() => Desk::notice(speech::pin_locked(), now),
            known => Desk::service(known, zone, now),
        };
        let visitor = Visitor {
            call,
            family: family_of_caller(incoming),
            language: company.language,
        };
        tokio::spawn(booth::serve(
            self.shared.clone(),
            visitor,
            desk,
            Some(secretary),
        ));
    }

    /// Lets a caller hear something, and hangs up.
    fn say(&self, call: CallId, incoming: &Incoming, from: &From<'_>, phrases: Vec<Phrase>) {
        let visitor = Visitor {
            call,
            family: family_of_caller(incoming),
            language: from.company.company.language,
        };
        let desk = Desk::notice(phrases, clock::now());
        tokio::spawn(booth::serve(self.shared.clone(), visitor, desk, None));
    }

    fn to_room(
        &self,
        call: CallId,
        incoming: &Incoming,
        from: &From<'_>,
        room: RoomId,
        told: Option<ToldOf>,
    ) {
        let arrival = Arrival {
            bell: Bell::Call {
                call,
                family: family_of_caller(incoming),
            },
            caller: at_door(from),
            shown: incoming.from_display.clone(),
            class: from
                .own
                .map_or(DeviceClass::Outside, |(_, device)| device.kind.class()),
            line: line_of(from),
            dialled: [incoming.dialled.user.as_ref(), incoming.to_user.as_ref()]
                .into_iter()
                .flatten()
                .find(|dialled| from.company.room_behind(dialled).is_some())
                .and_then(|dialled| PhoneNumber::parse(dialled).ok()),
            source: from.source.clone(),
            told,
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
        if from.company.wants_quiet(callee, clock::now()) {
            return self.refuse(call, 480);
        }
        let connection = Connection {
            call,
            incoming,
            caller_line: device.line(),
            from: bridge::caller_party(
                &from.company.company,
                &employee.name,
                employee.extension.as_str(),
            ),
            to: Callee::Colleague(callee),
            company: from.company.company.id,
            id: new_talk(),
        };
        tokio::spawn(bridge::connect(self.shared.clone(), connection));
    }

    /// To a number outside, if the company lets him and its limits do.
    async fn to_outside(
        &self,
        call: CallId,
        incoming: Incoming,
        from: &From<'_>,
        number: PhoneNumber,
    ) {
        let Some((employee, device)) = from.own else {
            return self.refuse(call, 404);
        };
        let company = &from.company.company;
        if company.limits.own_calls.is_none() {
            // Where nobody calls outside, there is no such number.
            return self.refuse(call, 404);
        }
        let (id, now) = (new_talk(), clock::now());
        let day_begins = now.day_begins(company.zone).unwrap_or(now);
        let attempts = match self
            .shared
            .store
            .attempts_since(company.id, day_begins)
            .await
        {
            Ok(attempts) => attempts,
            Err(error) => {
                tracing::warn!(%error, "Nobody knows what the company has spent today");
                return self.refuse(call, 503);
            }
        };
        let wish = Wish {
            id,
            company: company.id,
            employee: employee.id,
            group: employee.group.as_deref(),
            number: &numbering::in_full(&number, company.zone),
            day_begins,
            of_meetings: spent_on(company, &attempts, now),
        };
        let row = match self.shared.own_calls.begin(wish, &company.limits, now) {
            Ok(row) => row,
            Err(refused) => {
                tracing::info!(employee = employee.name, %number, %refused, "A call outside is refused");
                return self.refuse(call, 403);
            }
        };
        if let Err(error) = self.shared.store.save_own_call(&row).await {
            tracing::warn!(%error, "A call outside is not made: it cannot be put on record");
            self.shared.own_calls.ended(id, now);
            return self.refuse(call, 503);
        }
        let connection = Connection {
            call,
            incoming,
            caller_line: device.line(),
            from: bridge::caller_party(company, &employee.name, employee.extension.as_str()),
            to: Callee::Outside(number),
            company: company.id,
            id,
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

/// The number outside that was meant, where the one who dialled it is surely one of ours.
fn outside(from: &From<'_>, dialled: &str) -> Dialled {
    let is_short = ShortNumber::parse(dialled).is_ok();
    match PhoneNumber::parse(dialled) {
        Ok(number) if from.own.is_some() && from.vouched && !is_short => Dialled::Outside(number),
        Ok(_) | Err(_) => Dialled::Nothing,
    }
}

fn new_talk() -> Uuid {
    AttemptId::new(clock::now(), clock::random()).uuid()
}

fn family_of_caller(incoming: &Incoming) -> Family {
    incoming
        .media
        .as_ref()
        .map_or(Family::V4, |media| family_of(media.remote.ip()))
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
