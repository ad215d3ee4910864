//! What people hear, as sequences of phrases.
//!
//! A phrase is a recording made from `texts/{language}/prompts.toml`, a name that
//! a machine speaks, or a name in its owner's own voice. The order of phrases
//! is decided here and is the same in every language; words, genders and cases
//! are in the texts. [`number`] counts, [`every_key`] lists all that can be heard,
//! so that a missing sound is found by a test and not by a caller.

pub mod desk;
mod lobby;
mod numbers;
mod times;

use serde::{Deserialize, Serialize};

pub use lobby::{
    all_let_in, decided, help_lobby, lobby_wait, nobody_waits, not_let_in, waits_to_be_let_in,
};
pub use numbers::{Plural, digits, in_the_room, number};
pub use times::{day, day_and_time, time_of_day};

use crate::{
    company::Language,
    id::EmployeeId,
    loudness::{Side, Turn},
    number::{PhoneNumber, ShortNumber},
    time::{Millis, Span, Zone},
};

/// The name of a recorded phrase: a key of `texts/{language}/prompts.toml`, and
/// the name of the sound file made from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SoundKey(String);

/// A piece of what is heard.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phrase {
    /// A recorded phrase.
    Sound(SoundKey),
    /// A name, spoken by a machine; or the phrase `otherwise` where none can.
    Spoken {
        /// What is spoken.
        text: String,
        /// What is heard where nothing can speak it; nothing when none is set.
        otherwise: Option<SoundKey>,
    },
    /// An employee's name in his own voice.
    Recording {
        /// Whose.
        employee: EmployeeId,
        /// What is heard where he has recorded none, or it cannot be played.
        otherwise: Box<Phrase>,
    },
}

/// What a greeting speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Briefing {
    /// In which language.
    pub language: Language,
    /// Who made the meeting, where that is not the callee himself.
    #[serde(default)]
    pub organiser: Option<Phrase>,
    /// The company that calls; a generic word when none is set.
    pub caller: Option<Phrase>,
    /// Who is called.
    pub callee: Option<Phrase>,
    /// What the meeting is called; a generic word when none is set.
    pub title: Option<Phrase>,
    /// Where the callee's clock hangs.
    pub zone: Zone,
    /// When the meeting begins.
    pub starts_at: Millis,
    /// Its room.
    pub room: ShortNumber,
}

/// The sounds that are prompts of one phrase.
const SINGLE: &[&str] = &[
    "all_let_in",
    "all_muted",
    "all_unmuted",
    "at",
    "awaits_moderator",
    "began_at",
    "begins_at",
    "called_at_start",
    "called_later",
    "caller_generic",
    "cannot_come",
    "company_generic",
    "end_by_star_four",
    "enter_moderator_pin",
    "enter_pin",
    "event_begins",
    "event_over",
    "event_stay",
    "extended",
    "gain_down",
    "gain_end",
    "gain_normal",
    "gain_up",
    "good_afternoon",
    "good_evening",
    "good_morning",
    "goodbye",
    "hand_lowered",
    "hand_raised",
    "help",
    "help_lobby",
    "help_loudness",
    "help_moderator",
    "in_the_room",
    "invited_by",
    "is_offline",
    "keys_join_later_cannot",
    "let_in",
    "lobby_keys",
    "lobby_wait",
    "locked_out",
    "meeting_ended",
    "meeting_ends",
    "meeting_generic",
    "next_is",
    "no_hands",
    "no_such_number",
    "nobody_here",
    "nobody_reached",
    "nobody_waits",
    "not_begun",
    "of_company",
    "not_let_in",
    "only_moderators",
    "organiser_generic",
    "out_of_order",
    "pin_locked",
    "recorded",
    "recording_begins",
    "recording_ends",
    "room_full",
    "room_is_taken",
    "room_locked",
    "room_number_is",
    "room_unlocked",
    "sent_away",
    "somebody",
    "stay_on_the_line",
    "taken_out",
    "this_is",
    "today",
    "tomorrow",
    "volume_down",
    "volume_end",
    "volume_normal",
    "volume_up",
    "waits_to_be_let_in",
    "welcome",
    "wrong_pin",
    "you_are_invited",
    "you_are_joining",
    "you_are_muted",
    "you_are_unmuted",
    "you_may_speak",
    "you_only_listen",
    "your_company",
];

