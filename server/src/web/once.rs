//! Requests that act once, however often they come: those with an `Idempotency-Key`.
//!
//! The first one acts, and its answer is kept for a day; the same request under the
//! same key gets that answer again, from whichever process. One that comes while the
//! first is under way waits for it. What was refused has done nothing, and its key
//! is free again.

use std::time::Duration;

use api::{ErrorCode, ErrorDetails};
use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::Span;
use sha2::{Digest, Sha256};
use store::{Found, Receipt, ReceiptAnswer, with_receipt};

use super::{App, Signed, error::ApiError, json::BODY_LIMIT};

const HEADER: &str = "idempotency-key";
const KEY_MOST: usize = 255;

/// Longer than any request takes: who has not acted by then has died.
const LEASE: Span = Span::seconds(10);

/// How long a request waits for the same one that is under way, and how often it looks.
const LOOKS: u32 = 25;
const LOOK: Duration = Duration::from_millis(120);

pub(super) async fn once(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(HEADER) {
        return next.run(request).await;
    }
    match keyed(app, request, next).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn keyed(app: App, request: Request, next: Next) -> Result<Response, ApiError> {
    let key = request
        .headers()
        .get(HEADER)
        .and_then(|value| value.to_str().ok())
        .filter(|key| !key.is_empty() && key.len() <= KEY_MOST)
        .map(str::to_owned)
        .ok_or_else(|| ApiError::new(ErrorCode::BadIdempotencyKey).with("limit", KEY_MOST))?;
    let (mut parts, body) = request.into_parts();
    // Whoever is not signed in is refused by the handler itself, or signs in with it.
    let Ok(signed) = Signed::from_request_parts(&mut parts, &app).await else {
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let body = to_bytes(body, BODY_LIMIT)
        .await
        .map_err(|_| ApiError::new(ErrorCode::BodyTooLarge).with("limit", BODY_LIMIT / 1024))?;
    let mut hash = Sha256::new();
    for part in [parts.uri.to_string().as_bytes(), b"\n", &body[..]] {
        hash.update(part);
    }
    let asked: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let receipt = Receipt::new(signed.user.id, key);

    for _ in 0..LOOKS {
        let now = app.now();
        match app
            .store
            .begin_receipt(&receipt, &asked, now, now + LEASE)
            .await?
        {
            Found::New => {
                let request = Request::from_parts(parts, Body::from(body));
                return act(&app, receipt, request, next).await;
            }
            Found::Answered(answer) => return Ok(again(answer)),
            Found::Acted => return Err(ApiError::new(ErrorCode::AnswerLost)),
            Found::Another => {
                return Err(ApiError::new(ErrorCode::IdempotencyKeyReused));
            }
            Found::UnderWay => tokio::time::sleep(LOOK).await,
        }
    }
    Err(ApiError::new(ErrorCode::RequestUnderWay).details(ErrorDetails::RetryAfter { seconds: 1 }))
}

async fn act(
    app: &App,
    receipt: Receipt,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let response = with_receipt(receipt.clone(), next.run(request)).await;
    if !response.status().is_success() {
        app.store.release_receipt(&receipt).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX)
        .await
        .map_err(|_| ApiError::new(ErrorCode::Internal))?;
    let answer = ReceiptAnswer {
        status: parts.status.as_u16(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    app.store.complete_receipt(&receipt, &answer).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// The answer that was given before.
fn again(answer: ReceiptAnswer) -> Response {
    let has_body = !answer.body.is_empty();
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    if has_body {
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
    }
    headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}
