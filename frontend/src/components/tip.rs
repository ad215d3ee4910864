//! The one tooltip: whatever is pointed at or focused says more there.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

/// What a tooltip says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// The winning line.
    pub head: String,
    /// Time and sentence, newest first.
    pub lines: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq)]
struct Shown {
    said: Said,
    /// Where it points: left, top and bottom of what it belongs to, CSS pixels of the window.
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

/// Shows and hides the tooltip from anywhere.
#[derive(Clone, Copy)]
pub struct Tips(RwSignal<Option<Shown>>);

impl Default for Tips {
    fn default() -> Self {
        Self(RwSignal::new(None))
    }
}

impl Tips {
    /// Next to the element that heard this event.
    pub fn show(self, event: &web_sys::Event, said: Said) {
        let Some(element) = event
            .current_target()
            .and_then(|target| target.dyn_into::<Element>().ok())
        else {
            return;
        };
        let place = element.get_bounding_client_rect();
        self.0.set(Some(Shown {
            said,
            left: place.left(),
            right: place.right(),
            top: place.top(),
            bottom: place.bottom(),
        }));
    }

    pub fn hide(self) {
        if self.0.with_untracked(Option::is_some) {
            self.0.set(None);
        }
    }
}

const WIDTH: f64 = 328.0;
const GAP: f64 = 8.0;

#[component]
pub fn Tip() -> impl IntoView {
    let Tips(shown) = expect_context();
    move || {
        shown.get().map(|shown| {
            let (width, height) = window_size();
            let left = if shown.right + GAP + WIDTH < width {
                shown.right + GAP
            } else {
                (shown.left - GAP - WIDTH).max(GAP)
            };
            // Below the middle of the window it grows upwards, so that it never leaves it.
            let upwards = shown.top > height / 2.0;
            let bottom = if upwards { format!("{}px", height - shown.bottom) } else { "auto".to_owned() };
            let top = if upwards { "auto".to_owned() } else { format!("{}px", shown.top) };
            view! {
                <div
                    class="tip evid"
                    role="tooltip"
                    style:left=format!("{left}px")
                    style:top=top
                    style:bottom=bottom
                >
                    <strong>{shown.said.head}</strong>
                    {shown.said.lines.into_iter().map(|(time, sentence)| view! {
                        <span class="tl"><span class="num">{time}</span><span>{sentence}</span></span>
                    }).collect_view()}
                </div>
            }
        })
    }
}

/// Width and height of the window, CSS pixels.
pub fn window_size() -> (f64, f64) {
    let side = |value: Result<wasm_bindgen::JsValue, _>| value.ok().and_then(|v| v.as_f64());
    web_sys::window().map_or((0.0, 0.0), |window| {
        (
            side(window.inner_width()).unwrap_or(0.0),
            side(window.inner_height()).unwrap_or(0.0),
        )
    })
}
