//! From a rule to its dates, by the table of RFC 5545 §3.3.10.

use std::collections::{BTreeSet, VecDeque};

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime};

use super::{ByDay, End, Frequency, Recurrence, Weekday};
use crate::time::{LocalDate, LocalTime, Zone};

/// A rule without a date in so many years is taken to have none: the rarest
/// that people mean, a 29 February every few years, comes sooner.
const A_LIFETIME_YEARS: u32 = 60;

/// The dates of a rule, earliest first.
#[derive(Debug, Clone)]
pub struct Dates<'a> {
    rule: &'a Recurrence,
    start: LocalTime,
    until: Option<NaiveDateTime>,
    last: NaiveDate,
    /// How many are still to come, where they are counted.
    left: Option<u32>,
    /// The first day of the period to be looked at next.
    period: Option<NaiveDate>,
    found: VecDeque<NaiveDate>,
}

pub(super) fn a_lifetime_after(start: LocalTime) -> LocalDate {
    let years = Months::new(12 * A_LIFETIME_YEARS);
    LocalDate(
        start
            .date()
            .checked_add_months(years)
            .unwrap_or(NaiveDate::MAX),
    )
}

impl<'a> Dates<'a> {
    pub(super) fn new(rule: &'a Recurrence, start: LocalTime, zone: Zone, last: LocalDate) -> Self {
        let until = match rule.end {
            End::Never | End::Count(_) => None,
            End::UntilDate(date) => Some(start.on(date).0),
            End::UntilLocal(time) => Some(time.0),
            End::UntilInstant(at) => at.in_zone(zone).map(|local| local.0),
        };
        let left = match rule.end {
            End::Count(count) => Some(count),
            End::Never | End::UntilDate(_) | End::UntilLocal(_) | End::UntilInstant(_) => None,
        };
        Self {
            rule,
            start,
            until,
            last: last.0.min(a_lifetime_after(start).0),
            left,
            period: rule.period_of(start.date()),
            found: VecDeque::new(),
        }
    }

    fn is_past_the_end(&self, date: NaiveDate) -> bool {
        date > self.last
            || self
                .until
                .is_some_and(|until| self.start.on(LocalDate(date)).0 > until)
    }
}

impl Iterator for Dates<'_> {
    type Item = LocalDate;

    fn next(&mut self) -> Option<LocalDate> {
        if self.left == Some(0) {
            return None;
        }
        loop {
            if let Some(date) = self.found.pop_front() {
                if self.is_past_the_end(date) {
                    self.period = None;
                    self.found.clear();
                    return None;
                }
                self.left = self.left.map(|left| left - 1);
                return Some(LocalDate(date));
            }
            let period = self.period?;
            if self.is_past_the_end(period) {
                self.period = None;
                return None;
            }
            let start = self.start.date();
            self.found = self.rule.in_period(period, start).into();
            self.found.retain(|date| *date >= start);
            self.period = self.rule.period_after(period);
        }
    }
}

impl Recurrence {
    /// The first day of the period a date is in.
    fn period_of(&self, date: NaiveDate) -> Option<NaiveDate> {
        match self.frequency {
            Frequency::Daily => Some(date),
            Frequency::Weekly => {
                let into = (weekday(date).index() + 7 - self.week_start.index()) % 7;
                date.checked_sub_days(Days::new(u64::from(into)))
            }
            Frequency::Monthly => date.with_day(1),
            Frequency::Yearly => NaiveDate::from_ymd_opt(date.year(), 1, 1),
        }
    }

    fn period_after(&self, period: NaiveDate) -> Option<NaiveDate> {
        let every = self.interval;
        match self.frequency {
            Frequency::Daily => period.checked_add_days(Days::new(u64::from(every))),
            Frequency::Weekly => period.checked_add_days(Days::new(7 * u64::from(every))),
            Frequency::Monthly => period.checked_add_months(Months::new(every)),
            Frequency::Yearly => period.checked_add_months(Months::new(12 * every)),
        }
    }

    /// The dates in the period that begins with `period`; what the rule leaves
    /// open is as on the day of the start.
    fn in_period(&self, period: NaiveDate, start: NaiveDate) -> Vec<NaiveDate> {
        let mut dates: BTreeSet<NaiveDate> = match self.frequency {
            Frequency::Daily => BTreeSet::from([period]),
            Frequency::Weekly => self.in_week(period, start),
            Frequency::Monthly => self.in_month(period, start),
            Frequency::Yearly => self.in_year(period, start),
        };
        dates.retain(|date| self.admits(*date));
        let dates: Vec<NaiveDate> = dates.into_iter().collect();
        if self.by_set_pos.is_empty() {
            return dates;
        }
        let chosen: BTreeSet<NaiveDate> = self
            .by_set_pos
            .iter()
            .filter_map(|place| nth(&dates, *place))
            .collect();
        chosen.into_iter().collect()
    }

