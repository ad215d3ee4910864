//! Who is bound where: the registrar's table (RFC 3261 §10.3).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::{
    authority::AccountId,
    command::Target,
    config::Config,
    flow::{Flow, Hop},
    message::{Envelope, NameAddr, Request, Response},
    uri::{SipUri, Uri},
};

/// One contact of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    pub account: AccountId,
    /// The user name it proved to be.
    pub username: String,
    /// The contact as the device gave it; requests carry it as Request-URI.
    pub contact: SipUri,
    /// Where the REGISTER came from, and so where requests must go: the contact's
    /// own address may be behind a NAT.
    pub flow: Flow,
    /// Preference, 0-1000.
    pub q: u16,
    /// Wall clock, Unix ms.
    pub expires_at: i64,
    pub call_id: String,
    pub cseq: u32,
    pub user_agent: Option<String>,
    /// `+sip.instance` (RFC 5626), where the device has one.
    pub instance: Option<String>,
    /// The proxies on the way to it (RFC 3327), nearest first.
    #[serde(default)]
    pub path: Vec<SipUri>,
}

impl Binding {
    /// How to call it: its contact as Request-URI, sent back the way it came.
    pub fn target(&self) -> Target {
        Target {
            uri: self.contact.clone(),
            route: self.path.clone(),
            hop: Some(Hop::Flow(self.flow)),
        }
    }
}

/// The table. Times are kept by the monotonic clock and told by the wall clock, so a
/// jump of the latter neither cuts nor prolongs a binding.
pub struct Registrar {
    bindings: BTreeMap<AccountId, Vec<Bound>>,
    /// When the first binding of each account runs out.
    deadlines: BTreeSet<(Instant, AccountId)>,
    scheduled: BTreeMap<AccountId, Instant>,
    epoch: Instant,
    epoch_ms: i64,
}

#[derive(Debug, Clone)]
struct Bound {
    binding: Binding,
    until: Instant,
}

/// An authenticated REGISTER.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub account: AccountId,
    /// The name that was proved.
    pub username: &'a str,
    pub request: &'a Request,
    pub envelope: &'a Envelope,
    /// Where it came from.
    pub flow: Flow,
}

/// Why a REGISTER changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Contacts we cannot use, or `*` out of place: 400.
    Malformed,
    /// 423.
    TooBrief,
    /// Overtaken by a later REGISTER of the same Call-ID: 500.
    OutOfOrder,
    /// 403.
    TooMany,
}

impl Refused {
    pub fn response(self, request: &Request, tag: &str, config: &Config) -> Response {
        let status = match self {
            Refused::Malformed => 400,
            Refused::TooBrief => 423,
            Refused::OutOfOrder => 500,
            Refused::TooMany => 403,
        };
        let response = request.response(status, Some(tag));
        match self {
            Refused::TooBrief => {
                response.with("Min-Expires", &config.min_expires.as_secs().to_string())
            }
            Refused::TooMany => Response {
                phrase: "Too Many Contacts".to_owned(),
                ..response
            },
            Refused::Malformed | Refused::OutOfOrder => response,
        }
    }
}

/// What one Contact value asks for.
struct Wish {
    contact: SipUri,
    /// Zero to remove.
    expires: Duration,
    q: u16,
    instance: Option<String>,
}

impl Registrar {
    pub fn new(now: Instant, wall_ms: i64) -> Self {
        Registrar {
            bindings: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            scheduled: BTreeMap::new(),
            epoch: now,
            epoch_ms: wall_ms,
        }
    }

    /// Brings back bindings of an earlier process; those that ran out are left out.
    pub fn restore(&mut self, bindings: Vec<Binding>, now: Instant) {
        let wall = self.wall(now);
        for binding in bindings {
            let Ok(left) = u64::try_from(binding.expires_at.saturating_sub(wall)) else {
                continue;
            };
            if left == 0 {
                continue;
            }
            let account = binding.account;
            let until = now + Duration::from_millis(left);
            let bound = Bound { binding, until };
            self.bindings.entry(account).or_default().push(bound);
            self.schedule(account);
        }
    }

