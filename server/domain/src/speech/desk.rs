//! What is heard at the desk.

use super::{Phrase, SoundKey, day_and_time, digits, key, name, numbers, sound, title};
use crate::{
    desk::Mine,
    number::ShortNumber,
    time::{Millis, Span, Zone},
};

/// The sounds that are prompts of one phrase.
const SINGLE: &[&str] = &[
    "desk_calls",
    "desk_cancel",
    "desk_cancelled",
    "desk_confirm",
    "desk_date",
    "desk_does_not_fit",
    "desk_extension",
    "desk_lasts",
    "desk_length",
    "desk_lists",
    "desk_main",
    "desk_meeting",
    "desk_name_kept",
    "desk_name_lost",
    "desk_next",
    "desk_no_date",
    "desk_no_length",
    "desk_no_more",
    "desk_no_room",
    "desk_no_time",
    "desk_nobody",
    "desk_none",
    "desk_not_cancelled",
    "desk_only_me",
    "desk_past",
    "desk_pin",
    "desk_press",
    "desk_record",
    "desk_saved",
    "desk_say_name",
    "desk_time",
    "desk_welcome",
];

/// To an employee whose line is known.
pub fn welcome() -> Vec<Phrase> {
    vec![sound("desk_welcome")]
}

/// To anybody else.
pub fn welcome_stranger() -> Vec<Phrase> {
    vec![sound("desk_welcome"), sound("desk_extension")]
}

/// Which extension?
pub fn extension() -> Vec<Phrase> {
    vec![sound("desk_extension")]
}

/// Which PIN?
pub fn pin() -> Vec<Phrase> {
    vec![sound("desk_pin")]
}

/// Extension and PIN are nobody's.
pub fn does_not_fit() -> Vec<Phrase> {
    vec![sound("desk_does_not_fit")]
}

/// What can be done.
pub fn main() -> Vec<Phrase> {
    vec![sound("desk_main"), sound("desk_record")]
}

/// Which date?
pub fn date() -> Vec<Phrase> {
    vec![sound("desk_date")]
}

/// That was none.
pub fn no_date() -> Vec<Phrase> {
    vec![sound("desk_no_date")]
}

/// Which time?
pub fn time() -> Vec<Phrase> {
    vec![sound("desk_time")]
}

/// That was none.
pub fn no_time() -> Vec<Phrase> {
    vec![sound("desk_no_time")]
}

/// That time is over.
pub fn past() -> Vec<Phrase> {
    vec![sound("desk_past")]
}

/// How long?
pub fn length() -> Vec<Phrase> {
    vec![sound("desk_length")]
}

/// That was no length.
pub fn no_length() -> Vec<Phrase> {
    vec![sound("desk_no_length")]
}

/// Whom to call: each list with its key.
pub fn lists(lists: &[String]) -> Vec<Phrase> {
    let mut phrases = vec![sound("desk_lists")];
    for (place, list) in lists.iter().enumerate() {
        phrases.push(name(list));
        phrases.push(sound("desk_press"));
        phrases.push(Phrase::Sound(SoundKey(format!("digit_{}", place + 1))));
    }
    phrases.push(sound("desk_only_me"));
    phrases
}

/// The meeting as it was keyed in, and how it is saved.
pub fn read_back(
    starts_at: Millis,
    zone: Zone,
    now: Millis,
    lasts: Span,
    list: Option<&str>,
) -> Vec<Phrase> {
    let mut phrases = vec![sound("desk_meeting")];
    phrases.extend(day_and_time(starts_at, zone, now));
    phrases.push(sound("desk_lasts"));
    phrases.extend(numbers::minutes(
        usize::try_from(lasts.as_seconds() / 60).unwrap_or_default(),
    ));
    match list {
        Some(list) => phrases.extend([sound("desk_calls"), name(list)]),
        None => phrases.push(sound("desk_nobody")),
    }
    phrases.push(sound("desk_confirm"));
    phrases
}

/// It is saved, in this room.
pub fn saved(room: &ShortNumber) -> Vec<Phrase> {
    let mut phrases = vec![sound("desk_saved"), sound("room_number_is")];
    phrases.extend(digits(room.as_str()));
    phrases
}

/// Every room is taken then.
pub fn no_room() -> Vec<Phrase> {
    vec![sound("desk_no_room")]
}

/// One of his next meetings, and what he may do with it.
pub fn mine(mine: &Mine, zone: Zone, now: Millis) -> Vec<Phrase> {
    let mut phrases = vec![title(&mine.title)];
    phrases.extend(day_and_time(mine.starts_at, zone, now));
    phrases.push(sound("room_number_is"));
    phrases.extend(digits(mine.room.as_str()));
    if mine.own {
        phrases.push(sound("desk_cancel"));
    }
    phrases.push(sound("desk_next"));
    phrases
}

/// He has heard them all, or there are none.
pub fn no_more(heard_some: bool) -> Vec<Phrase> {
    vec![sound(if heard_some {
        "desk_no_more"
    } else {
        "desk_none"
    })]
}

/// The meeting is cancelled, or could not be.
pub fn cancelled(done: bool) -> Vec<Phrase> {
    vec![sound(if done {
        "desk_cancelled"
    } else {
        "desk_not_cancelled"
    })]
}

/// After this he says his name.
pub fn say_your_name() -> Vec<Phrase> {
    vec![sound("desk_say_name")]
}

/// His name was kept, and sounds so.
pub fn name_kept(name: Phrase) -> Vec<Phrase> {
    vec![sound("desk_name_kept"), name]
}

/// Nothing was heard.
pub fn name_lost() -> Vec<Phrase> {
    vec![sound("desk_name_lost")]
}

/// He is hung up.
pub fn goodbye() -> Vec<Phrase> {
    vec![sound("goodbye")]
}

pub(super) fn every_key() -> Vec<SoundKey> {
    SINGLE.iter().map(|name| key(name)).collect()
}
