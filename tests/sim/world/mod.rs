//! The server's glue and the telephone network, on a clock that jumps.
//!
//! Every input is followed by writing the rows back as JSON, as the server
//! writes them to its database; [`World::crash`] throws away everything else.
//! The phones' side keeps watch over what no test may ever see: two calls at
//! once to one person, a call after a decline, after the end or in quiet hours.

mod calls;
mod crash;
mod person;
pub mod phone;
mod server;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    AttemptId, EmployeeId, InvitationId, MeetingId, Millis, OccurrenceId, Role, RoomId, Span,
    attempt::{Attempt, Call},
    company::QuietHours,
    guard::Limits,
    invitation::{Invitation, Rsvp, Status, Why},
    line::LineState,
    live::LiveRoom,
    meeting::Invitee,
    occurrence::{self, Occurrence},
    rules::RetryRules,
};

pub use person::Person;
use phone::{Moment, Script, Signal};

/// Ten in the morning, some day.
pub const START: Millis = Millis(1_764_000_000_000);

/// One meeting of the world.
pub struct Meeting {
    pub occurrence: Occurrence,
    pub room: LiveRoom,
    pub announced: Vec<String>,
}

/// Everything there is.
pub struct World {
    pub now: Millis,
    pub rules: RetryRules,
    /// When nobody is called who has not accepted, by UTC.
    pub quiet: Option<QuietHours>,
    /// Where calls may go, and how many.
    pub limits: Limits,
    pub meetings: BTreeMap<OccurrenceId, Meeting>,
    pub people: Vec<Person>,
    pub invitations: BTreeMap<InvitationId, Invitation>,
    pub attempts: BTreeMap<AttemptId, Attempt>,
    /// What happened besides calls, in words.
    pub log: Vec<(Millis, String)>,
    /// Whether every call kills the server.
    pub kills: Kills,
    /// Whether rows are written and read back after every input; a long day does without.
    pub rereads: bool,
    calls: BTreeMap<AttemptId, Call>,
    /// What is being played to a call, by a number of its own.
    playing: BTreeMap<AttemptId, u64>,
    events: BTreeMap<(Millis, u64), Event>,
    /// Distinct INVITEs that reached a phone.
    rung: BTreeSet<AttemptId>,
    /// Which call each person is in, as his phone sees it.
    on_the_phone: BTreeMap<usize, AttemptId>,
    counter: u64,
}

/// What comes from outside at its time.
#[derive(Debug, Clone)]
enum Event {
    Phone {
        person: usize,
        attempt: AttemptId,
        signal: Signal,
    },
    Played {
        attempt: AttemptId,
        serial: u64,
    },
    Announced(OccurrenceId),
    /// His line is seen to return to the network.
    Returns(usize),
    /// Another server, or the operator, says how his line is.
    IsSeen(usize, LineState),
    /// He calls the number that rang him.
    CallsIn(usize),
    Crash,
}

/// When a call kills the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kills {
    /// Never.
    Nothing,
    /// After its row is written, before its INVITE leaves.
    BeforeInvites,
    /// When its INVITE has just left.
    AfterInvites,
}

/// How long everything takes that is played.
const PLAYING: Span = Span::seconds(3);

impl World {
    /// A world with nobody in it, five minutes before [`START`].
    pub fn new() -> Self {
        Self {
            now: START - Span::minutes(5),
            rules: RetryRules::default(),
            quiet: None,
            limits: Limits::default(),
            meetings: BTreeMap::new(),
            people: Vec::new(),
            invitations: BTreeMap::new(),
            attempts: BTreeMap::new(),
            log: Vec::new(),
            kills: Kills::Nothing,
            rereads: true,
            calls: BTreeMap::new(),
            playing: BTreeMap::new(),
            events: BTreeMap::new(),
            rung: BTreeSet::new(),
            on_the_phone: BTreeMap::new(),
            counter: 0,
        }
    }

    /// A meeting of an hour that dials `lead` before [`START`].
    pub fn meeting(&mut self, lead: Span) -> OccurrenceId {
        let random = self.random();
        let id = OccurrenceId::new(self.now, random);
        let occurrence = Occurrence {
            id,
            company: domain::CompanyId::new(self.now, [0; 10]),
            meeting: Some(MeetingId::new(self.now, random)),
            slot: None,
            room: RoomId::new(self.now, random),
            title: "Dealers' hour".to_owned(),
            zone: None,
            starts_at: START,
            ends_at: START + Span::minutes(60),
            dial_at: START - lead,
            opens_at: None,
            late: false,
            status: occurrence::Status::Scheduled,
        };
        let meeting = Meeting {
            room: LiveRoom::new(occurrence.room),
            occurrence,
            announced: Vec::new(),
        };
        self.meetings.insert(id, meeting);
        id
    }

    /// An employee with a mobile; `needs_key` when only a key lets him in.
    pub fn employee(&mut self, name: &str, needs_key: bool, script: Script) -> usize {
        let id = EmployeeId::new(self.now, self.random());
        self.add(name, Invitee::Employee(id), needs_key, script)
    }

    /// Somebody outside.
    pub fn outsider(&mut self, name: &str, script: Script) -> usize {
        let number = Person::number_of(self.people.len());
        let invitee = Invitee::Outside {
            name: Some(name.to_owned()),
            number,
        };
        self.add(name, invitee, true, script)
    }

