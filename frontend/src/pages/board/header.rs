//! What is going on in the room, how it goes, and the strong acts.

use api::{ExtendOccurrence, Occurrence, OccurrenceStatus, RoomId};
use leptos::prelude::*;
use leptos_router::components::A;

use super::{
    picker::Start,
    roll::{RollStrokes, sentence},
};
use crate::{
    acts::Call,
    app::{shared, texts},
    client::write,
    clock,
    components::icon::{icon, small},
    format,
    live::{Topic, roll::Roll},
};

use super::headset::Join;

/// The header of a board with no room chosen.
#[component]
pub fn PlainHeader() -> impl IntoView {
    let t = texts();
    let feed = shared().feed;
    let company = Memo::new(move |_| {
        feed.read(&[Topic::Company], |live| {
            live.company.as_ref().map(|company| company.name.clone())
        })
    });
    view! {
        <header class="rhead">
            <div class="rh1">
                <div class="title"><h1 class="cut">{t.choose_room()}</h1><p class="quiet cut">{company}</p></div>
            </div>
        </header>
    }
}

#[component]
pub fn Header(room: RoomId) -> impl IntoView {
    let t = texts();
    let (feed, rail) = (shared().feed, shared().rail);
    let about =
        Memo::new(move |_| feed.read(&[Topic::Rooms], |live| live.rooms.get(&room).cloned()));
    let on = Memo::new(move |_| {
        feed.read(&[Topic::Rooms, Topic::Occurrences], |live| {
            live.occurrence_in(room).cloned()
        })
    });
    let roll = Memo::new(move |_| {
        feed.read(
            &[Topic::Rooms, Topic::Occurrences, Topic::Invitations],
            |live| {
                live.occurrence_in(room)
                    .map_or(Roll::default(), |on| Roll::of(live.invited(on.id)))
            },
        )
    });
    let quiet_hours = Memo::new(move |_| {
        feed.read(&[Topic::Company], |live| {
            Some(live.company.as_ref()?.quiet_hours.as_ref()?.from.clone())
        })
    });
    let number = move || {
        about.with(|room| {
            room.as_ref()
                .map(|room| room.number.clone())
                .unwrap_or_default()
        })
    };
    let title = move || match on.get() {
        Some(on) if !on.title.is_empty() => on.title,
        _ => about
            .get()
            .map(|room| room.name)
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| t.room_and_name(&number())),
    };
    Effect::new(move || document().set_title(&format!("{} · Rollcall", title())));
    on_cleanup(|| document().set_title("Rollcall"));
    let dial_in = move || {
        let number = about.get()?.numbers.first().cloned()?;
        Some(t.listeners_dial(&format::phone(&number)))
    };
    view! {
        <header class="rhead">
            <div class="rh1">
                <div class="title">
                    <h1 class="cut">{title}</h1>
                    <p class="quiet cut num">{dial_in}</p>
                </div>
                <A href="/rooms" attr:class="roomno" attr:title=t.choose_room()>
                    <span class="quiet">{t.room()}</span>
                    <b class="num">{number}{small("down")}</b>
                </A>
                {move || on.get().map(|on| view! { <Time on/> })}
                <span class="grow"></span>
                <Join room/>
                <Record room/>
                {move || on.get().filter(|on| on.status == OccurrenceStatus::Early).and_then(|on| on.meeting_id).map(|meeting| {
                    let number = number();
                    view! { <Start meeting number/> }
                })}
                {move || on.get().map(|on| view! { <End on/> })}
                <button class="btn ghost plain icon more" aria-label=t.nav_main() on:click=move |_| rail.set(true)>
                    {icon("more")}
                </button>
            </div>
            {move || on.get().filter(|on| on.status == OccurrenceStatus::Early).map(|on| view! {
                <p class="note early">
                    {small("clock")}
                    <span>{t.room_is_open(&clock::short(on.dial_at))}</span>
                </p>
            })}
            <Show when=move || { roll.get().expected() > 0 }>
                <div class="rh2">
                    <RollStrokes roll/>
                    {move || sentence(t, roll.get())}
                    <span class="grow"></span>
                    {move || on.get().map(|on| view! { <span class="onphone"><Time on/></span> })}
                    {move || on.get().filter(|on| on.late).map(|_| view! {
                        <p class="note warn">{small("warn")}<span>{t.started_late()}</span></p>
                    })}
                    {move || quiet_hours.get().map(|from| view! {
                        <p class="quiet cut">{small("shield")}<span>{t.quiet_hours(&from)}</span></p>
                    })}
                </div>
            </Show>
        </header>
    }
}

