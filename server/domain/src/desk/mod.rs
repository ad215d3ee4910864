//! The desk: a call that is answered by nobody but us.
//!
//! Whoever dials an event's number outside its hours hears when they are, and
//! is hung up. An employee who dials the company's service number plans a
//! meeting by keys: the date, the time, how long, whom to call; it is read back
//! and saved. He also hears his next meetings and may cancel them, and records
//! the name that those he invites hear.
//!
//! He is known by his line, else by extension and PIN. A field ends by `#` or
//! when it is full; `*` leads back. Whoever says nothing is asked again, and
//! hung up when he has been asked [`PATIENCE`] times.
//!
//! Nothing is looked up here: what the desk must know it asks for by an
//! [`Output`], and is told by an `on_…`.

mod fields;

use std::collections::VecDeque;

use crate::{
    id::{EmployeeId, MeetingId},
    number::ShortNumber,
    speech::{self, Phrase, desk as says},
    time::{LocalTime, Millis, Span, Zone},
};

/// A call at the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    zone: Zone,
    who: Option<Visitor>,
    stage: Stage,
    /// What he has keyed in of the present field.
    digits: String,
    /// How often he has said nothing, or nothing that made sense.
    lost: u32,
    /// How often a PIN was wrong in this call.
    wrong_pins: u32,
    /// When he has taken too long.
    until: Option<Millis>,
    outputs: VecDeque<Output>,
}

/// An employee at the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// Who.
    pub employee: EmployeeId,
    /// What he is called.
    pub name: String,
    /// Where his clock hangs.
    pub zone: Zone,
    /// The lists he may call, by name. The first nine can be chosen.
    pub lists: Vec<String>,
}

/// How far he is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// His extension is asked for.
    Extension,
    /// And his PIN.
    Pin { extension: String },
    /// Somebody looks something up for us.
    Asked,
    /// He may choose what to do.
    Main,
    /// The date is asked for.
    Date,
    /// The time.
    Time { date: chrono::NaiveDate },
    /// How long.
    Length { starts: LocalTime },
    /// Whom to call.
    List { starts: LocalTime, lasts: Span },
    /// It is read back.
    Confirm(Wanted),
    /// He hears his meetings, this one now.
    Mine { meetings: Vec<Mine>, at: usize },
    /// He says his name.
    Naming(Naming),
    /// He hears the last words, and is hung up.
    Parting,
    /// It is over.
    Gone,
}

/// How far he is with his name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// He hears that he is to say it.
    Asked,
    /// He has said nothing yet.
    Awaited { since: Millis },
    /// He says it, or has said it.
    Said { since: Millis },
}

/// A meeting as he keyed it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// When it begins, on the clocks of his zone.
    pub starts: LocalTime,
    /// How long it lasts.
    pub lasts: Span,
    /// Which of his lists is called; nobody but himself when none is set.
    pub list: Option<usize>,
}

/// A meeting that is coming.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mine {
    /// Which.
    pub meeting: MeetingId,
    /// What it is called.
    pub title: String,
    /// When it begins.
    pub starts_at: Millis,
    /// Where.
    pub room: ShortNumber,
    /// Whether he may cancel it.
    pub own: bool,
}

/// Why a meeting was not saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its time is over.
    Past,
    /// Every room is taken then.
    NoRoom,
    /// Something of ours is broken.
    Broken,
}

/// Why a name was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameLost {
    /// He said nothing.
    Silent,
    /// Something of ours is broken.
    Broken,
}

/// What the desk asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Let him hear this, once, in the place of what he hears.
    Play(Vec<Phrase>),
    /// Whose are this extension and this PIN? [`Desk::on_identified`] answers.
    Identify {
        /// The extension.
        extension: String,
        /// The PIN.
        pin: String,
    },
    /// Save this meeting. [`Desk::on_saved`] answers.
    Save(Wanted),
    /// What are his next meetings? [`Desk::on_mine`] answers.
    Mine,
    /// Cancel this meeting. [`Desk::on_cancelled`] answers.
    Cancel(MeetingId),
    /// Keep what he says from now on. It is dropped unless [`Output::KeepName`] comes next.
    Record,
    /// That was his name. [`Desk::on_recorded`] answers.
    KeepName,
    /// Hang up.
    HangUp,
}

/// How long a key is waited for once he has heard what is asked.
const KEY_LIMIT: Span = Span::seconds(8);

/// The same while he still hears it: no question is longer.
const QUESTION_LIMIT: Span = Span::seconds(60);

/// The last words are shorter than this.
const PARTING_LIMIT: Span = Span::seconds(20);

/// How often he is asked again before he is hung up.
const PATIENCE: u32 = 3;

