//! The rules of calling, as sentences. The dotted words can be changed; what is not changed
//! stays the company's.

use api::RetryRules;
use domain::Span;
use leptos::prelude::*;

use super::{Editing, draft::Draft};
use crate::{
    app::texts,
    components::icon::{shape, small},
    texts::Texts,
};

const MINUTE: i64 = 60_000;

/// A word in a sentence that stands for a number: a menu of the usual ones.
#[component]
pub fn Token(
    label: &'static str,
    value: impl Fn() -> i64 + Copy + Send + Sync + 'static,
    options: Vec<i64>,
    word: impl Fn(i64) -> String + Copy + Send + Sync + 'static,
    set: impl Fn(i64) + 'static,
) -> impl IntoView {
    // What was set elsewhere stays choosable.
    let all = move || {
        let mut all = options.clone();
        all.push(value());
        all.sort_unstable();
        all.dedup();
        all
    };
    view! {
        <select
            class="tok num"
            aria-label=label
            on:change=move |event| {
                if let Ok(chosen) = event_target_value(&event).parse() {
                    set(chosen);
                }
            }
        >
            {move || all().into_iter().map(|option| view! {
                <option value=option.to_string() selected=move || value() == option>{word(option)}</option>
            }).collect_view()}
        </select>
    }
}

/// "20 s", "5 min", "1 h 30 min"
pub fn span(t: Texts, ms: i64) -> String {
    let seconds = ms / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => t.span_s(&seconds),
        (0, minutes, 0) => t.span_min(&minutes),
        (0, minutes, seconds) => t.span_min_s(&minutes, &seconds),
        (hours, 0, _) => t.span_h(&hours),
        (hours, minutes, _) => t.span_h_min(&hours, &minutes),
    }
}

#[component]
pub fn Rules(editing: Editing) -> impl IntoView {
    let t = texts();
    let draft = editing.draft;
    let of = move |with: fn(&RetryRules) -> i64| {
        move || draft.with(|draft| draft.as_ref().map_or(0, |draft| with(&draft.rules)))
    };
    let set = move |with: fn(&mut RetryRules, i64)| {
        move |value: i64| {
            draft.update(|draft| {
                if let Some(draft) = draft {
                    with(&mut draft.rules, value);
                    draft.own_rules = true;
                }
            });
        }
    };
    let ms = move |value: i64| span(t, value);
    let more = move |count: i64| match u64::try_from(count) {
        Ok(0) | Err(_) => t.no_more_tries().to_owned(),
        Ok(count) => t.more_tries(count),
    };
    let again = move |value: i64| {
        if value == 0 {
            t.never_again().to_owned()
        } else {
            span(t, value)
        }
    };
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
            <Token label=t.rule_ring() value=of(|rules| rules.ring_ms.0) options=vec![15_000, 20_000, 30_000, 45_000, MINUTE] word=ms set=set(|rules, value| rules.ring_ms = Span(value))/>
        </div>
        <ul class="rules">
            <li>
                {shape("busy")}
                <p>
                    <b>{t.rule_busy()}</b> " " {t.rule_every()} " "
                    <Token label=t.rule_busy() value=of(|rules| rules.busy.wait_ms.0) options=vec![10_000, 20_000, 30_000, MINUTE] word=ms set=set(|rules, value| rules.busy.wait_ms = Span(value))/>
                    ", " {t.rule_later_every()} " "
                    <Token label=t.rule_later_every() value=of(|rules| rules.busy.then_wait_ms.0) options=vec![30_000, 45_000, MINUTE, 2 * MINUTE] word=ms set=set(|rules, value| rules.busy.then_wait_ms = Span(value))/>
                    ", " {t.rule_until_in()}
                </p>
            </li>
            <li>
                {shape("offline")}
                <p>
                    <b>{t.rule_offline()}</b> " "
                    <Token label=t.rule_offline() value=of(|rules| i64::from(rules.offline.tries)) options=vec![0, 1, 2, 3, 5] word=more set=set(|rules, value| rules.offline.tries = u32::try_from(value).unwrap_or(2))/>
                    ", " {t.rule_apart()} " "
                    <Token label=t.rule_apart() value=of(|rules| rules.offline.wait_ms.0) options=vec![MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE] word=ms set=set(|rules, value| rules.offline.wait_ms = Span(value))/>
                    ", " {t.rule_then()} " "
                    <Token
                        label=t.rule_then()
                        value=of(|rules| i64::from(rules.offline.announce))
                        options=vec![0, 1]
                        word=move |say| if say == 1 { t.rule_say_offline() } else { t.rule_tell_me() }.to_owned()
                        set=set(|rules, value| rules.offline.announce = value == 1)
                    />
                </p>
            </li>
            <li>
                {small("phone")}
                <p>
                    <b>{t.rule_no_answer()}</b> " " {t.rule_after()} " "
                    <Token label=t.rule_first_wait() value=of(|rules| wait(rules, 0)) options=vec![0, 30_000, MINUTE, 2 * MINUTE, 5 * MINUTE] word=again set=set(|rules, value| set_wait(rules, 0, value))/>
                    ", " {t.rule_then()} " "
                    <Token label=t.rule_second_wait() value=of(|rules| wait(rules, 1)) options=vec![0, MINUTE, 3 * MINUTE, 5 * MINUTE, 10 * MINUTE] word=again set=set(|rules, value| set_wait(rules, 1, value))/>
                </p>
            </li>
            <li>
                {small("vm")}
                <p>
                    <b>{t.rule_machine()}</b> " "
                    <Token label=t.rule_machine() value=of(|rules| i64::from(rules.not_confirmed.tries)) options=vec![0, 1, 2, 3] word=more set=set(|rules, value| rules.not_confirmed.tries = u32::try_from(value).unwrap_or(1))/>
                    ", " {t.rule_after()} " "
                    <Token label=t.rule_after() value=of(|rules| rules.not_confirmed.wait_ms.0) options=vec![MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE] word=ms set=set(|rules, value| rules.not_confirmed.wait_ms = Span(value))/>
                </p>
            </li>
        </ul>
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

/// The wait before the nth further try; 0 when there is none.
fn wait(rules: &RetryRules, index: usize) -> i64 {
    rules.no_answer.waits_ms.get(index).map_or(0, |wait| wait.0)
}

/// No wait means no further try: whatever came after it goes too.
fn set_wait(rules: &mut RetryRules, index: usize, value: i64) {
    let waits = &mut rules.no_answer.waits_ms;
    if value == 0 {
        waits.truncate(index);
    } else if let Some(wait) = waits.get_mut(index) {
        *wait = Span(value);
    } else {
        waits.push(Span(value));
    }
}

#[cfg(test)]
mod tests {
    use api::Language;

    use super::*;

    #[test]
    fn lengths_are_said_in_the_largest_units_that_fit() {
        let t = Texts(Language::English);
        assert_eq!(
            [20_000, 90_000, 300_000, 5_400_000, 7_200_000].map(|ms| span(t, ms)),
            ["20 s", "1 min 30 s", "5 min", "1 h 30 min", "2 h"]
        );
    }

    #[test]
    fn a_wait_taken_away_takes_the_later_ones_along() {
        let mut rules = RetryRules::default();
        set_wait(&mut rules, 0, 0);
        assert_eq!(rules.no_answer.waits_ms, []);
        set_wait(&mut rules, 0, 30_000);
        set_wait(&mut rules, 1, 60_000);
        assert_eq!(
            (wait(&rules, 0), wait(&rules, 1), wait(&rules, 2)),
            (30_000, 60_000, 0)
        );
    }
}
