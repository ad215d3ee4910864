//! What comes back by mail (RFC 5322, RFC 2045), as far as it concerns a calendar's
//! answer: who sent it, and the calendar object in it.

/// Parts within parts, at most.
const DEPTH_MOST: usize = 6;

/// The address in `From`, in lower case.
pub fn sender(mail: &str) -> Option<String> {
    let (headers, _) = split(mail);
    let from = header(&headers, "from")?;
    let address = match (from.rfind('<'), from.rfind('>')) {
        (Some(open), Some(close)) if open < close => &from[open + 1..close],
        _ => from.as_str(),
    };
    let address = address.trim().to_ascii_lowercase();
    address.contains('@').then_some(address)
}

/// The first calendar object in a mail.
pub fn calendar(mail: &str) -> Option<String> {
    part(mail, DEPTH_MOST)
}

fn part(text: &str, depth: usize) -> Option<String> {
    let (headers, body) = split(text);
    let kind = header(&headers, "content-type").unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    if essence.starts_with("multipart/") {
        let boundary = parameter(&kind, "boundary")?;
        let depth = depth.checked_sub(1)?;
        let mut parts = parts(body, &boundary).into_iter();
        return parts.find_map(|text| part(&text, depth));
    }
    if essence != "text/calendar" && essence != "application/ics" {
        return None;
    }
    let encoding = header(&headers, "content-transfer-encoding").unwrap_or_default();
    let bytes = match encoding.trim().to_ascii_lowercase().as_str() {
        "base64" => base64(body)?,
        "quoted-printable" => quoted_printable(body),
        _ => body.as_bytes().to_vec(),
    };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Headers, unfolded, and what follows the first empty line.
fn split(text: &str) -> (Vec<String>, &str) {
    let mut headers: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        rest = after;
        if line.is_empty() {
            return (headers, rest);
        }
        match (line.starts_with([' ', '\t']), headers.last_mut()) {
            (true, Some(last)) => {
                last.push(' ');
                last.push_str(line.trim_start());
            }
            _ => headers.push(line.to_owned()),
        }
    }
    (headers, "")
}

fn header(headers: &[String], name: &str) -> Option<String> {
    headers.iter().find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known
            .trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    })
}

fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|part| {
        let (known, value) = part.split_once('=')?;
        known
            .trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn parts(body: &str, boundary: &str) -> Vec<String> {
    let (open, close) = (format!("--{boundary}"), format!("--{boundary}--"));
    let mut parts: Vec<String> = Vec::new();
    let mut inside = false;
    for line in body.split('\n') {
        let bare = line.trim_end();
        if bare == close {
            break;
        }
        if bare == open {
            parts.push(String::new());
            inside = true;
        } else if let (true, Some(part)) = (inside, parts.last_mut()) {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0u32, 0);
    for sign in text.bytes().filter(|sign| !sign.is_ascii_whitespace()) {
        let value = match sign {
            b'A'..=b'Z' => sign - b'A',
            b'a'..=b'z' => sign - b'a' + 26,
            b'0'..=b'9' => sign - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => return None,
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'=' {
            bytes.push(first);
            continue;
        }
        if let Some(after) = rest.strip_prefix(b"\r\n").or(rest.strip_prefix(b"\n")) {
            rest = after;
            continue;
        }
        let code = rest
            .get(..2)
            .and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[2..];
            }
            None => bytes.push(b'='),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "From: \"Oleg, <S>\" <Oleg@Northway.example>\r\nTo: rollcall@pbx.example\r\nContent-Type: multipart/mixed;\r\n boundary=\"b1\"\r\n\r\n--b1\r\nContent-Type: multipart/alternative; boundary=b2\r\n\r\n--b2\r\nContent-Type: text/plain\r\n\r\nYes\r\n--b2\r\nContent-Type: text/calendar; method=REPLY\r\nContent-Transfer-Encoding: ENCODING\r\n\r\nBODY\r\n--b2--\r\n--b1--\r\n";

    fn mail(encoding: &str, body: &str) -> String {
        MAIL.replace("ENCODING", encoding).replace("BODY", body)
    }

    #[test]
    fn a_calendar_is_found_in_whatever_it_is_wrapped_in() {
        for (encoding, body) in [
            ("7bit", "METHOD:REPLY="),
            ("base64", "TUVUSE9EO\r\nlJFUExZPQ=="),
            ("quoted-printable", "METHOD:=\r\nREPLY=3D"),
        ] {
            let found = calendar(&mail(encoding, body)).unwrap();
            assert_eq!(found.trim_end(), "METHOD:REPLY=", "{encoding}");
        }
        assert_eq!(
            sender(&mail("7bit", "")).as_deref(),
            Some("oleg@northway.example")
        );
    }

    #[test]
    fn nonsense_and_endless_nesting_are_nothing() {
        assert_eq!(calendar(""), None);
        assert_eq!(
            calendar("Content-Type: text/plain\n\nBEGIN:VCALENDAR"),
            None
        );
        assert_eq!(calendar(&mail("base64", "?!")), None);
        let mut deep = "Content-Type: text/calendar\n\nX".to_owned();
        for n in 0..20 {
            deep = format!(
                "Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n{deep}\n--b{n}--\n"
            );
        }
        assert_eq!(calendar(&deep), None);
        assert_eq!(sender("From: nobody\n\n"), None);
    }
}
