//! What an endpoint can be asked to do.

use std::{net::SocketAddr, time::Duration};

use crate::{
    authority::AccountId,
    event::DialogRecord,
    events::{ResourceId, Shown, Subscription, SubscriptionId},
    flow::Hop,
    identity::CallIdentity,
    media::Codec,
    reason::Reason,
    uri::{Host, SipUri},
};

/// A call, as long as this process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u64);

impl CallId {
    const THEIRS: u64 = 1 << 63;

    /// The nth call we place. The caller counts, so that it has the name at once.
    pub fn ours(nth: u64) -> Self {
        CallId(nth & !CallId::THEIRS)
    }

    /// The nth call that comes in; counted by the endpoint.
    pub(crate) fn theirs(nth: u64) -> Self {
        CallId(nth | CallId::THEIRS)
    }
}

/// Our account at somebody else's registrar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistrationId(pub u64);

/// A peer we ask whether it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(pub u64);

/// A person or line in From, To or P-Asserted-Identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    pub display: Option<String>,
    pub user: String,
    pub host: Host,
}

/// Where our audio is, and what we would speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalMedia {
    /// The RTP socket. An unspecified address stands for the one the peer sees us at.
    pub address: SocketAddr,
    /// Best first; `None` for all the endpoint knows.
    pub codecs: Option<Vec<Codec>>,
}

impl LocalMedia {
    pub fn at(address: SocketAddr) -> Self {
        LocalMedia {
            address,
            codecs: None,
        }
    }
}

/// One place the called line may be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The Request-URI.
    pub uri: SipUri,
    /// Preloaded route (an outbound proxy), nearest first.
    pub route: Vec<SipUri>,
    /// Where the packet goes; `None` follows the route, else the URI.
    pub hop: Option<Hop>,
}

/// What we prove to a trunk or registrar that challenges us.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundCredentials {
    pub username: String,
    pub password: String,
    /// The only realm these answer to; `None` for whatever the addressed host names.
    pub realm: Option<String>,
}

impl std::fmt::Debug for OutboundCredentials {
    /// Never shows the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundCredentials")
            .field("username", &self.username)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

/// A call to place.
///
/// Everything in it, and nothing else, decides the bytes of the first INVITE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    pub identity: CallIdentity,
    /// Rung in parallel; the first to answer wins, the others are released.
    pub targets: Vec<Target>,
    pub from: Party,
    pub to: Party,
    /// Sent as P-Asserted-Identity (RFC 3325): only to those we trust with it.
    pub asserted: Option<Party>,
    pub media: LocalMedia,
    /// Offer nothing and let the peer offer in its 2xx.
    pub offerless: bool,
    pub credentials: Option<OutboundCredentials>,
    /// A phone that takes nothing but encrypted audio is offered that (RFC 4568).
    pub may_encrypt: bool,
    /// Give up when no response at all came within this time; `None` waits for
    /// Timer B (32 s). The next trunk can then be tried while it matters.
    pub first_response_within: Option<Duration>,
    /// The ACK to the answer waits for [`Command::Acknowledge`], so that the dialog can be
    /// put on record first; for two seconds at most, as the caller must not wait for a disk.
    pub holds_ack: bool,
    /// Further header fields, such as `Alert-Info`.
    pub headers: Vec<(String, String)>,
}

/// How a call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// 300-699.
    pub status: u16,
    pub reasons: Vec<Reason>,
    pub retry_after: Option<Duration>,
}

impl Rejection {
    pub fn status(status: u16) -> Self {
        Rejection {
            status,
            reasons: Vec::new(),
            retry_after: None,
        }
    }
}

/// A registration to keep at somebody else's registrar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Address of record: To and From.
    pub aor: SipUri,
    /// The Request-URI, a host without a user.
    pub registrar: SipUri,
    /// Preloaded route (an outbound proxy), nearest first.
    pub route: Vec<SipUri>,
    /// Where the packet goes; `None` follows the route, else the registrar's URI.
    pub hop: Option<Hop>,
    /// The user part of our Contact.
    pub contact_user: String,
    pub credentials: OutboundCredentials,
    /// The lifetime we ask for.
    pub expires: Duration,
    /// Makes Call-ID and tags; any bytes that no other registration uses.
    pub identity: CallIdentity,
}

/// A peer to ask by OPTIONS, again and again, whether it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// The Request-URI and To.
    pub target: SipUri,
    /// Preloaded route (an outbound proxy), nearest first.
    pub route: Vec<SipUri>,
    /// Where the packet goes; `None` follows the route, else the target.
    pub hop: Option<Hop>,
    pub from: SipUri,
    /// Makes Call-ID and tag.
    pub identity: CallIdentity,
}

/// One thing to do.
#[derive(Debug, Clone)]
pub enum Command {
    Invite {
        call: CallId,
        invite: Box<Invite>,
    },
    /// 180 Ringing for an incoming call; again is harmless.
    Ring {
        call: CallId,
    },
    /// Another provisional answer (181, 182, 183), with SDP where `media` is given.
    Progress {
        call: CallId,
        status: u16,
        media: Option<LocalMedia>,
    },
    Answer {
        call: CallId,
        media: LocalMedia,
    },
    Reject {
        call: CallId,
        rejection: Rejection,
    },
    /// A call of ours has rung long enough: CANCEL, though an answer that crosses it
    /// still counts. Ends in `Answered` or `Failed`.
    StopRinging {
        call: CallId,
    },
    /// The answer of a call that holds its ACK is on record: it is acknowledged now.
    Acknowledge {
        call: CallId,
    },
    /// Ends a call in whatever state it is: CANCEL, a 480 to an unanswered one, or BYE.
    HangUp {
        call: CallId,
        reasons: Vec<Reason>,
    },
    /// Re-INVITEs with `inactive` (`true`) or `sendrecv` (`false`).
    Hold {
        call: CallId,
        hold: bool,
    },
    /// Moves our audio (and perhaps codecs) by re-INVITE.
    Remedia {
        call: CallId,
        media: LocalMedia,
    },
    /// A digit by SIP INFO, for peers without RFC 4733.
    SendDigit {
        call: CallId,
        digit: char,
    },
    /// Takes up a call of an earlier process by re-INVITE.
    Resume {
        call: CallId,
        record: Box<DialogRecord>,
        media: LocalMedia,
    },
    Register {
        id: RegistrationId,
        registration: Box<Registration>,
    },
    Unregister {
        id: RegistrationId,
    },
    Watch {
        id: WatchId,
        watch: Box<Watch>,
    },
    Unwatch {
        id: WatchId,
    },
    /// Hears of something at somebody else's server, until told otherwise.
    Subscribe {
        id: SubscriptionId,
        subscription: Box<Subscription>,
    },
    Unsubscribe {
        id: SubscriptionId,
    },
    /// What a watched resource looks like now; again is harmless.
    Show {
        resource: ResourceId,
        shown: Box<Shown>,
    },
    /// There is no such resource: its watchers are told so.
    Hide {
        resource: ResourceId,
    },
    /// Ends everybody's watching here, to be begun again in a while.
    CloseWatching,
    /// Forgets an account's bindings, and what it watches and published: it was removed
    /// or its secret changed.
    Unbind {
        account: AccountId,
    },
    /// From now on new calls get 503 with Retry-After.
    Drain {
        retry_after: Duration,
    },
}
