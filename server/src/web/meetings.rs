//! `/api/v1/meetings`

use std::collections::BTreeMap;

use api::{ChangeMeeting, ErrorBody, ErrorCode, ErrorDetails, EventKind, Meeting, NewMeeting};
use axum::{extract::State, http::StatusCode};
use domain::{
    InvitationId, MeetingId, Millis, OccurrenceId, Zone,
    invitation::Invitation,
    meeting,
    occurrence::{Occurrence, Status},
};
use store::{
    Batch, Booking, CompanyDirectory, InvitationRow, Plan, StoreError, Versioned, person_key,
};

use super::{
    App, Signed,
    app::random,
    error::ApiError,
    json::{Json, Path},
    resources::{self, Around},
    validate,
};

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
    let now = app.now();
    let directory = signed.company()?;
    let id = MeetingId::new(now, random());
    let meeting = validate::new_meeting(&request, id, signed.user.id, directory, now)?;
    let occurrence = occurrence_of(&meeting, OccurrenceId::new(now, random()))?;
    let shown = save(
        &app,
        meeting,
        Versioned::new(occurrence),
        Vec::new(),
        directory,
        now,
    )
    .await?;
    // Rows that are new cannot be stale.
    let shown = shown.ok_or_else(|| ApiError::new(ErrorCode::Internal))?;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Changes a plan whose time has not come.
#[utoipa::path(patch, path = "/meetings/{id}", tag = "meetings", params(("id" = String, Path)), request_body = ChangeMeeting, responses(
    (status = 200, body = Meeting),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`meeting_is_live`, `meeting_is_over`, `room_booked`"),
    (status = 422, body = ErrorBody, description = "as for `POST`"),
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
        let old = app.store.meeting(signed.company_id(), id).await?;
        let date = coming_date(&app, id).await?;
        let there = app.store.invitations(date.value.id).await?;

        let meeting = validate::changed_meeting(&old, &request, directory, now)?;
        let occurrence = Versioned {
            version: date.version,
            value: occurrence_of(&meeting, date.value.id)?,
        };
        if let Some(shown) = save(&app, meeting, occurrence, there, directory, now).await? {
            return Ok(Json(shown));
        }
    }
    Err(ApiError::unavailable())
}

/// The date that can still be changed: scheduled, nobody called yet.
async fn coming_date(app: &App, meeting: MeetingId) -> Result<Versioned<Occurrence>, ApiError> {
    let dates = app.store.occurrences_of(meeting).await?;
    if dates.iter().any(|date| date.value.is_open()) {
        return Err(ApiError::new(ErrorCode::MeetingIsLive));
    }
    dates
        .into_iter()
        .find(|date| date.value.status == Status::Scheduled)
        .ok_or_else(|| ApiError::new(ErrorCode::MeetingIsOver))
}

fn occurrence_of(meeting: &meeting::Meeting, id: OccurrenceId) -> Result<Occurrence, ApiError> {
    let (starts_at, ends_at) = meeting
        .hours()
        .map_err(|_| ApiError::new(ErrorCode::Internal))?;
    Ok(Occurrence {
        id,
        company: meeting.company,
        meeting: Some(meeting.id),
        room: meeting.room,
        title: meeting.title.clone(),
        starts_at,
        ends_at,
        dial_at: starts_at - meeting.lead_ms,
        late: false,
        status: Status::Scheduled,
    })
}

/// Writes the plan, its date and the list of those expected, and tells everybody.
///
/// `None` if the rows have moved in the meantime: read them again.
async fn save(
    app: &App,
    meeting: meeting::Meeting,
    occurrence: Versioned<Occurrence>,
    there: Vec<InvitationRow>,
    directory: &CompanyDirectory,
    now: Millis,
) -> Result<Option<Meeting>, ApiError> {
    let date = &occurrence.value;
    let (starts_at, ends_at) = (date.starts_at, date.ends_at);
    let booking = app
        .store
        .booking(
            meeting.company,
            meeting.room,
            starts_at,
            ends_at,
            Some(meeting.id),
        )
        .await?;
    if let Some(booking) = booking {
        return Err(room_booked(&booking, meeting.zone));
    }
    let shown = resources::meeting(&meeting, directory, vec![date.id]);
    let rules = resources::rules_of(Some(&meeting), &directory.company);
    let around = Around {
        room: meeting.room,
        starts_at,
        rules,
        directory,
    };
    let (invitations, withdrawn) = expect(&meeting, date, there, now);

    let expected = u32::try_from(invitations.len()).unwrap_or(u32::MAX);
    let mut events = vec![
        EventKind::Meeting(shown.clone()),
        EventKind::Occurrence(resources::occurrence(date, directory, expected)),
    ];
    events.extend(
        invitations
            .iter()
            .map(|row| EventKind::Invitation(resources::invitation(&row.invitation, around))),
    );
    events.extend(
        withdrawn
            .iter()
            .map(|id| EventKind::InvitationRemoved { id: *id }),
    );
    let events = events.iter().map(resources::event).collect();

    let (company, room, id) = (meeting.company, meeting.room, meeting.id);
    let zone = meeting.zone;
    let plan = Plan {
        meeting,
        occurrences: vec![occurrence],
        invitations,
        withdrawn,
        events,
    };
    match app.store.save_plan(&plan, now).await {
        // Somebody else booked it in the meantime.
        Err(StoreError::RoomBooked { .. }) => {
            let booking = app
                .store
                .booking(company, room, starts_at, ends_at, Some(id))
                .await?;
            return Err(
                booking.map_or_else(ApiError::unavailable, |booking| room_booked(&booking, zone))
            );
        }
        Err(StoreError::Stale { .. }) => return Ok(None),
        saved => saved?,
    };
    app.changed(company);
    Ok(Some(shown))
}

