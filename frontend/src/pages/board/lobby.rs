//! Those who wait at the door until somebody lets them in: first in the room's column, and
//! not there when nobody waits.

use api::{DecideInLobby, LobbyAct, MemberId, Role, RoomId, Waiting};
use leptos::prelude::*;

use crate::{
    acts::Call,
    app::{shared, texts},
    client::write,
    components::icon::small,
    format,
    live::Topic,
};

#[component]
pub fn Lobby(room: RoomId) -> impl IntoView {
    let t = texts();
    let feed = shared().feed;
    let ids = Memo::new(move |_| {
        feed.read(&[Topic::Lobby], |live| {
            live.waiting_at(room)
                .into_iter()
                .map(|one| one.id)
                .collect::<Vec<_>>()
        })
    });
    let many = move || ids.with(Vec::len) > 1;
    view! {
        <Show when=move || !ids.with(Vec::is_empty)>
            <section class="zone lobby" aria-label=t.lobby()>
                <header class="zhead">
                    <h2>{t.lobby()}</h2>
                    <span class="count num">{move || ids.with(Vec::len)}</span>
                    <span class="grow"></span>
                    <Show when=many>
                        <button
                            class="btn ghost plain sm"
                            data-act="let-all-in"
                            disabled=move || !feed.is_up()
                            on:click=move |_| decide(room, LobbyAct::LetIn, None)
                        >
                            {small("check")}
                            {t.let_all_in()}
                        </button>
                        <button
                            class="btn ghost plain sm"
                            data-act="send-all-away"
                            disabled=move || !feed.is_up()
                            on:click=move |_| decide(room, LobbyAct::SendAway, None)
                        >
                            {small("x")}
                            {t.send_all_away()}
                        </button>
                    </Show>
                </header>
                <ul class="comings" role="status">
                    <For each=move || ids.get() key=|id| *id let:id><AtDoor room id/></For>
                </ul>
            </section>
        </Show>
    }
}

#[component]
fn AtDoor(room: RoomId, id: MemberId) -> impl IntoView {
    let t = texts();
    let feed = shared().feed;
    let clock = shared().clock;
    let one = Memo::new(move |_| feed.read(&[Topic::Lobby], |live| live.waiting.get(&id).cloned()));
    let name = move || one.with(|one| one.as_ref().map(named).unwrap_or_default());
    let since = move || {
        let since = one.with(|one| one.as_ref().map(|one| one.since_at));
        since.map(|since| t.waits_since(&format::minutes(clock.now() - since)))
    };
    let as_what = move || {
        let listens = one.with(|one| one.as_ref().is_some_and(|one| one.role == Role::Listener));
        listens.then(|| view! { " · " {t.door_listener()} })
    };
    view! {
        <li class="coming atdoor" data-waiting=id.to_string()>
            <div class="grow">
                <b class="cut">{name}</b>
                <p class="quiet num">{since} {as_what}</p>
            </div>
            <button
                class="btn primary sm"
                data-act="let-in"
                aria-label=move || t.let_in_name(&name())
                disabled=move || !feed.is_up()
                on:click=move |_| decide(room, LobbyAct::LetIn, Some(id))
            >
                {t.let_in()}
            </button>
            <button
                class="btn sm"
                data-act="send-away"
                aria-label=move || t.send_away_name(&name())
                disabled=move || !feed.is_up()
                on:click=move |_| decide(room, LobbyAct::SendAway, Some(id))
            >
                {t.send_away()}
            </button>
        </li>
    }
}

/// His name, and his number where that is something else.
fn named(one: &Waiting) -> String {
    let number = one.number.as_deref().map(format::phone);
    match number {
        Some(number) if one.name.is_empty() || format::phone(&one.name) == number => number,
        Some(number) => format!("{}, {number}", one.name),
        None => one.name.clone(),
    }
}

fn decide(room: RoomId, act: LobbyAct, id: Option<MemberId>) {
    let request = Call {
        method: "POST",
        path: format!("rooms/{room}/lobby"),
        body: Some(write(&DecideInLobby { act, id })),
    };
    shared().acts.send(request, None);
}
