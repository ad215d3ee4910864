//! `/api/v1/rooms/{id}/browser-calls`

use api::{BrowserCall, ErrorBody, ErrorCode, NewBrowserCall};
use axum::{extract::State, http::StatusCode};
use domain::{BrowserCallId, RoomId};
use sip::sdp::{BrowserOffer, NotTaken};

use super::{
    App, Signed,
    error::ApiError,
    json::{Json, Path},
    members::known_room,
    texts::Phrase,
};

/// Comes into the room by the browser that asks.
///
/// The page sends its WebRTC offer with audio; candidates need not be in it. The answer's `sdp` is our WebRTC
/// answer. Once connected, whoever asked is at the room's door like a caller, with what the room asks of callers
/// (PIN, waiting for the start or a moderator), and then a member like all others.
#[utoipa::path(post, path = "/rooms/{id}/browser-calls", tag = "rooms", params(("id" = String, Path)), request_body = NewBrowserCall, responses(
    (status = 201, body = BrowserCall),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`no_browser_calls`: not set up; `too_many_browser_calls`"),
    (status = 422, body = ErrorBody, description = "`bad_offer`"),
    (status = 503, body = ErrorBody, description = "`unavailable`"),
))]
pub(super) async fn ring(
    State(app): State<App>,
    signed: Signed,
    Path(room): Path<RoomId>,
    Json(request): Json<NewBrowserCall>,
) -> Result<(StatusCode, Json<BrowserCall>), ApiError> {
    known_room(&signed, room)?;
    let employee = signed.employee()?.id;
    let offer = BrowserOffer::read(&request.sdp).map_err(bad_offer)?;
    let call = app
        .live
        .ring_by_browser(signed.company_id(), employee, room, offer)
        .await?;
    Ok((StatusCode::CREATED, Json(call)))
}

/// How far the browser is. Gone, however it ended: 404.
#[utoipa::path(get, path = "/rooms/{id}/browser-calls/{call}", tag = "rooms",
    params(("id" = String, Path), ("call" = String, Path)), responses(
    (status = 200, body = BrowserCall),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn look(
    State(app): State<App>,
    signed: Signed,
    Path((room, id)): Path<(RoomId, BrowserCallId)>,
) -> Result<Json<BrowserCall>, ApiError> {
    his(&app, &signed, room, id).map(Json)
}

/// Ends it: the browser leaves the room, or the door.
#[utoipa::path(delete, path = "/rooms/{id}/browser-calls/{call}", tag = "rooms",
    params(("id" = String, Path), ("call" = String, Path)), responses(
    (status = 204, description = "Gone"),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn end(
    State(app): State<App>,
    signed: Signed,
    Path((room, id)): Path<(RoomId, BrowserCallId)>,
) -> Result<StatusCode, ApiError> {
    his(&app, &signed, room, id)?;
    let employee = signed.employee()?.id;
    app.live.end_browser_call(signed.company_id(), employee, id);
    Ok(StatusCode::NO_CONTENT)
}

/// His own, in this room: anybody else's is none.
fn his(
    app: &App,
    signed: &Signed,
    room: RoomId,
    id: BrowserCallId,
) -> Result<BrowserCall, ApiError> {
    known_room(signed, room)?;
    let employee = signed.employee()?.id;
    app.live
        .browser_call(signed.company_id(), employee, id)
        .filter(|call| call.room_id == room)
        .ok_or_else(|| ApiError::not_found("browser_call"))
}

fn bad_offer(why: NotTaken) -> ApiError {
    let problem = match why {
        NotTaken::Malformed => "problems.offer_malformed",
        NotTaken::Bomb => "problems.offer_too_large",
        NotTaken::NoAudio => "problems.offer_without_audio",
        NotTaken::NotWebRtc => "problems.offer_not_webrtc",
        NotTaken::NoOpus => "problems.offer_without_opus",
    };
    ApiError::new(ErrorCode::BadOffer)
        .at("sdp")
        .with_phrase("problem", Phrase::new(problem))
}