    /// All bindings of an account, the most preferred first.
    pub fn of(&self, account: AccountId) -> Vec<Binding> {
        let bound = self.bindings.get(&account).map_or(&[][..], Vec::as_slice);
        let mut bindings: Vec<Binding> = bound.iter().map(|b| b.binding.clone()).collect();
        bindings.sort_by_key(|b| std::cmp::Reverse(b.q));
        bindings
    }

    pub fn remove(&mut self, account: AccountId) -> bool {
        let had_any = self.bindings.remove(&account).is_some();
        self.schedule(account);
        had_any
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Drops what has run out; the accounts it was dropped from.
    pub fn on_timeout(&mut self, now: Instant) -> Vec<AccountId> {
        let mut changed = Vec::new();
        while let Some((at, account)) = self.deadlines.first().copied()
            && at <= now
        {
            self.deadlines.pop_first();
            if let Some(bound) = self.bindings.get_mut(&account) {
                let before = bound.len();
                bound.retain(|b| b.until > now);
                if bound.len() < before && !changed.contains(&account) {
                    changed.push(account);
                }
            }
            self.schedule(account);
        }
        changed
    }

    /// Carries out a REGISTER, wholly or not at all. True when something changed
    /// rather than was asked.
    pub fn register(
        &mut self,
        asked: &Asked,
        config: &Config,
        now: Instant,
    ) -> Result<bool, Refused> {
        let Asked {
            account,
            username,
            request,
            envelope,
            flow,
        } = *asked;
        if request.headers.list("Contact").count() > config.max_bindings {
            return Err(Refused::TooMany);
        }
        let bound = self.bindings.get(&account).cloned().unwrap_or_default();
        let overtaken = |b: &Bound| {
            b.binding.call_id == envelope.call_id && envelope.cseq.number <= b.binding.cseq
        };
        if request.headers.get("Contact").is_none() {
            return Ok(false);
        }
        let path = request
            .headers
            .list("Path")
            .map(
                |value| match value.parse::<NameAddr>().map(|path| path.uri) {
                    Ok(Uri::Sip(uri)) => Ok(uri),
                    Ok(Uri::Other { .. }) | Err(_) => Err(Refused::Malformed),
                },
            )
            .collect::<Result<Vec<SipUri>, Refused>>()?;
        let mut next = bound;
        if request.headers.list("Contact").any(|value| value == "*") {
            let alone = request.headers.list("Contact").count() == 1;
            if !alone || request.headers.get("Expires") != Some("0") {
                return Err(Refused::Malformed);
            }
            if next.iter().any(overtaken) {
                return Err(Refused::OutOfOrder);
            }
            next.clear();
        } else {
            for wish in wishes(request, config)? {
                let same = |b: &Bound| {
                    b.binding.contact.matches(&wish.contact)
                        || (b.binding.instance.is_some()
                            && b.binding.instance == wish.instance
                            && b.binding.call_id != envelope.call_id)
                };
                if next.iter().any(|b| same(b) && overtaken(b)) {
                    return Err(Refused::OutOfOrder);
                }
                next.retain(|b| !same(b));
                if wish.expires.is_zero() {
                    continue;
                }
                let until = now + wish.expires;
                let binding = Binding {
                    account,
                    username: username.to_owned(),
                    contact: wish.contact,
                    flow,
                    q: wish.q,
                    expires_at: self.wall(until),
                    call_id: envelope.call_id.clone(),
                    cseq: envelope.cseq.number,
                    user_agent: request.headers.get("User-Agent").map(str::to_owned),
                    instance: wish.instance,
                    path: path.clone(),
                };
                next.push(Bound { binding, until });
            }
        }
        // Phones that make up a new contact at each start leave the old ones behind: those
        // that would run out first make room.
        if next.len() > config.max_bindings {
            next.sort_by_key(|b| b.until);
            next.drain(..next.len() - config.max_bindings);
        }
        self.bindings.insert(account, next);
        self.schedule(account);
        Ok(true)
    }

    /// 200 with everything the account is bound to (§10.3 step 8).
    pub fn accepted(
        &self,
        account: AccountId,
        request: &Request,
        tag: &str,
        now: Instant,
    ) -> Response {
        let mut response = request.response(200, Some(tag));
        for path in request.headers.all("Path") {
            response.headers.push("Path", path);
        }
        for bound in self.bindings.get(&account).into_iter().flatten() {
            let left = bound.until.saturating_duration_since(now);
            let mut contact = NameAddr::new(bound.binding.contact.clone());
            let seconds = left.as_millis().div_ceil(1000).to_string();
            contact.params.push(("expires".to_owned(), Some(seconds)));
            if let Some(instance) = &bound.binding.instance {
                let instance = ("+sip.instance".to_owned(), Some(instance.clone()));
                contact.params.push(instance);
            }
            response.headers.push("Contact", &contact.to_string());
        }
        response
    }

    fn schedule(&mut self, account: AccountId) {
        if let Some(at) = self.scheduled.remove(&account) {
            self.deadlines.remove(&(at, account));
        }
        let next = self.bindings.get(&account).into_iter().flatten();
        match next.map(|b| b.until).min() {
            Some(at) => {
                self.deadlines.insert((at, account));
                self.scheduled.insert(account, at);
            }
            None => {
                self.bindings.remove(&account);
            }
        }
    }

    /// The wall clock at an instant, Unix ms.
    pub fn wall(&self, at: Instant) -> i64 {
        let passed = at.saturating_duration_since(self.epoch).as_millis();
        self.epoch_ms
            .saturating_add(i64::try_from(passed).unwrap_or(i64::MAX))
    }
}

fn wishes(request: &Request, config: &Config) -> Result<Vec<Wish>, Refused> {
    let default = request.headers.get("Expires").map(seconds);
    let mut wishes = Vec::new();
    for value in request.headers.list("Contact") {
        let contact: NameAddr = value.parse().map_err(|_| Refused::Malformed)?;
        let Uri::Sip(uri) = contact.uri.clone() else {
            return Err(Refused::Malformed);
        };
        let expires = contact.param("expires").map(seconds).or(default);
        let expires = expires
            .unwrap_or(config.max_expires)
            .min(config.max_expires);
        if !expires.is_zero() && expires < config.min_expires {
            return Err(Refused::TooBrief);
        }
        wishes.push(Wish {
            contact: uri,
            expires,
            q: contact.param("q").map_or(1000, q_value),
            instance: contact.param("+sip.instance").map(str::to_owned),
        });
    }
    Ok(wishes)
}

/// A lifetime; what is malformed counts as an hour (§10.2.1.1), what is too large as
/// very long.
fn seconds(text: &str) -> Duration {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Duration::from_secs(3600);
    }
    Duration::from_secs(text.parse::<u32>().unwrap_or(u32::MAX).into())
}

