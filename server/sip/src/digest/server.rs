//! Challenging, and judging the answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

use super::{
    Algorithm, Fields,
    backoff::{Attempt, Backoff, site},
    ha1, response,
};
use crate::{
    authority::{AccountId, Authority, Secret},
    scan::{hex, quote},
    uri::SipUri,
};

/// How long a nonce serves.
const NONCE_LIFE: Duration = Duration::from_secs(300);
/// Used nonces remembered; the oldest go first, and their users are challenged anew.
const MAX_USED: usize = 50_000;

/// What credentials prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    Accepted {
        account: AccountId,
        username: String,
    },
    /// The nonce is not ours, or serves no more: challenge with `stale`. Nothing is said
    /// of the secret.
    Stale,
    /// Too many wrong ones have come: this one was not looked at.
    TooSoon { wait: Duration },
    /// None, malformed or wrong ones. Unknown users and wrong secrets look alike.
    Refused,
}

/// The request that credentials came with.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub method: &'a str,
    pub uri: &'a str,
    /// Where it came from.
    pub source: IpAddr,
}

pub struct Authenticator {
    key: [u8; 32],
    epoch: Instant,
    minted: u64,
    used: BTreeMap<String, Count>,
    /// The keys of `used` by age.
    by_age: BTreeSet<(u64, String)>,
    backoff: Backoff,
}

/// The counts seen with a nonce: the highest, and a bit for each of the 64 below it,
/// as datagrams may overtake each other.
#[derive(Debug, Clone, Copy)]
struct Count {
    highest: u32,
    seen: u64,
}

impl Count {
    /// Whether this count is new; then it is noted.
    fn take(&mut self, nc: u32) -> bool {
        if nc > self.highest {
            let ahead = nc - self.highest;
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = nc;
            return true;
        }
        let behind = self.highest - nc;
        let bit = 1u64.checked_shl(behind).unwrap_or(0);
        let new = nc > 0 && bit != 0 && self.seen & bit == 0;
        self.seen |= bit;
        new
    }
}

impl Authenticator {
    /// `key` must be unpredictable.
    pub fn new(key: [u8; 32], now: Instant) -> Self {
        Authenticator {
            key,
            epoch: now,
            minted: 0,
            used: BTreeMap::new(),
            by_age: BTreeSet::new(),
            backoff: Backoff::default(),
        }
    }

    /// The values of `WWW-Authenticate` for whoever is at `source`, strongest first.
    pub fn challenges(
        &mut self,
        realm: &str,
        stale: bool,
        source: IpAddr,
        now: Instant,
    ) -> [String; 2] {
        self.minted += 1;
        let age = now.saturating_duration_since(self.epoch).as_millis();
        let stem = format!("{age:x}.{:x}", self.minted);
        let nonce = format!("{stem}.{}", self.seal(&stem, source));
        let stale = if stale { ", stale=true" } else { "" };
        [Algorithm::Sha256, Algorithm::Md5].map(|algorithm| {
            format!(
                "Digest realm={}, nonce=\"{nonce}\", algorithm={}, qop=\"auth\"{stale}",
                quote(realm),
                algorithm.name(),
            )
        })
    }

