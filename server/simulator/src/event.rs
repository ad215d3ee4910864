//! What the lines live through, one JSON object a line on standard output.
//!
//! ```json
//! {"at_ms":5120,"line":"Katya Melnik","event":"invited","call_id":"0bec…","from":"9000"}
//! {"at_ms":8131,"line":"Katya Melnik","event":"answered","call_id":"0bec…","codec":"G722"}
//! {"at_ms":9000,"line":"Katya Melnik","event":"heard","call_id":"0bec…","dbov":-21.3,"tones":[440]}
//! ```
//!
//! Tests wait for these instead of for time to pass.

use std::{io::Write, sync::Mutex};

use serde::Serialize;

use crate::ear::Heard;

#[derive(Debug, Serialize)]
pub struct Event<'a> {
    /// Since the simulator started.
    pub at_ms: u64,
    /// The line's name in the script; absent where it concerns all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<&'a str>,
    #[serde(flatten)]
    pub what: What<'a>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What<'a> {
    /// All lines are at their places.
    Ready {
        lines: usize,
    },
    /// Scripts count from now: the first call came.
    Curtain,
    /// All has been quiet: scripts begin anew.
    Again,
    Registered,
    Unregistered,
    RegistrationFailed {
        text: &'a str,
    },
    /// An INVITE with a Call-ID not seen before.
    Invited {
        call_id: &'a str,
        from: &'a str,
    },
    Ringing {
        call_id: &'a str,
    },
    Rejected {
        call_id: &'a str,
        status: u16,
    },
    /// The line calls by itself.
    Calling {
        call_id: &'a str,
        to: &'a str,
    },
    Answered {
        call_id: &'a str,
        codec: &'a str,
    },
    Pressed {
        call_id: &'a str,
        key: char,
    },
    Heard {
        call_id: &'a str,
        #[serde(flatten)]
        heard: &'a Heard,
    },
    /// The call is over; `by` is `us`, `peer` or `network`.
    Released {
        call_id: &'a str,
        by: &'a str,
    },
}

/// Where events are written to.
pub type Sink = Box<dyn Write + Send>;

/// Writes events, or keeps silent.
pub struct Reporter {
    sink: Option<Mutex<Sink>>,
}

impl Reporter {
    pub fn new(sink: Option<Sink>) -> Self {
        Self {
            sink: sink.map(Mutex::new),
        }
    }

    pub fn report(&self, event: &Event<'_>) {
        let Some(sink) = &self.sink else {
            return;
        };
        let Ok(mut sink) = sink.lock() else {
            return;
        };
        let written = serde_json::to_string(event)
            .map_err(std::io::Error::from)
            .and_then(|line| writeln!(sink, "{line}"))
            .and_then(|()| sink.flush());
        if let Err(error) = written {
            // Whoever was reading has gone; the phones play on.
            tracing::debug!(%error, "Event not written");
        }
    }
}
