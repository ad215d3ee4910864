//! Expected, not here: why, what happens then, and when.

use api::{
    CallPhase, Finish, Invitation, InvitationId, InvitationStatus, LineState, LineView,
    NoticeState, OccurrenceId, RoomId,
};
use leptos::prelude::*;

use super::people::evidence;
use crate::{
    acts::Call,
    app::{shared, texts},
    components::{
        icon::{icon, shape, shape_of, small},
        rows,
        slot::{Hint, Slot},
        tip::{Said, Tips},
    },
    format,
    live::{
        Topic,
        missing::{Ring, SECTIONS, Section, list, ring, section, try_number},
        offers::{Cargo, Place},
    },
    pages::history::messages::in_short,
    texts::Texts,
};

/// From so many calls at once the board asks first.
const MANY: u64 = 10;

#[component]
pub fn Missing(room: RoomId) -> impl IntoView {
    let t = texts();
    let feed = shared().feed;
    let on = Memo::new(move |_| {
        feed.read(&[Topic::Rooms, Topic::Occurrences], |live| {
            live.occurrence_in(room).map(|on| on.id)
        })
    });
    let expected = Memo::new(move |_| {
        feed.read(&[Topic::Invitations], |live| {
            on.get().map_or(0, |on| live.invited(on).count())
        })
    });
    let missing = Memo::new(move |_| {
        feed.read(&[Topic::Invitations], |live| {
            on.get().map_or(0, |on| {
                live.invited(on)
                    .filter(|invitation| section(&invitation.status).is_some())
                    .count()
            })
        })
    });
    let container = NodeRef::new();
    rows::keep_one(container, move || missing.track());
    view! {
        <section class="col missing" aria-label=t.missing_title() data-place=Place::Missing.name()>
            <header class="colhead">
                <h2>{t.missing_title()}</h2>
                <span class="count num">{missing}</span>
                <span class="grow"></span>
                <Hint place=Place::Missing/>
                {move || on.get().map(|on| view! { <CallAll on/> })}
            </header>
            <div
                class="scroll"
                node_ref=container
                on:keydown=move |event| _ = rows::rove(&event)
                on:focusin=move |event| rows::rest_on(&event)
            >
                <div class="colslot"><Slot place=Place::Missing/></div>
                {move || on.get().map(|on| {
                    SECTIONS.map(|part| view! { <Part on part/> }).into_iter().collect_view()
                })}
                <Show when=move || missing.get() == 0>
                    <div class="allhere">
                        {move || (expected.get() > 0).then(|| icon("check"))}
                        <p class="quiet">
                            {move || if expected.get() > 0 { t.missing_none() } else { t.missing_nobody() }}
                        </p>
                    </div>
                </Show>
            </div>
        </section>
    }
}

/// Everybody who waits for the next try, at once.
#[component]
fn CallAll(on: OccurrenceId) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let asks = RwSignal::new(false);
    let waiting = Memo::new(move |_| {
        shared.feed.read(&[Topic::Invitations], |live| {
            list(live, on, Section::NextTry)
                .iter()
                .map(|missing| missing.id)
                .collect::<Vec<_>>()
        })
    });
    let count = move || waiting.with(|waiting| waiting.len() as u64);
    let call = move || {
        asks.set(false);
        for id in waiting.get_untracked() {
            shared.acts.send(call_now(id), None);
        }
    };
    view! {
        <Show when=move || { count() > 1 }>
            {move || if asks.get() {
                view! {
                    <button class="btn sm primary" on:click=move |_| call()>{t.call_all_ask(count())}</button>
                    <button class="btn ghost plain sm" on:click=move |_| asks.set(false)>{t.cancel()}</button>
                }.into_any()
            } else {
                view! {
                    <button
                        class="btn ghost sm"
                        disabled=move || !shared.feed.is_up()
                        on:click=move |_| { if count() > MANY { asks.set(true) } else { call() } }
                    >
                        {small("phone")}
                        {t.call_all()}
                    </button>
                }.into_any()
            }}
        </Show>
    }
}

fn call_now(id: InvitationId) -> Call {
    Call {
        method: "POST",
        path: format!("invitations/{id}/call"),
        body: None,
    }
}

