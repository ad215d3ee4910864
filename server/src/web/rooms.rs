//! `/api/v1/rooms`, `/api/v1/people`

use std::collections::BTreeSet;

use api::{ActInRoom, ChangeRoom, ErrorBody, ErrorCode, EventKind, NewRoom, Person, Room, RoomAct};
use axum::{extract::State, http::StatusCode};
use domain::{
    RoomId, ShortNumber,
    live::Act,
    room::{Pin, RoomSettings},
};
use store::{CompanyDirectory, StoreError};

use super::{
    App, Signed,
    app::random,
    error::ApiError,
    json::{Json, Path},
    resources,
    validate::name_of,
};

/// Where free numbers for rooms are looked for first, and then.
const FREE_NUMBERS: [std::ops::RangeInclusive<u32>; 3] =
    [9_000..=9_999, 900..=999, 90_000..=99_999];

/// The company's people with what is known of their lines, in the directory's order.
#[utoipa::path(get, path = "/people", tag = "people", responses(
    (status = 200, body = [Person]),
    (status = 401, body = ErrorBody, description = "`not_signed_in`"),
))]
pub(super) async fn people(
    State(app): State<App>,
    signed: Signed,
) -> Result<Json<Vec<Person>>, ApiError> {
    Ok(Json(all_people(&app, signed.company()?)))
}

pub(super) fn all_people(app: &App, directory: &CompanyDirectory) -> Vec<Person> {
    let members = app.live.members(directory.company.id);
    let now = app.now();
    directory
        .employees
        .iter()
        .map(|employee| {
            let recorded = app.live.recorded_names().has(employee.id);
            resources::person(employee, app.live.line(employee, now), &members, recorded)
        })
        .collect()
}

/// The company's rooms, in the directory's order.
#[utoipa::path(get, path = "/rooms", tag = "rooms", responses(
    (status = 200, body = [Room]),
    (status = 401, body = ErrorBody, description = "`not_signed_in`"),
))]
pub(super) async fn rooms(
    State(app): State<App>,
    signed: Signed,
) -> Result<Json<Vec<Room>>, ApiError> {
    all_rooms(&app, signed.company()?).await.map(Json)
}

pub(super) async fn all_rooms(
    app: &App,
    directory: &CompanyDirectory,
) -> Result<Vec<Room>, ApiError> {
    let members = app.live.members(directory.company.id);
    let mut rooms = Vec::with_capacity(directory.rooms.len());
    for room in &directory.rooms {
        let occurrence = app
            .store
            .occurrence_in(room.id)
            .await?
            .map(|occurrence| occurrence.value.id);
        rooms.push(Room {
            locked: app.live.is_locked(room.id),
            ..resources::room(room, directory, occurrence, &members)
        });
    }
    Ok(rooms)
}

