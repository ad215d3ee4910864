//! The file as a whole and its `[company]` table.

use std::collections::BTreeMap;

use domain::{
    CompanyId, Language, Span,
    company::{Company, DEFAULT_LEAD, QuietHours, Service},
    employee::Level,
    guard::{Cap, Limits, OwnCalls, Prefix, Price, USUAL_AN_HOUR},
    meeting::DEFAULT_REMINDER,
    rules::{LastAct, RetryRules, TryRule},
};
use store::CompanyPlan;

use super::{people, places};
use crate::toml_reader::{Section, Source};

/// A file that makes sense in itself.
pub(super) struct Read {
    pub(super) plan: CompanyPlan,
    /// The passwords given, one place for each employee.
    pub(super) passwords: Vec<Option<String>>,
}

/// What has been named so far, and by whom: nothing may be named twice.
#[derive(Default)]
pub(super) struct Names {
    taken: BTreeMap<(&'static str, String), String>,
    /// Numbers dialled inside the company: whose they are, by place in the file and by name.
    inside: BTreeMap<String, (String, String)>,
}

impl Names {
    /// Notes that `owner` has this name; who had it before, if anybody.
    pub(super) fn take(&mut self, kind: &'static str, name: &str, owner: &str) -> Option<String> {
        self.taken.insert((kind, name.to_owned()), owner.to_owned())
    }

    /// Notes that a number is dialled inside the company; whose it was before, if
    /// somebody else's. Extensions, short numbers and rooms share one plan, but a
    /// SIM's short number may be its owner's extension: both are he.
    pub(super) fn take_inside(&mut self, number: &str, place: &str, owner: &str) -> Option<String> {
        let (other_place, other) = self
            .inside
            .insert(number.to_owned(), (place.to_owned(), owner.to_owned()))?;
        (other_place != place).then_some(other)
    }

    pub(super) fn has(&self, kind: &'static str, name: &str) -> bool {
        self.taken.contains_key(&(kind, name.to_owned()))
    }
}

pub(super) const TRUNK: &str = "trunk";
pub(super) const ROOM: &str = "room";

const DAY_S: i64 = 24 * 60 * 60;

pub(super) fn company(source: &mut Source<'_>, root: &mut Section<'_>) -> Option<Read> {
    let mut names = Names::default();
    let company = root.section(source, "company", |source, section| {
        settings(source, section, &mut names)
    });
    if company.is_none() {
        root.refuse(source, "company", "the table [company] is missing");
    }
    let trunks = places::trunks(source, root, &mut names);
    let rooms = places::rooms(source, root, &mut names);
    let (numbers, event_numbers) = places::numbers(source, root, &mut names);
    let (employees, passwords) = people::employees(source, root, &mut names)
        .into_iter()
        .unzip();

    let company = company??;
    Some(Read {
        plan: CompanyPlan {
            company,
            employees,
            trunks,
            numbers,
            event_numbers,
            rooms,
        },
        passwords,
    })
}

fn settings(
    source: &mut Source<'_>,
    section: &mut Section<'_>,
    names: &mut Names,
) -> Option<Company> {
    let name = section.required_text(source, "name").map(str::to_owned);
    let domain = domain_name(source, section);
    let language = section.word(
        source,
        "language",
        &[("en", Language::English), ("ru", Language::Russian)],
    );
    let zone = section.required(source, "time_zone");
    let lead = section
        .number(source, "lead_s", 0..DAY_S + 1)
        .map_or(DEFAULT_LEAD, Span::seconds);
    let remind = section
        .number(source, "remind_min", 0..DAY_S / 60 + 1)
        .map_or(DEFAULT_REMINDER, Span::minutes);
    let quiet_hours = section
        .section(source, "quiet_hours", quiet_hours)
        .flatten();
    let service = Service {
        number: section.parsed(source, "service_number"),
        city_number: section.parsed(source, "service_city_number"),
    };
    if let Some(number) = &service.number {
        names.take_inside(
            number.as_str(),
            "company.service_number",
            "the service number",
        );
    }
    if let Some(number) = &service.city_number {
        names.take("city number", number.digits(), "the service number");
    }
    let rules = section.section(source, "rules", rules).unwrap_or_default();
    let limits = section.section(source, "guard", limits).unwrap_or_default();
    Some(Company {
        // Who the company is, the database knows by its name.
        id: CompanyId::from_uuid(Default::default()),
        name: name?,
        domain: domain?,
        language: language.unwrap_or_default(),
        zone: zone?,
        rules,
        lead_ms: lead,
        remind_ms: (remind > Span::ZERO).then_some(remind),
        quiet_hours,
        service,
        limits,
    })
}

fn domain_name(source: &mut Source<'_>, section: &mut Section<'_>) -> Option<String> {
    let domain = section.required_text(source, "domain")?.to_lowercase();
    let sound = domain.len() <= 253
        && domain.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
        });
    if !sound {
        section.refuse(
            source,
            "domain",
            format!("\"{domain}\" is not a domain such as northway.example"),
        );
        return None;
    }
    Some(domain)
}

