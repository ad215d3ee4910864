//! What people said in writing about the dates of a plan, kept apart from the
//! lists of those expected: lists are made two weeks ahead, and whoever answers
//! for a whole series, or for a date in two months, is answered for.
//!
//! What was said of one date goes before what was said of all. An answer is to a
//! day and an hour: when they become others, it is as if nobody had said anything.

use std::collections::BTreeMap;

use crate::{
    invitation::Rsvp,
    meeting::Meeting,
    recurrence::End,
    series::Series,
    time::{LocalDate, Millis},
};

/// Who said it (the key that is the same over all meetings) and of which date; of all
/// dates, or of a meeting held once, if none.
pub type About = (String, Option<LocalDate>);

/// What somebody said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// None: this date has moved since, and what he said of all is not about it.
    pub rsvp: Option<Rsvp>,
    /// When it came to us.
    pub at: Millis,
    /// When his calendar wrote it, if one did.
    pub stamped_at: Option<Millis>,
}

/// Everything said about one plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    by: BTreeMap<About, Said>,
}

/// What has to be written so that the answers kept are others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswerChanges {
    /// Said, or said anew.
    pub written: Vec<(About, Said)>,
    /// Counts no more.
    pub forgotten: Vec<About>,
}

impl Answers {
    /// What a person said about a date.
    pub fn of(&self, person: &str, slot: Option<LocalDate>) -> Option<Rsvp> {
        let of = |slot| self.by.get(&(person.to_owned(), slot));
        of(slot).or_else(|| of(None))?.rsvp
    }

    /// What a person said about all dates.
    pub fn of_all(&self, person: &str) -> Option<Rsvp> {
        self.of(person, None)
    }

    /// When his calendar wrote what it told last about this date or all of them.
    pub fn stamped_at(&self, person: &str, slot: Option<LocalDate>) -> Option<Millis> {
        let of = |slot| self.by.get(&(person.to_owned(), slot))?.stamped_at;
        of(slot).max(of(None))
    }

    /// What a person said about one date and not about all of them.
    pub fn of_date(&self, person: &str, slot: LocalDate) -> Option<Said> {
        self.by.get(&(person.to_owned(), Some(slot))).copied()
    }

    /// Somebody says something. What he says of all dates goes over what he said of each.
    pub fn say(&mut self, (person, slot): About, said: Said) {
        if slot.is_none() {
            self.by.retain(|(who, _), _| *who != person);
        }
        self.by.insert((person, slot), said);
    }

    /// What is left of it under a plan that `was` another: of whoever is still `expected`,
    /// where day and hour are what they were. `moved` are the dates that begin at another
    /// time by now though the plan does not.
    #[must_use]
    pub fn under(
        &self,
        was: &Meeting,
        is: &Meeting,
        expected: impl Fn(&str) -> bool,
        moved: &[LocalDate],
        now: Millis,
    ) -> Self {
        if !is.keeps_the_hours_of(was) {
            return Self::default();
        }
        let mut left = self.clone();
        left.by.retain(|(person, slot), _| {
            let is_past_the_cut = slot.is_none_or(|slot| is.has_slot(slot));
            expected(person) && is_past_the_cut
        });
        let all: Vec<String> = left
            .by
            .keys()
            .filter(|(_, slot)| slot.is_none())
            .map(|(person, _)| person.clone())
            .collect();
        for slot in moved {
            left.by.retain(|(_, one), _| *one != Some(*slot));
            for person in &all {
                let asked_anew = Said {
                    rsvp: None,
                    at: now,
                    stamped_at: None,
                };
                left.by.insert((person.clone(), Some(*slot)), asked_anew);
            }
        }
        left
    }

    /// What has to be written where `there` is kept.
    pub fn beside(&self, there: &Self) -> AnswerChanges {
        let is_new = |(about, said): &(&About, &Said)| there.by.get(*about) != Some(*said);
        let is_gone = |about: &&About| !self.by.contains_key(*about);
        AnswerChanges {
            written: self
                .by
                .iter()
                .filter(is_new)
                .map(|(about, said)| (about.clone(), *said))
                .collect(),
            forgotten: there.by.keys().filter(is_gone).cloned().collect(),
        }
    }
}

impl FromIterator<(About, Said)> for Answers {
    fn from_iter<I: IntoIterator<Item = (About, Said)>>(all: I) -> Self {
        Self {
            by: all.into_iter().collect(),
        }
    }
}

impl AnswerChanges {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.written.is_empty() && self.forgotten.is_empty()
    }
}

