//! `/api/v1/webhooks`: programs that are told of the company's events.

use api::{ErrorBody, ErrorCode, NewWebhook, Replay, Webhook, WebhookCreated};
use axum::{extract::State, http::StatusCode};
use domain::{WebhookId, employee::Secret, webhook};
use store::WebhookRow;

use super::{
    App, Signed,
    app::random,
    error::ApiError,
    json::{Json, Path},
    resources, validate,
};

/// A company has no more receivers than this.
const MOST: usize = 20;

/// What events can be of.
const KINDS: [&str; 16] = [
    "person",
    "person_removed",
    "room",
    "room_removed",
    "member_joined",
    "member",
    "member_left",
    "occurrence",
    "invitation",
    "invitation_removed",
    "attempt",
    "meeting",
    "meeting_removed",
    "company",
    "announced",
    "notice",
];

/// Who is told, and how that goes.
#[utoipa::path(get, path = "/webhooks", tag = "events", responses(
    (status = 200, body = [Webhook]),
    (status = 403, body = ErrorBody, description = "`not_allowed`: for administrators"),
))]
pub(super) async fn webhooks(
    State(app): State<App>,
    signed: Signed,
) -> Result<Json<Vec<Webhook>>, ApiError> {
    signed.must_be_administrator()?;
    let rows = app.store.webhooks(signed.company_id()).await?;
    Ok(Json(rows.iter().map(shown).collect()))
}

/// Adds a receiver. It is told of everything from now on, in order, each event until
/// a 2xx has taken it or it is a day old.
///
/// Each is a POST of `{"id", "seq", "at", "event"}`. `Rollcall-Signature` is
/// `sha256=` and the HMAC-SHA256, in hexadecimal, of `Rollcall-Timestamp`, a dot and
/// the body, under the secret in this answer; it is not shown again.
#[utoipa::path(post, path = "/webhooks", tag = "events", request_body = NewWebhook, responses(
    (status = 201, body = WebhookCreated),
    (status = 403, body = ErrorBody, description = "`not_allowed`: for administrators"),
    (status = 422, body = ErrorBody, description = "`bad_url`, `unknown_event_kind`, `too_many_webhooks`"),
))]
pub(super) async fn add_webhook(
    State(app): State<App>,
    signed: Signed,
    Json(request): Json<NewWebhook>,
) -> Result<(StatusCode, Json<WebhookCreated>), ApiError> {
    signed.must_be_administrator()?;
    let url = validate::url("url", &request.url)?;
    for (place, kind) in request.kinds.iter().enumerate() {
        if !KINDS.contains(&kind.as_str()) {
            let kind: String = kind.chars().take(40).collect();
            return Err(ApiError::new(ErrorCode::UnknownEventKind)
                .at(format!("kinds[{place}]"))
                .with("kind", kind)
                .with("kinds", KINDS.join(", ")));
        }
    }
    if app.store.webhooks(signed.company_id()).await?.len() >= MOST {
        return Err(ApiError::new(ErrorCode::TooManyWebhooks).with("limit", MOST));
    }
    let secret = store::Secret::random("").reveal().to_owned();
    let now = app.now();
    let webhook = webhook::Webhook {
        id: WebhookId::new(now, random()),
        company: signed.company_id(),
        url,
        kinds: request.kinds,
        created_at: now,
        secret: Some(Secret::new(secret.clone())),
        course: webhook::Course::default(),
    };
    app.store.add_webhook(&webhook).await?;
    let row = app.store.webhook(signed.company_id(), webhook.id).await?;
    let created = WebhookCreated {
        webhook: shown(&row),
        secret,
    };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Tells a receiver nothing more.
#[utoipa::path(delete, path = "/webhooks/{id}", tag = "events", params(("id" = String, Path)), responses(
    (status = 204),
    (status = 403, body = ErrorBody, description = "`not_allowed`: for administrators"),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn remove_webhook(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<WebhookId>,
) -> Result<StatusCode, ApiError> {
    signed.must_be_administrator()?;
    app.store.remove_webhook(signed.company_id(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells a receiver again of everything after an event, under the same ids. Events
/// are kept for a week.
#[utoipa::path(post, path = "/webhooks/{id}/replay", tag = "events", params(("id" = String, Path)), request_body = Replay, responses(
    (status = 202, body = Webhook),
    (status = 403, body = ErrorBody, description = "`not_allowed`: for administrators"),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`events_not_kept`: begin later"),
))]
pub(super) async fn replay(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<WebhookId>,
    Json(request): Json<Replay>,
) -> Result<(StatusCode, Json<Webhook>), ApiError> {
    signed.must_be_administrator()?;
    let company = signed.company_id();
    app.store.webhook(company, id).await?;
    let kept = app.store.events_after(company, request.after, 1).await?;
    if kept.is_none() {
        return Err(ApiError::new(ErrorCode::EventsNotKept).at("after"));
    }
    app.store.replay_webhook(company, id, request.after).await?;
    let row = app.store.webhook(company, id).await?;
    Ok((StatusCode::ACCEPTED, Json(shown(&row))))
}

fn shown(row: &WebhookRow) -> Webhook {
    let webhook = &row.webhook;
    Webhook {
        id: webhook.id,
        url: webhook.url.clone(),
        kinds: webhook.kinds.clone(),
        created_at: webhook.created_at.0,
        seq: row.seq,
        tries: webhook.course.tries,
        trouble: webhook.course.trouble.as_ref().map(resources::trouble),
        taken_at: webhook.course.taken_at.map(|at| at.0),
        given_up: webhook.course.given_up,
    }
}
