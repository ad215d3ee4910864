//! By what the company's short messages leave: one HTTP request for each.

use api::{ErrorCode, NewSmsGateway, SmsGateway};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    app::{shared, texts},
    client::{self, Failure, write},
    components::icon::small,
};

const PATH: &str = "company/sms-gateway";
const JSON: &str = "application/json";
/// What most gateways take; whoever has another changes it.
const TEMPLATE: &str = r#"{"to":"{to}","text":"{text}","id":"{id}"}"#;

#[component]
pub fn Sms() -> impl IntoView {
    let t = texts();
    // Answered with "none is set up" it is known too.
    let found = RwSignal::new(None::<Result<Option<SmsGateway>, Failure>>);
    let edits = RwSignal::new(false);
    let ask = move || {
        spawn_local(async move {
            let answer = match client::get::<SmsGateway>(PATH).await {
                Ok(gateway) => Ok(Some(gateway)),
                Err(Failure::Refused(body)) if body.code == ErrorCode::NotFound => Ok(None),
                Err(failure) => Err(failure),
            };
            found.try_set(Some(answer));
        });
    };
    ask();
    let close = move || {
        edits.set(false);
        ask();
    };
    view! {
        <section class="box">
            <div class="bhead"><h2>{t.sms()}</h2></div>
            <p class="quiet">{t.sms_hint()}</p>
            {move || match found.get() {
                None => view! { <p class="quiet" role="status">{t.loading_short()}</p> }.into_any(),
                Some(Err(failure)) => view! {
                    <p class="note bad" role="alert">{small("warn")}<span>{failure.sentence(t)}</span></p>
                }.into_any(),
                Some(Ok(gateway)) if edits.get() => view! { <Form gateway close/> }.into_any(),
                Some(Ok(gateway)) => view! { <Shown gateway edits close/> }.into_any(),
            }}
        </section>
    }
}

/// As it is, and what can be done about it.
#[component]
fn Shown(
    gateway: Option<SmsGateway>,
    edits: RwSignal<bool>,
    close: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    let acts = shared().acts;
    let remove = move |_| {
        spawn_local(async move {
            match client::act("DELETE", PATH, None).await {
                Ok(()) => {
                    acts.show(t.sms_removed().to_owned(), false, None);
                    close();
                }
                Err(failure) => acts.fail(&failure),
            }
        });
    };
    match gateway {
        None => view! {
            <p class="note">{small("info")}<span>{t.sms_none()}</span></p>
            <p class="wfoot"><button class="btn" data-act="sms-set" on:click=move |_| edits.set(true)>{t.sms_set()}</button></p>
        }
        .into_any(),
        Some(gateway) => view! {
            <p class="note ok">{small("sms")}<span>{t.sms_by(&gateway.url)}</span></p>
            <p class="wfoot">
                <button class="btn" data-act="sms-set" on:click=move |_| edits.set(true)>{t.change()}</button>
                <button class="btn ghost plain" data-act="sms-remove" on:click=remove>{t.sms_remove()}</button>
            </p>
        }
        .into_any(),
    }
}

#[component]
fn Form(
    gateway: Option<SmsGateway>,
    close: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let has_token = gateway.as_ref().is_some_and(|gateway| gateway.has_token);
    let token_now = if has_token {
        t.sms_token_kept()
    } else {
        t.sms_token_none()
    };
    let (address, body, kind) = gateway.map_or_else(
        || (String::new(), TEMPLATE.to_owned(), JSON.to_owned()),
        |gateway| (gateway.url, gateway.template, gateway.content_type),
    );
    let url = RwSignal::new(address);
    let template = RwSignal::new(body);
    let content_type = RwSignal::new(kind);
    let token = RwSignal::new(String::new());
    let failed = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(false);
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let token = token.get_untracked();
        let wanted = NewSmsGateway {
            url: url.get_untracked().trim().to_owned(),
            content_type: Some(content_type.get_untracked().trim().to_owned()),
            template: template.get_untracked(),
            token: (!token.is_empty()).then_some(token),
        };
        busy.set(true);
        failed.set(None);
        spawn_local(async move {
            let answer = client::act("PUT", PATH, Some(write(&wanted))).await;
            busy.set(false);
            match answer {
                Ok(()) => {
                    shared.acts.show(t.saved().to_owned(), false, None);
                    close();
                }
                Err(failure) => failed.set(Some(failure)),
            }
        });
    };
    let at_fault = move |field: &'static str| {
        failed.with(|failed| failed.as_ref().and_then(Failure::field) == Some(field))
    };
    view! {
        <form class="sform" on:submit=save>
            <label for="sms-url">{t.sms_url()}</label>
            <span class="field" class:bad=move || at_fault("url")>
                <input id="sms-url" name="url" type="url" required placeholder="https://" prop:value=url on:input=move |event| url.set(event_target_value(&event))/>
            </span>
            <label for="sms-template">{t.sms_template()}</label>
            <span class="field area" class:bad=move || at_fault("template")>
                <textarea id="sms-template" name="template" rows="3" required spellcheck="false" prop:value=template on:input=move |event| template.set(event_target_value(&event))></textarea>
            </span>
            <p class="note">{t.sms_template_hint(&"{to}", &"{text}", &"{id}")}</p>
            <label for="sms-type">{t.sms_type()}</label>
            <span class="field" class:bad=move || at_fault("content_type")>
                <input id="sms-type" name="content_type" list="sms-types" required prop:value=content_type on:input=move |event| content_type.set(event_target_value(&event))/>
            </span>
            <datalist id="sms-types">
                <option value=JSON></option>
                <option value="application/x-www-form-urlencoded"></option>
                <option value="text/plain"></option>
            </datalist>
            <label for="sms-token">{t.sms_token()}</label>
            <span class="field" class:bad=move || at_fault("token")>
                <input id="sms-token" name="token" type="password" autocomplete="off" placeholder=token_now prop:value=token on:input=move |event| token.set(event_target_value(&event))/>
            </span>
            {move || failed.get().map(|failure| view! {
                <p class="note bad" role="alert">{small("warn")}<span>{failure.sentence(t)}</span></p>
            })}
            <footer class="wfoot">
                <button class="btn primary" disabled=move || busy.get()>{t.save()}</button>
                <button type="button" class="btn" on:click=move |_| close()>{t.cancel()}</button>
            </footer>
        </form>
    }
}