/// Before the start: when it begins and how long until then. After: until when, and how long it has gone.
#[component]
fn Time(on: Occurrence) -> impl IntoView {
    let t = texts();
    let clock = shared().clock;
    let begun = move || clock.now() >= on.starts_at;
    let label = move || {
        if begun() {
            t.until(&clock::short(on.ends_at))
        } else {
            t.begins(&clock::short(on.starts_at))
        }
    };
    let figure = move || {
        if begun() {
            format::hours(clock.now() - on.starts_at)
        } else {
            format!("−{}", format::left(on.starts_at - clock.now()))
        }
    };
    // On the clocks of the meeting too, where they are others than those of the one who looks.
    let zone = on.time_zone.clone();
    let there = move || {
        let at = if begun() { on.ends_at } else { on.starts_at };
        let there = clock::short_in(at, &zone)?;
        (there != clock::short(at)).then(|| t.in_zone(&there, &zone))
    };
    view! {
        <div class="roomno" title=there class:planned=move || !begun() && matches!(on.status, OccurrenceStatus::Early | OccurrenceStatus::Calling)>
            <span class="quiet">{label}</span>
            <b class="num">{figure}</b>
        </div>
    }
}

/// Shown while somebody is there to be recorded. Pressed, it breathes: the server has said so.
#[component]
fn Record(room: RoomId) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let runs = Memo::new(move |_| {
        shared.feed.read(&[Topic::Recordings], |live| {
            live.recordings.contains_key(&room)
        })
    });
    let anybody = Memo::new(move |_| {
        shared.feed.read(&[Topic::Members], |live| {
            live.members_of(room).next().is_some()
        })
    });
    Effect::new(move |seen: Option<Option<api::RecordingId>>| {
        let broken = shared.feed.read(&[Topic::Recordings], |live| {
            let broken = live.broken_off.as_ref()?;
            (broken.room_id == room).then_some(broken.id)
        });
        if let Some(before) = seen
            && broken.is_some()
            && broken != before
        {
            shared.acts.say(t.record_broke_off().to_owned());
            shared
                .acts
                .show(t.record_broke_off().to_owned(), true, None);
        }
        broken
    });
    let press = move |_| {
        let (method, body, done) = if runs.get_untracked() {
            ("DELETE", None, Some(t.record_done().to_owned()))
        } else {
            let wanted = api::NewRecording::default();
            ("POST", Some(write(&wanted)), None)
        };
        let request = Call {
            method,
            path: format!("rooms/{room}/recording"),
            body,
        };
        shared.acts.send(request, done);
    };
    view! {
        <Show when=move || anybody.get() || runs.get()>
            <button
                class="btn rec"
                aria-pressed=move || runs.get().to_string()
                disabled=move || !shared.feed.is_up()
                on:click=press
            >
                {small("rec")}
                <span>{move || if runs.get() { t.recording_now() } else { t.record() }}</span>
            </button>
        </Show>
    }
}

/// By how much a meeting is extended at a press.
const MORE_MIN: u32 = 15;

/// Ending takes everybody off the line, so it asks first, in its place.
#[component]
fn End(on: Occurrence) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let asks = RwSignal::new(false);
    let people = Memo::new(move |_| {
        shared.feed.read(&[Topic::Members], |live| {
            live.members_of(on.room_id).count() as u64
        })
    });
    let end = move |_| {
        asks.set(false);
        let request = Call {
            method: "POST",
            path: format!("occurrences/{}/end", on.id),
            body: None,
        };
        shared.acts.send(request, Some(t.done_ended().to_owned()));
    };
    let extend = move |_| {
        let request = Call {
            method: "POST",
            path: format!("occurrences/{}/extend", on.id),
            body: Some(write(&ExtendOccurrence { minutes: MORE_MIN })),
        };
        shared.acts.send(request, Some(t.done_extended(&MORE_MIN)));
    };
    let planned = on.meeting_id.is_some();
    view! {
        <div class="tools">
            {planned.then(|| view! {
                <button
                    class="btn"
                    data-act="extend"
                    title=t.extend(&MORE_MIN)
                    disabled=move || !shared.feed.is_up()
                    on:click=extend
                >
                    {small("clock")}
                    {t.extend(&MORE_MIN)}
                </button>
            })}
            {move || if asks.get() {
                view! {
                    <span class="ask" role="alertdialog" aria-label=t.end_ask(people.get())>
                        <span>{move || t.end_ask(people.get())}</span>
                        <button class="btn sm danger" on:click=end>{t.end_yes()}</button>
                        <button class="btn sm" on:click=move |_| asks.set(false)>{t.cancel()}</button>
                    </span>
                }.into_any()
            } else {
                view! {
                    <button
                        class="btn danger"
                        disabled=move || !shared.feed.is_up()
                        on:click=move |_| asks.set(true)
                    >
                        {small("hang")}
                        {t.end()}
                    </button>
                }.into_any()
            }}
        </div>
    }
}
