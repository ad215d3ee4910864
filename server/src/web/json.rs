//! Reading requests: bodies, paths and queries, each refusal with its place.

use api::{ErrorCode, ErrorDetails};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;

use super::{error::ApiError, texts::Phrase};

/// No request of ours is near it: 500 participants take 60 kB.
pub(super) const BODY_LIMIT: usize = 256 * 1024;

/// A JSON body, in or out.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(&request) {
            return Err(ApiError::new(ErrorCode::UnsupportedMediaType));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(too_large)?;
        read(&bytes).map(Json)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The body of a browser's form is never JSON: this is half of the protection against forged requests.
fn is_json(request: &Request) -> bool {
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| {
        let essence = kind.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    })
}

fn too_large(rejection: BytesRejection) -> ApiError {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::new(ErrorCode::BodyTooLarge).with("limit", BODY_LIMIT / 1024)
        }
        _ => ApiError::new(ErrorCode::MalformedJson)
            .with("line", 1)
            .with("column", 1),
    }
}

pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        refuse(&path, error.inner())
    })?;
    deserializer.end().map_err(|error| refuse(".", &error))?;
    Ok(value)
}

fn refuse(path: &str, error: &serde_json::Error) -> ApiError {
    match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => {
            let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
            let column = u32::try_from(error.column()).unwrap_or(u32::MAX);
            ApiError::new(ErrorCode::MalformedJson)
                .with("line", line)
                .with("column", column)
                .details(ErrorDetails::Position { line, column })
        }
        Category::Data => wrong_data(path, &error.to_string()),
    }
}

/// What serde says about data that is JSON but not what was asked for. Its words
/// are stable; should they change, the answer is still "wrong type" at the right place.
fn wrong_data(path: &str, message: &str) -> ApiError {
    let path = if path == "." { "" } else { path };
    let named = |prefix: &str| -> Option<String> {
        let name = message.strip_prefix(prefix)?.split('`').next()?;
        Some(name.to_owned())
    };
    if let Some(name) = named("unknown field `") {
        let field = if path.ends_with(&name) {
            path.to_owned()
        } else {
            join(path, &name)
        };
        return ApiError::new(ErrorCode::UnknownField)
            .with("name", &field)
            .at(field);
    }
    if let Some(name) = named("missing field `") {
        let field = join(path, &name);
        return ApiError::new(ErrorCode::MissingField)
            .with("name", &field)
            .at(field);
    }
    let name = if path.is_empty() { "JSON" } else { path };
    let error = ApiError::new(ErrorCode::WrongType)
        .with("name", name)
        .with_phrase("problem", expectation(message));
    if path.is_empty() {
        error
    } else {
        error.at(path)
    }
}

/// What was expected, in our own words where we have some.
fn expectation(message: &str) -> Phrase {
    let message = message.split(" at line ").next().unwrap_or(message);
    if message.contains("UUID") {
        return Phrase::new("problems.id_expected");
    }
    let Some((_, expected)) = message.rsplit_once("expected ") else {
        return Phrase::new("problems.other").with("problem", message);
    };
    let whole_numbers = ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"];
    if expected.contains('`') {
        let words: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        return Phrase::new("problems.one_of").with("words", words.join(", "));
    }
    Phrase::new(match expected {
        "a string" => "problems.text_expected",
        "a boolean" => "problems.boolean_expected",
        "a sequence" => "problems.list_expected",
        _ if whole_numbers.contains(&expected) => "problems.whole_number_expected",
        _ if expected.starts_with("struct ") || expected == "a map" => "problems.object_expected",
        _ => return Phrase::new("problems.other").with("problem", message),
    })
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// The ids in a path. One that cannot be read names nothing, and so is not found.
#[derive(Debug)]
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| ApiError::not_found("page"))
    }
}

/// The parameters after the question mark.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection| {
                let text = rejection.body_text();
                let name = text.rsplit(": ").nth(1).unwrap_or("?").to_owned();
                ApiError::new(ErrorCode::BadParameter)
                    .with("name", &name)
                    .at(name)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field_of(body: &str) -> (ErrorCode, String) {
        let error = read::<api::NewMeeting>(body.as_bytes()).unwrap_err();
        let shown = format!("{error:?}");
        let field = shown
            .split("field: Some(\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        (error.code, field.unwrap_or_default().to_owned())
    }

    #[test]
    fn a_refusal_names_the_place() {
        let room = "01939d5e-6c2a-7b3c-9d4e-5f6071829304";
        let with =
            |rest: &str| format!(r#"{{"title":"A","room_id":"{room}","duration_min":30,{rest}}}"#);

        assert_eq!(field_of("{\"title\":").0, ErrorCode::MalformedJson);
        assert_eq!(
            field_of("{}"),
            (ErrorCode::MissingField, "title".to_owned())
        );
        assert_eq!(
            field_of(&with(r#""participants":[],"colour":"red""#)),
            (ErrorCode::UnknownField, "colour".to_owned())
        );
        assert_eq!(
            field_of(&with(
                r#""participants":[{"role":"speaker"},{"role":"king"}]"#
            )),
            (ErrorCode::WrongType, "participants[1].role".to_owned())
        );
        assert_eq!(
            field_of(&with(r#""participants":[{"rolle":"speaker"}]"#)),
            (ErrorCode::UnknownField, "participants[0].rolle".to_owned())
        );
        assert_eq!(
            field_of(&format!("{} x", with(r#""participants":[]"#))).0,
            ErrorCode::MalformedJson
        );
    }

    #[test]
    fn what_was_expected_is_said_in_the_callers_language() {
        let said = |message: &str| expectation(message).say(domain::Language::Russian);

        assert_eq!(
            said("invalid type: integer `7`, expected a string at line 1 column 9"),
            "здесь нужен текст"
        );
        assert_eq!(
            said("invalid value: integer `-5`, expected u32 at line 1 column 9"),
            "здесь нужно целое число от 0"
        );
        assert_eq!(
            said(
                "unknown variant `king`, expected one of `moderator`, `speaker` at line 1 column 3"
            ),
            "бывает только: moderator, speaker"
        );
        assert_eq!(
            said("UUID parsing failed: invalid length"),
            "здесь нужен UUID"
        );
        assert_eq!(said("something new"), "something new");
    }
}
