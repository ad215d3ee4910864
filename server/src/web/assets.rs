//! The front end, as it was built into this binary from `frontend/dist`.
//!
//! It is one page: every path that is no file is that page, and it draws the
//! rest. Files with a hash in their name never change and are kept for a year.

use std::borrow::Cow;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use rust_embed::RustEmbed;

use super::error::ApiError;

#[derive(RustEmbed)]
#[folder = "../frontend/dist"]
#[allow_missing = true]
struct Files;

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Rollcall</title>\
    <p>The server runs. Its board was not built into it: <code>make frontend</code>, then build the server again.</p>";

/// Everything that is not the API.
pub(super) async fn file(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return ApiError::new(api::ErrorCode::MethodNotAllowed)
            .with("method", method)
            .into_response();
    }
    let path = uri.path().trim_start_matches('/');
    let accepts_brotli = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|encodings| encodings.to_str().ok())
        .is_some_and(|encodings| {
            encodings
                .split(',')
                .any(|one| one.trim().split(';').next() == Some("br"))
        });
    if let Some(found) = named(path, accepts_brotli) {
        return found;
    }
    // A file that is missing is not a page: a board that asks for it is an old one.
    let wants_page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    if !wants_page {
        return ApiError::not_found("page").into_response();
    }
    named("index.html", accepts_brotli).unwrap_or_else(|| Html(NOT_BUILT).into_response())
}

fn named(path: &str, accepts_brotli: bool) -> Option<Response> {
    if path.is_empty() || path.ends_with(".br") {
        return None;
    }
    let packed = accepts_brotli
        .then(|| Files::get(&format!("{path}.br")))
        .flatten();
    let is_packed = packed.is_some();
    let file = packed.or_else(|| Files::get(path))?;

    let body = match file.data {
        Cow::Borrowed(bytes) => Body::from(bytes),
        Cow::Owned(bytes) => Body::from(bytes),
    };
    let mut response = (StatusCode::OK, body).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(media_type(path)),
    );
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    let kept = if is_hashed(path) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    Some(response)
}

/// Whether a name carries the hash of what is in the file: `board-1f3a…0c.wasm`.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split(['-', '.', '_'])
        .any(|part| part.len() >= 8 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "webmanifest") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_hash_are_kept_for_long() {
        assert!(is_hashed("assets/board-1f3a9c04d2e5.wasm"));
        assert!(is_hashed("board_bg.0123456789abcdef.wasm"));
        assert!(!is_hashed("index.html"));
        assert!(!is_hashed("favicon.svg"));
    }
}
