//! Drawings: icons, the shapes of the line states, the mark. All are symbols in `index.html`.

use api::{DeviceKind, LineState, LineView, Role};
use leptos::prelude::*;

/// 20 px.
pub fn icon(name: &str) -> impl IntoView + use<> {
    let href = format!("#{name}");
    view! { <svg class="i" aria-hidden="true"><use href=href></use></svg> }
}

/// 16 px.
pub fn small(name: &str) -> impl IntoView + use<> {
    let href = format!("#{name}");
    view! { <svg class="i s" aria-hidden="true"><use href=href></use></svg> }
}

/// A line state: its shape says it without the colour.
pub fn shape(name: &str) -> impl IntoView + use<> {
    let (class, href) = (format!("st st-{name}"), format!("#st-{name}"));
    view! { <svg class=class aria-hidden="true"><use href=href></use></svg> }
}

/// The name of the shape that a line has. Do not disturb lies over the rest.
pub fn shape_of(line: &LineView) -> &'static str {
    if line.dnd {
        "dnd"
    } else {
        shape_of_state(line.state)
    }
}

pub fn shape_of_state(state: LineState) -> &'static str {
    match state {
        LineState::Free => "free",
        LineState::Ringing => "ringing",
        LineState::Busy => "busy",
        LineState::Offline => "offline",
        LineState::Unknown => "unknown",
    }
}

pub fn device_icon(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::SipPhone => "desk",
        DeviceKind::IpSim => "sim",
        DeviceKind::Outside => "city",
        DeviceKind::Browser => "web",
    }
}

pub fn role_icon(role: Role) -> &'static str {
    match role {
        Role::Moderator => "mod",
        Role::Speaker => "mic",
        Role::Listener => "ear",
    }
}

/// Three strokes and a tick: the mark.
pub fn mark() -> impl IntoView {
    view! {
        <svg
            viewBox="0 0 28 28"
            aria-hidden="true"
            fill="none"
            stroke="currentColor"
            stroke-width="2.6"
            stroke-linecap="round"
        >
            <path d="M5 6v16M11 6v16M17 6v16"></path>
            <path class="tick" d="m20 15 2.6 2.8 3.6-7.6"></path>
        </svg>
    }
}
