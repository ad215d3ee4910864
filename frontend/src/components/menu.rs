//! The same acts without dragging: a click or Enter on a row opens what can be done with it.

use api::{EmployeeId, MemberId};
use leptos::prelude::*;

use super::{
    carried::OfferButton,
    loudness::Loudness,
    own_name::OwnName,
    tip::{Said, window_size},
};
use crate::{
    acts::do_not_disturb,
    app::{shared, texts},
    live::offers::Cargo,
};

/// Where the rows of a column open their menu.
pub type OpenMenu = RwSignal<Option<Open>>;

/// Opens the menu of a member, from his row.
pub fn open_for_member(menu: OpenMenu, id: MemberId) {
    let row = format!("[data-member=\"{id}\"]");
    let Ok(Some(row)) = document().query_selector(&row) else {
        return;
    };
    let place = row.get_bounding_client_rect();
    menu.set(Some(Open {
        cargo: Cargo::Member(id),
        left: place.left() + 28.0,
        top: place.top(),
        bottom: place.bottom(),
        said: None,
    }));
}

/// A menu that is open: for what, and where the row is in the window, CSS pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    pub cargo: Cargo,
    pub left: f64,
    pub top: f64,
    pub bottom: f64,
    /// What is known of the line; on a phone there is no pointer to hover with.
    pub said: Option<Said>,
}

#[component]
pub fn Menu(open: RwSignal<Option<Open>>) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let (drag, acts) = (shared.drag, shared.acts);
    let first = NodeRef::<leptos::html::Section>::new();
    Effect::new(move || {
        if let Some(menu) = first.get()
            && let Ok(Some(button)) = menu.query_selector("button:not([disabled])")
        {
            focus(&button);
        }
    });
    move || {
        open.get().map(|menu| {
            let name = drag.name(menu.cargo);
            let offers = drag.offers(menu.cargo);
            let height = window_size().1;
            let low = menu.top > height / 2.0;
            let (top, bottom) = if low {
                ("auto".to_owned(), format!("{}px", height - menu.top + 4.0))
            } else {
                (format!("{}px", menu.bottom + 4.0), "auto".to_owned())
            };
            view! {
                <div class="veil" on:click=move |_| close(open)></div>
                <section
                    class="menu"
                    node_ref=first
                    role="dialog"
                    aria-label=t.acts_for(&name)
                    style:left=format!("{}px", menu.left)
                    style:top=top
                    style:bottom=bottom
                    on:keydown=move |event| {
                        event.stop_propagation();
                        if event.key() == "Escape" {
                            close(open);
                        }
                    }
                >
                    <h3 class="cut">{name.clone()}</h3>
                    {menu.said.map(|said| view! {
                        <div class="known">
                            <p>{said.head}</p>
                            {said.lines.into_iter().map(|(time, sentence)| view! {
                                <p class="quiet"><span class="num">{time}</span> " " {sentence}</p>
                            }).collect_view()}
                        </div>
                    })}
                    {offers.into_iter().map(|(place, offer)| {
                        let taken = offer.clone();
                        view! {
                            <OfferButton place offer on_take=move || {
                                close(open);
                                acts.take(place, taken.clone());
                            }/>
                        }
                    }).collect_view()}
                    {match menu.cargo {
                        Cargo::Member(id) => view! { <Loudness id/> }.into_any(),
                        Cargo::Person(id) => view! { <OwnName id/> }.into_any(),
                        Cargo::Guest(_) | Cargo::Missing(_) => ().into_any(),
                    }}
                    {quiet_of(menu.cargo).map(|(quiet, id)| view! {
                        <button class="btn" on:click=move |_| {
                            close(open);
                            acts.send(do_not_disturb(id, !quiet), None);
                        }>
                            {if quiet { t.dnd_lift() } else { t.dnd_set() }}
                        </button>
                    })}
                </section>
            }
        })
    }
}

/// Whether this is a person, and wants to be left alone.
fn quiet_of(cargo: Cargo) -> Option<(bool, EmployeeId)> {
    let Cargo::Person(id) = cargo else {
        return None;
    };
    let quiet = shared()
        .feed
        .peek(|live| live.people.get(&id).map(|person| person.line.dnd));
    Some((quiet?, id))
}

/// Whoever closes the menu is where he was before it: on the row it was opened for.
fn close(open: RwSignal<Option<Open>>) {
    let Some(menu) = open.get_untracked() else {
        return;
    };
    open.set(None);
    let row = match menu.cargo {
        Cargo::Person(id) | Cargo::Guest(id) => format!("[data-person=\"{id}\"]"),
        Cargo::Member(id) => format!("[data-member=\"{id}\"]"),
        Cargo::Missing(id) => format!("[data-invitation=\"{id}\"]"),
    };
    if let Ok(Some(row)) = document().query_selector(&row) {
        focus(&row);
    }
}

fn focus(element: &web_sys::Element) {
    use wasm_bindgen::JsCast;
    if let Some(element) = element.dyn_ref::<web_sys::HtmlElement>() {
        let _ = element.focus();
    }
}
