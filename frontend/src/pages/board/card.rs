//! A speaker: who it is, whether heard, for how long, how well; and what can be done, over the
//! card's second line, so that nothing shifts.

use api::{ChangeMember, Member, MemberId, Role};
use leptos::prelude::*;
use web_sys::KeyboardEvent;

use crate::{
    acts::change,
    app::{shared, texts},
    components::{
        icon::{device_icon, role_icon, small},
        loudness::{LoudnessButton, STEP, Side, Turned, turn},
        menu::{OpenMenu, open_for_member},
    },
    drag::Drag,
    format,
    live::{
        Topic, hands,
        offers::{Act, Cargo, Place},
        words::{Sound, Words, address},
    },
};

#[component]
pub fn MemberCard(id: MemberId) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let (feed, drag) = (shared.feed, shared.drag);
    let cargo = Cargo::Member(id);
    let menu: OpenMenu = expect_context();
    let member =
        Memo::new(move |_| feed.read(&[Topic::Member(id)], |live| live.members.get(&id).cloned()));
    let level = Memo::new(move |_| {
        feed.read(&[Topic::Level(id)], |live| {
            live.levels.get(&id).copied().unwrap_or_default()
        })
    });
    let talking = move || {
        level.get() > 0
            || member.with(|member| member.as_ref().is_some_and(|member| member.talking))
    };
    let muted = move || member.with(|member| member.as_ref().is_some_and(|member| member.muted));
    // Whoever talks shows a little even between two words.
    let arc = move || if talking() { level.get().max(6) } else { 0 };
    let hand = Memo::new(move |_| feed.read(&[Topic::Members], |live| hands::place_of(live, id)));
    let name = move || {
        member.with(|member| {
            member
                .as_ref()
                .map(|member| member.name.clone())
                .unwrap_or_default()
        })
    };
    // Only the words that age look at the clock.
    let sound = move || {
        member.with(|member| {
            let quality = member.as_ref().and_then(|member| member.quality);
            let silent = quality.is_some_and(|quality| quality.silent_since_at.is_some());
            let now = if silent {
                shared.clock.now()
            } else {
                shared.clock.peek()
            };
            Words {
                now,
                ..drag.words()
            }
            .sound(quality.as_ref())
        })
    };
    let since = move || {
        let joined = member.with(|member| member.as_ref().map_or(0, |member| member.joined_at));
        format::minutes(shared.clock.now() - joined)
    };
    let figures = move || {
        member.with(|member| {
            member
                .as_ref()
                .map(|member| drag.words().sound_figures(member))
        })
    };
    view! {
        <div
            class="card"
            class:talking=talking
            class:lifted=move || drag.is_source(cargo)
            role="listitem"
            aria-label=name
            tabindex="-1"
            data-row=""
            data-member=id.to_string()
            on:pointerdown=move |event| drag.grab(&event, cargo)
            on:keydown=move |event| {
                drag.grab_by_key(&event, cargo);
                key(&event, id, menu);
            }
        >
            <div class="ctop">
                <span class="pic">
                    <svg class="level" viewBox="0 0 48 48" aria-hidden="true">
                        <circle cx="24" cy="24" r="21.5" pathLength="100" class="lv-bg"></circle>
                        <circle
                            cx="24"
                            cy="24"
                            r="21.5"
                            pathLength="100"
                            class="lv"
                            stroke-dasharray=move || format!("{} 100", arc())
                        ></circle>
                    </svg>
                    <span class="face" aria-hidden="true">{move || format::initials(&name())}</span>
                </span>
                <div class="who">
                    <div class="l1">
                        <span class="name cut">{name}</span>
                        {move || hand.get().map(|place| {
                            let said = t.hand_place(&place.to_string());
                            view! { <span class="flag hand" title=said.clone()>{small("hand")}<span class="num" aria-hidden="true">{place}</span><span class="sr">{said.clone()}</span></span> }
                        })}
                        {move || muted().then(|| view! {
                            <span class="flag muted" title=t.muted()>{small("micoff")}<span class="sr">{t.muted()}</span></span>
                        })}
                        <Turned member/>
                    </div>
                    {move || member.get().map(|member| second_line(drag, &member))}
                </div>
            </div>
            <div class="cbot">
                <span class="num quiet" title=t.time_in_room()>{since}</span>
                {move || {
                    let (loudness, word) = sound();
                    let (class, sign) = match loudness {
                        Sound::Good => ("q", None),
                        Sound::Poor => ("q warn", Some("signal")),
                        Sound::Gone => ("q bad", Some("wifioff")),
                    };
                    view! { <span class=class title=figures>{sign.map(small)}{word}</span> }
                }}
            </div>
            <CardActs id member menu/>
        </div>
    }
}