    /// Expects a person at a meeting, from its dialling on.
    pub fn invite(&mut self, person: usize, to: OccurrenceId) -> InvitationId {
        let id = InvitationId::new(self.now, self.random());
        let due = self.meetings[&to].occurrence.dial_at;
        let invitee = self.people[person].invitee.clone();
        let invitation = Invitation::new(id, to, invitee, Role::Speaker, due);
        self.invitations.insert(id, invitation);
        id
    }

    /// His line is seen to return to the network at this time.
    pub fn returns(&mut self, person: usize, at: Millis) {
        self.schedule(at, Event::Returns(person));
    }

    /// His line is said to be so from this time on.
    pub fn is_seen(&mut self, person: usize, state: LineState, at: Millis) {
        self.schedule(at, Event::IsSeen(person, state));
    }

    /// He calls the number that rang him at this time.
    pub fn calls_in(&mut self, person: usize, at: Millis) {
        self.schedule(at, Event::CallsIn(person));
    }

    /// The server is killed and started again at this time.
    pub fn crash_at(&mut self, at: Millis) {
        self.schedule(at, Event::Crash);
    }

    /// Lets everything happen up to and at a time.
    pub fn run_until(&mut self, end: Millis) {
        let mut same_instant = 0;
        while let Some(next) = self.next_wake().filter(|next| *next <= end) {
            same_instant = if next > self.now { 0 } else { same_instant + 1 };
            assert!(same_instant < 1_000, "The world spins at {next:?}");
            self.now = self.now.max(next);
            self.step();
            if self.rereads {
                self.persist();
            }
        }
        self.now = end;
    }

    /// The invitation of a person.
    pub fn of(&self, person: usize) -> &Invitation {
        let invitee = &self.people[person].invitee;
        let mut his = self.invitations.values();
        his.find(|invitation| invitation.invitee == *invitee)
            .expect("he is invited")
    }

    /// When each call reached his phone, counted from the start.
    pub fn rings(&self, person: usize) -> Vec<Span> {
        let rings = self.people[person].rings.iter();
        rings.map(|(at, _)| *at - START).collect()
    }

    /// His attempts, in order.
    pub fn attempts_of(&self, person: usize) -> Vec<&Attempt> {
        let id = self.of(person).id;
        let his = self.attempts.values().filter(|one| one.invitation == id);
        his.collect()
    }

    /// Whether he is in a room.
    pub fn is_in(&self, person: usize) -> bool {
        matches!(self.of(person).status(), Status::InRoom { .. })
    }

    fn add(&mut self, name: &str, invitee: Invitee, needs_key: bool, script: Script) -> usize {
        let index = self.people.len();
        self.people
            .push(Person::new(index, name, invitee, needs_key, script));
        index
    }

    fn schedule(&mut self, at: Millis, event: Event) {
        self.counter += 1;
        self.events.insert((at, self.counter), event);
    }

    fn random(&mut self) -> [u8; 10] {
        self.counter += 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.counter.to_be_bytes());
        random
    }

    fn note(&mut self, what: impl Into<String>) {
        self.log.push((self.now, what.into()));
    }

    /// The model of quiet hours: minutes of the day, and nothing else.
    fn is_quiet(&self, at: Millis) -> bool {
        self.quiet.is_some_and(|quiet| {
            let minute = at.0.div_euclid(60_000).rem_euclid(24 * 60);
            let (from, until) = (i64::from(quiet.from_minute), i64::from(quiet.until_minute));
            if from <= until {
                (from..until).contains(&minute)
            } else {
                minute >= from || minute < until
            }
        })
    }

    /// How many calls a meeting has made.
    pub fn calls_of(&self, meeting: OccurrenceId) -> usize {
        let of_it =
            |attempt: &&Attempt| self.invitations[&attempt.invitation].occurrence == meeting;
        self.attempts.values().filter(of_it).count()
    }

    /// An INVITE reaches a phone. The same INVITE twice rings once.
    fn invite_reaches(&mut self, person: usize, attempt: AttemptId) {
        if !self.rung.insert(attempt) {
            return;
        }
        let (now, name) = (self.now, self.people[person].name.clone());
        let invitation = &self.invitations[&self.attempts[&attempt].invitation];
        let ends_at = self.meetings[&invitation.occurrence].occurrence.ends_at;
        assert!(now < ends_at, "{name} is called after the end");
        let wanted = invitation.rsvp() == Some(Rsvp::Accepted)
            || matches!(
                invitation.status(),
                Status::Calling {
                    why: Why::Organiser,
                    ..
                }
            );
        let began = self.attempts[&attempt].started_at;
        assert!(
            wanted || !self.is_quiet(began),
            "{name} is called in quiet hours"
        );
        if let Some(other) = self.on_the_phone.insert(person, attempt) {
            panic!("{name} is called twice at once: {other} and {attempt}");
        }
        let him = &mut self.people[person];
        assert!(
            !him.declined.contains(&invitation.occurrence),
            "{name} is called after declining"
        );
        let nth = him.rings.len();
        him.rings.push((now, attempt));
        let reaction = (him.script)(Moment { now, nth });
        for (after, signal) in reaction.signals() {
            let event = Event::Phone {
                person,
                attempt,
                signal,
            };
            self.schedule(now + after, event);
        }
    }

    /// The phone's side of a call is over.
    fn phone_is_down(&mut self, person: usize, attempt: AttemptId) {
        if self.on_the_phone.get(&person) == Some(&attempt) {
            self.on_the_phone.remove(&person);
        }
    }
}
