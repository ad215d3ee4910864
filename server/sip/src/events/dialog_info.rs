//! Dialog information (RFC 4235): the calls of a line, as whoever serves it says.

use std::collections::BTreeMap;

use super::xml::{self, Garbage};

/// How far a call is (RFC 4235 §3.7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallState {
    Trying,
    Proceeding,
    Early,
    Confirmed,
    Terminated,
}

impl CallState {
    pub fn name(self) -> &'static str {
        match self {
            CallState::Trying => "trying",
            CallState::Proceeding => "proceeding",
            CallState::Early => "early",
            CallState::Confirmed => "confirmed",
            CallState::Terminated => "terminated",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [
            CallState::Trying,
            CallState::Proceeding,
            CallState::Early,
            CallState::Confirmed,
            CallState::Terminated,
        ]
        .into_iter()
        .find(|state| state.name() == text.trim())
    }
}

/// One call of a line, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShownCall {
    /// Tells the calls of the line apart, and stays with one as long as it lasts.
    pub id: String,
    pub state: CallState,
    /// The line was called, rather than calls.
    pub incoming: bool,
    /// The call is there, but nobody talks: on hold, or no call at all but a wish for quiet.
    pub held: bool,
}

/// The calls that go on, over all documents so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calls(BTreeMap<String, CallState>);

/// One document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub version: u32,
    pub full: bool,
    calls: Vec<(String, CallState)>,
}

impl Document {
    pub fn read(body: &[u8]) -> Result<Self, Garbage> {
        xml::read(body, "dialog-info", |root| {
            let (version, full) = xml::version(root)?;
            let mut calls = Vec::new();
            for dialog in xml::children(root, "dialog") {
                let id = dialog
                    .attribute("id")
                    .ok_or(Garbage::Missing("dialog id"))?;
                let state = xml::text_of(dialog, "state")
                    .and_then(CallState::parse)
                    .ok_or(Garbage::Missing("dialog state"))?;
                calls.push((id.to_owned(), state));
            }
            Ok(Document {
                version,
                full,
                calls,
            })
        })
    }
}

impl Calls {
    pub fn take(&mut self, document: Document) {
        if document.full {
            self.0.clear();
        }
        for (id, state) in document.calls {
            match state {
                CallState::Terminated => self.0.remove(&id),
                CallState::Trying
                | CallState::Proceeding
                | CallState::Early
                | CallState::Confirmed => self.0.insert(id, state),
            };
        }
    }

    /// Several servers' word of one line.
    pub fn join(&mut self, nth: usize, other: &Calls) {
        let calls = other.0.iter();
        self.0
            .extend(calls.map(|(id, state)| (format!("{nth} {id}"), *state)));
    }

    /// The call that is furthest: a line that talks and rings talks.
    pub fn furthest(&self) -> Option<CallState> {
        self.0.values().copied().max()
    }
}

/// A document of these calls. `error` is the reason (a SIP status) why there can be
/// none: the line is not reachable, which is not the same as idle.
pub fn write(
    entity: &str,
    version: u32,
    full: bool,
    calls: &[ShownCall],
    error: Option<u16>,
) -> String {
    let entity = xml::escaped(entity);
    let state = if full { "full" } else { "partial" };
    let mut body = String::new();
    for call in calls {
        let id = xml::escaped(&call.id);
        let direction = if call.incoming {
            "recipient"
        } else {
            "initiator"
        };
        let held = match call.held {
            true => format!(
                "<local><target uri=\"{entity}\"><param pname=\"+sip.rendering\" pval=\"no\"/></target></local>"
            ),
            false => String::new(),
        };
        body += &format!(
            "  <dialog id=\"{id}\" direction=\"{direction}\"><state>{}</state>{held}</dialog>\n",
            call.state.name()
        );
    }
    if let Some(code) = error {
        body += &format!(
            "  <dialog id=\"unreachable\"><state event=\"error\" code=\"{code}\">terminated</state></dialog>\n"
        );
    }
    format!(
        "<?xml version=\"1.0\"?>\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" \
         version=\"{version}\" state=\"{state}\" entity=\"{entity}\">\n{body}</dialog-info>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str, state: CallState) -> ShownCall {
        ShownCall {
            id: id.to_owned(),
            state,
            incoming: true,
            held: false,
        }
    }

    fn take(calls: &mut Calls, text: &str) {
        calls.take(Document::read(text.as_bytes()).unwrap());
    }

    #[test]
    fn the_furthest_call_counts_until_it_ends() {
        let mut calls = Calls::default();
        let full = [call("a", CallState::Early), call("b", CallState::Confirmed)];
        take(&mut calls, &write("sip:207@x", 0, true, &full, None));
        assert_eq!(calls.furthest(), Some(CallState::Confirmed));

        let ended = [call("b", CallState::Terminated)];
        take(&mut calls, &write("sip:207@x", 1, false, &ended, None));
        assert_eq!(calls.furthest(), Some(CallState::Early));

        take(&mut calls, &write("sip:207@x", 2, true, &[], Some(480)));
        assert_eq!(calls.furthest(), None);
    }

    /// The example of RFC 4235 §6.1, as a phone may write it with a prefix.
    #[test]
    fn anothers_prefix_does_not_matter() {
        let mut calls = Calls::default();
        take(
            &mut calls,
            r#"<d:dialog-info xmlns:d="urn:ietf:params:xml:ns:dialog-info" version="0" state="full"
                entity="sip:alice@example.com"><d:dialog id="as7d900as8" call-id="a84b4c76e66710"
                local-tag="1928301774" direction="initiator"><d:state>trying</d:state></d:dialog></d:dialog-info>"#,
        );
        assert_eq!(calls.furthest(), Some(CallState::Trying));
    }

    #[test]
    fn half_a_document_is_garbage() {
        for wrong in [
            r#"<dialog-info state="full" entity="x"/>"#,
            r#"<dialog-info version="1" entity="x"/>"#,
            r#"<dialog-info version="1" state="full"><dialog><state>early</state></dialog></dialog-info>"#,
            r#"<dialog-info version="1" state="full"><dialog id="1"><state>loud</state></dialog></dialog-info>"#,
            r#"<dialog-info version="1" state="full"><dialog id="1"/></dialog-info>"#,
        ] {
            assert!(Document::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
