//! Why something ended: `Reason` headers (RFC 3326) with SIP and Q.850 causes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::scan;

/// One value of a `Reason` header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// `Q.850`, `SIP`, …, as spelt.
    pub protocol: String,
    pub cause: Option<u16>,
    pub text: Option<String>,
    /// Where in the network the cause arose (Q.850 §2.2.3), where a gateway tells it.
    pub location: Option<Location>,
}

/// A Q.850 location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Location {
    User,
    PrivateLocal,
    PublicLocal,
    Transit,
    PublicRemote,
    PrivateRemote,
    International,
    Beyond,
}

impl Location {
    fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_uppercase().as_str() {
            "U" | "USER" | "0" => Location::User,
            "LPN" | "1" => Location::PrivateLocal,
            "LN" | "2" => Location::PublicLocal,
            "TN" | "3" => Location::Transit,
            "RLN" | "4" => Location::PublicRemote,
            "RPN" | "5" => Location::PrivateRemote,
            "INTL" | "LOC-6" | "7" => Location::International,
            "BI" | "10" => Location::Beyond,
            _ => return None,
        })
    }

    fn code(self) -> &'static str {
        match self {
            Location::User => "U",
            Location::PrivateLocal => "LPN",
            Location::PublicLocal => "LN",
            Location::Transit => "TN",
            Location::PublicRemote => "RLN",
            Location::PrivateRemote => "RPN",
            Location::International => "INTL",
            Location::Beyond => "BI",
        }
    }
}

impl Reason {
    pub fn q850(cause: u16, text: &str) -> Self {
        Reason {
            protocol: "Q.850".to_owned(),
            cause: Some(cause),
            text: Some(text.to_owned()),
            location: None,
        }
    }

    pub fn sip(status: u16, text: &str) -> Self {
        Reason {
            protocol: "SIP".to_owned(),
            ..Reason::q850(status, text)
        }
    }

    pub fn is_q850(&self) -> bool {
        self.protocol.eq_ignore_ascii_case("Q.850")
    }

    /// Reads all values of one header line. What is malformed is left out: a
    /// reason is advice, and bad advice must not cost the call.
    pub fn parse_list(line: &str) -> Vec<Reason> {
        scan::split(line, ',')
            .unwrap_or_default()
            .into_iter()
            .filter_map(Reason::parse)
            .collect()
    }

    fn parse(text: &str) -> Option<Reason> {
        let mut parts = scan::split(text, ';')?.into_iter().map(scan::trim);
        let protocol = parts.next().filter(|p| scan::is_token(p))?.to_owned();
        let mut reason = Reason {
            protocol,
            cause: None,
            text: None,
            location: None,
        };
        for part in parts {
            let Some((name, value)) = part.split_once('=') else {
                continue;
            };
            let value = scan::unquote(scan::trim(value));
            match scan::trim(name).to_ascii_lowercase().as_str() {
                "cause" => reason.cause = value.parse().ok(),
                "text" => reason.text = Some(value),
                "location" | "isup-location" => reason.location = Location::parse(&value),
                _ => {}
            }
        }
        Some(reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.protocol)?;
        if let Some(cause) = self.cause {
            write!(f, ";cause={cause}")?;
        }
        if let Some(text) = &self.text {
            write!(f, ";text={}", scan::quote(text))?;
        }
        if let Some(location) = self.location {
            write!(f, ";location={}", location.code())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_values_in_one_line_are_all_read() {
        let reasons = Reason::parse_list(
            r#"Q.850 ;cause=16 ;text="Terminated, normally";location=U, SIP;cause=480"#,
        );

        assert_eq!(reasons.len(), 2);
        assert_eq!(reasons[0].cause, Some(16));
        assert_eq!(reasons[0].text.as_deref(), Some("Terminated, normally"));
        assert_eq!(reasons[0].location, Some(Location::User));
        assert_eq!(
            (reasons[1].protocol.as_str(), reasons[1].cause),
            ("SIP", Some(480))
        );
    }

    #[test]
    fn a_reason_written_is_read_back() {
        let reason = Reason {
            location: Some(Location::PrivateRemote),
            ..Reason::q850(21, "Call \"rejected\"")
        };

        assert_eq!(Reason::parse_list(&reason.to_string()), [reason]);
    }

    #[test]
    fn malformed_advice_is_left_out() {
        assert_eq!(Reason::parse_list("\"open"), []);
        assert_eq!(Reason::parse_list(";;,"), []);
        assert_eq!(Reason::parse_list("Q.850;cause=99999")[0].cause, None);
    }
}
