//! `/api/v1/rooms/{id}/members`

use api::{ChangeMember, Dial, ErrorBody, ErrorCode, EventKind, Invitation, Member};
use axum::{extract::State, http::StatusCode};
use domain::{
    InvitationId, MemberId, Millis, OccurrenceId, RoomId, Span,
    invitation::Status,
    loudness::{Gain, GainError, Side},
    meeting::Invitee,
    occurrence::{self, Occurrence},
};
use store::{Batch, CompanyDirectory, InvitationRow, StoreError, Versioned, person_key};

use super::{
    App, Signed,
    app::random,
    error::ApiError,
    json::{Json, Path},
    resources::{self, Around},
    validate::{invitee, shown},
};

/// How long a gathering lasts that nobody planned, unless somebody ends it.
const GATHERING_LASTS: Span = Span::minutes(4 * 60);

/// How often a change is decided anew when the rows move under it.
const TRIES: usize = 5;

/// Who is in the room.
#[utoipa::path(get, path = "/rooms/{id}/members", tag = "rooms", params(("id" = String, Path)), responses(
    (status = 200, body = [Member]),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn members(
    State(app): State<App>,
    signed: Signed,
    Path(room): Path<RoomId>,
) -> Result<Json<Vec<Member>>, ApiError> {
    known_room(&signed, room)?;
    let mut members = app.live.members(signed.company_id());
    members.retain(|member| member.room_id == room);
    Ok(Json(members))
}

/// Calls a person or a number into the room.
///
/// Answers once the wish is on record; the phone may not ring yet. If nothing is
/// held in the room, a gathering begins. Whoever declined before is called again:
/// somebody wants him by name.
#[utoipa::path(post, path = "/rooms/{id}/members", tag = "rooms", params(("id" = String, Path)), request_body = Dial, responses(
    (status = 202, body = Invitation),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`already_in_room`, `already_calling`"),
    (status = 422, body = ErrorBody, description = "`bad_number`, `unknown_employee`, `no_device`, `bad_participant`"),
))]
pub(super) async fn dial(
    State(app): State<App>,
    signed: Signed,
    Path(room): Path<RoomId>,
    Json(request): Json<Dial>,
) -> Result<(StatusCode, Json<Invitation>), ApiError> {
    let directory = known_room(&signed, room)?;
    let wanted = invitee(
        "",
        request.employee_id,
        request.number.as_deref(),
        request.name.as_deref(),
        directory,
    )?;
    check_reachable(&app, &wanted, directory)?;

    for _ in 0..TRIES {
        let now = app.now();
        let mut batch = Batch::new(signed.company_id(), now);
        let occurrence = occurrence_in(&app, room, directory, now, &mut batch).await?;
        let expected = app.store.invitations(occurrence.id).await?;
        let mut row = seat(&expected, &wanted, occurrence.id, &signed, now);
        match row.invitation.status() {
            Status::Calling { .. } | Status::Held { .. } => {
                let name = shown(&wanted, directory);
                return Err(ApiError::new(ErrorCode::AlreadyCalling).with("name", name));
            }
            Status::Waiting { .. } | Status::InRoom { .. } | Status::Finished { .. } => {}
        }
        row.invitation.role = request.role;
        row.invitation.call_now(now);
        let meeting = match occurrence.meeting {
            Some(id) => app.store.meeting(signed.company_id(), id).await.ok(),
            None => None,
        };
        let rules = resources::rules_of(meeting.as_ref(), &directory.company);
        let around = Around {
            room,
            starts_at: occurrence.starts_at,
            rules,
            directory,
        };
        let answer = resources::invitation(&row.invitation, around);
        let everyone = expected.len() + usize::from(row.version == 0);
        if row.version == 0 {
            let shown = resources::occurrence(
                &occurrence,
                directory,
                u32::try_from(everyone).unwrap_or(u32::MAX),
            );
            batch
                .events
                .push(resources::event(&EventKind::Occurrence(shown)));
        }
        batch
            .events
            .push(resources::event(&EventKind::Invitation(answer.clone())));
        batch.invitations.push(row);
        app.store.promise(StatusCode::ACCEPTED.as_u16(), &answer);
        match app.store.write_batch(&batch).await {
            Err(StoreError::Stale { .. }) => continue,
            written => written?,
        };
        app.changed(signed.company_id());
        return Ok((StatusCode::ACCEPTED, Json(answer)));
    }
    Err(ApiError::unavailable())
}

fn check_reachable(
    app: &App,
    wanted: &Invitee,
    directory: &CompanyDirectory,
) -> Result<(), ApiError> {
    let members = app.live.members(directory.company.id);
    let name = || shown(wanted, directory);
    let (inside, has_device) = match wanted {
        Invitee::Employee(id) => (
            members.iter().any(|member| member.employee_id == Some(*id)),
            directory
                .employee(*id)
                .is_some_and(|employee| !employee.devices.is_empty()),
        ),
        Invitee::Outside { number, .. } => (
            members
                .iter()
                .any(|member| member.number.as_deref() == Some(number.as_str())),
            true,
        ),
    };
    if inside {
        return Err(ApiError::new(ErrorCode::AlreadyInRoom).with("name", name()));
    }
    if !has_device {
        return Err(ApiError::new(ErrorCode::NoDevice)
            .at("employee_id")
            .with("name", name()));
    }
    Ok(())
}

