//! `"Name" <uri>;params` and `uri;params` (RFC 3261 §20.10).

use std::{fmt, str::FromStr};

use crate::{
    scan,
    uri::{BadUri, Param, Uri, find_param},
};

/// The value of From, To, Contact, Route and their like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAddr {
    /// Unquoted.
    pub display: Option<String>,
    pub uri: Uri,
    /// Parameters of the field, not of the URI; values as spelt, quotes included.
    pub params: Vec<Param>,
}

impl NameAddr {
    pub fn new(uri: impl Into<Uri>) -> Self {
        NameAddr {
            display: None,
            uri: uri.into(),
            params: Vec::new(),
        }
    }

    pub fn param(&self, name: &str) -> Option<&str> {
        find_param(&self.params, name).flatten()
    }

    pub fn tag(&self) -> Option<&str> {
        self.param("tag")
    }

    pub fn with_tag(mut self, tag: &str) -> Self {
        self.params.retain(|(name, _)| name != "tag");
        self.params.push(("tag".to_owned(), Some(tag.to_owned())));
        self
    }

    pub fn without_tag(mut self) -> Self {
        self.params.retain(|(name, _)| name != "tag");
        self
    }
}

impl FromStr for NameAddr {
    type Err = BadUri;

    fn from_str(text: &str) -> Result<Self, BadUri> {
        let text = scan::trim(text);
        let Some(open) = scan::find(text, '<') else {
            return parse_bare(text);
        };
        let close = text[open..]
            .find('>')
            .map(|at| open + at)
            .ok_or(BadUri("bracket left open"))?;
        let uri = scan::trim(&text[open + 1..close]).parse()?;
        Ok(NameAddr {
            display: parse_display(scan::trim(&text[..open]))?,
            uri,
            params: parse_params(&text[close + 1..])?,
        })
    }
}

/// Without brackets everything behind `;` belongs to the field, and `?` and `,` may not occur.
fn parse_bare(text: &str) -> Result<NameAddr, BadUri> {
    let (uri, params) = text.split_at(text.find(';').unwrap_or(text.len()));
    if uri.contains(['?', ',', '"']) {
        return Err(BadUri("needs brackets"));
    }
    Ok(NameAddr {
        display: None,
        uri: scan::trim(uri).parse()?,
        params: parse_params(params)?,
    })
}

/// A quoted string, or words. More than the grammar's tokens is taken, as phones
/// send unquoted names in all scripts, but nothing that could be a separator.
fn parse_display(text: &str) -> Result<Option<String>, BadUri> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.starts_with('"') {
        if !scan::is_quoted_string(text) {
            return Err(BadUri("malformed display name"));
        }
        return Ok(Some(scan::unquote(text)).filter(|name| !name.is_empty()));
    }
    if text.contains([',', ';', ':', '"', '>', '@']) {
        return Err(BadUri("display name needs quotes"));
    }
    Ok(Some(text.to_owned()))
}

/// `;name=value;name`, from the first semicolon on.
pub(super) fn parse_params(text: &str) -> Result<Vec<Param>, BadUri> {
    let text = scan::trim(text);
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let rest = text
        .strip_prefix(';')
        .ok_or(BadUri("text behind the bracket"))?;
    let parts = scan::split(rest, ';').ok_or(BadUri("quote left open"))?;
    parts
        .into_iter()
        .map(|part| {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name, Some(scan::trim(value).to_owned())),
                None => (part, None),
            };
            let name = scan::trim(name);
            if !scan::is_token(name) {
                return Err(BadUri("malformed parameter"));
            }
            Ok((name.to_ascii_lowercase(), value))
        })
        .collect()
}

pub(super) fn write_params(f: &mut fmt::Formatter<'_>, params: &[Param]) -> fmt::Result {
    for (name, value) in params {
        match value {
            Some(value) => write!(f, ";{name}={value}")?,
            None => write!(f, ";{name}")?,
        }
    }
    Ok(())
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write!(f, "{} ", scan::quote(display))?;
        }
        write!(f, "<{}>", self.uri)?;
        write_params(f, &self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> NameAddr {
        text.parse().unwrap()
    }

    #[test]
    fn parameters_belong_to_the_field_unless_brackets_say_otherwise() {
        let bare = parse("sip:+1972@gw;unknownparam");
        assert_eq!(bare.params, [("unknownparam".to_owned(), None)]);
        assert_eq!(bare.to_string(), "<sip:+1972@gw>;unknownparam");

        let inside = parse("<sip:+1972@gw;unknownparam>");
        assert!(inside.params.is_empty());
        assert_eq!(inside.to_string(), "<sip:+1972@gw;unknownparam>");
    }

    #[test]
    fn white_space_may_stand_around_everything() {
        let to = parse("sip:vivekg@chair.example.com ;   tag    = 1918181833n");
        assert_eq!(to.tag(), Some("1918181833n"));
        let from = parse(r#""J Rosenberg \\\""       <sip:j@example.com>  ;   tag = 98asjd8"#);
        assert_eq!(from.display.as_deref(), Some(r#"J Rosenberg \""#));
        assert_eq!(from.tag(), Some("98asjd8"));
        assert_eq!(
            parse(r#"caller<sip:c@example.com>"#).display.as_deref(),
            Some("caller")
        );
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for text in [
            r#""Mr. J. User <sip:j.user@example.com>"#,
            "Bell, Alexander <sip:a@example.com>;tag=43",
            "sip:user@example.com?Route=%3Csip:x%3E",
            r#""Joe" <sip:joe@example.org>;;;;"#,
            "<sip:joe@example.org> tag=1",
            "",
        ] {
            assert!(text.parse::<NameAddr>().is_err(), "{text}");
        }
    }
}
