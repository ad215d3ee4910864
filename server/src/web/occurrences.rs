//! `/api/v1/occurrences`: the dates, and what became of them.

use std::collections::BTreeMap;

use api::{
    Attempt, ErrorBody, ErrorCode, EventKind, ExtendOccurrence, InvitationStory, Occurrence,
    OccurrenceReport,
};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{InvitationId, Millis, OccurrenceId, Span};
use serde::Deserialize;
use store::{Batch, CompanyDirectory, StoreError, Versioned};

use super::{
    App, Signed,
    error::ApiError,
    json::{Json, Path, Query},
    meetings::room_booked,
    resources::{self, Around},
};
use crate::notices::report::Report;

const PERIOD_MOST_DAYS: i64 = 400;
const DAY: Span = Span::minutes(24 * 60);

/// By how much a meeting is extended at once, at most.
const EXTENDED_MOST_MIN: u32 = 240;

/// How often a change is decided anew when the rows move under it.
const TRIES: usize = 5;

/// A stretch of time, in Unix milliseconds.
#[derive(Debug, Deserialize)]
pub(super) struct Period {
    from: Option<i64>,
    to: Option<i64>,
}

/// The dates that overlap a period, by start. Left out: from yesterday, for ten days.
#[utoipa::path(get, path = "/occurrences", tag = "meetings",
    params(("from" = Option<i64>, Query, description = "Unix ms"), ("to" = Option<i64>, Query, description = "Unix ms")), responses(
    (status = 200, body = [Occurrence]),
    (status = 422, body = ErrorBody, description = "`bad_period`"),
))]
pub(super) async fn occurrences(
    State(app): State<App>,
    signed: Signed,
    Query(period): Query<Period>,
) -> Result<Json<Vec<Occurrence>>, ApiError> {
    let from = period.from.map_or_else(|| app.now() - DAY, Millis);
    let until = period.to.map_or_else(|| from + Span(10 * DAY.0), Millis);
    if until <= from || until - from > Span(PERIOD_MOST_DAYS * DAY.0) {
        return Err(ApiError::new(ErrorCode::BadPeriod)
            .at("to")
            .with("days", PERIOD_MOST_DAYS));
    }
    between(&app, signed.company()?, from, until)
        .await
        .map(Json)
}

pub(super) async fn between(
    app: &App,
    directory: &CompanyDirectory,
    from: Millis,
    until: Millis,
) -> Result<Vec<Occurrence>, ApiError> {
    let company = directory.company.id;
    let expected: BTreeMap<_, _> = app
        .store
        .expected(company, from, until)
        .await?
        .into_iter()
        .collect();
    let mut dates = app.store.occurrences(company, from, until).await?;
    // What fell out of its series was never held: there is nothing to show.
    dates.retain(|date| !date.value.is_gone());
    let mut planned = BTreeMap::new();
    let unlisted = |date: &Versioned<domain::occurrence::Occurrence>| {
        date.value.slot.is_some() && !expected.contains_key(&date.value.id)
    };
    if dates.iter().any(unlisted) {
        for series in app.store.series_to_come(company).await? {
            let participants = u32::try_from(series.participants.len()).unwrap_or(u32::MAX);
            planned.insert(series.id, participants);
        }
    }
    let shown = dates.iter().map(|date| {
        let of_plan = || planned.get(&date.value.meeting?).copied();
        let listed = expected.get(&date.value.id).copied();
        resources::occurrence(&date.value, directory, listed.or_else(of_plan).unwrap_or(0))
    });
    Ok(shown.collect())
}

/// One date, everyone expected at it, and every call made for them.
#[utoipa::path(get, path = "/occurrences/{id}", tag = "meetings", params(("id" = String, Path)), responses(
    (status = 200, body = OccurrenceReport),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn report(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<OccurrenceId>,
) -> Result<Json<OccurrenceReport>, ApiError> {
    let directory = signed.company()?;
    let date = app.store.occurrence(signed.company_id(), id).await?.value;
    let meeting = match date.meeting {
        Some(id) => app.store.meeting(signed.company_id(), id).await.ok(),
        None => None,
    };
    let around = Around {
        room: date.room,
        starts_at: date.starts_at,
        rules: resources::rules_of(meeting.as_ref(), &directory.company),
        directory,
    };
    let mut attempts: BTreeMap<InvitationId, Vec<Attempt>> = BTreeMap::new();
    for attempt in app.store.attempts_of(id).await? {
        attempts
            .entry(attempt.invitation)
            .or_default()
            .push(resources::attempt(&attempt, directory));
    }
    let invitations: Vec<InvitationStory> = app
        .store
        .invitations(id)
        .await?
        .iter()
        .map(|row| InvitationStory {
            invitation: resources::invitation(&row.invitation, around),
            attempts: attempts.remove(&row.invitation.id).unwrap_or_default(),
        })
        .collect();
    let mut members = app.live.members(signed.company_id());
    members.retain(|member| date.is_open() && member.room_id == date.room);
    let visits = app.store.visits(id).await?;
    let notices = app.store.notices_of(id).await?;
    Ok(Json(OccurrenceReport {
        occurrence: resources::occurrence(
            &date,
            directory,
            u32::try_from(invitations.len()).unwrap_or(u32::MAX),
        ),
        invitations,
        members,
        visits: visits
            .iter()
            .zip(Report::shares(&visits))
            .map(|(visit, share)| resources::visit(visit, share))
            .collect(),
        notices: notices.iter().map(resources::notice).collect(),
    }))
}