/// "In n minutes" is said up to an hour ahead.
const MOST_MINUTES_AHEAD: i64 = 60;

/// The whole greeting: who calls, what begins when and where, and the three keys.
pub fn greeting(briefing: &Briefing, now: Millis) -> Vec<Phrase> {
    let mut phrases = invitation(briefing, now);
    phrases.push(sound("keys_join_later_cannot"));
    phrases
}

/// The same for somebody who needs no key.
pub fn short_greeting(briefing: &Briefing, now: Millis) -> Vec<Phrase> {
    let mut phrases = invitation(briefing, now);
    phrases.push(sound("you_are_invited"));
    phrases
}

/// He pressed 1, and the start is yet to come.
pub fn stay_on_the_line() -> Vec<Phrase> {
    vec![sound("stay_on_the_line")]
}

/// He pressed 2.
pub fn called_later(begun: bool) -> Vec<Phrase> {
    vec![sound(if begun {
        "called_later"
    } else {
        "called_at_start"
    })]
}

/// He pressed 3.
pub fn cannot_come() -> Vec<Phrase> {
    vec![sound("cannot_come"), sound("goodbye")]
}

/// The meeting is over.
pub fn meeting_ended() -> Vec<Phrase> {
    vec![sound("meeting_ended")]
}

/// The meeting goes on longer than planned, or cannot: somebody else has the room then.
pub fn extended(done: bool) -> Vec<Phrase> {
    vec![sound(if done { "extended" } else { "room_is_taken" })]
}

/// The meeting is over in so long.
pub fn meeting_ends_in(ahead: Span) -> Vec<Phrase> {
    let minutes = ahead.minutes_begun().clamp(1, MOST_MINUTES_AHEAD);
    vec![
        sound("meeting_ends"),
        Phrase::Sound(SoundKey(format!("in_minutes_{minutes}"))),
    ]
}

/// He comes in; so many others are there already.
pub fn welcome(others: usize) -> Vec<Phrase> {
    let mut phrases = vec![sound("welcome"), sound("you_are_joining")];
    phrases.extend(head_count(others));
    phrases
}

/// So many others are in the room.
pub fn head_count(others: usize) -> Vec<Phrase> {
    match others {
        0 => vec![sound("nobody_here")],
        _ => in_the_room(others),
    }
}

/// He is here before the start.
pub fn not_begun() -> Vec<Phrase> {
    vec![sound("not_begun")]
}

/// "*name* is offline".
pub fn is_offline(name: Phrase) -> Vec<Phrase> {
    vec![name, sound("is_offline")]
}

/// A person's name; "somebody who is expected" where nothing can speak it.
pub fn name(text: &str) -> Phrase {
    Phrase::Spoken {
        text: text.to_owned(),
        otherwise: Some(key("somebody")),
    }
}

/// An employee's name as he recorded it, or else this phrase.
pub fn in_own_voice(employee: EmployeeId, otherwise: Phrase) -> Phrase {
    Phrase::Recording {
        employee,
        otherwise: Box::new(otherwise),
    }
}

/// The name of the company that calls, after "this is" or "you are invited by … of".
pub fn caller(text: &str) -> Phrase {
    Phrase::Spoken {
        text: text.to_owned(),
        otherwise: Some(key("your_company")),
    }
}

/// The name of whoever made the meeting; "the organiser" where nothing can speak it.
pub fn organiser(text: &str) -> Phrase {
    Phrase::Spoken {
        text: text.to_owned(),
        otherwise: Some(key("organiser_generic")),
    }
}

/// What a meeting is called; "the meeting" where nothing can speak it.
pub fn title(text: &str) -> Phrase {
    Phrase::Spoken {
        text: text.to_owned(),
        otherwise: Some(key("meeting_generic")),
    }
}

/// "*number* is offline", of somebody whose name is not known.
pub fn number_is_offline(number: &PhoneNumber) -> Vec<Phrase> {
    let mut phrases = phone_number(number);
    phrases.push(sound("is_offline"));
    phrases
}

/// The number of somebody whose name is not known, digit by digit.
pub fn phone_number(number: &PhoneNumber) -> Vec<Phrase> {
    digits(number.as_str())
}

