//! Header fields in their order, under canonical names.

use crate::scan;

/// Names with a canonical spelling, and their compact form where they have one
/// (RFC 3261 §7.3.3 and the extensions we meet).
const KNOWN: [(&str, &str); 55] = [
    ("Accept", ""),
    ("Accept-Contact", "a"),
    ("Accept-Encoding", ""),
    ("Accept-Language", ""),
    ("Alert-Info", ""),
    ("Allow", ""),
    ("Allow-Events", "u"),
    ("Authentication-Info", ""),
    ("Authorization", ""),
    ("Call-ID", "i"),
    ("Contact", "m"),
    ("Content-Disposition", ""),
    ("Content-Encoding", "e"),
    ("Content-Length", "l"),
    ("Content-Type", "c"),
    ("CSeq", ""),
    ("Date", ""),
    ("Diversion", ""),
    ("Event", "o"),
    ("Expires", ""),
    ("From", "f"),
    ("History-Info", ""),
    ("Identity", "y"),
    ("Max-Forwards", ""),
    ("MIME-Version", ""),
    ("Min-Expires", ""),
    ("Min-SE", ""),
    ("P-Asserted-Identity", ""),
    ("P-Preferred-Identity", ""),
    ("Path", ""),
    ("Privacy", ""),
    ("Proxy-Authenticate", ""),
    ("Proxy-Authorization", ""),
    ("Proxy-Require", ""),
    ("RAck", ""),
    ("Reason", ""),
    ("Record-Route", ""),
    ("Refer-To", "r"),
    ("Referred-By", "b"),
    ("Reject-Contact", "j"),
    ("Remote-Party-ID", ""),
    ("Require", ""),
    ("Retry-After", ""),
    ("Route", ""),
    ("RSeq", ""),
    ("Session-Expires", "x"),
    ("SIP-ETag", ""),
    ("SIP-If-Match", ""),
    ("Subject", "s"),
    ("Subscription-State", ""),
    ("Supported", "k"),
    ("To", "t"),
    ("Unsupported", ""),
    ("Via", "v"),
    ("Warning", ""),
];

/// The canonical spelling; names we do not know keep theirs.
fn canonical(name: &str) -> String {
    KNOWN
        .iter()
        .find(|(long, compact)| {
            long.eq_ignore_ascii_case(name)
                || (!compact.is_empty() && compact.eq_ignore_ascii_case(name))
        })
        .map_or_else(|| name.to_owned(), |(long, _)| (*long).to_owned())
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first field of this (long) name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All fields of this (long) name, one per line.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All values of a comma-separated field, over all its lines. A line with a
    /// quote left open counts as one value.
    pub fn list<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.all(name)
            .flat_map(|line| scan::split(line, ',').unwrap_or_else(|| vec![line]))
            .map(scan::trim)
    }

    /// Whether a list of tokens (`Supported`, `Require`) names this one.
    pub fn lists(&self, name: &str, token: &str) -> bool {
        self.list(name).any(|t| t.eq_ignore_ascii_case(token))
    }

    /// Appends a field. What would break the line is replaced by a space.
    pub fn push(&mut self, name: &str, value: &str) {
        self.0.push((canonical(name), clean(value)));
    }

    /// Puts a field in front of all others.
    pub fn push_front(&mut self, name: &str, value: &str) {
        self.0.insert(0, (canonical(name), clean(value)));
    }

    /// Replaces the first field of this name in place, drops the others; appends
    /// where there was none.
    pub fn set(&mut self, name: &str, value: &str) {
        let Some(at) = self.position(name) else {
            return self.push(name, value);
        };
        self.0[at].1 = clean(value);
        let mut index = 0;
        self.0.retain(|(n, _)| {
            index += 1;
            index - 1 <= at || !n.eq_ignore_ascii_case(name)
        });
    }

    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    /// Replaces the first line of this name, leaving further lines alone.
    pub fn replace_first(&mut self, name: &str, value: &str) {
        if let Some(at) = self.position(name) {
            self.0[at].1 = clean(value);
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.0
            .iter()
            .position(|(n, _)| n.eq_ignore_ascii_case(name))
    }
}

fn clean(value: &str) -> String {
    scan::trim(value).replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_and_odd_spellings_are_one_name() {
        let mut headers = Headers::default();
        headers.push("f", "a");
        headers.push("cSEQ", "1 INVITE");
        headers.push("x-OWN", "kept");

        let names: Vec<&str> = headers.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["From", "CSeq", "x-OWN"]);
    }

    #[test]
    fn setting_keeps_the_place_and_drops_the_doubles() {
        let mut headers = Headers::default();
        for (name, value) in [("To", "1"), ("Via", "a"), ("Via", "b"), ("From", "2")] {
            headers.push(name, value);
        }
        headers.set("Via", "c");

        let all: Vec<_> = headers.iter().collect();
        assert_eq!(all, [("To", "1"), ("Via", "c"), ("From", "2")]);
    }

    #[test]
    fn a_value_cannot_smuggle_in_a_line() {
        let mut headers = Headers::default();
        headers.push("Subject", "x\r\nRoute: <sip:evil>");
        assert_eq!(headers.get("Subject"), Some("x  Route: <sip:evil>"));
    }
}
