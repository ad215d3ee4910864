//! Who was in and when, and every call that brought nobody: the same that the table below says.

use api::{Outcome, Role};
use leptos::prelude::*;

use super::story::{Row, Story};
use crate::{
    app::texts,
    clock,
    components::icon::{role_icon, small},
    live::words::Words,
};

/// Width of the drawing in its own units; it is stretched to the room there is.
const WIDTH: i64 = 1000;

#[component]
pub fn Timeline(story: Story) -> impl IntoView {
    let t = texts();
    let words = Words {
        t,
        clock: clock::time,
        now: 0,
    };
    let legend = [
        Outcome::Busy,
        Outcome::Offline,
        Outcome::NoAnswer,
        Outcome::NotConfirmed,
        Outcome::Declined,
        Outcome::Dropped,
    ];
    let seen = |outcome: Outcome| {
        story
            .rows
            .iter()
            .any(|row| row.misses.iter().any(|(_, miss)| *miss == outcome))
    };
    let legend: Vec<Outcome> = legend
        .into_iter()
        .filter(|outcome| seen(*outcome))
        .collect();
    if story.rows.is_empty() {
        return ().into_any();
    }
    view! {
        <section class="box">
            <div class="bhead">
                <h2>{t.who_was_in()}</h2>
                <span class="grow"></span>
                <ul class="legend" aria-hidden="true">
                    <li><svg viewBox="0 0 20 12" width="20"><rect class="in" x="0" y="1" width="20" height="10" rx="2"></rect></svg>{t.in_the_room()}</li>
                    {legend.into_iter().map(|outcome| view! {
                        <li><svg viewBox="-8 -6 16 12" width="16">{mark(outcome)}</svg>{words.outcome(outcome)}</li>
                    }).collect_view()}
                </ul>
            </div>
            <div class="tlrow axis" aria-hidden="true">
                <span></span>
                <span class="tlbar">
                    {story.marks().into_iter().map(|at| view! {
                        <span class="tick0 num" style:left=percent(story.place(at))>{clock::short(at)}</span>
                    }).collect_view()}
                </span>
                <span></span>
            </div>
            {story.rows.iter().map(|row| line(words, &story, row)).collect_view()}
        </section>
    }
    .into_any()
}

fn line(words: Words, story: &Story, row: &Row) -> impl IntoView + use<> {
    let t = words.t;
    let gone = row.missed.is_some();
    let sign = if gone { "x" } else { role_icon(row.role) };
    let class = if gone {
        "tlname gone"
    } else if row.role == Role::Moderator {
        "tlname mod"
    } else {
        "tlname"
    };
    let first = row.stays.first().map(|stay| stay.from);
    let said = match first {
        Some(at) if row.uninvited => t.dialled_in(&clock::short(at)),
        Some(at) => t.came_at(&clock::short(at)),
        None => t.did_not_come().to_owned(),
    };
    let bars = row.stays.iter().map(|stay| {
        let (from, until) = (story.place(stay.from), story.place(stay.until));
        view! { <rect class="in" x=from y="4" width=(until - from).max(3) height="16" rx="3"></rect> }
    });
    let drops = row.stays.iter().filter(|stay| stay.dropped).map(|stay| {
        let at = story.place(stay.until);
        view! { <path class="m-drop" d=format!("M{at} 4v16")></path> }
    });
    let misses = row.misses.iter().map(|(at, outcome)| {
        let (left, outcome) = (percent(story.place(*at)), *outcome);
        let title = format!("{} {}", clock::time(*at), words.outcome(outcome));
        view! {
            <svg class="miss1" style:left=left viewBox="-8 -6 16 12" role="img" aria-label=title.clone()>
                <title>{title.clone()}</title>
                {mark(outcome)}
            </svg>
        }
    });
    view! {
        <div class="tlrow">
            <span class=class>{small(sign)}<span class="cut">{row.name.clone()}</span></span>
            <span class="tlbar">
                <svg class="stays" viewBox=format!("0 0 {WIDTH} 24") preserveAspectRatio="none" aria-hidden="true">
                    {row.stays.is_empty().then(|| view! { <path class="never" d=format!("M0 12h{WIDTH}")></path> })}
                    {bars.collect_view()}
                    {drops.collect_view()}
                </svg>
                {misses.collect_view()}
            </span>
            <span class="quiet tlsaid">{said}</span>
        </div>
    }
}

fn percent(thousandths: i64) -> String {
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

/// The sign of an outcome, around the origin.
pub fn mark(outcome: Outcome) -> AnyView {
    match outcome {
        Outcome::Busy => {
            view! { <rect class="m-busy" x="-3" y="-3" width="6" height="6" rx="1"></rect> }
                .into_any()
        }
        Outcome::Offline => view! {
            <circle class="m-line" cx="0" cy="0" r="4"></circle>
            <path class="m-line" d="m-2.6 2.6 5.2-5.2"></path>
        }
        .into_any(),
        Outcome::NoAnswer => {
            view! { <path class="m-line" d="M-4.500 0 0-4.500 4.500 0 0 4.500z"></path> }.into_any()
        }
        Outcome::NotConfirmed => view! {
            <circle class="m-line" cx="-3" cy="0" r="2.2"></circle>
            <circle class="m-line" cx="3" cy="0" r="2.2"></circle>
        }
        .into_any(),
        Outcome::Declined | Outcome::Invalid => {
            view! { <path class="m-busyl" d="M-3-3 3 3M3-3-3 3"></path> }.into_any()
        }
        Outcome::Dropped => view! { <path class="m-drop" d="M0-5v10"></path> }.into_any(),
        Outcome::Answered => view! { <path class="m-ok" d="m-4 0 3 3 5-6"></path> }.into_any(),
        Outcome::Network | Outcome::Unknown => {
            view! { <path class="m-line" d="M-4 0h8"></path> }.into_any()
        }
    }
}
