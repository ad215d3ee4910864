//! The board of Rollcall in the browser.
use leptos::prelude::*;

fn main() {
    leptos::mount::mount_to_body(|| view! { <h1>"Rollcall"</h1> });
}
