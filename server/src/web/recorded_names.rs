//! `/api/v1/people/{id}/recorded-name`

use api::{ErrorBody, ErrorCode};
use axum::{
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::EmployeeId;

use super::{App, Signed, error::ApiError, json::Path, texts::Phrase};
use crate::recorded_names::clip::{self, ClipError, LONGEST_S, MOST_BYTES};

/// How a file of sound is described.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(
    dead_code,
    reason = "it stands for the bytes of a request or an answer"
)]
struct WavFile(Vec<u8>);

/// A name in the person's own voice, as it is played to the others.
#[utoipa::path(get, path = "/people/{id}/recorded-name", tag = "people",
    params(("id" = EmployeeId, Path, description = "The person")),
    responses(
        (status = 200, description = "16-bit samples, mono, 16 kHz", content_type = "audio/wav", body = inline(WavFile)),
        (status = 404, body = ErrorBody, description = "`not_found`: no such person, or none is recorded"),
    )
)]
pub(super) async fn recorded_name(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<EmployeeId>,
) -> Result<Response, ApiError> {
    known(&signed, id)?;
    let wav = app.live.recorded_names().wav(id).await.map_err(broken)?;
    let wav = wav.ok_or_else(|| ApiError::not_found("recorded_name"))?;
    let kind = HeaderValue::from_static("audio/wav");
    Ok(([(header::CONTENT_TYPE, kind)], wav).into_response())
}

/// Keeps a name: for oneself, or as an administrator for anybody.
///
/// A WAV file of PCM samples, one or two channels, 8 to 96 kHz, up to 10 s and 4 MB. It is
/// brought to the loudness of the prompts, and the silence around it is cut off.
#[utoipa::path(put, path = "/people/{id}/recorded-name", tag = "people",
    params(("id" = EmployeeId, Path, description = "The person")),
    request_body(content = inline(WavFile), content_type = "audio/wav"),
    responses(
        (status = 204, description = "Kept; the person's event follows"),
        (status = 403, body = ErrorBody, description = "`not_allowed`: somebody else, and no administrator"),
        (status = 404, body = ErrorBody, description = "`not_found`"),
        (status = 413, body = ErrorBody, description = "`body_too_large`"),
        (status = 422, body = ErrorBody, description = "`bad_sound`: no WAV file, too long, or silent"),
    )
)]
pub(super) async fn keep_name(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<EmployeeId>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    may_change(&signed, id)?;
    let file = to_bytes(request.into_body(), MOST_BYTES)
        .await
        .map_err(|_| ApiError::new(ErrorCode::BodyTooLarge).with("limit", MOST_BYTES / 1024))?;
    let name = tokio::task::spawn_blocking(move || clip::of_wav(&file))
        .await
        .map_err(broken)?
        .map_err(refused)?;
    app.live
        .recorded_names()
        .keep(signed.company_id(), id, &name)
        .await
        .map_err(broken)?;
    app.live.name_changed(id);
    Ok(StatusCode::NO_CONTENT)
}

/// Erases a name; the machine speaks it from now on.
#[utoipa::path(delete, path = "/people/{id}/recorded-name", tag = "people",
    params(("id" = EmployeeId, Path, description = "The person")),
    responses(
        (status = 204, description = "Erased; the person's event follows"),
        (status = 403, body = ErrorBody, description = "`not_allowed`: somebody else, and no administrator"),
        (status = 404, body = ErrorBody, description = "`not_found`: no such person, or none is recorded"),
    )
)]
pub(super) async fn erase_name(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<EmployeeId>,
) -> Result<StatusCode, ApiError> {
    may_change(&signed, id)?;
    if !app.live.recorded_names().erase(id).await.map_err(broken)? {
        return Err(ApiError::not_found("recorded_name"));
    }
    app.live.name_changed(id);
    Ok(StatusCode::NO_CONTENT)
}

fn known(signed: &Signed, id: EmployeeId) -> Result<(), ApiError> {
    let person = signed.company()?.employee(id);
    person
        .map(|_| ())
        .ok_or_else(|| ApiError::not_found("person"))
}

fn may_change(signed: &Signed, id: EmployeeId) -> Result<(), ApiError> {
    known(signed, id)?;
    if signed.employee()?.id != id {
        signed.must_be_administrator()?;
    }
    Ok(())
}

fn refused(error: ClipError) -> ApiError {
    let problem = match error {
        ClipError::NotWav(_) => Phrase::new("problems.not_wav"),
        ClipError::Form { channels, rate } => Phrase::new("problems.sound_form")
            .with("channels", channels)
            .with("rate", rate),
        ClipError::TooLong { seconds } => Phrase::new("problems.sound_too_long")
            .with("seconds", seconds)
            .with("most", LONGEST_S),
        ClipError::Silent => Phrase::new("problems.sound_silent"),
    };
    ApiError::new(ErrorCode::BadSound).with_phrase("problem", problem)
}

fn broken(error: impl std::fmt::Display) -> ApiError {
    tracing::error!(%error, "A recorded name cannot be read or written");
    ApiError::new(ErrorCode::Internal)
}
