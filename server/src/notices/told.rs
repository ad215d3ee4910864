//! What stands in the calendars of those invited, and what they must be told when
//! the plan is another. Pure.
//!
//! Who is told what follows from comparing the two, not from who changed it: a
//! change is told once, however often this is asked, and two changes in a row that
//! end where they began are told not at all.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Language, LocalTime, Millis, Span, Zone, notice::About};
use serde::{Deserialize, Serialize};

/// What we have told about a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub sequence: u32,
    pub plan: Plan,
    /// By their mailboxes, or by the number short messages go to.
    pub people: BTreeMap<String, Guest>,
    /// All of it was called off.
    pub called_off: bool,
    /// Under which sequence its hours were told that hold: an answer to an earlier one is
    /// an answer to other hours.
    #[serde(default)]
    pub hours_since: u32,
    /// Likewise of single dates of a series, by their starts by the rule.
    #[serde(default)]
    pub moved_since: Vec<(Millis, u32)>,
}

impl Told {
    /// Whether an answer under a sequence is about hours that hold no more: those of one
    /// date of a series, or of all of it.
    pub fn is_outdated(&self, sequence: u32, date: Option<Millis>) -> bool {
        let moved = self.moved_since.iter().find(|(of, _)| Some(*of) == date);
        sequence < self.hours_since || moved.is_some_and(|(_, since)| sequence < *since)
    }

    /// The dates that have moved since a sequence, by their starts by the rule.
    pub fn moved_after(&self, sequence: u32) -> Vec<Millis> {
        let after = self
            .moved_since
            .iter()
            .filter(|(_, since)| sequence < *since);
        after.map(|(of, _)| *of).collect()
    }

    /// Since when the hours of `plan` hold, if it is told now under `sequence`.
    fn since(&self, plan: &Plan, sequence: u32) -> (u32, Vec<(Millis, u32)>) {
        if self.called_off || self.plan.hours() != plan.hours() {
            return (sequence, Vec::new());
        }
        let starts = |plan: &Plan| -> BTreeMap<Millis, Millis> {
            let moved = plan.series.iter().flat_map(|series| &series.moved);
            moved.map(|(of, starts_at, _)| (*of, *starts_at)).collect()
        };
        let (before, after) = (starts(&self.plan), starts(plan));
        let mut since: BTreeMap<Millis, u32> = self.moved_since.iter().copied().collect();
        let all: BTreeSet<&Millis> = before.keys().chain(after.keys()).collect();
        for of in all {
            if before.get(of) != after.get(of) {
                since.insert(*of, sequence);
            }
        }
        (self.hours_since, since.into_iter().collect())
    }
}

/// What an answer is an answer to.
#[derive(PartialEq, Eq)]
enum Hours<'a> {
    Once(Millis),
    Series {
        zone: Zone,
        time: (u32, u32),
        rule: Vec<&'a str>,
    },
}

impl Plan {
    /// Not for how long, nor until when it repeats.
    fn hours(&self) -> Hours<'_> {
        let Some(series) = &self.series else {
            return Hours::Once(self.starts_at);
        };
        let local = self.starts_at.in_zone(series.zone);
        let parts = series.rule.split(';');
        let rule = parts.filter(|part| !part.starts_with("UNTIL=") && !part.starts_with("COUNT="));
        Hours::Series {
            zone: series.zone,
            time: local.map_or((0, 0), LocalTime::hour_minute),
            rule: rule.collect(),
        }
    }
}

/// What matters to whoever is invited: when it differs, he is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub title: String,
    pub starts_at: Millis,
    pub lasts: Span,
    /// The room's number.
    pub room: String,
    /// The city number that leads there.
    #[serde(default)]
    pub number: Option<String>,
    /// How it repeats.
    #[serde(default)]
    pub series: Option<Series>,
}

/// How a meeting repeats, as calendars take it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    pub zone: Zone,
    pub rule: String,
    /// Starts by the rule of dates that do not take place.
    #[serde(default)]
    pub without: Vec<Millis>,
    /// Starts by the rule of dates held at another time: the start, and how long.
    #[serde(default)]
    pub moved: Vec<(Millis, Millis, Span)>,
}

