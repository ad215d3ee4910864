//! `[[trunks]]`, `[[rooms]]` and `[[numbers]]`.

use domain::{
    PhoneNumber, Role, ShortNumber,
    employee::Secret,
    role::{Grant, Who},
    room::{Pin, RoomSettings},
    trunk::Transport,
};
use store::{
    PlannedEventNumber, PlannedNumber, PlannedPin, PlannedRegistration, PlannedRoom, PlannedTrunk,
};

use super::{
    read::{Names, ROOM, TRUNK},
    status,
};
use crate::toml_reader::{Section, Source};

pub(super) fn trunks(
    source: &mut Source<'_>,
    root: &mut Section<'_>,
    names: &mut Names,
) -> Vec<PlannedTrunk> {
    root.sections(source, "trunks", |source, section| {
        let name = section.required_text(source, "name").map(str::to_owned);
        if let Some(name) = &name
            && names.take(TRUNK, name, name).is_some()
        {
            section.refuse(source, "name", format!("there is another trunk \"{name}\""));
        }
        let named = section.required_text(source, "address");
        let address = named.and_then(|named| host_and_port(source, section, "address", named));
        let proxy = section.text(source, "proxy");
        let proxy = proxy.and_then(|proxy| host_and_port(source, section, "proxy", proxy));
        let transport = section.word(
            source,
            "transport",
            &[("udp", Transport::Udp), ("tcp", Transport::Tcp)],
        );
        let registration = registration(source, section);
        let caller_number = section.parsed::<PhoneNumber>(source, "caller_number");
        let channels = section.number(source, "channels", 1..10_001);
        let status = section.section(source, "status", status::read).flatten();
        Some(PlannedTrunk {
            name: name?,
            address: address?,
            proxy,
            transport: transport.unwrap_or_default(),
            registration,
            caller_number,
            channels: channels.and_then(|channels| u32::try_from(channels).ok()),
            status,
        })
    })
}

/// With a user name we log in at the operator; without, he knows us by our address.
fn registration(source: &mut Source<'_>, section: &mut Section<'_>) -> Option<PlannedRegistration> {
    let username = section.text(source, "username").map(str::to_owned);
    let secret = section.text(source, "secret").map(Secret::new);
    let realm = section.text(source, "realm").map(str::to_owned);
    let register = section.boolean(source, "register");
    match username {
        Some(username) => Some(PlannedRegistration {
            username,
            realm,
            register: register.unwrap_or(true),
            secret,
        }),
        None => {
            if secret.is_some() || realm.is_some() || register.is_some() {
                section.refuse(
                    source,
                    "username",
                    "it is missing: a login at the operator needs it",
                );
            }
            None
        }
    }
}

/// A host, or a host and a port.
fn host_and_port(
    source: &mut Source<'_>,
    section: &mut Section<'_>,
    key: &'static str,
    address: &str,
) -> Option<String> {
    let (host, port) = match address.rsplit_once(':') {
        Some((host, _)) if host.contains(':') && !host.starts_with('[') => (address, None),
        Some((host, port)) => (host, Some(port)),
        None => (address, None),
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let host_is_sound = !bare.is_empty()
        && bare
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte));
    let port_is_sound = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    if host_is_sound && port_is_sound {
        return Some(address.to_owned());
    }
    section.refuse(
        source,
        key,
        format!("\"{address}\" is not a host such as sip.operator.example:5060"),
    );
    None
}

pub(super) fn rooms(
    source: &mut Source<'_>,
    root: &mut Section<'_>,
    names: &mut Names,
) -> Vec<PlannedRoom> {
    root.sections(source, "rooms", |source, section| {
        let number = section.required::<ShortNumber>(source, "number");
        if let Some(number) = &number {
            names.take(ROOM, number.as_str(), number.as_str());
            let owner = format!("room {number}");
            let place = section.path("number");
            if let Some(other) = names.take_inside(number.as_str(), &place, &owner) {
                section.refuse(source, "number", format!("{number} is taken by {other}"));
            }
        }
        let name = section.required_text(source, "name").map(str::to_owned);
        let (open, moderator) = (pin(source, section, "pin"), pin(source, section, "moderator_pin"));
        if matches!((&open, &moderator), (PlannedPin::Set(open), PlannedPin::Set(moderator)) if open == moderator) {
            section.refuse(source, "moderator_pin", "it is the same as the PIN: nobody would be a moderator");
        }
        let settings = RoomSettings {
            wait_for_moderator: section.boolean(source, "wait_for_moderator").unwrap_or_default(),
            lobby: section.boolean(source, "lobby").unwrap_or_default(),
            suppress_noise: section.boolean(source, "suppress_noise").unwrap_or_default(),
            grants: grants(source, section),
        };
        if settings.wait_for_moderator
            && !matches!(moderator, PlannedPin::Set(_) | PlannedPin::Keep)
            && !settings.grants.iter().any(|grant| grant.role == Role::Moderator)
        {
            section.refuse(source, "wait_for_moderator", "nobody could come as moderator: the room needs a moderator_pin or a role for one");
        }
        Some(PlannedRoom { number: number?, name: name?, pin: open, moderator_pin: moderator, settings })
    })
}

