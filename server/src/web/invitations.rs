//! `/api/v1/invitations`: the acts on somebody who is expected and not here.

use api::{Attempt, ErrorBody, ErrorCode, EventKind};
use axum::{extract::State, http::StatusCode};
use domain::{
    InvitationId, Millis, Span, Zone,
    invitation::{Invitation, Status},
    meeting::Invitee,
    occurrence::Occurrence,
};
use store::{Batch, StoreError, Versioned};

use super::{
    App, Signed,
    error::ApiError,
    json::{Json, Path},
    meetings::room_booked,
    resources::{self, Around},
    validate::shown,
};

/// How often a change is decided anew when the rows move under it.
const TRIES: usize = 5;

/// Every call made for an invitation, first to last.
#[utoipa::path(get, path = "/invitations/{id}/attempts", tag = "invitations", params(("id" = String, Path)), responses(
    (status = 200, body = [Attempt]),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn attempts(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<InvitationId>,
) -> Result<Json<Vec<Attempt>>, ApiError> {
    let directory = signed.company()?;
    app.store.invitation(signed.company_id(), id).await?;
    let attempts = app.store.attempts(id).await?;
    Ok(Json(
        attempts
            .iter()
            .map(|attempt| resources::attempt(attempt, directory))
            .collect(),
    ))
}

/// Calls somebody now instead of when he is due, or once more although nobody would.
#[utoipa::path(post, path = "/invitations/{id}/call", tag = "invitations", params(("id" = String, Path)), responses(
    (status = 202, body = api::Invitation),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`occurrence_is_over`, `already_calling`, `already_in_room`, or `room_booked`: the room is another meeting's now or before the start"),
    (status = 422, body = ErrorBody, description = "`no_device`"),
))]
pub(super) async fn call(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<InvitationId>,
) -> Result<(StatusCode, Json<api::Invitation>), ApiError> {
    act(&app, &signed, id, |invitation, date, now| {
        let directory = signed.company()?;
        let name = || shown(&invitation.invitee, directory);
        match invitation.status() {
            Status::Calling { .. } | Status::Held { .. } => {
                return Err(ApiError::new(ErrorCode::AlreadyCalling).with("name", name()));
            }
            Status::InRoom { .. } => {
                return Err(ApiError::new(ErrorCode::AlreadyInRoom).with("name", name()));
            }
            Status::Waiting { .. } | Status::Finished { .. } => {}
        }
        if let Invitee::Employee(id) = invitation.invitee
            && directory
                .employee(id)
                .is_none_or(|employee| employee.devices.is_empty())
        {
            return Err(ApiError::new(ErrorCode::NoDevice).with("name", name()));
        }
        // Before dialling begins, or when it began too late: somebody wants calls now.
        date.call_ahead(now);
        invitation.call_now(now);
        Ok(())
    })
    .await
}

/// Gives up on somebody: a ringing call is taken back, and no other follows.
#[utoipa::path(post, path = "/invitations/{id}/stop", tag = "invitations", params(("id" = String, Path)), responses(
    (status = 202, body = api::Invitation),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`occurrence_is_over`, `already_in_room`"),
))]
pub(super) async fn stop(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<InvitationId>,
) -> Result<(StatusCode, Json<api::Invitation>), ApiError> {
    act(&app, &signed, id, |invitation, _, now| {
        if let Status::InRoom { .. } = invitation.status() {
            let name = shown(&invitation.invitee, signed.company()?);
            return Err(ApiError::new(ErrorCode::AlreadyInRoom).with("name", name));
        }
        invitation.give_up(now);
        Ok(())
    })
    .await
}

/// Changes one invitation, and its date if need be, on the rows as they are.
async fn act(
    app: &App,
    signed: &Signed,
    id: InvitationId,
    change: impl Fn(&mut Invitation, &mut Occurrence, Millis) -> Result<(), ApiError>,
) -> Result<(StatusCode, Json<api::Invitation>), ApiError> {
    let directory = signed.company()?;
    for _ in 0..TRIES {
        let now = app.now();
        let mut row = app.store.invitation(signed.company_id(), id).await?;
        let Versioned {
            version,
            value: before,
        } = app
            .store
            .occurrence(signed.company_id(), row.invitation.occurrence)
            .await?;
        if before.ends_at <= now || is_closed(&before) {
            return Err(ApiError::new(ErrorCode::OccurrenceIsOver));
        }
        let mut date = before.clone();
        change(&mut row.invitation, &mut date, now)?;

        let meeting = match date.meeting {
            Some(id) => app.store.meeting(signed.company_id(), id).await.ok(),
            None => None,
        };
        if before.is_ahead() && date.is_under_way() {
            let zone = meeting
                .as_ref()
                .map_or(directory.company.zone, |it| it.zone);
            room_is_free_until(app, &date, zone, now).await?;
        }
        let around = Around {
            room: date.room,
            starts_at: date.starts_at,
            rules: resources::rules_of(meeting.as_ref(), &directory.company),
            directory,
        };
        let answer = resources::invitation(&row.invitation, around);
        let mut batch = Batch::new(signed.company_id(), now);
        if date != before {
            let expected = app.store.invitations(date.id).await?.len();
            let shown = resources::occurrence(
                &date,
                directory,
                u32::try_from(expected).unwrap_or(u32::MAX),
            );
            batch
                .events
                .push(resources::event(&EventKind::Occurrence(shown)));
            batch.occurrences.push(Versioned {
                version,
                value: date,
            });
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

/// Whoever is called hours ahead must not come into somebody else's meeting.
async fn room_is_free_until(
    app: &App,
    date: &Occurrence,
    zone: Zone,
    now: Millis,
) -> Result<(), ApiError> {
    let until = date.starts_at.max(now + Span(1));
    let booking = app
        .store
        .booking(date.company, date.room, now, until, date.meeting)
        .await?;
    booking.map_or(Ok(()), |booking| Err(room_booked(&booking, zone)))
}

fn is_closed(date: &Occurrence) -> bool {
    !date.is_open() && !date.is_ahead()
}
