//! Registration information (RFC 3680): what a registrar says of its bindings.

use std::collections::BTreeMap;

use super::xml::{self, Garbage};

/// What is known of the contacts of an address of record, over all documents so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegInfo {
    /// By registration id and contact id.
    contacts: BTreeMap<(String, String), Contact>,
    /// The registrations, and whether each says of itself that it is active.
    registrations: BTreeMap<String, bool>,
}

/// One contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub active: bool,
    /// What made it so: `registered`, `expired`, `probation`...
    pub event: String,
    /// Seconds until it runs out.
    pub expires_s: Option<u32>,
    /// Seconds after which a contact on probation registers again.
    pub retry_after_s: Option<u32>,
}

/// What all of it comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registered {
    /// Somewhere; for so many seconds, where that is said.
    Active { expires_s: Option<u32> },
    /// Nowhere. After so many seconds it will be again, where that is said.
    Terminated { retry_after_s: Option<u32> },
    /// Never was: nothing is known of it.
    Never,
}

/// One document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub version: u32,
    pub full: bool,
    info: RegInfo,
}

impl Document {
    pub fn read(body: &[u8]) -> Result<Self, Garbage> {
        xml::read(body, "reginfo", |root| {
            let (version, full) = xml::version(root)?;
            let mut info = RegInfo::default();
            for registration in xml::children(root, "registration") {
                let id = registration
                    .attribute("id")
                    .ok_or(Garbage::Missing("registration id"))?;
                let active = match registration.attribute("state") {
                    Some("active") => true,
                    Some("init" | "terminated") => false,
                    Some(_) | None => return Err(Garbage::Missing("registration state")),
                };
                info.registrations.insert(id.to_owned(), active);
                for contact in xml::children(registration, "contact") {
                    let contact_id = contact
                        .attribute("id")
                        .ok_or(Garbage::Missing("contact id"))?;
                    let active = match contact.attribute("state") {
                        Some("active") => true,
                        Some("terminated") => false,
                        Some(_) | None => return Err(Garbage::Missing("contact state")),
                    };
                    let contact = Contact {
                        active,
                        event: contact.attribute("event").unwrap_or_default().to_owned(),
                        expires_s: xml::number(contact, "expires"),
                        retry_after_s: xml::number(contact, "retry-after"),
                    };
                    info.contacts
                        .insert((id.to_owned(), contact_id.to_owned()), contact);
                }
            }
            Ok(Document {
                version,
                full,
                info,
            })
        })
    }
}

impl RegInfo {
    /// Takes a document in: a full one replaces everything, a partial one what it names.
    pub fn take(&mut self, document: Document) {
        if document.full {
            *self = document.info;
        } else {
            self.contacts.extend(document.info.contacts);
            self.registrations.extend(document.info.registrations);
        }
    }

    /// Several registrars' word of one address.
    pub fn join(&mut self, nth: usize, other: &RegInfo) {
        let named = |id: &str| format!("{nth} {id}");
        let contacts = other.contacts.iter();
        self.contacts.extend(
            contacts.map(|((id, contact), what)| ((named(id), contact.clone()), what.clone())),
        );
        let registrations = other.registrations.iter();
        self.registrations
            .extend(registrations.map(|(id, active)| (named(id), *active)));
    }

    pub fn registered(&self) -> Registered {
        let active: Vec<&Contact> = self.contacts.values().filter(|c| c.active).collect();
        if !active.is_empty() {
            // The last to run out counts; one that says nothing lasts as long as the subscription.
            let all = active.iter().map(|contact| contact.expires_s);
            let expires_s = all.collect::<Option<Vec<u32>>>();
            return Registered::Active {
                expires_s: expires_s.and_then(|all| all.into_iter().max()),
            };
        }
        if self.contacts.is_empty() {
            return match self.registrations.values().any(|active| *active) {
                true => Registered::Active { expires_s: None },
                false => Registered::Never,
            };
        }
        let probation = self.contacts.values().filter(|c| c.event == "probation");
        Registered::Terminated {
            retry_after_s: probation.filter_map(|contact| contact.retry_after_s).min(),
        }
    }
}

