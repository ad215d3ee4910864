//! Subscriptions at operators: one for each line and event package.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    DeviceId, Millis, PhoneNumber, Span,
    line::{Evidence, LineKey, Seen, Source},
    trunk::{StatusEvent, Trunk},
};
use signalling::Signalling;
use sip::{
    CallIdentity, CallState, Package, Registered, SipUri, Subscription, SubscriptionId,
    SubscriptionStatus, Told,
};

use super::lines_behind;
use crate::{
    clock,
    dialling::{Way, shown_number},
    shared::Shared,
};

/// The lifetime we ask for.
const EXPIRES: Duration = Duration::from_secs(600);

/// What a subscription is about.
type Key = (DeviceId, Package);

struct Entry {
    /// As they were when it began: another begins when they differ.
    trunk: Trunk,
    number: PhoneNumber,
    id: SubscriptionId,
    /// What the notifier says counts until then, unless it is heard of again.
    until: Millis,
}

#[derive(Default)]
pub struct Subscriptions {
    entries: Mutex<BTreeMap<Key, Entry>>,
}

impl Subscriptions {
    /// Subscribes for the lines that are new or changed, and leaves those that are gone.
    pub fn follow(&self, shared: &Shared) {
        let page = shared.book.page();
        let signalling = shared.switchboard.signalling();
        let mut wanted: BTreeMap<Key, (&Trunk, PhoneNumber)> = BTreeMap::new();
        for company in page.companies() {
            for trunk in &company.trunks {
                for line in lines_behind(company, trunk.id) {
                    for event in &trunk.status.events {
                        let key = (line.device, package(*event));
                        wanted.insert(key, (trunk, line.number.clone()));
                    }
                }
            }
        }
        let mut entries = self.lock();
        let mut left = Vec::new();
        entries.retain(|key, entry| {
            let stays = wanted
                .get(key)
                .is_some_and(|(trunk, number)| **trunk == entry.trunk && *number == entry.number);
            if !stays {
                signalling.unsubscribe(entry.id);
                left.push(*key);
            }
            stays
        });
        for (key, (trunk, number)) in wanted {
            if entries.contains_key(&key) {
                continue;
            }
            let Some(id) = subscribe(shared, signalling, trunk, &number, key.1) else {
                continue;
            };
            entries.insert(
                key,
                Entry {
                    trunk: trunk.clone(),
                    number,
                    id,
                    until: clock::now() + Span::seconds(60),
                },
            );
        }
        drop(entries);
        for (device, package) in left {
            let line = LineKey::Device(device);
            shared.lines.withdraw(&line, source(package), clock::now());
        }
    }

    /// An operator told of a line.
    pub fn on_notified(&self, shared: &Shared, id: SubscriptionId, told: &Told) {
        let now = clock::now();
        let Some((device, trunk, until)) = self.of(id, |key, entry| {
            (key.0, entry.trunk.name.clone(), entry.until)
        }) else {
            return;
        };
        let line = LineKey::Device(device);
        match evidence(told, Some(&trunk), now, until) {
            Some(evidence) => shared.lines.add(&line, evidence, now),
            None => shared.lines.withdraw(&line, source_of(told), now),
        }
    }

    /// A subscription lives, or its operator tells us nothing any more.
    pub fn on_status(&self, shared: &Shared, id: SubscriptionId, status: &SubscriptionStatus) {
        let now = clock::now();
        match status {
            SubscriptionStatus::Active { expires_s } => {
                let until = now + Span::seconds(i64::from(*expires_s));
                let known = self.of(id, |key, entry| {
                    entry.until = until;
                    *key
                });
                // What it said goes on to count as long as it lives.
                if let Some((device, package)) = known {
                    let line = LineKey::Device(device);
                    shared.lines.prolong(&line, source(package), until);
                }
            }
            SubscriptionStatus::Lost {
                status,
                text,
                retry_in_s,
                let_go,
            } => {
                let Some(((device, package), trunk)) =
                    self.of(id, |key, entry| (*key, entry.trunk.name.clone()))
                else {
                    return;
                };
                match let_go {
                    true => {
                        tracing::info!(trunk, %package, text, retry_in_s, "The operator lets go of a subscription");
                    }
                    false => {
                        tracing::warn!(trunk, %package, ?status, text, retry_in_s, "The operator does not tell us of a line");
                    }
                }
                let line = LineKey::Device(device);
                shared.lines.withdraw(&line, source(package), now);
            }
            SubscriptionStatus::Ended => {}
        }
    }

