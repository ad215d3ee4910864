//! A company as a file: everything but its secrets.

use std::collections::BTreeMap;

use domain::{
    PhoneNumber, Role, RoomId, Span, TrunkId,
    company::{Company, QuietHours},
    employee::{Device, DeviceKind, Employee, Level},
    guard::{Cap, Limits, Prefix},
    role::{Grant, Who},
    rules::{LastAct, RetryRules, TryRule},
    trunk::{Target, Transport, Trunk},
};
use store::{CompanyDirectory, Store};
use toml::{Table, Value};

use super::{CompanyFileError, status};

/// Writes the company of this name, or the only one there is.
pub async fn show(store: &Store, name: Option<&str>) -> Result<String, CompanyFileError> {
    let directory = store.directory().await?;
    let names = store.company_names().await?;
    let missing = |text: String| CompanyFileError::NotThere(text);
    let name = match (name, &names[..]) {
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, []) => {
            return Err(missing(
                "There is no company yet: rollcall company apply FILE".to_owned(),
            ));
        }
        (None, _) => {
            return Err(missing(format!(
                "Which one? There are: {}",
                names.join(", ")
            )));
        }
    };
    let found = directory
        .companies
        .values()
        .find(|company| company.company.name == name);
    let company = found.ok_or_else(|| {
        let there = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        missing(format!(
            "There is no company \"{name}\" (there are: {there})"
        ))
    })?;
    Ok(file(company))
}

fn file(directory: &CompanyDirectory) -> String {
    let rooms: BTreeMap<RoomId, &str> = directory
        .rooms
        .iter()
        .map(|room| (room.id, room.number.as_str()))
        .collect();
    let trunks: BTreeMap<TrunkId, &str> = directory
        .trunks
        .iter()
        .map(|trunk| (trunk.id, trunk.name.as_str()))
        .collect();

    let mut parts = vec![
        "# Secrets, passwords and PINs are not shown. Applied, this file keeps those that are there.\n".to_owned(),
        table("company", company(&directory.company)),
    ];
    parts.extend(
        directory
            .trunks
            .iter()
            .map(|one| list_item("trunks", trunk(one))),
    );
    for room in &directory.rooms {
        let mut item = Table::new();
        put(&mut item, "number", room.number.as_str());
        put(&mut item, "name", room.name.as_str());
        if room.settings.wait_for_moderator {
            put(&mut item, "wait_for_moderator", true);
        }
        if room.settings.lobby {
            put(&mut item, "lobby", true);
        }
        if room.settings.suppress_noise {
            put(&mut item, "suppress_noise", true);
        }
        if !room.settings.grants.is_empty() {
            let roles = room
                .settings
                .grants
                .iter()
                .map(|grant| Value::Table(role(grant)));
            put(&mut item, "roles", Value::Array(roles.collect()));
        }
        parts.push(list_item("rooms", item));
    }
    for number in &directory.numbers {
        let Target::Room(room) = number.target;
        let mut item = Table::new();
        put(&mut item, "number", number.number.as_str());
        put_some(&mut item, "room", rooms.get(&room).copied());
        put_some(
            &mut item,
            "trunk",
            number.trunk.and_then(|id| trunks.get(&id).copied()),
        );
        parts.push(list_item("numbers", item));
    }
    for number in &directory.event_numbers {
        let mut item = Table::new();
        put(&mut item, "number", number.number.as_str());
        put(&mut item, "event", true);
        put_some(
            &mut item,
            "trunk",
            number.trunk.and_then(|id| trunks.get(&id).copied()),
        );
        parts.push(list_item("numbers", item));
    }
    for one in &directory.employees {
        parts.push(list_item("employees", employee(one)));
        for owned in &one.devices {
            let trunk = directory
                .sim_trunks
                .get(&owned.id)
                .and_then(|id| trunks.get(id).copied());
            parts.push(list_item(
                "employees.devices",
                device(owned, trunk, directory),
            ));
        }
    }
    parts.join("\n")
}

fn role(grant: &Grant) -> Table {
    let mut table = Table::new();
    match &grant.who {
        Who::Anyone => put(&mut table, "who", "anyone"),
        Who::Employee => put(&mut table, "who", "employee"),
        Who::Group(group) => put(&mut table, "group", group.as_str()),
    }
    put_some(
        &mut table,
        "number",
        grant.dialled.as_ref().map(PhoneNumber::as_str),
    );
    let word = match grant.role {
        Role::Moderator => "moderator",
        Role::Speaker => "speaker",
        Role::Listener => "listener",
    };
    put(&mut table, "role", word);
    table
}

