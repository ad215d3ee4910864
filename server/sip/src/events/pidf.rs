//! Presence (RFC 3863) with what the person is doing (RFC 4480).

use super::xml::{self, Garbage};

/// What a presence document says of a line and its owner.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Presence {
    /// Open or closed; `None` where the document does not say.
    pub open: Option<bool>,
    pub on_the_phone: bool,
    /// The person does not want to be disturbed.
    pub dnd: bool,
    pub note: Option<String>,
}

/// Words by which phones say "do not disturb" in a note, for want of an element.
const QUIET_NOTES: [&str; 3] = ["do not disturb", "dnd", "не беспокоить"];

impl Presence {
    pub fn read(body: &[u8]) -> Result<Self, Garbage> {
        xml::read(body, "presence", |root| {
            let mut presence = Presence::default();
            for tuple in xml::children(root, "tuple") {
                let status = xml::children(tuple, "status")
                    .next()
                    .ok_or(Garbage::Missing("status"))?;
                let open = match xml::text_of(status, "basic") {
                    Some("open") => Some(true),
                    Some("closed") => Some(false),
                    Some(_) => return Err(Garbage::Missing("basic")),
                    None => None,
                };
                // One way that is open is enough.
                presence.open = match (presence.open, open) {
                    (Some(one), Some(other)) => Some(one || other),
                    (one, other) => one.or(other),
                };
            }
            for element in root.descendants().filter(roxmltree::Node::is_element) {
                match element.tag_name().name() {
                    "on-the-phone" => presence.on_the_phone = true,
                    "do-not-disturb" | "dnd" => presence.dnd = true,
                    "show" if element.text().is_some_and(|text| text.trim() == "dnd") => {
                        presence.dnd = true;
                    }
                    "note" => {
                        let text = element.text().unwrap_or_default().trim();
                        let quiet = QUIET_NOTES.contains(&text.to_lowercase().as_str());
                        presence.dnd |= quiet;
                        if presence.note.is_none() && !text.is_empty() {
                            presence.note = Some(text.chars().take(200).collect());
                        }
                    }
                    _ => {}
                }
            }
            Ok(presence)
        })
    }

    /// The document that says so.
    pub fn write(&self, entity: &str) -> String {
        // The presentity is named without parameters, and its scheme may not be `sip` (RFC 3856 §5).
        let entity = xml::escaped(entity);
        let basic = match self.open {
            Some(true) => "<basic>open</basic>",
            Some(false) => "<basic>closed</basic>",
            None => "",
        };
        let mut activities = String::new();
        if self.on_the_phone {
            activities += "<rpid:on-the-phone/>";
        }
        if self.dnd {
            activities += "<rpid:busy/>";
        }
        if activities.is_empty() {
            activities += "<rpid:unknown/>";
        }
        let note = self.note.as_deref().unwrap_or_default();
        let (note, person_note) = match note {
            "" => (String::new(), String::new()),
            note => {
                let note = xml::escaped(note);
                (
                    format!("<note>{note}</note>"),
                    format!("<dm:note>{note}</dm:note>"),
                )
            }
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
             xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
             xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"{entity}\">\n  \
             <tuple id=\"line\"><status>{basic}</status>{note}</tuple>\n  \
             <dm:person id=\"person\"><rpid:activities>{activities}</rpid:activities>{person_note}</dm:person>\n\
             </presence>\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_write_is_read_as_meant() {
        for open in [None, Some(true), Some(false)] {
            for on_the_phone in [false, true] {
                for dnd in [false, true] {
                    let presence = Presence {
                        open,
                        on_the_phone,
                        dnd,
                        note: dnd.then(|| "Do not disturb".to_owned()),
                    };
                    let text = presence.write("sip:207@northway.example");
                    assert_eq!(Presence::read(text.as_bytes()), Ok(presence), "{text}");
                }
            }
        }
    }

    #[test]
    fn one_open_way_is_enough() {
        let text = r#"<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:x@y">
            <tuple id="a"><status><basic>closed</basic></status></tuple>
            <tuple id="b"><status><basic> open </basic></status></tuple></presence>"#;
        assert_eq!(Presence::read(text.as_bytes()).unwrap().open, Some(true));
    }

    #[test]
    fn a_phones_own_word_for_quiet_is_understood() {
        for quiet in [
            "<note>DND</note>",
            "<dm:person xmlns:dm='d'><dm:note>Не беспокоить</dm:note></dm:person>",
            "<e:show xmlns:e='e'>dnd</e:show>",
        ] {
            let text = format!("<presence entity='x'>{quiet}</presence>");
            assert!(Presence::read(text.as_bytes()).unwrap().dnd, "{quiet}");
        }
    }

    #[test]
    fn half_a_document_is_garbage() {
        for wrong in [
            "<presence><tuple id='a'/></presence>",
            "<presence><tuple id='a'><status><basic>ajar</basic></status></tuple></presence>",
            "<reginfo/>",
        ] {
            assert!(Presence::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
