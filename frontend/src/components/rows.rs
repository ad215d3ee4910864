//! Roving focus: a list is one stop of the Tab key, arrows move inside it.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

/// Arrow keys on a list whose rows carry `data-row`. Returns whether the key was one of them.
pub fn rove(event: &KeyboardEvent) -> bool {
    let step = match event.key().as_str() {
        "ArrowDown" | "ArrowRight" => 1,
        "ArrowUp" | "ArrowLeft" => -1,
        "Home" => i32::MIN,
        "End" => i32::MAX,
        _ => return false,
    };
    let Some(list) = event
        .current_target()
        .and_then(|target| target.dyn_into::<Element>().ok())
    else {
        return false;
    };
    let rows = rows(&list);
    let Some(last) = rows.len().checked_sub(1) else {
        return false;
    };
    let focused = document().active_element();
    let now = focused.and_then(|focused| rows.iter().position(|row| **row == focused));
    let next = match (now, step) {
        (_, i32::MIN) => 0,
        (_, i32::MAX) => last,
        (None, _) => 0,
        (Some(now), 1) => (now + 1).min(last),
        (Some(now), _) => now.saturating_sub(1),
    };
    event.prevent_default();
    for row in &rows {
        let _ = row.set_attribute("tabindex", "-1");
    }
    let _ = rows[next].set_attribute("tabindex", "0");
    let _ = rows[next].focus();
    true
}

/// The row that Tab comes to is the one focused last; before that, the first.
pub fn rest_on(event: &web_sys::FocusEvent) {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    let Some(row) = target.filter(|row| row.has_attribute("data-row")) else {
        return;
    };
    let list = event
        .current_target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    for other in list.iter().flat_map(rows) {
        let _ = other.set_attribute("tabindex", if *other == row { "0" } else { "-1" });
    }
}

/// After a list was drawn: one of its rows must be reachable by Tab.
pub fn keep_one(list: NodeRef<leptos::html::Div>, changed: impl Fn() + 'static) {
    Effect::new(move || {
        changed();
        request_animation_frame(move || {
            let Some(list) = list.get_untracked() else {
                return;
            };
            if list
                .query_selector("[data-row][tabindex='0']")
                .is_ok_and(|row| row.is_none())
                && let Ok(Some(first)) = list.query_selector("[data-row]")
            {
                let _ = first.set_attribute("tabindex", "0");
            }
        });
    });
}

fn rows(list: &Element) -> Vec<HtmlElement> {
    let Ok(found) = list.query_selector_all("[data-row]") else {
        return Vec::new();
    };
    (0..found.length())
        .filter_map(|index| found.get(index)?.dyn_into::<HtmlElement>().ok())
        .collect()
}
