//! From bytes to a message.

use super::{Headers, MAX_MESSAGE, Message, Method, NameAddr, Request, Response};
use crate::{scan, uri::Uri};

/// More header lines than any honest message has.
const MAX_HEADERS: usize = 256;

/// Bytes that are not a message we can take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub why: &'static str,
    /// The answer, where it was evidently a request other than ACK: its Via, From,
    /// To, Call-ID and CSeq as they came.
    pub answer: Option<Box<Response>>,
}

/// Reads one message: a datagram, or a frame cut from a stream.
///
/// Bytes behind `Content-Length` are ignored (RFC 3261 §18.3); a body shorter than it
/// is an error.
pub fn parse(bytes: &[u8]) -> Result<Message, Unreadable> {
    let drop = |why| Unreadable { why, answer: None };
    if bytes.len() > MAX_MESSAGE {
        return Err(drop("too long"));
    }
    let bytes = skip_blank_lines(bytes);
    let (head, rest) = split_head(bytes).ok_or(drop("no empty line behind the head"))?;
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split('\n').map(|l| l.strip_suffix('\r').unwrap_or(l));
    let start = lines.next().unwrap_or_default();
    let (headers, malformed) = read_headers(lines);

    if start.starts_with("SIP/") {
        let (status, phrase) = read_status_line(start).ok_or(drop("malformed status line"))?;
        if let Some(why) = malformed {
            return Err(drop(why));
        }
        let (headers, body) = take_body(headers, rest).map_err(drop)?;
        return Ok(Message::Response(Response {
            status,
            phrase,
            headers,
            body,
        }));
    }

    let refuse = |status, why| Unreadable {
        why,
        answer: (!start.starts_with("ACK ")).then(|| Box::new(refusal(&headers, status, why))),
    };
    let (method, uri, version) =
        split_request_line(start).map_err(|why| match start.contains("SIP/") {
            true => refuse(400, why),
            false => drop(why),
        })?;
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Err(refuse(505, "version is not 2.0"));
    }
    if let Some(why) = malformed {
        return Err(refuse(400, why));
    }
    let uri: Uri = uri
        .parse()
        .map_err(|_| refuse(400, "malformed Request-URI"))?;
    if uri.as_sip().is_some_and(|uri| !uri.headers.is_empty()) {
        return Err(refuse(400, "headers in the Request-URI"));
    }
    let (headers, body) = take_body(headers.clone(), rest).map_err(|why| refuse(400, why))?;
    Ok(Message::Request(Request {
        method: Method::parse(method),
        uri,
        headers,
        body,
    }))
}

/// Clients keep NAT bindings open with empty lines (RFC 5626 §3.5.1).
pub(super) fn skip_blank_lines(bytes: &[u8]) -> &[u8] {
    let blank = bytes
        .iter()
        .take_while(|b| matches!(b, b'\r' | b'\n'))
        .count();
    &bytes[blank..]
}

/// The head without its last line break, and what follows the empty line.
pub(super) fn split_head(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    for (at, &byte) in bytes.iter().enumerate() {
        if byte != b'\n' {
            continue;
        }
        match &bytes[at + 1..] {
            [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] => return Some((&bytes[..at], rest)),
            _ => {}
        }
    }
    None
}

/// All header lines, unfolded; and what is wrong with the first malformed one.
pub(super) fn read_headers<'a>(
    lines: impl Iterator<Item = &'a str>,
) -> (Headers, Option<&'static str>) {
    let mut unfolded: Vec<String> = Vec::new();
    let mut malformed = None;
    for line in lines {
        match (line.starts_with([' ', '\t']), unfolded.last_mut()) {
            (true, Some(previous)) => {
                previous.push(' ');
                previous.push_str(scan::trim(line));
            }
            (true, None) => malformed = malformed.or(Some("continuation of nothing")),
            (false, _) => unfolded.push(line.to_owned()),
        }
    }
    if unfolded.len() > MAX_HEADERS {
        unfolded.truncate(MAX_HEADERS);
        malformed = malformed.or(Some("too many headers"));
    }
    let mut headers = Headers::default();
    for line in &unfolded {
        match line.split_once(':') {
            Some((name, value)) if scan::is_token(scan::trim(name)) => {
                headers.push(scan::trim(name), value);
            }
            Some(_) | None => malformed = malformed.or(Some("malformed header line")),
        }
    }
    (headers, malformed)
}

fn read_status_line(line: &str) -> Option<(u16, String)> {
    let rest = line.get(..8).filter(|v| v.eq_ignore_ascii_case("SIP/2.0 "));
    let rest = rest.and(line.get(8..))?;
    let (code, phrase) = rest.split_once(' ').unwrap_or((rest, ""));
    let status = (code.len() == 3)
        .then(|| code.parse().ok())
        .flatten()
        .filter(|status| (100..700).contains(status))?;
    Some((status, scan::trim(phrase).to_owned()))
}