/// Role, device, number.
fn second_line(drag: Drag, member: &Member) -> impl IntoView + use<> {
    let words = drag.words();
    let extension = shared()
        .feed
        .peek(|live| Some(live.people.get(&member.employee_id?)?.extension.clone()));
    let class = if member.role == Role::Moderator {
        "role r-mod"
    } else {
        "role r-spk"
    };
    let kind = words.device(member.device_kind);
    // A whole number needs the place of a word that the heading says already.
    let from_outside = extension.is_none();
    view! {
        <div class="l2" class:whole=from_outside>
            <span class=class>{small(role_icon(member.role))}<span>{words.role(member.role)}</span></span>
            <span class="dev" title=kind>{small(device_icon(member.device_kind))}<span class="sr">{kind}</span></span>
            <span class="num cut">{address(member, extension.as_deref())}</span>
        </div>
    }
}

#[component]
fn CardActs(id: MemberId, member: Memo<Option<Member>>, menu: OpenMenu) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let muted = move || member.with(|member| member.as_ref().is_some_and(|member| member.muted));
    let moderates = move || {
        member.with(|member| {
            member
                .as_ref()
                .is_some_and(|member| member.role == Role::Moderator)
        })
    };
    let waits = move || !shared.feed.is_up();
    view! {
        <div class="acts">
            <button
                class="btn ghost icon sm"
                disabled=waits
                aria-label=move || if muted() { t.unmute() } else { t.mute() }
                title=move || if muted() { t.unmute() } else { t.mute() }
                data-act="mute"
                on:click=move |_| toggle_mute(id)
            >
                {move || small(if muted() { "mic" } else { "micoff" })}
            </button>
            <button
                class="btn ghost icon sm"
                disabled=waits
                aria-label=t.make_listener()
                title=t.make_listener()
                data-act="listener"
                on:click=move |_| set_role(id, Role::Listener)
            >
                {small("ear")}
            </button>
            <button
                class="btn ghost icon sm"
                disabled=waits
                aria-label=move || if moderates() { t.make_speaker() } else { t.make_moderator() }
                title=move || if moderates() { t.make_speaker() } else { t.make_moderator() }
                data-act="moderator"
                on:click=move |_| set_role(id, if moderates() { Role::Speaker } else { Role::Moderator })
            >
                {move || small(if moderates() { "mic" } else { "mod" })}
            </button>
            <LoudnessButton id menu/>
            <span class="grow"></span>
            <button
                class="btn ghost icon sm kick"
                disabled=waits
                aria-label=t.take_out_short()
                title=t.take_out_short()
                data-act="out"
                on:click=move |_| take_out(id)
            >
                {small("out")}
            </button>
        </div>
    }
}

/// `M` mute, `L` listener, `+` and `-` louder and quieter for the others, `Delete` out, Enter all
/// that can be done, when the card itself has the focus.
fn key(event: &KeyboardEvent, id: MemberId, menu: OpenMenu) {
    let own = event.target() == event.current_target();
    if !own || event.ctrl_key() || event.alt_key() || event.meta_key() {
        return;
    }
    // By the key's place on the board, so that they work in any layout.
    match event.code().as_str() {
        "KeyM" => toggle_mute(id),
        "KeyL" => set_role(id, Role::Listener),
        "Equal" | "NumpadAdd" => turn(id, Side::Voice, Some(STEP)),
        "Minus" | "NumpadSubtract" => turn(id, Side::Voice, Some(-STEP)),
        "Enter" | "NumpadEnter" => open_for_member(menu, id),
        "Delete" | "Backspace" => take_out(id),
        _ => return,
    }
    event.prevent_default();
}

fn toggle_mute(id: MemberId) {
    let shared = shared();
    let Some(member) = shared.feed.peek(|live| live.members.get(&id).cloned()) else {
        return;
    };
    let muted = ChangeMember {
        muted: Some(!member.muted),
        ..ChangeMember::default()
    };
    if let Some(request) = change(member.room_id, id, muted) {
        shared.acts.send(request, None);
    }
}

pub fn set_role(id: MemberId, role: Role) {
    let shared = shared();
    if let Some(room) = shared
        .feed
        .peek(|live| live.members.get(&id).map(|member| member.room_id))
    {
        let place = if role == Role::Listener {
            Place::Listeners
        } else {
            Place::Speakers
        };
        shared.acts.perform(
            place,
            Act::SetRole {
                room,
                member: id,
                role,
            },
        );
    }
}

pub fn take_out(id: MemberId) {
    let shared = shared();
    if let Some(room) = shared
        .feed
        .peek(|live| live.members.get(&id).map(|member| member.room_id))
    {
        shared
            .acts
            .perform(Place::People, Act::TakeOut { room, member: id });
    }
}
