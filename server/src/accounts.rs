//! What phones log in with, and whether a registration still rests on it: one whose
//! device is gone, or that was made with an earlier secret, is dropped at once.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, PoisonError},
};

use domain::DeviceId;
use sha2::{Digest, Sha256};
use sip::AccountId;
use store::Credential;

use crate::directory::Page;

/// What a login looks like from afar: two are the same if their user, realm and
/// secret are. The secret cannot be found from it.
pub type Seal = String;

#[derive(Default)]
pub struct Accounts {
    seen: Mutex<BTreeMap<AccountId, Seal>>,
}

impl Accounts {
    /// Takes the logins as they are now. Answers the accounts whose registrations
    /// rest on something else.
    pub fn follow(&self, page: &Page) -> Vec<AccountId> {
        let now = seals(page);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = |(account, seal): (&AccountId, &Seal)| {
            (now.get(account) != Some(seal)).then_some(*account)
        };
        let stale = seen.iter().filter_map(changed).collect();
        *seen = now;
        stale
    }
}

/// The login of every account.
pub fn seals(page: &Page) -> BTreeMap<AccountId, Seal> {
    let logins = page.companies().flat_map(|company| {
        let realm = &company.company.domain;
        company
            .credentials
            .iter()
            .map(move |(username, credential)| {
                let account = AccountId(credential.device.uuid());
                (account, seal(realm, username, credential))
            })
    });
    logins.collect()
}

/// The login of one account, by the user name it proved.
pub fn seal_of(page: &Page, account: AccountId, username: &str) -> Option<Seal> {
    let owner = page.device(DeviceId::from_uuid(account.0))?;
    let credential = owner.company.credentials.get(username)?;
    Some(seal(&owner.company.company.domain, username, credential))
}

fn seal(realm: &str, username: &str, credential: &Credential) -> Seal {
    let mut hash = Sha256::new();
    for part in [realm, username, &credential.ha1.sha256] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    short(&hash.finalize())
}

fn short(digest: &[u8]) -> Seal {
    digest
        .iter()
        .take(12)
        .fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            _ = write!(text, "{byte:02x}");
            text
        })
}
