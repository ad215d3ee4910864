//! The sentences of `texts/{en,ru}/notices.toml`, and times as people write them.

use std::{collections::BTreeMap, sync::LazyLock};

use domain::{Language, Millis, Zone};

use crate::web::texts;

/// A sentence with its gaps filled.
///
/// What is filled in is not looked at again: a title may hold braces.
pub fn say(language: Language, key: &str, gaps: &[(&str, &str)]) -> String {
    let Some(text) = catalogue(language).get(key) else {
        return key.to_owned();
    };
    let mut said = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        said.push_str(before);
        let filled = from.find('}').and_then(|end| {
            let (_, value) = gaps.iter().find(|(name, _)| *name == &from[1..end])?;
            Some((end, *value))
        });
        match filled {
            Some((end, value)) => {
                said.push_str(value);
                rest = &from[end + 1..];
            }
            None => {
                said.push('{');
                rest = &from[1..];
            }
        }
    }
    said.push_str(rest);
    said
}

/// `24.11.2026 10:00`, or `2026-11-24 10:00`, on the clocks of a zone.
pub fn date_and_time(at: Millis, zone: Zone, language: Language) -> String {
    let Some(local) = at.in_zone(zone) else {
        return String::new();
    };
    let (hour, minute) = local.hour_minute();
    match language {
        Language::English => format!("{} {hour:02}:{minute:02}", local.date()),
        Language::Russian => format!("{} {hour:02}:{minute:02}", local.date().format("%d.%m.%Y")),
    }
}

/// `10:00`.
pub fn time(at: Millis, zone: Zone) -> String {
    at.in_zone(zone).map_or_else(String::new, |local| {
        let (hour, minute) = local.hour_minute();
        format!("{hour:02}:{minute:02}")
    })
}

fn catalogue(language: Language) -> &'static BTreeMap<String, String> {
    static ENGLISH: LazyLock<BTreeMap<String, String>> =
        LazyLock::new(|| texts::read(include_str!("../../../texts/en/notices.toml")));
    static RUSSIAN: LazyLock<BTreeMap<String, String>> =
        LazyLock::new(|| texts::read(include_str!("../../../texts/ru/notices.toml")));
    match language {
        Language::English => &ENGLISH,
        Language::Russian => &RUSSIAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_the_same_things_with_the_same_gaps() {
        let gaps = |text: &str| {
            let mut gaps: Vec<String> = text
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split_once('}'))
                .map(|(gap, _)| gap.to_owned())
                .collect();
            gaps.sort();
            gaps
        };
        let (english, russian) = (catalogue(Language::English), catalogue(Language::Russian));
        assert!(english.keys().eq(russian.keys()));
        for (key, text) in english {
            assert_eq!(gaps(text), gaps(&russian[key]), "{key}");
        }
    }

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        let said = say(
            Language::English,
            "not_coming.subject",
            &[("name", "{title}"), ("title", "Roll {x")],
        );
        assert_eq!(said, "{title} does not come: Roll {x");
    }
}
