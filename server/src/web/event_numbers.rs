//! `/api/v1/event-numbers`

use api::{
    BindEventNumber, ErrorBody, ErrorCode, EventBinding, EventKind, EventNumber, EventNumberState,
};
use axum::extract::State;
use domain::{
    Millis, PhoneNumber, Role, Span, event_number,
    event_number::{Binding, Stand},
    occurrence::Occurrence,
    role::{Approach, Grant, Who},
};
use store::{CompanyDirectory, StoreError};

use super::{
    App, Signed,
    error::ApiError,
    json::{Json, Path},
    resources,
};

const OPENS_BEFORE_MOST: u32 = 24 * 60;
const REST_DAYS_MOST: u32 = 365;

/// The company's event numbers, with what each is bound to and where it stands.
#[utoipa::path(get, path = "/event-numbers", tag = "meetings", responses(
    (status = 200, body = [EventNumber]),
    (status = 401, body = ErrorBody, description = "`not_signed_in`"),
))]
pub(super) async fn event_numbers(
    State(app): State<App>,
    signed: Signed,
) -> Result<Json<Vec<EventNumber>>, ApiError> {
    let directory = signed.company()?;
    let mut shown = Vec::with_capacity(directory.event_numbers.len());
    for number in &directory.event_numbers {
        shown.push(show(&app, number).await?);
    }
    Ok(Json(shown))
}

/// Binds an event number to a meeting, or changes how it is bound to it. Callers meet it at once.
#[utoipa::path(put, path = "/event-numbers/{number}", tag = "meetings", params(("number" = String, Path)), request_body = BindEventNumber, responses(
    (status = 200, body = EventNumber),
    (status = 404, body = ErrorBody, description = "`not_found`: the number, the meeting or the date"),
    (status = 409, body = ErrorBody, description = "`event_number_taken`: it is bound to another meeting, or rests; `meeting_is_over`"),
    (status = 422, body = ErrorBody, description = "`bad_number`, `wrong_type`"),
))]
pub(super) async fn bind_event_number(
    State(app): State<App>,
    signed: Signed,
    Path(number): Path<String>,
    Json(request): Json<BindEventNumber>,
) -> Result<Json<EventNumber>, ApiError> {
    let now = app.now();
    let directory = signed.company()?;
    let mut number = found(directory, &number)?.clone();
    let meeting = app
        .store
        .meeting(signed.company_id(), request.meeting_id)
        .await?;
    let dates = dates(&app, request.meeting_id).await?;
    if let Some(only) = request.occurrence_id
        && !dates.iter().any(|date| date.id == only)
    {
        return Err(ApiError::not_found("occurrence"));
    }
    if let Some(other) = &number.binding {
        let same = other.meeting == request.meeting_id && other.released_at.is_none();
        match stand(&app, &number, now).await? {
            Stand::Free => {}
            Stand::Before { .. } | Stand::Open { .. } if same => {}
            Stand::Before { .. } | Stand::Open { .. } => {
                return Err(taken(&number, ErrorCode::EventNumberTaken));
            }
            Stand::Over { .. } | Stand::Resting { .. } => {
                return Err(taken(&number, ErrorCode::EventNumberRests));
            }
        }
    }
    let binding = Binding {
        occurrence: request.occurrence_id,
        opens_before_ms: Span::minutes(i64::from(within(
            "opens_before_min",
            request.opens_before_min.unwrap_or(15),
            OPENS_BEFORE_MOST,
        )?)),
        rest_ms: Span::minutes(
            24 * 60
                * i64::from(within(
                    "rest_days",
                    request.rest_days.unwrap_or(7),
                    REST_DAYS_MOST,
                )?),
        ),
        grants: grants(
            request.employees.unwrap_or(Role::Speaker),
            request.strangers.unwrap_or(Role::Listener),
        ),
        ..Binding::new(meeting.id)
    };
    if !matches!(
        binding.stand(&dates, event_number::planned(&meeting, &dates, now), now),
        Stand::Before { .. } | Stand::Open { .. }
    ) {
        return Err(ApiError::new(ErrorCode::MeetingIsOver));
    }
    save(&app, &mut number, binding, directory, now).await?;
    show(&app, &number).await.map(Json)
}

/// Takes an event number back. If it has been open already it says that the event is over, and rests.
#[utoipa::path(delete, path = "/event-numbers/{number}", tag = "meetings", params(("number" = String, Path)), responses(
    (status = 200, body = EventNumber),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn release_event_number(
    State(app): State<App>,
    signed: Signed,
    Path(number): Path<String>,
) -> Result<Json<EventNumber>, ApiError> {
    let now = app.now();
    let directory = signed.company()?;
    let mut number = found(directory, &number)?.clone();
    if let Some(binding) = number.binding.clone()
        && binding.released_at.is_none()
    {
        let released = Binding {
            released_at: Some(now),
            ..binding
        };
        save(&app, &mut number, released, directory, now).await?;
    }
    show(&app, &number).await.map(Json)
}