impl Meeting {
    /// Whether the dates of this plan are on the days and at the hours of the one it was,
    /// but for those it has no longer or has besides.
    fn keeps_the_hours_of(&self, was: &Self) -> bool {
        let hour = |plan: &Self| (plan.zone, plan.starts_local.hour_minute());
        if hour(self) != hour(was) {
            return false;
        }
        let endless = |series: &Series| {
            let mut rule = series.rule.clone();
            rule.end = End::Never;
            rule
        };
        match (&was.series, &self.series) {
            (None, None) => self.starts_local == was.starts_local,
            (Some(before), Some(after)) => {
                let (first, start) = (was.starts_local.date(), self.starts_local.date());
                // The first day decides what the rule leaves open.
                endless(before) == endless(after)
                    && (was.has_slot(LocalDate(start)) || self.has_slot(LocalDate(first)))
            }
            (None, Some(_)) | (Some(_), None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::tests::meeting;

    fn day(text: &str) -> LocalDate {
        text.parse().unwrap()
    }

    fn tuesdays() -> Meeting {
        meeting("Europe/Moscow", "2026-11-24T10:00", "FREQ=WEEKLY")
    }

    fn said(rsvp: Rsvp) -> Said {
        Said {
            rsvp: Some(rsvp),
            at: Millis(1),
            stamped_at: None,
        }
    }

    /// Oleg declined all of it, Irina comes to one date.
    fn answers() -> Answers {
        let mut answers = Answers::default();
        answers.say(("oleg".to_owned(), None), said(Rsvp::Declined));
        let date = Some(day("2026-12-08"));
        answers.say(("irina".to_owned(), date), said(Rsvp::Accepted));
        answers
    }

    fn left(was: &Meeting, is: &Meeting) -> Answers {
        answers().under(was, is, |_| true, &[], Millis(9))
    }

    #[test]
    fn what_was_said_of_all_dates_holds_for_each_and_what_was_said_of_one_for_that_one() {
        let mut answers = answers();

        assert_eq!(
            answers.of("oleg", Some(day("2027-06-01"))),
            Some(Rsvp::Declined)
        );
        assert_eq!(
            answers.of("irina", Some(day("2026-12-08"))),
            Some(Rsvp::Accepted)
        );
        assert_eq!(answers.of("irina", Some(day("2026-12-15"))), None);

        let date = Some(day("2026-12-08"));
        answers.say(("oleg".to_owned(), date), said(Rsvp::Accepted));
        assert_eq!(answers.of("oleg", date), Some(Rsvp::Accepted));
        assert_eq!(
            answers.of("oleg", Some(day("2026-12-15"))),
            Some(Rsvp::Declined)
        );

        answers.say(("oleg".to_owned(), None), said(Rsvp::Declined));
        assert_eq!(answers.of("oleg", date), Some(Rsvp::Declined));
    }

    #[test]
    fn an_answer_stands_while_day_and_hour_are_what_they_were() {
        let was = tuesdays();
        let changed = |change: fn(&mut Meeting)| {
            let mut is = tuesdays();
            change(&mut is);
            left(&was, &is)
        };

        assert_eq!(changed(|is| is.title = "Else".to_owned()), answers());
        assert_eq!(
            changed(|is| is.series = Some(Series::new("FREQ=WEEKLY;COUNT=9".parse().unwrap()))),
            answers(),
            "another end"
        );
        for change in [
            (|is| is.starts_local = "2026-11-24T11:00".parse().unwrap()) as fn(&mut Meeting),
            |is| is.starts_local = "2026-11-25T10:00".parse().unwrap(),
            |is| is.zone = "Europe/Berlin".parse().unwrap(),
            |is| is.series = Some(Series::new("FREQ=WEEKLY;BYDAY=WE".parse().unwrap())),
            |is| is.series = None,
        ] {
            assert_eq!(changed(change), Answers::default());
        }
    }

    #[test]
    fn a_series_that_is_split_keeps_what_was_said_of_each_part() {
        let was = tuesdays();
        let (before, after) = was.split(day("2026-12-08")).unwrap();

        let (before, after) = (left(&was, &before), left(&was, &after));

        assert_eq!(before.of_all("oleg"), Some(Rsvp::Declined));
        assert_eq!(after.of_all("oleg"), Some(Rsvp::Declined));
        let date = Some(day("2026-12-08"));
        assert_eq!(
            (before.of("irina", date), after.of("irina", date)),
            (None, Some(Rsvp::Accepted))
        );
    }

    #[test]
    fn a_single_date_that_moves_is_asked_about_anew() {
        let date = Some(day("2026-12-08"));
        let mut left = answers().under(
            &tuesdays(),
            &tuesdays(),
            |_| true,
            &[day("2026-12-08")],
            Millis(9),
        );

        assert_eq!(
            (left.of("oleg", date), left.of("irina", date)),
            (None, None)
        );
        assert_eq!(
            left.of("oleg", Some(day("2026-12-15"))),
            Some(Rsvp::Declined)
        );

        left.say(("oleg".to_owned(), None), said(Rsvp::Declined));
        assert_eq!(
            left.of("oleg", date),
            Some(Rsvp::Declined),
            "he knows that it moved"
        );
    }

    #[test]
    fn whoever_is_taken_off_the_list_has_said_nothing() {
        let left = answers().under(
            &tuesdays(),
            &tuesdays(),
            |who| who != "oleg",
            &[],
            Millis(9),
        );

        assert_eq!(left.of_all("oleg"), None);
        let changes = left.beside(&answers());
        assert_eq!(changes.forgotten, [("oleg".to_owned(), None)]);
        assert!(changes.written.is_empty());
    }
}