/// Makes a room. Without a number it gets the lowest free one.
#[utoipa::path(post, path = "/rooms", tag = "rooms", request_body = NewRoom, responses(
    (status = 201, body = Room),
    (status = 403, body = ErrorBody, description = "`not_allowed`: for administrators"),
    (status = 409, body = ErrorBody, description = "`room_number_taken`, `no_free_room_number`"),
    (status = 422, body = ErrorBody, description = "`empty_name`, `bad_room_number`, `bad_pin`…"),
))]
pub(super) async fn add_room(
    State(app): State<App>,
    signed: Signed,
    Json(request): Json<NewRoom>,
) -> Result<(StatusCode, Json<Room>), ApiError> {
    signed.must_be_administrator()?;
    let directory = signed.company()?;
    let name = name_of("name", &request.name)?;
    let number = match &request.number {
        Some(text) => ShortNumber::parse(text)
            .map_err(|_| ApiError::new(ErrorCode::BadRoomNumber).at("number"))?,
        None => free_number(&app.store.inside_numbers(signed.company_id()).await?)?,
    };
    let now = app.now();
    let room = domain::room::Room {
        id: RoomId::new(now, random()),
        company: signed.company_id(),
        number,
        name,
        pin: pin("pin", request.pin.as_deref())?,
        moderator_pin: pin("moderator_pin", request.moderator_pin.as_deref())?,
        settings: RoomSettings {
            wait_for_moderator: request.wait_for_moderator,
            lobby: request.lobby,
            suppress_noise: request.suppress_noise,
            grants: Vec::new(),
        },
    };
    let shown = resources::room(&room, directory, None, &[]);

    app.store.promise(StatusCode::CREATED.as_u16(), &shown);
    match app
        .store
        .add_room(
            &room,
            &resources::event(&EventKind::Room(shown.clone())),
            now,
        )
        .await
    {
        Err(StoreError::Taken(number)) => {
            return Err(ApiError::new(ErrorCode::RoomNumberTaken)
                .at("number")
                .with("number", number));
        }
        added => added?,
    };
    app.changed(signed.company_id());
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Changes how a room behaves; people who are in it hear it within a second.
///
/// A company file that is applied later has the last word.
#[utoipa::path(patch, path = "/rooms/{id}", tag = "rooms", params(("id" = String, Path)), request_body = ChangeRoom, responses(
    (status = 200, body = Room),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn change_room(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<RoomId>,
    Json(request): Json<ChangeRoom>,
) -> Result<Json<Room>, ApiError> {
    let directory = signed.company()?;
    let mut room = directory
        .room(id)
        .cloned()
        .ok_or_else(|| ApiError::not_found("room"))?;
    let change = |settings: &mut RoomSettings| {
        settings.suppress_noise = request.suppress_noise.unwrap_or(settings.suppress_noise);
        settings.lobby = request.lobby.unwrap_or(settings.lobby);
    };
    change(&mut room.settings);
    let members = app.live.members(directory.company.id);
    let occurrence = app.store.occurrence_in(id).await?;
    let shown = Room {
        locked: app.live.is_locked(id),
        ..resources::room(
            &room,
            directory,
            occurrence.map(|occurrence| occurrence.value.id),
            &members,
        )
    };
    if request != ChangeRoom::default() {
        let event = resources::event(&EventKind::Room(shown.clone()));
        app.store
            .change_settings(&room, change, &event, app.now())
            .await?;
        app.changed(signed.company_id());
    }
    Ok(Json(shown))
}

/// Does what a moderator does by key: locks, mutes everybody else, gives the word.
///
/// Answers when the room has done it; what came of it also arrives as events.
#[utoipa::path(post, path = "/rooms/{id}/acts", tag = "rooms", params(("id" = String, Path)), request_body = ActInRoom, responses(
    (status = 200, body = Room),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`room_is_empty`: there is nobody to do it with"),
))]
pub(super) async fn act_in_room(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<RoomId>,
    Json(request): Json<ActInRoom>,
) -> Result<Json<Room>, ApiError> {
    let directory = signed.company()?;
    let room = directory
        .room(id)
        .ok_or_else(|| ApiError::not_found("room"))?;
    let act = match request.act {
        RoomAct::Lock => Act::Lock(true),
        RoomAct::Unlock => Act::Lock(false),
        RoomAct::MuteAll => Act::MuteAll(true),
        RoomAct::UnmuteAll => Act::MuteAll(false),
        RoomAct::NextHand => Act::NextHand,
    };
    app.live
        .act(id, act)
        .await
        .map_err(|_| ApiError::new(ErrorCode::RoomIsEmpty))?;
    let members = app.live.members(signed.company_id());
    let occurrence = app.store.occurrence_in(id).await?.map(|held| held.value.id);
    Ok(Json(Room {
        locked: app.live.is_locked(id),
        ..resources::room(room, directory, occurrence, &members)
    }))
}

fn pin(field: &str, text: Option<&str>) -> Result<Option<Pin>, ApiError> {
    text.map(|text| Pin::parse(text).map_err(|_| ApiError::new(ErrorCode::BadPin).at(field)))
        .transpose()
}

fn free_number(taken: &[String]) -> Result<ShortNumber, ApiError> {
    let taken: BTreeSet<&str> = taken.iter().map(String::as_str).collect();
    FREE_NUMBERS
        .into_iter()
        .flatten()
        .map(|number| number.to_string())
        .find(|number| !taken.contains(number.as_str()))
        .and_then(|number| ShortNumber::parse(&number).ok())
        .ok_or_else(|| ApiError::new(ErrorCode::NoFreeRoomNumber).at("number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_number_is_taken_until_none_is_left() {
        let mut taken = vec!["9000".to_owned(), "9002".to_owned()];
        assert_eq!(free_number(&taken).unwrap().as_str(), "9001");

        taken.extend((9_000..=9_999).map(|number| number.to_string()));
        assert_eq!(free_number(&taken).unwrap().as_str(), "900");

        taken.extend(
            FREE_NUMBERS
                .into_iter()
                .flatten()
                .map(|number| number.to_string()),
        );
        assert_eq!(
            free_number(&taken).unwrap_err().code,
            ErrorCode::NoFreeRoomNumber
        );
    }
}
