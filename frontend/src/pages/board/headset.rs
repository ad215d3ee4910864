//! Joining the room from this browser, and what one does then: keys at the door, mute, leave.

use api::RoomId;
use leptos::prelude::*;

use crate::{
    app::{shared, texts},
    components::icon::small,
    headset::{Stage, Talk},
    live::Topic,
};

/// In the room's head, while this browser is in no room.
#[component]
pub fn Join(room: RoomId) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let headset = shared.headset;
    let away = Memo::new(move |_| headset.talk.with(|talk| talk.is_none()));
    view! {
        <Show when=move || away.get()>
            <button
                class="btn join"
                title=t.headset_join_hint()
                disabled=move || !shared.feed.is_up()
                on:click=move |_| headset.join(room)
            >
                {small("headset")}
                <span>{t.headset_join()}</span>
            </button>
        </Show>
    }
}

/// Under the room's head, while this browser is on its way into a room or in it, whichever it is.
#[component]
pub fn Wearing(room: RoomId) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let headset = shared.headset;
    let there = Memo::new(move |_| {
        let talk = headset.talk.get()?;
        let number = shared.feed.read(&[Topic::Rooms], |live| {
            live.rooms.get(&talk.room).map(|room| room.number.clone())
        });
        Some((talk, number.unwrap_or_default()))
    });
    let stage = move || there.get().map(|(talk, _)| talk.stage);
    let said = move || {
        let (Talk { room: there, stage }, number) = there.get()?;
        Some(match stage {
            Stage::Asking => t.headset_asking().to_owned(),
            Stage::Connecting => t.headset_connecting().to_owned(),
            Stage::AtDoor => t.headset_at_door().to_owned(),
            Stage::Inside(_) if there == room => t.headset_inside().to_owned(),
            Stage::Inside(_) => t.headset_elsewhere(&number),
            Stage::Shaky(_) => t.headset_shaky().to_owned(),
        })
    };
    let muted = Memo::new(move |_| {
        let Some(Stage::Inside(member)) = stage() else {
            return None;
        };
        shared.feed.read(&[Topic::Members], |live| {
            live.members.get(&member).map(|member| member.muted)
        })
    });
    let at_door = Memo::new(move |_| stage() == Some(Stage::AtDoor));
    let keys = RwSignal::new(String::new());
    let send = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let typed: String = keys
            .get_untracked()
            .chars()
            .filter(|key| key.is_ascii_digit() || matches!(key, '*' | '#'))
            .collect();
        headset.press(&format!("{typed}#"));
        keys.set(String::new());
    };
    view! {
        <Show when=move || there.with(Option::is_some)>
            <div class="wearing" class:warn=move || matches!(stage(), Some(Stage::Shaky(_)))>
                {small("headset")}
                <span class="grow" role="status">{said}</span>
                <Show when=move || at_door.get()>
                    <form class="keys" on:submit=send>
                        <input
                            class="field num"
                            inputmode="tel"
                            autocomplete="off"
                            size="8"
                            aria-label=t.headset_pin()
                            placeholder=t.headset_pin()
                            prop:value=move || keys.get()
                            on:input=move |event| keys.set(event_target_value(&event))
                        />
                        <button class="btn sm">{t.headset_send()}</button>
                    </form>
                </Show>
                {move || muted.get().map(|muted| view! {
                    <button
                        class="btn sm"
                        data-act="mute-me"
                        aria-pressed=muted.to_string()
                        disabled=move || !shared.feed.is_up()
                        on:click=move |_| headset.mute(!muted)
                    >
                        {small(if muted { "micoff" } else { "mic" })}
                        {if muted { t.headset_unmute() } else { t.headset_mute() }}
                    </button>
                })}
                <button class="btn sm danger" data-act="leave" on:click=move |_| headset.leave()>
                    {small("hang")}
                    {t.headset_leave()}
                </button>
            </div>
        </Show>
    }
}
