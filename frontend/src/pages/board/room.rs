//! Who is in the room: speakers as cards, listeners as rows.

use api::{ActInRoom, ChangeMember, ChangeRoom, MemberId, Role, RoomAct, RoomId};
use leptos::prelude::*;

use super::{card::MemberCard, listeners::Listeners, lobby::Lobby, picker::Coming};
use crate::{
    acts::{Call, change},
    app::{shared, texts},
    client::write,
    components::{
        icon::{icon, small},
        menu::{Menu, OpenMenu},
        rows,
        slot::{Hint, Slot},
    },
    live::{Topic, hands, offers::Place},
};

#[component]
pub fn Room(room: RoomId) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let feed = shared.feed;
    // The moderator first, then in the order of coming: nobody moves because somebody speaks.
    let speakers = Memo::new(move |_| {
        feed.read(&[Topic::Members], |live| {
            let mut found: Vec<_> = live
                .members_of(room)
                .filter(|member| member.role != Role::Listener)
                .collect();
            found.sort_by_key(|member| (member.role, member.joined_at, member.id));
            found
                .into_iter()
                .map(|member| member.id)
                .collect::<Vec<MemberId>>()
        })
    });
    let number = Memo::new(move |_| {
        feed.read(&[Topic::Rooms], |live| {
            live.rooms
                .get(&room)
                .map(|room| room.number.clone())
                .unwrap_or_default()
        })
    });
    let loud = Memo::new(move |_| {
        feed.read(&[Topic::Members], |live| {
            live.members_of(room)
                .filter(|member| member.role == Role::Speaker && !member.muted)
                .count()
        })
    });
    let mute_all = move |_| {
        let speakers = feed.peek(|live| {
            live.members_of(room)
                .filter(|member| member.role == Role::Speaker && !member.muted)
                .map(|member| member.id)
                .collect::<Vec<_>>()
        });
        for member in speakers {
            if let Some(request) = change(
                room,
                member,
                ChangeMember {
                    muted: Some(true),
                    ..ChangeMember::default()
                },
            ) {
                shared.acts.send(request, None);
            }
        }
    };
    let next_hand = Memo::new(move |_| {
        feed.read(&[Topic::Members], |live| {
            let first = hands::hands(live, room).into_iter().next()?;
            Some(live.members.get(&first)?.name.clone())
        })
    });
    let inside = Memo::new(move |_| {
        feed.read(&[Topic::Members], |live| {
            live.members_of(room).next().is_some()
        })
    });
    let locked = Memo::new(move |_| {
        feed.read(&[Topic::Rooms], |live| {
            live.rooms.get(&room).is_some_and(|room| room.locked)
        })
    });
    let act = move |act: RoomAct| {
        let request = Call {
            method: "POST",
            path: format!("rooms/{room}/acts"),
            body: Some(write(&ActInRoom { act })),
        };
        shared.acts.send(request, None);
    };
    let hushed = Memo::new(move |_| {
        feed.read(&[Topic::Rooms], |live| {
            live.rooms
                .get(&room)
                .is_some_and(|room| room.suppress_noise)
        })
    });
    let guarded = Memo::new(move |_| {
        feed.read(&[Topic::Rooms], |live| {
            live.rooms.get(&room).is_some_and(|room| room.lobby)
        })
    });
    let change = move |wish: ChangeRoom| {
        let request = Call {
            method: "PATCH",
            path: format!("rooms/{room}"),
            body: Some(write(&wish)),
        };
        shared.acts.send(request, None);
    };
    let hush = move |_| {
        change(ChangeRoom {
            suppress_noise: Some(!hushed.get_untracked()),
            ..ChangeRoom::default()
        });
    };
    let guard = move |_| {
        change(ChangeRoom {
            lobby: Some(!guarded.get_untracked()),
            ..ChangeRoom::default()
        });
    };
    // While nothing is on, what is planned here can be started from here.
    let next = Memo::new(move |_| {
        feed.read(&[Topic::Occurrences, Topic::Rooms], |live| {
            if live.occurrence_in(room).is_some() {
                return None;
            }
            live.upcoming()
                .into_iter()
                .find(|date| date.room_id == room)
                .map(|date| date.id)
        })
    });
    let menu = OpenMenu::new(None);
    provide_context(menu);
    let list = NodeRef::new();
    rows::keep_one(list, move || speakers.track());
    view! {
        <section class="col room" aria-label=move || t.room_and_name(&number.get())>
            <div class="scroll">
                <Lobby room/>
                <div class="zone speakers" data-place=Place::Speakers.name()>
                    <header class="zhead">
                        <h2>{t.speakers()}</h2>
                        <span class="count num">{move || speakers.with(Vec::len)}</span>
                        <Hint place=Place::Speakers/>
                        <span class="grow"></span>
                        {move || next_hand.get().map(|name| view! {
                            <button
                                class="btn ghost plain sm hnext"
                                disabled=move || !feed.is_up()
                                on:click=move |_| act(RoomAct::NextHand)
                            >
                                {small("hand")}
                                {t.next_hand(&name)}
                            </button>
                        })}
                        <Show when=move || inside.get()>
                            <button
                                class="btn ghost plain sm"
                                aria-pressed=move || locked.get().to_string()
                                disabled=move || !feed.is_up()
                                title=move || if locked.get() { t.unlock_room_hint() } else { t.lock_room_hint() }
                                on:click=move |_| act(if locked.get_untracked() { RoomAct::Unlock } else { RoomAct::Lock })
                            >
                                {small("lock")}
                                {move || if locked.get() { t.unlock_room() } else { t.lock_room() }}
                            </button>
                        </Show>
                        <Show when=move || inside.get()>
                            <Toggle act="lobby" icon="door" on=guarded word=t.guarded() hint=t.guarded_hint() press=guard/>
                            <Toggle act="noise" icon="noise" on=hushed word=t.noise() hint=t.noise_hint() press=hush/>
                        </Show>
                        <Show when=move || { loud.get() > 1 }>
                            <button class="btn ghost plain sm" disabled=move || !feed.is_up() on:click=mute_all>
                                {small("micoff")}
                                {t.mute_all()}
                            </button>
                        </Show>
                    </header>
                    <div
                        class="cards"
                        role="list"
                        aria-label=t.speakers()
                        node_ref=list
                        on:keydown=move |event| _ = rows::rove(&event)
                        on:focusin=move |event| rows::rest_on(&event)
                    >
                        <For each=move || speakers.get() key=|id| *id let:id>
                            <MemberCard id/>
                        </For>
                        <Slot place=Place::Speakers/>
                    </div>
                    <Show when=move || speakers.with(Vec::is_empty)>
                        <div class="empty">
                            {icon("people")}
                            <h3>{t.empty_room()}</h3>
                            <p>{move || t.empty_room_hint(&number.get())}</p>
                        </div>
                        {move || next.get().map(|id| view! { <ul class="comings"><Coming id/></ul> })}
                    </Show>
                </div>
            </div>
            <Listeners room/>
            <Menu open=menu/>
        </section>
    }
}

/// How the room behaves, turned by a press.
#[component]
fn Toggle(
    act: &'static str,
    icon: &'static str,
    on: Memo<bool>,
    word: &'static str,
    hint: &'static str,
    press: impl Fn(leptos::ev::MouseEvent) + 'static,
) -> impl IntoView {
    let feed = shared().feed;
    view! {
        <button
            class="btn ghost plain sm"
            aria-pressed=move || on.get().to_string()
            disabled=move || !feed.is_up()
            title=hint
            data-act=act
            on:click=press
        >
            {small(icon)}
            {word}
        </button>
    }
}
