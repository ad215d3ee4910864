//! The tray: whom to invite. Drag a person into the meeting, or press Enter on the name.

use api::EmployeeId;
use leptos::prelude::*;

use super::Editing;
use crate::{
    app::{shared, texts},
    components::{
        icon::{shape, shape_of, small},
        rows,
        slot::Slot,
    },
    live::{
        Topic,
        directory::{Wanted, group_names, groups},
        offers::{Cargo, Place},
    },
};

#[component]
pub fn Tray(editing: Editing) -> impl IntoView {
    let t = texts();
    let feed = shared().feed;
    let wanted = RwSignal::new(Wanted::default());
    let people = Memo::new(move |_| {
        feed.read(&[Topic::People], |live| {
            groups(live, &wanted.get())
                .into_iter()
                .flat_map(|group| group.people)
                .collect::<Vec<_>>()
        })
    });
    let names = Memo::new(move |_| feed.read(&[Topic::People], group_names));
    let list = NodeRef::new();
    rows::keep_one(list, move || people.track());
    view! {
        <section class="tray" aria-label=t.whom_to_invite() data-place=Place::People.name()>
            <div class="tpad">
                <label class="field">
                    {small("search")}
                    <span class="sr">{t.search_people()}</span>
                    <input
                        type="search"
                        placeholder=t.search_hint()
                        on:input=move |event| wanted.update(|wanted| wanted.search = event_target_value(&event))
                    />
                </label>
            </div>
            <div
                class="scroll"
                role="group"
                aria-label=t.directory()
                node_ref=list
                on:keydown=move |event| _ = rows::rove(&event)
                on:focusin=move |event| rows::rest_on(&event)
            >
                <div class="colslot"><Slot place=Place::People/></div>
                <h3 class="ghead">{t.filter_groups()}</h3>
                <ul>
                    <For each=move || names.get() key=|name| name.clone() let:name>
                        <GroupRow name/>
                    </For>
                </ul>
                <h3 class="ghead">{t.people()}</h3>
                <ul>
                    <For each=move || people.get() key=|id| *id let:id>
                        <PersonRow id editing/>
                    </For>
                </ul>
            </div>
            <p class="thint quiet">{t.tray_hint()}</p>
        </section>
    }
}

/// A whole group at once.
#[component]
fn GroupRow(name: String) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let group = name.clone();
    let people = Memo::new(move |_| {
        shared.feed.read(&[Topic::People], |live| {
            live.people
                .values()
                .filter(|person| person.group.as_deref() == Some(&group))
                .map(|person| person.id)
                .collect::<Vec<_>>()
        })
    });
    let add = move || shared.acts.invited.set(people.get_untracked());
    view! {
        <li
            class="trow"
            tabindex="-1"
            data-row=""
            role="button"
            on:click=move |_| add()
            on:keydown=move |event| {
                if event.key() == "Enter" {
                    add();
                }
            }
        >
            {small("people")}
            <span class="grow cut">{name}</span>
            <span class="quiet num">{move || t.expected_count(people.with(Vec::len) as u64)}</span>
        </li>
    }
}

#[component]
fn PersonRow(id: EmployeeId, editing: Editing) -> impl IntoView {
    let shared = shared();
    let (feed, drag) = (shared.feed, shared.drag);
    let cargo = Cargo::Person(id);
    let person =
        Memo::new(move |_| feed.read(&[Topic::Person(id)], |live| live.people.get(&id).cloned()));
    let there = move || {
        editing
            .draft
            .with(|draft| draft.as_ref().is_some_and(|draft| draft.has(id)))
    };
    view! {
        <li
            class="trow"
            class:gone=move || drag.is_source(cargo)
            class:there=there
            tabindex="-1"
            data-row=""
            data-person=id.to_string()
            role="button"
            on:pointerdown=move |event| drag.grab(&event, cargo)
            on:click=move |_| {
                if !drag.was_drag() {
                    shared.acts.invited.set(vec![id]);
                }
            }
            on:keydown=move |event| {
                drag.grab_by_key(&event, cargo);
                if event.key() == "Enter" {
                    shared.acts.invited.set(vec![id]);
                }
            }
        >
            {move || person.get().map(|person| view! {
                {shape(if there() { "in" } else { shape_of(&person.line) })}
                <span class="sr">{drag.words().shape(&person.line)}</span>
                <span class="grow cut">{person.name}</span>
                <span class="quiet num">{person.extension}</span>
            })}
        </li>
    }
}
