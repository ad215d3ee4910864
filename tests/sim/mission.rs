//! The measure of the mission: an hour, ten meetings, two hundred telephones that
//! are busy, switched off and left alone as people's telephones are.
//!
//! A line *can be reached* from the moment its owner is free and at his phone until
//! he is not. What is measured is the time from there to his being in the room, and
//! who was not there although he could have been. That nobody is called after he
//! declined, and nobody by two calls at once, the world watches itself.
//!
//! `make bench` prints the table; the check runs the same and wants nobody missed.

use domain::{InvitationId, Millis, Span, invitation::Status, line::LineState};
use proptest::prelude::*;

use crate::{
    meeting::at,
    world::{
        World,
        phone::{Answer, Failure, Moment, Reaction},
    },
};

/// What an owner does with his phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Free,
    Busy,
    Off,
    /// The phone is on the table, and he is not.
    Away,
}

/// From when on he is in which mood, from the first minute to the last.
type Day = Vec<(Millis, Mood)>;

/// What is tried.
#[derive(Debug, Clone, Copy)]
struct Setting {
    people: usize,
    meetings: usize,
    /// Whether anything but our own calls tells how a line is: registrations,
    /// presence, the operator.
    seen: bool,
    seed: u64,
}

/// What came of it.
#[derive(Debug, Default)]
struct Measure {
    /// From "can be reached" to "is in the room", each time, ms, in order.
    waits: Vec<i64>,
    /// Times somebody could be reached for a minute and more, and was not.
    missed: Vec<String>,
    declined: usize,
    calls: usize,
}

/// Whoever can be reached for so long has no excuse not to be in the room.
const LONG_ENOUGH: Span = Span::seconds(60);
const HOUR: Span = Span::minutes(60);
/// How exactly is looked.
const GLANCE: Span = Span(100);

fn measure(setting: Setting) -> Measure {
    let mut chance = Chance(setting.seed | 1);
    let mut world = World::new();
    world.rereads = false;
    let meetings: Vec<_> = (0..setting.meetings)
        .map(|_| world.meeting(Span::ZERO))
        .collect();
    let mut days = Vec::new();
    let mut his: Vec<Vec<InvitationId>> = Vec::new();
    for nth in 0..setting.people {
        let day = day(&mut chance);
        let declines = chance.one_in(20);
        let script = script(day.clone(), declines, chance.next());
        let person = world.employee(&format!("Person {nth}"), false, Box::new(script));
        // One in ten is wanted in two meetings at once.
        let mut invited = vec![world.invite(person, meetings[nth % meetings.len()])];
        if chance.one_in(10) && meetings.len() > 1 {
            invited.push(world.invite(person, meetings[(nth + 1) % meetings.len()]));
        }
        his.push(invited);
        if setting.seen {
            for (from, mood) in &day {
                let state = match mood {
                    Mood::Free | Mood::Away => LineState::Free,
                    Mood::Busy => LineState::Busy,
                    Mood::Off => LineState::Offline,
                };
                world.is_seen(person, state, *from);
            }
        }
        days.push(day);
    }
    let mut watch: Vec<Watch> = days.iter().map(|_| Watch::default()).collect();
    let mut measured = Measure::default();
    let mut now = at(0);
    while now < at(HOUR.0) {
        now = now + GLANCE;
        world.run_until(now);
        for (person, day) in days.iter().enumerate() {
            let statuses = || his[person].iter().map(|id| world.invitations[id].status());
            let is_in = statuses().any(|status| matches!(status, Status::InRoom { .. }));
            let declined = !world.people[person].declined.is_empty();
            let mood = mood_at(day, now);
            let calls_back = watch[person].look(mood, is_in, declined, now, || {
                format!("Person {person}: {:?}", statuses().collect::<Vec<_>>())
            });
            if calls_back && world.people[person].rings.len() > watch[person].rings_known {
                world.calls_in(person, now + Span(chance.between(5_000, 20_000)));
            }
            if mood != Mood::Away {
                watch[person].rings_known = world.people[person].rings.len();
            }
        }
    }
    for person in &mut watch {
        measured.waits.append(&mut person.waits);
        measured.missed.append(&mut person.missed);
    }
    measured.waits.sort_unstable();
    measured.declined = world
        .people
        .iter()
        .filter(|person| !person.declined.is_empty())
        .count();
    measured.calls = world.people.iter().map(|person| person.rings.len()).sum();
    measured
}

/// What is known of one person's being reached.
#[derive(Debug, Default)]
struct Watch {
    mood: Option<Mood>,
    /// Since when he can be reached and is not in.
    reachable_since: Option<Millis>,
    told: bool,
    rings_known: usize,
    waits: Vec<i64>,
    missed: Vec<String>,
}

impl Watch {
    /// Looks once. Answers whether he has just come back to his phone.
    fn look(
        &mut self,
        mood: Mood,
        is_in: bool,
        declined: bool,
        now: Millis,
        story: impl Fn() -> String,
    ) -> bool {
        let before = self.mood.replace(mood);
        if declined || is_in || mood != Mood::Free {
            if let (Some(since), true) = (self.reachable_since, is_in) {
                self.waits.push((now - since).0);
            }
            self.reachable_since = None;
            self.told = false;
            return false;
        }
        let since = *self.reachable_since.get_or_insert(now);
        if now - since >= LONG_ENOUGH && !self.told {
            self.told = true;
            self.missed.push(format!("{now:?} {}", story()));
        }
        before == Some(Mood::Away)
    }
}

fn mood_at(day: &Day, now: Millis) -> Mood {
    day.iter()
        .rev()
        .find(|(from, _)| *from <= now)
        .map_or(Mood::Free, |(_, mood)| *mood)
}