/// What is held in the room now, or a gathering that begins with this call.
async fn occurrence_in(
    app: &App,
    room: RoomId,
    directory: &CompanyDirectory,
    now: Millis,
    batch: &mut Batch,
) -> Result<Occurrence, ApiError> {
    if let Some(mut there) = app.store.occurrence_in(room).await? {
        // Nobody is called yet, or it was too late to call everyone by itself, but
        // somebody is wanted: only he is called.
        let before = there.value.status;
        there.value.call_ahead(now);
        if there.value.status != before {
            batch.occurrences.push(there.clone());
        }
        return Ok(there.value);
    }
    let occurrence = Occurrence {
        id: OccurrenceId::new(now, random()),
        company: directory.company.id,
        meeting: None,
        slot: None,
        room,
        title: String::new(),
        zone: None,
        starts_at: now,
        ends_at: now + GATHERING_LASTS,
        dial_at: now,
        opens_at: None,
        late: false,
        status: occurrence::Status::Live {
            since: now,
            calls: true,
        },
    };
    batch.occurrences.push(Versioned::new(occurrence.clone()));
    Ok(occurrence)
}

/// His place on the list, or a new one at its end.
fn seat(
    expected: &[InvitationRow],
    wanted: &Invitee,
    occurrence: OccurrenceId,
    signed: &Signed,
    now: Millis,
) -> InvitationRow {
    let his = expected
        .iter()
        .find(|row| person_key(&row.invitation.invitee) == person_key(wanted));
    let last = expected.iter().map(|row| row.position).max().unwrap_or(-1);
    his.cloned().unwrap_or_else(|| InvitationRow {
        company: signed.company_id(),
        position: last + 1,
        version: 0,
        invitation: domain::invitation::Invitation::new(
            InvitationId::new(now, random()),
            occurrence,
            wanted.clone(),
            domain::Role::Speaker,
            now,
        ),
    })
}

/// Changes whether a member is muted, his role, his hand or how loud he is. Answers when it is done.
#[utoipa::path(patch, path = "/rooms/{id}/members/{member}", tag = "rooms",
    params(("id" = String, Path), ("member" = String, Path)), request_body = ChangeMember, responses(
    (status = 200, body = Member),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`not_in_room`"),
    (status = 422, body = ErrorBody, description = "`bad_gain`"),
))]
pub(super) async fn change_member(
    State(app): State<App>,
    signed: Signed,
    Path((room, id)): Path<(RoomId, MemberId)>,
    Json(request): Json<ChangeMember>,
) -> Result<Json<Member>, ApiError> {
    known_room(&signed, room)?;
    member_in(&app, &signed, room, id)?;
    let gains = [
        gain("gain_db", Side::Voice, request.gain_db)?,
        gain("volume_db", Side::Ear, request.volume_db)?,
    ];
    if let Some(role) = request.role {
        app.live.set_role(id, role).await?;
    }
    if let Some(muted) = request.muted {
        app.live.mute(id, muted).await?;
    }
    if let Some(up) = request.hand {
        app.live.raise_hand(id, up).await?;
    }
    for (side, gain) in gains.into_iter().flatten() {
        app.live.set_gain(id, side, gain).await?;
    }
    member_in(&app, &signed, room, id).map(Json)
}

fn gain(field: &str, side: Side, db: Option<i32>) -> Result<Option<(Side, Gain)>, ApiError> {
    let Some(db) = db else {
        return Ok(None);
    };
    match Gain::new(db) {
        Ok(gain) => Ok(Some((side, gain))),
        Err(GainError) => Err(ApiError::new(ErrorCode::BadGain).at(field).with("db", db)),
    }
}

/// Takes a member out of the room and ends his call. He is not called again by himself.
#[utoipa::path(delete, path = "/rooms/{id}/members/{member}", tag = "rooms",
    params(("id" = String, Path), ("member" = String, Path)), responses(
    (status = 204, description = "Out"),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`not_in_room`"),
))]
pub(super) async fn remove_member(
    State(app): State<App>,
    signed: Signed,
    Path((room, id)): Path<(RoomId, MemberId)>,
) -> Result<StatusCode, ApiError> {
    known_room(&signed, room)?;
    member_in(&app, &signed, room, id)?;
    app.live.hang_up(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn known_room(signed: &Signed, room: RoomId) -> Result<&CompanyDirectory, ApiError> {
    let directory = signed.company()?;
    directory
        .room(room)
        .ok_or_else(|| ApiError::not_found("room"))?;
    Ok(directory)
}

/// The members are asked for by company, so another company's member is nobody here.
fn member_in(app: &App, signed: &Signed, room: RoomId, id: MemberId) -> Result<Member, ApiError> {
    app.live
        .members(signed.company_id())
        .into_iter()
        .find(|member| member.id == id && member.room_id == room)
        .ok_or_else(|| ApiError::new(ErrorCode::NotInRoom))
}
