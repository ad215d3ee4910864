//! An address that leads nowhere.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::app::texts;

#[component]
pub fn Nothing() -> impl IntoView {
    let t = texts();
    view! {
        <main class="nothing" id="main">
            <h1>{t.page_not_found()}</h1>
            <p><A href="/">{t.to_board()}</A></p>
        </main>
    }
}
