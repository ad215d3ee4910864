//! A planned meeting that is dragged to another time: at once if it is held once;
//! of a series it is asked whether this date is meant or all that follow.

use api::{ChangeMeeting, MoveOccurrence, Occurrence};
use leptos::{prelude::*, task::spawn_local};

use super::{
    Editing,
    draft::{Draft, time},
    draft_at,
};
use crate::{
    app::{shared, texts},
    client::{self, Failure, write},
    pages::board::when,
};

/// A date of a series that was dragged.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub draft: Draft,
    pub starts_at: i64,
}

/// Moves a date by whole minutes on the clocks of its meeting.
pub fn move_by(editing: Editing, occurrence: &Occurrence, minutes: i64) {
    let Some(meeting) = occurrence.meeting_id else {
        return;
    };
    let draft = shared()
        .feed
        .peek(|live| draft_at(live, meeting, occurrence));
    let Some(mut draft) = draft else { return };
    draft.shift(minutes);
    let starts_at = occurrence.starts_at + minutes * 60_000;
    if draft.one.is_some() {
        editing.asked.set(Some(Asked { draft, starts_at }));
    } else {
        let body = ChangeMeeting {
            starts_local: Some(draft.starts_local()),
            ..ChangeMeeting::default()
        };
        send(
            editing,
            "PATCH",
            format!("meetings/{meeting}"),
            write(&body),
            starts_at,
        );
    }
}

fn send(editing: Editing, method: &'static str, path: String, body: String, starts_at: i64) {
    let (t, acts) = (texts(), shared().acts);
    editing.asked.set(None);
    spawn_local(async move {
        let done: Result<(), Failure> = client::act(method, &path, Some(body)).await;
        match done {
            Ok(()) => acts.show(t.moved_to(&when(t, starts_at)), false, None),
            Err(failure) => acts.show(failure.sentence(t), true, None),
        }
    });
}

/// "Only this date, or this and all following?"
#[component]
pub fn Question(editing: Editing) -> impl IntoView {
    let t = texts();
    let first = NodeRef::<leptos::html::Button>::new();
    Effect::new(move || {
        if let Some(first) = first.get() {
            let _ = first.focus();
        }
    });
    move || {
        let Asked { draft, starts_at } = editing.asked.get()?;
        let one = draft.one?;
        let meeting = draft.id?;
        let only = MoveOccurrence {
            starts_local: Some(draft.starts_local()),
            ..MoveOccurrence::default()
        };
        let following = ChangeMeeting {
            starts_local: Some(draft.starts_local()),
            from_date: Some(one.date),
            ..ChangeMeeting::default()
        };
        let hours = format!(
            "{}–{}",
            time(draft.start_min),
            time(draft.start_min + draft.duration_min)
        );
        Some(view! {
            <div
                class="whichwrap"
                on:keydown=move |event| {
                    if event.key() == "Escape" {
                        editing.asked.set(None);
                    }
                }
            >
                <div class="which" role="dialog" aria-modal="true" aria-labelledby="which-dates">
                    <h2 id="which-dates">{t.which_dates(&draft.title)}</h2>
                    <p class="quiet num">{when(t, starts_at)} " · " {hours}</p>
                    <div class="whichbtns">
                        <button
                            class="btn primary"
                            data-act="only"
                            node_ref=first
                            on:click=move |_| send(editing, "POST", format!("occurrences/{}/move", one.occurrence), write(&only), starts_at)
                        >
                            {t.only_this_date()}
                        </button>
                        <button
                            class="btn"
                            data-act="following"
                            on:click=move |_| send(editing, "PATCH", format!("meetings/{meeting}"), write(&following), starts_at)
                        >
                            {t.this_and_following()}
                        </button>
                        <button class="btn ghost" on:click=move |_| editing.asked.set(None)>{t.cancel()}</button>
                    </div>
                </div>
            </div>
        })
    }
}