fn table(name: &str, table: Table) -> String {
    let mut root = Table::new();
    root.insert(name.to_owned(), Value::Table(table));
    root.to_string()
}

fn list_item(path: &str, item: Table) -> String {
    format!("[[{path}]]\n{item}")
}

fn put(table: &mut Table, key: &str, value: impl Into<Value>) {
    table.insert(key.to_owned(), value.into());
}

fn put_some(table: &mut Table, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        put(table, key, value);
    }
}

fn company(company: &Company) -> Table {
    let Company {
        id: _,
        name,
        domain,
        language,
        zone,
        rules,
        lead_ms,
        remind_ms,
        quiet_hours,
        service,
        limits,
    } = company;
    let mut table = Table::new();
    put(&mut table, "name", name.as_str());
    put(&mut table, "domain", domain.as_str());
    put(&mut table, "language", language.code());
    put(&mut table, "time_zone", zone.name());
    put(&mut table, "lead_s", lead_ms.as_seconds());
    let remind_min = remind_ms.map_or(0, |before| before.as_seconds() / 60);
    put(&mut table, "remind_min", remind_min);
    put_some(&mut table, "quiet_hours", quiet_hours.as_ref().map(hours));
    put_some(
        &mut table,
        "service_number",
        service.number.as_ref().map(|number| number.as_str()),
    );
    put_some(
        &mut table,
        "service_city_number",
        service.city_number.as_ref().map(|number| number.as_str()),
    );
    put(&mut table, "rules", self::rules(rules));
    if !limits.are_none() {
        put(&mut table, "guard", self::limits(limits));
    }
    table
}

fn limits(limits: &Limits) -> Table {
    let prefixes = |list: &[Prefix]| {
        Value::Array(
            list.iter()
                .map(|prefix| Value::String(prefix.written()))
                .collect(),
        )
    };
    let mut table = Table::new();
    if !limits.allowed.is_empty() {
        put(&mut table, "allowed", prefixes(&limits.allowed));
    }
    if !limits.forbidden.is_empty() {
        put(&mut table, "forbidden", prefixes(&limits.forbidden));
    }
    if !limits.prices.is_empty() {
        let prices = limits.prices.iter().map(|price| {
            let mut item = Table::new();
            put(&mut item, "prefix", price.prefix.written());
            put(&mut item, "per_minute", integer(price.per_minute));
            Value::Table(item)
        });
        put(&mut table, "prices", Value::Array(prices.collect()));
    }
    for (key, cap) in [("meeting", limits.meeting), ("day", limits.day)] {
        if cap == Cap::default() {
            continue;
        }
        let mut item = Table::new();
        put_some(&mut item, "calls", cap.calls.map(i64::from));
        put_some(&mut item, "price", cap.price.map(integer));
        put(&mut table, key, item);
    }
    if let Some(own) = &limits.own_calls {
        let mut item = Table::new();
        if !own.groups.is_empty() {
            let groups = own.groups.iter().cloned().map(Value::String);
            put(&mut item, "groups", Value::Array(groups.collect()));
        }
        put(&mut item, "an_hour", i64::from(own.an_hour));
        put(&mut table, "own_calls", item);
    }
    table
}

fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn hours(hours: &QuietHours) -> Table {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let mut table = Table::new();
    put(&mut table, "from", clock(hours.from_minute));
    put(&mut table, "until", clock(hours.until_minute));
    table
}

