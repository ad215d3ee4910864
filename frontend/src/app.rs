//! The whole page: who is signed in, in which language, and which page is open.

use api::{Language, Me};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::{
    components::{Route, Router, Routes},
    path,
};

use crate::{
    acts::Acts,
    client,
    clock::Clock,
    components::{
        carried::Carried,
        offline::Lost,
        rail::Rail,
        tip::{Tip, Tips},
        toast::Toasts,
    },
    drag::Drag,
    feed::{Feed, Link},
    headset::Headset,
    pages::{
        board::Board,
        calendar::Calendar,
        company::CompanyPage,
        history::{History, Recordings, Report},
        login::Login,
        nothing::Nothing,
    },
    prefs,
    texts::Texts,
};

/// Who looks at the board.
#[derive(Debug, Clone, PartialEq)]
pub enum Session {
    /// Being asked.
    Unknown,
    Out,
    In(Box<Me>),
}

/// What every page needs. One of each lives as long as the page.
#[derive(Clone, Copy)]
pub struct Shared {
    pub feed: Feed,
    pub clock: Clock,
    pub acts: Acts,
    pub drag: Drag,
    pub headset: Headset,
    pub session: RwSignal<Session>,
    pub texts: RwSignal<Texts>,
    /// On a phone the rail is a sheet: whether it is open.
    pub rail: RwSignal<bool>,
}

/// The shared things, from anywhere in the page.
pub fn shared() -> Shared {
    expect_context()
}

/// The language the page is drawn in. A change of language draws the page anew, so views may
/// keep the texts they were built with.
pub fn texts() -> Texts {
    expect_context()
}

impl Shared {
    fn start() -> Self {
        let texts = RwSignal::new(Texts(prefs::language()));
        let clock = Clock::start();
        let feed = Feed::new(clock);
        let acts = Acts::new(feed, texts);
        let drag = Drag::start(feed, clock, acts, texts);
        Self {
            feed,
            clock,
            acts,
            drag,
            headset: Headset::new(feed, acts, texts),
            session: RwSignal::new(Session::Unknown),
            texts,
            rail: RwSignal::new(false),
        }
    }

    pub fn signed_in(self, me: Me) {
        if !prefs::language_chosen() {
            self.show_language(me.language);
        }
        self.session.set(Session::In(Box::new(me)));
        self.feed.open();
    }

    pub fn signed_out(self) {
        self.headset.leave();
        self.feed.close();
        self.session.set(Session::Out);
    }

    pub fn choose_language(self, language: Language) {
        prefs::choose_language(language);
        self.texts.set(Texts(language));
    }

    fn show_language(self, language: Language) {
        prefs::show_language(language);
        if self.texts.get_untracked() != Texts(language) {
            self.texts.set(Texts(language));
        }
    }

    /// The session cookie is not readable from here: the server knows whether we are signed in.
    fn ask_who_we_are(self) {
        spawn_local(async move {
            match client::get::<Me>("me").await {
                Ok(me) => self.signed_in(me),
                Err(failure) if failure.signed_out() => self.session.set(Session::Out),
                Err(_) => set_timeout(
                    move || self.ask_who_we_are(),
                    std::time::Duration::from_secs(2),
                ),
            }
        });
    }
}

#[component]
pub fn App() -> impl IntoView {
    let shared = Shared::start();
    provide_context(shared);
    provide_context(Tips::default());
    shared.ask_who_we_are();
    shared.headset.follow(move || match shared.session.get() {
        Session::In(me) => Some(me.employee_id),
        Session::Unknown | Session::Out => None,
    });
    Effect::new(move || {
        if shared.feed.link() == Link::SignedOut {
            shared.signed_out();
        }
    });

    view! {
        <Router>
            {move || {
                provide_context(shared.texts.get());
                let session = Memo::new(move |_| match shared.session.get() {
                    Session::Unknown => 0,
                    Session::Out => 1,
                    Session::In(_) => 2,
                });
                move || match session.get() {
                    0 => view! { <Opening/> }.into_any(),
                    1 => view! { <Login/> }.into_any(),
                    _ => view! { <Pages/> }.into_any(),
                }
            }}
        </Router>
    }
}

#[component]
fn Opening() -> impl IntoView {
    view! { <p class="opening quiet" role="status">{texts().loading()}</p> }
}

#[component]
fn Pages() -> impl IntoView {
    let t = texts();
    let acts = shared().acts;
    view! {
        <a class="skip" href="#main">{t.skip_to_board()}</a>
        <Lost/>
        <div class="app">
            <Rail/>
            <Routes fallback=|| view! { <Nothing/> }>
                <Route path=path!("/") view=Board/>
                <Route path=path!("/rooms") view=Board/>
                <Route path=path!("/rooms/:number") view=Board/>
                <Route path=path!("/calendar") view=Calendar/>
                <Route path=path!("/calendar/:meeting") view=Calendar/>
                <Route path=path!("/company") view=CompanyPage/>
                <Route path=path!("/history") view=History/>
                <Route path=path!("/history/recordings") view=Recordings/>
                <Route path=path!("/history/:occurrence") view=Report/>
            </Routes>
        </div>
        <Carried/>
        <Toasts/>
        <Tip/>
        <p class="sr" role="status" aria-live="assertive">{move || acts.said.get()}</p>
    }
}
