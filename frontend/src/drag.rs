//! Drag and drop by pointer events and by keys. What may go where is `live::offers`; what it
//! does is `acts`. This module only carries.
//!
//! A row becomes draggable by [`Drag::grab`] on `pointerdown` and `keydown`; a place is an
//! element with `data-place`. While something is carried, the source stays as an outline, a
//! copy follows the pointer, and every place says what a drop would do.

use std::time::Duration;

use leptos::{ev, prelude::*};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{Element, Event, KeyboardEvent, PointerEvent};

use crate::{
    acts::Acts,
    clock::Clock,
    feed::Feed,
    live::{
        offers::{Cargo, Offer, PLACES, Place, Scene, offer},
        words::Words,
    },
    texts::Texts,
};
use gesture::{Gesture, HOLD_MS, Kind, Point, Step};

pub mod gesture;

/// By what something is carried: it decides how the places are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Mouse,
    /// The places come to the thumb in a sheet.
    Touch,
    Keys,
}

/// What is carried now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    pub cargo: Cargo,
    pub by: By,
}

#[derive(Clone, Copy)]
pub struct Drag {
    feed: Feed,
    clock: Clock,
    acts: Acts,
    texts: RwSignal<Texts>,
    pub scene: RwSignal<Scene>,
    pub carried: RwSignal<Option<Carried>>,
    /// The place under the pointer, or chosen by the arrows.
    pub over: RwSignal<Option<Place>>,
    /// Where the copy is drawn; only the copy reads it.
    pub at: RwSignal<Point>,
    /// The copy flies home: where it was taken.
    pub home: RwSignal<Option<Point>>,
    gesture: StoredValue<(Gesture, Option<Cargo>)>,
    from: StoredValue<Point>,
    /// The click that ends a drag is not a click.
    spent: StoredValue<bool>,
}

/// How long a refused copy takes to fly home.
const HOME: Duration = Duration::from_millis(180);

impl Drag {
    /// Listens on the window, as long as the page lives.
    pub fn start(feed: Feed, clock: Clock, acts: Acts, texts: RwSignal<Texts>) -> Self {
        let drag = Self {
            feed,
            clock,
            acts,
            texts,
            scene: RwSignal::new(Scene::Form),
            carried: RwSignal::new(None),
            over: RwSignal::new(None),
            at: RwSignal::new((0.0, 0.0)),
            home: RwSignal::new(None),
            gesture: StoredValue::new((Gesture::Idle, None)),
            from: StoredValue::new((0.0, 0.0)),
            spent: StoredValue::new(false),
        };
        // These handles would stop the listening when dropped.
        std::mem::forget([
            window_event_listener(ev::pointermove, move |event| drag.moved(&event)),
            window_event_listener(ev::pointerup, move |event| drag.released(&event)),
            window_event_listener(ev::pointercancel, move |_| drag.cancel()),
        ]);
        std::mem::forget(window_event_listener(ev::blur, move |_| drag.cancel()));
        drag.own_keys_and_touch();
        drag
    }

    pub fn words(self) -> Words {
        Words {
            t: self.texts.get(),
            clock: crate::clock::time,
            now: self.clock.peek(),
        }
    }

    /// `pointerdown` on something that can be carried.
    pub fn grab(self, event: &PointerEvent, cargo: Cargo) {
        let on_control = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .is_some_and(|element| {
                element
                    .closest("button, input, a")
                    .is_ok_and(|found| found.is_some())
            });
        if on_control || event.button() != 0 || self.carried.get_untracked().is_some() {
            return;
        }
        let kind = if event.pointer_type() == "touch" {
            Kind::Touch
        } else {
            Kind::Mouse
        };
        let from = (f64::from(event.client_x()), f64::from(event.client_y()));
        let pointer = event.pointer_id();
        self.spent.set_value(false);
        self.from.set_value(from);
        self.gesture.set_value((
            Gesture::Pressed {
                pointer,
                kind,
                from,
            },
            Some(cargo),
        ));
        if kind == Kind::Touch {
            set_timeout(
                move || {
                    if self.gesture.get_value().0.held(pointer) == Step::Lift {
                        buzz();
                        self.lift(pointer, By::Touch);
                    }
                },
                Duration::from_millis(HOLD_MS),
            );
        }
    }

