//! Event packages: what others tell us of their lines, and what we tell of ours
//! (RFC 6665, RFC 3903).
//!
//! Words: a *subscription* is ours at somebody else's server, and hears of one
//! resource; a *watcher* is somebody's subscription at ours; a *publication* is what
//! a phone tells of itself, unasked. A *resource* is whatever may be watched, and
//! what is *shown* of it is told by the embedding program, which alone knows.
//!
//! Documents are read within bounds ([`xml`]). One that cannot be read changes
//! nothing and is told as [`Garbage`](crate::Event::Garbage).

mod alarms;
mod dialog_info;
mod pidf;
mod publications;
mod reg_info;
mod shown;
mod subscription;
mod told;
mod watchers;
mod xml;

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use alarms::Alarms;
pub use dialog_info::{CallState, ShownCall};
pub use pidf::Presence;
pub(crate) use publications::{Asked as Publishing, Publications, Refused};
pub use reg_info::Registered;
pub use shown::Shown;
pub(crate) use subscription::{Leaf, Subscribing};
pub use subscription::{Subscription, SubscriptionId, SubscriptionStatus};
pub use told::Told;
pub(crate) use watchers::{WatcherId, Watchers, Wish};
pub use xml::Garbage;

/// What a subscription is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Package {
    /// Where it is registered (RFC 3680).
    Reg,
    /// Its calls (RFC 4235).
    Dialog,
    /// Whether it is to be reached, and what its owner is doing (RFC 3856).
    Presence,
}

impl Package {
    pub const ALL: [Package; 3] = [Package::Reg, Package::Dialog, Package::Presence];

    /// As written in `Event`.
    pub fn name(self) -> &'static str {
        match self {
            Package::Reg => "reg",
            Package::Dialog => "dialog",
            Package::Presence => "presence",
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Package::Reg => "application/reginfo+xml",
            Package::Dialog => "application/dialog-info+xml",
            Package::Presence => "application/pidf+xml",
        }
    }

    /// The package an `Event` value names, and its `id` where it has one.
    pub(crate) fn parse(value: &str) -> Option<(Self, Option<String>)> {
        let mut parts = value.split(';').map(str::trim);
        let name = parts.next()?;
        let package = Package::ALL
            .into_iter()
            .find(|package| package.name().eq_ignore_ascii_case(name))?;
        let id = parts.find_map(|part| part.strip_prefix("id="));
        Some((package, id.map(str::to_owned)))
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whatever may be watched: a person, a room, a number. Opaque here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(pub Uuid);

/// `Allow-Events` for these packages.
pub(crate) fn allow_events(packages: &[Package]) -> String {
    let names: Vec<&str> = packages.iter().map(|package| package.name()).collect();
    names.join(", ")
}

/// The seconds of an `Expires`, if it is a number.
pub(crate) fn expires(headers: &crate::message::Headers) -> Option<u32> {
    headers.get("Expires")?.trim().parse().ok()
}
