//! The trunks, and teaching us what an operator's answers mean: three calls whose truth is known.

use api::{
    Calibration, CalibrationCondition, CalibrationStep, Company, Fingerprint, Outcome, StepStatus,
    TestCall, Trunk, TrunkId, TrunkState, Useless,
};
use leptos::prelude::*;

use crate::{
    acts::Call,
    app::{shared, texts},
    client::write,
    components::{
        icon::{shape, small},
        rules::span,
    },
    live::causes,
    pages::history::day_and_time,
    texts::Texts,
};

#[component]
pub fn Trunks(known: impl Fn() -> Option<Company> + Copy + Send + Sync + 'static) -> impl IntoView {
    let t = texts();
    let ids = Memo::new(move |_| {
        known().map_or_else(Vec::new, |company| {
            company.trunks.iter().map(|trunk| trunk.id).collect()
        })
    });
    let trunk = move |id: TrunkId| {
        Memo::new(move |_| known()?.trunks.into_iter().find(|trunk| trunk.id == id))
    };
    view! {
        <section class="box">
            <div class="bhead"><h2>{t.trunks()}</h2></div>
            <p class="quiet">{t.trunks_hint()}</p>
            <Show when=move || ids.with(Vec::is_empty)>
                <p class="note">{small("info")}<span>{t.trunks_none()}</span></p>
            </Show>
            <For each=move || ids.get() key=|id| *id let:id>
                <OneTrunk id trunk=trunk(id)/>
            </For>
        </section>
    }
}

#[component]
fn OneTrunk(id: TrunkId, trunk: Memo<Option<Trunk>>) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let act = move |method: &'static str, what: &'static str, done: Option<&'static str>| {
        move |_| {
            let path = format!("trunks/{id}/{what}");
            let body = None;
            shared
                .acts
                .send(Call { method, path, body }, done.map(str::to_owned));
        }
    };
    let name = move || trunk.with(|trunk| trunk.as_ref().map(|trunk| trunk.name.clone()));
    let state = move || {
        trunk.with(|trunk| match trunk.as_ref().map(|trunk| trunk.state) {
            Some(TrunkState::Up) => ("free", t.trunk_up()),
            Some(TrunkState::Down) => ("busy", t.trunk_down()),
            Some(TrunkState::Unknown) | None => ("unknown", t.trunk_unknown()),
        })
    };
    let learnt = move || {
        trunk.with(|trunk| {
            trunk
                .as_ref()
                .map_or_else(Vec::new, |trunk| trunk.learnt.clone())
        })
    };
    let calibrates = Memo::new(move |_| {
        trunk.with(|trunk| {
            trunk
                .as_ref()
                .is_some_and(|trunk| trunk.calibration.is_some())
        })
    });
    let calibration =
        move || trunk.with(|trunk| trunk.as_ref().and_then(|trunk| trunk.calibration.clone()));
    view! {
        <article class="trunk">
            <header class="bhead">
                <h3>{name}</h3>
                <span class="chip">{move || shape(state().0)}{move || state().1}</span>
                <span class="grow"></span>
                <Show when=move || !calibrates.get()>
                    <Show when=move || !learnt().is_empty()>
                        <button class="btn ghost plain" on:click=act("DELETE", "learnt", Some(t.forgotten()))>{t.forget()}</button>
                    </Show>
                    <button class="btn" data-act="calibrate" on:click=act("POST", "calibration", None)>
                        {move || if learnt().is_empty() { t.learn() } else { t.learn_anew() }}
                    </button>
                </Show>
            </header>
            {move || {
                let learnt = learnt();
                if learnt.is_empty() {
                    view! { <p class="quiet">{t.learnt_nothing()}</p> }.into_any()
                } else {
                    let at = learnt.first().map_or(0, |print| print.learnt_at.0);
                    view! {
                        <p class="note ok">{small("check")}<span>{t.learnt_at(&day_and_time(t, at))}</span></p>
                        <Answers prints=learnt/>
                    }.into_any()
                }
            }}
            <Show when=move || calibrates.get()>
                <Wizard id calibration/>
            </Show>
        </article>
    }
}

