//! Who may do what: the questions the endpoint asks, answered by the embedding
//! program from a snapshot. An answer must come at once and never block.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    event::Caller,
    events::{Package, ResourceId},
    uri::SipUri,
};

/// Whom a set of credentials belongs to; opaque here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub Uuid);

/// An operator's trunk; opaque here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrunkId(pub Uuid);

/// What a user must prove to know.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub account: AccountId,
    pub secret: Secret,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    Password(String),
    /// `H(username:realm:password)` in lower-case hex, for each algorithm.
    Ha1 {
        md5: String,
        sha256: String,
    },
}

impl std::fmt::Debug for Credentials {
    /// Never shows the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// Synchronous look-ups in a snapshot.
pub trait Authority: Send + Sync + 'static {
    /// The credentials of a user name at our realm.
    fn credentials(&self, username: &str, realm: &str) -> Option<Credentials>;

    /// The realm of a user whose address names this host: where several companies
    /// share a server, each has its own. `None` for the server's.
    fn realm(&self, host: &str) -> Option<String> {
        let _ = host;
        None
    }

    /// What `watcher` means by an address, where he may watch it.
    fn watched(&self, watcher: Caller, address: &SipUri, package: Package) -> Option<ResourceId> {
        let _ = (watcher, address, package);
        None
    }

    /// The trunk a packet from `source` belongs to. Its calls are not challenged
    /// and its identity headers are believed.
    fn trunk_by_source(&self, source: SocketAddr) -> Option<TrunkId>;
}
