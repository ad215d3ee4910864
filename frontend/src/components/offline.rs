//! The board has lost its line: it says so, since when, and what still works.

use leptos::prelude::*;

use super::icon::small;
use crate::{
    app::{shared, texts},
    clock::browser_now,
    feed::Link,
    format,
};

#[component]
pub fn Lost() -> impl IntoView {
    let t = texts();
    let shared = shared();
    let since = Memo::new(move |_| match shared.feed.link() {
        Link::Down(since) => Some(since),
        Link::Opening | Link::Up | Link::SignedOut => None,
    });
    let alone = move |since: i64| {
        let _ = shared.clock.now(); // once a second
        format::minutes(browser_now() - since)
    };
    move || {
        since.get().map(|since| {
            view! {
                <div class="lost" role="alert">
                    {small("wifioff")}
                    <span class="long">{move || t.lost(&alone(since))}</span>
                    <span class="short" aria-hidden="true">{move || t.lost_short(&alone(since))}</span>
                </div>
            }
        })
    }
}
