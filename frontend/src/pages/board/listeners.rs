//! The listeners, thousands of them: only the rows in view exist.

use api::{MemberId, Role, RoomId};
use leptos::prelude::*;

use super::card::{set_role, take_out};
use crate::{
    app::{shared, texts},
    components::{
        icon::small,
        loudness::{LoudnessButton, Turned},
        menu::{OpenMenu, open_for_member},
        rows,
        slot::{Hint, Slot},
    },
    format,
    live::{
        Live, Topic, hands,
        offers::{Cargo, Place},
        words::{Sound, Words},
    },
};

/// Height of a row and least width of a column, CSS pixels, as in `board.css`.
const ROW: usize = 28;
const COLUMN: usize = 216;
/// Rows kept above and below what is seen, so that a quick scroll finds them.
const SPARE: usize = 6;
/// Up to so many all rows exist: a list that short needs no trick.
const FEW: usize = 150;

/// Which rows exist, and how many of the list are above and below them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    from: usize,
    until: usize,
    columns: usize,
}

fn window(count: usize, width: usize, height: usize, scrolled: usize) -> Window {
    let columns = (width / COLUMN).max(1);
    if count <= FEW {
        return Window {
            from: 0,
            until: count,
            columns,
        };
    }
    let first = (scrolled / ROW).saturating_sub(SPARE);
    let lines = height / ROW + 2 * SPARE + 1;
    let from = (first * columns).min(count);
    Window {
        from,
        until: (from + lines * columns).min(count),
        columns,
    }
}

/// Poor lines first, then in the order of coming.
fn listed(live: &Live, words: Words, room: RoomId) -> Vec<MemberId> {
    let mut found: Vec<_> = live
        .members_of(room)
        .filter(|member| member.role == Role::Listener)
        .collect();
    found.sort_by_key(|member| {
        let poor = words.sound(member.quality.as_ref()).0;
        // Hands first, in their order, then those who hear badly.
        let hand = member.hand_at.unwrap_or(i64::MAX);
        (hand, std::cmp::Reverse(poor), member.joined_at, member.id)
    });
    found.into_iter().map(|member| member.id).collect()
}

#[component]
pub fn Listeners(room: RoomId) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let feed = shared.feed;
    let ids = Memo::new(move |_| {
        let words = shared.drag.words();
        feed.read(&[Topic::Members], |live| listed(live, words, room))
    });
    let list = NodeRef::<leptos::html::Div>::new();
    let view = RwSignal::new((COLUMN, 400, 0));
    let measure = move || {
        if let Some(list) = list.get_untracked() {
            let size = |length: i32| usize::try_from(length).unwrap_or(0);
            view.set((
                size(list.client_width()),
                size(list.client_height()),
                size(list.scroll_top()),
            ));
        }
    };
    let shown = Memo::new(move |_| {
        let (width, height, scrolled) = view.get();
        window(ids.with(Vec::len), width, height, scrolled)
    });
    rows::keep_one(list, move || shown.track());
    Effect::new(move || {
        ids.track();
        request_animation_frame(measure);
    });
    let above = move || shown.with(|window| window.from / window.columns * ROW);
    let below = move || {
        let window = shown.get();
        (ids.with(Vec::len) - window.until).div_ceil(window.columns) * ROW
    };
    let visible = move || {
        let window = shown.get();
        ids.with(|ids| {
            ids[window.from..window.until.min(ids.len())]
                .iter()
                .enumerate()
                .map(|(index, id)| (window.from + index + 1, *id))
                .collect::<Vec<_>>()
        })
    };
    view! {
        <div class="zone listeners" data-place=Place::Listeners.name()>
            <header class="zhead">
                <h2>{t.listeners()}</h2>
                <span class="count num">{move || format::count(ids.with(Vec::len))}</span>
                <Hint place=Place::Listeners/>
            </header>
            <Slot place=Place::Listeners/>
            <Show when=move || ids.with(Vec::is_empty)>
                <p class="none quiet">{t.empty_listeners()}</p>
            </Show>
            <div
                class="lscroll"
                role="list"
                aria-label=t.listeners()
                node_ref=list
                on:scroll=move |_| measure()
                on:keydown=move |event| _ = rows::rove(&event)
                on:focusin=move |event| rows::rest_on(&event)
            >
                <div
                    class="lgrid"
                    role="presentation"
                    style:padding-top=move || format!("{}px", above())
                    style:padding-bottom=move || format!("{}px", below() + 8)
                >
                    <For each=visible key=|(_, id)| *id let:row>
                        <Listener id=row.1 place=row.0 of=ids/>
                    </For>
                </div>
            </div>
        </div>
    }
}

