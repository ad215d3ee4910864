//! Bodies of several parts (RFC 2046 §5.1, RFC 5621): gateways wrap their session
//! description together with signalling of the telephone network.

use super::{
    Headers, Message,
    parse::{read_headers, split_head},
};
use crate::scan;

/// More parts than any honest body has.
const MAX_PARTS: usize = 16;

impl Message {
    /// Puts the session description of a multipart body in place of the body; one
    /// without any stays as it is.
    pub fn unwrap_sdp(&mut self) {
        let (headers, body) = match self {
            Message::Request(request) => (&mut request.headers, &mut request.body),
            Message::Response(response) => (&mut response.headers, &mut response.body),
        };
        let Some(boundary) = headers.get("Content-Type").and_then(boundary) else {
            return;
        };
        if let Some(sdp) = find_sdp(body, &boundary) {
            *body = sdp;
            headers.set("Content-Type", "application/sdp");
        }
    }
}

/// The boundary of a multipart type.
fn boundary(content_type: &str) -> Option<String> {
    let mut parts = scan::split(content_type, ';')?.into_iter().map(scan::trim);
    let kind = parts.next()?;
    if !kind.get(..10)?.eq_ignore_ascii_case("multipart/") {
        return None;
    }
    let value = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        scan::trim(name)
            .eq_ignore_ascii_case("boundary")
            .then(|| scan::unquote(scan::trim(value)))
    })?;
    (!value.is_empty() && value.len() <= 70).then_some(value)
}

fn find_sdp(body: &[u8], boundary: &str) -> Option<Vec<u8>> {
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    // The first delimiter may stand at the very beginning, without its line break.
    let body = [b"\r\n", body].concat();
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(found) = find(&body[at..], &delimiter)
        && starts.len() <= MAX_PARTS
    {
        starts.push(at + found);
        at += found + delimiter.len();
    }
    starts.windows(2).find_map(|pair| {
        let part = &body[pair[0] + delimiter.len()..pair[1]];
        // What follows the delimiter on its line is padding; the part's head may be empty.
        let (head, content) = split_head(part)?;
        let text = String::from_utf8_lossy(head);
        let (headers, _) = read_headers(text.lines().skip(1));
        is_sdp(&headers).then(|| content.to_vec())
    })
}

fn is_sdp(headers: &Headers) -> bool {
    headers.get("Content-Type").is_some_and(|kind| {
        let bare = kind.split(';').next().unwrap_or_default();
        scan::trim(bare).eq_ignore_ascii_case("application/sdp")
    })
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|at| at == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::parse;

    fn unwrapped(content_type: &str, body: &str) -> (String, String) {
        let text = format!("INVITE sip:a SIP/2.0\r\nContent-Type: {content_type}\r\n\r\n{body}");
        let mut message = parse(text.as_bytes()).unwrap();
        message.unwrap_sdp();
        let Message::Request(request) = message else {
            panic!("not a request");
        };
        let kind = request.headers.get("Content-Type").unwrap().to_owned();
        (kind, String::from_utf8(request.body).unwrap())
    }

    #[test]
    fn the_description_is_found_among_other_parts() {
        let body = "--b1\r\nContent-Type: application/isup;version=x\r\n\r\n\u{1}binary\r\n\
            --b1\r\nContent-Type: application/sdp\r\nContent-Disposition: session\r\n\r\nv=0\r\no=x\r\n\r\n--b1--\r\n";
        let (kind, sdp) = unwrapped("multipart/mixed; boundary=\"b1\"", body);
        assert_eq!(kind, "application/sdp");
        assert_eq!(sdp, "v=0\r\no=x\r\n");
    }

    #[test]
    fn other_bodies_stay_as_they_are() {
        for (kind, body) in [
            (
                "multipart/mixed;boundary=b",
                "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--",
            ),
            (
                "multipart/mixed",
                "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--",
            ),
            (
                "multipart/mixed;boundary=b",
                "--b\r\nContent-Type: application/sdp\r\n\r\nv=0 without an end",
            ),
            ("application/sdp", "v=0\r\n"),
        ] {
            assert_eq!(unwrapped(kind, body), (kind.to_owned(), body.to_owned()));
        }
    }
}
