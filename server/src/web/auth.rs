//! Who asks: the extractors of signed-in users, the session cookie, and the
//! check that a request with a cookie comes from our own pages.

use std::sync::{Arc, OnceLock};

use api::{ErrorCode, Level};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
};
use domain::{CompanyId, Language, Millis, Span, employee::Employee};
use store::{CompanyDirectory, Directory, Secret, SecretHash, User};

use super::{App, error::ApiError};

const COOKIE: &str = "rollcall_session";

/// How long a session lasts without being used.
pub(super) const SESSION_LASTS: Span = Span::minutes(14 * 24 * 60);

/// A session in use is prolonged when this much of it has gone.
const PROLONG_AFTER: Span = Span::minutes(24 * 60);

/// A signed-in user, by cookie or by token.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    pub(super) user: User,
    pub(super) level: Level,
    pub(super) key: Key,
    pub(super) directory: Arc<Directory>,
}

/// What the user showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Session {
        hash: SecretHash,
        expires_at: Millis,
    },
    Token(SecretHash),
}

/// The language of the signed-in user's company, for whom the browser prefers none.
#[derive(Debug, Clone, Default)]
pub(super) struct UserLanguage(pub(super) Arc<OnceLock<Language>>);

impl Signed {
    pub(super) fn company_id(&self) -> CompanyId {
        self.user.company
    }

    pub(super) fn company(&self) -> Result<&CompanyDirectory, ApiError> {
        self.directory
            .companies
            .get(&self.user.company)
            .ok_or_else(|| ApiError::new(ErrorCode::NotSignedIn))
    }

    pub(super) fn employee(&self) -> Result<&Employee, ApiError> {
        self.company()?
            .employee(self.user.employee)
            .ok_or_else(|| ApiError::new(ErrorCode::NotSignedIn))
    }

    pub(super) fn must_be_administrator(&self) -> Result<(), ApiError> {
        match self.level {
            Level::Administrator => Ok(()),
            Level::Employee => Err(ApiError::new(ErrorCode::NotAllowed)),
        }
    }
}

impl FromRequestParts<App> for Signed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let now = app.now();
        let not_signed_in = || ApiError::new(ErrorCode::NotSignedIn);
        let (user, key) = match bearer(&parts.headers) {
            Some(token) => {
                let hash = token.hash();
                let user = app
                    .store
                    .token(&hash, now)
                    .await?
                    .ok_or_else(not_signed_in)?;
                (user, Key::Token(hash))
            }
            None => {
                let hash = cookie(&parts.headers).ok_or_else(not_signed_in)?.hash();
                let (user, expires_at) = app
                    .store
                    .session(&hash, now)
                    .await?
                    .ok_or_else(not_signed_in)?;
                let expires_at = prolong(app, &hash, now, expires_at).await;
                (user, Key::Session { hash, expires_at })
            }
        };
        let directory = app.directory().await?;
        let level = if user.level == "administrator" {
            Level::Administrator
        } else {
            Level::Employee
        };
        let signed = Self {
            user,
            level,
            key,
            directory,
        };
        if let Some(UserLanguage(language)) = parts.extensions.get() {
            _ = language.set(signed.company()?.company.language);
        }
        Ok(signed)
    }
}

async fn prolong(app: &App, session: &SecretHash, now: Millis, expires_at: Millis) -> Millis {
    let fresh = now + SESSION_LASTS;
    if fresh - expires_at < PROLONG_AFTER {
        return expires_at;
    }
    match app.store.prolong_session(session, fresh).await {
        Ok(()) => fresh,
        // It lasts as long as it did; the next request tries again.
        Err(error) => {
            tracing::warn!(%error, "Cannot prolong a session");
            expires_at
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| Secret::from_text(token.trim()))
}

pub(super) fn cookie(headers: &HeaderMap) -> Option<Secret> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == COOKIE).then(|| Secret::from_text(value))
        })
}