/// He muted himself or was muted, or is heard again.
pub fn muted(on: bool) -> Vec<Phrase> {
    vec![sound(if on {
        "you_are_muted"
    } else {
        "you_are_unmuted"
    })]
}

/// How he is heard, or how he hears, was turned; or was at its end already.
pub fn loudness(side: Side, turn: Option<Turn>) -> Vec<Phrase> {
    vec![sound(match (side, turn) {
        (Side::Ear, Some(Turn::Up)) => "volume_up",
        (Side::Ear, Some(Turn::Down)) => "volume_down",
        (Side::Ear, Some(Turn::Back)) => "volume_normal",
        (Side::Ear, None) => "volume_end",
        (Side::Voice, Some(Turn::Up)) => "gain_up",
        (Side::Voice, Some(Turn::Down)) => "gain_down",
        (Side::Voice, Some(Turn::Back)) => "gain_normal",
        (Side::Voice, None) => "gain_end",
    })]
}

/// He may speak from now on, or only listen.
pub fn may_speak(on: bool) -> Vec<Phrase> {
    vec![sound(if on {
        "you_may_speak"
    } else {
        "you_only_listen"
    })]
}

/// What is said here is recorded from now on, or no more.
pub fn recording(on: bool) -> Vec<Phrase> {
    vec![sound(if on {
        "recording_begins"
    } else {
        "recording_ends"
    })]
}

/// He comes in, and what is said here is recorded.
pub fn recorded() -> Vec<Phrase> {
    vec![sound("recorded")]
}

/// The keys that work in a room.
pub fn help(moderates: bool) -> Vec<Phrase> {
    let mut phrases = vec![sound("help")];
    if moderates {
        phrases.push(sound("help_moderator"));
    }
    phrases.push(sound("help_loudness"));
    phrases
}

/// A moderator takes him out.
pub fn taken_out() -> Vec<Phrase> {
    vec![sound("taken_out")]
}

/// The room asks for its PIN.
pub fn enter_pin() -> Vec<Phrase> {
    vec![sound("enter_pin")]
}

/// The room asks for a moderator's PIN; without one, everybody may enter.
pub fn enter_moderator_pin() -> Vec<Phrase> {
    vec![sound("enter_moderator_pin")]
}

/// The PIN was wrong; it is asked for anew.
pub fn wrong_pin() -> Vec<Phrase> {
    vec![sound("wrong_pin")]
}

/// A moderator has locked the room.
pub fn locked_out() -> Vec<Phrase> {
    vec![sound("locked_out")]
}

/// Nobody comes in before the moderator.
pub fn awaits_moderator() -> Vec<Phrase> {
    vec![sound("awaits_moderator")]
}

/// His hand is up, or down again.
pub fn hand(up: bool) -> Vec<Phrase> {
    vec![sound(if up { "hand_raised" } else { "hand_lowered" })]
}

/// To a moderator: the room is locked, or open again.
pub fn locked(on: bool) -> Vec<Phrase> {
    vec![sound(if on { "room_locked" } else { "room_unlocked" })]
}

/// To a moderator: all others are muted, or heard again.
pub fn all_muted(on: bool) -> Vec<Phrase> {
    vec![sound(if on { "all_muted" } else { "all_unmuted" })]
}

/// To a moderator: who speaks next; nobody when no hand is up.
pub fn next_hand(name: Option<Phrase>) -> Vec<Phrase> {
    match name {
        Some(name) => vec![sound("next_is"), name],
        None => vec![sound("no_hands")],
    }
}

/// To a moderator: the same keys again end the meeting for everyone.
pub fn end_asked() -> Vec<Phrase> {
    vec![sound("end_by_star_four")]
}

/// He pressed keys that moderators have.
pub fn only_moderators() -> Vec<Phrase> {
    vec![sound("only_moderators")]
}

/// The PIN was wrong too often.
pub fn pin_locked() -> Vec<Phrase> {
    vec![sound("pin_locked")]
}

/// Nothing has this number.
pub fn no_such_number() -> Vec<Phrase> {
    vec![sound("no_such_number")]
}

/// Nobody answers at this extension.
pub fn nobody_reached() -> Vec<Phrase> {
    vec![sound("nobody_reached")]
}

