//! Content lines (RFC 5545 §3.1): folding, escaping, and the way back.

/// An octet line may not be longer than this, its break not counted.
const LINE_MOST: usize = 75;

/// Gathers content lines.
#[derive(Debug, Default)]
pub struct Lines(String);

impl Lines {
    /// A line as it stands; what is written by people must have been escaped.
    pub fn put(&mut self, line: &str) {
        let mut room = LINE_MOST;
        for sign in line.chars() {
            if sign.is_control() && sign != '\t' {
                continue;
            }
            if sign.len_utf8() > room {
                // The blank that marks a folded line counts.
                self.0.push_str("\r\n ");
                room = LINE_MOST - 1;
            }
            self.0.push(sign);
            room -= sign.len_utf8();
        }
        self.0.push_str("\r\n");
    }

    /// A property whose value is text written by people.
    pub fn text(&mut self, name: &str, value: &str) {
        self.put(&format!("{name}:{}", escape(value)));
    }

    pub fn done(self) -> String {
        self.0
    }
}

/// Text as a value (§3.3.11).
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '\\' => escaped.push_str("\\\\"),
            ';' => escaped.push_str("\\;"),
            ',' => escaped.push_str("\\,"),
            '\n' => escaped.push_str("\\n"),
            sign if sign.is_control() => {}
            sign => escaped.push(sign),
        }
    }
    escaped
}

/// Text as a quoted parameter (§3.2): it can hold no quote, however written.
pub fn quote(text: &str) -> String {
    let inner: String = text
        .chars()
        .filter(|sign| !sign.is_control())
        .map(|sign| if sign == '"' { '\'' } else { sign })
        .collect();
    format!("\"{inner}\"")
}

/// The lines of an object as they were before folding.
pub fn unfold(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some(last)) => last.push_str(rest),
            (_, _) if line.is_empty() => {}
            (_, _) => lines.push(line.to_owned()),
        }
    }
    lines
}

/// One line: its name in capitals, its parameters, its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    pub name: String,
    /// Names in capitals; values without their quotes.
    pub parameters: Vec<(String, String)>,
    pub value: String,
}

impl Property {
    pub fn parse(line: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let (mut quoted, mut from) = (false, 0);
        let mut colon = None;
        for (at, sign) in line.char_indices() {
            match sign {
                '"' => quoted = !quoted,
                ';' | ':' if !quoted => {
                    parts.push(&line[from..at]);
                    from = at + 1;
                    if sign == ':' {
                        colon = Some(at);
                        break;
                    }
                }
                _ => {}
            }
        }
        let value = line[colon? + 1..].to_owned();
        let (name, parameters) = parts.split_first()?;
        let parameters = parameters.iter().filter_map(|part| {
            let (name, value) = part.split_once('=')?;
            Some((
                name.to_ascii_uppercase(),
                value.trim_matches('"').to_owned(),
            ))
        });
        Some(Self {
            name: name.to_ascii_uppercase(),
            parameters: parameters.collect(),
            value,
        })
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_between_signs_and_come_back_whole() {
        let title = "Планёрка; с дилерами, \\ и \"остальными\" 🙂 ".repeat(9);
        let mut lines = Lines::default();
        lines.text("SUMMARY", &title);
        let text = lines.done();

        assert!(
            text.split("\r\n").all(|line| line.len() <= LINE_MOST),
            "{text}"
        );
        let back = unfold(&text);
        assert_eq!(back, [format!("SUMMARY:{}", escape(&title))]);
    }

    #[test]
    fn nothing_written_by_people_begins_a_line() {
        let mut lines = Lines::default();
        lines.text("SUMMARY", "A\r\nATTENDEE:mailto:evil@x");
        lines.put(&format!(
            "ATTENDEE;CN={}:mailto:a@b",
            quote("A\";X=\r\n1:\"")
        ));
        let back = unfold(&lines.done());
        assert_eq!(back[0], "SUMMARY:A\\nATTENDEE:mailto:evil@x");
        let attendee = Property::parse(&back[1]).unwrap();
        assert_eq!(attendee.parameter("CN"), Some("A';X=1:'"));
        assert_eq!(attendee.value, "mailto:a@b");
    }

    #[test]
    fn a_line_without_a_value_is_none() {
        assert_eq!(Property::parse("BEGIN"), None);
        assert_eq!(Property::parse("X;A=\"b:c"), None);
    }
}
