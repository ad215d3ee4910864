//! `/api/v1/meetings`

use std::collections::BTreeMap;

use api::{ChangeMeeting, ErrorBody, ErrorCode, EventKind, Meeting, NewMeeting};
use axum::{extract::State, http::StatusCode};
use domain::{
    LocalDate, MeetingId, Millis, OccurrenceId, UserId, Zone, meeting,
    occurrence::{Occurrence, Status},
};
use store::{Batch, Booking, CompanyDirectory, Plan, StoreError, Versioned};

use super::{
    App, Signed,
    app::random,
    check,
    error::ApiError,
    json::{Json, Path},
    resources::{self, Around},
    validate,
};
use crate::plans::{self, PlanError, There, Why};

/// How often a change is decided anew when the rows move under it.
const TRIES: usize = 5;

/// The company's plans, oldest first.
#[utoipa::path(get, path = "/meetings", tag = "meetings", responses(
    (status = 200, body = [Meeting]),
    (status = 401, body = ErrorBody, description = "`not_signed_in`"),
))]
pub(super) async fn meetings(
    State(app): State<App>,
    signed: Signed,
) -> Result<Json<Vec<Meeting>>, ApiError> {
    all_meetings(&app, signed.company()?).await.map(Json)
}

pub(super) async fn all_meetings(
    app: &App,
    directory: &CompanyDirectory,
) -> Result<Vec<Meeting>, ApiError> {
    let company = directory.company.id;
    let mut dates: BTreeMap<MeetingId, Vec<OccurrenceId>> = BTreeMap::new();
    for (meeting, date) in app.store.dates_of_plans(company).await? {
        dates.entry(meeting).or_default().push(date);
    }
    let meetings = app.store.meetings(company).await?;
    let shown = meetings.iter().map(|meeting| {
        resources::meeting(
            meeting,
            directory,
            dates.remove(&meeting.id).unwrap_or_default(),
        )
    });
    Ok(shown.collect())
}

async fn show(
    app: &App,
    meeting: &meeting::Meeting,
    directory: &CompanyDirectory,
) -> Result<Meeting, ApiError> {
    let dates = app.store.occurrences_of(meeting.id).await?;
    let ids = dates.iter().map(|date| date.value.id).collect();
    Ok(resources::meeting(meeting, directory, ids))
}

/// One plan.
#[utoipa::path(get, path = "/meetings/{id}", tag = "meetings", params(("id" = String, Path)), responses(
    (status = 200, body = Meeting),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn meeting(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<MeetingId>,
) -> Result<Json<Meeting>, ApiError> {
    let meeting = app.store.meeting(signed.company_id(), id).await?;
    show(&app, &meeting, signed.company()?).await.map(Json)
}