/// A name is shorter than this.
const NAME_LIMIT: Span = Span::seconds(6);

/// Whoever has been silent for so long has said his name.
const NAME_PAUSE: Span = Span(1_500);

impl Desk {
    /// He hears this, and is hung up.
    pub fn notice(phrases: Vec<Phrase>, now: Millis) -> Self {
        let mut desk = Self::empty(Zone::UTC);
        desk.part(phrases, now);
        desk
    }

    /// He called the service number; `who` if his line tells it.
    pub fn service(who: Option<Visitor>, zone: Zone, now: Millis) -> Self {
        let mut desk = Self::empty(zone);
        match who {
            Some(who) => desk.greet(who, now),
            None => desk.ask(Stage::Extension, says::welcome_stranger(), now),
        }
        desk
    }

    fn empty(zone: Zone) -> Self {
        Self {
            zone,
            who: None,
            stage: Stage::Gone,
            digits: String::new(),
            lost: 0,
            wrong_pins: 0,
            until: None,
            outputs: VecDeque::new(),
        }
    }

    /// What is to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The clock shows `by` less than it did.
    pub fn on_clock_set_back(&mut self, by: Span) {
        self.until = self.until.map(|until| until - by);
    }

    /// When to come back.
    pub fn poll_timeout(&self) -> Option<Millis> {
        self.until
    }

    /// Who it is, once that is known.
    pub fn who(&self) -> Option<&Visitor> {
        self.who.as_ref()
    }

    /// Goes on to what holds at `now`.
    pub fn handle_timeout(&mut self, now: Millis) {
        if self.until.is_none_or(|until| until > now) {
            return;
        }
        match self.stage.clone() {
            Stage::Parting => self.hang_up(),
            Stage::Asked => self.part(speech::out_of_order(), now),
            // The question was not heard to its end.
            Stage::Naming(Naming::Asked) => self.main(says::name_lost(), now),
            Stage::Naming(Naming::Awaited { .. } | Naming::Said { .. }) => self.keep_name(now),
            Stage::Gone => self.until = None,
            stage if !self.digits.is_empty() => self.on_field(stage, now),
            stage => self.ask_again(stage, now),
        }
    }

    /// What was played has been heard.
    pub fn on_played(&mut self, now: Millis) {
        match self.stage {
            Stage::Parting => self.hang_up(),
            Stage::Naming(Naming::Asked) => {
                self.stage = Stage::Naming(Naming::Awaited { since: now });
                self.until = Some(now + NAME_LIMIT);
                self.outputs.push_back(Output::Record);
            }
            Stage::Naming(Naming::Awaited { .. } | Naming::Said { .. }) => {}
            Stage::Gone | Stage::Asked => {}
            _ if self.digits.is_empty() => self.until = Some(now + KEY_LIMIT),
            _ => {}
        }
    }

    /// He pressed a key.
    pub fn on_digit(&mut self, digit: char, now: Millis) {
        let stage = self.stage.clone();
        match (&stage, digit) {
            (Stage::Parting | Stage::Gone | Stage::Asked, _) => {}
            (Stage::Naming(_), '*') => self.main(Vec::new(), now),
            (Stage::Naming(Naming::Awaited { .. } | Naming::Said { .. }), '#') => {
                self.keep_name(now);
            }
            (Stage::Naming(_), _) => {}
            (Stage::Extension | Stage::Pin { .. }, '*') => {
                self.ask(Stage::Extension, says::extension(), now);
            }
            (_, '*') => self.main(Vec::new(), now),
            (_, '#') => self.on_field(stage, now),
            (_, '0'..='9') => {
                self.digits.push(digit);
                self.until = Some(now + KEY_LIMIT);
                if self.digits.len() >= fields::longest(&stage) {
                    self.on_field(stage, now);
                }
            }
            (_, _) => {}
        }
    }

    /// Whose the extension and the PIN are; nobody's when none is told.
    pub fn on_identified(&mut self, who: Option<Visitor>, now: Millis) {
        let Stage::Asked = self.stage else { return };
        match who {
            Some(who) => self.greet(who, now),
            None => {
                self.wrong_pins += 1;
                if self.wrong_pins >= PATIENCE {
                    return self.part(speech::pin_locked(), now);
                }
                let mut phrases = says::does_not_fit();
                phrases.extend(says::extension());
                self.ask(Stage::Extension, phrases, now);
            }
        }
    }

    /// PINs have been wrong too often from where he calls.
    pub fn on_watched(&mut self, now: Millis) {
        self.part(speech::pin_locked(), now);
    }

