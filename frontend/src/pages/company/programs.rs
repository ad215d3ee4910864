//! Programs beside the board: those that are told of what happens, and the keys by which they ask.

use api::{NewToken, NewWebhook, Token, TokenCreated, Webhook, WebhookCreated};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    app::{shared, texts},
    client::{self, Failure},
    components::{
        fetched::{Fetched, ShownOnce},
        icon::{shape, small},
    },
    pages::history::{day_and_time, trouble},
    texts::Texts,
};

/// What a receiver is told of: everything, or what one kind of program wants. Each with the
/// kinds of events the server knows it by.
const WISHES: [&[&str]; 4] = [
    &[],
    &["occurrence", "meeting", "meeting_removed", "announced"],
    &["invitation", "invitation_removed", "attempt", "notice"],
    &["member_joined", "member", "member_left"],
];

fn wish(t: Texts, kinds: &[String]) -> String {
    let place = WISHES.iter().position(|known| *known == kinds);
    match place {
        Some(0) => t.told_all().to_owned(),
        Some(1) => t.told_meetings().to_owned(),
        Some(2) => t.told_calls().to_owned(),
        Some(3) => t.told_members().to_owned(),
        // Somebody asked for others by the API.
        _ => t.told_some(kinds.len() as u64),
    }
}

#[component]
pub fn Webhooks() -> impl IntoView {
    let t = texts();
    let acts = shared().acts;
    let list = Fetched::<Vec<Webhook>>::ask("webhooks");
    let url = RwSignal::new(String::new());
    let wanted = RwSignal::new(0_usize);
    let secret = RwSignal::new(None::<String>);
    let failed = RwSignal::new(None::<Failure>);
    let add = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        failed.set(None);
        let kinds = WISHES.get(wanted.get_untracked()).copied();
        let new = NewWebhook {
            url: url.get_untracked().trim().to_owned(),
            kinds: kinds
                .unwrap_or_default()
                .iter()
                .map(|kind| (*kind).to_owned())
                .collect(),
        };
        spawn_local(async move {
            match client::post::<WebhookCreated>("webhooks", &new).await {
                Ok(created) => {
                    secret.set(Some(created.secret));
                    url.set(String::new());
                    list.again();
                }
                Err(failure) => failed.set(Some(failure)),
            }
        });
    };
    let remove = move |path: String| {
        spawn_local(async move {
            match client::act("DELETE", &path, None).await {
                Ok(()) => list.again(),
                Err(failure) => acts.fail(&failure),
            }
        });
    };
    view! {
        <section class="box">
            <div class="bhead"><h2>{t.webhooks()}</h2></div>
            <p class="quiet">{t.webhooks_hint()}</p>
            {list.view(move |hooks| {
                if hooks.is_empty() {
                    return view! { <p class="note">{small("info")}<span>{t.webhooks_none()}</span></p> }.into_any();
                }
                view! {
                    <ul class="hooks">
                        {hooks.into_iter().map(|hook| view! { <Hook hook remove/> }).collect_view()}
                    </ul>
                }.into_any()
            })}
            {move || secret.get().map(|text| view! {
                <ShownOnce label=t.webhook_secret() secret=text done=move || secret.set(None)/>
            })}
            <form class="addrow" on:submit=add>
                <span class="field" class:bad=move || failed.with(Option::is_some)>
                    <input type="url" name="webhook" required aria-label=t.webhook_url() placeholder=t.webhook_url() prop:value=url on:input=move |event| url.set(event_target_value(&event))/>
                </span>
                <select
                    class="btn"
                    aria-label=t.told_of()
                    on:change=move |event| wanted.set(event_target_value(&event).parse().unwrap_or(0))
                >
                    {WISHES.iter().enumerate().map(|(place, kinds)| {
                        let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
                        view! { <option value=place.to_string()>{wish(t, &kinds)}</option> }
                    }).collect_view()}
                </select>
                <button class="btn">{small("plus")}{t.webhook_add()}</button>
            </form>
            {move || failed.get().map(|failure| view! {
                <p class="note bad" role="alert">{small("warn")}<span>{failure.sentence(t)}</span></p>
            })}
        </section>
    }
}

