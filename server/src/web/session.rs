//! `/api/v1/session`, `/api/v1/me`, `/api/v1/tokens`

use std::sync::PoisonError;

use api::{
    ErrorBody, ErrorCode, ErrorDetails, Me, NewToken, SignIn, SignedIn, Token, TokenCreated,
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Span, TokenId};
use store::{Secret, User};
use tokio::sync::Semaphore;

use super::{
    App, Signed,
    app::random,
    auth::{Key, SESSION_LASTS, Source, cookie, set_cookie},
    error::ApiError,
    json::{Json, Path},
    password,
    validate::name_of,
};

/// Checks of passwords at one time: each takes 19 MiB and a core for some milliseconds.
static CHECKS: Semaphore = Semaphore::const_new(2);

/// Signs in. The session is the cookie of the answer.
#[utoipa::path(post, path = "/session", tag = "session", request_body = SignIn, responses(
    (status = 201, body = SignedIn, description = "Signed in; the cookie `rollcall_session` is set"),
    (status = 401, body = ErrorBody, description = "`wrong_email_or_password`"),
    (status = 429, body = ErrorBody, description = "`too_many_attempts`: see `Retry-After`"),
))]
pub(super) async fn sign_in(
    State(app): State<App>,
    source: Source,
    headers: HeaderMap,
    Json(request): Json<SignIn>,
) -> Result<Response, ApiError> {
    let account = request.email.trim().to_lowercase();
    let user = check_password(&app, &source, &account, request.password).await?;

    let session = Secret::random("");
    let now = app.now();
    let expires_at = now + SESSION_LASTS;
    app.store
        .begin_session(user.id, &session.hash(), now, expires_at)
        .await?;

    let key = Key::Session {
        hash: session.hash(),
        expires_at,
    };
    let level = super::resources::level(&user);
    let signed = Signed {
        user,
        level,
        key,
        directory: app.directory().await?,
    };
    let body = SignedIn {
        me: super::resources::me(&signed)?,
        expires_at: expires_at.0,
    };
    let cookie = set_cookie(session.reveal(), SESSION_LASTS, &headers);
    Ok((
        StatusCode::CREATED,
        [(header::SET_COOKIE, cookie)],
        Json(body),
    )
        .into_response())
}

async fn check_password(
    app: &App,
    source: &Source,
    account: &str,
    password: String,
) -> Result<User, ApiError> {
    let wait = app
        .guard
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .wait(account, &source.0, app.now());
    if let Some(wait) = wait {
        let seconds = u32::try_from((wait + Span(999)).as_seconds()).unwrap_or(u32::MAX);
        return Err(ApiError::new(ErrorCode::TooManyAttempts)
            .with("seconds", seconds)
            .details(ErrorDetails::RetryAfter { seconds }));
    }
    let login = app.store.login(account).await?;
    let hash = login.as_ref().map(|login| login.password_hash.clone());
    let _turn = CHECKS
        .acquire()
        .await
        .map_err(|_| ApiError::new(ErrorCode::Internal))?;
    let fits = tokio::task::spawn_blocking(move || match hash {
        Some(hash) => password::verify(&password, &hash),
        None => password::verify_nothing(&password),
    })
    .await
    .map_err(|_| ApiError::new(ErrorCode::Internal))?;

    let mut guard = app.guard.lock().unwrap_or_else(PoisonError::into_inner);
    match login {
        Some(login) if fits => {
            guard.succeeded(account);
            Ok(login.user)
        }
        Some(_) | None => {
            guard.failed(account, &source.0, app.now());
            Err(ApiError::new(ErrorCode::WrongEmailOrPassword))
        }
    }
}

/// Signs out, on this browser alone. Succeeds whether or not somebody was signed in.
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204, description = "Signed out")))]
pub(super) async fn sign_out(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(session) = cookie(&headers) {
        let user = app.store.session(&session.hash(), app.now()).await?;
        app.store.end_session(&session.hash()).await?;
        if let Some((user, _)) = user {
            app.hub.check_sessions(user.company);
        }
    }
    let gone = set_cookie("", Span::ZERO, &headers);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

/// Who is signed in.
#[utoipa::path(get, path = "/me", tag = "session", responses(
    (status = 200, body = Me),
    (status = 401, body = ErrorBody, description = "`not_signed_in`"),
))]
pub(super) async fn me(signed: Signed) -> Result<Json<Me>, ApiError> {
    super::resources::me(&signed).map(Json)
}

/// The user's own tokens, oldest first. Their texts are not kept.
#[utoipa::path(get, path = "/tokens", tag = "session", responses(
    (status = 200, body = [Token]),
    (status = 401, body = ErrorBody, description = "`not_signed_in`"),
))]
pub(super) async fn tokens(
    State(app): State<App>,
    signed: Signed,
) -> Result<Json<Vec<Token>>, ApiError> {
    let rows = app.store.tokens(signed.user.id).await?;
    let tokens = rows.into_iter().map(|row| Token {
        id: row.id,
        name: row.name,
        created_at: row.created_at.0,
        used_at: row.used_at.map(|at| at.0),
    });
    Ok(Json(tokens.collect()))
}

/// Makes a token, which acts as the user. Its text is in this answer and nowhere else.
#[utoipa::path(post, path = "/tokens", tag = "session", request_body = NewToken, responses(
    (status = 201, body = TokenCreated),
    (status = 401, body = ErrorBody, description = "`not_signed_in`"),
    (status = 422, body = ErrorBody, description = "`empty_name`, `name_too_long`"),
))]
pub(super) async fn add_token(
    State(app): State<App>,
    signed: Signed,
    Json(request): Json<NewToken>,
) -> Result<(StatusCode, Json<TokenCreated>), ApiError> {
    let name = name_of("name", &request.name)?;
    let now = app.now();
    let id = TokenId::new(now, random());
    let secret = Secret::random("rollcall_");

    app.store
        .add_token(id, signed.user.id, &name, &secret.hash(), now)
        .await?;

    let token = Token {
        id,
        name,
        created_at: now.0,
        used_at: None,
    };
    Ok((
        StatusCode::CREATED,
        Json(TokenCreated {
            token,
            secret: secret.reveal().to_owned(),
        }),
    ))
}

/// Revokes a token, on open sockets too.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "session", params(("id" = String, Path)), responses(
    (status = 204, description = "Revoked"),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn remove_token(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<TokenId>,
) -> Result<StatusCode, ApiError> {
    app.store.remove_token(signed.user.id, id).await?;
    app.hub.check_sessions(signed.company_id());
    Ok(StatusCode::NO_CONTENT)
}