    /// What became of the meeting.
    pub fn on_saved(&mut self, saved: Result<ShortNumber, Refusal>, now: Millis) {
        let Stage::Asked = self.stage else { return };
        match saved {
            Ok(room) => self.main(says::saved(&room), now),
            Err(Refusal::Past) => self.plan(says::past(), now),
            Err(Refusal::NoRoom) => self.plan(says::no_room(), now),
            Err(Refusal::Broken) => self.part(speech::out_of_order(), now),
        }
    }

    /// His next meetings, the nearest first.
    pub fn on_mine(&mut self, meetings: Vec<Mine>, now: Millis) {
        if self.stage == Stage::Asked {
            self.read_out(meetings, 0, Vec::new(), now);
        }
    }

    /// Whether the meeting is cancelled.
    pub fn on_cancelled(&mut self, done: bool, now: Millis) {
        if self.stage == Stage::Asked {
            self.main(says::cancelled(done), now);
        }
    }

    /// He began or ceased to speak: whoever says his name and then nothing has said it.
    pub fn on_talking(&mut self, on: bool, now: Millis) {
        let (Stage::Naming(Naming::Awaited { since }) | Stage::Naming(Naming::Said { since })) =
            self.stage
        else {
            return;
        };
        let limit = since + NAME_LIMIT;
        match (on, &self.stage) {
            (true, _) => {
                self.stage = Stage::Naming(Naming::Said { since });
                self.until = Some(limit);
            }
            (false, Stage::Naming(Naming::Said { .. })) => {
                self.until = Some(limit.min(now + NAME_PAUSE));
            }
            // The end of what he said while he was still being asked.
            (false, _) => {}
        }
    }

    /// What became of his name.
    pub fn on_recorded(&mut self, kept: Result<(), NameLost>, now: Millis) {
        let (Stage::Asked, Some(who)) = (&self.stage, &self.who) else {
            return;
        };
        match kept {
            Ok(()) => {
                let name = speech::in_own_voice(who.employee, speech::name(&who.name));
                self.main(says::name_kept(name), now);
            }
            Err(NameLost::Silent) => self.main(says::name_lost(), now),
            Err(NameLost::Broken) => self.part(speech::out_of_order(), now),
        }
    }

    fn zone(&self) -> Zone {
        self.who.as_ref().map_or(self.zone, |who| who.zone)
    }

    fn lists(&self) -> &[String] {
        let lists = self.who.as_ref().map_or(&[][..], |who| &who.lists);
        &lists[..lists.len().min(9)]
    }

    /// He has keyed in a whole field.
    fn on_field(&mut self, stage: Stage, now: Millis) {
        let keyed = std::mem::take(&mut self.digits);
        match stage {
            Stage::Extension if !keyed.is_empty() => {
                let asked = Stage::Pin { extension: keyed };
                self.ask(asked, says::pin(), now);
            }
            Stage::Pin { extension } if !keyed.is_empty() => {
                let pin = keyed;
                self.look_up(Output::Identify { extension, pin }, now);
            }
            Stage::Main => match keyed.as_str() {
                "1" => self.plan(Vec::new(), now),
                "2" => self.look_up(Output::Mine, now),
                "3" => self.ask(Stage::Naming(Naming::Asked), says::say_your_name(), now),
                _ => self.ask_again(Stage::Main, now),
            },
            Stage::Date => match fields::date(&keyed, now, self.zone()) {
                Some(date) => self.ask(Stage::Time { date }, says::time(), now),
                None => self.ask_again(Stage::Date, now),
            },
            Stage::Time { date } => match fields::time(&keyed, date) {
                Some(starts) if self.is_over(starts, now) => self.plan(says::past(), now),
                Some(starts) => self.ask(Stage::Length { starts }, says::length(), now),
                None => self.ask_again(Stage::Time { date }, now),
            },
            Stage::Length { starts } => match fields::length(&keyed) {
                Some(lasts) if self.lists().is_empty() => self.read_back(
                    Wanted {
                        starts,
                        lasts,
                        list: None,
                    },
                    now,
                ),
                Some(lasts) => {
                    let phrases = says::lists(self.lists());
                    self.ask(Stage::List { starts, lasts }, phrases, now);
                }
                None => self.ask_again(Stage::Length { starts }, now),
            },
            Stage::List { starts, lasts } => match fields::choice(&keyed, self.lists().len()) {
                Some(list) => self.read_back(
                    Wanted {
                        starts,
                        lasts,
                        list,
                    },
                    now,
                ),
                None => self.ask_again(Stage::List { starts, lasts }, now),
            },
            Stage::Confirm(wanted) => match keyed.as_str() {
                "1" => self.look_up(Output::Save(wanted), now),
                "2" => self.plan(Vec::new(), now),
                _ => self.ask_again(Stage::Confirm(wanted), now),
            },
            Stage::Mine { meetings, at } => match (keyed.as_str(), meetings.get(at)) {
                ("7", Some(mine)) if mine.own => {
                    let meeting = mine.meeting;
                    self.look_up(Output::Cancel(meeting), now);
                }
                ("", _) => self.read_out(meetings, at + 1, Vec::new(), now),
                (_, _) => self.ask_again(Stage::Mine { meetings, at }, now),
            },
            stage @ (Stage::Extension | Stage::Pin { .. }) => self.ask_again(stage, now),
            Stage::Asked | Stage::Naming(_) | Stage::Parting | Stage::Gone => {}
        }
    }