/// One receiver: where, of what, and how it goes.
#[component]
fn Hook(hook: Webhook, remove: impl Fn(String) + Copy + Send + Sync + 'static) -> impl IntoView {
    let t = texts();
    let path = format!("webhooks/{}", hook.id);
    let (state, word) = match (&hook.trouble, hook.taken_at) {
        (Some(_), _) => ("busy", t.webhook_fails(u64::from(hook.tries))),
        (None, Some(at)) => ("free", t.webhook_works(&day_and_time(t, at))),
        (None, None) => ("unknown", t.webhook_waits().to_owned()),
    };
    let why = hook.trouble.as_ref().map(|what| trouble(t, what));
    let lost = (hook.given_up > 0).then(|| t.webhook_given_up(hook.given_up));
    view! {
        <li>
            {shape(state)}
            <div>
                <b class="cut">{hook.url.clone()}</b>
                <p class="quiet">{wish(t, &hook.kinds)} " · " {word}</p>
                {why.map(|why| view! { <p class="note warn">{small("warn")}<span>{why}</span></p> })}
                {lost.map(|lost| view! { <p class="note">{lost}</p> })}
            </div>
            <button class="btn ghost plain sm" aria-label=t.remove(&hook.url) on:click=move |_| remove(path.clone())>{t.take_away()}</button>
        </li>
    }
}

/// Keys of the one who is signed in: a program that has one may do what he may.
#[component]
pub fn Keys() -> impl IntoView {
    let t = texts();
    let acts = shared().acts;
    let list = Fetched::<Vec<Token>>::ask("tokens");
    let name = RwSignal::new(String::new());
    let secret = RwSignal::new(None::<String>);
    let failed = RwSignal::new(None::<Failure>);
    let add = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        failed.set(None);
        let new = NewToken {
            name: name.get_untracked().trim().to_owned(),
        };
        spawn_local(async move {
            match client::post::<TokenCreated>("tokens", &new).await {
                Ok(created) => {
                    secret.set(Some(created.secret));
                    name.set(String::new());
                    list.again();
                }
                Err(failure) => failed.set(Some(failure)),
            }
        });
    };
    let remove = move |path: String| {
        spawn_local(async move {
            match client::act("DELETE", &path, None).await {
                Ok(()) => list.again(),
                Err(failure) => acts.fail(&failure),
            }
        });
    };
    view! {
        <section class="box">
            <div class="bhead"><h2>{t.keys()}</h2></div>
            <p class="quiet">{t.keys_hint()}</p>
            {list.view(move |keys| {
                if keys.is_empty() {
                    return view! { <p class="note">{small("info")}<span>{t.keys_none()}</span></p> }.into_any();
                }
                view! {
                    <ul class="hooks">
                        {keys.into_iter().map(|key| {
                            let path = format!("tokens/{}", key.id);
                            let used = match key.used_at {
                                Some(at) => t.key_used(&day_and_time(t, at)),
                                None => t.key_unused().to_owned(),
                            };
                            view! {
                                <li>
                                    {small("key")}
                                    <div>
                                        <b class="cut">{key.name.clone()}</b>
                                        <p class="quiet">{t.key_made(&day_and_time(t, key.created_at))} " · " {used}</p>
                                    </div>
                                    <button class="btn ghost plain sm" aria-label=t.remove(&key.name) on:click=move |_| remove(path.clone())>{t.key_revoke()}</button>
                                </li>
                            }
                        }).collect_view()}
                    </ul>
                }.into_any()
            })}
            {move || secret.get().map(|text| view! {
                <ShownOnce label=t.key_secret() secret=text done=move || secret.set(None)/>
            })}
            <form class="addrow" on:submit=add>
                <span class="field" class:bad=move || failed.with(Option::is_some)>
                    <input name="key" required maxlength="100" aria-label=t.key_name() placeholder=t.key_name() prop:value=name on:input=move |event| name.set(event_target_value(&event))/>
                </span>
                <button class="btn">{small("plus")}{t.key_add()}</button>
            </form>
            {move || failed.get().map(|failure| view! {
                <p class="note bad" role="alert">{small("warn")}<span>{failure.sentence(t)}</span></p>
            })}
        </section>
    }
}