/// The `Set-Cookie` that keeps a session, or ends it (an empty text).
///
/// Never sent along from other sites (`SameSite=Strict`), never shown to scripts.
pub(super) fn set_cookie(text: &str, lasts: Span, headers: &HeaderMap) -> HeaderValue {
    let secure = if is_https(headers) { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE}={text}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{secure}",
        lasts.as_seconds()
    );
    HeaderValue::from_str(&cookie).expect("a session is hexadecimal")
}

/// A proxy in front says so; we ourselves speak plain HTTP.
fn is_https(headers: &HeaderMap) -> bool {
    headers
        .get("x-forwarded-proto")
        .is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"))
}

/// Refuses what another site's page made the browser send.
///
/// The cookie is `SameSite=Strict` and every body must be JSON; this is the
/// third lock, and the only one of a WebSocket, which browsers open across sites.
pub(super) fn check_origin(
    method: &Method,
    headers: &HeaderMap,
    is_upgrade: bool,
) -> Result<(), ApiError> {
    if method.is_safe() && !is_upgrade {
        return Ok(());
    }
    let foreign = || ApiError::new(ErrorCode::ForeignOrigin);
    if let Some(site) = headers.get("sec-fetch-site") {
        let ours = site == "same-origin" || site == "none";
        if !ours {
            return Err(foreign());
        }
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().map_err(|_| foreign())?;
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    if authority.is_some() && authority == host {
        Ok(())
    } else {
        Err(foreign())
    }
}

/// Where a request comes from, for the counting of wrong passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source(pub(super) String);

impl FromRequestParts<App> for Source {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let peer = parts
            .extensions
            .get::<ConnectInfo<std::net::SocketAddr>>()
            .map(|info| info.0.ip());
        // A proxy on this machine tells whom it speaks for. From elsewhere the header is only a claim.
        let behind_proxy = peer.is_none_or(|peer| peer.to_canonical().is_loopback());
        let forwarded = parts
            .headers
            .get("x-forwarded-for")
            .and_then(|list| list.to_str().ok())
            .and_then(|list| list.rsplit(',').next())
            .and_then(|last| last.trim().parse().ok());
        let address = if behind_proxy {
            forwarded.or(peer)
        } else {
            peer
        };
        Ok(Self(address.map_or_else(|| "?".to_owned(), network)))
    }
}

/// One subscriber's network: an IPv6 user has 2^64 addresses to guess from.
fn network(address: std::net::IpAddr) -> String {
    match address.to_canonical() {
        std::net::IpAddr::V4(address) => address.to_string(),
        std::net::IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| ((*name).parse().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn only_our_own_pages_may_change_anything_or_listen() {
        let post = |pairs: &[(&'static str, &'static str)]| {
            check_origin(&Method::POST, &headers(pairs), false)
        };
        let host = ("host", "127.0.0.1:8080");

        assert!(post(&[host]).is_ok(), "a program sends no origin");
        assert!(post(&[host, ("origin", "http://127.0.0.1:8080")]).is_ok());
        for foreign in [
            "http://evil.example",
            "http://127.0.0.1:8081",
            "null",
            "http://127.0.0.1:8080.evil.example",
        ] {
            assert!(post(&[host, ("origin", foreign)]).is_err(), "{foreign}");
        }
        assert!(post(&[host, ("sec-fetch-site", "cross-site")]).is_err());
        assert!(post(&[host, ("sec-fetch-site", "same-site")]).is_err());

        let foreign = headers(&[host, ("origin", "http://evil.example")]);
        assert!(
            check_origin(&Method::GET, &foreign, false).is_ok(),
            "reading shows nothing to another site"
        );
        assert!(
            check_origin(&Method::GET, &foreign, true).is_err(),
            "but a socket would"
        );
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let jar = headers(&[("cookie", "theme=dark; rollcall_session=abc; x=y")]);
        assert_eq!(cookie(&jar), Some(Secret::from_text("abc")));
        assert_eq!(
            cookie(&headers(&[("cookie", "xrollcall_session=abc")])),
            None
        );
    }

    #[test]
    fn neighbours_in_one_ipv6_network_count_as_one() {
        assert_eq!(
            network("2001:db8:1:2::7".parse().unwrap()),
            network("2001:db8:1:2:ffff::1".parse().unwrap())
        );
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), "192.0.2.1");
    }
}