    /// `Space` on something that can be carried. Other keys are left alone.
    pub fn grab_by_key(self, event: &KeyboardEvent, cargo: Cargo) {
        let own = event.target() == event.current_target();
        if event.key() == " " && own && self.carried.get_untracked().is_none() {
            event.prevent_default();
            event.stop_propagation();
            self.over.set(None);
            self.carried.set(Some(Carried {
                cargo,
                by: By::Keys,
            }));
            self.acts
                .say(self.texts.get_untracked().lifted(&self.name(cargo)));
        }
    }

    /// Whether the click now being heard was the end of a drag.
    pub fn was_drag(self) -> bool {
        self.spent.get_value()
    }

    pub fn is_source(self, cargo: Cargo) -> bool {
        self.carried
            .get()
            .is_some_and(|carried| carried.cargo == cargo)
    }

    /// What this place says about what is carried.
    pub fn offer_at(self, place: Place) -> Offer {
        let Some(carried) = self.carried.get() else {
            return Offer::None;
        };
        self.offer(carried.cargo, place)
    }

    pub fn offer(self, cargo: Cargo, place: Place) -> Offer {
        let (scene, words) = (self.scene.get(), self.words());
        self.feed
            .peek(|live| offer(live, words, scene, cargo, place))
    }

    /// Everything that can be done with this, best first: the menu and the sheet.
    pub fn offers(self, cargo: Cargo) -> Vec<(Place, Offer)> {
        PLACES
            .into_iter()
            .map(|place| (place, self.offer(cargo, place)))
            .filter(|(_, offer)| *offer != Offer::None)
            .collect()
    }

    /// Lets go over a place, by whatever means.
    pub fn drop_at(self, place: Place) {
        let Some(carried) = self.carried.get_untracked() else {
            return;
        };
        let offer = untrack(|| self.offer(carried.cargo, place));
        self.put_down();
        self.acts.take(place, offer);
    }

    pub fn cancel(self) {
        self.gesture.set_value((Gesture::Idle, None));
        if let Some(carried) = self.carried.get_untracked() {
            let t = self.texts.get_untracked();
            self.acts.say(t.put_back(&self.name(carried.cargo)));
        }
        self.put_down();
    }

    pub fn name(self, cargo: Cargo) -> String {
        self.feed
            .peek(|live| match cargo {
                Cargo::Person(id) | Cargo::Guest(id) => {
                    live.people.get(&id).map(|person| person.name.clone())
                }
                Cargo::Member(id) => live.members.get(&id).map(|member| member.name.clone()),
                Cargo::Missing(id) => live
                    .invitations
                    .get(&id)
                    .map(|missing| missing.name.clone()),
            })
            .unwrap_or_default()
    }

    fn lift(self, pointer: i32, by: By) {
        let (_, Some(cargo)) = self.gesture.get_value() else {
            return;
        };
        self.gesture
            .set_value((Gesture::Carrying { pointer }, Some(cargo)));
        self.spent.set_value(true);
        self.home.set(None);
        self.over.set(None);
        self.at.set(self.from.get_value());
        self.carried.set(Some(Carried { cargo, by }));
    }

    fn put_down(self) {
        self.gesture.set_value((Gesture::Idle, None));
        self.over.set(None);
        self.carried.set(None);
    }

    fn moved(self, event: &PointerEvent) {
        let to = (f64::from(event.client_x()), f64::from(event.client_y()));
        match self.gesture.get_value().0.moved(event.pointer_id(), to) {
            Step::Nothing => return,
            Step::GiveUp => return self.gesture.set_value((Gesture::Idle, None)),
            Step::Lift => self.lift(event.pointer_id(), By::Mouse),
            Step::Move => {}
        }
        event.prevent_default();
        self.at.set(to);
        let under = element_at(to);
        let place = under.as_ref().and_then(place_around);
        if self.over.get_untracked() != place {
            self.over.set(place);
        }
        if let Some(column) =
            under.and_then(|element| element.closest(".scroll, .lscroll").ok().flatten())
        {
            let edges = column.get_bounding_client_rect();
            let step = gesture::edge_scroll(edges.top(), edges.bottom(), to.1);
            column.scroll_by_with_x_and_y(0.0, step);
        }
    }

