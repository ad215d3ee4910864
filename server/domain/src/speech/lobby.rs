//! What is said about those who wait to be let in, and to them.

use super::{Phrase, sound};

/// Nobody comes in whom a moderator does not let in.
pub fn lobby_wait() -> Vec<Phrase> {
    vec![sound("lobby_wait")]
}

/// A moderator does not let him in.
pub fn not_let_in() -> Vec<Phrase> {
    vec![sound("not_let_in")]
}

/// To a moderator: who waits at the door, and by which keys he decides.
pub fn waits_to_be_let_in(mut name: Vec<Phrase>) -> Vec<Phrase> {
    name.extend([sound("waits_to_be_let_in"), sound("lobby_keys")]);
    name
}

/// To a moderator: the one who waited is let in, or sent away.
pub fn decided(lets_in: bool) -> Vec<Phrase> {
    vec![sound(if lets_in { "let_in" } else { "sent_away" })]
}

/// To a moderator: all who waited are let in.
pub fn all_let_in() -> Vec<Phrase> {
    vec![sound("all_let_in")]
}

/// To a moderator: there is nobody to be let in.
pub fn nobody_waits() -> Vec<Phrase> {
    vec![sound("nobody_waits")]
}

/// The keys by which those who wait are let in.
pub fn help_lobby() -> Vec<Phrase> {
    vec![sound("help_lobby")]
}
