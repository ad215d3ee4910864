//! `/api/v1/company`, `/api/v1/health`

use api::{ChangeCompany, Company, ErrorBody, EventKind, Health};
use axum::{extract::State, http::StatusCode};

use super::{App, Signed, error::ApiError, json::Json, resources, validate};

/// The company and its settings.
#[utoipa::path(get, path = "/company", tag = "company", responses(
    (status = 200, body = Company),
    (status = 401, body = ErrorBody, description = "`not_signed_in`"),
))]
pub(super) async fn company(
    State(app): State<App>,
    signed: Signed,
) -> Result<Json<Company>, ApiError> {
    Ok(Json(resources::company(
        signed.company()?,
        app.live.as_ref(),
    )))
}

/// Changes settings of the company.
#[utoipa::path(patch, path = "/company", tag = "company", request_body = ChangeCompany, responses(
    (status = 200, body = Company),
    (status = 403, body = ErrorBody, description = "`not_allowed`: for administrators"),
    (status = 422, body = ErrorBody, description = "`unknown_time_zone`, `bad_lead`, `bad_reminder`, `bad_rule`"),
))]
pub(super) async fn change_company(
    State(app): State<App>,
    signed: Signed,
    Json(request): Json<ChangeCompany>,
) -> Result<Json<Company>, ApiError> {
    signed.must_be_administrator()?;
    let mut directory = signed.company()?.clone();
    if let Some(language) = request.language {
        directory.company.language = language;
    }
    if let Some(zone) = &request.time_zone {
        directory.company.zone = validate::time_zone(zone)?;
    }
    if let Some(seconds) = request.lead_s {
        directory.company.lead_ms = validate::lead(seconds)?;
    }
    if let Some(minutes) = request.remind_min {
        directory.company.remind_ms = validate::reminder(minutes)?;
    }
    if let Some(rules) = &request.rules {
        directory.company.rules = validate::rules(rules)?;
    }
    let shown = resources::company(&directory, app.live.as_ref());
    let event = resources::event(&EventKind::Company(shown.clone()));
    app.store
        .save_company(&directory.company, &event, app.now())
        .await?;
    app.changed(signed.company_id());
    Ok(Json(shown))
}

/// Whether the server works, its database included. Asked without signing in.
#[utoipa::path(get, path = "/health", tag = "server", responses(
    (status = 200, body = Health),
    (status = 503, body = Health, description = "The database does not answer; calls go on"),
))]
pub(super) async fn health(State(app): State<App>) -> (StatusCode, Json<Health>) {
    let ready = app.store.is_up().await;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let version = env!("CARGO_PKG_VERSION").to_owned();
    (
        status,
        Json(Health {
            ready,
            version,
            now: app.now().0,
        }),
    )
}
