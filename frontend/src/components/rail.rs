//! The rail: the pages, and at its end what is about the user: language, theme, signing out.

use api::{Language, Level};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::{components::A, hooks::use_location};

use super::icon::{icon, mark, small};
use crate::{
    app::{Session, shared, texts},
    client,
    prefs::{self, Theme},
    texts::Texts,
};

#[component]
pub fn Rail() -> impl IntoView {
    let t = texts();
    let open = RwSignal::new(false);
    let rail = shared().rail;
    let path = use_location().pathname;
    let session = shared().session;
    let administers = move || {
        session
            .with(|session| matches!(session, Session::In(me) if me.level == Level::Administrator))
    };
    let on_board = move || path.with(|path| path == "/" || path.starts_with("/rooms"));
    view! {
        <Show when=move || rail.get()>
            <div class="veil" on:click=move |_| rail.set(false)></div>
        </Show>
        <nav class="rail" class:open=move || rail.get() aria-label=t.nav_main() on:click=move |_| rail.set(false)>
            <div class="mark">{mark()}<span class="sr">"Rollcall"</span></div>
            <a href="/" aria-current=move || on_board().then_some("page")>
                {icon("board")}<span>{t.nav_board()}</span>
            </a>
            <A href="/calendar">{icon("cal")}<span>{t.nav_calendar()}</span></A>
            <A href="/history">{icon("clock")}<span>{t.nav_history()}</span></A>
            <Show when=administers>
                <A href="/company">{icon("scheme")}<span>{t.nav_company()}</span></A>
            </Show>
            <button
                class="end"
                aria-haspopup="dialog"
                aria-expanded=move || open.get().to_string()
                on:click=move |_| open.update(|open| *open = !*open)
            >
                {icon("gear")}
                <span>{t.nav_settings()}</span>
            </button>
        </nav>
        <Show when=move || open.get()>
            <Settings open/>
        </Show>
    }
}

/// Language, theme, signing out.
#[component]
fn Settings(open: RwSignal<bool>) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let theme = RwSignal::new(prefs::theme());
    let choose = move |chosen: Theme| {
        prefs::set_theme(chosen);
        theme.set(chosen);
    };
    let leave = move |_| {
        spawn_local(async move {
            match client::act("DELETE", "session", None).await {
                Ok(()) => shared.signed_out(),
                Err(failure) => shared.acts.fail(&failure),
            }
        });
    };
    let theme_button = move |value: Theme, name: &'static str| {
        view! {
            <button
                role="radio"
                aria-checked=move || (theme.get() == value).to_string()
                on:click=move |_| choose(value)
            >
                {name}
            </button>
        }
    };
    let language_button = move |value: Language, name: &'static str| {
        view! {
            <button
                role="radio"
                lang=Texts(value).tag()
                aria-checked=(t == Texts(value)).to_string()
                on:click=move |_| shared.choose_language(value)
            >
                {name}
            </button>
        }
    };
    view! {
        <div class="veil" on:click=move |_| open.set(false)></div>
        <section
            class="settings"
            role="dialog"
            aria-label=t.nav_settings()
            on:keydown=move |event| {
                if event.key() == "Escape" {
                    open.set(false);
                }
            }
        >
            <h2>{t.nav_settings()}</h2>
            <h3>{t.language()}</h3>
            <div class="seg" role="radiogroup" aria-label=t.language()>
                {language_button(Language::English, "English")}
                {language_button(Language::Russian, "Русский")}
            </div>
            <h3>{t.theme()}</h3>
            <div class="seg" role="radiogroup" aria-label=t.theme()>
                {theme_button(Theme::System, t.theme_system())}
                {theme_button(Theme::Light, t.theme_light())}
                {theme_button(Theme::Dark, t.theme_dark())}
            </div>
            <button class="btn" on:click=leave>{small("out")}{t.sign_out()}</button>
        </section>
    }
}