/// What is shown of a registration, as a document of one contact.
pub fn write(entity: &str, version: u32, registered: &Registered) -> String {
    let entity = xml::escaped(entity);
    let contact = |state: &str, attributes: &str| {
        format!(
            "  <registration aor=\"{entity}\" id=\"r\" state=\"{state}\">\n    \
             <contact id=\"c\" state=\"{state}\" {attributes}><uri>{entity}</uri></contact>\n  \
             </registration>\n"
        )
    };
    let body = match registered {
        Registered::Active { expires_s } => {
            let expires = expires_s.map_or_else(String::new, |s| format!(" expires=\"{s}\""));
            contact("active", &format!("event=\"registered\"{expires}"))
        }
        Registered::Terminated {
            retry_after_s: Some(seconds),
        } => contact(
            "terminated",
            &format!("event=\"probation\" retry-after=\"{seconds}\""),
        ),
        Registered::Terminated {
            retry_after_s: None,
        } => contact("terminated", "event=\"unregistered\""),
        Registered::Never => {
            format!("  <registration aor=\"{entity}\" id=\"r\" state=\"init\"/>\n")
        }
    };
    format!(
        "<?xml version=\"1.0\"?>\n<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" \
         version=\"{version}\" state=\"full\">\n{body}</reginfo>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 3680 §8, shortened.
    const FULL: &str = r#"<?xml version="1.0"?>
      <reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full">
        <registration aor="sip:user@example.com" id="as9" state="active">
          <contact id="76" state="active" event="registered" duration-registered="7322" q="0.8" expires="90">
            <uri>sip:user@pc887.example.com</uri>
          </contact>
          <contact id="77" state="terminated" event="expired" q="0.5">
            <uri>sip:user@university.edu</uri>
          </contact>
        </registration>
      </reginfo>"#;

    fn taken(documents: &[&str]) -> RegInfo {
        let mut info = RegInfo::default();
        for document in documents {
            info.take(Document::read(document.as_bytes()).unwrap());
        }
        info
    }

    #[test]
    fn one_active_contact_is_enough() {
        let info = taken(&[FULL]);
        assert_eq!(
            info.registered(),
            Registered::Active {
                expires_s: Some(90)
            }
        );
    }

    #[test]
    fn a_partial_document_changes_what_it_names() {
        let partial = r#"<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="1" state="partial">
            <registration aor="sip:user@example.com" id="as9" state="terminated">
              <contact id="76" state="terminated" event="probation" retry-after="30"><uri>x</uri></contact>
            </registration></reginfo>"#;
        let info = taken(&[FULL, partial]);
        assert_eq!(
            info.registered(),
            Registered::Terminated {
                retry_after_s: Some(30)
            }
        );
    }

    #[test]
    fn what_we_write_is_read_as_meant() {
        for registered in [
            Registered::Never,
            Registered::Active { expires_s: None },
            Registered::Active {
                expires_s: Some(60),
            },
            Registered::Terminated {
                retry_after_s: None,
            },
            Registered::Terminated {
                retry_after_s: Some(5),
            },
        ] {
            let text = write("sip:a&b@\"x\"", 3, &registered);
            let document = Document::read(text.as_bytes()).unwrap();
            assert_eq!((document.version, document.full), (3, true));
            assert_eq!(document.info.registered(), registered);
        }
    }

    #[test]
    fn half_a_document_is_garbage() {
        for wrong in [
            r#"<reginfo state="full"/>"#,
            r#"<reginfo version="-1" state="full"/>"#,
            r#"<reginfo version="0" state="most"/>"#,
            r#"<reginfo version="0" state="full"><registration state="active"/></reginfo>"#,
            r#"<reginfo version="0" state="full"><registration id="1" state="gone"/></reginfo>"#,
            r#"<dialog-info version="0" state="full"/>"#,
        ] {
            assert!(Document::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
