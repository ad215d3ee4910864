//! Messages: their parts, how they are read and how they are written (RFC 3261 §7).
//!
//! A message in memory is canonical: header names in their long form, values without
//! folding, `Content-Length` left to the writer. Reading is tolerant of what the
//! grammar allows and strict about what could be read in two ways.

mod envelope;
mod framer;
mod headers;
mod multipart;
mod name_addr;
mod parse;
mod via;

pub use envelope::{CSeq, Envelope};
pub use framer::{Frame, Framer};
pub use headers::Headers;
pub use name_addr::NameAddr;
pub use parse::{Unreadable, parse};
pub use via::Via;

use std::fmt;

use crate::uri::Uri;

/// Longest message taken, bytes: head and body together.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// A method; case matters (RFC 3261 §7.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Register,
    Options,
    Prack,
    Update,
    Info,
    Subscribe,
    Notify,
    Publish,
    /// Known to exist, refused with 405: REFER, MESSAGE.
    Unserved(&'static str),
    Other(String),
}

impl Method {
    const SERVED: [Method; 12] = [
        Method::Invite,
        Method::Ack,
        Method::Bye,
        Method::Cancel,
        Method::Options,
        Method::Prack,
        Method::Update,
        Method::Info,
        Method::Subscribe,
        Method::Notify,
        Method::Publish,
        Method::Register,
    ];
    const UNSERVED: [&'static str; 2] = ["REFER", "MESSAGE"];

    pub fn parse(text: &str) -> Self {
        Method::SERVED
            .into_iter()
            .chain(Method::UNSERVED.map(Method::Unserved))
            .find(|method| method.as_str() == text)
            .unwrap_or_else(|| Method::Other(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        match self {
            Method::Invite => "INVITE",
            Method::Ack => "ACK",
            Method::Bye => "BYE",
            Method::Cancel => "CANCEL",
            Method::Register => "REGISTER",
            Method::Options => "OPTIONS",
            Method::Prack => "PRACK",
            Method::Update => "UPDATE",
            Method::Info => "INFO",
            Method::Subscribe => "SUBSCRIBE",
            Method::Notify => "NOTIFY",
            Method::Publish => "PUBLISH",
            Method::Unserved(name) => name,
            Method::Other(name) => name,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    pub uri: Uri,
    pub headers: Headers,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// 100-699.
    pub status: u16,
    pub phrase: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    Request(Request),
    Response(Response),
}

impl Request {
    pub fn new(method: Method, uri: impl Into<Uri>) -> Self {
        Request {
            method,
            uri: uri.into(),
            headers: Headers::default(),
            body: Vec::new(),
        }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let start = format!("{} {} SIP/2.0", self.method, self.uri);
        write(&start, &self.headers, &self.body)
    }

    /// A response with the fields every response copies (RFC 3261 §8.2.6.2). The tag
    /// is added to To where it has none.
    pub fn response(&self, status: u16, to_tag: Option<&str>) -> Response {
        let mut response = Response::new(status);
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            for value in self.headers.all(name) {
                response.headers.push(name, value);
            }
        }
        if let (Some(tag), Some(to)) = (to_tag, response.headers.get("To")) {
            let has_tag = to.parse::<NameAddr>().is_ok_and(|to| to.tag().is_some());
            if !has_tag {
                let tagged = format!("{to};tag={tag}");
                response.headers.set("To", &tagged);
            }
        }
        response
    }
}

impl Response {
    pub fn new(status: u16) -> Self {
        Response {
            status,
            phrase: phrase(status).to_owned(),
            headers: Headers::default(),
            body: Vec::new(),
        }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push(name, value);
        self
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let start = format!("SIP/2.0 {:03} {}", self.status, self.phrase);
        write(&start, &self.headers, &self.body)
    }

    pub fn is_provisional(&self) -> bool {
        self.status < 200
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub fn from_tag(&self) -> Option<String> {
        let from: NameAddr = self.headers.get("From")?.parse().ok()?;
        from.tag().map(str::to_owned)
    }

    pub fn to_tag(&self) -> Option<String> {
        let to: NameAddr = self.headers.get("To")?.parse().ok()?;
        to.tag().map(str::to_owned)
    }
}

impl Message {
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Message::Request(request) => request.to_bytes(),
            Message::Response(response) => response.to_bytes(),
        }
    }
}

fn write(start: &str, headers: &Headers, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512 + body.len());
    bytes.extend_from_slice(start.as_bytes());
    bytes.extend_from_slice(b"\r\n");
    for (name, value) in headers.iter() {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// The customary phrase of a status.
pub fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        302 => "Moved Temporarily",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        412 => "Conditional Request Failed",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        486 => "Busy Here",
        487 => "Request Terminated",
        489 => "Bad Event",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        607 => "Unwanted",
        608 => "Rejected",
        other => match other / 100 {
            1 => "Progress",
            2 => "Success",
            3 => "Redirection",
            4 => "Request Failure",
            5 => "Server Failure",
            _ => "Global Failure",
        },
    }
}
