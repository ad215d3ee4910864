//! The week: what is planned, and the meeting being made. Drag down to make one, its lower edge to
//! change its length, its body to move it.

use api::{Occurrence, OccurrenceId, OccurrenceStatus};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, PointerEvent};

use super::{
    Editing,
    days::{Day, Monday, weekday},
    draft::{DAY_MIN, STEP_MIN, time},
};
use crate::{
    app::{shared, texts},
    clock,
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
    let grid = NodeRef::<leptos::html::Div>::new();
    let scroll = NodeRef::<leptos::html::Div>::new();
    Effect::new(move || {
        if let Some(scroll) = scroll.get() {
            scroll.set_scroll_top((FIRST_HOUR * 4.0 * STEP_PX) as i32);
        }
    });
    let drawn = Memo::new(move |_| {
        let editing = editing
            .draft
            .with(|draft| draft.as_ref().and_then(|draft| draft.id));
        shared.feed.read(&[Topic::Occurrences], |live| {
            draw(
                live.occurrences
                    .values()
                    .filter(|o| o.meeting_id.is_none() || o.meeting_id != editing),
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
        let over_event = on(".ev:not(.new)");
        if over_event || event.button() != 0 || event.pointer_type() == "touch" {
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
        editing.draft.update(|draft| {
            let Some(draft) = draft else { return };
            match held {
                Hold::Nothing => {}
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
    let up = window_event_listener(leptos::ev::pointerup, move |_| hold.set(Hold::Nothing));
    on_cleanup(move || up.remove());

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
                        <Planned drawn editing/>
                    </For>
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
fn Planned(drawn: Drawn, editing: Editing) -> impl IntoView {
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
    let label = format!(
        "{title}, {}–{}",
        time(from_min),
        time(from_min + length_min)
    );
    let id: OccurrenceId = occurrence.id;
    view! {
        <button
            class="ev"
            class:live=live
            class:past=past
            class:low=(span < 3)
            aria-label=label
            data-occurrence=id.to_string()
            style:grid-column=(column + 2).to_string()
            style:grid-row=grid_row(from_min, length_min)
            style:margin-left=format!("{}px", 3 + lane * 14)
            on:click=move |_| editing.open(&occurrence)
        >
            <span class="et"><b>{title}</b></span>
            <span class="num em">
                {time(from_min)}
                {live.then(|| view! { " " <span class="livew">{t.live()}</span> })}
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

fn day_of(at: i64) -> Day {
    let (year, month, day) = clock::day_of(at);
    Day { year, month, day }
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
        .filter(|occurrence| occurrence.status != OccurrenceStatus::Cancelled)
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

fn target_in(event: &PointerEvent, selector: &str) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok())
        .is_some_and(|element| element.closest(selector).is_ok_and(|found| found.is_some()))
}
