//! Signing in.

use api::{ErrorDetails, SignIn, SignedIn};
use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};

use crate::{
    app::{shared, texts},
    client::{self, Failure},
    components::icon::{mark, small},
    format,
};

#[component]
pub fn Login() -> impl IntoView {
    let t = texts();
    let shared = shared();
    let email = RwSignal::new(String::new());
    let password = RwSignal::new(String::new());
    let shown = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let failed = RwSignal::new(None::<Failure>);
    // The server's clock is not known yet: this one counts by the browser's.
    let wait_until = RwSignal::new(0);

    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        busy.set(true);
        let request = SignIn {
            email: email.get_untracked(),
            password: password.get_untracked(),
        };
        spawn_local(async move {
            match client::post::<SignedIn>("session", &request).await {
                Ok(signed_in) => shared.signed_in(signed_in.me),
                Err(failure) => {
                    wait_until.set(until(&failure, shared.clock.peek()));
                    failed.set(Some(failure));
                }
            }
            busy.set(false);
        });
    };
    let left = move || wait_until.get() - shared.clock.now();
    let sentence = move || {
        failed.get().map(|failure| {
            let sentence = match failure {
                Failure::Offline => t.sign_in_lost().to_owned(),
                other => other.sentence(t),
            };
            if left() > 0 {
                format!("{sentence} {}", format::left(left()))
            } else {
                sentence
            }
        })
    };
    view! {
        <main class="login" id="main">
            <div class="lcard">
                <div class="lmark">{mark()}<span>"Rollcall"</span></div>
                <h1>{t.sign_in()}</h1>
                <form on:submit=submit>
                    <label for="email">{t.email()}</label>
                    <span class="field">
                        <input
                            id="email"
                            type="email"
                            name="email"
                            autocomplete="username"
                            required
                            autofocus
                            prop:value=email
                            on:input=move |event| email.set(event_target_value(&event))
                        />
                    </span>
                    <label for="password">{t.password()}</label>
                    <span class="field" class:bad=move || failed.with(Option::is_some)>
                        <input
                            id="password"
                            type=move || if shown.get() { "text" } else { "password" }
                            name="password"
                            autocomplete="current-password"
                            required
                            aria-describedby="sign-in-failed"
                            prop:value=password
                            on:input=move |event| password.set(event_target_value(&event))
                        />
                        <button
                            type="button"
                            class="btn ghost sm"
                            aria-pressed=move || shown.get().to_string()
                            on:click=move |_| shown.update(|shown| *shown = !*shown)
                        >
                            {move || if shown.get() { t.hide() } else { t.show() }}
                        </button>
                    </span>
                    <p class="note bad" id="sign-in-failed" role="alert">
                        {move || sentence().map(|sentence| view! { {small("warn")}<span>{sentence}</span> })}
                    </p>
                    <button class="btn primary" disabled=move || busy.get() || 0 < left()>{t.sign_in()}</button>
                </form>
            </div>
        </main>
    }
}

/// When the server will listen again, if it said so.
fn until(failure: &Failure, now: i64) -> i64 {
    match failure {
        Failure::Refused(body) => match body.details {
            Some(ErrorDetails::RetryAfter { seconds }) => now + i64::from(seconds) * 1000,
            Some(_) | None => 0,
        },
        Failure::Offline | Failure::Unexpected(_) => 0,
    }
}
