//! What every request must say of itself, read and checked once.

use super::{Method, NameAddr, Request, Response, Via};
use crate::uri::Uri;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSeq {
    /// Below 2^31.
    pub number: u32,
    pub method: Method,
}

impl CSeq {
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split_ascii_whitespace();
        let (number, method) = (parts.next()?, parts.next()?);
        if parts.next().is_some() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let number: u32 = number.parse().ok()?;
        (number < 1 << 31).then(|| CSeq {
            number,
            method: Method::parse(method),
        })
    }
}

/// The fields no request goes without, parsed.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The topmost.
    pub via: Via,
    pub from: NameAddr,
    pub to: NameAddr,
    pub call_id: String,
    pub cseq: CSeq,
}

impl Request {
    /// Reads the envelope and checks all fields of fixed form, so that what follows
    /// need not doubt them. The error says what is wrong, for a 400.
    pub fn envelope(&self) -> Result<Envelope, &'static str> {
        let single = |name, missing, twice| {
            let mut lines = self.headers.all(name);
            let value = lines.next().ok_or(missing)?;
            lines.next().is_none().then_some(value).ok_or(twice)
        };
        let from = single("From", "No From", "Several From")?;
        let to = single("To", "No To", "Several To")?;
        let call_id = single("Call-ID", "No Call-ID", "Several Call-ID")?;
        let cseq = single("CSeq", "No CSeq", "Several CSeq")?;
        let vias: Vec<Via> = self
            .headers
            .list("Via")
            .map(|via| via.parse().map_err(|_| "Malformed Via"))
            .collect::<Result<_, _>>()?;
        let envelope = Envelope {
            via: vias.into_iter().next().ok_or("No Via")?,
            from: from.parse().map_err(|_| "Malformed From")?,
            to: to.parse().map_err(|_| "Malformed To")?,
            call_id: call_id.to_owned(),
            cseq: CSeq::parse(cseq).ok_or("Malformed CSeq")?,
        };
        if envelope.cseq.method != self.method {
            return Err("CSeq of another method");
        }
        if call_id.is_empty() || call_id.contains(char::is_whitespace) {
            return Err("Malformed Call-ID");
        }
        let numeric = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let hops = self.headers.all("Max-Forwards").collect::<Vec<_>>();
        if hops.len() > 1 || !hops.iter().all(|hops| numeric(hops)) {
            return Err("Malformed Max-Forwards");
        }
        for name in ["Route", "Record-Route", "Contact"] {
            let starred = name == "Contact" && self.headers.get(name) == Some("*");
            if !starred
                && self
                    .headers
                    .list(name)
                    .any(|v| v.parse::<NameAddr>().is_err())
            {
                return Err("Malformed Route, Record-Route or Contact");
            }
        }
        Ok(envelope)
    }

    /// The first Contact's URI.
    pub fn contact(&self) -> Option<Uri> {
        first_contact(&self.headers)
    }
}

impl Response {
    pub fn cseq(&self) -> Option<CSeq> {
        CSeq::parse(self.headers.get("CSeq")?)
    }

    pub fn top_via(&self) -> Option<Via> {
        self.headers.list("Via").next()?.parse().ok()
    }

    pub fn contact(&self) -> Option<Uri> {
        first_contact(&self.headers)
    }
}

fn first_contact(headers: &super::Headers) -> Option<Uri> {
    let contact: NameAddr = headers.list("Contact").next()?.parse().ok()?;
    Some(contact.uri)
}
