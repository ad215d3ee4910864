//! `/api/v1/rooms/{id}/recording` and `/api/v1/recordings`
//!
//! Whoever may moderate may record. Hearing a recording is a right of its own:
//! administrators hear all of their company's, everybody else what he started himself.

use std::{
    io::SeekFrom,
    pin::Pin,
    task::{Context, Poll, ready},
};

use api::{
    ErrorBody, ErrorCode, EventKind, Level, NewRecording, Recording, RecordingFormat,
    RecordingState,
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{RecordingId, RoomId};
use futures_core::Stream;
use store::{RecordingRow, StoreError};
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncSeekExt, ReadBuf},
};

use super::{
    App, Signed,
    error::ApiError,
    json::{Json, Path},
    resources,
};

/// The newest are listed, so many at most.
const LISTED_MOST: i64 = 500;
/// Read from the disk and sent at one time.
const PIECE: usize = 64 * 1024;

/// Begins to record what is said in the room. Everybody inside hears that it begins.
#[utoipa::path(post, path = "/rooms/{id}/recording", tag = "recordings", params(("id" = String, Path)), request_body = NewRecording, responses(
    (status = 201, body = Recording),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`room_is_empty`, `already_recording`"),
))]
pub(super) async fn start(
    State(app): State<App>,
    signed: Signed,
    Path(room): Path<RoomId>,
    Json(request): Json<NewRecording>,
) -> Result<(StatusCode, Json<Recording>), ApiError> {
    known_room(&signed, room)?;
    let by = signed.employee()?.id;
    let recording = app.live.record(room, request, by).await?;
    Ok((StatusCode::CREATED, Json(recording)))
}

/// Ends the recording of the room. Its length and files arrive as an event once they are written.
#[utoipa::path(delete, path = "/rooms/{id}/recording", tag = "recordings", params(("id" = String, Path)), responses(
    (status = 202, body = Recording, description = "It ends with the frame that is heard now"),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`room_is_empty`, `not_recording`"),
))]
pub(super) async fn stop(
    State(app): State<App>,
    signed: Signed,
    Path(room): Path<RoomId>,
) -> Result<(StatusCode, Json<Recording>), ApiError> {
    known_room(&signed, room)?;
    let recording = app.live.stop_recording(room).await?;
    Ok((StatusCode::ACCEPTED, Json(recording)))
}

/// The recordings one may hear, the newest first.
#[utoipa::path(get, path = "/recordings", tag = "recordings", responses(
    (status = 200, body = [Recording]),
    (status = 401, body = ErrorBody, description = "`not_signed_in`"),
))]
pub(super) async fn recordings(
    State(app): State<App>,
    signed: Signed,
) -> Result<Json<Vec<Recording>>, ApiError> {
    let rows = app
        .store
        .recordings(signed.company_id(), LISTED_MOST)
        .await?;
    let mut recordings = rows.iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    recordings.retain(|recording| may_hear(&signed, recording));
    Ok(Json(recordings))
}

/// One recording.
#[utoipa::path(get, path = "/recordings/{id}", tag = "recordings", params(("id" = String, Path)), responses(
    (status = 200, body = Recording),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn recording(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<RecordingId>,
) -> Result<Json<Recording>, ApiError> {
    known(&app, &signed, id).await.map(Json)
}

/// Erases a recording for good.
#[utoipa::path(delete, path = "/recordings/{id}", tag = "recordings", params(("id" = String, Path)), responses(
    (status = 204, description = "Gone"),
    (status = 403, body = ErrorBody, description = "`not_allowed`: for administrators"),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`still_recording`"),
))]
pub(super) async fn remove(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<RecordingId>,
) -> Result<StatusCode, ApiError> {
    signed.must_be_administrator()?;
    let recording = known(&app, &signed, id).await?;
    if recording.state == RecordingState::Running {
        return Err(ApiError::new(ErrorCode::StillRecording));
    }
    let company = signed.company_id();
    let event = resources::event(&EventKind::RecordingRemoved { id });
    app.store
        .remove_recording(company, id, &event, app.now())
        .await?;
    app.live.erase_recording(company, id).await;
    app.changed(company);
    Ok(StatusCode::NO_CONTENT)
}

