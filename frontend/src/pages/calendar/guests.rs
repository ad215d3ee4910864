//! Who is invited: chips, the slot for the next one, numbers from outside.

use api::Role;
use leptos::{ev::SubmitEvent, prelude::*};

use super::{
    Editing,
    draft::{Draft, Guest, Part, part_at_fault},
    form::Fault,
};
use crate::{
    app::{shared, texts},
    components::{
        icon::{role_icon, shape, shape_of, small},
        slot::{Hint, Slot},
    },
    format,
    live::{
        Topic,
        offers::{Cargo, Place},
    },
};

#[component]
pub fn Guests(editing: Editing) -> impl IntoView {
    let t = texts();
    let draft = editing.draft;
    let guests = move || {
        draft.with(|draft| {
            draft
                .as_ref()
                .map(|draft| draft.guests.clone())
                .unwrap_or_default()
        })
    };
    let keyed = move || guests().into_iter().enumerate().collect::<Vec<_>>();
    view! {
        <div class="invited" data-place=Place::Invited.name()>
            <ul class="pchips">
                <For each=keyed key=|(index, guest)| (*index, guest.person, guest.number.clone(), guest.role) let:row>
                    <Chip editing index=row.0 guest=row.1/>
                </For>
            </ul>
            <Show when=move || guests().is_empty()>
                <p class="quiet pempty">{t.guests_none()}</p>
            </Show>
            <Hint place=Place::Invited/>
            <Slot place=Place::Invited/>
        </div>
        <Choose editing/>
        <Outside editing/>
        <Fault editing part=Part::People(None)/>
    }
}

#[component]
fn Chip(editing: Editing, index: usize, guest: Guest) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let drag = shared.drag;
    // Who is not in the directory leaves by the cross beside him alone.
    let cargo = guest.person.map(Cargo::Guest);
    let words = untrack(|| drag.words());
    let line = Memo::new(move |_| {
        let person = guest.person?;
        shared.feed.read(&[Topic::Person(person)], |live| {
            live.people
                .get(&person)
                .map(|person| shape_of(&person.line))
        })
    });
    let at_fault = move || {
        editing.failure.with(|failure| {
            failure
                .as_ref()
                .is_some_and(|failure| part_at_fault(failure) == Part::People(Some(index)))
        })
    };
    let change = move |with: &dyn Fn(&mut Draft)| {
        editing.draft.update(|draft| {
            if let Some(draft) = draft {
                with(draft);
            }
        });
    };
    let role = guest.role;
    let name = match (&guest.number, guest.name.is_empty()) {
        (Some(number), true) => format::phone(number),
        _ => guest.name.clone(),
    };
    let number = guest
        .number
        .filter(|_| !guest.name.is_empty())
        .map(|number| format::phone(&number));
    let role_label = t.role_of(&name, &words.role(role));
    let remove = t.remove(&name);
    view! {
        <li
            class="pchip"
            class:bad=at_fault
            class:gone=move || cargo.is_some_and(|cargo| drag.is_source(cargo))
            on:pointerdown=move |event| {
                if let Some(cargo) = cargo {
                    drag.grab(&event, cargo);
                }
            }
        >
            {move || shape(line.get().unwrap_or("unknown"))}
            <span class="cut">{name.clone()}</span>
            {number.map(|number| view! { <span class="quiet num">{number}</span> })}
            <button
                class="rolec"
                class:lead=role == Role::Moderator
                aria-label=role_label
                title=words.role(role)
                on:click=move |_| change(&|draft| {
                    if let Some(guest) = draft.guests.get_mut(index) {
                        guest.role = next_role(guest.role);
                    }
                })
            >
                {small(role_icon(role))}
                {(role == Role::Moderator).then(|| t.leads())}
            </button>
            <button
                class="pcx"
                aria-label=remove
                on:click=move |_| {
                    editing.failure.set(None);
                    change(&|draft| {
                        if index < draft.guests.len() {
                            draft.guests.remove(index);
                        }
                    });
                }
            >
                {small("x")}
            </button>
        </li>
    }
}

fn next_role(role: Role) -> Role {
    match role {
        Role::Speaker => Role::Moderator,
        Role::Moderator => Role::Listener,
        Role::Listener => Role::Speaker,
    }
}

/// Where there is no room for the tray: everybody who is not invited yet.
#[component]
fn Choose(editing: Editing) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let others = Memo::new(move |_| {
        let there = editing.draft.get();
        shared.feed.read(&[Topic::People], |live| {
            let mut others: Vec<_> = live
                .people
                .values()
                .filter(|person| there.as_ref().is_some_and(|draft| !draft.has(person.id)))
                .map(|person| (person.name.clone(), person.extension.clone(), person.id))
                .collect();
            others.sort();
            others
        })
    });
    view! {
        <select
            class="btn choose"
            aria-label=t.choose_person()
            prop:value=""
            on:change=move |event| {
                if let Ok(person) = event_target_value(&event).parse() {
                    shared.acts.invited.set(vec![person]);
                }
            }
        >
            <option value="">{t.choose_person()}</option>
            {move || others.get().into_iter().map(|(name, extension, id)| view! {
                <option value=id.to_string()>{name} " " {extension}</option>
            }).collect_view()}
        </select>
    }
}

/// Somebody who is not an employee: a number, and a name if one is known.
#[component]
fn Outside(editing: Editing) -> impl IntoView {
    let t = texts();
    let number = RwSignal::new(String::new());
    let name = RwSignal::new(String::new());
    let email = RwSignal::new(String::new());
    let add = move |event: SubmitEvent| {
        event.prevent_default();
        let text = number.get_untracked().trim().to_owned();
        if text.is_empty() {
            return;
        }
        editing.failure.set(None);
        editing.draft.update(|draft| {
            if let Some(draft) = draft {
                draft.guests.push(Guest {
                    person: None,
                    name: name.get_untracked().trim().to_owned(),
                    number: Some(text),
                    email: Some(email.get_untracked().trim().to_owned())
                        .filter(|text| !text.is_empty()),
                    role: Role::Speaker,
                });
            }
        });
        number.set(String::new());
        name.set(String::new());
        email.set(String::new());
    };
    view! {
        <form class="outside" on:submit=add>
            <span class="field">
                <input
                    name="number"
                    class="num"
                    inputmode="tel"
                    autocomplete="off"
                    aria-label=t.outside_number()
                    placeholder=t.outside_number()
                    prop:value=number
                    on:input=move |event| number.set(event_target_value(&event))
                />
            </span>
            <span class="field">
                <input
                    name="name"
                    autocomplete="off"
                    aria-label=t.outside_name()
                    placeholder=t.outside_name()
                    prop:value=name
                    on:input=move |event| name.set(event_target_value(&event))
                />
            </span>
            <span class="field">
                <input
                    name="email"
                    type="email"
                    autocomplete="off"
                    aria-label=t.outside_email()
                    placeholder=t.outside_email()
                    prop:value=email
                    on:input=move |event| email.set(event_target_value(&event))
                />
            </span>
            <button class="btn icon" aria-label=t.outside_add() title=t.outside_add()>{small("plus")}</button>
        </form>
    }
}
