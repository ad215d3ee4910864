//! SIP and SIPS URIs, and any others as opaque text (RFC 3261 §19.1).
//!
//! The user part is kept unescaped: `%61lice` and `alice` are the same user. Nothing
//! a URI carries in escapes ever becomes a header, a host or a scheme.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::{flow::Transport, scan};

/// Why a text is not a URI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Not a URI: {0}")]
pub struct BadUri(pub &'static str);

/// Any URI: one we can route, or one we can only copy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Uri {
    Sip(SipUri),
    /// `tel:`, `http:`, …; `rest` is what follows the colon, verbatim.
    Other {
        scheme: String,
        rest: String,
    },
}

impl Uri {
    pub fn as_sip(&self) -> Option<&SipUri> {
        match self {
            Uri::Sip(uri) => Some(uri),
            Uri::Other { .. } => None,
        }
    }

    /// The user of a SIP URI or the number of a `tel:` URI.
    pub fn user(&self) -> Option<&str> {
        match self {
            Uri::Sip(uri) => uri.user.as_deref(),
            Uri::Other { scheme, rest } if scheme.eq_ignore_ascii_case("tel") => {
                rest.split(';').next()
            }
            Uri::Other { .. } => None,
        }
    }
}

impl From<SipUri> for Uri {
    fn from(uri: SipUri) -> Self {
        Uri::Sip(uri)
    }
}

impl FromStr for Uri {
    type Err = BadUri;

    fn from_str(text: &str) -> Result<Self, BadUri> {
        let (scheme, rest) = text.split_once(':').ok_or(BadUri("no scheme"))?;
        if scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips") {
            return text.parse().map(Uri::Sip);
        }
        let mut chars = scheme.chars();
        let well_formed = chars.next().is_some_and(|c| c.is_ascii_alphabetic())
            && chars.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        if !well_formed || rest.is_empty() || has_space_or_bracket(rest) {
            return Err(BadUri("malformed scheme or nothing behind it"));
        }
        Ok(Uri::Other {
            scheme: scheme.to_owned(),
            rest: rest.to_owned(),
        })
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Uri::Sip(uri) => uri.fmt(f),
            Uri::Other { scheme, rest } => write!(f, "{scheme}:{rest}"),
        }
    }
}

/// The host of a URI or a Via.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Host {
    Ip(IpAddr),
    /// Lower case.
    Name(String),
}

impl Host {
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Host::Ip(ip) => Some(*ip),
            Host::Name(_) => None,
        }
    }

    /// Splits `host[:port]` (RFC 5118 §4.3: a port after IPv6 stands behind the bracket).
    pub fn parse_with_port(text: &str) -> Result<(Host, Option<u16>), BadUri> {
        let (host, port) = if text.starts_with('[') {
            let end = text.find(']').ok_or(BadUri("IPv6 bracket left open"))?;
            let rest = &text[end + 1..];
            match rest.strip_prefix(':') {
                Some(port) => (&text[..=end], Some(port)),
                None if rest.is_empty() => (text, None),
                None => return Err(BadUri("text behind the IPv6 bracket")),
            }
        } else {
            match text.split_once(':') {
                Some((host, port)) => (scan::trim(host), Some(scan::trim(port))),
                None => (text, None),
            }
        };
        let port = match port {
            Some(port) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
                Some(port.parse().map_err(|_| BadUri("port above 65535"))?)
            }
            Some(_) => return Err(BadUri("port is not a number")),
            None => None,
        };
        Ok((host.parse()?, port))
    }
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        Host::Ip(ip)
    }
}

impl FromStr for Host {
    type Err = BadUri;

    fn from_str(text: &str) -> Result<Self, BadUri> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(BadUri("bracket"))?;
            let ip: Ipv6Addr = inner.parse().map_err(|_| BadUri("not an IPv6 address"))?;
            return Ok(Host::Ip(ip.into()));
        }
        if let Ok(ip) = text.parse::<std::net::Ipv4Addr>() {
            return Ok(Host::Ip(ip.into()));
        }
        let valid = !text.is_empty()
            && text.len() <= 255
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        if !valid {
            return Err(BadUri("not a host"));
        }
        Ok(Host::Name(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Ip(IpAddr::V4(ip)) => ip.fmt(f),
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Host::Name(name) => name.fmt(f),
        }
    }
}

/// A URI parameter or header field: its name, and its value where it has one.
pub type Param = (String, Option<String>);

/// A `sip:` or `sips:` URI.
///
/// Derived equality is by spelling (after unescaping); the comparison of
/// RFC 3261 §19.1.4 is [`SipUri::matches`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SipUri {
    pub secure: bool,
    /// Unescaped.
    pub user: Option<String>,
    /// Unescaped. Never written into requests we originate.
    pub password: Option<String>,
    pub host: Host,
    pub port: Option<u16>,
    /// Unescaped names (lower case) and values, in their order.
    pub params: Vec<Param>,
    /// `?name=value&…`, verbatim, as only comparison ever needs them.
    pub headers: Vec<Param>,
}

