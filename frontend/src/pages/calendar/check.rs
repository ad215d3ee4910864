//! What the server thinks of a meeting while it is being made: asked anew a moment
//! after each change, shown beside what it is about. Saving asks again.

use std::time::Duration;

use api::{Finding, MeetingCheck, Severity};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};

use super::{
    Editing,
    draft::{Part, part_of},
    form::move_to,
};
use crate::{app::texts, client, components::icon::small, pages::board::when};

/// A pause in typing or dragging.
const PAUSE: Duration = Duration::from_millis(300);

/// Asks the server whenever the meeting in the panel has changed in what can be in somebody's way.
pub fn ask_while_editing(editing: Editing) {
    let question = Memo::new(move |_| {
        editing
            .draft
            .with(|draft| draft.as_ref().and_then(|draft| draft.as_check()))
    });
    let waiting: StoredValue<Option<TimeoutHandle>> = StoredValue::new(None);
    Effect::new(move || {
        let asked = question.get();
        if let Some(waits) = waiting.try_update_value(Option::take).flatten() {
            waits.clear();
        }
        let Some(asked) = asked else {
            editing.check.set(None);
            return;
        };
        let ask = move || {
            spawn_local(async move {
                let answer: Option<MeetingCheck> =
                    client::post("meetings/check", &asked).await.ok();
                // Only the answer to the last question counts.
                if question.try_get_untracked() == Some(Some(asked)) {
                    editing.check.set(answer);
                }
            });
        };
        waiting.set_value(set_timeout_with_handle(ask, PAUSE).ok());
    });
}

/// What was found about a part of the form.
#[component]
pub fn Found(editing: Editing, part: Part) -> impl IntoView {
    let t = texts();
    let same = move |finding: &Finding| {
        let about = finding.field.as_deref().map_or(Part::Whole, part_of);
        matches!((about, part), (Part::People(_), Part::People(_))) || about == part
    };
    move || {
        // A refusal of what was sent says the same, and louder.
        if editing.failure.with(Option::is_some) {
            return None;
        }
        let found: Vec<Finding> = editing.check.with(|check| {
            let all = check.iter().flat_map(|check| check.findings.iter());
            all.filter(|one| same(one)).take(5).cloned().collect()
        });
        let notes = found.into_iter().map(|finding| {
            let bad = finding.severity == Severity::Refusal;
            let free = finding.free_at;
            view! {
                <p class="note" class:bad=bad class:warn=(finding.severity == Severity::Warning)>
                    {small("warn")}
                    <span>
                        {finding.message}
                        {free.map(|at| view! {
                            " "
                            <button class="lnk" on:click=move |_| move_to(editing, at)>{t.move_to(&when(t, at))}</button>
                        })}
                    </span>
                </p>
            }
        });
        Some(notes.collect_view())
    }
}
