//! What was recorded: to be heard here, to be kept, to be erased. A right of its own: the server
//! lists only what one may hear.

use api::{Level, OccurrenceId, Recording, RecordingState};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::components::A;

use super::{Head, day_and_time};
use crate::{
    app::{Session, shared, texts},
    client,
    components::{
        fetched::Fetched,
        icon::{icon, small},
    },
    format,
    live::Topic,
    texts::Texts,
};

const PATH: &str = "recordings";

#[component]
pub fn Recordings() -> impl IntoView {
    let t = texts();
    let list = fresh();
    view! {
        <main class="hist" id="main">
            <div class="hscroll">
                <Head/>
                {list.view(move |recordings| {
                    if recordings.is_empty() {
                        return view! {
                            <div class="empty box">
                                {icon("rec")}
                                <h3>{t.recordings_none()}</h3>
                                <p>{t.recordings_none_hint()}</p>
                            </div>
                        }.into_any();
                    }
                    view! {
                        <ul class="recs">
                            {recordings.into_iter().map(|recording| view! { <One recording list whole=true/> }).collect_view()}
                        </ul>
                    }.into_any()
                })}
            </div>
        </main>
    }
}

/// Those of one date, in its report. Nothing where there are none.
#[component]
pub fn OfDate(date: OccurrenceId) -> impl IntoView {
    let t = texts();
    let list = fresh();
    move || {
        let found = list.get()?.ok()?;
        let own: Vec<Recording> = found
            .into_iter()
            .filter(|recording| recording.occurrence_id == Some(date))
            .collect();
        (!own.is_empty()).then(|| {
            let count = own.len();
            view! {
                <section class="box">
                    <div class="bhead"><h2>{t.recordings()}</h2><span class="count num">{count}</span></div>
                    <ul class="recs plain">
                        {own.into_iter().map(|recording| view! { <One recording list whole=false/> }).collect_view()}
                    </ul>
                </section>
            }
        })
    }
}

/// Asked again whenever a recording begins, ends or is erased.
fn fresh() -> Fetched<Vec<Recording>> {
    let feed = shared().feed;
    let list = Fetched::ask(PATH);
    Effect::new(move |before: Option<()>| {
        feed.read(&[Topic::Recordings], |_| ());
        if before.is_some() {
            list.again();
        }
    });
    list
}

/// `whole`: with its title, which in a report is above it already.
#[component]
fn One(recording: Recording, list: Fetched<Vec<Recording>>, whole: bool) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let id = recording.id;
    let asks = RwSignal::new(false);
    let may_erase = matches!(
        shared.session.get_untracked(),
        Session::In(me) if me.level == Level::Administrator
    );
    let runs = recording.state == RecordingState::Running;
    let by = shared.feed.peek(|live| {
        let person = live.people.get(&recording.started_by?)?;
        Some(person.name.clone())
    });
    let erase = move |_| {
        asks.set(false);
        spawn_local(async move {
            match client::act("DELETE", &format!("{PATH}/{id}"), None).await {
                Ok(()) => {
                    shared
                        .acts
                        .show(t.recording_erased().to_owned(), false, None);
                    list.again();
                }
                Err(failure) => shared.acts.fail(&failure),
            }
        });
    };
    let file = move |name: &str| format!("/api/v1/{PATH}/{id}/files/{name}");
    let mix = recording.files.iter().find(|file| file.member.is_none());
    let player = mix.map(|mix| {
        view! { <audio controls preload="none" src=file(&mix.name) aria-label=t.recording_play()></audio> }
    });
    let kept = mix.map(|mix| {
        view! {
            <a class="btn sm" href=file(&mix.name) download=mix.name.clone()>
                {small("dl")}<span>{t.recording_keep()} " " <span class="count num">{size(t, mix.bytes)}</span></span>
            </a>
        }
    });
    let tracks: Vec<_> = recording
        .files
        .iter()
        .filter_map(|track| Some((track.member.clone()?, file(&track.name), track.name.clone())))
        .collect();
    let tracks = (!tracks.is_empty()).then(|| {
        view! {
            <p class="tracks">
                <span class="quiet">{t.recording_tracks()}</span>
                {tracks.into_iter().map(|(member, href, name)| view! {
                    <a class="chip" href=href download=name>{small("mic")}{member}</a>
                }).collect_view()}
            </p>
        }
    });
    let title = if recording.title.is_empty() {
        recording.room_name.clone()
    } else {
        recording.title.clone()
    };
    let report = recording.occurrence_id.filter(|_| whole && !runs);
    view! {
        <li class="rec1">
            <div class="rech">
                <div class="grow">
                    {whole.then(|| match report {
                        Some(date) => view! { <h3><A href=format!("/history/{date}")>{title}</A></h3> }.into_any(),
                        None => view! { <h3>{title}</h3> }.into_any(),
                    })}
                    <p class="quiet num">
                        {day_and_time(t, recording.started_at)}
                        {(!runs).then(|| format!(", {}", format::hours(recording.duration_ms)))}
                        {by.map(|by| format!(" · {by}"))}
                    </p>
                </div>
                {kept}
                {(may_erase && !runs).then_some(move || if asks.get() {
                    view! {
                        <button class="btn sm danger" on:click=erase>{t.recording_erase_yes()}</button>
                        <button class="btn ghost plain sm" on:click=move |_| asks.set(false)>{t.cancel()}</button>
                    }.into_any()
                } else {
                    view! { <button class="btn ghost plain sm" data-act="erase" on:click=move |_| asks.set(true)>{t.recording_erase()}</button> }.into_any()
                })}
            </div>
            {state(t, recording.state).map(|(kind, said)| view! {
                <p class=format!("note {kind}")>{small(if runs { "rec" } else { "warn" })}<span>{said}</span></p>
            })}
            {player}
            {tracks}
        </li>
    }
}

/// Nothing is said of one that is as it should be.
fn state(t: Texts, state: RecordingState) -> Option<(&'static str, &'static str)> {
    match state {
        RecordingState::Running => Some(("bad", t.recording_runs())),
        RecordingState::Done => None,
        RecordingState::Truncated => Some(("warn", t.recording_truncated())),
        RecordingState::Interrupted => Some(("warn", t.recording_interrupted())),
    }
}

fn size(t: Texts, bytes: i64) -> String {
    const KB: i64 = 1_000;
    const MB: i64 = 1_000_000;
    if bytes < MB {
        t.size_kb(&(bytes / KB).max(1))
    } else {
        t.size_mb(&(bytes / MB))
    }
}
