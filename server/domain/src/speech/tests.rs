//! What people hear, read as text: the prompts' own words.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::time::Span;

fn texts(language: Language) -> BTreeMap<String, String> {
    let text = match language {
        Language::English => include_str!("../../../../texts/en/prompts.toml"),
        Language::Russian => include_str!("../../../../texts/ru/prompts.toml"),
    };
    toml::from_str(text).unwrap()
}

/// The words somebody hears.
fn heard(phrases: &[Phrase], language: Language) -> String {
    let texts = texts(language);
    let words = phrases.iter().map(|phrase| match phrase {
        Phrase::Sound(key) => texts[key.as_str()].clone(),
        Phrase::Spoken { text, .. } => text.clone(),
        Phrase::Recording { otherwise, .. } => heard(&[(**otherwise).clone()], language),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn briefing(language: Language, start: &str) -> Briefing {
    let zone: Zone = "Europe/Moscow".parse().unwrap();
    let local: crate::LocalTime = start.parse().unwrap();
    Briefing {
        language,
        organiser: None,
        caller: Some(caller("Northwind")),
        callee: Some(name("Rustam Galeev")),
        title: None,
        zone,
        starts_at: local.resolve(zone).unwrap().at,
        room: ShortNumber::parse("9001").unwrap(),
    }
}

#[test]
fn every_sound_has_a_text_in_every_language_and_every_text_is_used() {
    let producible: BTreeSet<String> = every_key().iter().map(SoundKey::to_string).collect();
    for language in Language::ALL {
        let written: BTreeSet<String> = texts(language).into_keys().collect();

        let missing: Vec<_> = producible.difference(&written).collect();
        let unused: Vec<_> = written.difference(&producible).collect();

        assert!(missing.is_empty(), "{language:?} lacks {missing:?}");
        assert!(unused.is_empty(), "{language:?} never says {unused:?}");
    }
}

#[test]
fn whatever_is_produced_is_in_the_list() {
    let producible: BTreeSet<SoundKey> = every_key().into_iter().collect();
    let plan = briefing(Language::English, "2026-11-24T10:00");
    let mut phrases = Vec::new();
    for minute in 0..24 * 60 {
        let at = plan.starts_at + Span::minutes(minute);
        phrases.extend(greeting(&plan, at - Span::minutes(75)));
        phrases.extend(time_of_day(at, plan.zone));
    }
    for people in (0..2_000).chain([21_000, 99_999, 1_000_000]) {
        phrases.extend(welcome(people));
    }

    for phrase in phrases {
        if let Phrase::Sound(key) = phrase {
            assert!(producible.contains(&key), "{key}");
        }
    }
}

#[test]
fn the_greeting_says_who_calls_what_begins_when_and_where() {
    let plan = briefing(Language::English, "2026-11-24T10:00");

    let words = heard(
        &greeting(&plan, plan.starts_at - Span::minutes(3)),
        Language::English,
    );

    assert_eq!(
        words,
        "Good morning. Rustam Galeev This is Northwind The meeting begins at ten o'clock \
         in three minutes. The room's number is nine zero zero one \
         To join, press one. To be called later, press two. If you cannot come, press three."
    );
}

#[test]
fn the_greeting_names_whoever_made_the_meeting_before_the_company() {
    let said = |language: Language, who: &str, company: &str| {
        let plan = Briefing {
            organiser: Some(organiser(who)),
            caller: Some(caller(company)),
            callee: None,
            ..briefing(language, "2026-11-24T10:00")
        };
        heard(
            &short_greeting(&plan, plan.starts_at - Span::minutes(3)),
            language,
        )
    };

    let english = said(Language::English, "Irina Belova", "Northwind");
    let russian = said(Language::Russian, "Ирина Белова", "Северный ветер");

    assert!(
        english.starts_with(
            "Good morning. You are invited by Irina Belova of Northwind The meeting begins at"
        ),
        "{english}"
    );
    assert!(
        russian.starts_with(
            "Доброе утро. Вас приглашает Ирина Белова из компании Северный ветер Совещание начинается в"
        ),
        "{russian}"
    );
}

#[test]
fn where_nothing_can_speak_the_greeting_still_is_a_sentence() {
    let silent = |language: Language| {
        let plan = Briefing {
            organiser: Some(organiser("Irina Belova")),
            callee: None,
            ..briefing(language, "2026-11-24T10:00")
        };
        let mut phrases = short_greeting(&plan, plan.starts_at);
        for phrase in &mut phrases {
            if let Phrase::Spoken { otherwise, .. } = phrase
                && let Some(key) = otherwise.take()
            {
                *phrase = Phrase::Sound(key);
            }
        }
        heard(&phrases, language)
    };

    let english = silent(Language::English);
    let russian = silent(Language::Russian);

    assert!(
        english.contains("You are invited by the organiser of your company. The meeting began"),
        "{english}"
    );
    assert!(
        russian.contains(
            "Вас приглашает организатор из компании которая вас ждёт. Совещание началось"
        ),
        "{russian}"
    );
}

#[test]
fn the_greeting_in_russian_counts_minutes_in_their_case() {
    let plan = briefing(Language::Russian, "2026-11-24T21:05");

    let words = heard(
        &greeting(&plan, plan.starts_at - Span::minutes(21)),
        Language::Russian,
    );

    assert_eq!(
        words,
        "Добрый вечер. Rustam Galeev Вам звонит Northwind Совещание начинается в \
         двадцать один час пять минут через двадцать одну минуту. Номер комнаты \
         девять ноль ноль один Чтобы войти, нажмите один. Чтобы мы перезвонили позже, \
         нажмите два. Если не сможете участвовать, нажмите три."
    );
}

#[test]
fn after_the_start_the_greeting_says_that_it_began() {
    let plan = briefing(Language::English, "2026-11-24T14:30");

    let words = heard(&greeting(&plan, plan.starts_at), Language::English);

    assert!(words.contains("began at two thirty The room's"), "{words}");
}

#[test]
fn times_of_day_are_natural_in_both_languages() {
    let zone = Zone::UTC;
    let said = |hour: i64, minute: i64| {
        let at = Millis(0) + Span::minutes(hour * 60 + minute);
        Language::ALL.map(|language| heard(&time_of_day(at, zone), language))
    };

    assert_eq!(said(10, 0), ["ten o'clock", "десять часов"]);
    assert_eq!(said(10, 5), ["ten oh five", "десять часов пять минут"]);
    assert_eq!(said(2, 1), ["two oh one", "два часа одну минуту"]);
    assert_eq!(
        said(23, 22),
        ["eleven twenty-two", "двадцать три часа двадцать две минуты"]
    );
    assert_eq!(said(0, 0), ["midnight", "полночь"]);
    assert_eq!(said(12, 0), ["noon", "двенадцать часов"]);
}

#[test]
fn people_are_counted_in_the_right_form() {
    let said = |people| Language::ALL.map(|language| heard(&head_count(people), language));

    assert_eq!(
        said(0),
        ["Nobody else is here yet.", "Пока больше никого нет."]
    );
    assert_eq!(
        said(1),
        ["In the room: one person.", "В комнате один человек."]
    );
    assert_eq!(
        said(3),
        ["In the room: three people.", "В комнате три человека."]
    );
    assert_eq!(
        said(12),
        [
            "In the room: twelve people.",
            "В комнате двенадцать человек."
        ]
    );
    assert_eq!(
        said(21),
        [
            "In the room: twenty-one people.",
            "В комнате двадцать один человек."
        ]
    );
    assert_eq!(
        said(1_946),
        [
            "In the room: one thousand nine hundred forty-six people.",
            "В комнате одна тысяча девятьсот сорок шесть человек."
        ]
    );
    assert_eq!(
        said(22_304)[1],
        "В комнате двадцать две тысячи триста четыре человека."
    );
}

#[test]
fn somebody_offline_is_named_or_his_number_read() {
    let named = heard(&is_offline(name("Anna Reut")), Language::English);
    let number = PhoneNumber::parse("+7 916").unwrap();

    assert_eq!(named, "Anna Reut is offline.");
    assert_eq!(
        heard(&number_is_offline(&number), Language::Russian),
        "плюс семь девять один шесть не в сети."
    );
}

#[test]
fn where_nothing_can_speak_a_name_a_phrase_stands_for_it() {
    let instead = |phrase| match phrase {
        Phrase::Spoken { otherwise, .. } => otherwise.map(|key| key.to_string()),
        Phrase::Sound(_) | Phrase::Recording { .. } => None,
    };

    assert_eq!(instead(name("Anna Reut")).as_deref(), Some("somebody"));
    assert_eq!(
        instead(title("Dealers' hour")).as_deref(),
        Some("meeting_generic")
    );
    assert_eq!(
        instead(caller("Northwind")).as_deref(),
        Some("your_company")
    );
}
