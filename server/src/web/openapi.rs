//! The description of the API, generated from the handlers and their types.
//! A copy is checked in as `docs/openapi.json`; a test compares the two.

use std::sync::LazyLock;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Rollcall",
        description = "Everything the board does. Times are Unix milliseconds in UTC; ids are UUIDs. \
                       Sign in with `POST /session` (a cookie) or send a token as `Authorization: Bearer …`. \
                       Every refusal is an `ErrorBody`."
    ),
    servers((url = "/api/v1")),
    modifiers(&Ways),
    security(("session" = []), ("token" = [])),
    components(schemas(api::ErrorBody, api::ErrorDetails, api::Snapshot, api::EventKind)),
    tags(
        (name = "session", description = "Signing in, and tokens for programs"),
        (name = "people", description = "The directory and the state of everybody's lines"),
        (name = "rooms", description = "Rooms and who is in them"),
        (name = "meetings", description = "Plans and their dates"),
        (name = "invitations", description = "Who is expected, and the calls made for it"),
        (name = "company", description = "The company's settings"),
        (name = "trunks", description = "Ways to the telephone network, and learning what their answers mean"),
        (name = "events", description = "What changes, as it changes"),
        (name = "server", description = "How the server is")
    )
)]
struct Description;

/// The two ways of proving who one is.
struct Ways;

impl Modify for Ways {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let cookie = ApiKey::Cookie(ApiKeyValue::new("rollcall_session"));
        components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
        components.add_security_scheme(
            "token",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        );
    }
}

/// The description as it is served and checked in.
pub fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(describe);
    &DOCUMENT
}

fn describe() -> String {
    let (_, mut described) = super::api_routes().split_for_parts();
    let mut document = Description::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    described.merge(document.clone());
    described.info = document.info;
    described.servers = document.servers;
    described.tags = document.tags;
    described.security = document.security;
    let mut text = described
        .to_pretty_json()
        .expect("the description is plain data");
    text.push('\n');
    text
}

pub(super) async fn json() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document()).into_response()
}
