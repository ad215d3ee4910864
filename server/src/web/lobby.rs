//! `/api/v1/rooms/{id}/lobby`: those who wait to be let in.

use api::{DecideInLobby, ErrorBody, ErrorCode, LobbyAct, Waiting};
use axum::extract::State;
use domain::{RoomId, live::Act};

use super::{
    App, Signed,
    error::ApiError,
    json::{Json, Path},
    members::known_room,
};

/// Who waits at the room's door to be let in, first to last.
#[utoipa::path(get, path = "/rooms/{id}/lobby", tag = "rooms", params(("id" = String, Path)), responses(
    (status = 200, body = [Waiting]),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn lobby(
    State(app): State<App>,
    signed: Signed,
    Path(room): Path<RoomId>,
) -> Result<Json<Vec<Waiting>>, ApiError> {
    known_room(&signed, room)?;
    Ok(Json(waiting(&app, &signed, room)))
}

/// Lets somebody in who waits, or sends him away; without `id` all of them.
///
/// Answers who waits then, when the room has done it; what came of it also arrives as events.
/// Whoever is sent away hears that he is not let in.
#[utoipa::path(post, path = "/rooms/{id}/lobby", tag = "rooms", params(("id" = String, Path)), request_body = DecideInLobby, responses(
    (status = 200, body = [Waiting]),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`nobody_waits`: he waits no more, or nobody does"),
))]
pub(super) async fn decide(
    State(app): State<App>,
    signed: Signed,
    Path(room): Path<RoomId>,
    Json(request): Json<DecideInLobby>,
) -> Result<Json<Vec<Waiting>>, ApiError> {
    known_room(&signed, room)?;
    let meant = |one: &Waiting| request.id.is_none_or(|id| id == one.id);
    if !waiting(&app, &signed, room).iter().any(meant) {
        return Err(nobody_waits(&request));
    }
    let act = match request.act {
        LobbyAct::LetIn => Act::LetIn(request.id),
        LobbyAct::SendAway => Act::SendAway(request.id),
    };
    app.live
        .act(room, act)
        .await
        .map_err(|_| nobody_waits(&request))?;
    Ok(Json(waiting(&app, &signed, room)))
}

fn nobody_waits(request: &DecideInLobby) -> ApiError {
    let error = ApiError::new(ErrorCode::NobodyWaits);
    match request.id {
        Some(_) => error.at("id"),
        None => error,
    }
}

/// They are asked for by company, so another company's caller is nobody here.
fn waiting(app: &App, signed: &Signed, room: RoomId) -> Vec<Waiting> {
    let mut waiting = app.live.waiting(signed.company_id());
    waiting.retain(|one| one.room_id == room);
    waiting
}