#[component]
fn Part(on: OccurrenceId, part: Section) -> impl IntoView {
    let t = texts();
    let feed = shared().feed;
    let ids = Memo::new(move |_| {
        feed.read(&[Topic::Invitations], |live| {
            list(live, on, part)
                .iter()
                .map(|missing| missing.id)
                .collect::<Vec<_>>()
        })
    });
    view! {
        <Show when=move || !ids.with(Vec::is_empty)>
            <h3 class="ghead">{heading(t, part)}</h3>
            <ul>
                <For each=move || ids.get() key=|id| *id let:id>
                    <Card id/>
                </For>
            </ul>
        </Show>
    }
}

fn heading(t: Texts, part: Section) -> &'static str {
    match part {
        Section::Ringing => t.section_ringing(),
        Section::OnTheLine => t.section_on_line(),
        Section::NextTry => t.section_next(),
        Section::NotAgain => t.section_not_again(),
    }
}

#[component]
fn Card(id: InvitationId) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let (feed, drag) = (shared.feed, shared.drag);
    let cargo = Cargo::Missing(id);
    let missing = Memo::new(move |_| {
        feed.read(&[Topic::Invitation(id)], |live| {
            live.invitations.get(&id).cloned()
        })
    });
    // Who is not in the directory has no line we watch: unknown, never free.
    let line = Memo::new(move |_| {
        let unknown = LineView {
            state: LineState::Unknown,
            dnd: false,
            since_at: None,
            evidence: Vec::new(),
        };
        let Some(person) =
            missing.with(|missing| missing.as_ref().and_then(|missing| missing.employee_id))
        else {
            return unknown;
        };
        feed.read(&[Topic::Person(person)], |live| {
            live.people
                .get(&person)
                .map_or(unknown, |person| person.line.clone())
        })
    });
    let attempt = move || {
        missing
            .with(|missing| missing.as_ref().and_then(try_number))
            .map(|(n, all)| match all {
                Some(all) => t.try_of(&n, &all),
                None => t.try_n(&n),
            })
    };
    let kind = move || missing.with(|missing| missing.as_ref().map_or("miss", class));
    view! {
        <li
            class=kind
            class:lifted=move || drag.is_source(cargo)
            tabindex="-1"
            data-row=""
            data-invitation=id.to_string()
            on:pointerdown=move |event| drag.grab(&event, cargo)
            on:keydown=move |event| drag.grab_by_key(&event, cargo)
        >
            <Countdown missing/>
            <div class="mbody">
                <div class="l1">
                    <span class="name cut">{move || missing.with(|m| m.as_ref().map(|m| m.name.clone()))}</span>
                    <span class="att num">{attempt}</span>
                </div>
                <div class="why">
                    {move || view! { <Evidence line=line.get()/> }}
                    <span>{move || missing.with(|m| m.as_ref().map(|m| drag.words().why(m)))}</span>
                </div>
                <div class="nxt">{move || missing.with(|m| m.as_ref().map(|m| drag.words().next(m)))}</div>
                <Told id/>
                {move || missing.get().map(|missing| view! { <CardActs missing/> })}
            </div>
        </li>
    }
}

fn class(missing: &Invitation) -> &'static str {
    match section(&missing.status) {
        Some(Section::Ringing) => "miss ring",
        Some(Section::OnTheLine) => "miss held",
        Some(Section::NextTry) => "miss wait",
        Some(Section::NotAgain) | None => "miss done",
    }
}

/// What was written to him, or could not be.
#[component]
fn Told(id: InvitationId) -> impl IntoView {
    let t = texts();
    let feed = shared().feed;
    let notice = Memo::new(move |_| {
        feed.read(&[Topic::Invitation(id)], |live| {
            live.notices.get(&id).cloned()
        })
    });
    move || {
        let notice = notice.get()?;
        let failed = matches!(notice.state, NoticeState::Failed { .. });
        Some(view! {
            <div class="told" class:bad=failed>
                {small(if failed { "warn" } else { "sms" })}
                <span>{in_short(t, &notice)}</span>
            </div>
        })
    }
}

/// The shape of the line; pointed at, focused or tapped it says how we know.
#[component]
fn Evidence(line: LineView) -> impl IntoView {
    let t = texts();
    let drag = shared().drag;
    let tips: Tips = expect_context();
    let words = untrack(|| drag.words());
    let said: Said = evidence(words, &line);
    let (on_focus, on_enter, on_click) = (said.clone(), said.clone(), said);
    view! {
        <button
            class="stbtn"
            aria-label=format!("{}: {}", t.why_state(), words.shape(&line))
            on:focus=move |event| tips.show(&event, on_focus.clone())
            on:blur=move |_| tips.hide()
            on:pointerenter=move |event| tips.show(&event, on_enter.clone())
            on:pointerleave=move |_| tips.hide()
            on:click=move |event| tips.show(&event, on_click.clone())
        >
            {shape(shape_of(&line))}
        </button>
    }
}

