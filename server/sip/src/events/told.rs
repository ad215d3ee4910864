//! What a notifier has told us: the newest documents, put together.

use super::{
    Garbage, Package, dialog_info,
    dialog_info::{CallState, Calls},
    pidf::Presence,
    reg_info,
    reg_info::{RegInfo, Registered},
};

/// What all notifiers of a subscription say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Reg(Registered),
    /// The call that is furthest; none when there is none.
    Dialog(Option<CallState>),
    Presence(Presence),
}

/// What one notifier has said.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// Of the last document taken.
    version: Option<u32>,
    reg: RegInfo,
    calls: Calls,
    presence: Presence,
}

/// What came of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Yes,
    /// It came before one that is already known.
    Late,
    /// One before it is missing: everything must be asked anew.
    Gap,
}

impl Heard {
    pub fn take(&mut self, package: Package, body: &[u8]) -> Result<Taken, Garbage> {
        match package {
            Package::Reg => {
                let document = reg_info::Document::read(body)?;
                let taken = self.judge(document.version, document.full);
                if taken == Taken::Yes {
                    self.reg.take(document);
                }
                Ok(taken)
            }
            Package::Dialog => {
                let document = dialog_info::Document::read(body)?;
                let taken = self.judge(document.version, document.full);
                if taken == Taken::Yes {
                    self.calls.take(document);
                }
                Ok(taken)
            }
            Package::Presence => {
                self.presence = Presence::read(body)?;
                Ok(Taken::Yes)
            }
        }
    }

    /// RFC 3680 §5.1, RFC 4235 §4.3: versions grow by one; a full document may skip some.
    fn judge(&mut self, version: u32, full: bool) -> Taken {
        let taken = match self.version {
            None if full => Taken::Yes,
            None => Taken::Gap,
            Some(last) if version <= last => Taken::Late,
            Some(_) if full => Taken::Yes,
            Some(last) if version == last.wrapping_add(1) => Taken::Yes,
            Some(_) => Taken::Gap,
        };
        match taken {
            Taken::Yes => self.version = Some(version),
            Taken::Late => {}
            // Whatever comes next must be full, with whatever number.
            Taken::Gap => self.version = None,
        }
        taken
    }

    /// The word of several notifiers, the newest last.
    pub fn together<'a>(package: Package, all: impl Iterator<Item = &'a Heard>) -> Told {
        match package {
            Package::Reg => {
                let mut joined = RegInfo::default();
                all.enumerate()
                    .for_each(|(nth, heard)| joined.join(nth, &heard.reg));
                Told::Reg(joined.registered())
            }
            Package::Dialog => {
                let mut joined = Calls::default();
                all.enumerate()
                    .for_each(|(nth, heard)| joined.join(nth, &heard.calls));
                Told::Dialog(joined.furthest())
            }
            Package::Presence => {
                let mut joined = Presence::default();
                for Heard { presence, .. } in all {
                    joined.open = match (joined.open, presence.open) {
                        (Some(one), Some(other)) => Some(one || other),
                        (one, other) => one.or(other),
                    };
                    joined.on_the_phone |= presence.on_the_phone;
                    joined.dnd |= presence.dnd;
                    joined.note = joined.note.or_else(|| presence.note.clone());
                }
                Told::Presence(joined)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialogs(version: u32, state: &str, calls: &str) -> Vec<u8> {
        format!("<dialog-info version='{version}' state='{state}' entity='x'>{calls}</dialog-info>")
            .into_bytes()
    }

    const BUSY: &str = "<dialog id='1'><state>confirmed</state></dialog>";

    #[test]
    fn a_gap_in_the_versions_asks_for_everything() {
        let mut heard = Heard::default();
        let mut take =
            |version, state, calls| heard.take(Package::Dialog, &dialogs(version, state, calls));

        assert_eq!(take(0, "partial", BUSY), Ok(Taken::Gap));
        assert_eq!(take(1, "full", BUSY), Ok(Taken::Yes));
        assert_eq!(take(1, "full", ""), Ok(Taken::Late));
        assert_eq!(take(3, "partial", ""), Ok(Taken::Gap));
        assert_eq!(take(4, "partial", ""), Ok(Taken::Gap));
        assert_eq!(take(2, "full", BUSY), Ok(Taken::Yes));
        let told = Heard::together(Package::Dialog, [&heard].into_iter());
        assert_eq!(told, Told::Dialog(Some(CallState::Confirmed)));
    }

    #[test]
    fn what_one_of_two_notifiers_says_is_not_lost() {
        let (mut talks, mut idle) = (Heard::default(), Heard::default());
        talks
            .take(Package::Dialog, &dialogs(0, "full", BUSY))
            .unwrap();
        idle.take(Package::Dialog, &dialogs(0, "full", "")).unwrap();

        let told = Heard::together(Package::Dialog, [&talks, &idle].into_iter());
        assert_eq!(told, Told::Dialog(Some(CallState::Confirmed)));
    }
}