/// Plans a meeting. Dialling begins by itself, a lead before the start.
///
/// Everyone is invited when this is answered. A local time that the clocks skip
/// is moved to the end of the gap: see `starts_at`.
#[utoipa::path(post, path = "/meetings", tag = "meetings", request_body = NewMeeting, responses(
    (status = 201, body = Meeting),
    (status = 409, body = ErrorBody, description = "`room_booked`: the details name the meeting and when the room is free"),
    (status = 422, body = ErrorBody, description = "`empty_title`, `unknown_time_zone`, `bad_local_time`, `bad_duration`, `bad_number`, `duplicate_participant`, `unknown_employee`, `unknown_room`…"),
))]
pub(super) async fn add_meeting(
    State(app): State<App>,
    signed: Signed,
    Json(request): Json<NewMeeting>,
) -> Result<(StatusCode, Json<Meeting>), ApiError> {
    let shown = plan_anew(&app, signed.company()?, Some(signed.user.id), &request).await?;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Plans a meeting for somebody who is not at a browser; why it cannot be by its code.
pub async fn plan(
    app: &App,
    directory: &CompanyDirectory,
    organiser: Option<UserId>,
    request: &NewMeeting,
) -> Result<Meeting, ErrorCode> {
    let planned = plan_anew(app, directory, organiser, request).await;
    planned.map_err(|error| error.code)
}

async fn plan_anew(
    app: &App,
    directory: &CompanyDirectory,
    organiser: Option<UserId>,
    request: &NewMeeting,
) -> Result<Meeting, ApiError> {
    let now = app.now();
    let id = MeetingId::new(now, random());
    let meeting = validate::new_meeting(request, id, organiser, directory, now)?;
    for _ in 0..TRIES {
        let there = There::default();
        if let Some(shown) = save(app, meeting.clone(), &there, directory, now).await? {
            return Ok(shown);
        }
    }
    Err(ApiError::unavailable())
}

/// Changes a plan whose time has not come, or the dates of a series that are still to come.
#[utoipa::path(patch, path = "/meetings/{id}", tag = "meetings", params(("id" = String, Path)), request_body = ChangeMeeting, responses(
    (status = 200, body = Meeting),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`meeting_is_live`, `meeting_is_over`, `room_booked`, `not_a_series`"),
    (status = 422, body = ErrorBody, description = "as for `POST`; `cannot_move_along`, `no_such_date`"),
))]
pub(super) async fn change_meeting(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<MeetingId>,
    Json(request): Json<ChangeMeeting>,
) -> Result<Json<Meeting>, ApiError> {
    let directory = signed.company()?;
    for _ in 0..TRIES {
        let now = app.now();
        let old = app.store.meeting_to_change(signed.company_id(), id).await?;
        let there = There::of(&app.store, &old).await?;
        let old = old.value;
        if old.series.is_none() {
            has_a_coming_date(&there)?;
        }
        let (before, mut from_then) = match request.from_date {
            None => (None, old.clone()),
            Some(date) => from_date(&old, date, &there, now)?,
        };
        if request.repeats.as_deref() == Some("") && request.starts_local.is_none() {
            hold_once_at_the_next_date(&mut from_then, &there);
        }
        let meeting = validate::changed_meeting(&from_then, &request, directory, now)?;
        let shown = match before {
            None => save(&app, meeting, &there, directory, now).await?,
            Some(before) => save_split(&app, before, meeting, &there, directory, now).await?,
        };
        if let Some(shown) = shown {
            return Ok(Json(shown));
        }
    }
    Err(ApiError::unavailable())
}

/// A meeting held once can be changed until people are called for it.
fn has_a_coming_date(there: &There) -> Result<(), ApiError> {
    if there.dates.iter().any(|date| date.value.is_under_way()) {
        return Err(ApiError::new(ErrorCode::MeetingIsLive));
    }
    let coming = |date: &Versioned<Occurrence>| date.value.is_ahead();
    if !there.dates.iter().any(coming) {
        return Err(ApiError::new(ErrorCode::MeetingIsOver));
    }
    Ok(())
}

/// A series from one of its dates on, and what stays of it before if dates of it are
/// still to come; else it is the same plan that begins anew with this date.
fn from_date(
    old: &meeting::Meeting,
    date: LocalDate,
    there: &There,
    now: Millis,
) -> Result<(Option<meeting::Meeting>, meeting::Meeting), ApiError> {
    if old.series.is_none() {
        return Err(ApiError::new(ErrorCode::NotASeries).at("from_date"));
    }
    let has_begun = there.dates.iter().any(|one| {
        let over = !matches!(
            one.value.status,
            Status::Scheduled | Status::Early { .. } | Status::Cancelled { .. }
        );
        one.value.slot == Some(date) && over
    });
    if has_begun || !old.has_slot(date) {
        return Err(ApiError::new(ErrorCode::NoSuchDate)
            .at("from_date")
            .with("date", date));
    }
    // What was different about this date is what is being said anew.
    let mut old = old.clone();
    if let Some(series) = &mut old.series {
        series.exceptions.remove(&date);
    }
    let Some((before, mut after)) = old.split(date) else {
        return Ok((None, old));
    };
    let earlier_to_come = there.dates.iter().any(|one| {
        let to_come = one.value.is_ahead() || one.value.is_under_way();
        to_come && one.value.slot.is_some_and(|slot| slot < date)
    });
    if earlier_to_come {
        after.id = MeetingId::new(now, random());
        return Ok((Some(before), after));
    }
    Ok((None, after))
}

