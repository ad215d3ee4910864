//! What an endpoint tells.

use serde::{Deserialize, Serialize};

use crate::{
    authority::{AccountId, TrunkId},
    command::{CallId, RegistrationId, WatchId},
    events::{Garbage, Package, ResourceId, SubscriptionId, SubscriptionStatus, Told},
    flow::Flow,
    media::NegotiatedMedia,
    reason::Reason,
    registrar::Binding,
    uri::SipUri,
};

/// Who is calling us, as far as it is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Proved by digest.
    Account(AccountId),
    /// Known by its address.
    Trunk(TrunkId),
}

/// A call that wants in. Answer with `Ring`, `Answer` or `Reject`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    pub caller: Caller,
    /// User and host of the Request-URI.
    pub dialled: SipUri,
    /// User of the To header, where it is a SIP or tel URI; some trunks put the number only there.
    pub to_user: Option<String>,
    pub from_user: Option<String>,
    pub from_display: Option<String>,
    /// User of P-Asserted-Identity or Remote-Party-ID; from trunks only, others' word is dropped.
    pub asserted_user: Option<String>,
    /// Raw values of Diversion and History-Info; from trunks only.
    pub diversion: Vec<String>,
    pub history: Vec<String>,
    /// What we would agree upon; `None` for an INVITE without an offer.
    pub media: Option<NegotiatedMedia>,
    pub user_agent: Option<String>,
    /// The SIP Call-ID, for logs.
    pub sip_call_id: String,
}

/// A provisional answer above 100.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisional {
    pub status: u16,
    /// Since the INVITE was first sent, ms.
    pub after_ms: u64,
    /// Index in [`Invite::targets`](crate::Invite::targets).
    pub target: usize,
    /// It came with SDP: the network may be playing something.
    pub early_media: bool,
}

/// What made a call fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCause {
    /// A final answer, the best of all targets' (RFC 3261 §16.7).
    Response,
    /// We gave up: [`Command::HangUp`](crate::Command::HangUp) before an answer.
    Cancelled,
    /// Not one response within the time allowed.
    NoResponse,
    /// Responses came, a final one never did (Timer B or C).
    TimedOut,
    /// Could not be sent, or the connection broke. In words.
    Transport(String),
    /// It was answered, but with an SDP we share nothing with, or without any.
    NoCommonCodec,
    /// A dialog of an earlier process that the peer no longer knows.
    NotResumed,
}

/// Everything a failed call taught us, for the line state to judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub cause: FailureCause,
    /// The final status and its phrase, where one came.
    pub status: Option<u16>,
    pub phrase: String,
    /// All `Reason` values of that answer.
    pub reasons: Vec<Reason>,
    /// Every 18x seen, in order.
    pub provisionals: Vec<Provisional>,
    /// Some response, even 100, came within 4 s of the first INVITE.
    pub heard_within_4s: bool,
    /// From the first INVITE to the end, ms.
    pub after_ms: u64,
    pub retry_after_s: Option<u32>,
    pub warnings: Vec<String>,
    pub diversion: Vec<String>,
    pub history: Vec<String>,
    /// Where a 3xx points; it is never followed.
    pub contacts: Vec<String>,
    /// The target the answer came from.
    pub target: Option<usize>,
}

/// How an established call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// BYE (or, before the answer, CANCEL) from the peer.
    ByPeer { reasons: Vec<Reason> },
    /// We hung up or refused.
    ByUs,
    /// Our 2xx was never acknowledged (64·T1).
    AckLost,
    /// The session timer ran out, or the peer no longer knew the dialog.
    SessionLost,
    /// The answer brought nothing we can speak.
    NoCommonCodec,
}

/// All that is needed to take up an established call again in another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialogRecord {
    pub call_id: String,
    pub local_tag: String,
    pub remote_tag: String,
    /// Our From or To value, without the tag.
    pub local_party: String,
    pub remote_party: String,
    /// Where in-dialog requests are addressed.
    pub remote_target: String,
    pub route_set: Vec<String>,
    /// The user part of our Contact.
    pub contact_user: Option<String>,
    pub local_cseq: u32,
    pub remote_cseq: Option<u32>,
    pub flow: Flow,
    pub session_id: u64,
    pub session_version: u64,
    pub media: NegotiatedMedia,
    /// We placed the call.
    pub outgoing: bool,
}

/// How our registration elsewhere stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationStatus {
    Registered {
        expires_s: u32,
    },
    /// Refused or unreachable; tried again after `retry_in_s`.
    Failed {
        status: Option<u16>,
        text: String,
        retry_in_s: u32,
    },
    Unregistered,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Incoming {
        call: CallId,
        incoming: Box<Incoming>,
    },
    /// An outgoing call got a provisional answer above 100.
    Ringing {
        call: CallId,
        provisional: Provisional,
    },
    /// A call, of either direction, is established: audio may flow.
    Answered {
        call: CallId,
        media: NegotiatedMedia,
        dialog: Box<DialogRecord>,
        /// Everything provisional that was seen before (outgoing only).
        provisionals: Vec<Provisional>,
        /// From the first INVITE, ms (outgoing only).
        after_ms: u64,
        diversion: Vec<String>,
        history: Vec<String>,
    },
    /// A re-INVITE or UPDATE, of either side, changed codec, address or direction.
    MediaChanged {
        call: CallId,
        media: NegotiatedMedia,
        /// To be persisted in place of the earlier one.
        dialog: Box<DialogRecord>,
    },
    /// A digit by SIP INFO: `0`-`9`, `*`, `#`, `A`-`D`.
    Digit { call: CallId, digit: char },
    /// An established call, or an incoming one we had not answered, is over.
    Ended { call: CallId, ending: Ending },
    /// An outgoing call came to nothing.
    Failed { call: CallId, failure: Box<Failure> },
    /// An account's bindings changed; `bindings` are all it has now. An empty list
    /// with `by_itself` false means they ran out.
    Bindings {
        account: AccountId,
        bindings: Vec<Binding>,
        /// The device asked for it, rather than time passing.
        by_itself: bool,
    },
    Registration {
        id: RegistrationId,
        status: RegistrationStatus,
    },
    /// A watched peer answers, or does not any more; told when that changes.
    Watched {
        id: WatchId,
        alive: bool,
        /// Why it counts as missing, in words.
        why: String,
    },
    /// How a subscription of ours stands.
    Subscription {
        id: SubscriptionId,
        status: SubscriptionStatus,
    },
    /// What a subscription of ours is about has changed, or was told again.
    Notified { id: SubscriptionId, told: Told },
    /// Somebody watches a resource: say what it looks like, now and whenever it changes.
    Wanted { resource: ResourceId },
    /// Nobody does any more.
    Unwanted { resource: ResourceId },
    /// What a phone says of itself, until this time (Unix ms); none when it says nothing
    /// any more.
    Published {
        account: AccountId,
        package: Package,
        told: Option<(Told, i64)>,
    },
    /// A document that cannot be read: it changed nothing.
    Garbage {
        /// Whose: an address, or an account's name.
        from: String,
        package: Package,
        why: Garbage,
    },
}