    /// What only narrows the choice, whatever the frequency.
    fn admits(&self, date: NaiveDate) -> bool {
        let month = self.by_month.is_empty() || self.by_month.contains(&date.month());
        let day = self.frequency != Frequency::Daily
            || ((self.by_day.is_empty() || self.names_weekday(date))
                && (self.by_month_day.is_empty() || self.names_month_day(date)));
        month && day
    }

    fn in_week(&self, week: NaiveDate, start: NaiveDate) -> BTreeSet<NaiveDate> {
        let days = (0..7).filter_map(|day| week.checked_add_days(Days::new(day)));
        if self.by_day.is_empty() {
            return days
                .filter(|day| day.weekday() == start.weekday())
                .collect();
        }
        days.filter(|day| self.names_weekday(*day)).collect()
    }

    fn in_month(&self, month: NaiveDate, start: NaiveDate) -> BTreeSet<NaiveDate> {
        let days = days_from(month, |day| {
            (day.year(), day.month()) == (month.year(), month.month())
        });
        if !self.by_month_day.is_empty() {
            return days
                .into_iter()
                .filter(|day| self.names_month_day(*day))
                .filter(|day| self.by_day.is_empty() || self.names_weekday(*day))
                .collect();
        }
        if !self.by_day.is_empty() {
            return by_day(&self.by_day, &days);
        }
        days.into_iter()
            .filter(|day| day.day() == start.day())
            .collect()
    }

    fn in_year(&self, year: NaiveDate, start: NaiveDate) -> BTreeSet<NaiveDate> {
        let in_months = |months: &mut dyn Iterator<Item = u32>| {
            months
                .filter_map(|month| year.with_month(month))
                .flat_map(|month| self.in_month(month, start))
                .collect::<BTreeSet<_>>()
        };
        if !self.by_month.is_empty() {
            return in_months(&mut self.by_month.iter().copied());
        }
        if !self.by_month_day.is_empty() {
            return in_months(&mut (1..=12));
        }
        if !self.by_day.is_empty() {
            return by_day(
                &self.by_day,
                &days_from(year, |day| day.year() == year.year()),
            );
        }
        in_months(&mut std::iter::once(start.month()))
    }

    fn names_weekday(&self, date: NaiveDate) -> bool {
        self.by_day.iter().any(|one| one.day == weekday(date))
    }

    fn names_month_day(&self, date: NaiveDate) -> bool {
        let days = i32::try_from(days_in_month(date)).unwrap_or(31);
        let day = i32::try_from(date.day()).unwrap_or(1);
        self.by_month_day.contains(&day) || self.by_month_day.contains(&(day - days - 1))
    }
}

/// The days of a month or a year that a list of weekdays names.
fn by_day(list: &BTreeSet<ByDay>, days: &[NaiveDate]) -> BTreeSet<NaiveDate> {
    let mut dates = BTreeSet::new();
    for one in list {
        let same: Vec<NaiveDate> = days
            .iter()
            .copied()
            .filter(|day| weekday(*day) == one.day)
            .collect();
        match one.nth {
            Some(place) => dates.extend(nth(&same, place)),
            None => dates.extend(same),
        }
    }
    dates
}

/// 1 is the first, -1 the last.
fn nth(dates: &[NaiveDate], place: i32) -> Option<NaiveDate> {
    let index = match place {
        1.. => usize::try_from(place - 1).ok()?,
        _ => dates
            .len()
            .checked_sub(usize::try_from(place.unsigned_abs()).ok()?)?,
    };
    dates.get(index).copied()
}

fn days_from(first: NaiveDate, belongs: impl Fn(NaiveDate) -> bool) -> Vec<NaiveDate> {
    first.iter_days().take_while(|day| belongs(*day)).collect()
}

pub(super) fn days_in_month(date: NaiveDate) -> u32 {
    (28..=31)
        .rev()
        .find(|day| date.with_day(*day).is_some())
        .unwrap_or(28)
}

pub(super) fn weekday(date: NaiveDate) -> Weekday {
    Weekday::from_index(i64::from(date.weekday().num_days_from_monday()))
}
