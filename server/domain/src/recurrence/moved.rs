//! A rule whose first date is dragged to another: Tuesdays become Wednesdays.

use chrono::{Datelike, NaiveDate};

use super::{
    ByDay, End, Frequency, Recurrence, Weekday,
    dates::{days_in_month, weekday},
};
use crate::time::LocalDate;

impl Recurrence {
    /// The rule that has `to` where this one has `from`: weekdays move along,
    /// the 24th becomes the 25th, the second Tuesday the third Wednesday.
    ///
    /// None if no single rule says that, such as for the last weekday of a month:
    /// then a person must say how it repeats.
    pub fn moved(&self, from: LocalDate, to: LocalDate) -> Option<Self> {
        let mut rule = self.clone();
        if from == to {
            return Some(rule);
        }
        if !self.by_set_pos.is_empty() {
            return None;
        }
        let days = to.0.signed_duration_since(from.0).num_days();
        match self.frequency {
            Frequency::Daily if self.by_month_day.is_empty() => rule.shift_weekdays(days),
            Frequency::Daily => return None,
            Frequency::Weekly => rule.shift_weekdays(days),
            Frequency::Monthly | Frequency::Yearly => rule.move_in_month(to.0)?,
        }
        if !self.by_month.is_empty() && from.0.month() != to.0.month() {
            if self.by_month.len() > 1 {
                return None;
            }
            rule.by_month = [to.0.month()].into();
        }
        Some(rule)
    }

    /// The rule as it goes on from one of its dates, `passed` of which lie before.
    pub fn after(&self, passed: u32) -> Self {
        let mut rule = self.clone();
        if let End::Count(count) = rule.end {
            rule.end = End::Count(count.saturating_sub(passed).max(1));
        }
        rule
    }

    /// The rule as it ends before a date.
    pub fn ending_before(&self, date: LocalDate) -> Self {
        let mut rule = self.clone();
        if let Some(eve) = date.0.pred_opt() {
            rule.end = End::UntilDate(LocalDate(eve));
        }
        rule
    }

    fn shift_weekdays(&mut self, days: i64) {
        let moved = |one: &ByDay| ByDay {
            nth: one.nth,
            day: Weekday::from_index(i64::from(one.day.index()) + days),
        };
        self.by_day = self.by_day.iter().map(moved).collect();
    }

    fn move_in_month(&mut self, to: NaiveDate) -> Option<()> {
        let month_days: Vec<i32> = self.by_month_day.iter().copied().collect();
        let week_days: Vec<ByDay> = self.by_day.iter().copied().collect();
        match (month_days.as_slice(), week_days.as_slice()) {
            ([], []) => Some(()),
            ([one], []) => {
                let day = i32::try_from(to.day()).ok()?;
                let last = to.day() == days_in_month(to);
                let counted_back = *one < 0;
                self.by_month_day = [if counted_back && last { -1 } else { day }].into();
                Some(())
            }
            ([], [ByDay { nth: Some(nth), .. }]) => {
                let place = i32::try_from((to.day() - 1) / 7 + 1).ok()?;
                let last = to.day() + 7 > days_in_month(to);
                let nth = if last && (*nth < 0 || place == 5) {
                    -1
                } else {
                    place
                };
                self.by_day = [ByDay {
                    nth: Some(nth),
                    day: weekday(to),
                }]
                .into();
                Some(())
            }
            (_, _) => None,
        }
    }
}
