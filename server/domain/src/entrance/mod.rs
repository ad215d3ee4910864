//! The door of a room, for those who call it.
//!
//! Whoever is expected, and whoever calls back the number that rang him, comes
//! in without a PIN ([`way_back`]). Anybody else is asked for it where there is
//! one: three tries in a call, each wrong one followed by a longer silence in
//! which keys are not heard; over all calls the [`PinWatch`] counts. Whatever
//! could have been a PIN and opened nothing was a try, however it was ended: by
//! `#`, by `*`, by its length, by silence or by hanging up.
//! Before the start of what he is expected at, the caller waits with music.

mod pin_watch;
mod way_back;

use std::collections::VecDeque;

pub use pin_watch::PinWatch;
pub use way_back::{Caller, Expected, way_back};

use crate::{
    attempt::PlayMode,
    role::Role,
    room::{Pin, Room},
    speech::{self, Phrase},
    time::{Millis, Span},
};

/// A call at a room's door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrance {
    room: Room,
    opens_at: Option<Millis>,
    stage: Stage,
    outputs: VecDeque<Output>,
}

/// How far a caller is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// He is keying in the PIN.
    Pin {
        digits: String,
        /// Wrong ones so far.
        wrong: u32,
        /// Keys before this are not heard.
        deaf_until: Millis,
        /// When he has taken too long.
        until: Millis,
    },
    /// He waits for the start.
    Waiting { role: Role, opens_at: Millis },
    /// He is in.
    Inside,
    /// He hears why not, and is hung up.
    Parting { until: Millis },
    /// It is over.
    Gone,
}

/// How the caller is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// He is expected, or calls back: no PIN.
    Expected(Role),
    /// He is a stranger.
    Stranger,
}

/// What the door asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Let him hear this.
    Play {
        /// What.
        phrases: Vec<Phrase>,
        /// How often.
        mode: PlayMode,
    },
    /// Let him hear music.
    HoldMusic,
    /// Let him into the room, in this role.
    Join(Role),
    /// A PIN was wrong: the watch must know.
    WrongPin,
    /// Hang up.
    HangUp,
}

/// How often a PIN may be wrong in one call.
const TRIES: u32 = 3;

/// How long a key is waited for.
const KEY_LIMIT: Span = Span::seconds(20);

/// The last words are shorter than this.
const PARTING_LIMIT: Span = Span::seconds(12);

/// No PIN is shorter: fewer digits have tried nothing.
const SHORTEST_PIN: usize = *Pin::LENGTHS.start();

/// No PIN is longer.
const LONGEST_PIN: usize = *Pin::LENGTHS.end();

impl Entrance {
    /// A caller is answered. `opens_at` is the start of what goes on in the room,
    /// when that is yet to come. `watched` is the word of the [`PinWatch`].
    pub fn new(
        room: Room,
        known: Known,
        opens_at: Option<Millis>,
        watched: Result<(), Millis>,
        now: Millis,
    ) -> Self {
        let has_pin = room.pin.is_some();
        let mut entrance = Self {
            room,
            opens_at,
            stage: Stage::Gone,
            outputs: VecDeque::new(),
        };
        match known {
            Known::Expected(role) => entrance.admit(role, now),
            Known::Stranger if !has_pin => entrance.admit(Role::Speaker, now),
            Known::Stranger if watched.is_err() => entrance.turn_away(speech::pin_locked(), now),
            Known::Stranger => {
                entrance.stage = Stage::Pin {
                    digits: String::new(),
                    wrong: 0,
                    deaf_until: now,
                    until: now + KEY_LIMIT,
                };
                entrance.play(speech::enter_pin(), PlayMode::Once);
            }
        }
        entrance
    }

    /// What is to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back, and why.
    pub fn poll_timeout(&self) -> Option<(Millis, &'static str)> {
        match self.stage {
            Stage::Pin { until, .. } => Some((until, "no key")),
            Stage::Waiting { opens_at, .. } => Some((opens_at, "start")),
            Stage::Parting { until } => Some((until, "last words")),
            Stage::Inside | Stage::Gone => None,
        }
    }

