//! How a meeting repeats, as the form has it: a few usual ways, and whatever
//! rule a program gave, which is kept as it is. Plain Rust, and the control over it.

use std::collections::BTreeSet;

use domain::recurrence::{ByDay, End, Frequency, Recurrence, Weekday};
use leptos::prelude::*;

use super::{
    Editing,
    days::{self, Day},
    draft::Draft,
    rules::Token,
};
use crate::{app::texts, texts::Texts};

/// How it repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeats {
    pub way: Way,
    /// Every so many days, weeks or months.
    pub every: u32,
    pub until: Until,
}

/// What repeats; what is left open is as on the day of the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    Once,
    Daily,
    WorkingDays,
    /// On these days; 0 is Monday.
    Weekly(BTreeSet<usize>),
    MonthDay,
    /// On the second Tuesday.
    MonthWeekday,
    /// On the last Tuesday.
    LastWeekday,
    /// A rule that no sentence here says.
    Other(String),
}

/// When it is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    Never,
    Date(Day),
    Count(u32),
}

const CODES: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

impl Repeats {
    pub const ONCE: Self = Self {
        way: Way::Once,
        every: 1,
        until: Until::Never,
    };

    /// The rule in the words of RFC 5545; none for a meeting held once.
    pub fn rule(&self, day: Day) -> Option<String> {
        let place = (day.day - 1) / 7 + 1;
        let weekday = CODES[day.weekday()];
        let mut rule = match &self.way {
            Way::Once => return None,
            Way::Other(rule) => return Some(rule.clone()),
            Way::Daily => "FREQ=DAILY".to_owned(),
            Way::WorkingDays => "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR".to_owned(),
            Way::Weekly(days) if days.is_empty() => "FREQ=WEEKLY".to_owned(),
            Way::Weekly(days) => {
                let days: Vec<&str> = days.iter().map(|day| CODES[*day]).collect();
                format!("FREQ=WEEKLY;BYDAY={}", days.join(","))
            }
            Way::MonthDay => format!("FREQ=MONTHLY;BYMONTHDAY={}", day.day),
            Way::MonthWeekday if place < 5 => format!("FREQ=MONTHLY;BYDAY={place}{weekday}"),
            Way::MonthWeekday | Way::LastWeekday => format!("FREQ=MONTHLY;BYDAY=-1{weekday}"),
        };
        if self.every > 1 {
            rule += &format!(";INTERVAL={}", self.every);
        }
        match self.until {
            Until::Never => {}
            Until::Date(day) => rule += &format!(";UNTIL={}", day.iso().replace('-', "")),
            Until::Count(count) => rule += &format!(";COUNT={}", count.max(1)),
        }
        Some(rule)
    }

    /// What a rule says, if one of our sentences says it.
    pub fn of(text: &str) -> Self {
        let other = Self {
            way: Way::Other(text.to_owned()),
            ..Self::ONCE
        };
        let Ok(rule) = text.parse::<Recurrence>() else {
            return other;
        };
        let (Some(way), Some(until)) = (way_of(&rule), until_of(&rule)) else {
            return other;
        };
        Self {
            way,
            every: rule.interval,
            until,
        }
    }
}

fn way_of(rule: &Recurrence) -> Option<Way> {
    if !rule.by_month.is_empty() || !rule.by_set_pos.is_empty() {
        return None;
    }
    let days: Vec<ByDay> = rule.by_day.iter().copied().collect();
    let month_days: Vec<i32> = rule.by_month_day.iter().copied().collect();
    match (rule.frequency, days.as_slice(), month_days.as_slice()) {
        (Frequency::Daily, [], []) => Some(Way::Daily),
        (Frequency::Weekly, days, []) => {
            let days: BTreeSet<usize> = days.iter().map(|one| index(one.day)).collect();
            Some(if days == BTreeSet::from([0, 1, 2, 3, 4]) {
                Way::WorkingDays
            } else {
                Way::Weekly(days)
            })
        }
        (Frequency::Monthly, [], []) => Some(Way::MonthDay),
        (Frequency::Monthly, [], [day]) if *day > 0 => Some(Way::MonthDay),
        (Frequency::Monthly, [ByDay { nth: Some(-1), .. }], []) => Some(Way::LastWeekday),
        (
            Frequency::Monthly,
            [
                ByDay {
                    nth: Some(1..5), ..
                },
            ],
            [],
        ) => Some(Way::MonthWeekday),
        (_, _, _) => None,
    }
}

fn index(day: Weekday) -> usize {
    usize::try_from(day.index()).unwrap_or(0)
}

fn until_of(rule: &Recurrence) -> Option<Until> {
    match rule.end {
        End::Never => Some(Until::Never),
        End::Count(count) => Some(Until::Count(count)),
        End::UntilDate(date) => Day::parse(&date.to_string()).map(Until::Date),
        End::UntilLocal(_) | End::UntilInstant(_) => None,
    }
}

