//! The door of a room, for those who call it.
//!
//! Whoever is expected, and whoever calls back the number that rang him, comes
//! in without a PIN ([`way_back`]). Anybody else is asked for it where there is
//! one: three tries in a call, each wrong one followed by a longer silence in
//! which keys are not heard; over all calls the [`PinWatch`] counts. Whatever
//! could have been a PIN and opened nothing was a try, however it was ended: by
//! `#`, by `*`, by its length, by silence or by hanging up.
//!
//! Where only moderators have a PIN, everybody is asked for it too, but comes in
//! without: by `#`, by saying nothing, and even after wrong ones. The door then
//! guards the role, not the room, and guesses are counted all the same.
//!
//! A locked room takes those expected and moderators, and nobody else. Before
//! the start of what he is expected at, and where a room waits for its
//! moderator, the caller waits with music. Where there is a lobby, so does everybody who is
//! neither expected nor a moderator, until a moderator lets him in or does not.

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
    /// A locked room: whoever is neither expected nor a moderator is turned away.
    locked: bool,
    expected: bool,
    /// Nobody but moderators comes in before one of them is there.
    awaits_moderator: bool,
    /// Whoever is neither expected nor a moderator asks to be let in.
    lobby: bool,
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
        /// What he comes in as without a PIN, where he may.
        otherwise: Option<Role>,
    },
    /// He waits for the start.
    Waiting { role: Role, opens_at: Millis },
    /// He waits for a moderator.
    ForModerator { role: Role },
    /// He waits to be let in.
    Knocking { role: Role },
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
    /// He comes by a number told to the public: no PIN, and he is on no list.
    Told(Role),
    /// He is not on the list; where no PIN is asked for, he is this.
    Stranger(Role),
}

/// What holds at the door when somebody comes to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around {
    /// The start of what goes on in the room, when that is yet to come.
    pub opens_at: Option<Millis>,
    /// The word of the [`PinWatch`].
    pub watched: Result<(), Millis>,
    /// Whether a moderator has locked the room.
    pub locked: bool,
    /// Whether a moderator is inside.
    pub moderator_inside: bool,
    /// Whether moderators let everybody in who is not expected.
    pub lobby: bool,
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
    /// Ask the moderators to let him in, in this role.
    Knock(Role),
    /// A PIN was wrong: the watch must know.
    WrongPin,
    /// A PIN was right: the watch must know.
    RightPin,
    /// Hang up.
    HangUp,
}

/// How often a PIN may be wrong in one call.
const TRIES: u32 = 3;

/// How long a key is waited for.
const KEY_LIMIT: Span = Span::seconds(20);

/// The same where a PIN is welcome and not needed, once the question is heard.
const OPEN_KEY_LIMIT: Span = Span::seconds(4);

/// The last words are shorter than this.
const PARTING_LIMIT: Span = Span::seconds(12);

/// No PIN is shorter: fewer digits have tried nothing.
const SHORTEST_PIN: usize = *Pin::LENGTHS.start();

/// No PIN is longer.
const LONGEST_PIN: usize = *Pin::LENGTHS.end();

impl Entrance {
    /// A caller is answered.
    pub fn new(room: Room, known: Known, around: Around, now: Millis) -> Self {
        let Around {
            opens_at,
            watched,
            locked,
            moderator_inside,
            lobby,
        } = around;
        let must = room.pin.is_some();
        let may = room.moderator_pin.is_some();
        let mut entrance = Self {
            awaits_moderator: room.settings.wait_for_moderator && !moderator_inside,
            lobby,
            expected: matches!(known, Known::Expected(_)),
            room,
            opens_at,
            locked,
            stage: Stage::Gone,
            outputs: VecDeque::new(),
        };
        match known {
            Known::Expected(role) | Known::Told(role) => entrance.admit(role, now),
            Known::Stranger(_) if must && watched.is_err() => {
                entrance.turn_away(speech::pin_locked(), now);
            }
            Known::Stranger(_) if must => entrance.ask(None, now),
            Known::Stranger(role) if may && watched.is_ok() => entrance.ask(Some(role), now),
            Known::Stranger(role) => entrance.admit(role, now),
        }
        entrance
    }

