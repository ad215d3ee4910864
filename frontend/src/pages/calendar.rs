//! The calendar.
use leptos::prelude::*;

pub mod days;

#[component]
pub fn Calendar() -> impl IntoView {
    view! { <main class="sched" id="main"></main> }
}
