//! What is asked for and not told as events: on its way, there, or not to be had.

use leptos::{prelude::*, task::spawn_local};
use serde::de::DeserializeOwned;

use super::icon::small;
use crate::{
    app::texts,
    client::{self, Failure},
};

/// The last answer to one question. It can be asked again.
pub struct Fetched<T: Send + Sync + 'static> {
    path: &'static str,
    found: RwSignal<Option<Result<T, Failure>>>,
}

impl<T: Send + Sync + 'static> Clone for Fetched<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Fetched<T> {}

impl<T: DeserializeOwned + Clone + Send + Sync + 'static> Fetched<T> {
    pub fn ask(path: &'static str) -> Self {
        let fetched = Self {
            path,
            found: RwSignal::new(None),
        };
        fetched.again();
        fetched
    }

    /// What was there stays in sight until the new answer has come.
    pub fn again(self) {
        spawn_local(async move {
            let found = client::get(self.path).await;
            self.found.try_set(Some(found));
        });
    }

    pub fn get(self) -> Option<Result<T, Failure>> {
        self.found.get()
    }

    /// The answer drawn; until then, or instead of it, a sentence.
    pub fn view<V: IntoView + 'static>(
        self,
        draw: impl Fn(T) -> V + Send + 'static,
    ) -> impl IntoView {
        let t = texts();
        move || {
            match self.get() {
            None => view! { <p class="quiet" role="status">{t.loading_short()}</p> }.into_any(),
            Some(Err(failure)) => view! {
                <p class="note bad" role="alert">{small("warn")}<span>{failure.sentence(t)}</span></p>
            }
            .into_any(),
            Some(Ok(found)) => draw(found).into_any(),
        }
        }
    }
}

/// A secret that is shown this once: it can be selected and copied, and nothing else.
#[component]
pub fn ShownOnce(label: &'static str, secret: String, done: impl Fn() + 'static) -> impl IntoView {
    let t = texts();
    let whole = |event: web_sys::FocusEvent| {
        event_target::<web_sys::HtmlInputElement>(&event).select();
    };
    view! {
        <div class="once" role="status">
            <label>
                <b>{label}</b>
                <span class="field">
                    <input readonly class="num" prop:value=secret on:focus=whole/>
                </span>
            </label>
            <p class="note warn">{small("key")}<span>{t.shown_once()}</span></p>
            <button class="btn" on:click=move |_| done()>{t.shown_once_kept()}</button>
        </div>
    }
}
