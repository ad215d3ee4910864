//! The directory: everyone, whether in a room or not, so that it never jumps.

use api::{EmployeeId, Role, RoomId};
use leptos::{ev::SubmitEvent, prelude::*};
use wasm_bindgen::JsCast;

use crate::{
    acts::dial_number,
    app::{shared, texts},
    components::{
        icon::{device_icon, icon, shape, shape_of, small},
        menu::{Menu, Open},
        rows,
        slot::{Hint, Slot},
        tip::{Said, Tips},
    },
    live::{
        Topic,
        directory::{Wanted, group_names, groups},
        offers::{Cargo, Place},
        words::Words,
    },
};

#[component]
pub fn People(room: RoomId) -> impl IntoView {
    let t = texts();
    let feed = shared().feed;
    let wanted = RwSignal::new(Wanted::default());
    let menu = RwSignal::new(None::<Open>);
    let shown = Memo::new(move |_| feed.read(&[Topic::People], |live| groups(live, &wanted.get())));
    let count = Memo::new(move |_| feed.read(&[Topic::People], |live| live.people.len()));
    let list = NodeRef::new();
    rows::keep_one(list, move || shown.track());

    view! {
        <section class="col people" aria-label=t.people() data-place=Place::People.name()>
            <header class="colhead">
                <h2>{t.people()}</h2>
                <span class="count num">{count}</span>
                <span class="grow"></span>
                <Hint place=Place::People/>
            </header>
            <Search wanted/>
            <div class="colslot"><Slot place=Place::People/></div>
            <div
                class="scroll"
                role="listbox"
                aria-label=t.directory()
                node_ref=list
                on:keydown=move |event| _ = rows::rove(&event)
                on:focusin=move |event| rows::rest_on(&event)
            >
                <For each=move || shown.get() key=|group| group.name.clone() let:group>
                    <PeopleGroup name=group.name.clone() shown room menu/>
                </For>
                <Show when=move || shown.with(Vec::is_empty)>
                    <p class="none quiet">
                        {move || if count.get() == 0 { t.nobody_in_company() } else { t.nobody_found() }}
                    </p>
                </Show>
            </div>
            <DialNumber room/>
            <Menu open=menu/>
        </section>
    }
}

#[component]
fn PeopleGroup(
    name: Option<String>,
    shown: Memo<Vec<crate::live::directory::Group>>,
    room: RoomId,
    menu: RwSignal<Option<Open>>,
) -> impl IntoView {
    let t = texts();
    let heading = name.clone().unwrap_or_else(|| t.no_group().to_owned());
    let people = Memo::new(move |_| {
        shown.with(|groups| {
            groups
                .iter()
                .find(|group| group.name == name)
                .map(|group| group.people.clone())
                .unwrap_or_default()
        })
    });
    view! {
        <ul role="group" aria-label=heading.clone()>
            <li class="ghead" role="presentation">
                <span>{heading.clone()}</span>
                <span class="count num">{move || people.with(Vec::len)}</span>
            </li>
            <For each=move || people.get() key=|id| *id let:id>
                <PersonRow id room menu/>
            </For>
        </ul>
    }
}

#[component]
fn Search(wanted: RwSignal<Wanted>) -> impl IntoView {
    let t = texts();
    let feed = shared().feed;
    let names = Memo::new(move |_| feed.read(&[Topic::People], group_names));
    let field = NodeRef::<leptos::html::Input>::new();
    // `/` anywhere on the board, but not while typing.
    let slash = window_event_listener(leptos::ev::keydown, move |event| {
        let typing = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            .is_some_and(|element| element.matches("input, select, textarea").unwrap_or(false));
        if event.key() == "/"
            && !typing
            && let Some(field) = field.get_untracked()
        {
            event.prevent_default();
            let _ = field.focus();
        }
    });
    on_cleanup(move || slash.remove());
    let plain = move || wanted.with(|wanted| !wanted.free_only && wanted.group.is_none());
    view! {
        <div class="colpad">
            <label class="field">
                {small("search")}
                <span class="sr">{t.search_people()}</span>
                <input
                    type="search"
                    node_ref=field
                    placeholder=t.search_hint()
                    on:input=move |event| wanted.update(|wanted| wanted.search = event_target_value(&event))
                />
                <kbd aria-hidden="true">"/"</kbd>
            </label>
            <div class="chips" role="group" aria-label=t.filter()>
                <button
                    class="chip"
                    aria-pressed=move || plain().to_string()
                    on:click=move |_| wanted.update(|wanted| {
                        wanted.free_only = false;
                        wanted.group = None;
                    })
                >
                    {t.filter_all()}
                </button>
                <button
                    class="chip"
                    aria-pressed=move || wanted.with(|wanted| wanted.free_only).to_string()
                    on:click=move |_| wanted.update(|wanted| wanted.free_only = !wanted.free_only)
                >
                    {t.filter_free()}
                </button>
                <Show when=move || { names.with(Vec::len) > 1 }>
                    <label class="chip pick" class:on=move || wanted.with(|wanted| wanted.group.is_some())>
                        <span class="sr">{t.filter_groups()}</span>
                        <select on:change=move |event| wanted.update(|wanted| {
                            let value = event_target_value(&event);
                            wanted.group = (!value.is_empty()).then_some(value);
                        })>
                            <option value="" selected=move || wanted.with(|wanted| wanted.group.is_none())>
                                {t.filter_groups()}
                            </option>
                            {move || names.get().into_iter().map(|name| {
                                view! { <option value=name.clone()>{name.clone()}</option> }
                            }).collect_view()}
                        </select>
                        {small("down")}
                    </label>
                </Show>
            </div>
        </div>
    }
}

