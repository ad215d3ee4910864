//! How loud a member is, both ways, turned by hand: the part of his menu that stays open.

use api::{ChangeMember, Member, MemberId};
use leptos::prelude::*;

use super::{
    icon::small,
    menu::{OpenMenu, open_for_member},
};
use crate::{
    acts::change,
    app::{shared, texts},
    live::Topic,
};

/// What a press adds or takes, and how far it goes, dB. The server has the last word.
pub const STEP: i32 = 2;
const MOST: i32 = 20;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Voice,
    Ear,
}

impl Side {
    fn of(self, member: &Member) -> i32 {
        match self {
            Side::Voice => member.gain_db.into(),
            Side::Ear => member.volume_db.into(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Side::Voice => "voice",
            Side::Ear => "ear",
        }
    }
}

/// "+6", "-4", "0": a true minus, as wide as the plus.
pub fn signed(db: i32) -> String {
    match db {
        0 => "0".to_owned(),
        louder if louder > 0 => format!("+{louder}"),
        quieter => format!("−{}", quieter.abs()),
    }
}

/// Opens his menu, in which he is made louder and quieter.
#[component]
pub fn LoudnessButton(id: MemberId, menu: OpenMenu) -> impl IntoView {
    let t = texts();
    view! {
        <button
            class="btn ghost icon sm"
            aria-label=t.loudness()
            title=t.loudness()
            aria-haspopup="dialog"
            data-act="loudness"
            on:click=move |_| open_for_member(menu, id)
        >
            {small("say")}
        </button>
    }
}

#[component]
pub fn Loudness(id: MemberId) -> impl IntoView {
    let t = texts();
    let row = move |side: Side, name: &'static str| {
        view! { <LoudnessRow id side name/> }
    };
    view! {
        <div class="loud" role="group" aria-label=t.loudness()>
            <h4>{t.loudness()}</h4>
            {row(Side::Voice, t.loudness_voice())}
            {row(Side::Ear, t.loudness_ear())}
        </div>
    }
}

#[component]
fn LoudnessRow(id: MemberId, side: Side, name: &'static str) -> impl IntoView {
    let t = texts();
    let feed = shared().feed;
    let db = Memo::new(move |_| {
        feed.read(&[Topic::Member(id)], |live| {
            live.members.get(&id).map_or(0, |member| side.of(member))
        })
    });
    let waits = move || !feed.is_up();
    let press = move |by: i32, sign: &'static str, word: &'static str, act: &'static str| {
        let at_end = move || by.signum() * db.get() >= MOST;
        view! {
            <button
                class="btn icon sm"
                aria-label=format!("{word}: {name}")
                title=word
                data-act=format!("{act}-{}", side.name())
                aria-disabled=move || (waits() || at_end()).to_string()
                on:click=move |_| turn(id, side, Some(by))
            >
                {small(sign)}
            </button>
        }
    };
    view! {
        <div class="loudrow">
            <span class="grow">{name}</span>
            {press(-STEP, "minus", t.quieter(), "down")}
            <button
                class="btn ghost plain sm num"
                title=t.loudness_reset()
                aria-label=move || format!("{name}: {} dB. {}", signed(db.get()), t.loudness_reset())
                aria-disabled=move || (waits() || db.get() == 0).to_string()
                on:click=move |_| turn(id, side, None)
            >
                <span aria-live="polite">{move || signed(db.get())} " dB"</span>
            </button>
            {press(STEP, "plus", t.louder(), "up")}
        </div>
    }
}

/// Turns somebody by so many decibels, or back to where he was.
pub fn turn(id: MemberId, side: Side, by: Option<i32>) {
    let shared = shared();
    let Some(member) = shared.feed.peek(|live| live.members.get(&id).cloned()) else {
        return;
    };
    let before = side.of(&member);
    let db = by.map_or(0, |by| (before + by).clamp(-MOST, MOST));
    if db == before {
        return;
    }
    let wish = match side {
        Side::Voice => ChangeMember {
            gain_db: Some(db),
            ..ChangeMember::default()
        },
        Side::Ear => ChangeMember {
            volume_db: Some(db),
            ..ChangeMember::default()
        },
    };
    if let Some(request) = change(member.room_id, id, wish) {
        shared.acts.send(request, None);
    }
}

/// Somebody was turned by hand: how far, beside his name.
#[component]
pub fn Turned(member: Memo<Option<Member>>) -> impl IntoView {
    let t = texts();
    move || {
        let turned = member.with(|member| {
            let member = member.as_ref()?;
            Some((Side::Voice.of(member), Side::Ear.of(member)))
        });
        turned
            .filter(|turned| *turned != (0, 0))
            .map(|(voice, ear)| {
                let said = t.loudness_turned(&signed(voice), &signed(ear));
                let shown = if voice == 0 { ear } else { voice };
                let sign = if voice == 0 { "ear" } else { "say" };
                view! {
                    <span class="flag turned" title=said.clone()>
                        {small(sign)}
                        <span class="num" aria-hidden="true">{signed(shown)}</span>
                        <span class="sr">{said.clone()}</span>
                    </span>
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decibels_are_written_with_their_sign() {
        assert_eq!([6, 0, -4].map(signed), ["+6", "0", "−4"]);
    }
}