/// The list of those expected: who is on it already stays the same invitation.
fn expect(
    meeting: &meeting::Meeting,
    date: &Occurrence,
    mut there: Vec<InvitationRow>,
    now: Millis,
) -> (Vec<InvitationRow>, Vec<InvitationId>) {
    let mut rows = Vec::with_capacity(meeting.participants.len());
    for (place, participant) in meeting.participants.iter().enumerate() {
        let key = person_key(&participant.invitee);
        let old = there
            .iter()
            .position(|row| person_key(&row.invitation.invitee) == key)
            .map(|at| there.remove(at));
        let (id, version) = old.map_or_else(
            || (InvitationId::new(now, random()), 0),
            |old| (old.invitation.id, old.version),
        );
        rows.push(InvitationRow {
            company: meeting.company,
            position: i64::try_from(place).unwrap_or(i64::MAX),
            version,
            invitation: Invitation::new(
                id,
                date.id,
                participant.invitee.clone(),
                participant.role,
                date.dial_at,
            ),
        });
    }
    (
        rows,
        there.into_iter().map(|row| row.invitation.id).collect(),
    )
}

/// Says whose the room is, on the clocks of the one who asked.
pub(super) fn room_booked(booking: &Booking, zone: Zone) -> ApiError {
    let by = &booking.occurrence;
    let clock = |at: Millis| {
        at.in_zone(zone)
            .map(|local| local.to_string().replace('T', " "))
            .unwrap_or_default()
    };
    let error = ApiError::new(ErrorCode::RoomBooked)
        .at("room_id")
        .with("title", &by.title)
        .with("until", clock(by.ends_at))
        .with("free", clock(booking.next_free_at));
    match by.meeting {
        Some(meeting_id) => error.details(ErrorDetails::RoomBooked {
            meeting_id,
            occurrence_id: by.id,
            title: by.title.clone(),
            starts_at: by.starts_at.0,
            ends_at: by.ends_at.0,
            next_free_at: booking.next_free_at.0,
        }),
        None => error,
    }
}

/// Takes a plan out of the calendar. Past dates stay in the reports.
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
    let directory = signed.company()?;
    for _ in 0..TRIES {
        let now = app.now();
        let meeting = app.store.meeting(signed.company_id(), id).await?;
        let mut dates = app.store.occurrences_of(id).await?;
        if dates.iter().any(|date| date.value.is_open()) {
            return Err(ApiError::new(ErrorCode::MeetingIsLive));
        }
        dates.retain(|date| date.value.status == Status::Scheduled);
        let mut events = Vec::new();
        for date in &mut dates {
            date.value.cancel(now);
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
        app.changed(signed.company_id());
        return Ok(StatusCode::NO_CONTENT);
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
        let open = |date: &&Versioned<Occurrence>| {
            date.value.is_open() || date.value.status == Status::Scheduled
        };
        let mut date = dates
            .iter()
            .find(open)
            .cloned()
            .ok_or_else(|| ApiError::new(ErrorCode::MeetingIsOver))?;
        // While people are called for this one, another may still be held.
        let called = matches!(date.value.status, Status::Calling { .. });
        if (called || date.value.status == Status::Scheduled)
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
        match app.store.write_batch(&batch).await {
            Err(StoreError::Stale { .. }) => continue,
            written => written?,
        };
        app.changed(signed.company_id());
        return Ok((StatusCode::ACCEPTED, Json(shown)));
    }
    Err(ApiError::unavailable())
}
