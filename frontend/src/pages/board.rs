//! The live board: People → Room ← Missing. One scroll per column, never the page.

use api::RoomId;
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_params_map},
};

use crate::{
    app::{shared, texts},
    live::{Topic, offers::Scene, roll::Roll},
};

mod card;
mod header;
mod headset;
mod listeners;
mod lobby;
mod missing;
mod people;
mod picker;
mod roll;
mod room;

use header::{Header, PlainHeader};
use headset::Wearing;
use missing::Missing;
use people::People;
use picker::Picker;
pub use picker::{Start, when};
use room::Room;

/// Under 760 px one column at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    People,
    Room,
    Missing,
}

impl Tab {
    fn name(self) -> &'static str {
        match self {
            Tab::People => "people",
            Tab::Room => "room",
            Tab::Missing => "missing",
        }
    }
}

#[component]
pub fn Board() -> impl IntoView {
    let feed = shared().feed;
    let params = use_params_map();
    let number = Memo::new(move |_| params.with(|params| params.get("number")));
    let room = Memo::new(move |_| {
        let number = number.get()?;
        feed.read(&[Topic::Rooms], |live| {
            live.rooms
                .values()
                .find(|room| room.number == number)
                .map(|room| room.id)
        })
    });
    enter_the_only_room(number);
    let tab = RwSignal::new(Tab::Room);
    let scene = shared().drag.scene;
    Effect::new(move || scene.set(room.get().map_or(Scene::Form, Scene::Room)));

    view! {
        <main class="board" id="main" data-tab=move || tab.get().name()>
            {move || match room.get() {
                Some(room) => view! { <Live room tab/> }.into_any(),
                None => view! {
                    <PlainHeader/>
                    <Picker/>
                }.into_any(),
            }}
        </main>
    }
}

/// Whoever opens the board while one meeting is on wants to see that one. Later another may
/// begin: the address already names the room then, so the board does not jump.
fn enter_the_only_room(number: Memo<Option<String>>) {
    let feed = shared().feed;
    let navigate = use_navigate();
    let path = use_location().pathname;
    Effect::new(move || {
        let only = feed.read(
            &[Topic::Rooms, Topic::Occurrences, Topic::Members],
            |live| match live.rooms_on().as_slice() {
                [room] => Some(room.number.clone()),
                _ => None,
            },
        );
        if let (None, Some(only), "/") = (number.get(), only, path.get().as_str()) {
            let options = NavigateOptions {
                replace: true,
                ..NavigateOptions::default()
            };
            navigate(&format!("/rooms/{only}"), options);
        }
    });
}

#[component]
fn Live(room: RoomId, tab: RwSignal<Tab>) -> impl IntoView {
    let t = texts();
    let feed = shared().feed;
    let missing = Memo::new(move |_| {
        feed.read(
            &[Topic::Invitations, Topic::Occurrences, Topic::Rooms],
            |live| {
                live.occurrence_in(room)
                    .map_or(0, |on| Roll::of(live.invited(on.id)).missing())
            },
        )
    });
    // What the room has just heard, for those who only look.
    Effect::new(move |seen: Option<()>| {
        let said = feed.read(&[Topic::Announced], |live| live.announced.clone());
        let name = said
            .filter(|said| said.room_id == room && said.text.code == "is_offline" && seen.is_some())
            .and_then(|said| said.text.args.get("name").cloned());
        if let Some(name) = name {
            shared().acts.show(t.said_offline(&name), false, None);
        }
    });
    let button = move |value: Tab, sign: &'static str, name: &'static str| {
        view! {
            <button
                role="tab"
                aria-selected=move || (tab.get() == value).to_string()
                on:click=move |_| tab.set(value)
            >
                {crate::components::icon::icon(sign)}
                <span>
                    {name}
                    {(value == Tab::Missing).then(|| view! {
                        <Show when=move || { missing.get() > 0 }>
                            " " <span class="badge num">{missing}</span>
                        </Show>
                    })}
                </span>
            </button>
        }
    };
    view! {
        <Header room/>
        <Wearing room/>
        <div class="cols">
            <People room/>
            <Room room/>
            <Missing room/>
        </div>
        <div class="tabs" role="tablist" aria-label=t.board()>
            {button(Tab::People, "people", t.people())}
            {button(Tab::Room, "board", t.room())}
            {button(Tab::Missing, "phone", t.missing())}
        </div>
    }
}