    fn released(self, event: &PointerEvent) {
        let (Gesture::Carrying { pointer }, _) = self.gesture.get_value() else {
            return self.gesture.set_value((Gesture::Idle, None));
        };
        if pointer != event.pointer_id() {
            return;
        }
        // The click that follows must not open a menu; after it, clicks count again.
        set_timeout(move || self.spent.set_value(false), Duration::ZERO);
        let Some(carried) = self.carried.get_untracked() else {
            return self.put_down();
        };
        match self.over.get_untracked() {
            Some(place) => {
                if matches!(
                    untrack(|| self.offer(carried.cargo, place)),
                    Offer::Refuse(_)
                ) {
                    self.fly_home();
                }
                self.drop_at(place);
            }
            // On a phone the sheet stays: letting go beside it only ends the slide.
            None if carried.by == By::Touch => self.gesture.set_value((Gesture::Idle, None)),
            None => {
                self.fly_home();
                self.put_down();
            }
        }
    }

    fn fly_home(self) {
        self.home.set(Some(self.from.get_value()));
        set_timeout(move || self.home.set(None), HOME);
    }

    fn key(self, event: &KeyboardEvent) {
        let Some(carried) = self.carried.get_untracked() else {
            return;
        };
        let forward = match event.key().as_str() {
            "ArrowRight" | "ArrowDown" | "Tab" => true,
            "ArrowLeft" | "ArrowUp" => false,
            "Enter" | " " => {
                event.prevent_default();
                event.stop_propagation();
                return match self.over.get_untracked() {
                    Some(place) => self.drop_at(place),
                    None => self.cancel(),
                };
            }
            "Escape" => {
                event.prevent_default();
                event.stop_propagation();
                return self.cancel();
            }
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        self.step(carried.cargo, forward);
    }

    /// On to the next place that has something to say, and say it.
    fn step(self, cargo: Cargo, forward: bool) {
        let t = self.texts.get_untracked();
        let offers = untrack(|| self.offers(cargo));
        if offers.is_empty() {
            return self.acts.say(t.no_place(&self.name(cargo)));
        }
        let now = self.over.get_untracked();
        let index = offers.iter().position(|(place, _)| Some(*place) == now);
        let next = match (index, forward) {
            (None, true) => 0,
            (None, false) => offers.len() - 1,
            (Some(index), true) => (index + 1) % offers.len(),
            (Some(index), false) => (index + offers.len() - 1) % offers.len(),
        };
        let (place, offer) = &offers[next];
        self.over.set(Some(*place));
        let sentence = match offer {
            Offer::Take { title, sub, .. } if sub.is_empty() => title.clone(),
            Offer::Take { title, sub, .. } => format!("{title}, {sub}"),
            Offer::Refuse(why) => why.clone(),
            Offer::None => String::new(),
        };
        self.acts
            .say(t.over_place(&place_name(t, *place), &sentence));
    }

    /// Keys before anybody else hears them, and fingers that must not scroll while they carry:
    /// both need options that the framework's listeners do not have.
    fn own_keys_and_touch(self) {
        let Some(window) = web_sys::window() else {
            return;
        };
        let keys = Closure::<dyn Fn(KeyboardEvent)>::new(move |event| self.key(&event));
        let _ = window.add_event_listener_with_callback_and_bool(
            "keydown",
            keys.as_ref().unchecked_ref(),
            true,
        );
        keys.forget();

        let hold = Closure::<dyn Fn(Event)>::new(move |event: Event| {
            if self.carried.get_untracked().is_some() {
                event.prevent_default();
            }
        });
        let active = web_sys::AddEventListenerOptions::new();
        active.set_passive(false);
        for name in ["touchmove", "contextmenu"] {
            let _ = window.add_event_listener_with_callback_and_add_event_listener_options(
                name,
                hold.as_ref().unchecked_ref(),
                &active,
            );
        }
        hold.forget();
    }
}

pub fn place_name(t: Texts, place: Place) -> &'static str {
    match place {
        Place::Speakers => t.speakers(),
        Place::Listeners => t.listeners(),
        Place::Missing => t.missing_title(),
        Place::People | Place::Invited => t.people(),
    }
}

fn element_at((x, y): Point) -> Option<Element> {
    web_sys::window()?
        .document()?
        .element_from_point(x as f32, y as f32)
}

fn place_around(element: &Element) -> Option<Place> {
    let element = element.closest("[data-place]").ok()??;
    Place::named(&element.get_attribute("data-place")?)
}

/// A short buzz under the finger, where the device can.
fn buzz() {
    if let Some(window) = web_sys::window() {
        let navigator: JsValue = window.navigator().into();
        if let Ok(vibrate) = js_sys::Reflect::get(&navigator, &"vibrate".into())
            && let Some(vibrate) = vibrate.dyn_ref::<js_sys::Function>()
        {
            let _ = vibrate.call1(&navigator, &20.into());
        }
    }
}
