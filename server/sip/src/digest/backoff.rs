//! How long a stranger waits after wrong answers before another is looked at.
//!
//! What counts is the pair of source and account: the first answer of a pair is always
//! judged, so that whoever knows the secret gets in at once, however many others guess
//! at his account. Where a source or an account has seen many wrong answers, only the
//! mistakes that are forgiven become fewer. A source that tries account after account
//! waits as a whole, but not for accounts it has proved before.
//!
//! Waits grow with each mistake, end, and are forgotten in time. Nothing here depends
//! on whether an account exists.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

/// Mistakes of a pair that cost nothing.
const FORGIVEN: u32 = 3;
/// Mistakes of one source, or at one account, from which on none is forgiven.
const SUSPICIOUS: u32 = 30;
/// Mistakes of one source from which on it waits as a whole.
const HOSTILE: u32 = 60;
/// The longest wait of a pair: a phone repeats a request for longer.
const LONGEST: Duration = Duration::from_secs(30);
/// The longest wait of a source as a whole.
const LONGEST_OF_SOURCE: Duration = Duration::from_secs(5);
/// After this long without a mistake half of them are forgotten.
const HALF_LIFE: Duration = Duration::from_secs(120);
/// Entries of each table; the ones touched longest ago go first.
const MAX_ENTRIES: usize = 20_000;

/// An account, by a hash of its name: whatever length is sent, this is as long.
type Account = [u8; 16];

#[derive(Debug, Default)]
pub struct Backoff {
    pairs: Table<(IpAddr, Account)>,
    sources: Table<IpAddr>,
    accounts: Table<Account>,
    /// Pairs that have given a right answer. Only those fill it, so a flood of wrong
    /// ones does not displace them.
    proved: Table<(IpAddr, Account)>,
}

/// Who answers, and as whom.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    source: IpAddr,
    account: Account,
}

impl Attempt {
    pub fn new(source: IpAddr, username: &str, realm: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(realm.as_bytes());
        hash.update([0]);
        hash.update(username.as_bytes());
        let mut account = [0; 16];
        account.copy_from_slice(&hash.finalize()[..16]);
        Attempt {
            source: site(source),
            account,
        }
    }

    fn pair(&self) -> (IpAddr, Account) {
        (self.source, self.account)
    }
}

impl Backoff {
    /// How long this one has still to wait; zero when it may be judged.
    pub fn wait(&self, attempt: &Attempt, now: Instant) -> Duration {
        let of_source = self.sources.mistakes(&attempt.source, now);
        let of_account = self.accounts.mistakes(&attempt.account, now);
        let forgiven = if of_source.max(of_account) >= SUSPICIOUS {
            0
        } else {
            FORGIVEN
        };
        let own = self.pairs.wait(&attempt.pair(), forgiven, LONGEST, now);
        if self.proved.entries.contains_key(&attempt.pair()) {
            return own;
        }
        let source = &attempt.source;
        own.max(self.sources.wait(source, HOSTILE, LONGEST_OF_SOURCE, now))
    }

    pub fn mistaken(&mut self, attempt: &Attempt, now: Instant) {
        self.pairs.add(attempt.pair(), now);
        self.sources.add(attempt.source, now);
        self.accounts.add(attempt.account, now);
    }

    pub fn proved(&mut self, attempt: &Attempt, now: Instant) {
        self.pairs.remove(&attempt.pair());
        self.proved.add(attempt.pair(), now);
    }
}

/// Mistakes by whom they are counted.
#[derive(Debug)]
struct Table<K> {
    entries: BTreeMap<K, Entry>,
    by_age: BTreeSet<(Instant, K)>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    mistakes: u32,
    last: Instant,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Table {
            entries: BTreeMap::new(),
            by_age: BTreeSet::new(),
        }
    }
}

impl<K: Ord + Copy> Table<K> {
    /// Those not forgotten yet.
    fn mistakes(&self, key: &K, now: Instant) -> u32 {
        self.entries.get(key).map_or(0, |entry| entry.left(now))
    }

    /// One second after the first mistake that is not forgiven, doubled by each further.
    fn wait(&self, key: &K, forgiven: u32, longest: Duration, now: Instant) -> Duration {
        let Some(entry) = self.entries.get(key) else {
            return Duration::ZERO;
        };
        let Some(steps) = entry.left(now).checked_sub(forgiven + 1) else {
            return Duration::ZERO;
        };
        let wait = Duration::from_secs(1 << steps.min(10)).min(longest);
        (entry.last + wait).saturating_duration_since(now)
    }