    fn ask(&mut self, otherwise: Option<Role>, now: Millis) {
        self.stage = Stage::Pin {
            digits: String::new(),
            wrong: 0,
            deaf_until: now,
            until: now + KEY_LIMIT,
            otherwise,
        };
        self.play(question(otherwise), PlayMode::Once);
    }

    /// What is to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The clock shows `by` less than it did. When the room opens is where it was.
    pub fn on_clock_set_back(&mut self, by: Span) {
        match &mut self.stage {
            Stage::Pin {
                deaf_until, until, ..
            } => {
                *deaf_until = *deaf_until - by;
                *until = *until - by;
            }
            Stage::Parting { until } => *until = *until - by,
            Stage::Waiting { .. }
            | Stage::Knocking { .. }
            | Stage::ForModerator { .. }
            | Stage::Inside
            | Stage::Gone => {}
        }
    }

    /// When to come back, and why.
    pub fn poll_timeout(&self) -> Option<(Millis, &'static str)> {
        match self.stage {
            Stage::Pin { until, .. } => Some((until, "no key")),
            Stage::Waiting { opens_at, .. } => Some((opens_at, "start")),
            Stage::Parting { until } => Some((until, "last words")),
            Stage::ForModerator { .. } | Stage::Knocking { .. } | Stage::Inside | Stage::Gone => {
                None
            }
        }
    }

    /// Goes on to what holds at `now`.
    pub fn handle_timeout(&mut self, now: Millis) {
        match self.stage {
            Stage::Pin {
                until, otherwise, ..
            } if until <= now => {
                self.count_unended();
                match otherwise {
                    Some(role) => self.admit(role, now),
                    None => self.hang_up(),
                }
            }
            Stage::Waiting { role, opens_at } if opens_at <= now => self.begin(role),
            Stage::Parting { until } if until <= now => self.hang_up(),
            Stage::Pin { .. } | Stage::Waiting { .. } | Stage::Parting { .. } => {}
            Stage::ForModerator { .. } | Stage::Knocking { .. } | Stage::Inside | Stage::Gone => {}
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
            otherwise,
            ..
        } = &mut self.stage
        else {
            return;
        };
        if now < *deaf_until {
            return;
        }
        *until = now + KEY_LIMIT;
        let otherwise = *otherwise;
        match digit {
            '0'..='9' if digits.len() < LONGEST_PIN => {
                digits.push(digit);
                let full = digits.len() == LONGEST_PIN;
                match self.room.admits(digits) {
                    Some(role) => {
                        self.outputs.push_back(Output::RightPin);
                        self.admit(role, now);
                    }
                    None if full => self.wrong_pin(now),
                    None => {}
                }
            }
            '#' if digits.is_empty() => {
                if let Some(role) = otherwise {
                    self.admit(role, now);
                }
            }
            '#' => self.wrong_pin(now),
            '*' if digits.len() >= SHORTEST_PIN => self.wrong_pin(now),
            '*' => digits.clear(),
            _ => {}
        }
    }

    /// What was played once has been heard.
    pub fn on_played(&mut self, now: Millis) {
        match &mut self.stage {
            Stage::Waiting { .. } | Stage::ForModerator { .. } | Stage::Knocking { .. } => {
                self.outputs.push_back(Output::HoldMusic);
            }
            Stage::Parting { .. } => self.hang_up(),
            Stage::Pin {
                digits,
                until,
                otherwise: Some(_),
                ..
            } if digits.is_empty() => *until = now + OPEN_KEY_LIMIT,
            Stage::Pin { .. } | Stage::Inside | Stage::Gone => {}
        }
    }