/// The same as a table for a spreadsheet: a line for each stay, each call, and each
/// one who did not come. Times are on the clocks of the company.
#[utoipa::path(get, path = "/occurrences/{id}/report.csv", tag = "meetings", params(("id" = String, Path)), responses(
    (status = 200, body = String, content_type = "text/csv"),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn report_csv(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<OccurrenceId>,
) -> Result<Response, ApiError> {
    let directory = signed.company()?;
    let report = Report::read(&app.store, directory, id).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"report.csv\"",
        ),
    ];
    Ok((headers, report.csv(directory)).into_response())
}

/// Ends what goes on: everybody is hung up, nobody is called any more.
#[utoipa::path(post, path = "/occurrences/{id}/end", tag = "meetings", params(("id" = String, Path)), responses(
    (status = 202, body = Occurrence),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`occurrence_is_over`: it is over, or has not begun"),
))]
pub(super) async fn end(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<OccurrenceId>,
) -> Result<(StatusCode, Json<Occurrence>), ApiError> {
    let directory = signed.company()?;
    for _ in 0..TRIES {
        let now = app.now();
        let mut date = app.store.occurrence(signed.company_id(), id).await?;
        if date.value.end(now).is_empty() {
            return Err(ApiError::new(ErrorCode::OccurrenceIsOver));
        }
        let expected = app.store.invitations(id).await?.len();
        let shown = resources::occurrence(
            &date.value,
            directory,
            u32::try_from(expected).unwrap_or(u32::MAX),
        );
        let mut batch = Batch::new(signed.company_id(), now);
        batch
            .events
            .push(resources::event(&EventKind::Occurrence(shown.clone())));
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

/// Lets what goes on last longer, unless another meeting has the room then.
#[utoipa::path(post, path = "/occurrences/{id}/extend", tag = "meetings", params(("id" = String, Path)), request_body = ExtendOccurrence, responses(
    (status = 202, body = Occurrence),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`occurrence_is_over`: it is over, or has not begun; `room_booked`"),
    (status = 422, body = ErrorBody, description = "`bad_extension`"),
))]
pub(super) async fn extend(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<OccurrenceId>,
    Json(request): Json<ExtendOccurrence>,
) -> Result<(StatusCode, Json<Occurrence>), ApiError> {
    let directory = signed.company()?;
    if request.minutes == 0 || request.minutes > EXTENDED_MOST_MIN {
        return Err(ApiError::new(ErrorCode::BadExtension).at("minutes"));
    }
    for _ in 0..TRIES {
        let now = app.now();
        let mut date = app.store.occurrence(signed.company_id(), id).await?;
        if !date.value.is_open() {
            return Err(ApiError::new(ErrorCode::OccurrenceIsOver));
        }
        let held = &date.value;
        let (from, company) = (held.ends_at, held.company);
        let until = from + Span::minutes(i64::from(request.minutes));
        let booking = app
            .store
            .booking(company, held.room, from, until, held.meeting)
            .await?;
        if let Some(booking) = booking {
            let zone = held.zone.unwrap_or(directory.company.zone);
            return Err(room_booked(&booking, zone));
        }
        date.value.extend(until);
        let expected = app.store.invitations(id).await?.len();
        let shown = resources::occurrence(
            &date.value,
            directory,
            u32::try_from(expected).unwrap_or(u32::MAX),
        );
        let mut batch = Batch::new(company, now);
        batch
            .events
            .push(resources::event(&EventKind::Occurrence(shown.clone())));
        batch.occurrences.push(date);
        app.store.promise(StatusCode::ACCEPTED.as_u16(), &shown);
        match app.store.write_batch(&batch).await {
            Err(StoreError::Stale { .. }) => continue,
            written => written?,
        };
        app.changed(company);
        return Ok((StatusCode::ACCEPTED, Json(shown)));
    }
    Err(ApiError::unavailable())
}
