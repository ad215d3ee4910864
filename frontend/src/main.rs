//! The board of Rollcall: who is in, who is not, why not, and when the next try comes.
//!
//! `live` is what the board knows and how it is said, plain Rust with tests; `feed` and `client`
//! speak with the server; `drag` and `acts` turn hands into requests; `pages` and `components`
//! draw. A card changes when the server's event comes, never when it is clicked.

mod acts;
mod app;
mod client;
mod clock;
mod components;
mod drag;
mod feed;
mod format;
mod headset;
mod live;
mod pages;
mod prefs;
mod texts;

fn main() {
    leptos::mount::mount_to_body(app::App);
}
