//! The rules of one meeting. What is not changed stays the company's.

use api::RetryRules;
use leptos::prelude::*;

use super::{Editing, draft::Draft};
use crate::{
    app::texts,
    components::{icon::small, rules::RuleSentences},
};

pub use crate::components::rules::{Token, span};

const MINUTE: i64 = 60_000;

#[component]
pub fn Rules(editing: Editing) -> impl IntoView {
    let t = texts();
    let draft = editing.draft;
    let rules = move || {
        draft.with(|draft| {
            draft
                .as_ref()
                .map_or_else(RetryRules::default, |draft| draft.rules.clone())
        })
    };
    let change_rules = move |with: &dyn Fn(&mut RetryRules)| {
        draft.update(|draft| {
            if let Some(draft) = draft {
                with(&mut draft.rules);
                draft.own_rules = true;
            }
        });
    };
    let ring = move |value: i64| {
        change_rules(&move |rules: &mut RetryRules| rules.ring_ms = domain::Span(value));
    };
    let ms = move |value: i64| span(t, value);
    let own = move || draft.with(|draft| draft.as_ref().is_some_and(|draft| draft.own_rules));
    let no_key = move || draft.with(|draft| draft.as_ref().is_some_and(|draft| draft.no_key));
    let change = move |with: fn(&mut Draft, i64)| {
        move |value: i64| {
            draft.update(|draft| {
                if let Some(draft) = draft {
                    with(draft, value);
                }
            });
        }
    };
    view! {
        <div class="say">
            {t.rule_lead()} " "
            <Token
                label=t.rule_lead()
                value=move || draft.with(|draft| draft.as_ref().map_or(0, |draft| i64::from(draft.lead_s)))
                options=vec![0, 60, 120, 180, 300, 600, 900]
                word=move |seconds| if seconds == 0 { t.at_the_start().to_owned() } else { t.before_start(&span(t, seconds * 1000)) }
                set=change(|draft, value| draft.lead_s = u32::try_from(value).unwrap_or(300))
            />
            ". " {t.rule_ring()} " "
            <Token label=t.rule_ring() value=move || rules().ring_ms.0 options=vec![15_000, 20_000, 30_000, 45_000, MINUTE] word=ms set=ring/>
        </div>
        <RuleSentences rules change=change_rules/>
        <label class="check">
            <input
                type="checkbox"
                prop:checked=no_key
                on:change=move |event| change(|draft, value| draft.no_key = value == 1)(i64::from(event_target_checked(&event)))
            />
            <span>{t.rule_no_key()}</span>
        </label>
        <p class="note">{small("shield")}<span>{move || if own() { t.rules_own() } else { t.rules_company() }}</span></p>
    }
}
