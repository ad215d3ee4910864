//! The month: every date in its day. A click opens it, a drag moves it to another day
//! at its hour, a click on a day makes a meeting there.

use api::{Occurrence, OccurrenceId, OccurrenceStatus};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, PointerEvent};

use super::{
    Editing,
    days::{Day, Monday, weekday},
    draft::time,
    moving,
    week::{day_of, is_shown, repeats},
};
use crate::{
    app::{shared, texts},
    clock,
    components::icon::small,
    live::Topic,
    texts::Texts,
};

/// A meeting that is made by a click on a day begins at this minute.
const MORNING_MIN: u32 = 10 * 60;

/// How many a day shows; the week has them all.
const SHOWN: usize = 4;

/// Further than this the pointer drags, nearer it clicks; CSS pixels.
const DRAGGED_PX: i32 = 6;

/// The month that most of the week is in.
fn month_of(monday: Monday) -> (i32, u32) {
    let thursday = monday.plus(3);
    (thursday.year, thursday.month)
}

/// "November 2026"
pub fn heading(t: Texts, monday: Monday) -> String {
    let (year, month) = month_of(monday);
    let index = usize::try_from(month.saturating_sub(1)).unwrap_or(0);
    let name = t
        .months_standing()
        .split(' ')
        .nth(index)
        .unwrap_or_default();
    t.month_name(&name, &year)
}

/// A week of the month before or after.
pub fn step(monday: Monday, by: i64) -> Monday {
    let (year, month) = month_of(monday);
    let middle = Day {
        year,
        month,
        day: 15,
    };
    middle.plus(30 * by).monday()
}

/// The Mondays of the weeks that the month is in.
fn weeks(monday: Monday) -> Vec<Monday> {
    let (year, month) = month_of(monday);
    let first = Day {
        year,
        month,
        day: 1,
    };
    let mut weeks = vec![first.monday()];
    while let Some(last) = weeks.last().map(|monday| monday.plus(7))
        && (last.year, last.month) == (year, month)
    {
        weeks.push(last);
    }
    weeks
}

/// What is dragged: from where on the screen, and over which day.
#[derive(Debug, Clone, PartialEq)]
struct Held {
    occurrence: Occurrence,
    from: (i32, i32),
    over: Option<Day>,
}

#[component]
pub fn Month(monday: RwSignal<Monday>, editing: Editing) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let held: RwSignal<Option<Held>> = RwSignal::new(None);
    let dates = Memo::new(move |_| {
        shared.feed.read(&[Topic::Occurrences], |live| {
            let mut all: Vec<Occurrence> = live
                .occurrences
                .values()
                .filter(|one| is_shown(one))
                .cloned()
                .collect();
            all.sort_by_key(|one| (one.starts_at, one.id));
            all
        })
    });
    let drag = move |event: PointerEvent| {
        held.update(|held| {
            let Some(held) = held else { return };
            let (x, y) = (event.client_x(), event.client_y());
            let far = (x - held.from.0).abs().max((y - held.from.1).abs()) > DRAGGED_PX;
            if held.over.is_some() || far {
                held.over = day_under(x, y).or(held.over);
            }
        });
    };
    // The window's listeners know no context by themselves.
    let owner = Owner::current().unwrap_or_default();
    let up = window_event_listener(leptos::ev::pointerup, move |_| {
        let Some(Held {
            occurrence, over, ..
        }) = held.get_untracked()
        else {
            return;
        };
        held.set(None);
        let was = day_of(occurrence.starts_at);
        match over {
            Some(day) if day != was => {
                let minutes = (day.number() - was.number()) * 24 * 60;
                owner.with(|| moving::move_by(editing, &occurrence, minutes));
            }
            Some(_) => {}
            None => owner.with(|| editing.open(&occurrence)),
        }
    });
    let escape = window_event_listener(leptos::ev::pointercancel, move |_| held.set(None));
    on_cleanup(move || {
        up.remove();
        escape.remove();
    });
    let today = move || day_of(shared.clock.now());
    let target = move || held.with(|held| held.as_ref().and_then(|held| held.over));
    let cell = move |day: Day| {
        let of_day = Memo::new(move |_| {
            dates.with(|dates| {
                let of_day = dates.iter().filter(|one| day_of(one.starts_at) == day);
                of_day.cloned().collect::<Vec<_>>()
            })
        });
        let mine = move || {
            editing.draft.with(|draft| {
                let draft = draft.as_ref().filter(|draft| draft.day == day && draft.id.is_none())?;
                let title = match draft.title.is_empty() {
                    true => t.new_meeting().to_owned(),
                    false => draft.title.clone(),
                };
                Some(view! {
                    <span class="mev new"><span class="num">{time(draft.start_min)}</span> " " {title}</span>
                })
            })
        };
        let rest = move || {
            let rest = of_day.with(Vec::len).saturating_sub(SHOWN);
            (rest > 0).then(|| view! { <span class="quiet">{t.more_that_day(&rest)}</span> })
        };
        view! {
            <div
                class="mday"
                class:today=move || today() == day
                class:out=move || month_of(monday.get()) != (day.year, day.month)
                class:over=move || target() == Some(day)
                data-day=day.iso()
                on:click=move |event| {
                    let on_it = event.target() == event.current_target();
                    if on_it {
                        editing.make(day, MORNING_MIN);
                    }
                }
            >
                <b class="num">{day.day}</b>
                <For
                    each=move || of_day.get().into_iter().take(SHOWN)
                    key=|one| (one.id, one.status, one.starts_at, one.title.clone())
                    let:occurrence
                >
                    <Entry occurrence held editing/>
                </For>
                {mine}
                {rest}
            </div>
        }
    };
    view! {
        <section class="month" aria-label=t.month()>
            <div class="mnames">
                {move || (0..7).map(|day| view! { <span>{weekday(t, monday.get().plus(day))}</span> }).collect_view()}
            </div>
            <div class="mgrid" class:held=move || target().is_some() on:pointermove=drag>
                {move || weeks(monday.get()).into_iter().flat_map(|monday| (0..7).map(move |day| monday.plus(day))).map(cell).collect_view()}
            </div>
        </section>
    }
}