fn quiet_hours(source: &mut Source<'_>, section: &mut Section<'_>) -> Option<QuietHours> {
    let mut minute = |key: &'static str| {
        let text = section.required_text(source, key)?;
        let parsed = text.split_once(':').and_then(|(hour, minute)| {
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour < 24 && minute < 60).then_some(hour * 60 + minute)
        });
        if parsed.is_none() {
            section.refuse(
                source,
                key,
                format!("\"{text}\" is not a time such as 21:00"),
            );
        }
        parsed
    };
    let (from, until) = (minute("from"), minute("until"));
    Some(QuietHours {
        from_minute: from?,
        until_minute: until?,
    })
}

/// Where meetings may call, and what that may cost.
fn limits(source: &mut Source<'_>, section: &mut Section<'_>) -> Limits {
    let prices = section.sections(source, "prices", |source, section| {
        let prefix = section.required::<Prefix>(source, "prefix");
        let per_minute = section.number(source, "per_minute", 0..1_000_001);
        if per_minute.is_none() {
            section.required_text(source, "per_minute");
        }
        Some(Price {
            prefix: prefix?,
            per_minute: u64::try_from(per_minute?).unwrap_or_default(),
        })
    });
    Limits {
        allowed: prefixes(source, section, "allowed"),
        forbidden: prefixes(source, section, "forbidden"),
        prices,
        meeting: section.section(source, "meeting", cap).unwrap_or_default(),
        day: section.section(source, "day", cap).unwrap_or_default(),
        own_calls: section.section(source, "own_calls", own_calls),
    }
}

fn prefixes(source: &mut Source<'_>, section: &mut Section<'_>, key: &'static str) -> Vec<Prefix> {
    let mut read = Vec::new();
    for text in section.texts(source, key).unwrap_or_default() {
        match Prefix::parse(text) {
            Ok(prefix) => read.push(prefix),
            Err(error) => section.refuse(source, key, format!("\"{text}\": {error}")),
        }
    }
    read
}

fn cap(source: &mut Source<'_>, section: &mut Section<'_>) -> Cap {
    let calls = section.number(source, "calls", 0..1_000_001);
    let price = section.number(source, "price", 0..1_000_000_001);
    Cap {
        calls: calls.and_then(|calls| u32::try_from(calls).ok()),
        price: price.and_then(|price| u64::try_from(price).ok()),
    }
}

fn own_calls(source: &mut Source<'_>, section: &mut Section<'_>) -> OwnCalls {
    let groups = section.texts(source, "groups").unwrap_or_default();
    let groups = groups.iter().map(ToString::to_string).collect();
    let an_hour = section.number(source, "an_hour", 0..1_001);
    OwnCalls {
        groups,
        an_hour: an_hour
            .and_then(|calls| u32::try_from(calls).ok())
            .unwrap_or(USUAL_AN_HOUR),
    }
}

