//! No room is chosen: what is on now, what is coming, and every room there is.

use api::{MeetingId, OccurrenceId, RoomId};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::{components::A, hooks::use_navigate};

use super::roll::RollStrokes;
use crate::{
    app::{shared, texts},
    client, clock,
    components::icon::{icon, small},
    live::{Topic, roll::Roll},
    pages::calendar::days,
    texts::Texts,
};

/// So many dates to come are worth a look; the calendar has the others.
const COMING: usize = 6;

#[component]
pub fn Picker() -> impl IntoView {
    let t = texts();
    let feed = shared().feed;
    let topics = [Topic::Rooms, Topic::Members, Topic::Occurrences];
    let used = Memo::new(move |_| {
        feed.read(&topics, |live| {
            live.rooms_on()
                .iter()
                .map(|room| room.id)
                .collect::<Vec<_>>()
        })
    });
    let idle = Memo::new(move |_| {
        feed.read(&topics, |live| {
            let on: Vec<RoomId> = live.rooms_on().iter().map(|room| room.id).collect();
            let mut rooms: Vec<_> = live
                .rooms
                .values()
                .filter(|room| !on.contains(&room.id))
                .collect();
            rooms.sort_by(|a, b| a.number.cmp(&b.number));
            rooms.iter().map(|room| room.id).collect::<Vec<_>>()
        })
    });
    let coming = Memo::new(move |_| {
        feed.read(&[Topic::Occurrences], |live| {
            live.upcoming()
                .iter()
                .take(COMING)
                .map(|occurrence| occurrence.id)
                .collect::<Vec<_>>()
        })
    });
    view! {
        <div class="picker scroll">
            <div class="pickcol">
                <Show
                    when=move || !used.with(Vec::is_empty)
                    fallback=move || view! {
                        <div class="empty">
                            {icon("board")}
                            <h3>{t.nothing_on()}</h3>
                            <p>{t.nothing_on_hint()}</p>
                        </div>
                    }
                >
                    <h2>{t.rooms_on()}</h2>
                    <ul class="tiles">
                        <For each=move || used.get() key=|id| *id let:id><Tile id/></For>
                    </ul>
                </Show>
                <h2>{t.rooms_all()}</h2>
                <ul class="tiles">
                    <For each=move || idle.get() key=|id| *id let:id><Tile id/></For>
                </ul>
                <Show when=move || used.with(Vec::is_empty) && idle.with(Vec::is_empty)>
                    <p class="quiet">{t.rooms_none()}</p>
                </Show>
            </div>
            <div class="pickcol">
                <div class="pickhead">
                    <h2>{t.coming()}</h2>
                    <span class="grow"></span>
                    <A href="/calendar" attr:class="btn sm">{small("plus")}{t.plan_meeting()}</A>
                </div>
                <ul class="comings">
                    <For each=move || coming.get() key=|id| *id let:id><Coming id/></For>
                </ul>
                <Show when=move || coming.with(Vec::is_empty)>
                    <p class="quiet">{t.coming_none()}</p>
                </Show>
            </div>
        </div>
    }
}

#[component]
fn Tile(id: RoomId) -> impl IntoView {
    let t = texts();
    let feed = shared().feed;
    let topics = [
        Topic::Rooms,
        Topic::Members,
        Topic::Occurrences,
        Topic::Invitations,
    ];
    let room = Memo::new(move |_| feed.read(&topics, |live| live.rooms.get(&id).cloned()));
    let title = Memo::new(move |_| {
        feed.read(&topics, |live| {
            live.occurrence_in(id).map(|on| on.title.clone())
        })
    });
    let count = Memo::new(move |_| feed.read(&topics, |live| live.members_of(id).count() as u64));
    let roll = Memo::new(move |_| {
        feed.read(&topics, |live| {
            live.occurrence_in(id)
                .map_or(Roll::default(), |on| Roll::of(live.invited(on.id)))
        })
    });
    let href = room.with_untracked(|room| {
        room.as_ref()
            .map(|room| format!("/rooms/{}", room.number))
            .unwrap_or_default()
    });
    view! {
        <li class="tile" class:on=move || title.with(Option::is_some)>
            <A href=href>
                <b class="num">{move || room.get().map(|room| room.number)}</b>
                <span class="tname cut">
                    {move || title.get().filter(|title| !title.is_empty()).or_else(|| room.get().map(|room| room.name))}
                </span>
                <span class="quiet">
                    {move || if count.get() == 0 { t.room_empty().to_owned() } else { t.room_members(count.get()) }}
                    {move || room.get().filter(|room| room.has_pin).map(|_| view! { " · " {t.pin()} })}
                </span>
                <Show when=move || { roll.get().expected() > 0 }><RollStrokes roll/></Show>
            </A>
        </li>
    }
}

/// A date to come, with the button that starts it.
#[component]
pub(super) fn Coming(id: OccurrenceId) -> impl IntoView {
    let t = texts();
    let feed = shared().feed;
    let coming = Memo::new(move |_| {
        feed.read(&[Topic::Occurrences], |live| {
            live.occurrences.get(&id).cloned()
        })
    });
    move || {
        coming.get().map(|coming| {
            let number = coming.room_number.clone();
            view! {
                <li class="coming">
                    <div class="grow">
                        <b class="cut">{coming.title.clone()}</b>
                        <p class="quiet">
                            {when(t, coming.starts_at)} " · " {t.room_and_name(&number)} " · "
                            {t.expected_count(u64::from(coming.expected))}
                        </p>
                    </div>
                    {coming.meeting_id.map(|meeting| view! { <Start meeting number/> })}
                </li>
            }
        })
    }
}

/// Starts a planned meeting now, and shows its room.
#[component]
pub fn Start(meeting: MeetingId, number: String) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let navigate = use_navigate();
    let busy = RwSignal::new(false);
    let start = move |_| {
        busy.set(true);
        let (navigate, number) = (navigate.clone(), number.clone());
        spawn_local(async move {
            match client::act("POST", &format!("meetings/{meeting}/start"), None).await {
                Ok(()) => navigate(
                    &format!("/rooms/{number}"),
                    leptos_router::NavigateOptions::default(),
                ),
                Err(failure) => shared.acts.fail(&failure),
            }
            busy.try_set(false);
        });
    };
    view! {
        <button
            class="btn primary"
            data-act="start"
            disabled=move || busy.get() || !shared.feed.is_up()
            on:click=start
        >
            {small("play")}
            {move || if busy.get() { t.starting() } else { t.start_now() }}
        </button>
    }
}

/// "today 14:00", "Tue 24 Nov, 14:00"
pub fn when(t: Texts, at: i64) -> String {
    let (year, month, day) = clock::day_of(at);
    let time = clock::short(at);
    if clock::day_of(clock::browser_now()) == (year, month, day) {
        t.today_at(&time)
    } else {
        t.on_day_at(&days::short(t, days::Day { year, month, day }), &time)
    }
}
