//! Lexical helpers shared by all parsers (RFC 3261 §25.1).
//!
//! They work on `&str` and never index past what they have checked; a caller
//! decides what an absence means.

/// Whether `c` may stand in a `token`.
pub fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(c)
}

/// Whether `text` is a non-empty `token`.
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_token_char)
}

/// Trims linear white space (folding has been undone before).
pub fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// Splits at `separator` where it stands outside of quoted strings and `<>`.
///
/// `None` when a quote or an angle bracket is left open.
pub fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut outside = Outside::default();
    for (at, c) in text.char_indices() {
        if outside.step(c) && c == separator {
            parts.push(&text[start..at]);
            start = at + c.len_utf8();
        }
    }
    if !outside.closed() {
        return None;
    }
    parts.push(&text[start..]);
    Some(parts)
}

/// The first place of `wanted` outside of quoted strings and, unless it is `<` itself, of `<>`.
pub fn find(text: &str, wanted: char) -> Option<usize> {
    let mut outside = Outside::default();
    text.char_indices()
        .find(|&(_, c)| {
            let before = outside.is_outside();
            let now = outside.step(c);
            c == wanted && (now || (before && c == '<'))
        })
        .map(|(at, _)| at)
}

/// Follows quotes and angle brackets through a text.
#[derive(Default)]
struct Outside {
    quoted: bool,
    escaped: bool,
    angled: bool,
}

impl Outside {
    fn is_outside(&self) -> bool {
        !self.quoted && !self.angled
    }

    fn closed(&self) -> bool {
        self.is_outside()
    }

    /// Takes one character; true when it stands outside.
    fn step(&mut self, c: char) -> bool {
        if self.quoted {
            match c {
                _ if self.escaped => self.escaped = false,
                '\\' => self.escaped = true,
                '"' => self.quoted = false,
                _ => {}
            }
            return false;
        }
        match c {
            '"' if !self.angled => self.quoted = true,
            '<' => self.angled = true,
            '>' => self.angled = false,
            _ => return !self.angled,
        }
        false
    }
}

/// Takes the quotes off a quoted string and undoes its escapes; other text stays as it is.
pub fn unquote(text: &str) -> String {
    let Some(inner) = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return text.to_owned();
    };
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.extend(chars.next()),
            c => plain.push(c),
        }
    }
    plain
}

/// Writes `text` as a quoted string.
///
/// Control characters are left out: they could only serve to break a line.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// Whether `text` is one complete quoted string.
pub fn is_quoted_string(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('"') else {
        return false;
    };
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1 == inner.len(),
            _ => {}
        }
    }
    false
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_in_quotes_or_brackets_splits_nothing() {
        let parts = split(r#""a,\",b" <sip:x,y>;p, c"#, ',').unwrap();

        assert_eq!(parts, [r#""a,\",b" <sip:x,y>;p"#, " c"]);
        assert_eq!(split(r#""open, <sip:x>"#, ','), None);
        assert_eq!(split("<sip:x, b", ','), None);
    }

    #[test]
    fn quoting_is_undone_by_unquoting() {
        for text in ["plain", r#"a "b" \c"#, ""] {
            assert!(is_quoted_string(&quote(text)));
            assert_eq!(unquote(&quote(text)), text);
        }
        assert_eq!(quote("a\r\nB: c"), "\"aB: c\"");
    }

    #[test]
    fn the_bracket_of_an_address_is_found_behind_a_quoted_one() {
        assert_eq!(find(r#""a<b" <sip:c>"#, '<'), Some(6));
        assert_eq!(find("sip:c;tag=1", '<'), None);
    }
}
