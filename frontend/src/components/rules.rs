//! The rules of calling, as sentences. The dotted words can be changed.

use api::{LastAct, RetryRules};
use domain::Span;
use leptos::prelude::*;

use super::icon::{shape, small};
use crate::{app::texts, texts::Texts};

const MINUTE: i64 = 60_000;

/// In the order of the menu; only the offline rule may begin with the first.
const ACTS: [LastAct; 5] = [
    LastAct::AnnounceOffline,
    LastAct::TellOrganiser,
    LastAct::SendRoomNumber,
    LastAct::SendJoinLater,
    LastAct::Nothing,
];

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

/// What is done last, in words.
fn act(t: Texts, act: LastAct) -> &'static str {
    match act {
        LastAct::AnnounceOffline => t.rule_say_offline(),
        LastAct::TellOrganiser => t.rule_tell_me(),
        LastAct::SendRoomNumber => t.rule_send_room(),
        LastAct::SendJoinLater => t.rule_send_later(),
        LastAct::Nothing => t.rule_nothing(),
    }
}

fn place_of(act: LastAct) -> i64 {
    let place = ACTS.iter().position(|known| *known == act);
    place
        .and_then(|place| i64::try_from(place).ok())
        .unwrap_or(4)
}

fn act_at(place: i64) -> LastAct {
    let place = usize::try_from(place).ok();
    place
        .and_then(|place| ACTS.get(place).copied())
        .unwrap_or(LastAct::Nothing)
}

/// One sentence for each outcome that can be followed by another call, or by a last act.
#[component]
pub fn RuleSentences(
    rules: impl Fn() -> RetryRules + Copy + Send + Sync + 'static,
    change: impl Fn(&dyn Fn(&mut RetryRules)) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    let of = move |with: fn(&RetryRules) -> i64| move || with(&rules());
    let set = move |with: fn(&mut RetryRules, i64)| {
        move |value: i64| change(&move |rules: &mut RetryRules| with(rules, value))
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
    let last = move |place: i64| act(t, act_at(place)).to_owned();
    let anywhere = || vec![1, 2, 3, 4];
    view! {
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
                    <Token label=t.rule_last_offline() value=of(|rules| place_of(rules.offline.last_act)) options=vec![0, 1, 2, 3, 4] word=last set=set(|rules, value| rules.offline.last_act = act_at(value))/>
                </p>
            </li>
            <li>
                {small("phone")}
                <p>
                    <b>{t.rule_no_answer()}</b> " " {t.rule_after()} " "
                    <Token label=t.rule_first_wait() value=of(|rules| wait(rules, 0)) options=vec![0, 30_000, MINUTE, 2 * MINUTE, 5 * MINUTE] word=again set=set(|rules, value| set_wait(rules, 0, value))/>
                    ", " {t.rule_then_after()} " "
                    <Token label=t.rule_second_wait() value=of(|rules| wait(rules, 1)) options=vec![0, MINUTE, 3 * MINUTE, 5 * MINUTE, 10 * MINUTE] word=again set=set(|rules, value| set_wait(rules, 1, value))/>
                    ", " {t.rule_then()} " "
                    <Token label=t.rule_last_no_answer() value=of(|rules| place_of(rules.no_answer.last_act)) options=anywhere() word=last set=set(|rules, value| rules.no_answer.last_act = act_at(value))/>
                </p>
            </li>
            <li>
                {small("hang")}
                <p>
                    <b>{t.rule_declined()}</b> " "
                    <Token label=t.rule_declined() value=of(|rules| place_of(rules.declined.last_act)) options=anywhere() word=last set=set(|rules, value| rules.declined.last_act = act_at(value))/>
                </p>
            </li>
            <li>
                {small("vm")}
                <p>
                    <b>{t.rule_machine()}</b> " "
                    <Token label=t.rule_machine() value=of(|rules| i64::from(rules.not_confirmed.tries)) options=vec![0, 1, 2, 3] word=more set=set(|rules, value| rules.not_confirmed.tries = u32::try_from(value).unwrap_or(1))/>
                    ", " {t.rule_after()} " "
                    <Token label=t.rule_after() value=of(|rules| rules.not_confirmed.wait_ms.0) options=vec![MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE] word=ms set=set(|rules, value| rules.not_confirmed.wait_ms = Span(value))/>
                    ", " {t.rule_then()} " "
                    <Token label=t.rule_last_machine() value=of(|rules| place_of(rules.not_confirmed.last_act)) options=anywhere() word=last set=set(|rules, value| rules.not_confirmed.last_act = act_at(value))/>
                </p>
            </li>
            <li>
                {small("out")}
                <p>
                    <b>{t.rule_dropped()}</b> " "
                    <Token label=t.rule_dropped() value=of(|rules| i64::from(rules.dropped.tries)) options=vec![0, 1, 2, 3] word=more set=set(|rules, value| rules.dropped.tries = u32::try_from(value).unwrap_or(1))/>
                    ", " {t.rule_after()} " "
                    <Token label=t.rule_dropped_wait() value=of(|rules| rules.dropped.wait_ms.0) options=vec![5_000, 10_000, 30_000, MINUTE] word=ms set=set(|rules, value| rules.dropped.wait_ms = Span(value))/>
                    ", " {t.rule_then()} " "
                    <Token label=t.rule_last_dropped() value=of(|rules| place_of(rules.dropped.last_act)) options=anywhere() word=last set=set(|rules, value| rules.dropped.last_act = act_at(value))/>
                </p>
            </li>
        </ul>
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

    #[test]
    fn every_last_act_has_its_place_in_the_menu() {
        for act in ACTS {
            assert_eq!(act_at(place_of(act)), act);
        }
        assert_eq!(ACTS[1..], LastAct::ANYWHERE);
    }
}
