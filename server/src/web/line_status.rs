//! `/api/v1/trunks/{id}/line-status`: what an operator tells of a line, unasked.
//!
//! The operator is known by his trunk's bearer token, and speaks of the lines
//! behind that trunk alone. He may send JSON, or hand on an SMS ("the subscriber
//! is back in the network") as a form, as SMS gateways do.

use api::{ErrorBody, ErrorCode, LineStatus};
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use domain::{
    PhoneNumber, TrunkId,
    line::{Evidence, OperatorState},
};
use store::CompanyDirectory;

use super::{
    App,
    error::ApiError,
    json::{self, Path},
};
use crate::{
    company_file::token_hash,
    operators::{self, Nonsense, OperatorSays},
};

/// Takes what an operator says of a line as evidence, or that it is back in the network.
///
/// With the trunk's token as bearer. `application/json` as described, or
/// `application/x-www-form-urlencoded` with the text of an SMS in `text`, and the
/// number in `number` where the text does not name it.
#[utoipa::path(post, path = "/trunks/{id}/line-status", tag = "lines",
    params(("id" = TrunkId, Path, description = "The trunk")),
    request_body = LineStatus,
    responses(
        (status = 204, description = "Taken in"),
        (status = 401, body = ErrorBody, description = "`wrong_token`; a trunk that is not there looks the same"),
        (status = 415, body = ErrorBody, description = "`unsupported_media_type`"),
        (status = 422, body = ErrorBody, description = "`bad_number`, `unknown_line`, `bad_line_state`, `bad_evidence_time`, `no_notice`"),
    )
)]
pub(super) async fn tell(
    State(app): State<App>,
    Path(id): Path<TrunkId>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let directory = app.directory().await?;
    let wrong_token = || ApiError::new(ErrorCode::WrongToken);
    let token = bearer(&headers).ok_or_else(wrong_token)?;
    let (company, trunk) = directory
        .companies
        .values()
        .find_map(|company| {
            let trunk = company.trunks.iter().find(|trunk| trunk.id == id)?;
            Some((company, trunk))
        })
        .filter(|(_, trunk)| {
            // Hashes are compared, so what the time tells is worth nothing.
            trunk.status.push_token_sha256.as_deref() == Some(token_hash(token).as_str())
        })
        .ok_or_else(wrong_token)?;
    let told = match media_type(&headers).as_str() {
        "application/json" => of_json(json::read(&body)?)?,
        "application/x-www-form-urlencoded" => of_form(&body)?,
        _ => return Err(ApiError::new(ErrorCode::UnsupportedMediaType)),
    };
    let (number, state, at) = told;
    let now = app.now();
    let said = OperatorSays::check(state, at, now).map_err(|nonsense| {
        tracing::warn!(trunk = trunk.name, %number, %nonsense, "The operator's word is not taken");
        match nonsense {
            Nonsense::Future(_) | Nonsense::Old(_) | Nonsense::Unreadable(_) => {
                ApiError::new(ErrorCode::BadEvidenceTime)
                    .at("at")
                    .with("time", at.unwrap_or_default())
            }
        }
    })?;
    let line = line_of(company, id, &number)?;
    let evidence = Evidence::operator(said.state, &trunk.name, said.at);
    app.live.told(&line, evidence, now);
    Ok(StatusCode::NO_CONTENT)
}

fn line_of(
    company: &CompanyDirectory,
    trunk: TrunkId,
    number: &PhoneNumber,
) -> Result<domain::line::LineKey, ApiError> {
    operators::line_behind(company, trunk, number).ok_or_else(|| {
        ApiError::new(ErrorCode::UnknownLine)
            .at("number")
            .with("number", number)
    })
}

type Told = (PhoneNumber, OperatorState, Option<i64>);

fn of_json(told: LineStatus) -> Result<Told, ApiError> {
    let state = serde_json::from_value(told.state.clone().into()).map_err(|_| {
        let shown: String = told.state.chars().take(40).collect();
        ApiError::new(ErrorCode::BadLineState)
            .at("state")
            .with("state", shown)
    })?;
    Ok((parse_number(&told.number)?, state, told.at))
}

/// An SMS as a gateway hands it on.
fn of_form(body: &[u8]) -> Result<Told, ApiError> {
    let (mut text, mut number) = (None, None);
    for (name, value) in form_fields(body) {
        match name.as_str() {
            "text" | "message" | "body" => text = Some(value),
            "number" | "msisdn" => number = Some(value),
            _ => {}
        }
    }
    let no_notice = || ApiError::new(ErrorCode::NoNotice).at("text");
    // A number beside the text stands for one that the text leaves out.
    let text = text.ok_or_else(no_notice)?;
    let named = operators::notice(&text).or_else(|| {
        let number = number.as_deref()?;
        operators::notice(&format!("{text} {number}"))
    });
    let number = named.ok_or_else(no_notice)?;
    Ok((number, OperatorState::BackInNetwork, None))
}

fn parse_number(number: &str) -> Result<PhoneNumber, ApiError> {
    PhoneNumber::parse(number).map_err(|error| ApiError::bad_number("number", number, &error))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let bare = value.split(';').next().unwrap_or_default();
    bare.trim().to_ascii_lowercase()
}

/// The fields of a form, decoded; what is not UTF-8 is replaced.
fn form_fields(body: &[u8]) -> Vec<(String, String)> {
    let pairs = body.split(|byte| *byte == b'&').take(50);
    pairs
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = pair.split_at(at.unwrap_or(pair.len()));
            (decoded(name), decoded(value.get(1..).unwrap_or_default()))
        })
        .collect()
}

fn decoded(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let hex = after
            .get(..2)
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            (byte, _) => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded_and_its_notice_read() {
        let body = "from=Operator&text=%D0%90%D0%B1%D0%BE%D0%BD%D0%B5%D0%BD%D1%82+%2B79162120003+%D1%81%D0%BD%D0%BE%D0%B2%D0%B0+%D0%B2+%D1%81%D0%B5%D1%82%D0%B8";
        let (number, state, _) = of_form(body.as_bytes()).unwrap();
        assert_eq!(number.as_str(), "+79162120003");
        assert_eq!(state, OperatorState::BackInNetwork);

        let beside = of_form(b"number=%2B79162120003&text=He+is+back+online").unwrap();
        assert_eq!(beside.0.as_str(), "+79162120003");
        for nothing in ["", "text=", "text=%D0", "number=%2B79162120003", "%%%=%"] {
            assert!(of_form(nothing.as_bytes()).is_err(), "{nothing}");
        }
    }
}