/// The second Tuesday, the last Sunday.
fn weekday_of_month(t: Texts, day: Day, last: bool) -> &'static str {
    let names = match ((day.day - 1) / 7, last) {
        (0, false) => t.weekdays_first(),
        (1, false) => t.weekdays_second(),
        (2, false) => t.weekdays_third(),
        (3, false) => t.weekdays_fourth(),
        (_, _) => t.weekdays_last(),
    };
    names.split('|').nth(day.weekday()).unwrap_or_default()
}

#[component]
pub fn Repeat(editing: Editing) -> impl IntoView {
    let t = texts();
    let draft = editing.draft;
    let repeats = Memo::new(move |_| {
        draft.with(|draft| {
            draft
                .as_ref()
                .map_or(Repeats::ONCE, |draft| draft.repeats.clone())
        })
    });
    let day = Memo::new(move |_| draft.with(|draft| draft.as_ref().map(|draft| draft.day)));
    let change = move |with: &dyn Fn(&mut Repeats, &Draft)| {
        draft.update(|draft| {
            if let Some(draft) = draft {
                let mut repeats = draft.repeats.clone();
                with(&mut repeats, draft);
                draft.repeats = repeats;
                draft.own_repeats = true;
            }
        });
    };
    let choose = move |event: leptos::ev::Event| {
        let value = event_target_value(&event);
        change(&|repeats, draft| {
            repeats.way = match value.as_str() {
                "daily" => Way::Daily,
                "working" => Way::WorkingDays,
                "weekly" => Way::Weekly([draft.day.weekday()].into()),
                "monthday" => Way::MonthDay,
                "weekday" => Way::MonthWeekday,
                "last" => Way::LastWeekday,
                _ => Way::Once,
            };
        });
    };
    let options = move || {
        let day = day.get()?;
        let now = repeats.get();
        let other = matches!(now.way, Way::Other(_));
        let is = |name: &str| {
            name == match now.way {
                Way::Once => "once",
                Way::Daily => "daily",
                Way::WorkingDays => "working",
                Way::Weekly(_) => "weekly",
                Way::MonthDay => "monthday",
                Way::MonthWeekday => "weekday",
                Way::LastWeekday => "last",
                Way::Other(_) => "other",
            }
        };
        let mut all = vec![
            ("once", t.repeat_once().to_owned()),
            ("daily", t.repeat_daily().to_owned()),
            ("working", t.repeat_working_days().to_owned()),
            ("weekly", t.repeat_weekly().to_owned()),
            ("monthday", t.repeat_month_day(&day.day)),
        ];
        if day.day <= 28 {
            let name = weekday_of_month(t, day, false);
            all.push(("weekday", t.repeat_month_weekday(&name)));
        }
        if day.plus(7).month != day.month || is("last") {
            let name = weekday_of_month(t, day, true);
            all.push(("last", t.repeat_month_weekday(&name)));
        }
        if other {
            all.push(("other", t.repeat_other().to_owned()));
        }
        Some(
            all.into_iter()
                .map(|(value, name)| view! { <option value=value selected=is(value)>{name}</option> })
                .collect_view(),
        )
    };
    let chips = move || {
        let Way::Weekly(days) = repeats.get().way else {
            return None;
        };
        let names: Vec<&str> = t.weekdays().split(' ').collect();
        Some(view! {
            <span class="days" role="group" aria-label=t.repeat_weekly()>
                {names.into_iter().enumerate().map(|(index, name)| {
                    let on = days.contains(&index);
                    view! {
                        <button
                            type="button"
                            class="dchip"
                            aria-pressed=on.to_string()
                            on:click=move |_| change(&|repeats, _| {
                                if let Way::Weekly(days) = &mut repeats.way
                                    && (!days.remove(&index) || days.is_empty())
                                {
                                    days.insert(index);
                                }
                            })
                        >
                            {name}
                        </button>
                    }
                }).collect_view()}
            </span>
        })
    };
    let interval = move || {
        let word = move |every: i64| {
            let every = u64::try_from(every).unwrap_or(1);
            match repeats.get().way {
                Way::Daily => t.every_days(every),
                Way::WorkingDays | Way::Weekly(_) => t.every_weeks(every),
                Way::MonthDay | Way::MonthWeekday | Way::LastWeekday => t.every_months(every),
                Way::Once | Way::Other(_) => String::new(),
            }
        };
        let shown = !matches!(repeats.get().way, Way::Once | Way::Other(_));
        shown.then(|| {
            view! {
                <Token
                    label=t.repeat_every()
                    value=move || i64::from(repeats.get().every)
                    options=vec![1, 2, 3, 4, 6]
                    word=word
                    set=move |every| change(&|repeats, _| {
                        repeats.every = u32::try_from(every).unwrap_or(1);
                    })
                />
            }
        })
    };
    let end = move || {
        let now = repeats.get();
        if matches!(now.way, Way::Once | Way::Other(_)) {
            return None;
        }
        let set_kind = move |event: leptos::ev::Event| {
            let value = event_target_value(&event);
            change(&|repeats, draft| {
                repeats.until = match value.as_str() {
                    "date" => Until::Date(draft.day.plus(90)),
                    "count" => Until::Count(10),
                    _ => Until::Never,
                };
            });
        };
        let more = match now.until {
            Until::Never => None,
            Until::Date(day) => Some(
                view! {
                    <input
                        class="btn num"
                        type="date"
                        name="until"
                        aria-label=t.until_date()
                        prop:value=day.iso()
                        on:change=move |event| {
                            if let Some(day) = Day::parse(&event_target_value(&event)) {
                                change(&|repeats, _| repeats.until = Until::Date(day));
                            }
                        }
                    />
                }
                .into_any(),
            ),
            Until::Count(count) => Some(
                view! {
                    <input
                        class="btn num count"
                        type="number"
                        name="count"
                        min="1"
                        max="2000"
                        aria-label=t.until_count()
                        prop:value=count.to_string()
                        on:change=move |event| {
                            if let Ok(count) = event_target_value(&event).parse() {
                                change(&|repeats, _| repeats.until = Until::Count(count));
                            }
                        }
                    />
                }
                .into_any(),
            ),
        };
        let is = |until: bool| until;
        Some(view! {
            <select class="tok" name="ends" aria-label=t.repeat_ends() on:change=set_kind>
                <option value="never" selected=is(now.until == Until::Never)>{t.until_never()}</option>
                <option value="date" selected=is(matches!(now.until, Until::Date(_)))>{t.until_date()}</option>
                <option value="count" selected=is(matches!(now.until, Until::Count(_)))>{t.until_count()}</option>
            </select>
            {more}
        })
    };
    let next = move || {
        let dates = editing.check.with(|check| {
            check
                .as_ref()
                .map(|check| check.dates_at.clone())
                .unwrap_or_default()
        });
        let is_series = repeats.get().way != Way::Once;
        (is_series && !dates.is_empty()).then(|| {
            let days: Vec<String> = dates
                .iter()
                .take(4)
                .map(|at| {
                    let (year, month, day) = crate::clock::day_of(*at);
                    days::short(t, Day { year, month, day })
                })
                .collect();
            view! { <p class="quiet next">{t.next_dates(&days.join(", "))}</p> }
        })
    };
    view! {
        <select class="btn" name="repeats" aria-label=t.form_repeats() on:change=choose>{options}</select>
        {interval}
        {end}
        {chips}
        {next}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn every_sentence_is_a_rule_that_says_the_same() {
        let fourth_tuesday = day("2026-11-24");
        for (way, rule) in [
            (Way::Daily, "FREQ=DAILY"),
            (Way::WorkingDays, "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
            (Way::Weekly([1, 3].into()), "FREQ=WEEKLY;BYDAY=TU,TH"),
            (Way::MonthDay, "FREQ=MONTHLY;BYMONTHDAY=24"),
            (Way::MonthWeekday, "FREQ=MONTHLY;BYDAY=4TU"),
            (Way::LastWeekday, "FREQ=MONTHLY;BYDAY=-1TU"),
        ] {
            let repeats = Repeats {
                way,
                ..Repeats::ONCE
            };
            assert_eq!(repeats.rule(fourth_tuesday).unwrap(), rule);
            assert_eq!(Repeats::of(rule), repeats);
        }
        assert_eq!(Repeats::ONCE.rule(fourth_tuesday), None);
    }

    #[test]
    fn interval_and_end_are_said_too() {
        let repeats = Repeats {
            way: Way::Weekly([4].into()),
            every: 2,
            until: Until::Date(day("2027-03-01")),
        };
        let rule = repeats.rule(day("2026-11-27")).unwrap();
        assert_eq!(rule, "FREQ=WEEKLY;BYDAY=FR;INTERVAL=2;UNTIL=20270301");
        assert_eq!(Repeats::of(&rule), repeats);
        assert_eq!(Repeats::of("FREQ=DAILY;COUNT=5").until, Until::Count(5));
    }

    #[test]
    fn a_rule_that_no_sentence_says_is_kept() {
        for rule in [
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "FREQ=YEARLY;BYMONTH=3",
            "FREQ=MONTHLY;BYMONTHDAY=-1",
            "nonsense",
        ] {
            let repeats = Repeats::of(rule);
            assert_eq!(repeats.rule(day("2026-11-24")).unwrap(), rule);
        }
    }
}