/// The rules; what is left out is as the product has it.
fn rules(source: &mut Source<'_>, section: &mut Section<'_>) -> RetryRules {
    let mut rules = RetryRules::default();
    span(source, section, "ring_s", &mut rules.ring_ms);
    span(source, section, "setup_s", &mut rules.setup_ms);
    span(source, section, "confirm_s", &mut rules.confirm_ms);
    span(source, section, "later_s", &mut rules.later_ms);
    span(source, section, "after_freed_s", &mut rules.after_freed_ms);
    section.section(source, "busy", |source, busy| {
        span(source, busy, "wait_s", &mut rules.busy.wait_ms);
        span(source, busy, "first_s", &mut rules.busy.first_ms);
        span(source, busy, "then_wait_s", &mut rules.busy.then_wait_ms);
        span(source, busy, "let_talk_s", &mut rules.busy.let_talk_ms);
    });
    section.section(source, "offline", |source, offline| {
        span(source, offline, "wait_s", &mut rules.offline.wait_ms);
        tries(source, offline, &mut rules.offline.tries);
        // As it was spelt before there was more to choose from.
        set(
            &mut rules.offline.last_act,
            offline
                .boolean(source, "announce")
                .map(|announce| match announce {
                    true => LastAct::AnnounceOffline,
                    false => LastAct::TellOrganiser,
                }),
        );
        last_act(source, offline, &OFFLINE_ACTS, &mut rules.offline.last_act);
        set(
            &mut rules.offline.call_when_back,
            offline.boolean(source, "call_when_back"),
        );
    });
    section.section(source, "no_answer", |source, no_answer| {
        spans(source, no_answer, "waits_s", &mut rules.no_answer.waits_ms);
        last_act(source, no_answer, &ACTS, &mut rules.no_answer.last_act);
    });
    section.section(source, "declined", |source, declined| {
        last_act(source, declined, &ACTS, &mut rules.declined.last_act);
    });
    section.section(source, "not_confirmed", |source, section| {
        try_rule(source, section, &mut rules.not_confirmed)
    });
    section.section(source, "dropped", |source, section| {
        try_rule(source, section, &mut rules.dropped)
    });
    section.section(source, "network", |source, network| {
        spans(
            source,
            network,
            "round_waits_s",
            &mut rules.network.round_waits_ms,
        );
    });
    rules
}

fn try_rule(source: &mut Source<'_>, section: &mut Section<'_>, rule: &mut TryRule) {
    span(source, section, "wait_s", &mut rule.wait_ms);
    tries(source, section, &mut rule.tries);
    last_act(source, section, &ACTS, &mut rule.last_act);
}

const ACTS: [(&str, LastAct); 4] = [
    ("tell_organiser", LastAct::TellOrganiser),
    ("send_room_number", LastAct::SendRoomNumber),
    ("send_join_later", LastAct::SendJoinLater),
    ("nothing", LastAct::Nothing),
];

const OFFLINE_ACTS: [(&str, LastAct); 5] = [
    ("announce_offline", LastAct::AnnounceOffline),
    ACTS[0],
    ACTS[1],
    ACTS[2],
    ACTS[3],
];

fn last_act(
    source: &mut Source<'_>,
    section: &mut Section<'_>,
    acts: &[(&str, LastAct)],
    act: &mut LastAct,
) {
    set(act, section.word(source, "last_act", acts));
}

fn tries(source: &mut Source<'_>, section: &mut Section<'_>, tries: &mut u32) {
    set(
        tries,
        section
            .number(source, "tries", 0..51)
            .and_then(|number| u32::try_from(number).ok()),
    );
}

fn span(source: &mut Source<'_>, section: &mut Section<'_>, key: &'static str, span: &mut Span) {
    set(
        span,
        section.number(source, key, 1..DAY_S + 1).map(Span::seconds),
    );
}

fn spans(
    source: &mut Source<'_>,
    section: &mut Section<'_>,
    key: &'static str,
    spans: &mut Vec<Span>,
) {
    let read = section.numbers(source, key, 1..DAY_S + 1);
    set(
        spans,
        read.map(|list| list.into_iter().map(Span::seconds).collect()),
    );
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

pub(super) const LEVELS: [(&str, Level); 2] = [
    ("administrator", Level::Administrator),
    ("employee", Level::Employee),
];