/// The room takes no more members.
pub fn room_full() -> Vec<Phrase> {
    vec![sound("room_full")]
}

/// Something of ours is broken.
pub fn out_of_order() -> Vec<Phrase> {
    vec![sound("out_of_order")]
}

/// Whoever dials an event's number before its time hears when that is.
pub fn event_begins(starts_at: Millis, zone: Zone, now: Millis) -> Vec<Phrase> {
    let mut phrases = vec![sound("event_begins")];
    phrases.extend(day_and_time(starts_at, zone, now));
    phrases
}

/// He dials it a little early, and may stay.
pub fn event_stay() -> Vec<Phrase> {
    vec![sound("event_stay")]
}

/// He dials it afterwards.
pub fn event_over() -> Vec<Phrase> {
    vec![sound("event_over")]
}

/// Every sound that can be asked for: each must be in the texts of each language.
pub fn every_key() -> Vec<SoundKey> {
    let mut keys: Vec<SoundKey> = SINGLE.iter().map(|name| key(name)).collect();
    keys.extend((0..24).map(|hour| SoundKey(format!("clock_{hour}"))));
    keys.extend((0..24).map(|hour| SoundKey(format!("hour_{hour}"))));
    keys.extend((1..60).map(|minute| SoundKey(format!("minute_{minute}"))));
    keys.extend((1..=MOST_MINUTES_AHEAD).map(|n| SoundKey(format!("in_minutes_{n}"))));
    keys.extend((1..=7).map(|day| SoundKey(format!("weekday_{day}"))));
    keys.extend((1..=31).map(|day| SoundKey(format!("day_{day}"))));
    keys.extend((1..=12).map(|month| SoundKey(format!("month_{month}"))));
    keys.extend(numbers::every_key());
    keys.extend(desk::every_key());
    keys
}

impl SoundKey {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for SoundKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who calls whom, and what begins when and where.
fn invitation(briefing: &Briefing, now: Millis) -> Vec<Phrase> {
    let Briefing {
        organiser,
        caller,
        callee,
        title,
        zone,
        starts_at,
        room,
        language: _,
    } = briefing;
    let ahead = *starts_at - now;

    let mut phrases = vec![sound(time_of_greeting(now, *zone))];
    phrases.extend(callee.clone());
    match (organiser, caller) {
        (Some(organiser), Some(company)) => phrases.extend([
            sound("invited_by"),
            organiser.clone(),
            sound("of_company"),
            instead(company.clone(), "company_generic"),
        ]),
        (Some(organiser), None) => phrases.extend([sound("invited_by"), organiser.clone()]),
        (None, Some(company)) => phrases.extend([sound("this_is"), company.clone()]),
        (None, None) => phrases.push(sound("caller_generic")),
    }
    phrases.push(title.clone().unwrap_or_else(|| sound("meeting_generic")));
    phrases.push(sound(if ahead.0 > 0 { "begins_at" } else { "began_at" }));
    phrases.extend(time_of_day(*starts_at, *zone));
    let minutes = ahead.minutes_begun();
    if (1..=MOST_MINUTES_AHEAD).contains(&minutes) {
        phrases.push(Phrase::Sound(SoundKey(format!("in_minutes_{minutes}"))));
    }
    phrases.push(sound("room_number_is"));
    phrases.extend(digits(room.as_str()));
    phrases
}

/// The same name where other words stand before it, and so others must stand in for it.
fn instead(phrase: Phrase, name: &str) -> Phrase {
    match phrase {
        Phrase::Spoken { text, .. } => Phrase::Spoken {
            text,
            otherwise: Some(key(name)),
        },
        phrase @ (Phrase::Sound(_) | Phrase::Recording { .. }) => phrase,
    }
}

fn time_of_greeting(now: Millis, zone: Zone) -> &'static str {
    match now.in_zone(zone).map(|local| local.hour_minute().0) {
        Some(4..12) => "good_morning",
        Some(12..18) | None => "good_afternoon",
        Some(_) => "good_evening",
    }
}

fn key(name: &str) -> SoundKey {
    SoundKey(name.to_owned())
}

fn sound(name: &str) -> Phrase {
    Phrase::Sound(key(name))
}

#[cfg(test)]
mod tests;