/// Somebody who has it in his calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    pub name: String,
    /// Whom calls go to: see `store::person_key`.
    pub person: String,
    pub zone: Zone,
    pub language: Language,
}

/// Somebody is to be told something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Where it goes: see [`Told::people`].
    pub to: String,
    pub guest: Guest,
    pub about: About,
}

/// What follows from what was told and what holds; `None` holds nothing any more.
///
/// Answers what will have been told then, and who is to be told what. Whoever is
/// told of a plan is told of the one in the answer, under its sequence.
pub fn tell(
    told: Option<&Told>,
    holds: Option<(Plan, BTreeMap<String, Guest>)>,
) -> Option<(Told, Vec<Word>)> {
    let word = |about: About| {
        move |(to, guest): (&String, &Guest)| Word {
            to: to.clone(),
            guest: guest.clone(),
            about,
        }
    };
    let (told, (plan, people)) = match (told, holds) {
        (None, None) => return None,
        (None, Some((plan, people))) => {
            let words = people.iter().map(word(About::Invitation)).collect();
            let told = Told {
                sequence: 0,
                plan,
                people,
                called_off: false,
                hours_since: 0,
                moved_since: Vec::new(),
            };
            return Some((told, words));
        }
        (Some(told), None) if told.called_off => return None,
        (Some(told), None) => {
            let words = told.people.iter().map(word(About::CallingOff)).collect();
            let told = Told {
                sequence: told.sequence + 1,
                called_off: true,
                ..told.clone()
            };
            return Some((told, words));
        }
        (Some(told), Some(holds)) => (told, holds),
    };
    let changed = told.called_off || told.plan != plan;
    let is_new = |to: &String| told.called_off || !told.people.contains_key(to);
    let mut words = Vec::new();
    if !told.called_off {
        let gone = told
            .people
            .iter()
            .filter(|(to, _)| !people.contains_key(*to));
        words.extend(gone.map(word(About::CallingOff)));
    }
    for one in &people {
        if is_new(one.0) {
            words.push(word(About::Invitation)(one));
        } else if changed {
            words.push(word(About::Change)(one));
        }
    }
    if words.is_empty() && told.people == people {
        return None;
    }
    // Whoever is taken off must take it for newer than what he has.
    let newer = changed || words.iter().any(|word| word.about == About::CallingOff);
    let sequence = told.sequence + u32::from(newer);
    let (hours_since, moved_since) = told.since(&plan, sequence);
    let told = Told {
        sequence,
        plan,
        people,
        called_off: false,
        hours_since,
        moved_since,
    };
    Some((told, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(title: &str) -> Plan {
        Plan {
            title: title.to_owned(),
            starts_at: Millis(1_000),
            lasts: Span::minutes(60),
            room: "9000".to_owned(),
            number: None,
            series: None,
        }
    }

    fn people(names: &[&str]) -> BTreeMap<String, Guest> {
        let guest = |name: &&str| {
            let guest = Guest {
                name: (*name).to_owned(),
                person: (*name).to_owned(),
                zone: Zone::UTC,
                language: Language::English,
            };
            (format!("{name}@northway.example"), guest)
        };
        names.iter().map(guest).collect()
    }

    /// Who is told what, and under which sequence.
    fn said(
        told: &mut Option<Told>,
        holds: Option<(Plan, BTreeMap<String, Guest>)>,
    ) -> (Option<u32>, Vec<(String, About)>) {
        let Some((new, words)) = tell(told.as_ref(), holds) else {
            return (None, Vec::new());
        };
        let sequence = new.sequence;
        *told = Some(new);
        let words = words.into_iter().map(|word| (word.guest.name, word.about));
        (Some(sequence), words.collect())
    }

    fn one(name: &str, about: About) -> (String, About) {
        (name.to_owned(), about)
    }

    #[test]
    fn everyone_is_invited_once_and_told_of_each_change_under_a_higher_number() {
        let mut told = None;
        let holds = |title: &str| Some((plan(title), people(&["oleg", "anna"])));

        let (first, words) = said(&mut told, holds("Roll"));
        assert_eq!(first, Some(0));
        assert_eq!(
            words,
            [
                one("anna", About::Invitation),
                one("oleg", About::Invitation)
            ]
        );
        assert_eq!(said(&mut told, holds("Roll")), (None, Vec::new()));

        let (second, words) = said(&mut told, holds("Roll call"));
        assert_eq!(second, Some(1));
        assert_eq!(
            words,
            [one("anna", About::Change), one("oleg", About::Change)]
        );
    }

    #[test]
    fn who_is_added_is_invited_and_who_is_taken_off_is_told_and_nobody_else() {
        let mut told = None;
        said(&mut told, Some((plan("Roll"), people(&["oleg", "anna"]))));

        let (sequence, words) = said(&mut told, Some((plan("Roll"), people(&["oleg", "dina"]))));

        assert_eq!(sequence, Some(1));
        assert_eq!(
            words,
            [
                one("anna", About::CallingOff),
                one("dina", About::Invitation)
            ]
        );
    }

    #[test]
    fn what_is_called_off_is_called_off_once_and_may_be_planned_anew() {
        let mut told = None;
        let holds = || Some((plan("Roll"), people(&["oleg"])));
        said(&mut told, holds());

        assert_eq!(
            said(&mut told, None),
            (Some(1), vec![one("oleg", About::CallingOff)])
        );
        assert_eq!(said(&mut told, None), (None, Vec::new()));
        assert_eq!(
            said(&mut told, holds()),
            (Some(2), vec![one("oleg", About::Invitation)])
        );
    }

    #[test]
    fn what_nobody_was_told_of_needs_no_calling_off() {
        assert_eq!(tell(None, None), None);
    }

    /// A series on Tuesdays at ten, one of whose dates is held at another time.
    fn series(rule: &str, moved: &[(i64, i64)]) -> Plan {
        let moved = moved.iter();
        Plan {
            series: Some(Series {
                zone: Zone::UTC,
                rule: rule.to_owned(),
                without: Vec::new(),
                moved: moved
                    .map(|(of, at)| (Millis(*of), Millis(*at), Span::minutes(60)))
                    .collect(),
            }),
            ..plan("Roll")
        }
    }

    #[test]
    fn an_answer_counts_for_the_hours_it_was_an_answer_to() {
        let mut told = None;
        let mut tell_of = |plan: Plan| {
            let (new, _) = tell(told.as_ref(), Some((plan, people(&["oleg"])))).unwrap();
            told = Some(new.clone());
            new
        };
        tell_of(plan("Roll"));
        let renamed = tell_of(plan("Winter roll"));
        assert!(!renamed.is_outdated(0, None), "it is still at that hour");

        let moved = tell_of(Plan {
            starts_at: Millis(9_000),
            ..plan("Winter roll")
        });

        assert_eq!(moved.sequence, 2);
        assert!(moved.is_outdated(0, None) && moved.is_outdated(1, None));
        assert!(!moved.is_outdated(2, None));
    }

    #[test]
    fn a_single_date_that_moved_outdates_answers_to_that_date_alone() {
        let mut told = None;
        let mut tell_of = |plan: Plan| {
            let (new, _) = tell(told.as_ref(), Some((plan, people(&["oleg"])))).unwrap();
            told = Some(new.clone());
            new
        };
        tell_of(series("FREQ=WEEKLY;BYDAY=TU", &[]));
        let moved = tell_of(series("FREQ=WEEKLY;BYDAY=TU", &[(7, 8)]));
        let longer = tell_of(series("FREQ=WEEKLY;BYDAY=TU;COUNT=9", &[(7, 8)]));

        for told in [&moved, &longer] {
            assert!(told.is_outdated(0, Some(Millis(7))));
            assert!(!told.is_outdated(1, Some(Millis(7))));
            assert!(!told.is_outdated(0, Some(Millis(70))));
            assert!(!told.is_outdated(0, None));
            assert_eq!(told.moved_after(0), [Millis(7)]);
            assert_eq!(told.moved_after(1), []);
        }
        let back = tell_of(series("FREQ=WEEKLY;BYDAY=TU", &[]));
        assert!(
            back.is_outdated(2, Some(Millis(7))),
            "it has moved once more"
        );
        let other = tell_of(series("FREQ=WEEKLY;BYDAY=WE", &[]));
        assert!(other.is_outdated(3, None) && !other.is_outdated(4, None));
    }
}