#[component]
fn Entry(occurrence: Occurrence, held: RwSignal<Option<Held>>, editing: Editing) -> impl IntoView {
    let t = texts();
    let live = matches!(
        occurrence.status,
        OccurrenceStatus::Live | OccurrenceStatus::Calling
    );
    let past = matches!(
        occurrence.status,
        OccurrenceStatus::Ended | OccurrenceStatus::Missed
    );
    let off = occurrence.status == OccurrenceStatus::Cancelled;
    let title = match occurrence.title.is_empty() {
        true => t.room_and_name(&occurrence.room_number),
        false => occurrence.title.clone(),
    };
    let at = time(clock::minute_of_day(occurrence.starts_at));
    let label = match off {
        true => format!("{title}, {at}, {}", t.date_off()),
        false => format!("{title}, {at}"),
    };
    let id: OccurrenceId = occurrence.id;
    let again = repeats(&occurrence).then(|| small("repeat"));
    let movable = matches!(
        occurrence.status,
        OccurrenceStatus::Scheduled | OccurrenceStatus::Early
    );
    let (by_pointer, by_key) = (occurrence.clone(), occurrence);
    view! {
        <button
            class="mev"
            class:live=live
            class:past=past
            class:off=off
            aria-label=label
            data-occurrence=id.to_string()
            on:pointerdown=move |event: PointerEvent| {
                if movable && event.button() == 0 && event.pointer_type() != "touch" {
                    event.prevent_default();
                    held.set(Some(Held {
                        occurrence: by_pointer.clone(),
                        from: (event.client_x(), event.client_y()),
                        over: None,
                    }));
                }
            }
            on:click=move |event| {
                // What the mouse clicked was opened when it let go; a key or a finger has no such end.
                if event.detail() == 0 || !movable || held.get_untracked().is_none() && is_touch(&event) {
                    editing.open(&by_key);
                }
            }
        >
            <span class="num">{at}</span> " " {title} {again}
        </button>
    }
}

fn is_touch(event: &web_sys::MouseEvent) -> bool {
    event
        .dyn_ref::<PointerEvent>()
        .is_some_and(|event| event.pointer_type() == "touch")
}

fn day_under(x: i32, y: i32) -> Option<Day> {
    let under = document().element_from_point(x as f32, y as f32)?;
    let cell: Element = under.closest("[data-day]").ok()??;
    Day::parse(&cell.get_attribute("data-day")?)
}

#[cfg(test)]
mod tests {
    use api::Language;

    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn a_month_is_all_the_weeks_it_is_in() {
        // November 2026 begins on a Sunday and ends on a Monday.
        let weeks = weeks(day("2026-11-23"));
        assert_eq!(weeks.first(), Some(&day("2026-10-26")));
        assert_eq!(weeks.last(), Some(&day("2026-11-30")));
        assert_eq!(weeks.len(), 6);
    }

    #[test]
    fn stepping_goes_from_month_to_month() {
        let mut monday = day("2026-11-30");
        for expected in [(2027, 1), (2027, 2), (2027, 3)] {
            monday = step(monday, 1);
            assert_eq!(month_of(monday), expected);
        }
        assert_eq!(month_of(step(monday, -1)), (2027, 2));
    }

    #[test]
    fn a_month_is_named_in_both_languages() {
        let monday = day("2026-11-23");
        assert_eq!(heading(Texts(Language::English), monday), "November 2026");
        assert_eq!(heading(Texts(Language::Russian), monday), "Ноябрь 2026");
    }
}