/// An hour and a little of changing moods.
fn day(chance: &mut Chance) -> Day {
    let mut day = Vec::new();
    let mut from = at(-300_000);
    while from < at(HOUR.0) {
        let (mood, least, most) = match chance.between(0, 9) {
            0..4 => (Mood::Free, 60, 1_200),
            4..6 => (Mood::Busy, 15, 360),
            6..8 => (Mood::Off, 20, 900),
            _ => (Mood::Away, 40, 600),
        };
        day.push((from, mood));
        from = from + Span(chance.between(least * 1_000, most * 1_000));
    }
    day
}

/// What his phone does with a call, in whichever mood it finds him.
fn script(day: Day, declines: bool, seed: u64) -> impl Fn(Moment) -> Reaction {
    move |moment| {
        let mut chance = Chance((seed ^ moment.now.0.unsigned_abs()) | 1);
        let fails = |code, cause, within| {
            Reaction::Fail(Failure {
                rings: None,
                fails: within,
                code,
                cause: Some(cause),
            })
        };
        match mood_at(&day, moment.now) {
            Mood::Busy => fails(486, 17, Span(chance.between(100, 900))),
            // Paging takes its time, and the phone may return meanwhile.
            Mood::Off => fails(480, 20, Span(chance.between(200, 8_000))),
            Mood::Away => back(&day, moment.now).map_or(Reaction::RingOut, |back| {
                // He comes in while it rings.
                Reaction::Answer(Answer {
                    rings: Some(Span(500)),
                    answers: back + Span(chance.between(1_500, 4_000)),
                    keys: Vec::new(),
                    hangs_up: None,
                })
            }),
            Mood::Free if declines => Reaction::Fail(Failure {
                rings: Some(Span(500)),
                fails: Span(chance.between(2_000, 9_000)),
                code: 486,
                cause: Some(17),
            }),
            Mood::Free => {
                let answers = Span(chance.between(2_500, 9_000));
                let off = day
                    .iter()
                    .find(|(from, mood)| *from > moment.now && *mood == Mood::Off);
                Reaction::Answer(Answer {
                    rings: Some(Span(chance.between(300, 2_000))),
                    answers,
                    keys: Vec::new(),
                    hangs_up: off
                        .map(|(from, _)| Span(((*from - moment.now).0 - answers.0).max(1))),
                })
            }
        }
    }
}

/// How soon he is back at his phone, if that is while it still rings.
fn back(day: &Day, now: Millis) -> Option<Span> {
    let (from, mood) = day.iter().find(|(from, _)| *from > now)?;
    let soon = *from - now;
    (*mood == Mood::Free && soon < Span::seconds(26)).then_some(soon)
}

/// Chance that is the same every time.
struct Chance(u64);

impl Chance {
    /// A number from a range, both ends included.
    fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = (most - least).unsigned_abs() + 1;
        least + i64::try_from(self.next() % span).unwrap_or(0)
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.next().is_multiple_of(many)
    }

    /// xorshift64*
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }
}

impl Measure {
    fn seconds(&self, part: f64) -> f64 {
        let last = self.waits.len().saturating_sub(1);
        let nth = (last as f64 * part).round() as usize;
        self.waits.get(nth).copied().unwrap_or(0) as f64 / 1_000.0
    }

    fn row(&self, what: &str) -> String {
        format!(
            "| {what:<34} | {:>8} | {:>7.1} | {:>7.1} | {:>7.1} | {:>7} | {:>9} | {:>6} |",
            self.waits.len(),
            self.seconds(0.5),
            self.seconds(0.99),
            self.seconds(1.0),
            self.missed.len(),
            self.declined,
            self.calls,
        )
    }
}

const FULL: Setting = Setting {
    people: 200,
    meetings: 10,
    seen: true,
    seed: 20_261_124,
};

#[test]
fn an_hour_of_telephones_misses_nobody_who_can_be_reached() {
    let measured = measure(Setting {
        people: 40,
        meetings: 2,
        ..FULL
    });
    assert_eq!(measured.missed, [""; 0]);
    let reached = measured.waits.len();
    assert!(reached > 60, "{reached} is no measure");
}

#[test]
#[ignore = "the whole measure: make bench runs it and prints the table"]
fn the_missions_own_measure() {
    let seen = measure(FULL);
    let unseen = measure(Setting {
        seen: false,
        ..FULL
    });

    println!("200 lines, ten meetings, one hour; s from \"can be reached\" to \"is in the room\",");
    println!("the time to pick up (2.5 to 9 s) included. Nobody was called after he declined, and");
    println!("nobody by two calls at once: the first of either would have ended the run.");
    println!(
        "| line states                        |  reached |  median |     p99 |     max |  missed |  declined |  calls |"
    );
    println!(
        "|------------------------------------|---------:|--------:|--------:|--------:|--------:|----------:|-------:|"
    );
    println!("{}", seen.row("seen (registration, presence)"));
    println!("{}", unseen.row("by our own calls alone"));
    assert_eq!(seen.missed, [""; 0]);
    assert!(seen.waits.len() > 300, "{} is no measure", seen.waits.len());
    // Whoever is busy is knocked at every 45 s; what nothing tells is found by the rule's time.
    assert!(seen.seconds(0.99) < 20.0, "{}", seen.seconds(0.99));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Whatever the hour brings: whoever can be reached for a minute is in the room.
    #[test]
    fn nobody_who_is_seen_to_be_reachable_is_missed(seed in any::<u64>(), meetings in 1_usize..4) {
        let measured = measure(Setting { people: 16, meetings, seen: true, seed });
        prop_assert_eq!(measured.missed, [""; 0]);
    }
}
