//! Operators' connections and the numbers they deliver.

use serde::{Deserialize, Serialize};

use crate::{
    decode::Profile,
    employee::Secret,
    id::{CompanyId, NumberId, RoomId, TrunkId},
    number::PhoneNumber,
    time::Span,
};

/// A connection to an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trunk {
    /// Its id.
    pub id: TrunkId,
    /// Whose it is.
    pub company: CompanyId,
    /// Its name.
    pub name: String,
    /// Host, or host and port, of the operator.
    pub address: String,
    /// Host, or host and port, of a proxy on the way to him, if there is one.
    #[serde(default)]
    pub proxy: Option<String>,
    /// How packets travel there.
    #[serde(default)]
    pub transport: Transport,
    /// How we prove who we are; none when the operator knows our address.
    #[serde(default)]
    pub registration: Option<Registration>,
    /// The number we show to those we call.
    #[serde(default)]
    pub caller_number: Option<PhoneNumber>,
    /// Trunks are tried in this order, the least first.
    #[serde(default)]
    pub rank: i32,
    /// How many calls it carries at once; no limit when none is set.
    #[serde(default)]
    pub channels: Option<u32>,
    /// What its answers mean where they mean something of their own.
    #[serde(default)]
    pub profile: Profile,
    /// What its operator tells us of the lines behind it.
    #[serde(default)]
    pub status: StatusSources,
}

/// What an operator tells of the lines behind its trunk, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StatusSources {
    /// Event packages we subscribe to for each line.
    #[serde(default)]
    pub events: Vec<StatusEvent>,
    /// Where we ask by HTTP.
    #[serde(default)]
    pub api: Option<StatusApi>,
    /// SHA-256, in hex, of the token with which it may tell us unasked.
    #[serde(default)]
    pub push_token_sha256: Option<String>,
}

/// An event package of an operator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusEvent {
    /// Registrations (RFC 3680).
    Reg,
    /// Calls (RFC 4235).
    Dialog,
    /// Presence (RFC 3856).
    Presence,
}

/// An operator's HTTP interface for the state of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusApi {
    /// What is asked; `{number}` stands for the number, else it is appended.
    pub url: String,
    /// Sent as a bearer token.
    #[serde(default)]
    pub token: Option<Secret>,
    /// How long an answer is waited for.
    pub timeout_ms: Span,
    /// The most questions a minute.
    pub per_minute: u32,
}

/// A login at the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The user name.
    pub username: String,
    /// The password: answered to the trunk's own realm and address alone.
    pub secret: Secret,
    /// The only realm it is for; without one, the first that the trunk's servers name in a call.
    #[serde(default)]
    pub realm: Option<String>,
    /// Whether to REGISTER, or only to answer challenges.
    #[serde(default = "yes")]
    pub register: bool,
}

/// How SIP travels.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Datagrams.
    #[default]
    Udp,
    /// A stream.
    Tcp,
}

/// A number that an operator delivers to us (DID).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DidNumber {
    /// Its id.
    pub id: NumberId,
    /// Whose it is.
    pub company: CompanyId,
    /// The number.
    pub number: PhoneNumber,
    /// The trunk it comes by; any when none is set.
    #[serde(default)]
    pub trunk: Option<TrunkId>,
    /// Where its callers go.
    pub target: Target,
}

/// Where a caller from outside goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Into a room.
    Room(RoomId),
}

fn yes() -> bool {
    true
}
