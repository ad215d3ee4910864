//! The week: what is planned, and the meeting being made. Drag down to make one, its lower edge to
//! change its length, its body to move it; one that is planned is moved by its body too.

use api::{Occurrence, OccurrenceId, OccurrenceStatus};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, PointerEvent};

use super::{
    Editing,
    days::{Day, Monday, weekday},
    draft::{DAY_MIN, STEP_MIN, time},
    moving,
};
use crate::{
    app::{shared, texts},
    clock,
    components::icon::small,
    live::Topic,
};

/// Height of a step of 15 minutes, CSS pixels, as in `schedule.css`.
const STEP_PX: f64 = 16.0;
/// Where the day begins to be interesting.
const FIRST_HOUR: f64 = 8.0;

/// What the pointer does to the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    Nothing,
    /// Makes one, from this minute on.
    Making {
        from: u32,
    },
    Ending,
    /// Moves it, held so many minutes below its start.
    Moving {
        below: u32,
    },
    /// Moves one that is planned, taken in this day at this minute.
    Carrying {
        column: usize,
        minute: u32,
    },
}

/// A planned one on its way: what it is, and by how many minutes it is moved.
#[derive(Debug, Clone, PartialEq)]
struct Carried {
    drawn: Drawn,
    by_min: i64,
}

/// One meeting as drawn: in its day, and beside others at the same time.
#[derive(Debug, Clone, PartialEq)]
struct Drawn {
    occurrence: Occurrence,
    column: usize,
    from_min: u32,
    length_min: u32,
    /// How many overlap it from the left.
    lane: usize,
}

