//! A place says what a drop will do, before it does it; asks where it must; refuses where it may.

use leptos::prelude::*;

use super::{carried::sign_of, icon::icon};
use crate::{
    app::{shared, texts},
    drag::By,
    live::offers::{Offer, Place},
};

/// The sentence of a place under the pointer, the question before an act, the card of a request
/// that is on its way. Empty most of the time.
#[component]
pub fn Slot(place: Place) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let (drag, acts) = (shared.drag, shared.acts);
    let held_here = move || {
        drag.over.get() == Some(place)
            && drag.carried.get().is_some_and(|held| held.by != By::Touch)
    };
    let question = move || {
        acts.question
            .get()
            .filter(|question| question.place == place)
    };
    let under_way = move || {
        acts.under_way.with(|cards| {
            cards
                .iter()
                .filter(|(_, at, _)| *at == place)
                .map(|(_, _, text)| text.clone())
                .collect::<Vec<_>>()
        })
    };
    // The question is where the keyboard goes on.
    let yes = NodeRef::<leptos::html::Button>::new();
    Effect::new(move || {
        if let Some(yes) = yes.get() {
            let _ = yes.focus();
        }
    });
    view! {
        {move || held_here().then(|| match drag.offer_at(place) {
            Offer::Take { title, sub, .. } => view! {
                <div class="slot">
                    <span class="slotic">{icon(sign_of(place))}</span>
                    <div><strong>{title}</strong><span class="sub">{sub}</span></div>
                </div>
            }.into_any(),
            Offer::Refuse(why) => view! {
                <div class="slot refused">
                    <span class="slotic">{icon("lock")}</span>
                    <div><strong>{why}</strong></div>
                </div>
            }.into_any(),
            Offer::None => ().into_any(),
        })}
        {move || question().map(|question| view! {
            <div
                class="slot asks"
                role="alertdialog"
                aria-label=question.text.clone()
                on:keydown=move |event| {
                    if event.key() == "Escape" {
                        acts.answer(false);
                    }
                }
            >
                <span class="slotic">{icon(sign_of(place))}</span>
                <div>
                    <strong>{question.text.clone()}</strong>
                    <div class="macts">
                        <button class="btn primary sm" node_ref=yes on:click=move |_| acts.answer(true)>{t.yes_call()}</button>
                        <button class="btn sm" on:click=move |_| acts.answer(false)>{t.cancel()}</button>
                    </div>
                </div>
            </div>
        })}
        {move || under_way().into_iter().map(|text| view! {
            <div class="slot settled" role="status">
                <span class="slotic">{icon(sign_of(place))}</span>
                <div><strong>{text}</strong></div>
            </div>
        }).collect_view()}
    }
}

/// The quiet line in the heading of a place that could take what is carried.
#[component]
pub fn Hint(place: Place) -> impl IntoView {
    let drag = shared().drag;
    move || {
        if drag.over.get() == Some(place) {
            return None;
        }
        match drag.offer_at(place) {
            Offer::Take { hint, .. } => Some(view! { <span class="droptell">{hint}</span> }),
            Offer::Refuse(_) | Offer::None => None,
        }
    }
}