/// The audio. A player may ask for a part of it (`Range`).
#[utoipa::path(get, path = "/recordings/{id}/files/{name}", tag = "recordings",
    params(("id" = String, Path), ("name" = String, Path)), responses(
    (status = 200, description = "The whole file", content_type = "audio/ogg"),
    (status = 206, description = "The part that was asked for", content_type = "audio/ogg"),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 416, description = "There is no such part"),
))]
pub(super) async fn file(
    State(app): State<App>,
    signed: Signed,
    Path((id, name)): Path<(RecordingId, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let recording = known(&app, &signed, id).await?;
    let missing = || ApiError::not_found("recording");
    // Only a name that the row lists is ever looked for: no path comes from outside.
    if !recording.files.iter().any(|file| file.name == name) {
        return Err(missing());
    }
    let path = app.live.recording_file(signed.company_id(), id, &name);
    let mut file = File::open(&path).await.map_err(|_| missing())?;
    let length = file.metadata().await.map_err(|_| missing())?.len();
    let kind = match recording.format {
        RecordingFormat::Ogg => "audio/ogg",
        RecordingFormat::Wav => "audio/wav",
    };
    let asked = headers
        .get(header::RANGE)
        .and_then(|range| part(range.to_str().ok()?, length));
    let (status, first, last) = match asked {
        None => (StatusCode::OK, 0, length),
        Some(Ok((first, last))) => (StatusCode::PARTIAL_CONTENT, first, last),
        Some(Err(NoSuchPart)) => {
            let range = format!("bytes */{length}");
            return Ok((
                StatusCode::RANGE_NOT_SATISFIABLE,
                [(header::CONTENT_RANGE, range)],
            )
                .into_response());
        }
    };
    file.seek(SeekFrom::Start(first))
        .await
        .map_err(|_| missing())?;
    let body = Body::from_stream(Pieces {
        file,
        left: last - first,
        piece: vec![0; PIECE],
    });
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let disposition = format!("inline; filename=\"{id}-{name}\"");
    for (header, value) in [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_LENGTH, (last - first).to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(header, value);
        }
    }
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(range) = HeaderValue::from_str(&format!(
            "bytes {first}-{}/{length}",
            last.saturating_sub(1)
        ))
    {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    Ok(response)
}

/// Nothing of the file is in the range.
#[derive(Debug, PartialEq, Eq)]
struct NoSuchPart;

/// From where and up to where (RFC 9110 §14.1.2), for one range. Anything else asks for the whole.
fn part(range: &str, length: u64) -> Option<Result<(u64, u64), NoSuchPart>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = match (first.trim(), last.trim()) {
        ("", suffix) => (length.saturating_sub(suffix.parse().ok()?), length),
        (first, "") => (first.parse().ok()?, length),
        (first, last) => {
            let last: u64 = last.parse().ok()?;
            (first.parse().ok()?, last.saturating_add(1).min(length))
        }
    };
    Some(if first < last {
        Ok((first, last))
    } else {
        Err(NoSuchPart)
    })
}

/// So much of a file, piece by piece.
struct Pieces {
    file: File,
    left: u64,
    piece: Vec<u8>,
}

impl Stream for Pieces {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { file, left, piece } = &mut *self;
        let most = usize::try_from(*left).unwrap_or(PIECE).min(PIECE);
        if most == 0 {
            return Poll::Ready(None);
        }
        let mut buffer = ReadBuf::new(&mut piece[..most]);
        if let Err(error) = ready!(Pin::new(file).poll_read(context, &mut buffer)) {
            *left = 0;
            return Poll::Ready(Some(Err(error)));
        }
        let read = buffer.filled();
        if read.is_empty() {
            return Poll::Ready(None);
        }
        *left -= read.len() as u64;
        Poll::Ready(Some(Ok(Bytes::copy_from_slice(read))))
    }
}

async fn known(app: &App, signed: &Signed, id: RecordingId) -> Result<Recording, ApiError> {
    let row = app.store.recording(signed.company_id(), id).await;
    let recording = match row {
        Ok(row) => shown(&row)?,
        Err(StoreError::NotFound { .. }) => return Err(ApiError::not_found("recording")),
        Err(error) => return Err(error.into()),
    };
    // What one may not hear one need not know of.
    if may_hear(signed, &recording) {
        Ok(recording)
    } else {
        Err(ApiError::not_found("recording"))
    }
}

fn shown(row: &RecordingRow) -> Result<Recording, ApiError> {
    serde_json::from_str(&row.body).map_err(|error| {
        ApiError::from(StoreError::Damaged {
            table: "recordings",
            reason: error.to_string(),
        })
    })
}

fn may_hear(signed: &Signed, recording: &Recording) -> bool {
    signed.level == Level::Administrator || recording.started_by == Some(signed.user.employee)
}

fn known_room(signed: &Signed, room: RoomId) -> Result<(), ApiError> {
    let directory = signed.company()?;
    directory
        .room(room)
        .map(|_| ())
        .ok_or_else(|| ApiError::not_found("room"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_the_rfc_says_and_nonsense_asks_for_the_whole() {
        assert_eq!(part("bytes=0-99", 1_000), Some(Ok((0, 100))));
        assert_eq!(part("bytes=900-", 1_000), Some(Ok((900, 1_000))));
        assert_eq!(part("bytes=-100", 1_000), Some(Ok((900, 1_000))));
        assert_eq!(part("bytes=0-9999", 1_000), Some(Ok((0, 1_000))));
        assert_eq!(part("bytes=1000-", 1_000), Some(Err(NoSuchPart)));
        assert_eq!(part("bytes=-0", 1_000), Some(Err(NoSuchPart)));
        for nonsense in ["", "bytes=", "bytes=a-b", "seconds=1-2", "bytes=1-2,5-6"] {
            assert_eq!(part(nonsense, 1_000), None, "{nonsense}");
        }
    }
}