    /// Goes on to what holds at `now`.
    pub fn handle_timeout(&mut self, now: Millis) {
        match self.stage {
            Stage::Pin { until, .. } if until <= now => {
                self.count_unended();
                self.hang_up();
            }
            Stage::Waiting { role, opens_at } if opens_at <= now => self.join(role),
            Stage::Parting { until } if until <= now => self.hang_up(),
            Stage::Pin { .. } | Stage::Waiting { .. } | Stage::Parting { .. } => {}
            Stage::Inside | Stage::Gone => {}
        }
    }

    /// He pressed a key. `#` ends the PIN; the right digits do too. `*` begins it
    /// anew, which is a wrong try once the digits could have been a PIN: each
    /// prefix has been compared as it was keyed in.
    pub fn on_digit(&mut self, digit: char, now: Millis) {
        let Stage::Pin {
            digits,
            deaf_until,
            until,
            ..
        } = &mut self.stage
        else {
            return;
        };
        if now < *deaf_until {
            return;
        }
        *until = now + KEY_LIMIT;
        match digit {
            '0'..='9' if digits.len() < LONGEST_PIN => {
                digits.push(digit);
                let full = digits.len() == LONGEST_PIN;
                match self.room.admits(digits) {
                    Some(role) => self.admit(role, now),
                    None if full => self.wrong_pin(now),
                    None => {}
                }
            }
            '#' if !digits.is_empty() => self.wrong_pin(now),
            '*' if digits.len() >= SHORTEST_PIN => self.wrong_pin(now),
            '*' => digits.clear(),
            _ => {}
        }
    }

    /// What was played once has been heard.
    pub fn on_played(&mut self) {
        match self.stage {
            Stage::Waiting { .. } => self.outputs.push_back(Output::HoldMusic),
            Stage::Parting { .. } => self.hang_up(),
            Stage::Pin { .. } | Stage::Inside | Stage::Gone => {}
        }
    }

    /// The meeting begins at another time than planned: now, for instance.
    pub fn on_start_moved(&mut self, starts_at: Millis, now: Millis) {
        self.opens_at = Some(starts_at);
        if let Stage::Waiting { opens_at, .. } = &mut self.stage {
            *opens_at = starts_at;
        }
        self.handle_timeout(now);
    }

    /// He hung up. What the watch must know is still to be polled.
    pub fn on_gone(&mut self) {
        self.outputs.retain(|output| *output == Output::WrongPin);
        self.count_unended();
        self.stage = Stage::Gone;
    }

    /// The call ends with digits that could have been a PIN and opened nothing.
    fn count_unended(&mut self) {
        if let Stage::Pin { digits, .. } = &self.stage
            && digits.len() >= SHORTEST_PIN
        {
            self.outputs.push_back(Output::WrongPin);
        }
    }

    fn wrong_pin(&mut self, now: Millis) {
        let Stage::Pin {
            digits,
            wrong,
            deaf_until,
            ..
        } = &mut self.stage
        else {
            return;
        };
        digits.clear();
        *wrong += 1;
        *deaf_until = now + Span::seconds(1 << (*wrong - 1).min(4));
        let too_often = *wrong >= TRIES;
        self.outputs.push_back(Output::WrongPin);
        if too_often {
            self.turn_away(speech::pin_locked(), now);
        } else {
            self.play(speech::wrong_pin(), PlayMode::Once);
        }
    }

    fn admit(&mut self, role: Role, now: Millis) {
        match self.opens_at {
            Some(opens_at) if now < opens_at => {
                self.stage = Stage::Waiting { role, opens_at };
                self.play(speech::not_begun(), PlayMode::Once);
            }
            Some(_) | None => self.join(role),
        }
    }

    fn join(&mut self, role: Role) {
        self.stage = Stage::Inside;
        self.outputs.push_back(Output::Join(role));
    }

    fn turn_away(&mut self, phrases: Vec<Phrase>, now: Millis) {
        self.stage = Stage::Parting {
            until: now + PARTING_LIMIT,
        };
        self.play(phrases, PlayMode::Once);
    }

    fn hang_up(&mut self) {
        self.stage = Stage::Gone;
        self.outputs.push_back(Output::HangUp);
    }

    fn play(&mut self, phrases: Vec<Phrase>, mode: PlayMode) {
        self.outputs.push_back(Output::Play { phrases, mode });
    }
}

#[cfg(test)]
mod tests;