/// What the operator says, as a table.
#[component]
fn Answers(prints: Vec<Fingerprint>) -> impl IntoView {
    let t = texts();
    view! {
        <div class="tablewrap">
            <table>
                <thead>
                    <tr>
                        <th scope="col">{t.col_phone_is()}</th>
                        <th scope="col">{t.col_answer()}</th>
                        <th scope="col">{t.col_before()}</th>
                        <th scope="col">{t.col_after()}</th>
                    </tr>
                </thead>
                <tbody>
                    {prints.into_iter().map(|print| view! {
                        <tr>
                            <td><b>{of_outcome(t, print.outcome)}</b></td>
                            <td class="num">{answer(t, &print)}</td>
                            <td>{before(t, &print)}</td>
                            <td class="num">{after(t, &print)}</td>
                        </tr>
                    }).collect_view()}
                </tbody>
            </table>
        </div>
    }
}

fn of_outcome(t: Texts, outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Offline => t.phone_off(),
        Outcome::Busy => t.phone_busy(),
        Outcome::NoAnswer => t.phone_unanswered(),
        Outcome::Answered
        | Outcome::Declined
        | Outcome::NotConfirmed
        | Outcome::Dropped
        | Outcome::Invalid
        | Outcome::Network
        | Outcome::Unknown => t.phone_other(),
    }
}

fn answer(t: Texts, print: &Fingerprint) -> String {
    if print.code.is_none() {
        return t.answer_none().to_owned();
    }
    causes::said(t, print.code, print.cause.map(u16::from))
}

fn before(t: Texts, print: &Fingerprint) -> &'static str {
    match (print.rang, print.early_media) {
        (true, true) => t.before_both(),
        (true, false) => t.before_rang(),
        (false, true) => t.before_sound(),
        (false, false) => t.before_nothing(),
    }
}

fn after(t: Texts, print: &Fingerprint) -> String {
    print
        .after_ms
        .map_or_else(String::new, |after| span(t, after.0.max(1_000)))
}

/// The three steps, what came of each, and what can be done with it.
#[component]
fn Wizard(
    id: TrunkId,
    calibration: impl Fn() -> Option<Calibration> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    let acts = shared().acts;
    // One phone is as good as another: the number is typed once.
    let number = RwSignal::new(String::new());
    let steps = move || calibration().map_or_else(Vec::new, |all| all.steps);
    let done = move || {
        let learnt = |step: &&CalibrationStep| matches!(step.status, StepStatus::Learnt { .. });
        steps().iter().filter(learnt).count()
    };
    let calling = move || {
        let calling = |step: &CalibrationStep| matches!(step.status, StepStatus::Calling { .. });
        steps().iter().any(calling)
    };
    let alike = move || calibration().and_then(|all| all.alike);
    let ready = move || calibration().is_some_and(|all| all.ready) && !calling();
    let act = move |method: &'static str, what: &'static str, done: Option<&'static str>| {
        move |_| {
            let path = format!("trunks/{id}/{what}");
            let body = None;
            acts.send(Call { method, path, body }, done.map(str::to_owned));
        }
    };
    view! {
        <div class="wizard">
            <p>{t.wizard_intro()}</p>
            <p class="quiet num" role="status">{move || t.wizard_progress(&done())}</p>
            <ol>
                {[CalibrationCondition::Off, CalibrationCondition::Busy, CalibrationCondition::Unanswered]
                    .into_iter()
                    .map(|condition| {
                        let status = Memo::new(move |_| {
                            steps().into_iter().find(|step| step.condition == condition).map(|step| step.status)
                        });
                        view! { <OneStep id condition status number calling/> }
                    })
                    .collect_view()}
            </ol>
            {move || alike().map(|alike| view! {
                <p class="note bad" role="alert">
                    {small("warn")}
                    <span>{t.wizard_alike(&of_condition(t, alike.one), &of_condition(t, alike.other))}</span>
                </p>
            })}
            <footer class="wfoot">
                <button class="btn primary" data-act="use" disabled=move || !ready() on:click=act("POST", "calibration/use", Some(t.wizard_used()))>{t.wizard_use()}</button>
                <button class="btn" on:click=act("DELETE", "calibration", None)>{t.wizard_drop()}</button>
            </footer>
        </div>
    }
}

