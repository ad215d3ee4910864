//! What is in the hand: the lifted copy under a mouse, the sheet of places under a thumb.

use api::LineView;
use leptos::prelude::*;

use super::icon::{device_icon, icon, shape, shape_of, small};
use crate::{
    app::{shared, texts},
    drag::By,
    format,
    live::offers::{Cargo, Offer, Place},
};

#[component]
pub fn Carried() -> impl IntoView {
    let drag = shared().drag;
    move || {
        drag.carried.get().map(|carried| match carried.by {
            By::Mouse => view! { <Copy cargo=carried.cargo/> }.into_any(),
            By::Touch => view! { <Sheet cargo=carried.cargo/> }.into_any(),
            // By keys nothing moves: the slots and the live region say where it is.
            By::Keys => ().into_any(),
        })
    }
}

/// What is known of a carried person's line.
struct Reached {
    line: LineView,
    /// The icon of the first device.
    device: Option<&'static str>,
    extension: String,
}

/// Name and line of what is carried, as far as it has them.
fn card(cargo: Cargo) -> (String, Option<Reached>) {
    let shared = shared();
    let name = shared.drag.name(cargo);
    let reached = shared.feed.peek(|live| {
        let person = match cargo {
            Cargo::Person(id) | Cargo::Guest(id) => Some(id),
            Cargo::Member(id) => live.members.get(&id).and_then(|member| member.employee_id),
            Cargo::Missing(id) => live
                .invitations
                .get(&id)
                .and_then(|missing| missing.employee_id),
        };
        let person = live.people.get(&person?)?;
        Some(Reached {
            line: person.line.clone(),
            device: person
                .devices
                .first()
                .map(|device| device_icon(device.kind)),
            extension: person.extension.clone(),
        })
    });
    (name, reached)
}

#[component]
fn Copy(cargo: Cargo) -> impl IntoView {
    let shared = shared();
    let drag = shared.drag;
    let (name, reached) = card(cargo);
    let place = move || drag.at.get();
    view! {
        <div
            class="lifted copy"
            aria-hidden="true"
            style:left=move || format!("{}px", place().0 + 8.0)
            style:top=move || format!("{}px", place().1 + 8.0)
        >
            <span class="face">{format::initials(&name)}</span>
            <span class="who">
                <span class="l1"><span class="name cut">{name}</span></span>
                {reached.map(|reached| {
                    let words = drag.words();
                    view! {
                        <span class="l2">
                            {shape(shape_of(&reached.line))}
                            {words.shape(&reached.line)}
                            {reached.device.map(small)}
                            <span class="num">{reached.extension}</span>
                        </span>
                    }
                })}
            </span>
        </div>
    }
}

/// On a phone the places come to the thumb, best act first and largest.
#[component]
fn Sheet(cargo: Cargo) -> impl IntoView {
    let t = texts();
    let drag = shared().drag;
    let (name, reached) = card(cargo);
    let offers = drag.offers(cargo);
    view! {
        <div class="veil" on:click=move |_| drag.cancel()></div>
        <section class="sheet" role="dialog" aria-label=t.acts_for(&name)>
            <div class="sl">
                {reached.map(|reached| shape(shape_of(&reached.line)))}
                <b class="grow cut">{name.clone()}</b>
                <button class="btn ghost plain icon" aria-label=t.cancel() on:click=move |_| drag.cancel()>
                    {icon("x")}
                </button>
            </div>
            {offers.into_iter().map(|(place, offer)| view! {
                <OfferButton place offer on_take=move || drag.drop_at(place)/>
            }).collect_view()}
        </section>
    }
}

/// A place as a button: in the sheet one drops on it, in the menu one presses it.
#[component]
pub fn OfferButton(place: Place, offer: Offer, on_take: impl Fn() + 'static) -> impl IntoView {
    let drag = shared().drag;
    let over = move || drag.over.get() == Some(place);
    let (sign, title, sub, refused) = match offer {
        Offer::Take { title, sub, .. } => (sign_of(place), title, sub, false),
        Offer::Refuse(why) => ("lock", why, String::new(), true),
        Offer::None => return ().into_any(),
    };
    view! {
        <button
            class="drop"
            class:over=over
            class:refused=refused
            disabled=refused
            data-place=place.name()
            on:click=move |_| on_take()
        >
            {icon(sign)}
            <span class="grow">
                <b>{title}</b>
                {(!sub.is_empty()).then(|| view! { <span class="sub">{sub}</span> })}
            </span>
        </button>
    }
    .into_any()
}

pub fn sign_of(place: Place) -> &'static str {
    match place {
        Place::Speakers => "phone",
        Place::Listeners => "ear",
        Place::Missing => "clock",
        Place::People => "out",
        Place::Invited => "plus",
    }
}