/// `0.7` as 700.
fn q_value(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole != "0" {
        return 1000;
    }
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    digits.parse().unwrap_or(1000)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        flow::Transport,
        message::{Message, parse},
    };

    const ALICE: AccountId = AccountId(Uuid::from_u128(1));

    fn now() -> Instant {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        #[expect(
            clippy::disallowed_methods,
            reason = "an arbitrary origin for virtual time"
        )]
        let start = START.get_or_init(Instant::now);
        *start
    }

    fn register(registrar: &mut Registrar, cseq: u32, fields: &str) -> Result<bool, Refused> {
        let text = format!(
            "REGISTER sip:pbx SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{cseq}\r\n\
             From: <sip:alice@pbx>;tag=1\r\nTo: <sip:alice@pbx>\r\nCall-ID: c\r\n\
             CSeq: {cseq} REGISTER\r\n{fields}\r\n"
        );
        let Ok(Message::Request(request)) = parse(text.as_bytes()) else {
            panic!("not a request");
        };
        let envelope = request.envelope().unwrap();
        let asked = Asked {
            account: ALICE,
            username: "alice",
            request: &request,
            envelope: &envelope,
            flow: Flow {
                transport: Transport::Udp,
                local: "192.0.2.1:5060".parse().unwrap(),
                remote: "192.0.2.2:5060".parse().unwrap(),
            },
        };
        registrar.register(&asked, &Config::new(Vec::new()), now())
    }

    fn users(registrar: &Registrar) -> Vec<String> {
        let bindings = registrar.of(ALICE);
        bindings
            .into_iter()
            .filter_map(|b| b.contact.user)
            .collect()
    }

    const TWO: &str = "Contact: <sip:desk@h>;q=0.2, <sip:mobile@h>;q=0.9;expires=60\r\n";

    #[test]
    fn contacts_are_told_the_most_preferred_first() {
        let mut registrar = Registrar::new(now(), 0);
        assert_eq!(register(&mut registrar, 1, TWO), Ok(true));
        assert_eq!(users(&registrar), ["mobile", "desk"]);
        assert_eq!(registrar.of(ALICE)[0].expires_at, 60_000);
        assert_eq!(registrar.of(ALICE)[1].expires_at, 3_600_000);
        // Asking changes nothing.
        assert_eq!(register(&mut registrar, 2, ""), Ok(false));
    }

    #[test]
    fn one_contact_or_all_may_be_removed() {
        let mut registrar = Registrar::new(now(), 0);
        register(&mut registrar, 1, TWO).unwrap();
        register(&mut registrar, 2, "Contact: <sip:desk@h>;expires=0\r\n").unwrap();
        assert_eq!(users(&registrar), ["mobile"]);
        register(&mut registrar, 3, "Contact: *\r\nExpires: 0\r\n").unwrap();
        assert!(users(&registrar).is_empty());
        assert_eq!(registrar.deadline(), None);
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut registrar = Registrar::new(now(), 0);
        register(&mut registrar, 5, TWO).unwrap();
        for (cseq, fields, refused) in [
            (6, "Contact: *\r\n", Refused::Malformed),
            (6, "Contact: *\r\nExpires: 60\r\n", Refused::Malformed),
            (
                6,
                "Contact: <sip:new@h>, <tel:+4930>\r\n",
                Refused::Malformed,
            ),
            (
                6,
                "Contact: <sip:new@h>, <sip:desk@h>;expires=5\r\n",
                Refused::TooBrief,
            ),
            (
                5,
                "Contact: <sip:desk@h>;expires=0\r\n",
                Refused::OutOfOrder,
            ),
            (4, "Contact: *\r\nExpires: 0\r\n", Refused::OutOfOrder),
        ] {
            assert_eq!(
                register(&mut registrar, cseq, fields),
                Err(refused),
                "{fields}"
            );
            assert_eq!(users(&registrar), ["mobile", "desk"]);
        }
    }

    #[test]
    fn odd_lifetimes_are_taken_as_the_rfc_says() {
        for (expires, granted_s) in [("abc", 3600), ("99999999999999999999", 3600), ("0060", 60)] {
            let mut registrar = Registrar::new(now(), 0);
            let fields = format!("Contact: <sip:desk@h>\r\nExpires: {expires}\r\n");
            register(&mut registrar, 1, &fields).unwrap();
            assert_eq!(
                registrar.of(ALICE)[0].expires_at,
                granted_s * 1000,
                "{expires}"
            );
        }
    }

    #[test]
    fn the_way_through_proxies_is_kept() {
        let mut registrar = Registrar::new(now(), 0);
        let fields = "Path: <sip:edge.example.com;lr>\r\nContact: <sip:desk@10.0.0.1>\r\n";
        register(&mut registrar, 1, fields).unwrap();
        let target = registrar.of(ALICE)[0].target();
        assert_eq!(target.route[0].to_string(), "sip:edge.example.com;lr");
    }
}
