//! What every answer has: the security headers, and refusals put into words; and that it comes in time.

use std::time::Duration;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::Language;
use tokio::time::timeout;

use super::{
    auth::{UserLanguage, check_origin},
    error::ApiError,
    texts::preferred,
};

/// Scripts and styles from ourselves alone, nothing inline, and WebAssembly, which
/// the board is. `connect-src 'self'` covers the WebSocket.
const CSP: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
                   img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self'; manifest-src 'self'; \
                   base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Whoever asks is told within this time, even if the database hangs.
const HANDLED_WITHIN: Duration = Duration::from_secs(5);

/// Wraps everything.
pub(super) async fn dress(mut request: Request, next: Next) -> Response {
    let language = UserLanguage::default();
    request.extensions_mut().insert(language.clone());
    let wanted = request.headers().get(header::ACCEPT_LANGUAGE).cloned();
    let is_api = request.uri().path().starts_with("/api/");
    let is_upgrade = request.headers().contains_key(header::UPGRADE);

    let checked = check_origin(request.method(), request.headers(), is_upgrade);
    let mut response = match checked {
        // A request is a few rows, read and written: one that takes longer waits for a
        // database that does not answer, or for a client that does not finish its sentence.
        Ok(()) => match timeout(HANDLED_WITHIN, next.run(request)).await {
            Ok(response) => response,
            Err(_) => ApiError::unavailable().into_response(),
        },
        Err(foreign) => foreign.into_response(),
    };
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        let language = wanted
            .and_then(|wanted| preferred(wanted.to_str().ok()?))
            .or_else(|| language.0.get().copied())
            .unwrap_or(Language::English);
        let (allow, cookies) = (
            take(&mut response, header::ALLOW),
            take(&mut response, header::SET_COOKIE),
        );
        response = error.in_language(language);
        put(&mut response, header::ALLOW, allow);
        put(&mut response, header::SET_COOKIE, cookies);
    }
    protect(response.headers_mut(), is_api);
    response
}

fn take(response: &mut Response<Body>, name: header::HeaderName) -> Option<HeaderValue> {
    response.headers_mut().remove(name)
}

fn put(response: &mut Response<Body>, name: header::HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        response.headers_mut().insert(name, value);
    }
}

fn protect(headers: &mut HeaderMap, is_api: bool) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A page may have a policy of its own.
    let policy = headers.entry(header::CONTENT_SECURITY_POLICY);
    policy.or_insert(HeaderValue::from_static(CSP));
    headers.insert(
        "cross-origin-opener-policy",
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        "permissions-policy",
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(self)"),
    );
    if is_api {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
