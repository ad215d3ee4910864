//! Short messages, over the company's gateway: one HTTP request for each.
//!
//! The notice's id goes along where the template wants it: a gateway that knows
//! it has sent this one already need not send it twice.

use std::time::Duration;

use domain::{
    NoticeId, PhoneNumber,
    company::SmsGateway,
    notice::{Trouble, TroubleKind},
};

use crate::http_out::{Answer, HttpOut, HttpOutError, Method, Request};

/// How long the gateway may take.
const WITHIN: Duration = Duration::from_secs(15);

pub async fn send(
    http: &HttpOut,
    gateway: &SmsGateway,
    id: NoticeId,
    to: &PhoneNumber,
    text: &str,
) -> Result<(), Trouble> {
    let refused = |detail: String| Trouble::new(TroubleKind::Refused, detail);
    let mut headers = vec![("content-type", gateway.content_type.clone())];
    if let Some(token) = &gateway.token {
        headers.push(("authorization", format!("Bearer {}", token.reveal())));
    }
    let request = Request {
        method: Method::POST,
        url: gateway.url.parse().map_err(refused)?,
        headers,
        body: fill(gateway, &id.to_string(), to, text).into_bytes(),
        within: WITHIN,
    };
    judge(http.send(request).await)
}

/// The request: what is filled in is written as its type wants it.
fn fill(gateway: &SmsGateway, id: &str, to: &PhoneNumber, text: &str) -> String {
    let is_json = gateway.content_type.contains("json");
    let is_form = gateway.content_type.contains("form-urlencoded");
    let write = |value: &str| {
        if is_json {
            // Its quotes stand in the template.
            let quoted = serde_json::Value::from(value).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        } else if is_form {
            percent(value)
        } else {
            value.to_owned()
        }
    };
    let gaps = [("{to}", to.as_str()), ("{text}", text), ("{id}", id)];
    let mut filled = String::new();
    let mut rest = gateway.template.as_str();
    // What is filled in is not looked at again.
    while let Some((at, gap, value)) = gaps
        .iter()
        .filter_map(|(gap, value)| Some((rest.find(gap)?, *gap, *value)))
        .min()
    {
        filled.push_str(&rest[..at]);
        filled.push_str(&write(value));
        rest = &rest[at + gap.len()..];
    }
    filled + rest
}

fn percent(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// A 2xx is taken; a 4xx is refused for good, but for those that say "later" or are
/// about our token, which can be mended.
pub fn judge(answer: Result<Answer, HttpOutError>) -> Result<(), Trouble> {
    let answer = match answer {
        Ok(answer) if answer.is_success() => return Ok(()),
        Ok(answer) => answer,
        Err(error @ HttpOutError::Forbidden { .. }) => {
            return Err(Trouble::new(TroubleKind::Refused, error.to_string()));
        }
        Err(error) => return Err(Trouble::new(TroubleKind::Unreachable, error.to_string())),
    };
    let kind = match answer.status {
        401 | 403 | 404 | 408 | 425 | 429 => TroubleKind::Unreachable,
        400..=499 => TroubleKind::Refused,
        _ => TroubleKind::Unreachable,
    };
    let said: String = String::from_utf8_lossy(&answer.body)
        .chars()
        .take(120)
        .collect();
    Err(Trouble::new(
        kind,
        format!("HTTP {}: {said}", answer.status),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(content_type: &str, template: &str) -> SmsGateway {
        SmsGateway {
            url: "https://sms.example/send".to_owned(),
            content_type: content_type.to_owned(),
            template: template.to_owned(),
            token: None,
        }
    }

    #[test]
    fn a_text_stays_a_text_in_whatever_it_is_filled_into() {
        let to: PhoneNumber = "+79162040001".parse().unwrap();
        let text = "Roll \"{to}\" & so on\n";
        let json = gateway(
            "application/json",
            r#"{"to":"{to}","text":"{text}","ref":"{id}"}"#,
        );
        let filled: serde_json::Value = serde_json::from_str(&fill(&json, "7", &to, text)).unwrap();
        assert_eq!(filled["text"], text);
        assert_eq!(
            (&filled["to"], &filled["ref"]),
            (&"+79162040001".into(), &"7".into())
        );

        let form = gateway("application/x-www-form-urlencoded", "phone={to}&msg={text}");
        assert_eq!(
            fill(&form, "7", &to, "a&b=ü"),
            "phone=%2B79162040001&msg=a%26b%3D%C3%BC"
        );
    }

    #[test]
    fn a_gateway_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
        let of = |status| {
            let answer = Answer {
                status,
                content_type: None,
                retry_after: None,
                body: Vec::new(),
            };
            judge(Ok(answer)).map_err(|trouble| trouble.kind)
        };
        assert_eq!(of(202), Ok(()));
        assert_eq!(of(422), Err(TroubleKind::Refused));
        for later in [302, 401, 429, 500, 503] {
            assert_eq!(of(later), Err(TroubleKind::Unreachable), "{later}");
        }
    }
}
