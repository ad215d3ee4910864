//! How somebody's name is heard by the others: in his own voice, or spoken by a machine. A part
//! of his menu that stays open; whoever may not change it hears it.

use api::{EmployeeId, Level};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;

use super::icon::small;
use crate::{
    app::{Session, shared, texts},
    client,
    live::Topic,
};

#[component]
pub fn OwnName(id: EmployeeId) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let (feed, acts) = (shared.feed, shared.acts);
    let may_change = matches!(
        shared.session.get_untracked(),
        Session::In(me) if me.level == Level::Administrator || me.employee_id == id
    );
    let name = feed.peek(|live| live.people.get(&id).map(|person| person.name.clone()));
    let name = StoredValue::new(name.unwrap_or_default());
    let recorded = Memo::new(move |_| {
        feed.read(&[Topic::Person(id)], |live| {
            live.people
                .get(&id)
                .is_some_and(|person| person.recorded_name)
        })
    });
    let service = feed.peek(|live| live.company.as_ref()?.service_number.clone());
    let service = StoredValue::new(service);
    let busy = RwSignal::new(false);
    let asks = RwSignal::new(false);
    let waits = move || busy.get() || !feed.is_up();
    // Whoever uses keys is never left without a place: a button that goes hands the focus on.
    let pick = NodeRef::<leptos::html::Input>::new();
    let yes = NodeRef::<leptos::html::Button>::new();
    Effect::new(move || {
        if let Some(yes) = yes.get() {
            let _ = yes.focus();
        }
    });
    let ask_no_more = move || {
        if let Some(pick) = pick.get_untracked() {
            let _ = pick.focus();
        }
        asks.set(false);
    };
    let path = move || format!("people/{id}/recorded-name");
    let listen = move |_| {
        if let Ok(sound) = web_sys::HtmlAudioElement::new_with_src(&format!("/api/v1/{}", path())) {
            // What stands in the way of playing it is between the browser and its owner.
            _ = sound.play();
        }
    };
    let done = move |answer: Result<(), client::Failure>, sentence: String| {
        busy.set(false);
        match answer {
            Ok(()) => acts.show(sentence, false, None),
            Err(failure) => acts.fail(&failure),
        }
    };
    let upload = move |event: web_sys::Event| {
        let Some(input) = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok())
        else {
            return;
        };
        let Some(file) = input.files().and_then(|files| files.get(0)) else {
            return;
        };
        if untrack(waits) {
            return;
        }
        // The same file can be chosen once more.
        input.set_value("");
        busy.set(true);
        spawn_local(async move {
            let answer = client::put_file(&path(), &file).await;
            done(answer, t.own_name_kept(&name.get_value()));
        });
    };
    let erase = move |_| {
        ask_no_more();
        busy.set(true);
        spawn_local(async move {
            let answer = client::act("DELETE", &path(), None).await;
            done(answer, t.own_name_erased(&name.get_value()));
        });
    };
    // Whoever may change nothing and hears nothing has nothing to see here.
    let shown = move || may_change || recorded.get();
    view! {
        <Show when=shown>
            <div class="ownname" role="group" aria-label=t.own_name()>
                <h4>{t.own_name()}</h4>
                <div class="loudrow">
                    <span class="grow quiet" aria-live="polite">
                        {move || if recorded.get() { t.own_name_recorded() } else { t.own_name_machine() }}
                    </span>
                    <Show when=move || recorded.get()>
                        <button class="btn sm" data-act="hear-name" on:click=listen>
                            {small("play")}<span>{t.own_name_listen()}</span>
                        </button>
                    </Show>
                </div>
                <Show when=move || may_change>
                    <div class="loudrow">
                        <label class="btn sm pickfile" class:off=waits>
                            <input
                                class="sr"
                                type="file"
                                node_ref=pick
                                accept=".wav,audio/wav,audio/x-wav"
                                data-act="upload-name"
                                aria-disabled=move || waits().to_string()
                                on:change=upload
                            />
                            {move || if recorded.get() { t.own_name_replace() } else { t.own_name_upload() }}
                        </label>
                        <Show when=move || recorded.get()>
                            {move || if asks.get() {
                                view! {
                                    <button class="btn sm danger" node_ref=yes data-act="erase-name-yes" disabled=waits on:click=erase>{t.own_name_erase_yes()}</button>
                                    <button class="btn ghost plain sm" on:click=move |_| ask_no_more()>{t.cancel()}</button>
                                }.into_any()
                            } else {
                                view! {
                                    <button class="btn ghost plain sm" data-act="erase-name" disabled=waits on:click=move |_| asks.set(true)>{t.own_name_erase()}</button>
                                }.into_any()
                            }}
                        </Show>
                    </div>
                    {service.get_value().map(|number| view! { <p class="note">{t.own_name_by_phone(&number)}</p> })}
                </Show>
            </div>
        </Show>
    }
}