    fn of<T>(&self, id: SubscriptionId, act: impl FnOnce(&Key, &mut Entry) -> T) -> Option<T> {
        let mut entries = self.lock();
        let (key, entry) = entries.iter_mut().find(|(_, entry)| entry.id == id)?;
        Some(act(key, entry))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn subscribe(
    shared: &Shared,
    signalling: &Signalling,
    trunk: &Trunk,
    number: &PhoneNumber,
    package: Package,
) -> Option<SubscriptionId> {
    let ours = shown_number(shared, trunk.id).unwrap_or_else(|| number.clone());
    // The line is addressed as it is called.
    let way = Way::over_trunk(trunk, number, None, &ours)?;
    let target = way.targets.into_iter().next()?;
    let user = match &way.credentials {
        Some(credentials) => credentials.username.clone(),
        None => way.from.user.clone(),
    };
    Some(signalling.subscribe(Subscription {
        package,
        resource: target.uri,
        watcher: SipUri::new(Some(&user), way.from.host, None),
        route: target.route,
        hop: target.hop,
        contact_user: user,
        credentials: way.credentials,
        expires: EXPIRES,
        identity: CallIdentity::derive(unguessable()),
    }))
}

/// Whoever knows a subscription's identifiers can tell us anything of the line.
fn unguessable() -> [u8; 16] {
    let mut bytes = [0; 16];
    for part in bytes.chunks_mut(10) {
        let length = part.len();
        part.copy_from_slice(&clock::random()[..length]);
    }
    bytes
}

fn package(event: StatusEvent) -> Package {
    match event {
        StatusEvent::Reg => Package::Reg,
        StatusEvent::Dialog => Package::Dialog,
        StatusEvent::Presence => Package::Presence,
    }
}

fn source(package: Package) -> Source {
    match package {
        Package::Reg => Source::RegEvent,
        Package::Dialog => Source::Dialog,
        Package::Presence => Source::Presence,
    }
}

fn source_of(told: &Told) -> Source {
    match told {
        Told::Reg(_) => Source::RegEvent,
        Told::Dialog(_) => Source::Dialog,
        Told::Presence(_) => Source::Presence,
    }
}

/// What a document says of a line; none when it says nothing.
pub fn evidence(told: &Told, trunk: Option<&str>, now: Millis, until: Millis) -> Option<Evidence> {
    let detail = |seen: Seen| match trunk {
        Some(trunk) => seen.over(trunk),
        None => seen.here(),
    };
    match told {
        Told::Reg(registered) => {
            let (seen, until) = match registered {
                Registered::Active { expires_s } => {
                    let own = expires_s.map(|seconds| now + Span::seconds(seconds.into()));
                    (Seen::Registered, own.unwrap_or(until))
                }
                Registered::Terminated {
                    retry_after_s: Some(seconds),
                } => (Seen::Probation(*seconds), until),
                Registered::Terminated {
                    retry_after_s: None,
                } => (Seen::Unregistered, until),
                Registered::Never => return None,
            };
            Some(Evidence::reg_event(detail(seen), now, until))
        }
        Told::Dialog(call) => {
            let seen = match call {
                Some(CallState::Confirmed) => Seen::Talks,
                Some(CallState::Trying | CallState::Proceeding | CallState::Early) => Seen::Rings,
                Some(CallState::Terminated) | None => Seen::NoCall,
            };
            Some(Evidence::dialog_event(detail(seen), now, until))
        }
        Told::Presence(presence) => {
            let seen = match presence.open {
                Some(false) => Seen::Closed,
                _ if presence.on_the_phone => Seen::OnThePhone,
                Some(true) => Seen::Open,
                None => return None,
            };
            Some(Evidence::presence(detail(seen), now, until))
        }
    }
}
