//! The roll as it is drawn: strokes, and the same in words.

use leptos::prelude::*;

use crate::{
    app::texts,
    live::roll::{Roll, Stroke},
    texts::Texts,
};

/// Width of one stroke with its gap, in the drawing's own units.
const STEP: usize = 10;

#[component]
pub fn RollStrokes(#[prop(into)] roll: Signal<Roll>) -> impl IntoView {
    let t = texts();
    move || {
        let roll = roll.get();
        let strokes = roll.strokes();
        let width = (strokes.len() * STEP).max(STEP);
        let label = t.roll_label(&roll.here, &roll.ringing, &roll.waiting, &roll.not);
        view! {
            <svg class="roll" viewBox=format!("0 0 {width} 20") width=width height="20" role="img" aria-label=label>
                {strokes.into_iter().enumerate().map(|(index, stroke)| draw(index * STEP, stroke)).collect_view()}
            </svg>
        }
    }
}

fn draw(left: usize, stroke: Stroke) -> AnyView {
    let bar = |class: &'static str, y: &'static str, height: &'static str| {
        let x = (left + 2).to_string() + ".5";
        view! { <rect class=class x=x y=y width="5" height=height rx="2"></rect> }.into_any()
    };
    match stroke {
        Stroke::Here => bar("t-in", "2", "16"),
        Stroke::Ringing => bar("t-ri", "6", "12"),
        Stroke::Waiting => bar("t-wa", "2", "16"),
        Stroke::Not => {
            let path = format!("M{} 4l6 12M{} 4l-6 12", left + 2, left + 8);
            view! { <path class="t-no" d=path></path> }.into_any()
        }
    }
}

/// "13 expected: **7 here,** 1 ringing, 4 to be called, 1 not called again". Nothing is told that
/// is not so.
pub fn sentence(t: Texts, roll: Roll) -> impl IntoView {
    let rest: Vec<String> = [
        (roll.ringing, t.roll_ringing(roll.ringing)),
        (roll.waiting, t.roll_waiting(roll.waiting)),
        (roll.not, t.roll_not(roll.not)),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(_, text)| text)
    .collect();
    let here = t.roll_here(roll.here);
    let here = if rest.is_empty() {
        here
    } else {
        format!("{here},")
    };
    view! {
        <p class="rsay">
            {t.roll_expected(roll.expected())} " " <b>{here}</b> " " {rest.join(", ")}
        </p>
        <p class="rshort"><b>{roll.here}</b> {rest_of(t, roll)}</p>
    }
}

/// "7 of 13 here", where there is no room for more; the figure is bold.
fn rest_of(t: Texts, roll: Roll) -> String {
    let whole = t.roll_of(&roll.here, &roll.expected());
    whole
        .strip_prefix(&roll.here.to_string())
        .map_or(whole.clone(), str::to_owned)
}