    /// Judges the credentials in these `Authorization` values; those for other realms are not ours.
    pub fn judge<'a>(
        &mut self,
        realm: &str,
        values: impl Iterator<Item = &'a str>,
        asked: Asked<'_>,
        authority: &dyn Authority,
        now: Instant,
    ) -> Proof {
        let ours = values
            .filter_map(Fields::parse)
            .find(|fields| fields.get("realm") == Some(realm));
        let Some(fields) = ours else {
            return Proof::Refused;
        };
        self.judge_fields(realm, &fields, asked, authority, now)
            .unwrap_or(Proof::Refused)
    }

    /// `None` when a field is missing or out of place.
    fn judge_fields(
        &mut self,
        realm: &str,
        fields: &Fields,
        asked: Asked<'_>,
        authority: &dyn Authority,
        now: Instant,
    ) -> Option<Proof> {
        let algorithm = Algorithm::parse(fields.get("algorithm"))?;
        let username = fields.get("username")?;
        let nonce = fields.get("nonce")?;
        let uri = fields.get("uri")?;
        let given = fields.get("response")?;
        let counted = match fields.get("qop") {
            Some(qop) if qop.eq_ignore_ascii_case("auth") => {
                Some((fields.get("nc")?, fields.get("cnonce")?))
            }
            Some(_) => return None,
            None => None,
        };
        // Phones older than RFC 2617 count nothing: theirs uses up the nonce, so that
        // what was overheard serves nobody a second time.
        let count = match counted {
            Some((nc, _)) => u32::from_str_radix(nc, 16).ok().filter(|_| nc.len() == 8)?,
            None => u32::MAX,
        };
        if !same_user(uri, asked.uri) {
            return None;
        }
        if !self.is_fresh(nonce, asked.source, now) {
            return Some(Proof::Stale);
        }
        let attempt = Attempt::new(asked.source, username, realm);
        let wait = self.backoff.wait(&attempt, now);
        if !wait.is_zero() {
            return Some(Proof::TooSoon { wait });
        }
        let found = authority.credentials(username, realm);
        // An unknown user costs the same work as a wrong secret.
        let nobody = Secret::Ha1 {
            md5: "0".repeat(32),
            sha256: "0".repeat(64),
        };
        let secret = found.as_ref().map_or(&nobody, |found| &found.secret);
        let ha1 = ha1(algorithm, username, realm, secret);
        let expected = response(algorithm, &ha1, nonce, counted, asked.method, uri);
        let right = same(&expected, given);
        let Some(found) = found.filter(|_| right) else {
            self.backoff.mistaken(&attempt, now);
            return None;
        };
        let account = found.account;
        self.backoff.proved(&attempt, now);
        if !self.take(nonce, count) {
            return Some(Proof::Stale);
        }
        Some(Proof::Accepted {
            account,
            username: username.to_owned(),
        })
    }

    fn is_fresh(&self, nonce: &str, source: IpAddr, now: Instant) -> bool {
        let Some((stem, seal)) = nonce.rsplit_once('.') else {
            return false;
        };
        let Some(minted) = minted_at(nonce) else {
            return false;
        };
        let age = now
            .saturating_duration_since(self.epoch)
            .saturating_sub(Duration::from_millis(minted));
        same(&self.seal(stem, source), seal) && age < NONCE_LIFE
    }

    fn take(&mut self, nonce: &str, nc: u32) -> bool {
        if let Some(count) = self.used.get_mut(nonce) {
            return count.take(nc);
        }
        let minted = minted_at(nonce).unwrap_or(0);
        self.by_age.insert((minted, nonce.to_owned()));
        let mut count = Count {
            highest: 0,
            seen: 0,
        };
        let new = count.take(nc);
        self.used.insert(nonce.to_owned(), count);
        if self.used.len() > MAX_USED
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            // Forgetting must not make it new again: it is older than any we keep, and
            // a nonce that old has expired unless the flood was authenticated.
            self.used.remove(&oldest);
        }
        new
    }

    /// Forgets nonces that have expired anyway.
    pub fn sweep(&mut self, now: Instant) {
        let age = now.saturating_duration_since(self.epoch);
        while let Some((minted, nonce)) = self.by_age.first() {
            if age < Duration::from_millis(*minted) + NONCE_LIFE {
                return;
            }
            self.used.remove(nonce);
            self.by_age.pop_first();
        }
    }

    fn seal(&self, stem: &str, source: IpAddr) -> String {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(stem.as_bytes());
        hash.update(site(source).to_string().as_bytes());
        // Hashed twice: a plain hash of key and text could be continued by a stranger.
        hex(&Sha256::digest(hash.finalize())[..12])
    }
}

/// Milliseconds after the epoch.
fn minted_at(nonce: &str) -> Option<u64> {
    u64::from_str_radix(nonce.split('.').next()?, 16).ok()
}

/// Credentials made for one destination must not reach another. Those that name no
/// user are made for the server as a whole: SIPp signs its calls so, as do some gateways.
fn same_user(uri: &str, request_uri: &str) -> bool {
    match (uri.parse::<SipUri>(), request_uri.parse::<SipUri>()) {
        (Ok(a), Ok(b)) => a.user.is_none() || a.user == b.user,
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
        (Err(_), Err(_)) => uri == request_uri,
    }
}

