//! What was just done, and the way back while there is one.

use leptos::prelude::*;

use super::icon::small;
use crate::app::{shared, texts};

#[component]
pub fn Toasts() -> impl IntoView {
    let t = texts();
    let acts = shared().acts;
    view! {
        <div class="toastwrap" role="status">
            {move || {
                acts.toast.get().map(|toast| {
                    let (id, left) = (toast.id, toast.left_s);
                    let undo = toast.undo.map(|call| {
                        let take_back = move |_| {
                            acts.dismiss(id);
                            acts.send(call.clone(), None);
                        };
                        view! {
                            <button on:click=take_back>
                                {t.undo()} " " <span class="num" aria-hidden="true">{left}</span>
                            </button>
                        }
                    });
                    let close = undo.is_none().then(|| {
                        view! {
                            <button class="x" aria-label=t.close() on:click=move |_| acts.dismiss(id)>
                                {small("x")}
                            </button>
                        }
                    });
                    view! {
                        <div class="toast" class:bad=toast.bad>
                            {toast.bad.then(|| small("warn"))}
                            <span>{toast.text}</span>
                            {undo}
                            {close}
                        </div>
                    }
                })
            }}
        </div>
    }
}