fn found<'a>(
    directory: &'a CompanyDirectory,
    text: &str,
) -> Result<&'a event_number::EventNumber, ApiError> {
    let wanted =
        PhoneNumber::parse(text).map_err(|error| ApiError::bad_number("number", text, &error))?;
    directory
        .event_numbers
        .iter()
        .find(|one| one.number.same_line(&wanted))
        .ok_or_else(|| ApiError::not_found("number"))
}

fn taken(number: &event_number::EventNumber, code: ErrorCode) -> ApiError {
    ApiError::new(code).with("number", number.number.as_str())
}

fn within(field: &'static str, value: u32, most: u32) -> Result<u32, ApiError> {
    if value <= most {
        return Ok(value);
    }
    let problem = super::texts::Phrase::new("problems.too_many").with("most", most);
    Err(ApiError::new(ErrorCode::WrongType)
        .at(field)
        .with("name", field)
        .with_phrase("problem", problem))
}

fn grants(employees: Role, strangers: Role) -> Vec<Grant> {
    let grant = |who, role| Grant {
        who,
        dialled: None,
        role,
    };
    vec![
        grant(Who::Employee, employees),
        grant(Who::Anyone, strangers),
    ]
}

async fn save(
    app: &App,
    number: &mut event_number::EventNumber,
    binding: Binding,
    directory: &CompanyDirectory,
    now: Millis,
) -> Result<(), ApiError> {
    let mut told = Vec::new();
    if let Ok(meeting) = app.store.meeting(number.company, binding.meeting).await {
        let ids = dates(app, meeting.id)
            .await?
            .iter()
            .map(|date| date.id)
            .collect();
        let leads = binding.released_at.is_none();
        told.push(resources::event(&EventKind::Meeting(api::Meeting {
            event_number: leads.then(|| number.number.to_string()),
            ..resources::meeting(&meeting, directory, ids)
        })));
    }
    match app
        .store
        .bind_event_number(number, &binding, &told, now)
        .await
    {
        Err(StoreError::Stale { .. }) => {
            return Err(taken(number, ErrorCode::EventNumberTaken));
        }
        saved => saved?,
    }
    number.binding = Some(binding);
    app.changed(number.company);
    Ok(())
}

async fn dates(app: &App, meeting: domain::MeetingId) -> Result<Vec<Occurrence>, ApiError> {
    let dates = app.store.occurrences_of(meeting).await?;
    Ok(dates.into_iter().map(|date| date.value).collect())
}

async fn stand(
    app: &App,
    number: &event_number::EventNumber,
    now: Millis,
) -> Result<Stand, ApiError> {
    match &number.binding {
        None => Ok(Stand::Free),
        Some(binding) => {
            let dates = dates(app, binding.meeting).await?;
            // A meeting that was removed since has no further dates.
            let planned = match app.store.meeting(number.company, binding.meeting).await {
                Ok(meeting) => event_number::planned(&meeting, &dates, now),
                Err(StoreError::NotFound { .. }) => None,
                Err(error) => return Err(error.into()),
            };
            Ok(binding.stand(&dates, planned, now))
        }
    }
}

async fn show(app: &App, number: &event_number::EventNumber) -> Result<EventNumber, ApiError> {
    let state = match stand(app, number, app.now()).await? {
        Stand::Free => EventNumberState::Free,
        Stand::Before { starts_at } => EventNumberState::Before {
            starts_at: starts_at.0,
        },
        Stand::Open { occurrence, .. } => EventNumberState::Open {
            occurrence_id: occurrence,
        },
        Stand::Over { until } => EventNumberState::Over { until_at: until.0 },
        Stand::Resting { until } => EventNumberState::Resting { until_at: until.0 },
    };
    let bound = match (&number.binding, state) {
        (None, _) | (_, EventNumberState::Free) => None,
        (Some(binding), _) => Some(shown(app, number, binding).await?),
    };
    Ok(EventNumber {
        number: number.number.to_string(),
        state,
        binding: bound,
    })
}

async fn shown(
    app: &App,
    number: &event_number::EventNumber,
    binding: &Binding,
) -> Result<EventBinding, ApiError> {
    // A meeting that was removed since is over, and so is its number.
    let title = match app.store.meeting(number.company, binding.meeting).await {
        Ok(meeting) => meeting.title,
        Err(StoreError::NotFound { .. }) => String::new(),
        Err(error) => return Err(error.into()),
    };
    let employee = Approach {
        employee: true,
        ..Approach::default()
    };
    let count =
        |span: Span, seconds: i64| u32::try_from(span.as_seconds() / seconds).unwrap_or(u32::MAX);
    Ok(EventBinding {
        meeting_id: binding.meeting,
        title,
        occurrence_id: binding.occurrence,
        opens_before_min: count(binding.opens_before_ms, 60),
        rest_days: count(binding.rest_ms, 24 * 60 * 60),
        employees: binding.role(&employee),
        strangers: binding.role(&Approach::default()),
    })
}
