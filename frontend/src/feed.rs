//! The line to the server: snapshot and events in, wake-ups for whoever reads what changed.
//!
//! When the line breaks the board keeps what it knows, says since when it is alone, and comes
//! back by itself, asking for what it missed.

use std::{collections::BTreeMap, time::Duration};

use api::ServerMessage;
use leptos::{
    leptos_dom::helpers::TimeoutHandle, prelude::*, reactive::signal::ArcTrigger, task::spawn_local,
};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use crate::{
    client,
    clock::{Clock, browser_now},
    live::{Live, Topic},
};

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Before the first snapshot.
    Opening,
    Up,
    /// Broken since then, by the browser's clock.
    Down(i64),
    /// The session is over: sign in again.
    SignedOut,
}

/// The server speaks every 15 s; after three times that the line is dead, whatever TCP thinks.
const SILENCE: Duration = Duration::from_secs(45);
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(8);

#[derive(Clone, Copy)]
pub struct Feed {
    live: StoredValue<Live>,
    topics: StoredValue<BTreeMap<Topic, ArcTrigger>>,
    link: RwSignal<Link>,
    clock: Clock,
    socket: StoredValue<Option<Socket>, LocalStorage>,
    wait: StoredValue<Duration>,
    watchdog: StoredValue<Option<TimeoutHandle>>,
}

/// The open socket and what it calls back; dropped together.
struct Socket {
    socket: WebSocket,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}

impl Feed {
    pub fn new(clock: Clock) -> Self {
        Self {
            live: StoredValue::new(Live::default()),
            topics: StoredValue::new(BTreeMap::new()),
            link: RwSignal::new(Link::Opening),
            clock,
            socket: StoredValue::new_local(None),
            wait: StoredValue::new(FIRST_WAIT),
            watchdog: StoredValue::new(None),
        }
    }

    /// Reads the model, and has the reader woken when one of these topics changes.
    pub fn read<R>(self, topics: &[Topic], with: impl FnOnce(&Live) -> R) -> R {
        for topic in topics.iter().chain(&[Topic::All]) {
            self.trigger(*topic).track();
        }
        self.live.with_value(with)
    }

    /// Reads the model once.
    pub fn peek<R>(self, with: impl FnOnce(&Live) -> R) -> R {
        self.live.with_value(with)
    }

    pub fn link(self) -> Link {
        self.link.get()
    }

    /// Whether the server is there to be asked for something.
    pub fn is_up(self) -> bool {
        self.link.get() == Link::Up
    }

    pub fn open(self) {
        self.link.set(Link::Opening);
        self.live.set_value(Live::default());
        self.connect();
    }

    pub fn close(self) {
        self.socket.set_value(None);
        self.stop_watching();
        self.live.set_value(Live::default());
    }

    fn trigger(self, topic: Topic) -> ArcTrigger {
        self.topics
            .try_update_value(|topics| topics.entry(topic).or_insert_with(ArcTrigger::new).clone())
            .unwrap_or_else(ArcTrigger::new)
    }

    fn connect(self) {
        let Some(location) = web_sys::window().map(|window| window.location()) else {
            return;
        };
        let scheme = if location.protocol().is_ok_and(|scheme| scheme == "https:") {
            "wss"
        } else {
            "ws"
        };
        let host = location.host().unwrap_or_default();
        let after = self.live.with_value(|live| live.seq);
        let after = after.map(|seq| format!("?after={seq}")).unwrap_or_default();
        let Ok(socket) = WebSocket::new(&format!("{scheme}://{host}/api/v1/events{after}")) else {
            return self.lost();
        };
        let message = Closure::new(move |event: MessageEvent| self.heard(&event));
        let close = Closure::new(move |_: CloseEvent| self.lost());
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        self.watch();
        self.socket.set_value(Some(Socket {
            socket,
            _message: message,
            _close: close,
        }));
    }

    fn heard(self, event: &MessageEvent) {
        let Some(message) = event
            .data()
            .as_string()
            .and_then(|text| serde_json::from_str::<ServerMessage>(&text).ok())
        else {
            return; // from a newer server: what we do not know we do not draw
        };
        self.watch();
        match &message {
            ServerMessage::Snapshot(snapshot) => self.came_up(snapshot.now),
            ServerMessage::Resumed { now, .. } => self.came_up(*now),
            ServerMessage::Ping { now } => self.clock.set_server_time(*now),
            ServerMessage::SignedOut => self.link.set(Link::SignedOut),
            ServerMessage::Event(_)
            | ServerMessage::Levels { .. }
            | ServerMessage::TooSlow { .. } => {}
        }
        let touched = self
            .live
            .try_update_value(|live| live.apply(message))
            .unwrap_or_default();
        for topic in touched {
            self.trigger(topic).notify();
        }
    }

    fn came_up(self, server_now: i64) {
        self.clock.set_server_time(server_now);
        self.wait.set_value(FIRST_WAIT);
        self.link.set(Link::Up);
    }

    fn lost(self) {
        self.stop_watching();
        match self.link.get_untracked() {
            Link::SignedOut => return,
            Link::Down(_) => {}
            Link::Opening | Link::Up => self.link.set(Link::Down(browser_now())),
        }
        let wait = self.wait.get_value();
        self.wait.set_value((wait * 2).min(LONGEST_WAIT));
        set_timeout(move || self.come_back(), wait);
    }

    /// Asks first who we are: a socket does not say that it was refused because we are signed out.
    fn come_back(self) {
        self.socket.set_value(None);
        spawn_local(async move {
            match client::get::<api::Me>("me").await {
                Ok(_) => self.connect(),
                Err(failure) if failure.signed_out() => self.link.set(Link::SignedOut),
                Err(_) => self.lost(),
            }
        });
    }

    fn watch(self) {
        self.stop_watching();
        let silent = move || {
            self.socket.set_value(None);
            self.lost();
        };
        self.watchdog
            .set_value(set_timeout_with_handle(silent, SILENCE).ok());
    }

    fn stop_watching(self) {
        if let Some(timer) = self.watchdog.get_value() {
            timer.clear();
        }
        self.watchdog.set_value(None);
    }
}
