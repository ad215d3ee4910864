//! Days of the calendar: plain arithmetic on dates, so that it can be tested.

use crate::texts::Texts;

/// A date on a calendar, with no time zone: months and days count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    pub year: i32,
    pub month: u32,
    pub day: u32,
}

/// Monday of some week.
pub type Monday = Day;

impl Day {
    /// Days since 1 January 1970, by the civil calendar (after H. Hinnant, "chrono-compatible
    /// low-level date algorithms").
    pub fn number(self) -> i64 {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month = (i64::from(self.month) + 9) % 12;
        let day_of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    pub fn from_number(number: i64) -> Self {
        let number = number + 719_468;
        let era = number.div_euclid(146_097);
        let day_of_era = number.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let small = |value: i64| u32::try_from(value).unwrap_or(1);
        Self {
            year: i32::try_from(year).unwrap_or(1970),
            month: small(month),
            day: small(day),
        }
    }

    /// 0 is Monday.
    pub fn weekday(self) -> usize {
        usize::try_from((self.number() + 3).rem_euclid(7)).unwrap_or(0)
    }

    pub fn plus(self, days: i64) -> Self {
        Self::from_number(self.number() + days)
    }

    pub fn monday(self) -> Monday {
        self.plus(-i64::try_from(self.weekday()).unwrap_or(0))
    }

    /// The week's number by ISO 8601: the week that has the year's first Thursday is the first.
    pub fn iso_week(self) -> i64 {
        let thursday = self.monday().plus(3);
        let first = Self {
            year: thursday.year,
            month: 1,
            day: 1,
        };
        (thursday.number() - first.number()) / 7 + 1
    }

    /// `2026-11-24`
    pub fn iso(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let day = Self {
            year: parts.next()?.parse().ok()?,
            month: parts.next()?.parse().ok()?,
            day: parts.next()?.parse().ok()?,
        };
        // A day that the calendar does not have comes back as another one.
        (Self::from_number(day.number()) == day).then_some(day)
    }
}

/// "Tue 24 Nov"
pub fn short(t: Texts, day: Day) -> String {
    t.day_short(&weekday(t, day), &day.day, &month_short(t, day.month))
}

pub fn weekday(t: Texts, day: Day) -> &'static str {
    t.weekdays()
        .split(' ')
        .nth(day.weekday())
        .unwrap_or_default()
}

/// "23–29 November", "30 November – 6 December"
pub fn week(t: Texts, monday: Monday) -> String {
    let sunday = monday.plus(6);
    if monday.month == sunday.month {
        t.week_in_month(&monday.day, &sunday.day, &month(t, monday.month))
    } else {
        t.week_over_months(
            &monday.day,
            &month(t, monday.month),
            &sunday.day,
            &month(t, sunday.month),
        )
    }
}

fn month(t: Texts, month: u32) -> &'static str {
    nth(t.months(), month)
}

fn month_short(t: Texts, month: u32) -> &'static str {
    nth(t.months_short(), month)
}

fn nth(names: &'static str, month: u32) -> &'static str {
    let index = usize::try_from(month.saturating_sub(1)).unwrap_or(0);
    names.split(' ').nth(index).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use api::Language;

    use super::*;

    fn day(year: i32, month: u32, day: u32) -> Day {
        Day { year, month, day }
    }

    #[test]
    fn dates_and_their_numbers_are_the_same_thing() {
        assert_eq!(day(1970, 1, 1).number(), 0);
        assert_eq!(day(2024, 2, 29).plus(1), day(2024, 3, 1));
        assert_eq!(day(2026, 12, 31).plus(1), day(2027, 1, 1));
        for number in (-200_000..200_000).step_by(97) {
            assert_eq!(Day::from_number(number).number(), number);
        }
    }

    #[test]
    fn weeks_begin_on_monday_and_count_as_iso_says() {
        assert_eq!(day(2026, 11, 23).weekday(), 0);
        assert_eq!(day(2026, 11, 29).monday(), day(2026, 11, 23));
        assert_eq!(day(2026, 11, 23).iso_week(), 48);
        assert_eq!(day(2027, 1, 1).iso_week(), 53);
        assert_eq!(day(2025, 12, 29).iso_week(), 1);
    }

    #[test]
    fn a_day_that_does_not_exist_is_refused() {
        assert_eq!(Day::parse("2026-11-24"), Some(day(2026, 11, 24)));
        assert_eq!(Day::parse("2026-02-29"), None);
        assert_eq!(Day::parse("tomorrow"), None);
    }

    #[test]
    fn a_week_is_named_by_its_ends_in_both_languages() {
        assert_eq!(
            week(Texts(Language::English), day(2026, 11, 23)),
            "23–29 November"
        );
        assert_eq!(
            week(Texts(Language::Russian), day(2026, 11, 30)),
            "30 ноября – 6 декабря"
        );
        assert_eq!(
            short(Texts(Language::Russian), day(2026, 11, 24)),
            "вт 24 ноя"
        );
    }
}
