//! Lists of people with a name: taken into the meeting, and kept from it.

use api::{NewTemplate, Template};
use leptos::{prelude::*, task::spawn_local};

use super::{
    Editing,
    draft::{Draft, Guest},
};
use crate::{
    app::{shared, texts},
    client::{self, write},
    components::icon::small,
};

#[component]
pub fn Lists(editing: Editing) -> impl IntoView {
    let t = texts();
    let acts = shared().acts;
    let lists = RwSignal::new(Vec::<Template>::new());
    let load = move || {
        spawn_local(async move {
            // Without them the form is as good as ever.
            if let Ok(found) = client::get::<Vec<Template>>("templates").await {
                lists.set(found);
            }
        });
    };
    load();
    let take = move |event: leptos::ev::Event| {
        let wanted = event_target_value(&event);
        let found = lists.with_untracked(|lists| {
            lists
                .iter()
                .find(|list| list.id.to_string() == wanted)
                .cloned()
        });
        if let Some(list) = found {
            editing.draft.update(|draft| {
                if let Some(draft) = draft {
                    join(draft, &list);
                }
            });
        }
    };
    let keep = move |_| {
        let body = editing.draft.with_untracked(|draft| {
            let draft = draft.as_ref()?;
            Some((draft.title.clone(), kept(draft)))
        });
        let Some((title, body)) = body else { return };
        editing.failure.set(None);
        spawn_local(async move {
            match client::act("POST", "templates", Some(write(&body))).await {
                Ok(()) => {
                    acts.show(t.list_kept(&title), false, None);
                    load();
                }
                Err(failure) => acts.show(failure.sentence(t), true, None),
            }
        });
    };
    let can_keep = move || {
        editing.draft.with(|draft| {
            draft
                .as_ref()
                .is_some_and(|draft| !draft.guests.is_empty() && !draft.title.trim().is_empty())
        })
    };
    view! {
        <div class="lists">
            <Show when=move || lists.with(|lists| !lists.is_empty())>
                <select class="btn" name="list" aria-label=t.list_take() on:change=take>
                    <option value="">{t.list_take()}</option>
                    <For each=move || lists.get() key=|list| (list.id, list.name.clone()) let:list>
                        <option value=list.id.to_string()>{list.name}</option>
                    </For>
                </select>
            </Show>
            <button type="button" class="btn ghost" data-act="keep-list" disabled=move || !can_keep() title=t.list_keep_hint() on:click=keep>
                {small("plus")}
                {t.list_keep()}
            </button>
        </div>
    }
}

/// Adds those of the list who are not in the meeting yet.
fn join(draft: &mut Draft, list: &Template) {
    for one in &list.participants {
        let known = draft.guests.iter().any(|guest| match one.employee_id {
            Some(person) => guest.person == Some(person),
            None => guest.number.is_some() && guest.number == one.number,
        });
        if !known {
            draft.guests.push(Guest {
                person: one.employee_id,
                name: one.name.clone(),
                number: one.number.clone(),
                email: one.email.clone(),
                role: one.role,
            });
        }
    }
}

/// The meeting's people as a list under its title.
fn kept(draft: &Draft) -> NewTemplate {
    NewTemplate {
        name: draft.title.trim().to_owned(),
        participants: draft.participants(),
        room_id: draft.room,
        duration_min: Some(draft.duration_min),
    }
}
