//! Header fields that several stages of a call read or write.

use std::time::Duration;

use crate::{
    message::{Headers, Request, Response},
    reason::Reason,
};

/// The methods we serve.
pub const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, SUBSCRIBE, NOTIFY, PUBLISH";

/// The same of an endpoint as a whole, which may be a registrar too.
pub fn allow(registrar: bool) -> String {
    match registrar {
        true => format!("{ALLOW}, REGISTER"),
        false => ALLOW.to_owned(),
    }
}

pub const SDP: &str = "application/sdp";

/// Whether the body is a session description.
pub fn has_sdp(headers: &Headers, body: &[u8]) -> bool {
    !body.is_empty() && media_type(headers).is_some_and(|t| t.eq_ignore_ascii_case(SDP))
}

/// `type/subtype` without parameters.
pub fn media_type(headers: &Headers) -> Option<String> {
    let value = headers.get("Content-Type")?;
    let bare = value.split(';').next().unwrap_or_default();
    Some(bare.split_whitespace().collect())
}

pub fn reasons(headers: &Headers) -> Vec<Reason> {
    headers.all("Reason").flat_map(Reason::parse_list).collect()
}

pub fn push_reasons(headers: &mut Headers, reasons: &[Reason]) {
    for reason in reasons {
        headers.push("Reason", &reason.to_string());
    }
}

/// Seconds before an optional comment or parameter (RFC 3261 §20.33).
pub fn retry_after(headers: &Headers) -> Option<u32> {
    let value = headers.get("Retry-After")?;
    let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

pub fn values(headers: &Headers, name: &str) -> Vec<String> {
    headers.list(name).map(str::to_owned).collect()
}

/// `Session-Expires`: the interval, and who refreshes where it is said.
pub fn session_expires(headers: &Headers) -> Option<(Duration, Option<Refresher>)> {
    let mut parts = headers.get("Session-Expires")?.split(';').map(str::trim);
    let seconds: u32 = parts.next()?.parse().ok()?;
    let refresher = parts.find_map(|part| match part.split_once('=')? {
        ("refresher", "uac") => Some(Refresher::Uac),
        ("refresher", "uas") => Some(Refresher::Uas),
        _ => None,
    });
    Some((Duration::from_secs(seconds.into()), refresher))
}

/// Who keeps the session alive: the one who sent the request, or who answered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresher {
    Uac,
    Uas,
}

pub fn set_body(headers: &mut Headers, body: &mut Vec<u8>, sdp: Vec<u8>) {
    headers.set("Content-Type", SDP);
    *body = sdp;
}

impl Request {
    pub(crate) fn with_sdp(mut self, sdp: Vec<u8>) -> Self {
        set_body(&mut self.headers, &mut self.body, sdp);
        self
    }
}

impl Response {
    pub(crate) fn with_sdp(mut self, sdp: Vec<u8>) -> Self {
        set_body(&mut self.headers, &mut self.body, sdp);
        self
    }
}
