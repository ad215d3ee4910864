//! What phones publish of themselves (RFC 3903): the server as their state agent.
//!
//! Each PUBLISH that is taken gets an entity-tag; refreshing, changing and removing
//! name it. What a phone says counts for its own account alone.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{
    Alarms, Garbage, Package, Presence, Told, expires,
    told::{Heard, Taken},
};
use crate::{
    authority::AccountId,
    config::Config,
    message::{Request, Response},
};

/// Publications of one account: a phone has one for each package.
const PER_ACCOUNT: usize = 8;
/// What a phone gets that says nothing.
const DEFAULT: Duration = Duration::from_secs(3600);

#[derive(Default)]
pub struct Publications {
    by_account: BTreeMap<AccountId, Vec<Publication>>,
    /// Of each account: when its first publication runs out.
    alarms: Alarms<AccountId>,
}

#[derive(Clone)]
struct Publication {
    etag: String,
    package: Package,
    heard: Heard,
    until: Instant,
}

/// An authenticated PUBLISH.
pub struct Asked<'a> {
    pub account: AccountId,
    pub package: Package,
    pub request: &'a Request,
    /// A tag nobody has.
    pub etag: String,
}

/// Why a PUBLISH changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// There is no such entity-tag: 412.
    NoSuchTag,
    /// 423.
    TooBrief,
    /// 415.
    ContentType,
    /// 400: no body where there must be one.
    Empty,
    /// 400, and told.
    Garbage(Garbage),
    /// 403.
    TooMany,
}

impl Refused {
    pub fn response(&self, request: &Request, package: Package, config: &Config) -> Response {
        let status = match self {
            Refused::NoSuchTag => 412,
            Refused::TooBrief => 423,
            Refused::ContentType => 415,
            Refused::Empty | Refused::Garbage(_) => 400,
            Refused::TooMany => 403,
        };
        let mut response = request.response(status, None);
        match self {
            Refused::TooBrief => {
                let least = config.min_expires.as_secs().to_string();
                response.headers.push("Min-Expires", &least);
            }
            Refused::ContentType => response.headers.push("Accept", package.content_type()),
            Refused::Garbage(why) => response.phrase = format!("Bad Request ({why})"),
            Refused::Empty => response.phrase = "Bad Request (no body)".to_owned(),
            Refused::NoSuchTag | Refused::TooMany => {}
        }
        response
    }
}

impl Publications {
    /// Takes a PUBLISH, wholly or not at all. Answers how long it lasts; zero is gone.
    pub fn publish(
        &mut self,
        asked: Asked<'_>,
        config: &Config,
        now: Instant,
    ) -> Result<Duration, Refused> {
        let Asked {
            account,
            package,
            request,
            etag,
        } = asked;
        let lasting = match expires(&request.headers).map(|s| Duration::from_secs(s.into())) {
            None => DEFAULT.min(config.max_expires),
            Some(Duration::ZERO) => Duration::ZERO,
            Some(asked) if asked < config.min_expires => return Err(Refused::TooBrief),
            Some(asked) => asked.min(config.max_expires),
        };
        let all = self.by_account.entry(account).or_default();
        let known = match request.headers.get("SIP-If-Match") {
            Some(tag) => {
                let same = |one: &Publication| one.etag == tag && one.package == package;
                Some(all.iter().position(same).ok_or(Refused::NoSuchTag)?)
            }
            None => None,
        };
        if lasting.is_zero() {
            let known = known.ok_or(Refused::NoSuchTag)?;
            all.remove(known);
            self.schedule(account);
            return Ok(lasting);
        }
        let heard = match (request.body.is_empty(), known) {
            (true, Some(known)) => all[known].heard.clone(),
            (true, None) => return Err(Refused::Empty),
            (false, _) => read(package, request)?,
        };
        if known.is_none() && all.len() >= PER_ACCOUNT {
            return Err(Refused::TooMany);
        }
        if let Some(known) = known {
            all.remove(known);
        }
        all.push(Publication {
            etag,
            package,
            heard,
            until: now + lasting,
        });
        self.schedule(account);
        Ok(lasting)
    }

    /// What an account says of itself now, and how long that lasts; none when nothing.
    pub fn told(&self, account: AccountId, package: Package) -> Option<(Told, Instant)> {
        let of_package = self.by_account.get(&account)?.iter();
        let of_package: Vec<&Publication> =
            of_package.filter(|one| one.package == package).collect();
        let until = of_package.iter().map(|one| one.until).max()?;
        let told = Heard::together(package, of_package.iter().map(|one| &one.heard));
        Some((told, until))
    }

    /// Forgets what an account said.
    pub fn remove(&mut self, account: AccountId) -> Vec<Package> {
        let all = self.by_account.remove(&account).unwrap_or_default();
        self.schedule(account);
        all.into_iter().map(|one| one.package).collect()
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.alarms.next()
    }

    /// Drops what has run out: whose it was, and of what package.
    pub fn on_timeout(&mut self, now: Instant) -> Vec<(AccountId, Package)> {
        let mut gone = Vec::new();
        while let Some(account) = self.alarms.pop_due(now) {
            if let Some(all) = self.by_account.get_mut(&account) {
                let late = all.iter().filter(|one| one.until <= now);
                gone.extend(late.map(|one| (account, one.package)));
                all.retain(|one| one.until > now);
            }
            self.schedule(account);
        }
        gone
    }

    fn schedule(&mut self, account: AccountId) {
        let all = self.by_account.get(&account).into_iter().flatten();
        let next = all.map(|one| one.until).min();
        if next.is_none() {
            self.by_account.remove(&account);
        }
        self.alarms.set(&account, next);
    }
}

fn read(package: Package, request: &Request) -> Result<Heard, Refused> {
    let agreed = crate::call::media_type(&request.headers)
        .is_some_and(|kind| kind.eq_ignore_ascii_case(package.content_type()));
    if !agreed || request.headers.has("Content-Encoding") {
        return Err(Refused::ContentType);
    }
    let mut heard = Heard::default();
    match heard.take(package, &request.body) {
        Ok(Taken::Yes) => Ok(heard),
        // Each publication stands alone: a part of one that was never whole says nothing.
        Ok(Taken::Late | Taken::Gap) => Err(Refused::Garbage(Garbage::Missing("full state"))),
        Err(why) => Err(Refused::Garbage(why)),
    }
}

impl Presence {
    /// Whether it says anything at all.
    pub fn is_silent(&self) -> bool {
        *self == Presence::default()
    }
}