    /// From where he calls, or at this room, PINs have been wrong too often by now,
    /// perhaps in other calls: he tries no more.
    pub fn on_watched(&mut self, now: Millis) {
        match self.stage {
            Stage::Pin {
                otherwise: Some(role),
                ..
            } => self.admit(role, now),
            Stage::Pin {
                otherwise: None, ..
            } => self.hang_up(),
            Stage::Waiting { .. }
            | Stage::ForModerator { .. }
            | Stage::Knocking { .. }
            | Stage::Parting { .. }
            | Stage::Inside
            | Stage::Gone => {}
        }
    }

    /// A moderator is inside, or none is any more.
    pub fn on_moderator(&mut self, inside: bool, now: Millis) {
        self.awaits_moderator = self.room.settings.wait_for_moderator && !inside;
        if let Stage::ForModerator { role } = self.stage
            && inside
        {
            // Due at once: he comes in in his own turn.
            self.stage = Stage::Waiting {
                role,
                opens_at: now,
            };
        }
    }

    /// A moderator lets him in.
    pub fn on_let_in(&mut self) {
        if let Stage::Knocking { role } = self.stage {
            self.join(role);
        }
    }

    /// A moderator does not let him in: he hears so.
    pub fn on_sent_away(&mut self, now: Millis) {
        if let Stage::Knocking { .. } = self.stage {
            self.turn_away(speech::not_let_in(), now);
        }
    }

    /// Whether those who are not expected have to be let in may have changed. True when he is
    /// let in by that.
    pub fn on_lobby(&mut self, lobby: bool) -> bool {
        self.lobby = lobby;
        match self.stage {
            Stage::Knocking { role } if !lobby => {
                self.begin(role);
                true
            }
            _ => false,
        }
    }

    /// A moderator locked the room, or opened it again.
    pub fn on_lock(&mut self, locked: bool) {
        self.locked = locked;
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
        self.outputs
            .retain(|output| matches!(output, Output::WrongPin | Output::RightPin));
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
            otherwise,
            ..
        } = &mut self.stage
        else {
            return;
        };
        digits.clear();
        *wrong += 1;
        *deaf_until = now + Span::seconds(1 << (*wrong - 1).min(4));
        let too_often = *wrong >= TRIES;
        let otherwise = *otherwise;
        self.outputs.push_back(Output::WrongPin);
        match otherwise {
            Some(role) if too_often => self.admit(role, now),
            None if too_often => self.turn_away(speech::pin_locked(), now),
            Some(_) | None => {
                let mut phrases = speech::wrong_pin();
                phrases.extend(question(otherwise));
                self.play(phrases, PlayMode::Once);
            }
        }
    }

    fn admit(&mut self, role: Role, now: Millis) {
        if self.locked && !self.expected && role != Role::Moderator {
            return self.turn_away(speech::locked_out(), now);
        }
        match self.opens_at {
            Some(opens_at) if now < opens_at => {
                self.stage = Stage::Waiting { role, opens_at };
                self.play(speech::not_begun(), PlayMode::Once);
            }
            Some(_) | None => self.begin(role),
        }
    }

    /// What goes on in the room has begun: he comes in, or waits for the one it waits for.
    fn begin(&mut self, role: Role) {
        if self.lobby && !self.expected && role != Role::Moderator {
            self.stage = Stage::Knocking { role };
            self.outputs.push_back(Output::Knock(role));
            self.play(speech::lobby_wait(), PlayMode::Once);
        } else if self.awaits_moderator && role != Role::Moderator {
            self.stage = Stage::ForModerator { role };
            self.play(speech::awaits_moderator(), PlayMode::Once);
        } else {
            self.join(role);
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

/// Whom the room asks for what.
fn question(otherwise: Option<Role>) -> Vec<Phrase> {
    match otherwise {
        Some(_) => speech::enter_moderator_pin(),
        None => speech::enter_pin(),
    }
}

#[cfg(test)]
mod tests;