/// What a series leaves when it repeats no more: its next date.
fn hold_once_at_the_next_date(meeting: &mut meeting::Meeting, there: &There) {
    let next = there
        .dates
        .iter()
        .find(|date| date.value.is_ahead())
        .and_then(|date| date.value.starts_at.in_zone(meeting.zone));
    if let Some(next) = next {
        meeting.starts_local = next;
    }
}

/// Writes the plan, its dates and the lists of those expected, and tells everybody.
///
/// `None` if the rows have moved in the meantime: read them again.
pub(super) async fn save(
    app: &App,
    meeting: meeting::Meeting,
    there: &There,
    directory: &CompanyDirectory,
    now: Millis,
) -> Result<Option<Meeting>, ApiError> {
    check::room_is_free(app, &meeting, None, now).await?;
    let (plan, shown) = rows(app, meeting, there, directory, now).await?;
    app.store.promise(StatusCode::CREATED.as_u16(), &shown);
    Ok(write(app, &[plan], now).await?.then_some(shown))
}

/// Writes what stays of a series and what it is from one of its dates on, as one.
async fn save_split(
    app: &App,
    before: meeting::Meeting,
    after: meeting::Meeting,
    there: &There,
    directory: &CompanyDirectory,
    now: Millis,
) -> Result<Option<Meeting>, ApiError> {
    check::room_is_free(app, &after, Some(before.id), now).await?;
    let (before, _) = rows(app, before, there, directory, now).await?;
    let (after, shown) = rows(app, after, &there.split_from(), directory, now).await?;
    Ok(write(app, &[before, after], now).await?.then_some(shown))
}

async fn rows(
    app: &App,
    meeting: meeting::Meeting,
    there: &There,
    directory: &CompanyDirectory,
    now: Millis,
) -> Result<(Plan, Meeting), ApiError> {
    match plans::rows(&app.store, meeting, there, directory, Why::Changed, now).await {
        Ok(rows) => Ok(rows),
        Err(PlanError::Store(error)) => Err(error.into()),
        Err(PlanError::Time(error)) => {
            tracing::error!(%error, "A plan that was found good has no dates");
            Err(ApiError::new(ErrorCode::Internal))
        }
    }
}

/// False if the rows have moved in the meantime.
async fn write(app: &App, plans: &[Plan], now: Millis) -> Result<bool, ApiError> {
    match app.store.save_plans(plans, now).await {
        // Somebody else booked it in the meantime: the next look says who.
        Err(StoreError::RoomBooked { .. } | StoreError::Stale { .. }) => return Ok(false),
        saved => saved?,
    };
    for plan in plans {
        app.changed(plan.meeting.company);
    }
    Ok(true)
}

/// Says whose the room is, on the clocks of the one who asked.
pub(super) fn room_booked(booking: &Booking, zone: Zone) -> ApiError {
    let by = &booking.occurrence;
    let free_at = booking.next_free_at;
    match by.meeting {
        Some(meeting) => check::room_booked(
            meeting,
            Some(by.id),
            &by.title,
            (by.starts_at, by.ends_at),
            free_at,
            zone,
        ),
        None => ApiError::new(ErrorCode::RoomBooked)
            .at("room_id")
            .with("title", &by.title)
            .with("until", check::on_the_wall(by.ends_at, zone))
            .with("free", check::on_the_wall(free_at, zone)),
    }
}