#[component]
fn Listener(id: MemberId, place: usize, of: Memo<Vec<MemberId>>) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let (feed, drag) = (shared.feed, shared.drag);
    let cargo = Cargo::Member(id);
    let menu: OpenMenu = expect_context();
    let member =
        Memo::new(move |_| feed.read(&[Topic::Member(id)], |live| live.members.get(&id).cloned()));
    let name = move || {
        member.with(|member| {
            member
                .as_ref()
                .map(|member| member.name.clone())
                .unwrap_or_default()
        })
    };
    let since = move || {
        let joined = member.with(|member| member.as_ref().map_or(0, |member| member.joined_at));
        format::minutes(shared.clock.now() - joined)
    };
    let hand = Memo::new(move |_| feed.read(&[Topic::Members], |live| hands::place_of(live, id)));
    let sound = move || {
        member.with(|member| {
            drag.words()
                .sound(member.as_ref().and_then(|member| member.quality.as_ref()))
        })
    };
    view! {
        <div
            class="lrow"
            class:lifted=move || drag.is_source(cargo)
            role="listitem"
            aria-setsize=move || of.with(Vec::len)
            aria-posinset=place
            tabindex="-1"
            data-row=""
            data-member=id.to_string()
            on:pointerdown=move |event| drag.grab(&event, cargo)
            on:keydown=move |event| {
                drag.grab_by_key(&event, cargo);
                if event.target() == event.current_target() {
                    match event.key().as_str() {
                        "Delete" => take_out(id),
                        "Enter" => {
                            // Or the same key would press the menu's first button.
                            event.prevent_default();
                            open_for_member(menu, id);
                        }
                        _ => {}
                    }
                }
            }
        >
            {move || match sound() {
                (Sound::Good, _) => view! { <span class="dotw"></span> }.into_any(),
                (_, word) => view! { <span class="q warn" title=word.clone()>{small("signal")}<span class="sr">{word.clone()}</span></span> }.into_any(),
            }}
            <span class="grow cut">{name}</span>
            {move || hand.get().map(|place| {
                            let said = t.hand_place(&place.to_string());
                            view! { <span class="flag hand" title=said.clone()>{small("hand")}<span class="num" aria-hidden="true">{place}</span><span class="sr">{said.clone()}</span></span> }
                        })}
            <Turned member/>
            <span class="num quiet">{since}</span>
            <span class="lacts">
                <LoudnessButton id menu/>
                <button
                    class="btn ghost icon sm"
                    aria-label=t.make_speaker()
                    title=t.make_speaker()
                    disabled=move || !feed.is_up()
                    on:click=move |_| set_role(id, Role::Speaker)
                >
                    {small("mic")}
                </button>
                <button
                    class="btn ghost icon sm kick"
                    aria-label=t.take_out_short()
                    title=t.take_out_short()
                    disabled=move || !feed.is_up()
                    on:click=move |_| take_out(id)
                >
                    {small("out")}
                </button>
            </span>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_thousand_listeners_only_those_in_view_exist() {
        let window = window(2_000, 660, 280, 2_800);
        assert_eq!(window.columns, 3);
        assert_eq!(window.from, (100 - SPARE) * 3);
        assert!(window.until - window.from < 90);
    }

    #[test]
    fn the_end_of_the_list_is_never_overrun() {
        assert_eq!(window(200, 660, 280, 1_000_000).until, 200);
        assert_eq!(
            window(5, 660, 280, 0),
            Window {
                from: 0,
                until: 5,
                columns: 3
            }
        );
    }
}