/// The arc is what is left; the figure inside is the truth. Both from the server's times.
#[component]
fn Countdown(missing: Memo<Option<Invitation>>) -> impl IntoView {
    let clock = shared().clock;
    let what =
        Memo::new(move |_| missing.with(|missing| missing.as_ref().map_or(Ring::Done, ring)));
    let kind =
        move || match missing.with(|missing| missing.as_ref().and_then(|m| section(&m.status))) {
            Some(Section::Ringing) => "ringc ring",
            Some(Section::OnTheLine) => "ringc held",
            Some(Section::NextTry) => "ringc wait",
            Some(Section::NotAgain) | None => "ringc done",
        };
    let arc = move || match what.get() {
        Ring::Left { from, until } => format::share_left(from, until, clock.now()),
        Ring::Since(_) => 100,
        Ring::Done => 0,
    };
    let figure = move || match what.get() {
        Ring::Left { until, .. } => format::left(until - clock.now()),
        Ring::Since(since) => format::minutes(clock.now() - since),
        Ring::Done => String::new(),
    };
    view! {
        <span class=kind>
            {move || if what.get() == Ring::Done {
                icon("x").into_any()
            } else {
                view! {
                    <svg viewBox="0 0 48 48" aria-hidden="true">
                        <circle cx="24" cy="24" r="21" class="rc-bg"></circle>
                        <circle
                            cx="24"
                            cy="24"
                            r="21"
                            pathLength="100"
                            class="rc"
                            stroke-dasharray=move || format!("{} 100", arc())
                        ></circle>
                    </svg>
                    <span class="num">{figure}</span>
                }.into_any()
            }}
        </span>
    }
}

#[component]
fn CardActs(missing: Invitation) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let id = missing.id;
    let waits = move || !shared.feed.is_up();
    let asks = RwSignal::new(false);
    let call = move || {
        asks.set(false);
        shared.acts.send(call_now(id), None);
    };
    let stop = move |_| {
        let stop = Call {
            method: "POST",
            path: format!("invitations/{id}/stop"),
            body: None,
        };
        shared.acts.send(stop, None);
    };
    let give_up = move |_| {
        shared.acts.perform(
            Place::People,
            crate::live::offers::Act::StopCalling { invitation: id },
        );
    };
    let answered = matches!(
        missing.status,
        InvitationStatus::Held { .. }
            | InvitationStatus::Calling {
                phase: CallPhase::Answered,
                ..
            }
    );
    // Calling somebody who said no is asked about, where the finger already is.
    let said_no = match missing.status {
        InvitationStatus::Finished {
            why: Finish::Declined | Finish::CannotCome,
            at,
        } => Some(at),
        _ => None,
    };
    view! {
        <div class="macts">
            {match section(&missing.status) {
                Some(Section::Ringing | Section::OnTheLine) => view! {
                    <button class="btn sm" disabled=waits data-act="stop" on:click=stop>
                        {small("hang")}
                        {if answered { t.hang_up() } else { t.stop_ringing() }}
                    </button>
                }.into_any(),
                Some(Section::NextTry) => view! {
                    <button class="btn sm" disabled=waits data-act="call" on:click=move |_| call()>
                        {small("phone")}
                        {t.call_now()}
                    </button>
                    <button class="btn ghost plain sm" disabled=waits data-act="give-up" on:click=give_up>
                        {t.give_up()}
                    </button>
                }.into_any(),
                Some(Section::NotAgain) => view! {
                    {move || if let (true, Some(at)) = (asks.get(), said_no) {
                        view! {
                            <span class="askline">{t.ask_declined(&crate::clock::short(at))}</span>
                            <button class="btn primary sm" on:click=move |_| call()>{t.yes_call()}</button>
                            <button class="btn ghost plain sm" on:click=move |_| asks.set(false)>{t.cancel()}</button>
                        }.into_any()
                    } else {
                        view! {
                            <button
                                class="btn ghost plain sm"
                                disabled=waits
                                data-act="call"
                                on:click=move |_| { if said_no.is_some() { asks.set(true) } else { call() } }
                            >
                                {small("phone")}
                                {if said_no.is_some() { t.call_anyway() } else { t.call_now() }}
                            </button>
                        }.into_any()
                    }}
                }.into_any(),
                None => ().into_any(),
            }}
        </div>
    }
}