fn rules(rules: &RetryRules) -> Table {
    let RetryRules {
        busy,
        offline,
        no_answer,
        declined,
        not_confirmed,
        dropped,
        network,
        ring_ms,
        setup_ms,
        confirm_ms,
        later_ms,
        after_freed_ms,
    } = rules;
    let mut table = Table::new();
    let singles = [
        ("ring_s", ring_ms),
        ("setup_s", setup_ms),
        ("confirm_s", confirm_ms),
        ("later_s", later_ms),
        ("after_freed_s", after_freed_ms),
    ];
    for (key, span) in singles {
        put(&mut table, key, span.as_seconds());
    }
    let mut part = Table::new();
    put(&mut part, "wait_s", busy.wait_ms.as_seconds());
    put(&mut part, "first_s", busy.first_ms.as_seconds());
    put(&mut part, "then_wait_s", busy.then_wait_ms.as_seconds());
    put(&mut part, "let_talk_s", busy.let_talk_ms.as_seconds());
    put(&mut table, "busy", part);

    let mut part = Table::new();
    put(&mut part, "wait_s", offline.wait_ms.as_seconds());
    put(&mut part, "tries", i64::from(offline.tries));
    put(&mut part, "last_act", word(offline.last_act));
    put(&mut part, "call_when_back", offline.call_when_back);
    put(&mut table, "offline", part);

    let mut part = Table::new();
    put(&mut part, "waits_s", waits(&no_answer.waits_ms));
    put(&mut part, "last_act", word(no_answer.last_act));
    put(&mut table, "no_answer", part);

    let mut part = Table::new();
    put(&mut part, "last_act", word(declined.last_act));
    put(&mut table, "declined", part);

    put(&mut table, "not_confirmed", try_rule(not_confirmed));
    put(&mut table, "dropped", try_rule(dropped));

    let mut part = Table::new();
    put(&mut part, "round_waits_s", waits(&network.round_waits_ms));
    put(&mut table, "network", part);
    table
}

fn try_rule(rule: &TryRule) -> Table {
    let mut table = Table::new();
    put(&mut table, "wait_s", rule.wait_ms.as_seconds());
    put(&mut table, "tries", i64::from(rule.tries));
    put(&mut table, "last_act", word(rule.last_act));
    table
}

fn word(act: LastAct) -> &'static str {
    match act {
        LastAct::AnnounceOffline => "announce_offline",
        LastAct::TellOrganiser => "tell_organiser",
        LastAct::SendRoomNumber => "send_room_number",
        LastAct::SendJoinLater => "send_join_later",
        LastAct::Nothing => "nothing",
    }
}

fn waits(spans: &[Span]) -> Value {
    Value::Array(
        spans
            .iter()
            .map(|span| Value::Integer(span.as_seconds()))
            .collect(),
    )
}

fn trunk(trunk: &Trunk) -> Table {
    let mut table = Table::new();
    put(&mut table, "name", trunk.name.as_str());
    put(&mut table, "address", trunk.address.as_str());
    put_some(&mut table, "proxy", trunk.proxy.as_deref());
    let transport = match trunk.transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
    };
    put(&mut table, "transport", transport);
    if let Some(registration) = &trunk.registration {
        put(&mut table, "username", registration.username.as_str());
        put_some(&mut table, "realm", registration.realm.as_deref());
        put(&mut table, "register", registration.register);
    }
    put_some(
        &mut table,
        "caller_number",
        trunk.caller_number.as_ref().map(|number| number.as_str()),
    );
    put_some(&mut table, "channels", trunk.channels.map(i64::from));
    put_some(&mut table, "status", status::show(&trunk.status));
    table
}

fn employee(employee: &Employee) -> Table {
    let mut table = Table::new();
    put(&mut table, "name", employee.name.as_str());
    put(&mut table, "extension", employee.extension.as_str());
    put_some(&mut table, "group", employee.group.as_deref());
    put_some(
        &mut table,
        "time_zone",
        employee.zone.map(|zone| zone.name()),
    );
    if let Some(login) = &employee.login {
        put(&mut table, "email", login.email.as_str());
        let level = match login.level {
            Level::Administrator => "administrator",
            Level::Employee => "employee",
        };
        put(&mut table, "level", level);
    }
    table
}

fn device(device: &Device, trunk: Option<&str>, directory: &CompanyDirectory) -> Table {
    let mut table = Table::new();
    match &device.kind {
        DeviceKind::SipPhone { username, .. } => {
            put(&mut table, "kind", "sip_phone");
            put(&mut table, "username", username.as_str());
        }
        DeviceKind::IpSim { mobile, short, .. } => {
            put(&mut table, "kind", "ip_sim");
            put(&mut table, "mobile", mobile.as_str());
            put(&mut table, "short", short.as_str());
            put_some(&mut table, "trunk", trunk);
            let login = directory
                .credentials
                .iter()
                .find(|(_, credential)| credential.device == device.id);
            put_some(
                &mut table,
                "username",
                login.map(|(username, _)| username.as_str()),
            );
        }
        DeviceKind::Outside { number } => {
            put(&mut table, "kind", "outside");
            put(&mut table, "number", number.as_str());
        }
    }
    table
}