/// Method, URI and version, with single spaces between them and nowhere else.
fn split_request_line(line: &str) -> Result<(&str, &str, &str), &'static str> {
    let mut parts = line.split(' ');
    let (Some(method), Some(uri), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("malformed request line");
    };
    if !scan::is_token(method) || uri.is_empty() || !version.starts_with("SIP/") {
        return Err("malformed request line");
    }
    Ok((method, uri, version))
}

/// The value of Content-Length; all lines of it must agree.
pub(super) fn content_length(headers: &Headers) -> Result<Option<usize>, &'static str> {
    let mut lengths = headers.all("Content-Length").map(|text| {
        let numeric = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        numeric.then(|| text.parse::<usize>().ok()).flatten()
    });
    let Some(first) = lengths.next() else {
        return Ok(None);
    };
    if lengths.any(|length| length != first) {
        return Err("contradicting Content-Length");
    }
    first.map(Some).ok_or("malformed Content-Length")
}

fn take_body(mut headers: Headers, rest: &[u8]) -> Result<(Headers, Vec<u8>), &'static str> {
    let length = content_length(&headers)?.unwrap_or(rest.len());
    let body = rest.get(..length).ok_or("body shorter than said")?.to_vec();
    headers.remove("Content-Length");
    Ok((headers, body))
}

fn refusal(headers: &Headers, status: u16, why: &str) -> Response {
    let mut response = Response::new(status);
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        for value in headers.all(name) {
            response.headers.push(name, value);
        }
    }
    // Without a tag some senders do not recognise their answer; one that cannot be
    // parsed is left as it came.
    if let Some(Ok(to)) = response.headers.get("To").map(str::parse::<NameAddr>)
        && to.tag().is_none()
    {
        let tagged = to.with_tag("refused").to_string();
        response.headers.set("To", &tagged);
    }
    if status == 400 {
        response.phrase = format!("Bad Request ({why})");
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nl: ";

    fn request(text: &str) -> Result<Request, Unreadable> {
        match parse(text.as_bytes())? {
            Message::Request(request) => Ok(request),
            Message::Response(_) => panic!("a response"),
        }
    }

    fn status(text: &str) -> Option<u16> {
        request(text)
            .unwrap_err()
            .answer
            .map(|answer| answer.status)
    }

    #[test]
    fn content_length_says_where_the_body_ends() {
        assert_eq!(
            request(&format!("{HEAD}3\r\n\r\nabcdef")).unwrap().body,
            b"abc"
        );
        assert_eq!(
            request(&format!("{HEAD}0\r\nl: 0\r\n\r\n")).unwrap().body,
            b""
        );
        assert_eq!(status(&format!("{HEAD}4\r\n\r\nabc")), Some(400));
        assert_eq!(status(&format!("{HEAD}-1\r\n\r\nabc")), Some(400));
        assert_eq!(status(&format!("{HEAD}1\r\nl: 2\r\n\r\nabc")), Some(400));
        assert_eq!(
            status(&format!("{HEAD}99999999999999999999999\r\n\r\nabc")),
            Some(400)
        );
    }

    #[test]
    fn folded_lines_are_one() {
        let folded = request("OPTIONS sip:a@b SIP/2.0\r\nSubject: one\r\n two\r\n\tthree\r\n\r\n");
        assert_eq!(
            folded.unwrap().headers.get("Subject"),
            Some("one two three")
        );
    }

    #[test]
    fn noise_is_dropped_and_broken_requests_are_answered() {
        assert!(parse(b"\r\n\r\n").unwrap_err().answer.is_none());
        assert!(
            parse(b"GET / HTTP/1.1\r\n\r\n")
                .unwrap_err()
                .answer
                .is_none()
        );
        assert!(
            parse(b"SIP/2.0 4294967301 x\r\n\r\n")
                .unwrap_err()
                .answer
                .is_none()
        );
        assert!(
            parse(b"ACK  sip:a@b SIP/2.0\r\n\r\n")
                .unwrap_err()
                .answer
                .is_none()
        );
        assert_eq!(status("OPTIONS  sip:a@b SIP/2.0\r\n\r\n"), Some(400));
        assert_eq!(status("OPTIONS sip:a@b SIP/2.0 \r\n\r\n"), Some(400));
        assert_eq!(status("OPTIONS <sip:a@b> SIP/2.0\r\n\r\n"), Some(400));
        assert_eq!(status("OPTIONS sip:a@b SIP/7.0\r\n\r\n"), Some(505));
        assert_eq!(
            status("OPTIONS sip:a@b?Route=%3Csip:x%3E SIP/2.0\r\n\r\n"),
            Some(400)
        );
    }
}