/// Roles by who calls and what he dialled.
fn grants(source: &mut Source<'_>, section: &mut Section<'_>) -> Vec<Grant> {
    section.sections(source, "roles", |source, section| {
        let group = section.text(source, "group").map(str::to_owned);
        let employee = section.word(source, "who", &[("anyone", false), ("employee", true)]);
        let dialled = section.parsed::<PhoneNumber>(source, "number");
        section.required_text(source, "role")?;
        let role = section.word(source, "role", &ROLES);
        let who = match (group, employee) {
            (None, Some(true)) => Who::Employee,
            (None, Some(false) | None) => Who::Anyone,
            (Some(group), None) => Who::Group(group),
            (Some(_), Some(_)) => {
                section.refuse(source, "group", "either `who` or `group`, not both");
                return None;
            }
        };
        Some(Grant {
            who,
            dialled,
            role: role?,
        })
    })
}

const ROLES: [(&str, Role); 3] = [
    ("moderator", Role::Moderator),
    ("speaker", Role::Speaker),
    ("listener", Role::Listener),
];

/// Left out keeps what is there; `false` takes it away.
pub(super) fn pin(
    source: &mut Source<'_>,
    section: &mut Section<'_>,
    key: &'static str,
) -> PlannedPin {
    if section.is_false(source, key) {
        return PlannedPin::None;
    }
    match section.text(source, key).map(Pin::parse) {
        None => PlannedPin::Keep,
        Some(Ok(pin)) => PlannedPin::Set(pin),
        Some(Err(error)) => {
            section.refuse(source, key, error.to_string());
            PlannedPin::Keep
        }
    }
}

/// City numbers: those that lead into rooms, and those kept for events.
pub(super) fn numbers(
    source: &mut Source<'_>,
    root: &mut Section<'_>,
    names: &mut Names,
) -> (Vec<PlannedNumber>, Vec<PlannedEventNumber>) {
    let mut places = 0..;
    let mut for_events = Vec::new();
    let lead_to_rooms = root.sections(source, "numbers", |source, section| {
        let place = places.next()?;
        let number = section.required::<PhoneNumber>(source, "number");
        if let Some(number) = &number
            && names
                .take("city number", number.digits(), number.as_str())
                .is_some()
        {
            section.refuse(source, "number", format!("{number} is in the file twice"));
        }
        if section.boolean(source, "event") == Some(true) {
            if section.text(source, "room").is_some() {
                section.refuse(
                    source,
                    "room",
                    "a number for events leads to no room of its own",
                );
            }
            let trunk = trunk(source, section, names);
            for_events.push(PlannedEventNumber {
                number: number?,
                trunk,
                place,
            });
            return None;
        }
        let room = section.required::<ShortNumber>(source, "room");
        if let Some(room) = &room
            && !names.has(ROOM, room.as_str())
        {
            section.refuse(
                source,
                "room",
                format!("there is no room {room} in this file"),
            );
        }
        let trunk = trunk(source, section, names);
        Some(PlannedNumber {
            number: number?,
            trunk,
            room: room?,
            place,
        })
    });
    (lead_to_rooms, for_events)
}

/// The name of a trunk of this file, if one is given.
pub(super) fn trunk(
    source: &mut Source<'_>,
    section: &mut Section<'_>,
    names: &Names,
) -> Option<String> {
    let name = section.text(source, "trunk")?;
    if !names.has(TRUNK, name) {
        section.refuse(
            source,
            "trunk",
            format!("there is no trunk \"{name}\" in this file"),
        );
    }
    Some(name.to_owned())
}
