//! `/api/v1/occurrences/{id}/move` and its like: single dates of a series, and the whole of it paused.
//!
//! What departs from the rule is kept in the plan, so that it still holds when
//! the dates are made anew.

use api::{ErrorBody, ErrorCode, Meeting, MoveOccurrence, Occurrence};
use axum::extract::State;
use domain::{
    LocalDate, MeetingId, Millis, OccurrenceId, meeting,
    occurrence::Status,
    series::{Exception, Moved, Series},
};
use store::{CompanyDirectory, Versioned};

use super::{
    App, Signed,
    error::ApiError,
    json::{Json, Path},
    meetings, resources, validate,
};
use crate::plans::There;

/// How often a change is decided anew when the rows move under it.
const TRIES: usize = 5;

/// Moves one date: to another time, for another time, or to another room. Its series stays as it is.
///
/// Of a meeting held once it moves the plan.
#[utoipa::path(post, path = "/occurrences/{id}/move", tag = "meetings", params(("id" = String, Path)), request_body = MoveOccurrence, responses(
    (status = 200, body = Occurrence),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`date_has_begun`, `room_booked`"),
    (status = 422, body = ErrorBody, description = "`bad_local_time`, `starts_in_the_past`, `bad_duration`, `unknown_room`"),
))]
pub(super) async fn move_date(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<OccurrenceId>,
    Json(request): Json<MoveOccurrence>,
) -> Result<Json<Occurrence>, ApiError> {
    change_date(&app, &signed, id, |plan, slot, now| {
        let directory = signed.company()?;
        let starts_local = request
            .starts_local
            .as_deref()
            .map(validate::local_time)
            .transpose()?;
        let duration_ms = request.duration_min.map(validate::duration).transpose()?;
        let room = request
            .room_id
            .map(|id| validate::room(id, directory))
            .transpose()?;
        if let Some(local) = starts_local {
            validate::is_to_come(local, plan.zone, now)?;
        }
        match (&mut plan.series, slot) {
            (Some(series), Some(slot)) => {
                let before = match series.exceptions.get(&slot) {
                    Some(Exception::Moved(moved)) => *moved,
                    Some(Exception::CalledOff) | None => Moved::default(),
                };
                let moved = Moved {
                    starts_local: starts_local.or(before.starts_local),
                    duration_ms: duration_ms.or(before.duration_ms),
                    room: room.or(before.room),
                };
                series.exceptions.insert(slot, Exception::Moved(moved));
            }
            (_, _) => {
                plan.starts_local = starts_local.unwrap_or(plan.starts_local);
                plan.duration_ms = duration_ms.unwrap_or(plan.duration_ms);
                plan.room = room.unwrap_or(plan.room);
            }
        }
        Ok(())
    })
    .await
}

/// Calls one date of a series off. It can be brought back until its hour has come.
#[utoipa::path(post, path = "/occurrences/{id}/cancel", tag = "meetings", params(("id" = String, Path)), responses(
    (status = 200, body = Occurrence),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`date_has_begun`; `not_a_series`: remove the meeting"),
))]
pub(super) async fn cancel(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<OccurrenceId>,
) -> Result<Json<Occurrence>, ApiError> {
    change_date(&app, &signed, id, |plan, slot, _| {
        let (series, slot) = of_series(plan, slot)?;
        series.exceptions.insert(slot, Exception::CalledOff);
        Ok(())
    })
    .await
}

/// Brings one date of a series back to where the rule has it, be it called off or moved.
#[utoipa::path(post, path = "/occurrences/{id}/restore", tag = "meetings", params(("id" = String, Path)), responses(
    (status = 200, body = Occurrence),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`date_has_begun`, `room_booked`, `not_a_series`"),
))]
pub(super) async fn restore(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<OccurrenceId>,
) -> Result<Json<Occurrence>, ApiError> {
    change_date(&app, &signed, id, |plan, slot, now| {
        let (start, zone) = (plan.starts_local, plan.zone);
        let (series, slot) = of_series(plan, slot)?;
        validate::is_to_come(start.on(slot), zone, now)?;
        series.exceptions.remove(&slot);
        Ok(())
    })
    .await
}