#[component]
pub fn Week(monday: RwSignal<Monday>, editing: Editing) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let hold = RwSignal::new(Hold::Nothing);
    let carried: RwSignal<Option<Carried>> = RwSignal::new(None);
    // The click that ends a drag opens nothing.
    let was_drag = StoredValue::new(false);
    let grid = NodeRef::<leptos::html::Div>::new();
    let scroll = NodeRef::<leptos::html::Div>::new();
    Effect::new(move || {
        if let Some(scroll) = scroll.get() {
            scroll.set_scroll_top((FIRST_HOUR * 4.0 * STEP_PX) as i32);
        }
    });
    let drawn = Memo::new(move |_| {
        // What is being changed is drawn as it is being changed: of a series, this date alone.
        let (meeting, one) = editing.draft.with(|draft| {
            let one = draft.as_ref().and_then(|draft| draft.one);
            let meeting = draft.as_ref().and_then(|draft| draft.id);
            (meeting, one.map(|one| one.occurrence))
        });
        let is_edited = |o: &Occurrence| match one {
            Some(one) => o.id == one,
            None => o.meeting_id.is_some() && o.meeting_id == meeting,
        };
        shared.feed.read(&[Topic::Occurrences], |live| {
            draw(
                live.occurrences.values().filter(|o| !is_edited(o)),
                monday.get(),
            )
        })
    });
    let today = move || day_of(shared.clock.now());
    let mine = move || {
        editing.draft.with(|draft| {
            let draft = draft.as_ref()?;
            let column = usize::try_from(draft.day.number() - monday.get().number())
                .ok()
                .filter(|day| *day < 7)?;
            Some((
                column,
                draft.start_min,
                draft.duration_min,
                draft.title.clone(),
            ))
        })
    };

    let press = move |event: PointerEvent| {
        let Some((column, minute)) = grid.get_untracked().and_then(|grid| place(&event, &grid))
        else {
            return;
        };
        let on = |class: &str| target_in(&event, class);
        was_drag.set_value(false);
        if event.button() != 0 || event.pointer_type() == "touch" {
            return;
        }
        if on(".ev:not(.new)") {
            let taken = occurrence_under(&event).and_then(|id| {
                let all = drawn.get_untracked();
                all.into_iter()
                    .find(|one| one.occurrence.id.to_string() == id)
            });
            if let Some(drawn) = taken.filter(|one| {
                matches!(
                    one.occurrence.status,
                    OccurrenceStatus::Scheduled | OccurrenceStatus::Early
                ) && one.occurrence.meeting_id.is_some()
            }) {
                hold.set(Hold::Carrying { column, minute });
                carried.set(Some(Carried { drawn, by_min: 0 }));
            }
            return;
        }
        event.prevent_default();
        let held = mine().map(|(_, start, _, _)| start);
        match held {
            Some(_) if on(".handle") => hold.set(Hold::Ending),
            Some(start) if on(".ev.new") => hold.set(Hold::Moving {
                below: minute.saturating_sub(start),
            }),
            _ => {
                editing.make(
                    monday
                        .get_untracked()
                        .plus(i64::try_from(column).unwrap_or(0)),
                    minute,
                );
                hold.set(Hold::Making { from: minute });
            }
        }
    };
    let drag = move |event: PointerEvent| {
        let held = hold.get_untracked();
        if held == Hold::Nothing {
            return;
        }
        let Some((column, minute)) = grid.get_untracked().and_then(|grid| place(&event, &grid))
        else {
            return;
        };
        if let Hold::Carrying {
            column: from_column,
            minute: from_minute,
        } = held
        {
            let minutes = |column: usize, minute: u32| {
                i64::try_from(column).unwrap_or(0) * i64::from(DAY_MIN) + i64::from(minute)
            };
            let by_min = minutes(column, minute) - minutes(from_column, from_minute);
            carried.update(|carried| {
                if let Some(carried) = carried {
                    carried.by_min = by_min;
                }
            });
            if by_min != 0 {
                was_drag.set_value(true);
            }
            return;
        }
        editing.draft.update(|draft| {
            let Some(draft) = draft else { return };
            match held {
                Hold::Nothing | Hold::Carrying { .. } => {}
                Hold::Making { from } if minute > from => {
                    draft.start_at(from);
                    draft.end_at(minute + STEP_MIN);
                }
                Hold::Making { .. } => {}
                Hold::Ending => draft.end_at(minute + STEP_MIN),
                Hold::Moving { below } => {
                    draft.day = monday
                        .get_untracked()
                        .plus(i64::try_from(column).unwrap_or(0));
                    draft.start_at(minute.saturating_sub(below) / STEP_MIN * STEP_MIN);
                }
            }
        });
    };
    // The window's listeners know no context by themselves.
    let owner = Owner::current().unwrap_or_default();
    let up = window_event_listener(leptos::ev::pointerup, move |_| {
        hold.set(Hold::Nothing);
        let Some(Carried { drawn, by_min }) = carried.get_untracked() else {
            return;
        };
        carried.set(None);
        if by_min != 0 {
            owner.with(|| moving::move_by(editing, &drawn.occurrence, by_min));
        }
    });
    let lost = window_event_listener(leptos::ev::pointercancel, move |_| {
        hold.set(Hold::Nothing);
        carried.set(None);
    });
    on_cleanup(move || {
        up.remove();
        lost.remove();
    });
    // Where it would go, beside where it is.
    let ghost = move || {
        let Carried { drawn, by_min } = carried.get().filter(|carried| carried.by_min != 0)?;
        let day_min = i64::from(DAY_MIN);
        let at =
            i64::try_from(drawn.column).unwrap_or(0) * day_min + i64::from(drawn.from_min) + by_min;
        let column = at.div_euclid(day_min).clamp(0, 6);
        let from = u32::try_from(at.rem_euclid(day_min)).unwrap_or(0);
        Some(view! {
            <div
                class="ev new"
                aria-hidden="true"
                style:grid-column=(column + 2).to_string()
                style:grid-row=grid_row(from, drawn.length_min)
            >
                <span class="et"><b>{drawn.occurrence.title.clone()}</b></span>
                <span class="num em">{time(from)} "–" {time(from + drawn.length_min)}</span>
            </div>
        })
    };

    view! {
        <section class="week" aria-label=t.week()>
            <div class="wdays">
                <span></span>
                {move || (0..7).map(|day| {
                    let day = monday.get().plus(day);
                    view! {
                        <span class="wday" class:today=move || today() == day>
                            <span>{weekday(t, day)}</span> " " <b class="num">{day.day}</b>
                        </span>
                    }
                }).collect_view()}
            </div>
            <div class="wscroll" tabindex="0" role="group" aria-label=t.week_hours() node_ref=scroll>
                <div class="grid" class:held=move || hold.get() != Hold::Nothing node_ref=grid on:pointerdown=press on:pointermove=drag>
                    {(1..24).map(|hour| view! {
                        <span class="hr num" style:grid-row=(hour * 4 + 1).to_string()>{time(hour * 60)}</span>
                    }).collect_view()}
                    {(0..7).map(|day| view! {
                        <i class="dcol" class:off=(day > 4) style:grid-column=(day + 2).to_string()></i>
                    }).collect_view()}
                    <For each=move || drawn.get() key=|drawn| (drawn.occurrence.id, drawn.occurrence.status, drawn.column, drawn.from_min, drawn.lane) let:drawn>
                        <Planned drawn editing was_drag/>
                    </For>
                    {ghost}
                    {move || mine().map(|(column, start, length, title)| {
                        let (_, span) = rows(start, length);
                        let end = start + length;
                        view! {
                            <div
                                class="ev new"
                                class:low=(span < 3)
                                role="group"
                                aria-label=t.draft_label(&title, &time(start), &time(end))
                                style:grid-column=(column + 2).to_string()
                                style:grid-row=grid_row(start, length)
                            >
                                <span class="et"><b>{if title.is_empty() { t.new_meeting().to_owned() } else { title.clone() }}</b></span>
                                <span class="num em">{time(start)} "–" {time(end)}</span>
                                <span class="handle" aria-hidden="true"></span>
                            </div>
                        }
                    })}
                    <Now monday/>
                </div>
            </div>
        </section>
    }
}

