//! `status` of a trunk: what its operator tells of lines.

use domain::{
    Span,
    employee::Secret,
    trunk::{StatusApi, StatusEvent, StatusSources},
};
use sha2::{Digest, Sha256};
use store::{PlannedPush, PlannedStatus};
use toml::{Table, Value};

use crate::{
    http_out::Url,
    operators::NUMBER,
    toml_reader::{Section, Source},
};

const EVENTS: [(&str, StatusEvent); 3] = [
    ("reg", StatusEvent::Reg),
    ("dialog", StatusEvent::Dialog),
    ("presence", StatusEvent::Presence),
];

/// The least a token may have: it must not be guessed.
const TOKEN_LEAST: usize = 16;

/// Waiting for an answer must not keep anybody from being called.
const TIMEOUT_MS: std::ops::Range<i64> = 100..5_001;

pub(super) fn read(source: &mut Source<'_>, section: &mut Section<'_>) -> Option<PlannedStatus> {
    let mut events = Vec::new();
    for name in section.texts(source, "events").unwrap_or_default() {
        match EVENTS.iter().find(|(known, _)| *known == name) {
            Some((_, event)) if !events.contains(event) => events.push(*event),
            Some(_) => {}
            None => section.refuse(
                source,
                "events",
                format!("\"{name}\" is none of \"reg\", \"dialog\", \"presence\""),
            ),
        }
    }
    let url = section.text(source, "url").map(str::to_owned);
    if let Some(url) = &url
        && let Err(problem) = url.replace(NUMBER, "1").parse::<Url>()
    {
        section.refuse(source, "url", problem);
    }
    let token = section.text(source, "token").map(Secret::new);
    let timeout = section.number(source, "timeout_ms", TIMEOUT_MS);
    let per_minute = section.number(source, "per_minute", 1..6_001);
    if url.is_none() && (token.is_some() || timeout.is_some() || per_minute.is_some()) {
        section.refuse(source, "url", "it is missing: there is nobody to ask");
    }
    let push = match section.is_false(source, "push_token") {
        true => PlannedPush::None,
        false => match section.text(source, "push_token") {
            None => PlannedPush::Keep,
            Some(token) if token.len() < TOKEN_LEAST => {
                let problem = format!("a token has {TOKEN_LEAST} characters at least");
                section.refuse(source, "push_token", problem);
                PlannedPush::Keep
            }
            Some(token) => PlannedPush::Set(hash(token)),
        },
    };
    Some(PlannedStatus {
        events,
        api: url.map(|url| StatusApi {
            url,
            token: None,
            timeout_ms: Span(timeout.unwrap_or(1_500)),
            per_minute: per_minute
                .and_then(|number| u32::try_from(number).ok())
                .unwrap_or(60),
        }),
        token,
        push,
    })
}

/// Without tokens; none where nothing is set.
pub(super) fn show(status: &StatusSources) -> Option<Value> {
    if *status == StatusSources::default() {
        return None;
    }
    let mut table = Table::new();
    let names = status.events.iter().filter_map(|event| {
        let name = EVENTS.iter().find(|(_, known)| known == event)?.0;
        Some(Value::String(name.to_owned()))
    });
    table.insert("events".to_owned(), Value::Array(names.collect()));
    if let Some(api) = &status.api {
        table.insert("url".to_owned(), Value::String(api.url.clone()));
        table.insert("timeout_ms".to_owned(), Value::Integer(api.timeout_ms.0));
        table.insert(
            "per_minute".to_owned(),
            Value::Integer(i64::from(api.per_minute)),
        );
    }
    Some(Value::Table(table))
}

/// How a token is kept: SHA-256 in hex. It is long and random, so nothing slower is needed.
pub fn hash(token: &str) -> String {
    let digest = Sha256::digest(token.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
