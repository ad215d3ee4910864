//! What is shown of a resource, and the documents that say so.

use super::{
    Package,
    dialog_info::{self, CallState, ShownCall},
    pidf::Presence,
    reg_info::{self, Registered},
};

/// A resource as its watchers are to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its address, as documents name it.
    pub entity: String,
    /// Whether it is to be reached. `Never` is not known.
    pub registered: Registered,
    pub calls: Vec<ShownCall>,
    /// Its owner does not want to be disturbed: lies over the rest.
    pub dnd: bool,
    /// How that is said in words.
    pub dnd_note: String,
}

/// The id of the call that stands for a wish for quiet.
const QUIET: &str = "do-not-disturb";

impl Shown {
    /// What is shown of something nothing is known of.
    pub fn unknown(entity: String) -> Self {
        Shown {
            entity,
            registered: Registered::Never,
            calls: Vec::new(),
            dnd: false,
            dnd_note: String::new(),
        }
    }

    /// The document of a package. `before` are the calls that were shown last, where
    /// only what has changed since is to be told.
    pub(super) fn document(
        &self,
        package: Package,
        version: u32,
        before: Option<&[ShownCall]>,
    ) -> String {
        match package {
            Package::Reg => reg_info::write(&self.entity, version, &self.registered),
            Package::Presence => self.presence().write(&self.entity),
            Package::Dialog => {
                let calls = self.lamp();
                let changes = before.map(|before| changes(before, &calls));
                let unreachable =
                    calls.is_empty() && matches!(self.registered, Registered::Terminated { .. });
                dialog_info::write(
                    &self.entity,
                    version,
                    changes.is_none(),
                    changes.as_deref().unwrap_or(&calls),
                    unreachable.then_some(480),
                )
            }
        }
    }

    /// The calls as a lamp shows them: a phone that is to be left alone is lit, as a
    /// call that nobody talks in.
    pub(super) fn lamp(&self) -> Vec<ShownCall> {
        let mut calls = self.calls.clone();
        if self.dnd && calls.is_empty() {
            calls.push(ShownCall {
                id: QUIET.to_owned(),
                state: CallState::Confirmed,
                incoming: true,
                held: true,
            });
        }
        calls
    }

    fn presence(&self) -> Presence {
        let talks = |call: &ShownCall| call.state == CallState::Confirmed;
        let open = match self.registered {
            Registered::Active { .. } => Some(true),
            Registered::Terminated { .. } => Some(false),
            // Somebody who talks is there, wherever he is registered.
            Registered::Never if !self.calls.is_empty() => Some(true),
            Registered::Never => None,
        };
        Presence {
            open,
            on_the_phone: self.calls.iter().any(talks),
            dnd: self.dnd,
            note: (self.dnd && !self.dnd_note.is_empty()).then(|| self.dnd_note.clone()),
        }
    }
}

/// What a partial document says: what is new or different, and what is over.
fn changes(before: &[ShownCall], now: &[ShownCall]) -> Vec<ShownCall> {
    let new = now.iter().filter(|call| !before.contains(call)).cloned();
    let over = before
        .iter()
        .filter(|old| now.iter().all(|call| call.id != old.id))
        .map(|old| ShownCall {
            state: CallState::Terminated,
            ..old.clone()
        });
    new.chain(over).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(registered: Registered) -> Shown {
        Shown {
            registered,
            dnd_note: "Do not disturb".to_owned(),
            ..Shown::unknown("sip:207@northway.example".to_owned())
        }
    }

    fn call(id: &str, state: CallState) -> ShownCall {
        ShownCall {
            id: id.to_owned(),
            state,
            incoming: true,
            held: false,
        }
    }

    #[test]
    fn offline_is_not_idle() {
        let idle = shown(Registered::Active { expires_s: None });
        let away = shown(Registered::Terminated {
            retry_after_s: None,
        });

        assert_eq!(idle.presence().open, Some(true));
        assert_eq!(away.presence().open, Some(false));
        assert_eq!(shown(Registered::Never).presence().open, None);
        let lamp = |shown: &Shown| shown.document(Package::Dialog, 0, None);
        assert!(!lamp(&idle).contains("terminated"));
        assert!(lamp(&away).contains("code=\"480\">terminated"));
    }

    #[test]
    fn quiet_lies_over_the_state() {
        let mut quiet = shown(Registered::Active { expires_s: None });
        quiet.dnd = true;
        assert_eq!(quiet.lamp().len(), 1);
        assert!(quiet.presence().dnd);

        quiet.calls = vec![call("1", CallState::Early)];
        assert_eq!(quiet.lamp(), quiet.calls);
    }

    #[test]
    fn a_partial_document_tells_what_changed() {
        let before = [call("a", CallState::Early), call("b", CallState::Confirmed)];
        let mut now = shown(Registered::Never);
        now.calls = vec![call("a", CallState::Confirmed)];

        let told = now.document(Package::Dialog, 4, Some(&before));

        assert!(told.contains("version=\"4\" state=\"partial\""), "{told}");
        assert!(told.contains("id=\"a\" direction=\"recipient\"><state>confirmed"));
        assert!(told.contains("id=\"b\" direction=\"recipient\"><state>terminated"));
    }
}