/// Pauses a series: nobody is called for it until it goes on. Pausing twice changes nothing.
#[utoipa::path(post, path = "/meetings/{id}/pause", tag = "meetings", params(("id" = String, Path)), responses(
    (status = 200, body = Meeting),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`not_a_series`"),
))]
pub(super) async fn pause(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<MeetingId>,
) -> Result<Json<Meeting>, ApiError> {
    let plan = change_series(&app, &signed, id, |series, now| {
        series.paused_since = series.paused_since.or(Some(now));
    });
    plan.await
}

/// A paused series goes on with the dates that are still to come.
#[utoipa::path(post, path = "/meetings/{id}/resume", tag = "meetings", params(("id" = String, Path)), responses(
    (status = 200, body = Meeting),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`not_a_series`, `room_booked`"),
))]
pub(super) async fn resume(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<MeetingId>,
) -> Result<Json<Meeting>, ApiError> {
    change_series(&app, &signed, id, |series, _| series.paused_since = None).await
}

async fn change_series(
    app: &App,
    signed: &Signed,
    id: MeetingId,
    change: impl Fn(&mut Series, Millis),
) -> Result<Json<Meeting>, ApiError> {
    let directory = signed.company()?;
    for _ in 0..TRIES {
        let now = app.now();
        let old = app.store.meeting_to_change(signed.company_id(), id).await?;
        let there = There::of(&app.store, &old).await?;
        let mut plan = old.value;
        let series = plan.series.as_mut();
        change(
            series.ok_or_else(|| ApiError::new(ErrorCode::NotASeries))?,
            now,
        );
        if let Some(shown) = meetings::save(app, plan, &there, directory, now).await? {
            return Ok(Json(shown));
        }
    }
    Err(ApiError::unavailable())
}

/// Changes what the plan says of one date that is still to come.
async fn change_date(
    app: &App,
    signed: &Signed,
    id: OccurrenceId,
    change: impl Fn(&mut meeting::Meeting, Option<LocalDate>, Millis) -> Result<(), ApiError>,
) -> Result<Json<Occurrence>, ApiError> {
    let directory = signed.company()?;
    let company = signed.company_id();
    for _ in 0..TRIES {
        let now = app.now();
        let date = app.store.occurrence(company, id).await?.value;
        let Some(meeting) = date.meeting.filter(|_| !date.is_gone()) else {
            return Err(ApiError::not_found("occurrence"));
        };
        let to_come = match date.status {
            Status::Scheduled | Status::Early { .. } => true,
            Status::Cancelled { .. } => date.starts_at > now,
            Status::Calling { .. }
            | Status::Live { .. }
            | Status::Ended { .. }
            | Status::Missed { .. } => false,
        };
        if !to_come {
            return Err(ApiError::new(ErrorCode::DateHasBegun));
        }
        let old = app.store.meeting_to_change(company, meeting).await?;
        let there = There::of(&app.store, &old).await?;
        let mut plan = old.value;
        change(&mut plan, date.slot, now)?;
        if meetings::save(app, plan, &there, directory, now)
            .await?
            .is_some()
        {
            return show(app, directory, id).await;
        }
    }
    Err(ApiError::unavailable())
}

async fn show(
    app: &App,
    directory: &CompanyDirectory,
    id: OccurrenceId,
) -> Result<Json<Occurrence>, ApiError> {
    let Versioned { value: date, .. } = app.store.occurrence(directory.company.id, id).await?;
    let expected = app.store.invitations(id).await?.len();
    let expected = u32::try_from(expected).unwrap_or(u32::MAX);
    Ok(Json(resources::occurrence(&date, directory, expected)))
}

fn of_series(
    plan: &mut meeting::Meeting,
    slot: Option<LocalDate>,
) -> Result<(&mut Series, LocalDate), ApiError> {
    match (&mut plan.series, slot) {
        (Some(series), Some(slot)) => Ok((series, slot)),
        (_, _) => Err(ApiError::new(ErrorCode::NotASeries)),
    }
}
