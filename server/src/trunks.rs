//! The operators, as far as they are there: where we register, the registration
//! says; of the others, those asked by OPTIONS.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use api::TrunkState;
use domain::{TrunkId, trunk::Trunk};
use signalling::Signalling;
use sip::{
    CallIdentity, OutboundCredentials, Registration, RegistrationId, RegistrationStatus, Watch,
    WatchId,
};

use crate::{clock, directory::Page, road::Road};

/// The lifetime we ask an operator's registrar for.
const EXPIRES: Duration = Duration::from_secs(300);

/// How we know whether an operator is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Registration(RegistrationId),
    Answers(WatchId),
    /// His address cannot be read.
    None,
}

struct Entry {
    /// As it was when this began: it begins anew when what is said to the operator differs.
    trunk: Trunk,
    sign: Sign,
    state: TrunkState,
}

#[derive(Default)]
struct Table {
    entries: BTreeMap<TrunkId, Entry>,
    /// Registrations being taken back. A new one of the same trunk waits until that is
    /// done, lest the registrar hears of the new one first and then forgets it.
    leaving: BTreeMap<RegistrationId, TrunkId>,
}

#[derive(Default)]
pub struct Trunks {
    table: Mutex<Table>,
}

impl Trunks {
    /// Begins with the trunks that are new or changed, and leaves those that are gone.
    pub fn follow(&self, page: &Page, signalling: &Signalling) {
        let wanted: BTreeMap<TrunkId, &Trunk> = page
            .companies()
            .flat_map(|company| &company.trunks)
            .map(|trunk| (trunk.id, trunk))
            .collect();
        let mut table = self.lock();
        let Table { entries, leaving } = &mut *table;
        entries.retain(|id, entry| {
            if let Some(trunk) = wanted
                .get(id)
                .filter(|trunk| same_words(trunk, &entry.trunk))
            {
                entry.trunk = (*trunk).clone();
                return true;
            }
            match entry.sign {
                Sign::Registration(registration) => {
                    signalling.unregister(registration);
                    leaving.insert(registration, *id);
                }
                Sign::Answers(watch) => signalling.unwatch(watch),
                Sign::None => {}
            }
            false
        });
        for (id, trunk) in wanted {
            let is_leaving = leaving.values().any(|left| *left == id);
            if !is_leaving {
                entries
                    .entry(id)
                    .or_insert_with(|| Entry::begin(trunk, signalling));
            }
        }
    }

    /// News of a registration. Answers the trunk if its state is another.
    pub fn on_registration(
        &self,
        id: RegistrationId,
        status: &RegistrationStatus,
        page: &Page,
        signalling: &Signalling,
    ) -> Option<TrunkId> {
        let mut table = self.lock();
        if *status == RegistrationStatus::Unregistered
            && let Some(trunk) = table.leaving.remove(&id)
        {
            let (_, trunk) = page.trunk(trunk)?;
            let entry = Entry::begin(trunk, signalling);
            return table.entries.insert(trunk.id, entry).map(|_| trunk.id);
        }
        let (trunk, entry) = table.by_sign(Sign::Registration(id))?;
        let state = match status {
            RegistrationStatus::Registered { .. } => TrunkState::Up,
            RegistrationStatus::Failed { status, text, .. } => {
                tracing::warn!(
                    trunk = entry.trunk.name,
                    ?status,
                    text,
                    "The operator does not register us"
                );
                TrunkState::Down
            }
            RegistrationStatus::Unregistered => TrunkState::Down,
        };
        entry.turn(state).then_some(trunk)
    }

    /// An operator answers our question whether he is there, or does not any more.
    /// Answers the trunk if its state is another.
    pub fn on_watched(&self, id: WatchId, alive: bool, why: &str) -> Option<TrunkId> {
        let mut table = self.lock();
        let (trunk, entry) = table.by_sign(Sign::Answers(id))?;
        let state = if alive {
            TrunkState::Up
        } else {
            tracing::warn!(trunk = entry.trunk.name, why, "The operator is not there");
            TrunkState::Down
        };
        entry.turn(state).then_some(trunk)
    }

    pub fn state(&self, trunk: TrunkId) -> TrunkState {
        self.lock()
            .entries
            .get(&trunk)
            .map_or(TrunkState::Unknown, |entry| entry.state)
    }

    /// Known not to be there: tried after all others.
    pub fn is_down(&self, trunk: TrunkId) -> bool {
        self.state(trunk) == TrunkState::Down
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn by_sign(&mut self, sign: Sign) -> Option<(TrunkId, &mut Entry)> {
        self.entries
            .iter_mut()
            .find(|(_, entry)| entry.sign == sign)
            .map(|(id, entry)| (*id, entry))
    }
}

impl Entry {
    fn begin(trunk: &Trunk, signalling: &Signalling) -> Self {
        let sign = match (registration_of(trunk), watch_of(trunk)) {
            (Some(registration), _) => Sign::Registration(signalling.register(registration)),
            (None, Some(watch)) => Sign::Answers(signalling.watch(watch)),
            (None, None) => Sign::None,
        };
        Entry {
            trunk: trunk.clone(),
            sign,
            state: TrunkState::Unknown,
        }
    }

    /// True if it was another state before.
    fn turn(&mut self, state: TrunkState) -> bool {
        std::mem::replace(&mut self.state, state) != state
    }
}

/// Whether both are spoken to alike. Channels, ranks and names are our own affair.
fn same_words(one: &Trunk, other: &Trunk) -> bool {
    one.address == other.address
        && one.proxy == other.proxy
        && one.transport == other.transport
        && one.registration == other.registration
}

/// A registrar refuses a Call-ID that begins to count anew, so no two registrations,
/// of this process or another, share theirs.
fn fresh_identity() -> CallIdentity {
    CallIdentity::derive(TrunkId::new(clock::now(), clock::random()).bytes())
}

fn registration_of(trunk: &Trunk) -> Option<Registration> {
    let account = trunk
        .registration
        .as_ref()
        .filter(|registration| registration.register)?;
    let road = Road::to(trunk)?;
    Some(Registration {
        aor: road.uri(Some(&account.username)),
        registrar: road.uri(None),
        route: road.route,
        hop: Some(road.hop),
        contact_user: account.username.clone(),
        credentials: OutboundCredentials {
            username: account.username.clone(),
            password: account.secret.reveal().to_owned(),
            realm: account.realm.clone(),
        },
        expires: EXPIRES,
        identity: fresh_identity(),
    })
}

fn watch_of(trunk: &Trunk) -> Option<Watch> {
    let road = Road::to(trunk)?;
    let user = match (&trunk.registration, &trunk.caller_number) {
        (Some(account), _) => Some(account.username.as_str()),
        (None, Some(number)) => Some(number.as_str()),
        (None, None) => None,
    };
    Some(Watch {
        target: road.target(None),
        from: road.uri(user),
        route: road.route,
        hop: Some(road.hop),
        identity: fresh_identity(),
    })
}
