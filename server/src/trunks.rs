//! Our registrations at operators, and how they stand.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use api::TrunkState;
use domain::{TrunkId, trunk::Trunk};
use signalling::Signalling;
use sip::{
    CallIdentity, Hop, Host, OutboundCredentials, Registration, RegistrationId, RegistrationStatus,
    SipUri, Transport,
};

use crate::directory::Page;

/// The lifetime we ask an operator's registrar for.
const EXPIRES: Duration = Duration::from_secs(300);

struct Entry {
    /// As it was when the registration began: another one begins when it differs.
    trunk: Trunk,
    registration: Option<RegistrationId>,
    state: TrunkState,
}

#[derive(Default)]
pub struct Trunks {
    entries: Mutex<BTreeMap<TrunkId, Entry>>,
}

impl Trunks {
    /// Registers at the trunks that are new or changed, and leaves those that are gone.
    pub fn follow(&self, page: &Page, signalling: &Signalling) {
        let wanted: BTreeMap<TrunkId, &Trunk> = page
            .companies()
            .flat_map(|company| &company.trunks)
            .map(|trunk| (trunk.id, trunk))
            .collect();
        let mut entries = self.lock();
        entries.retain(|id, entry| {
            let stays = wanted.get(id).is_some_and(|trunk| **trunk == entry.trunk);
            if let (false, Some(registration)) = (stays, entry.registration) {
                signalling.unregister(registration);
            }
            stays
        });
        for (id, trunk) in wanted {
            entries.entry(id).or_insert_with(|| {
                let registration =
                    registration_of(trunk).map(|registration| signalling.register(registration));
                let state = match registration {
                    Some(_) => TrunkState::Unknown,
                    // Used by its address: there is nothing to be up or down yet.
                    None => TrunkState::Up,
                };
                Entry {
                    trunk: trunk.clone(),
                    registration,
                    state,
                }
            });
        }
    }

    /// News of a registration. Answers the trunk and its state if that is new.
    pub fn on_registration(
        &self,
        id: RegistrationId,
        status: &RegistrationStatus,
    ) -> Option<(TrunkId, TrunkState)> {
        let mut entries = self.lock();
        let (trunk, entry) = entries
            .iter_mut()
            .find(|(_, entry)| entry.registration == Some(id))?;
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
        let before = std::mem::replace(&mut entry.state, state);
        (before != state).then_some((*trunk, state))
    }

    pub fn state(&self, trunk: TrunkId) -> TrunkState {
        self.lock()
            .get(&trunk)
            .map_or(TrunkState::Unknown, |entry| entry.state)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TrunkId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn registration_of(trunk: &Trunk) -> Option<Registration> {
    let account = trunk
        .registration
        .as_ref()
        .filter(|registration| registration.register)?;
    let (host, port) = Host::parse_with_port(&trunk.address).ok()?;
    let transport = match trunk.transport {
        domain::trunk::Transport::Udp => Transport::Udp,
        domain::trunk::Transport::Tcp => Transport::Tcp,
    };
    Some(Registration {
        aor: SipUri::new(Some(&account.username), host.clone(), port),
        registrar: SipUri::new(None, host.clone(), port),
        hop: Some(Hop::To {
            transport,
            host,
            port: port.unwrap_or(5060),
        }),
        contact_user: account.username.clone(),
        credentials: OutboundCredentials {
            username: account.username.clone(),
            password: account.secret.reveal().to_owned(),
            realm: account.realm.clone(),
        },
        expires: EXPIRES,
        identity: CallIdentity::derive(trunk.id.bytes()),
    })
}