#[component]
fn PersonRow(id: EmployeeId, room: RoomId, menu: RwSignal<Option<Open>>) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let (feed, drag) = (shared.feed, shared.drag);
    let tips: Tips = expect_context();
    let cargo = Cargo::Person(id);
    let person =
        Memo::new(move |_| feed.read(&[Topic::Person(id)], |live| live.people.get(&id).cloned()));
    let in_room = move || person.with(|person| person.as_ref().and_then(|person| person.room));
    let line = move || person.with(|person| person.as_ref().map(|person| person.line.clone()));
    // "busy 4 min" grows by itself; nobody else looks at the clock.
    let word = move || {
        let Some(line) = line() else {
            return String::new();
        };
        match in_room() {
            Some(here) if here == room => t.in_room().to_owned(),
            Some(other) => {
                let number =
                    feed.peek(|live| live.rooms.get(&other).map(|room| room.number.clone()));
                t.in_other_room(&number.unwrap_or_default())
            }
            None => {
                let ages = line.state == api::LineState::Busy;
                let now = if ages {
                    shared.clock.now()
                } else {
                    shared.clock.peek()
                };
                Words {
                    now,
                    ..drag.words()
                }
                .line(&line)
            }
        }
    };
    let said = move || line().map(|line| evidence(drag.words(), &line));
    let open = move |row: web_sys::Element| {
        let place = row.get_bounding_client_rect();
        tips.hide();
        menu.set(Some(Open {
            cargo,
            left: place.left() + 28.0,
            top: place.top(),
            bottom: place.bottom(),
            said: said(),
        }));
    };
    view! {
        <li
            class="prow"
            class:inroom=move || in_room().is_some()
            class:lifted=move || drag.is_source(cargo)
            role="option"
            aria-selected="false"
            aria-haspopup="dialog"
            tabindex="-1"
            data-row=""
            data-person=id.to_string()
            on:pointerdown=move |event| drag.grab(&event, cargo)
            on:click=move |event| {
                if let (false, Some(row)) = (drag.was_drag(), row_of(&event)) {
                    open(row);
                }
            }
            on:keydown=move |event| {
                drag.grab_by_key(&event, cargo);
                if event.key() == "Enter" && let Some(row) = row_of(&event) {
                    // Or the same key would press the menu's first button.
                    event.prevent_default();
                    open(row);
                }
            }
        >
            <span class="grip">{small("grip")}</span>
            <span
                class="stspot"
                on:pointerenter=move |event| {
                    if event.pointer_type() == "mouse" && let Some(said) = said() {
                        tips.show(&event, said);
                    }
                }
                on:pointerleave=move |_| tips.hide()
            >
                {move || match (in_room(), line()) {
                    (Some(_), _) => shape("in").into_any(),
                    (None, Some(line)) => shape(shape_of(&line)).into_any(),
                    (None, None) => ().into_any(),
                }}
            </span>
            <span class="sr">{move || line().map(|line| drag.words().shape(&line))}</span>
            <span class="name cut">{move || person.get().map(|person| person.name)}</span>
            <span class="word">{word}</span>
            {move || person.get().and_then(|person| person.devices.first().cloned()).map(|device| {
                let kind = drag.words().device(device.kind);
                view! { <span class="dev" title=kind>{small(device_icon(device.kind))}<span class="sr">{kind}</span></span> }
            })}
            <span class="num short">{move || person.get().map(|person| person.extension)}</span>
        </li>
    }
}

fn row_of(event: &web_sys::Event) -> Option<web_sys::Element> {
    event.current_target()?.dyn_into().ok()
}

/// What the tooltip of a line says: the winning evidence in bold, the rest below.
pub fn evidence(words: Words, line: &api::LineView) -> Said {
    let lines = line
        .evidence
        .iter()
        .map(|evidence| ((words.clock)(evidence.at), words.evidence(evidence)))
        .collect();
    let shape = words.shape(line);
    let mut letters = shape.chars();
    let shape = letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect::<String>());
    let head = match (line.evidence.first(), shape) {
        (Some(first), Some(shape)) => words.t.ev_head(&shape, &(words.clock)(first.at)),
        _ => words.t.ev_none().to_owned(),
    };
    Said { head, lines }
}

/// Any number, called into the room without being in the directory.
#[component]
fn DialNumber(room: RoomId) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let number = RwSignal::new(String::new());
    let enough =
        move || number.with(|number| number.chars().filter(char::is_ascii_digit).count() >= 2);
    let call = move |event: SubmitEvent| {
        event.prevent_default();
        if !enough() {
            return;
        }
        if let Some(request) = dial_number(room, number.get_untracked().trim(), None, Role::Speaker)
        {
            shared.acts.send(request, None);
            number.set(String::new());
        }
    };
    view! {
        <form class="dial" on:submit=call>
            <label class="lab" for="dial">{t.dial_label()}</label>
            <div class="dialrow">
                <span class="field">
                    <input
                        id="dial"
                        class="num"
                        inputmode="tel"
                        autocomplete="off"
                        placeholder=t.dial_hint()
                        aria-describedby="dial-note"
                        prop:value=number
                        on:input=move |event| number.set(event_target_value(&event))
                    />
                </span>
                <button
                    class="btn primary icon"
                    aria-label=t.dial_button()
                    title=t.dial_button()
                    disabled=move || !shared.feed.is_up() || !enough()
                >
                    {icon("phone")}
                </button>
            </div>
            <p class="note" id="dial-note">{t.dial_note()}</p>
        </form>
    }
}
