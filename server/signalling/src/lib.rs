//! SIP over real sockets.
//!
//! One task owns the pure [`sip::Endpoint`], the UDP sockets and the TCP
//! connections; a [`Signalling`] handle feeds it over a channel and never blocks.
//! Nothing here decides anything about a call: that is the endpoint's.

mod dns;
mod handle;
mod names;
mod sockets;
mod stream;
mod task;

pub use handle::{Bind, Config, Signalling, StartError, start};
pub use names::Names;
pub use sip::{
    AccountId, Authority, Binding, CallId, CallIdentity, Caller, Codec, Credentials, DialogRecord,
    Direction, Ending, Event, Failure, FailureCause, Flow, Hop, Host, Incoming, Invite, LocalMedia,
    Location, Lookup, NegotiatedMedia, OpusParams, OutboundCredentials, Party, Provisional, Reason,
    Registration, RegistrationId, RegistrationStatus, Rejection, SipUri, Target, Transport,
    TrunkId, Uri, Watch, WatchId, authority::Secret,
};