#[component]
fn Planned(drawn: Drawn, editing: Editing, was_drag: StoredValue<bool>) -> impl IntoView {
    let t = texts();
    let Drawn {
        occurrence,
        column,
        from_min,
        length_min,
        lane,
    } = drawn;
    let live = matches!(
        occurrence.status,
        OccurrenceStatus::Live | OccurrenceStatus::Calling
    );
    let past = matches!(
        occurrence.status,
        OccurrenceStatus::Ended | OccurrenceStatus::Missed
    );
    let title = if occurrence.title.is_empty() {
        t.room_and_name(&occurrence.room_number)
    } else {
        occurrence.title.clone()
    };
    let (_, span) = rows(from_min, length_min);
    let off = occurrence.status == OccurrenceStatus::Cancelled;
    let paused = off
        && shared()
            .feed
            .peek(|live| live.is_paused(occurrence.meeting_id));
    let state = match (off, paused) {
        (true, true) => Some(t.series_paused()),
        (true, false) => Some(t.date_off()),
        (false, _) => None,
    };
    let label = format!(
        "{title}, {}–{}{}",
        time(from_min),
        time(from_min + length_min),
        state.map_or_else(String::new, |state| format!(", {state}"))
    );
    let again = repeats(&occurrence).then(|| small("repeat"));
    let there = clock::short_in(occurrence.starts_at, &occurrence.time_zone)
        .filter(|there| *there != clock::short(occurrence.starts_at))
        .map(|there| t.in_zone(&there, &occurrence.time_zone));
    let id: OccurrenceId = occurrence.id;
    view! {
        <button
            class="ev"
            class:live=live
            class:past=past
            class:off=off
            class:low=(span < 3)
            aria-label=label
            title=there
            data-occurrence=id.to_string()
            style:grid-column=(column + 2).to_string()
            style:grid-row=grid_row(from_min, length_min)
            style:margin-left=format!("{}px", 3 + lane * 14)
            on:click=move |_| {
                if !was_drag.get_value() {
                    editing.open(&occurrence);
                }
            }
        >
            <span class="et"><b>{title}</b>{again}</span>
            <span class="num em">
                <span>
                    {time(from_min)}
                    {live.then(|| view! { " " <span class="livew">{t.live()}</span> })}
                    {state.map(|state| view! { " " <span class="livew">{state}</span> })}
                </span>
                <span class="meta">{t.expected_count(u64::from(occurrence.expected))}</span>
            </span>
        </button>
    }
}

