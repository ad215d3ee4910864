//! The HTTP side: REST under `/api/v1`, the events' WebSocket, and the board.
//!
//! A handler is a straight line: extract, authorise, act, answer. Acting means
//! writing rows and the events that tell of them in one transaction, then a
//! nudge: nothing is dialled here. What is in no row (who talks, who is muted)
//! is asked of [`Live`]. Every refusal is an [`api::ErrorBody`] in the caller's
//! language.
//!
//! It must not decide what `domain` decides, and never see another company's
//! rows: every query takes the company of the signed-in user.

mod app;
mod assets;
mod auth;
mod browser_calls;
mod check;
mod company;
mod dates;
mod do_not_disturb;
mod error;
mod event_numbers;
mod gateways;
mod guarded;
mod headers;
mod hub;
mod invitations;
mod json;
mod line_status;
mod live;
mod lobby;
mod login_guard;
mod meetings;
mod members;
mod occurrences;
mod once;
mod openapi;
pub mod password;
mod recorded_names;
mod recordings;
pub mod resources;
mod rooms;
mod rsvp;
mod serve;
mod session;
mod socket;
mod templates;
pub(crate) mod texts;
mod trunks;
mod validate;
mod webhooks;

use axum::{Router, extract::DefaultBodyLimit, http::Method, middleware};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use app::{App, Clock};
pub use hub::Hub;
pub use live::{
    BrowserAnswer, BrowserRefused, Command, Erased, Live, NotInRoom, RecordCommand, RecordRefused,
};
pub use meetings::{cancel, plan};
pub use openapi::document;
pub use serve::serve;

use auth::Signed;
use error::ApiError;

/// Everything that is served over HTTP.
pub fn router(app: App) -> Router {
    let (api, _) = api_routes().split_for_parts();
    let api = api
        .route("/openapi.json", axum::routing::get(openapi::json))
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn_with_state(app.clone(), once::once));
    Router::new()
        .nest("/api/v1", api)
        .route("/rsvp/style.css", axum::routing::get(rsvp::style))
        .route(
            "/rsvp/{meeting}/{signature}",
            axum::routing::get(rsvp::page).post(rsvp::answer),
        )
        .route("/api", axum::routing::any(no_such_route))
        .route("/api/{*rest}", axum::routing::any(no_such_route))
        .fallback(assets::file)
        .layer(DefaultBodyLimit::max(json::BODY_LIMIT))
        .layer(middleware::from_fn(headers::dress))
        .with_state(app)
}

/// All that a server says that stands by.
pub fn standby_router() -> Router {
    Router::new()
        .fallback(async || ApiError::standby())
        .layer(middleware::from_fn(headers::dress))
}

/// The routes with their descriptions: a handler that is not described is not served.
fn api_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(session::sign_in, session::sign_out))
        .routes(routes!(session::me))
        .routes(routes!(session::tokens, session::add_token))
        .routes(routes!(session::remove_token))
        .routes(routes!(company::company, company::change_company))
        .routes(routes!(
            gateways::sms_gateway,
            gateways::set_sms_gateway,
            gateways::remove_sms_gateway
        ))
        .routes(routes!(company::health))
        .routes(routes!(trunks::trunks))
        .routes(routes!(trunks::begin_calibration, trunks::drop_calibration))
        .routes(routes!(trunks::test_call))
        .routes(routes!(trunks::use_calibration))
        .routes(routes!(trunks::forget_learnt))
        .routes(routes!(rooms::people))
        .routes(routes!(rooms::rooms, rooms::add_room))
        .routes(routes!(rooms::change_room))
        .routes(routes!(rooms::act_in_room))
        .routes(routes!(lobby::lobby, lobby::decide))
        .routes(routes!(members::members, members::dial))
        .routes(routes!(members::change_member, members::remove_member))
        .routes(routes!(browser_calls::ring))
        .routes(routes!(browser_calls::look, browser_calls::end))
        .routes(routes!(recordings::start, recordings::stop))
        .routes(routes!(recordings::recordings))
        .routes(routes!(recordings::recording, recordings::remove))
        .routes(routes!(recordings::file))
        .routes(routes!(meetings::meetings, meetings::add_meeting))
        .routes(routes!(
            meetings::meeting,
            meetings::change_meeting,
            meetings::remove_meeting
        ))
        .routes(routes!(check::check))
        .routes(routes!(meetings::start_meeting))
        .routes(routes!(dates::pause))
        .routes(routes!(dates::resume))
        .routes(routes!(templates::templates, templates::add_template))
        .routes(routes!(
            templates::change_template,
            templates::remove_template
        ))
        .routes(routes!(templates::export_list, templates::import_list))
        .routes(routes!(event_numbers::event_numbers))
        .routes(routes!(
            event_numbers::bind_event_number,
            event_numbers::release_event_number
        ))
        .routes(routes!(occurrences::occurrences))
        .routes(routes!(occurrences::report))
        .routes(routes!(occurrences::report_csv))
        .routes(routes!(occurrences::end))
        .routes(routes!(occurrences::extend))
        .routes(routes!(dates::move_date))
        .routes(routes!(dates::cancel))
        .routes(routes!(dates::restore))
        .routes(routes!(invitations::attempts))
        .routes(routes!(invitations::call))
        .routes(routes!(invitations::stop))
        .routes(routes!(do_not_disturb::set))
        .routes(routes!(
            recorded_names::recorded_name,
            recorded_names::keep_name,
            recorded_names::erase_name
        ))
        .routes(routes!(line_status::tell))
        .routes(routes!(rsvp::mail_reply))
        .routes(routes!(webhooks::webhooks, webhooks::add_webhook))
        .routes(routes!(webhooks::remove_webhook))
        .routes(routes!(webhooks::replay))
        .routes(routes!(socket::events))
}

async fn no_such_route() -> ApiError {
    ApiError::not_found("page")
}

async fn no_such_method(method: Method) -> ApiError {
    ApiError::new(api::ErrorCode::MethodNotAllowed).with("method", method)
}
