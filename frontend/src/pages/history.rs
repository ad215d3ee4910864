//! What was: every date, and one date in full. Who was missed comes first.

use api::{Occurrence, OccurrenceStatus};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::components::A;

use crate::{
    app::{shared, texts},
    client::{self, Failure},
    clock,
    components::icon::{icon, small},
    pages::calendar::days,
    texts::Texts,
};

pub mod messages;
mod recordings;
mod report;
mod story;
mod timeline;

pub use messages::trouble;
pub use recordings::Recordings;
pub use report::Report;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How far back one page of the list goes.
const PAGE_DAYS: i64 = 30;

#[component]
pub fn History() -> impl IntoView {
    let t = texts();
    let shared = shared();
    let until = shared.clock.peek() + DAY_MS;
    let pages = RwSignal::new(1);
    let found = RwSignal::new(None::<Result<Vec<Occurrence>, Failure>>);
    Effect::new(move || {
        let pages = pages.get();
        spawn_local(async move {
            let mut all = Vec::new();
            for page in 0..pages {
                let to = until - page * PAGE_DAYS * DAY_MS;
                let path = format!("occurrences?from={}&to={to}", to - PAGE_DAYS * DAY_MS);
                match client::get::<Vec<Occurrence>>(&path).await {
                    Ok(page) => all.extend(page),
                    Err(failure) => return found.set(Some(Err(failure))),
                }
            }
            all.retain(|occurrence| occurrence.status != OccurrenceStatus::Scheduled);
            all.sort_by_key(|occurrence| (std::cmp::Reverse(occurrence.starts_at), occurrence.id));
            all.dedup_by_key(|occurrence| occurrence.id);
            found.set(Some(Ok(all)));
        });
    });
    view! {
        <main class="hist" id="main">
            <div class="hscroll">
                <Head/>
                {move || match found.get() {
                    None => view! { <p class="quiet" role="status">{t.loading_short()}</p> }.into_any(),
                    Some(Err(failure)) => view! {
                        <p class="note bad" role="alert">{small("warn")}<span>{failure.sentence(t)}</span></p>
                    }.into_any(),
                    Some(Ok(dates)) if dates.is_empty() => view! {
                        <div class="empty box">
                            {icon("clock")}
                            <h3>{t.history_none()}</h3>
                            <p>{t.history_none_hint()}</p>
                        </div>
                    }.into_any(),
                    Some(Ok(dates)) => view! {
                        <div class="box hlist">
                            <table>
                                <thead>
                                    <tr>
                                        <th scope="col">{t.col_when()}</th>
                                        <th scope="col">{t.meeting()}</th>
                                        <th scope="col">{t.room()}</th>
                                        <th scope="col" class="r">{t.col_expected()}</th>
                                        <th scope="col">{t.col_state()}</th>
                                    </tr>
                                </thead>
                                <tbody>{dates.into_iter().map(|date| line(t, date)).collect_view()}</tbody>
                            </table>
                        </div>
                    }.into_any(),
                }}
                <p><button class="btn" on:click=move |_| pages.update(|pages| *pages += 1)>{t.earlier()}</button></p>
            </div>
        </main>
    }
}

/// The two halves of what was: the dates, and what was recorded of them.
#[component]
fn Head() -> impl IntoView {
    let t = texts();
    view! {
        <header class="hhead">
            <h1>{t.nav_history()}</h1>
            <nav class="seg" aria-label=t.nav_history()>
                <A href="/history" exact=true>{t.history_meetings()}</A>
                <A href="/history/recordings">{t.recordings()}</A>
            </nav>
        </header>
    }
}

fn line(t: Texts, date: Occurrence) -> impl IntoView {
    let title = title_of(t, &date);
    let on = matches!(
        date.status,
        OccurrenceStatus::Live | OccurrenceStatus::Calling | OccurrenceStatus::Early
    );
    let href = if on {
        format!("/rooms/{}", date.room_number)
    } else {
        format!("/history/{}", date.id)
    };
    view! {
        <tr>
            <td class="num">{day_and_time(t, date.starts_at)}</td>
            <td><A href=href><b>{title}</b></A></td>
            <td class="num">{date.room_number}</td>
            <td class="num r">{date.expected}</td>
            <td>
                <span class:livew=on class:quiet=!on>{status(t, date.status)}</span>
                {date.late.then(|| view! { <span class="quiet">" · " {t.started_late_short()}</span> })}
            </td>
        </tr>
    }
}

/// A gathering nobody planned has no title of its own.
pub fn title_of(t: Texts, date: &Occurrence) -> String {
    if date.title.is_empty() {
        t.gathering(&date.room_number)
    } else {
        date.title.clone()
    }
}

fn status(t: Texts, status: OccurrenceStatus) -> &'static str {
    match status {
        OccurrenceStatus::Scheduled => t.state_scheduled(),
        OccurrenceStatus::Early => t.state_early(),
        OccurrenceStatus::Calling => t.state_calling(),
        OccurrenceStatus::Live => t.live(),
        OccurrenceStatus::Ended => t.state_ended(),
        OccurrenceStatus::Missed => t.state_missed(),
        OccurrenceStatus::Cancelled => t.state_cancelled(),
    }
}

/// "Mon 23 Nov, 14:00"
pub fn day_and_time(t: Texts, at: i64) -> String {
    let (year, month, day) = clock::day_of(at);
    t.on_day_at(
        &days::short(t, days::Day { year, month, day }),
        &clock::short(at),
    )
}