/// A line at the present minute of today.
#[component]
fn Now(monday: RwSignal<Monday>) -> impl IntoView {
    let clock = shared().clock;
    let minute = Memo::new(move |_| (day_of(clock.now()), clock::minute_of_day(clock.now())));
    move || {
        let (today, minute) = minute.get();
        let column = today.number() - monday.get().number();
        (0..7).contains(&column).then(|| {
            view! {
                <div
                    class="now"
                    style:grid-column=(column + 2).to_string()
                    style:grid-row=(minute / STEP_MIN + 1).to_string()
                    style:top=format!("{}px", minute % STEP_MIN * 16 / STEP_MIN)
                >
                    <span class="num">{time(minute)}</span>
                </div>
            }
        })
    }
}

pub(super) fn day_of(at: i64) -> Day {
    let (year, month, day) = clock::day_of(at);
    Day { year, month, day }
}

/// What fell out of its plan for good is not drawn; what can be brought back is.
pub(super) fn is_shown(occurrence: &Occurrence) -> bool {
    occurrence.status != OccurrenceStatus::Cancelled || occurrence.restorable
}

/// It is one of a series.
pub(super) fn repeats(occurrence: &Occurrence) -> bool {
    occurrence.date.is_some()
}

/// First row of the grid and how many; what runs over midnight is cut at midnight.
fn rows(from_min: u32, length_min: u32) -> (u32, u32) {
    let until = (from_min + length_min).min(DAY_MIN);
    let first = from_min / STEP_MIN;
    (
        first + 1,
        until.div_ceil(STEP_MIN).saturating_sub(first).max(1),
    )
}

fn grid_row(from_min: u32, length_min: u32) -> String {
    let (first, span) = rows(from_min, length_min);
    format!("{first} / span {span}")
}

/// Those of one week, each beside what it overlaps.
fn draw<'a>(occurrences: impl Iterator<Item = &'a Occurrence>, monday: Monday) -> Vec<Drawn> {
    let mut drawn: Vec<Drawn> = occurrences
        .filter(|occurrence| is_shown(occurrence))
        .filter_map(|occurrence| {
            let column = day_of(occurrence.starts_at).number() - monday.number();
            let column = usize::try_from(column).ok().filter(|column| *column < 7)?;
            let length = (occurrence.ends_at - occurrence.starts_at) / 60_000;
            Some(Drawn {
                column,
                from_min: clock::minute_of_day(occurrence.starts_at),
                length_min: u32::try_from(length).unwrap_or(STEP_MIN).max(STEP_MIN),
                lane: 0,
                occurrence: occurrence.clone(),
            })
        })
        .collect();
    drawn.sort_by_key(|drawn| (drawn.column, drawn.from_min, drawn.occurrence.id));
    for index in 1..drawn.len() {
        let (before, rest) = drawn.split_at_mut(index);
        let this = &mut rest[0];
        this.lane = before
            .iter()
            .filter(|other| {
                other.column == this.column && other.from_min + other.length_min > this.from_min
            })
            .count();
    }
    drawn
}

/// Day and minute under the pointer, down to a step.
fn place(event: &PointerEvent, grid: &Element) -> Option<(usize, u32)> {
    let box_ = grid.get_bounding_client_rect();
    let (x, y) = (
        f64::from(event.client_x()) - box_.left(),
        f64::from(event.client_y()) - box_.top(),
    );
    // The columns are not of one width: ask them.
    let columns = grid.query_selector_all(".dcol").ok()?;
    let column = (0..columns.length()).find(|index| {
        columns
            .get(*index)
            .and_then(|column| column.dyn_into::<Element>().ok())
            .is_some_and(|column| {
                let edges = column.get_bounding_client_rect();
                (edges.left() - box_.left()..edges.right() - box_.left()).contains(&x)
            })
    })?;
    let minute = (y.max(0.0) / STEP_PX) as u32 * STEP_MIN;
    Some((
        usize::try_from(column).ok()?,
        minute.min(DAY_MIN - STEP_MIN),
    ))
}

fn occurrence_under(event: &PointerEvent) -> Option<String> {
    let target: Element = event.target()?.dyn_into().ok()?;
    let found = target.closest("[data-occurrence]").ok()??;
    found.get_attribute("data-occurrence")
}

fn target_in(event: &PointerEvent, selector: &str) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok())
        .is_some_and(|element| element.closest(selector).is_ok_and(|found| found.is_some()))
}