    fn is_over(&self, starts: LocalTime, now: Millis) -> bool {
        starts
            .resolve(self.zone())
            .is_ok_and(|resolved| resolved.at <= now)
    }

    fn greet(&mut self, who: Visitor, now: Millis) {
        self.who = Some(who);
        self.main(says::welcome(), now);
    }

    /// What he may do, after `first`.
    fn main(&mut self, first: Vec<Phrase>, now: Millis) {
        self.ask(Stage::Main, joined(first, says::main()), now);
    }

    /// A meeting is planned from the beginning, after `first`.
    fn plan(&mut self, first: Vec<Phrase>, now: Millis) {
        self.ask(Stage::Date, joined(first, says::date()), now);
    }

    fn read_back(&mut self, wanted: Wanted, now: Millis) {
        let phrases = self.read(wanted, now);
        self.ask(Stage::Confirm(wanted), phrases, now);
    }

    fn read(&self, wanted: Wanted, now: Millis) -> Vec<Phrase> {
        let zone = self.zone();
        let starts_at = wanted
            .starts
            .resolve(zone)
            .map_or(now, |resolved| resolved.at);
        let list = wanted.list.and_then(|list| self.lists().get(list));
        says::read_back(starts_at, zone, now, wanted.lasts, list.map(String::as_str))
    }

    fn read_out(&mut self, meetings: Vec<Mine>, at: usize, first: Vec<Phrase>, now: Millis) {
        match meetings.get(at) {
            Some(mine) => {
                let phrases = joined(first, says::mine(mine, self.zone(), now));
                self.ask(Stage::Mine { meetings, at }, phrases, now);
            }
            None => self.main(says::no_more(at > 0), now),
        }
    }

    fn keep_name(&mut self, now: Millis) {
        self.look_up(Output::KeepName, now);
    }

    fn look_up(&mut self, output: Output, now: Millis) {
        self.stage = Stage::Asked;
        self.until = Some(now + QUESTION_LIMIT);
        self.outputs.push_back(output);
    }

    fn ask(&mut self, stage: Stage, phrases: Vec<Phrase>, now: Millis) {
        self.lost = 0;
        self.put(stage, phrases, now);
    }

    fn put(&mut self, stage: Stage, phrases: Vec<Phrase>, now: Millis) {
        self.stage = stage;
        self.digits.clear();
        self.until = Some(now + QUESTION_LIMIT);
        self.outputs.push_back(Output::Play(phrases));
    }

    /// Nothing came, or nothing that makes sense here.
    fn ask_again(&mut self, stage: Stage, now: Millis) {
        self.lost += 1;
        if self.lost >= PATIENCE {
            return self.part(says::goodbye(), now);
        }
        let question = match &stage {
            Stage::Extension => says::extension(),
            Stage::Pin { .. } => says::pin(),
            Stage::Main => says::main(),
            Stage::Date => joined(says::no_date(), says::date()),
            Stage::Time { .. } => joined(says::no_time(), says::time()),
            Stage::Length { .. } => joined(says::no_length(), says::length()),
            Stage::List { .. } => says::lists(self.lists()),
            Stage::Confirm(wanted) => self.read(*wanted, now),
            Stage::Mine { meetings, at } => meetings
                .get(*at)
                .map(|mine| says::mine(mine, self.zone(), now))
                .unwrap_or_default(),
            Stage::Asked | Stage::Naming(_) | Stage::Parting | Stage::Gone => return,
        };
        self.put(stage, question, now);
    }

    fn part(&mut self, phrases: Vec<Phrase>, now: Millis) {
        self.stage = Stage::Parting;
        self.until = Some(now + PARTING_LIMIT);
        self.outputs.push_back(Output::Play(phrases));
    }

    fn hang_up(&mut self) {
        self.stage = Stage::Gone;
        self.until = None;
        self.outputs.push_back(Output::HangUp);
    }
}

fn joined(mut first: Vec<Phrase>, then: Vec<Phrase>) -> Vec<Phrase> {
    first.extend(then);
    first
}

#[cfg(test)]
mod tests;