fn of_condition(t: Texts, condition: CalibrationCondition) -> &'static str {
    match condition {
        CalibrationCondition::Off => t.phone_off(),
        CalibrationCondition::Busy => t.phone_busy(),
        CalibrationCondition::Unanswered => t.phone_unanswered(),
    }
}

#[component]
fn OneStep(
    id: TrunkId,
    condition: CalibrationCondition,
    status: Memo<Option<StepStatus>>,
    number: RwSignal<String>,
    calling: impl Fn() -> bool + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    let clock = shared().clock;
    let (symbol, title, hint) = match condition {
        CalibrationCondition::Off => ("offline", t.step_off(), t.step_off_hint()),
        CalibrationCondition::Busy => ("busy", t.step_busy(), t.step_busy_hint()),
        CalibrationCondition::Unanswered => {
            ("ringing", t.step_unanswered(), t.step_unanswered_hint())
        }
    };
    let acts = shared().acts;
    let call = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let body = write(&TestCall {
            condition,
            number: number.get_untracked().trim().to_owned(),
        });
        let path = format!("trunks/{id}/calibration/calls");
        let request = Call {
            method: "POST",
            path,
            body: Some(body),
        };
        acts.send(request, None);
    };
    let is_open = move || status.with(|status| matches!(status, Some(StepStatus::Open) | None));
    view! {
        <li>
            {shape(symbol)}
            <div>
                <h4>{title}</h4>
                <p class="quiet">{hint}</p>
                <form class="wcall" on:submit=call>
                    <span class="field">
                        <input
                            type="tel"
                            required
                            aria-label=t.wizard_number()
                            placeholder=t.wizard_number()
                            prop:value=number
                            on:input=move |event| number.set(event_target_value(&event))
                        />
                    </span>
                    <button class="btn" disabled=calling>
                        {small("phone")}
                        {move || if is_open() { t.wizard_call() } else { t.wizard_call_again() }}
                    </button>
                </form>
                {move || match status.get() {
                    Some(StepStatus::Calling { since_at, .. }) => view! {
                        <p class="note" role="status">
                            {small("phone")}
                            <span class="num">{move || t.step_calling(&span(t, (clock.now() - since_at).max(0)))}</span>
                        </p>
                    }.into_any(),
                    Some(StepStatus::Learnt { number, answer: print }) => view! {
                        <p class="note ok" role="status">
                            {small("check")}
                            <span>{t.step_learnt(&number, &answer(t, &print), &before(t, &print), &after_or_limit(t, &print))}</span>
                        </p>
                    }.into_any(),
                    Some(StepStatus::Failed { why, .. }) => view! {
                        <p class="note bad" role="alert">{small("warn")}<span>{useless(t, why)}</span></p>
                    }.into_any(),
                    Some(StepStatus::Open) | None => ().into_any(),
                }}
            </div>
        </li>
    }
}

fn after_or_limit(t: Texts, print: &Fingerprint) -> String {
    let after = after(t, print);
    if after.is_empty() {
        t.after_we_gave_up().to_owned()
    } else {
        t.after_span(&after)
    }
}

fn useless(t: Texts, why: Useless) -> &'static str {
    match why {
        Useless::Answered => t.useless_answered(),
        Useless::TrunkSilent => t.useless_silent(),
        Useless::TrunkRefused => t.useless_refused(),
        Useless::NoCodec => t.useless_codec(),
        Useless::Interrupted => t.useless_interrupted(),
    }
}
