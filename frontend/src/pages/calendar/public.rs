//! The city number told to the public, which leads into this meeting while it is open.

use api::{BindEventNumber, EventNumber, EventNumberState, MeetingId};
use leptos::{prelude::*, task::spawn_local};

use super::Editing;
use crate::{
    app::{shared, texts},
    client::{self, write},
    format,
    texts::Texts,
};

/// Bound and taken back at once, without saving; a meeting that is not saved yet has none.
#[component]
pub fn Public(editing: Editing, id: MeetingId) -> impl IntoView {
    let t = texts();
    let acts = shared().acts;
    let numbers = RwSignal::new(Vec::<EventNumber>::new());
    let load = move || {
        spawn_local(async move {
            if let Ok(found) = client::get::<Vec<EventNumber>>("event-numbers").await {
                numbers.set(found);
            }
        });
    };
    load();
    let ours = move || {
        numbers.with(|numbers| {
            numbers
                .iter()
                .find(|number| {
                    let bound = number.binding.as_ref();
                    bound.is_some_and(|bound| bound.meeting_id == id)
                })
                .cloned()
        })
    };
    let change = move |event: leptos::ev::Event| {
        let wanted = event_target_value(&event);
        let before = untrack(ours).map(|number| number.number);
        editing.failure.set(None);
        spawn_local(async move {
            if let Some(before) = before.filter(|before| *before != wanted) {
                let path = format!("event-numbers/{before}");
                if let Err(failure) = client::act("DELETE", &path, None).await {
                    acts.show(failure.sentence(t), true, None);
                }
            }
            if !wanted.is_empty() {
                let body = BindEventNumber {
                    meeting_id: id,
                    occurrence_id: None,
                    opens_before_min: None,
                    rest_days: None,
                    employees: None,
                    strangers: None,
                };
                let path = format!("event-numbers/{wanted}");
                match client::act("PUT", &path, Some(write(&body))).await {
                    Ok(()) => acts.show(t.public_bound(&format::phone(&wanted)), false, None),
                    Err(failure) => acts.show(failure.sentence(t), true, None),
                }
            }
            load();
        });
    };
    view! {
        <Show when=move || numbers.with(|numbers| !numbers.is_empty())>
            <dt>{t.public_number()}</dt>
            <dd class="public">
                <select class="btn num" name="public" aria-label=t.public_number() on:change=change>
                    <option value="" selected=move || ours().is_none()>{t.public_none()}</option>
                    {move || {
                        let bound = ours().map(|number| number.number);
                        numbers.get().into_iter().map(|number| {
                            let is_ours = bound.as_ref() == Some(&number.number);
                            let is_free = number.state == EventNumberState::Free;
                            let shown = format::phone(&number.number);
                            view! {
                                <option value=number.number.clone() selected=is_ours disabled=!is_ours && !is_free>
                                    {if is_ours || is_free { shown } else { t.public_taken(&shown) }}
                                </option>
                            }
                        }).collect_view()
                    }}
                </select>
                {move || ours().map(|number| view! { <p class="quiet">{state(t, &number)}</p> })}
            </dd>
        </Show>
    }
}

fn state(t: Texts, number: &EventNumber) -> String {
    let opens = number
        .binding
        .as_ref()
        .map_or(0, |bound| bound.opens_before_min);
    match number.state {
        EventNumberState::Free | EventNumberState::Before { .. } => {
            t.public_before(&opens.to_string())
        }
        EventNumberState::Open { .. } => t.public_open().to_owned(),
        EventNumberState::Over { .. } => t.public_over().to_owned(),
        EventNumberState::Resting { .. } => t.public_resting().to_owned(),
    }
}
