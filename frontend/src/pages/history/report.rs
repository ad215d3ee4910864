//! One date in full: who was missed and why, who was in and when, every call.

use api::{Attempt, OccurrenceReport, Outcome};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::{components::A, hooks::use_params_map};

use super::{
    day_and_time,
    messages::Messages,
    recordings::OfDate,
    story::{Row, Story},
    timeline::{Timeline, mark},
    title_of,
};
use crate::{
    app::{shared, texts},
    client::{self, Failure},
    clock,
    components::icon::{shape, small},
    format,
    live::{causes, words::Words},
    texts::Texts,
};

#[component]
pub fn Report() -> impl IntoView {
    let t = texts();
    let params = use_params_map();
    let found = RwSignal::new(None::<Result<OccurrenceReport, Failure>>);
    Effect::new(move || {
        let id = params
            .with(|params| params.get("occurrence"))
            .unwrap_or_default();
        found.set(None);
        spawn_local(async move {
            found.set(Some(client::get(&format!("occurrences/{id}")).await));
        });
    });
    view! {
        <main class="hist" id="main">
            <div class="hscroll" tabindex="0">
                {move || match found.get() {
                    None => view! { <p class="quiet" role="status">{t.loading_short()}</p> }.into_any(),
                    Some(Err(failure)) => view! {
                        <p class="crumb"><A href="/history">{t.nav_history()}</A></p>
                        <p class="note bad" role="alert">{small("warn")}<span>{failure.sentence(t)}</span></p>
                    }.into_any(),
                    Some(Ok(report)) => view! { <Full report/> }.into_any(),
                }}
            </div>
        </main>
    }
}

#[component]
fn Full(report: OccurrenceReport) -> impl IntoView {
    let t = texts();
    let now = shared().clock.peek();
    let words = Words {
        t,
        clock: clock::time,
        now,
    };
    let story = Story::of(&report, now);
    let date = &report.occurrence;
    let hours = format!(
        "{}–{}",
        clock::short(date.starts_at),
        clock::short(date.ends_at)
    );
    let missed: Vec<Row> = story
        .rows
        .iter()
        .filter(|row| row.missed.is_some())
        .cloned()
        .collect();
    let sums = story.sums;
    let attempts = attempts(&report);
    let table = format!("/api/v1/occurrences/{}/report.csv", date.id);
    view! {
        <p class="crumb"><A href="/history">{t.nav_history()}</A> " / " {title_of(t, date)}</p>
        <header class="hhead">
            <div class="grow">
                <h1>{title_of(t, date)}</h1>
                <p class="quiet num">
                    {day_and_time(t, date.starts_at)} ", " {hours} ", " {t.room_and_name(&date.room_number)}
                </p>
            </div>
            <a class="btn" href=table download="report.csv">{t.report_table()}</a>
        </header>
        <div class="sum">
            <dl>
                <div><dt>{t.col_expected()}</dt><dd class="num">{sums.expected}</dd></div>
                <div>
                    <dt>{t.sum_came()}</dt>
                    <dd class="num">
                        {sums.came}
                        {(sums.uninvited > 0).then(|| view! { " " <small>{t.sum_uninvited(&sums.uninvited)}</small> })}
                    </dd>
                </div>
                <div><dt>{t.sum_in_time()}</dt><dd class="num">{sums.in_time}</dd></div>
                <div><dt>{t.sum_calls()}</dt><dd class="num">{sums.calls}</dd></div>
            </dl>
            {missed_box(t, words, missed)}
        </div>
        <OfDate date=date.id/>
        <Timeline story/>
        <Attempts attempts/>
        <Messages notices=report.notices.clone()/>
    }
}

fn missed_box(t: Texts, words: Words, missed: Vec<Row>) -> impl IntoView {
    if missed.is_empty() {
        return view! {
            <section class="missed none">
                <h2>{small("check")}{t.missed_none()}</h2>
            </section>
        }
        .into_any();
    }
    let count = missed.len();
    view! {
        <section class="missed">
            <h2>{small("warn")}{t.missed_count(&count)}</h2>
            <ul>
                {missed.into_iter().filter_map(|row| {
                    let invitation = row.missed?;
                    let sign = match invitation.reason.map(|reason| reason.outcome) {
                        Some(Outcome::Offline) => shape("offline").into_any(),
                        Some(Outcome::Busy) => shape("busy").into_any(),
                        Some(_) | None => small("x").into_any(),
                    };
                    let tries = t.tries_made(u64::from(invitation.tries_made));
                    Some(view! {
                        <li>{sign}<span><b>{row.name} "."</b> " " {words.why(&invitation)} ". " {tries}</span></li>
                    })
                }).collect_view()}
            </ul>
        </section>
    }
    .into_any()
}