/// Takes a plan out of the calendar, a series with all its dates to come. Past dates stay in the reports.
#[utoipa::path(delete, path = "/meetings/{id}", tag = "meetings", params(("id" = String, Path)), responses(
    (status = 204, description = "Removed; nobody is called for it any more"),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`meeting_is_live`: end it first"),
))]
pub(super) async fn remove_meeting(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<MeetingId>,
) -> Result<StatusCode, ApiError> {
    remove(&app, signed.company()?, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a plan out of the calendar for somebody who is not at a browser.
pub async fn cancel(
    app: &App,
    directory: &CompanyDirectory,
    id: MeetingId,
) -> Result<(), ErrorCode> {
    let removed = remove(app, directory, id).await;
    removed.map_err(|error| error.code)
}

async fn remove(app: &App, directory: &CompanyDirectory, id: MeetingId) -> Result<(), ApiError> {
    let company = directory.company.id;
    for _ in 0..TRIES {
        let now = app.now();
        let meeting = app.store.meeting(company, id).await?;
        let mut dates = app.store.occurrences_of(id).await?;
        if dates.iter().any(|date| date.value.is_under_way()) {
            return Err(ApiError::new(ErrorCode::MeetingIsLive));
        }
        dates.retain(|date| date.value.is_ahead());
        let mut events = Vec::new();
        for date in &mut dates {
            date.value.cancel(now);
            date.value.slot = None;
            let shown = resources::occurrence(&date.value, directory, 0);
            events.push(resources::event(&EventKind::Occurrence(shown)));
        }
        events.push(resources::meeting_removed(id));
        match app
            .store
            .remove_meeting(&meeting, &dates, &events, now)
            .await
        {
            Err(StoreError::Stale { .. }) => continue,
            removed => removed?,
        };
        app.changed(company);
        return Ok(());
    }
    Err(ApiError::unavailable())
}

/// Starts a meeting now. Everyone expected is called at once.
///
/// Starting one that goes on already changes nothing and is answered alike.
#[utoipa::path(post, path = "/meetings/{id}/start", tag = "meetings", params(("id" = String, Path)), responses(
    (status = 202, body = api::Occurrence),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`meeting_is_over`, `room_booked`"),
))]
pub(super) async fn start_meeting(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<MeetingId>,
) -> Result<(StatusCode, Json<api::Occurrence>), ApiError> {
    let directory = signed.company()?;
    for _ in 0..TRIES {
        let now = app.now();
        let meeting = app.store.meeting(signed.company_id(), id).await?;
        let dates = app.store.occurrences_of(id).await?;
        let open =
            |date: &&Versioned<Occurrence>| date.value.is_ahead() || date.value.is_under_way();
        let mut date = dates
            .iter()
            .find(open)
            .cloned()
            .ok_or_else(|| ApiError::new(ErrorCode::MeetingIsOver))?;
        // While people are called for this one, another may still be held.
        let called = matches!(date.value.status, Status::Calling { .. });
        if (called || date.value.is_ahead())
            && let Some(other) = app.store.occurrence_in(meeting.room).await?
            && other.value.meeting.is_some()
            && other.value.id != date.value.id
            && (!called || matches!(other.value.status, Status::Live { .. }))
        {
            let booking = Booking {
                next_free_at: other.value.ends_at,
                occurrence: other.value,
            };
            return Err(room_booked(&booking, meeting.zone));
        }
        let mut rows = app.store.invitations(date.value.id).await?;
        let expected = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let outputs = date.value.start_now(now);
        let shown = resources::occurrence(&date.value, directory, expected);
        if outputs.is_empty() {
            return Ok((StatusCode::ACCEPTED, Json(shown)));
        }
        let around = Around {
            room: meeting.room,
            starts_at: date.value.starts_at,
            rules: resources::rules_of(Some(&meeting), &directory.company),
            directory,
        };
        let mut batch = Batch::new(signed.company_id(), now);
        batch
            .events
            .push(resources::event(&EventKind::Occurrence(shown.clone())));
        rows.retain_mut(|row| {
            let before = *row.invitation.status();
            row.invitation.on_started(now);
            *row.invitation.status() != before
        });
        batch.events.extend(rows.iter().map(|row| {
            resources::event(&EventKind::Invitation(resources::invitation(
                &row.invitation,
                around,
            )))
        }));
        batch.invitations = rows;
        batch.occurrences.push(date);
        app.store.promise(StatusCode::ACCEPTED.as_u16(), &shown);
        match app.store.write_batch(&batch).await {
            Err(StoreError::Stale { .. }) => continue,
            written => written?,
        };
        app.changed(signed.company_id());
        return Ok((StatusCode::ACCEPTED, Json(shown)));
    }
    Err(ApiError::unavailable())
}