/// Compares in a time that does not tell where they differ.
fn same(a: &str, b: &str) -> bool {
    let different = a.bytes().zip(b.bytes()).fold(0, |d, (a, b)| d | (a ^ b));
    a.len() == b.len() && different == 0
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use uuid::Uuid;

    use super::*;
    use crate::{
        authority::{Credentials, TrunkId},
        command::OutboundCredentials,
        digest::respond,
    };

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

    struct Alice;

    impl Authority for Alice {
        fn credentials(&self, username: &str, realm: &str) -> Option<Credentials> {
            (username == "alice" && realm == "rollcall").then(|| Credentials {
                account: AccountId(Uuid::nil()),
                secret: Secret::Password("secret".into()),
            })
        }

        fn trunk_by_source(&self, _: SocketAddr) -> Option<TrunkId> {
            None
        }
    }

    fn at(seconds: u64) -> Instant {
        // The one clock reading of these tests: any instant serves as the beginning.
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        #[expect(
            clippy::disallowed_methods,
            reason = "an arbitrary origin for virtual time"
        )]
        let start = START.get_or_init(Instant::now);
        *start + Duration::from_secs(seconds)
    }

    fn server() -> Authenticator {
        Authenticator::new([1; 32], at(0))
    }

    fn answer(challenges: &[String], username: &str, password: &str, nc: u32) -> String {
        let credentials = OutboundCredentials {
            username: username.into(),
            password: password.into(),
            realm: None,
        };
        let challenges = challenges.iter().map(String::as_str);
        respond(challenges, &credentials, "REGISTER", "sip:b", "cn", nc)
            .unwrap()
            .value
    }

    fn judge(server: &mut Authenticator, value: &str, now: Instant) -> Proof {
        server.judge(
            "rollcall",
            [value].into_iter(),
            Asked {
                method: "REGISTER",
                uri: "sip:b",
                source: HERE,
            },
            &Alice,
            now,
        )
    }

    #[test]
    fn the_right_secret_is_accepted_with_either_algorithm() {
        let mut server = server();
        let challenges = server.challenges("rollcall", false, HERE, at(1));
        assert!(challenges[0].contains("SHA-256"));
        for (nc, algorithm) in challenges.iter().enumerate() {
            let value = answer(
                std::slice::from_ref(algorithm),
                "alice",
                "secret",
                nc as u32 + 1,
            );
            assert!(matches!(
                judge(&mut server, &value, at(2)),
                Proof::Accepted { .. }
            ));
        }
    }

    #[test]
    fn unknown_users_and_wrong_secrets_are_refused_alike() {
        let mut server = server();
        let challenges = server.challenges("rollcall", false, HERE, at(1));
        for (user, password) in [("alice", "wrong"), ("bob", "secret"), ("bob", "")] {
            let value = answer(&challenges, user, password, 1);
            assert_eq!(judge(&mut server, &value, at(2)), Proof::Refused);
        }
        let other_scheme = "NoOneKnowsThisScheme opaque-data=here";
        assert_eq!(judge(&mut server, other_scheme, at(2)), Proof::Refused);
    }

    #[test]
    fn a_count_serves_once_and_late_ones_only_within_reason() {
        let mut server = server();
        let challenges = server.challenges("rollcall", false, HERE, at(1));
        let mut outcome = |nc| {
            judge(
                &mut server,
                &answer(&challenges, "alice", "secret", nc),
                at(2),
            )
        };
        assert!(matches!(outcome(100), Proof::Accepted { .. }));
        assert_eq!(outcome(100), Proof::Stale);
        assert!(matches!(outcome(98), Proof::Accepted { .. }));
        assert_eq!(outcome(98), Proof::Stale);
        assert_eq!(outcome(1), Proof::Stale);
        assert_eq!(outcome(0), Proof::Stale);
    }

    #[test]
    fn a_phone_that_knows_no_qop_is_believed_once_for_each_nonce() {
        let mut server = server();
        let without_qop = |challenge: &str| challenge.replace(", qop=\"auth\"", "");
        let challenges = server.challenges("rollcall", false, HERE, at(1));
        let value = answer(&[without_qop(&challenges[1])], "alice", "secret", 1);
        assert!(!value.contains("qop"), "{value}");

        let first = judge(&mut server, &value, at(2));
        let again = judge(&mut server, &value, at(2));
        let counted = answer(&challenges, "alice", "secret", 7);
        let after = judge(&mut server, &counted, at(2));

        assert!(matches!(first, Proof::Accepted { .. }), "{first:?}");
        assert_eq!(again, Proof::Stale);
        assert_eq!(after, Proof::Stale);
    }

    #[test]
    fn nonces_expire_and_those_of_others_never_serve() {
        let mut server = server();
        let challenges = server.challenges("rollcall", false, HERE, at(1));
        let value = answer(&challenges, "alice", "secret", 1);
        assert_eq!(judge(&mut server, &value, at(302)), Proof::Stale);
        assert!(server.challenges("rollcall", true, HERE, at(302))[0].contains("stale=true"));

        let mut other = Authenticator::new([2; 32], at(0));
        let foreign = other.challenges("rollcall", false, HERE, at(300));
        let value = answer(&foreign, "alice", "secret", 1);
        assert_eq!(judge(&mut server, &value, at(300)), Proof::Stale);
    }

    #[test]
    fn credentials_for_one_destination_do_not_reach_another() {
        // Without a user they are for the server as a whole: so do SIPp and some gateways.
        for (made_for, holds) in [("sip:x@b", false), ("sip:y@b", true), ("sip:b", true)] {
            let mut server = server();
            let challenges = server.challenges("rollcall", false, HERE, at(1));
            let credentials = OutboundCredentials {
                username: "alice".into(),
                password: "secret".into(),
                realm: None,
            };
            let offered = challenges.iter().map(String::as_str);
            let value = respond(offered, &credentials, "INVITE", made_for, "cn", 1)
                .unwrap()
                .value;

            let judged = server.judge(
                "rollcall",
                [&*value].into_iter(),
                Asked {
                    method: "INVITE",
                    uri: "sip:y@b",
                    source: HERE,
                },
                &Alice,
                at(2),
            );

            let accepted = matches!(judged, Proof::Accepted { .. });
            assert_eq!(accepted, holds, "made for {made_for}");
        }
    }

    #[test]
    fn a_nonce_serves_only_where_it_was_sent_to() {
        let mut server = server();
        let elsewhere = IpAddr::from([203, 0, 113, 9]);
        let challenges = server.challenges("rollcall", false, elsewhere, at(1));
        for nc in 1..50 {
            let wrong = answer(&challenges, "alice", "wrong", nc);
            assert_eq!(judge(&mut server, &wrong, at(1)), Proof::Stale);
        }

        // Nobody can make the phone here wait from elsewhere.
        let challenges = server.challenges("rollcall", true, HERE, at(1));
        let right = answer(&challenges, "alice", "secret", 1);
        assert!(matches!(
            judge(&mut server, &right, at(1)),
            Proof::Accepted { .. }
        ));
    }

    #[test]
    fn guesses_wait_ever_longer_whether_or_not_the_user_exists() {
        let outcomes = |user: &str| {
            let mut server = server();
            let challenges = server.challenges("rollcall", false, HERE, at(1));
            (1..8)
                .map(|nc| judge(&mut server, &answer(&challenges, user, "wrong", nc), at(1)))
                .collect::<Vec<_>>()
        };

        let known = outcomes("alice");

        assert_eq!(known, outcomes("bob"));
        assert_eq!(known[3], Proof::Refused);
        assert!(matches!(known[4], Proof::TooSoon { .. }), "{known:?}");
    }

    #[test]
    fn the_right_secret_is_believed_as_soon_as_the_wait_is_over() {
        let mut server = server();
        let challenges = server.challenges("rollcall", false, HERE, at(1));
        for nc in 1..5 {
            judge(
                &mut server,
                &answer(&challenges, "alice", "wrong", nc),
                at(1),
            );
        }
        let right = answer(&challenges, "alice", "secret", 9);
        let Proof::TooSoon { wait } = judge(&mut server, &right, at(1)) else {
            panic!("judged too soon");
        };

        let judged = judge(&mut server, &right, at(1) + wait);

        assert!(matches!(judged, Proof::Accepted { .. }), "{judged:?}");
    }
}