impl SipUri {
    pub fn new(user: Option<&str>, host: Host, port: Option<u16>) -> Self {
        SipUri {
            secure: false,
            user: user.map(str::to_owned),
            password: None,
            host,
            port,
            params: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// `sip:user@address`, the port left out where it is 5060.
    pub fn at(user: Option<&str>, address: SocketAddr) -> Self {
        let port = (address.port() != 5060).then_some(address.port());
        SipUri::new(user, address.ip().into(), port)
    }

    pub fn with_param(mut self, name: &str, value: Option<&str>) -> Self {
        self.params
            .push((name.to_owned(), value.map(str::to_owned)));
        self
    }

    pub fn param(&self, name: &str) -> Option<Option<&str>> {
        find_param(&self.params, name)
    }

    /// The transport the URI asks for; UDP where it says nothing.
    pub fn transport(&self) -> Option<Transport> {
        match self.param("transport").flatten() {
            None => Some(Transport::Udp),
            Some(name) if name.eq_ignore_ascii_case("udp") => Some(Transport::Udp),
            Some(name) if name.eq_ignore_ascii_case("tcp") => Some(Transport::Tcp),
            Some(_) => None,
        }
    }

    /// Whether a proxy with this Record-Route URI routes loosely (RFC 3261 §16.12).
    pub fn is_loose(&self) -> bool {
        self.param("lr").is_some()
    }

    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(if self.secure { 5061 } else { 5060 })
    }

    /// Whether both name the same resource (RFC 3261 §19.1.4).
    pub fn matches(&self, other: &SipUri) -> bool {
        const MUST_AGREE: [&str; 4] = ["user", "ttl", "method", "maddr"];
        let same_or_absent = |(name, value): &Param, in_other: &[Param]| {
            match find_param(in_other, name) {
                Some(theirs) => eq_ignore_case(value.as_deref(), theirs),
                // `transport` absent is not the same as `transport=udp`.
                None => !MUST_AGREE.contains(&name.as_str()) && name != "transport",
            }
        };
        let same_headers = |a: &[Param], b: &[Param]| {
            a.iter().all(|(name, value)| {
                find_param(b, name).is_some_and(|theirs| eq_ignore_case(value.as_deref(), theirs))
            })
        };
        self.secure == other.secure
            && self.user == other.user
            && self.password == other.password
            && self.host == other.host
            && self.port == other.port
            && self.params.iter().all(|p| same_or_absent(p, &other.params))
            && other.params.iter().all(|p| same_or_absent(p, &self.params))
            && same_headers(&self.headers, &other.headers)
            && same_headers(&other.headers, &self.headers)
    }
}

pub(crate) fn find_param<'a>(params: &'a [Param], name: &str) -> Option<Option<&'a str>> {
    params
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_deref())
}

fn eq_ignore_case(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn has_space_or_bracket(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_control() || matches!(c, ' ' | '<' | '>' | '"'))
}

impl FromStr for SipUri {
    type Err = BadUri;

    fn from_str(text: &str) -> Result<Self, BadUri> {
        if has_space_or_bracket(text) {
            return Err(BadUri("space, bracket or control character"));
        }
        let (scheme, rest) = text.split_once(':').ok_or(BadUri("no scheme"))?;
        let secure = scheme.eq_ignore_ascii_case("sips");
        if !secure && !scheme.eq_ignore_ascii_case("sip") {
            return Err(BadUri("not a SIP scheme"));
        }
        // Neither parameters nor headers may hold a bare `@`, but a user part may hold `;` and `?`.
        let (userinfo, rest) = match rest.rsplit_once('@') {
            Some((userinfo, rest)) => (Some(userinfo), rest),
            None => (None, rest),
        };
        let (user, password) = match userinfo {
            None => (None, None),
            Some("") => return Err(BadUri("empty user")),
            Some(info) => match info.split_once(':') {
                Some((user, password)) => (Some(unescape(user)?), Some(unescape(password)?)),
                None => (Some(unescape(info)?), None),
            },
        };
        let (rest, headers) = match rest.split_once('?') {
            Some((rest, headers)) => (rest, split_headers(headers)?),
            None => (rest, Vec::new()),
        };
        let mut parts = rest.split(';');
        let (host, port) = Host::parse_with_port(parts.next().unwrap_or_default())?;
        let params = parts.map(split_param).collect::<Result<_, _>>()?;
        Ok(SipUri {
            secure,
            user,
            password,
            host,
            port,
            params,
            headers,
        })
    }
}

fn split_param(text: &str) -> Result<Param, BadUri> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(unescape(value)?)),
        None => (text, None),
    };
    if name.is_empty() {
        return Err(BadUri("parameter without a name"));
    }
    Ok((unescape(name)?.to_ascii_lowercase(), value))
}