    fn add(&mut self, key: K, now: Instant) {
        let mistakes = self.mistakes(&key, now).saturating_add(1);
        self.remove(&key);
        if self.entries.len() >= MAX_ENTRIES
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.entries.remove(&oldest);
        }
        self.by_age.insert((now, key));
        let entry = Entry {
            mistakes,
            last: now,
        };
        self.entries.insert(key, entry);
    }

    fn remove(&mut self, key: &K) {
        if let Some(entry) = self.entries.remove(key) {
            self.by_age.remove(&(entry.last, *key));
        }
    }
}

impl Entry {
    fn left(&self, now: Instant) -> u32 {
        let passed = now.saturating_duration_since(self.last).as_secs();
        let halvings = u32::try_from(passed / HALF_LIFE.as_secs()).unwrap_or(u32::MAX);
        self.mistakes.checked_shr(halvings).unwrap_or(0)
    }
}

/// One address of IPv4; of IPv6 the network, within which a host takes what it likes.
pub fn site(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(ip) => ip.into(),
        IpAddr::V6(ip) => {
            let network = u128::from(ip) & !u128::from(u64::MAX);
            Ipv6Addr::from(network).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        #[expect(
            clippy::disallowed_methods,
            reason = "an arbitrary origin for virtual time"
        )]
        let start = START.get_or_init(Instant::now);
        *start + Duration::from_secs(seconds)
    }

    fn attempt(source: u8, user: &str) -> Attempt {
        Attempt::new([198, 51, 100, source].into(), user, "realm")
    }

    #[test]
    fn waits_begin_late_grow_end_and_are_forgotten() {
        let mut backoff = Backoff::default();
        let guess = attempt(1, "alice");
        let mut waits = Vec::new();
        let mut now = at(0);
        for _ in 0..10 {
            backoff.mistaken(&guess, now);
            let wait = backoff.wait(&guess, now);
            waits.push(wait.as_secs());
            now += wait;
            assert!(backoff.wait(&guess, now).is_zero());
        }
        assert_eq!(waits, [0, 0, 0, 1, 2, 4, 8, 16, 30, 30]);

        now += Duration::from_secs(400);
        backoff.mistaken(&guess, now);
        assert!(backoff.wait(&guess, now).is_zero());
    }

    #[test]
    fn whoever_has_not_erred_is_heard_however_many_guess_at_his_account() {
        let mut backoff = Backoff::default();
        for nth in 0..5_000 {
            let guess = attempt(u8::try_from(nth % 200).unwrap(), "alice");
            backoff.mistaken(&guess, at(0));
        }

        assert!(backoff.wait(&attempt(250, "alice"), at(0)).is_zero());
        // But the first mistake costs.
        backoff.mistaken(&attempt(250, "alice"), at(0));
        assert_eq!(backoff.wait(&attempt(250, "alice"), at(0)).as_secs(), 1);
    }

    #[test]
    fn a_source_that_tries_many_accounts_waits_but_not_for_those_it_proved() {
        let mut backoff = Backoff::default();
        backoff.proved(&attempt(1, "alice"), at(0));
        for nth in 0..100 {
            backoff.mistaken(&attempt(1, &format!("user{nth}")), at(0));
        }

        assert_eq!(backoff.wait(&attempt(1, "another"), at(0)).as_secs(), 5);
        assert!(backoff.wait(&attempt(1, "alice"), at(0)).is_zero());
        assert!(backoff.wait(&attempt(2, "another"), at(0)).is_zero());
    }

    #[test]
    fn no_flood_grows_the_memory_or_displaces_whoever_has_proved_himself() {
        let mut backoff = Backoff::default();
        backoff.proved(&attempt(1, "alice"), at(0));
        for nth in 0..50_000 {
            backoff.mistaken(&attempt(1, &format!("user{nth}")), at(0));
        }

        assert_eq!(backoff.pairs.entries.len(), MAX_ENTRIES);
        assert_eq!(backoff.pairs.by_age.len(), MAX_ENTRIES);
        assert!(backoff.accounts.entries.len() <= MAX_ENTRIES);
        assert!(backoff.wait(&attempt(1, "alice"), at(0)).is_zero());
    }

    #[test]
    fn a_host_of_ipv6_is_its_network() {
        let one: IpAddr = "2001:db8:0:1::7".parse().unwrap();
        let two: IpAddr = "2001:db8:0:1:ffff::9".parse().unwrap();
        let other: IpAddr = "2001:db8:0:2::7".parse().unwrap();
        assert_eq!(site(one), site(two));
        assert_ne!(site(one), site(other));
        assert_eq!(
            site("::ffff:192.0.2.1".parse().unwrap()),
            IpAddr::from([192, 0, 2, 1])
        );
    }
}
