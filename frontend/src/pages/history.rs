//! The past.
use leptos::prelude::*;

#[component]
pub fn History() -> impl IntoView {
    view! { <main class="hist" id="main"></main> }
}

#[component]
pub fn Report() -> impl IntoView {
    view! { <main class="hist" id="main"></main> }
}