fn split_headers(text: &str) -> Result<Vec<Param>, BadUri> {
    text.split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok((name.to_owned(), Some(value.to_owned())))
            }
            Some(_) | None => Err(BadUri("malformed header part")),
        })
        .collect()
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secure { "sips:" } else { "sip:" })?;
        if let Some(user) = &self.user {
            escape(f, user, b"&=+$,;?/")?;
            if let Some(password) = &self.password {
                f.write_str(":")?;
                escape(f, password, b"&=+$,")?;
            }
            f.write_str("@")?;
        }
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        for (name, value) in &self.params {
            f.write_str(";")?;
            escape(f, name, b"[]/:&+$")?;
            if let Some(value) = value {
                f.write_str("=")?;
                escape(f, value, b"[]/:&+$")?;
            }
        }
        for (nth, (name, value)) in self.headers.iter().enumerate() {
            f.write_str(if nth == 0 { "?" } else { "&" })?;
            write!(f, "{name}={}", value.as_deref().unwrap_or_default())?;
        }
        Ok(())
    }
}

impl TryFrom<String> for SipUri {
    type Error = BadUri;

    fn try_from(text: String) -> Result<Self, BadUri> {
        text.parse()
    }
}

impl From<SipUri> for String {
    fn from(uri: SipUri) -> Self {
        uri.to_string()
    }
}

/// Undoes `%XX`. A `%` without two hex digits is an error, as is text that is not UTF-8.
fn unescape(text: &str) -> Result<String, BadUri> {
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    let hex = |byte: u8| char::from(byte).to_digit(16);
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            plain.push(byte);
            continue;
        }
        let digits = bytes.next().and_then(hex).zip(bytes.next().and_then(hex));
        let (high, low) = digits.ok_or(BadUri("malformed escape"))?;
        plain.push(u8::try_from(high * 16 + low).map_err(|_| BadUri("malformed escape"))?);
    }
    String::from_utf8(plain).map_err(|_| BadUri("escapes are not UTF-8"))
}

/// Writes `text` with everything escaped but the unreserved characters and `allowed`.
fn escape(f: &mut fmt::Formatter<'_>, text: &str, allowed: &[u8]) -> fmt::Result {
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) || allowed.contains(&byte) {
            write!(f, "{}", char::from(byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> SipUri {
        text.parse().unwrap()
    }

    #[test]
    fn escapes_never_change_what_part_of_the_uri_a_text_belongs_to() {
        let escaped = uri("sip:sips%3Auser%40example.com@example.net");
        assert!(!escaped.secure);
        assert_eq!(escaped.user.as_deref(), Some("sips:user@example.com"));
        assert_eq!(escaped.host, Host::Name("example.net".into()));
        assert_eq!(
            escaped.to_string(),
            "sip:sips%3Auser%40example.com@example.net"
        );

        assert!(uri("sip:host;%6C%72").is_loose());
        assert_eq!(
            uri("sip:user;par=u%40example.net@example.com")
                .user
                .as_deref(),
            Some("user;par=u@example.net")
        );
        assert_ne!(uri("sip:null-%00-null@a"), uri("sip:null-@a"));
    }

    #[test]
    fn ipv6_ports_stand_behind_the_bracket() {
        let ambiguous = uri("sip:[2001:db8::10:5070]");
        assert_eq!(ambiguous.port, None);
        assert_eq!(uri("sip:[2001:db8::10]:5070").port, Some(5070));
        assert!("sip:2001:db8::10".parse::<SipUri>().is_err());
        assert_eq!(
            uri("sip:a@[::ffff:192.0.2.1]").host.ip().unwrap(),
            "::ffff:192.0.2.1".parse::<IpAddr>().unwrap()
        );
    }

    #[test]
    fn comparison_follows_the_examples_of_the_rfc() {
        let same = [
            (
                "sip:%61lice@atlanta.com;transport=TCP",
                "sip:alice@AtLanTa.CoM;Transport=tcp",
            ),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            (
                "sip:carol@chicago.com;security=on",
                "sip:carol@chicago.com;newparam=5",
            ),
            (
                "sip:alice@a.com?subject=x&priority=urgent",
                "sip:alice@a.com?priority=URGENT&subject=x",
            ),
        ];
        let different = [
            (
                "SIP:ALICE@AtLanTa.CoM;Transport=udp",
                "sip:alice@AtLanTa.CoM;Transport=UDP",
            ),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            (
                "sip:carol@chicago.com",
                "sip:carol@chicago.com?Subject=next",
            ),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            (
                "sip:carol@chicago.com;security=off",
                "sip:carol@chicago.com;security=on",
            ),
        ];
        for (a, b) in same {
            assert!(uri(a).matches(&uri(b)), "{a} {b}");
        }
        for (a, b) in different {
            assert!(!uri(a).matches(&uri(b)), "{a} {b}");
            assert!(!uri(b).matches(&uri(a)), "{a} {b}");
        }
    }

    #[test]
    fn what_is_not_a_uri_is_refused() {
        for text in [
            "sip:",
            "sip:@host",
            "sip:a b@host",
            "sip:a@host:port",
            "sip:a@host:99999",
            "<sip:a@b>",
            "sip:a%4@b",
            "sip:a@b;;",
        ] {
            assert!(text.parse::<SipUri>().is_err(), "{text}");
        }
        assert!(matches!("isbn:2983792873".parse(), Ok(Uri::Other { .. })));
        assert_eq!(
            "tel:+4930100;ext=1".parse::<Uri>().unwrap().user(),
            Some("+4930100")
        );
    }
}
