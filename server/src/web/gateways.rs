//! `/api/v1/company/sms-gateway`: by what the company's short messages leave.

use api::{ErrorBody, ErrorCode, EventKind, NewSmsGateway, SmsGateway};
use axum::{extract::State, http::StatusCode};
use domain::{company, employee::Secret};

use super::{App, Signed, error::ApiError, json::Json, resources, validate};

const TEMPLATE_MOST: usize = 4000;
const TOKEN_MOST: usize = 500;

/// The gateway, without its token.
#[utoipa::path(get, path = "/company/sms-gateway", tag = "company", responses(
    (status = 200, body = SmsGateway),
    (status = 403, body = ErrorBody, description = "`not_allowed`: for administrators"),
    (status = 404, body = ErrorBody, description = "`not_found`: none is set up"),
))]
pub(super) async fn sms_gateway(
    State(_): State<App>,
    signed: Signed,
) -> Result<Json<SmsGateway>, ApiError> {
    signed.must_be_administrator()?;
    let gateway = signed.company()?.sms.as_ref();
    gateway
        .map(|gateway| Json(shown(gateway)))
        .ok_or_else(|| ApiError::not_found("gateway"))
}

/// Sets the gateway up, or another one.
///
/// For each message the request in `template` is sent to `url` by POST, with `{to}`,
/// `{text}` and `{id}` filled in as `content_type` wants it. A 2xx has taken it.
#[utoipa::path(put, path = "/company/sms-gateway", tag = "company", request_body = NewSmsGateway, responses(
    (status = 200, body = SmsGateway),
    (status = 403, body = ErrorBody, description = "`not_allowed`: for administrators"),
    (status = 422, body = ErrorBody, description = "`bad_url`, `bad_template`"),
))]
pub(super) async fn set_sms_gateway(
    State(app): State<App>,
    signed: Signed,
    Json(request): Json<NewSmsGateway>,
) -> Result<Json<SmsGateway>, ApiError> {
    signed.must_be_administrator()?;
    let url = validate::url("url", &request.url)?;
    let sound = ["{to}", "{text}"]
        .iter()
        .all(|gap| request.template.contains(gap))
        && request.template.len() <= TEMPLATE_MOST;
    if !sound {
        return Err(ApiError::new(ErrorCode::BadTemplate)
            .at("template")
            .with("limit", TEMPLATE_MOST));
    }
    let printable = |text: &str| text.chars().all(|sign| (' '..='~').contains(&sign));
    let content_type = request
        .content_type
        .unwrap_or_else(|| "application/json".to_owned());
    if content_type.len() > 100 || !printable(&content_type) || !content_type.contains('/') {
        return Err(ApiError::new(ErrorCode::BadTemplate)
            .at("content_type")
            .with("limit", TEMPLATE_MOST));
    }
    let token = match &request.token {
        Some(token) if token.len() > TOKEN_MOST || !printable(token) => {
            return Err(ApiError::new(ErrorCode::BadTemplate)
                .at("token")
                .with("limit", TOKEN_MOST));
        }
        Some(token) => Some(Secret::new(token.clone())),
        // Left out it stays as it is, but only for the address it was given for.
        None => signed
            .company()?
            .sms
            .as_ref()
            .filter(|old| old.url == url)
            .and_then(|old| old.token.clone()),
    };
    let gateway = company::SmsGateway {
        url,
        content_type,
        template: request.template,
        token,
    };
    save(&app, &signed, Some(&gateway)).await?;
    Ok(Json(shown(&gateway)))
}

/// Takes the gateway away. What waits for it is kept for a day.
#[utoipa::path(delete, path = "/company/sms-gateway", tag = "company", responses(
    (status = 204),
    (status = 403, body = ErrorBody, description = "`not_allowed`: for administrators"),
))]
pub(super) async fn remove_sms_gateway(
    State(app): State<App>,
    signed: Signed,
) -> Result<StatusCode, ApiError> {
    signed.must_be_administrator()?;
    save(&app, &signed, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn save(
    app: &App,
    signed: &Signed,
    gateway: Option<&company::SmsGateway>,
) -> Result<(), ApiError> {
    let shown = resources::company(signed.company()?, app.live.as_ref());
    let event = resources::event(&EventKind::Company(shown));
    app.store
        .save_sms_gateway(signed.company_id(), gateway, &event, app.now())
        .await?;
    app.changed(signed.company_id());
    Ok(())
}

fn shown(gateway: &company::SmsGateway) -> SmsGateway {
    SmsGateway {
        url: gateway.url.clone(),
        content_type: gateway.content_type.clone(),
        template: gateway.template.clone(),
        has_token: gateway.token.is_some(),
    }
}
