//! Session initiation, without input or output.
//!
//! Everything SIP that decides: parser and writer, transactions, dialogs, calls,
//! offer/answer, digest, registrar. Bytes and time come in through [`Endpoint`],
//! bytes, events and the next wake-up time come out. There is no socket, clock,
//! task or random source here: `now` is an argument, and randomness is derived
//! from a seed. `signalling` is the shell that carries the bytes.
//!
//! Words: a *flow* is where bytes come from and go to (transport, local and remote
//! address); an *endpoint* is all user agents on a set of sockets; a *call* is one
//! conversation, made of one or several *dialogs* while it forks; a *registration*
//! is us at somebody else's registrar; a *binding* is somebody at ours.

pub mod authority;
mod call;
pub mod command;
pub mod config;
mod dialog;
pub mod digest;
pub mod endpoint;
pub mod event;
pub mod events;
pub mod flow;
pub mod identity;
pub mod media;
pub mod message;
mod random;
pub mod reason;
pub mod registrar;
mod registration;
mod scan;
pub mod sdp;
mod srtp;
mod transaction;
pub mod uri;
mod watch;

pub use authority::{AccountId, Authority, Credentials, Secret, TrunkId};
pub use command::{
    CallId, Command, Invite, LocalMedia, OutboundCredentials, Party, Registration, RegistrationId,
    Rejection, Target, Watch, WatchId,
};
pub use config::{Config, Local};
pub use endpoint::{Endpoint, Output};
pub use event::{
    Caller, DialogRecord, Ending, Event, Failure, FailureCause, Incoming, Provisional,
    RegistrationStatus,
};
pub use events::{
    CallState, Garbage, Package, Presence, Registered, ResourceId, Shown, ShownCall, Subscription,
    SubscriptionId, SubscriptionStatus, Told,
};
pub use flow::{Flow, Hop, Lookup, SIP_PORT, Transport};
pub use identity::CallIdentity;
pub use media::{Codec, Direction, NegotiatedMedia, OpusParams};
pub use reason::{Location, Reason};
pub use registrar::Binding;
pub use srtp::{Encryption, Srtp, SrtpKey, SrtpSuite};
pub use uri::{Host, SipUri, Uri};