/// Every call of the date with whom it went to, in order of time.
fn attempts(report: &OccurrenceReport) -> Vec<(String, Attempt)> {
    let mut all: Vec<(String, Attempt)> = report
        .invitations
        .iter()
        .flat_map(|story| {
            let name = &story.invitation.name;
            story
                .attempts
                .iter()
                .map(move |attempt| (name.clone(), attempt.clone()))
        })
        .collect();
    all.sort_by_key(|(_, attempt)| (attempt.started_at, attempt.id));
    all
}

#[component]
fn Attempts(attempts: Vec<(String, Attempt)>) -> impl IntoView {
    let t = texts();
    let words = Words {
        t,
        clock: clock::time,
        now: 0,
    };
    let unanswered_only = RwSignal::new(false);
    let count = attempts.len();
    let answered = |attempt: &Attempt| outcome_of(attempt) == Some(Outcome::Answered);
    let unanswered = attempts
        .iter()
        .filter(|(_, attempt)| !answered(attempt))
        .count();
    let shown = move || {
        attempts
            .iter()
            .filter(|(_, attempt)| !unanswered_only.get() || !answered(attempt))
            .map(|(name, attempt)| line(words, name.clone(), attempt))
            .collect_view()
    };
    view! {
        <section class="box attempts">
            <div class="bhead">
                <h2>{t.attempts()}</h2>
                <span class="count num">{count}</span>
                <span class="grow"></span>
                <button
                    class="chip"
                    aria-pressed=move || (!unanswered_only.get()).to_string()
                    on:click=move |_| unanswered_only.set(false)
                >
                    {t.filter_all()}
                </button>
                <button
                    class="chip"
                    aria-pressed=move || unanswered_only.get().to_string()
                    on:click=move |_| unanswered_only.set(true)
                >
                    {t.not_answered()} " " {unanswered}
                </button>
            </div>
            <div class="tablewrap">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">{t.col_time()}</th>
                            <th scope="col">{t.col_who()}</th>
                            <th scope="col">{t.col_number()}</th>
                            <th scope="col" class="r">{t.col_try()}</th>
                            <th scope="col">{t.col_outcome()}</th>
                            <th scope="col">{t.col_cause()}</th>
                            <th scope="col">{t.col_trunk()}</th>
                            <th scope="col" class="r">{t.col_rang()}</th>
                        </tr>
                    </thead>
                    <tbody>{shown}</tbody>
                </table>
            </div>
        </section>
    }
}

/// A call that was taken up and only ended with the meeting has no outcome of its own: it was answered.
fn outcome_of(attempt: &Attempt) -> Option<Outcome> {
    attempt
        .outcome
        .or_else(|| attempt.answered_at.map(|_| Outcome::Answered))
}

fn line(words: Words, name: String, attempt: &Attempt) -> impl IntoView + use<> {
    let t = words.t;
    let outcome = outcome_of(attempt);
    let cause = causes::said(t, attempt.sip_code, attempt.q850_cause.map(u16::from));
    let rang = attempt.ringing_at.map(|ringing| {
        let until = attempt.answered_at.or(attempt.ended_at).unwrap_or(ringing);
        format::minutes(until - ringing)
    });
    view! {
        <tr>
            <td class="num">{clock::time(attempt.started_at)}</td>
            <td><b>{name}</b></td>
            <td class="num">{format::phone(&attempt.address)}</td>
            <td class="num r">{attempt.number}</td>
            <td>
                {outcome.map(|outcome| view! {
                    <span class="oc">
                        <svg viewBox="-8 -6 16 12" aria-hidden="true">{mark(outcome)}</svg>
                        {words.outcome(outcome)}
                    </span>
                })}
            </td>
            <td class="quiet num">{cause}</td>
            <td class="quiet">{attempt.trunk_name.clone().unwrap_or_else(|| words.device(attempt.device_kind).to_owned())}</td>
            <td class="num r quiet">{rang}</td>
        </tr>
    }
}
