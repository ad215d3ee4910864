//! A user agent over [`signalling`]: one phone, or the operator with all its numbers.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use signalling::{Signalling, StartError};
use sip::{
    Authority, CallId, CallIdentity, CallState, Caller, Event, Invite, LocalMedia, Location,
    OutboundCredentials, Package, Party, Reason, Registered, Registration, RegistrationId,
    Rejection, ResourceId, Shown, ShownCall, SipUri, Target, TrunkId,
};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    line::{Look, Refusal},
    script::{CodecName, Line},
};

/// How long a phone's registration lasts.
const REGISTRATION: Duration = Duration::from_secs(300);

/// Everyone who calls us is the server; nobody else's calls are taken.
struct TheServerAlone(SocketAddr);

impl Authority for TheServerAlone {
    fn credentials(&self, _username: &str, _realm: &str) -> Option<sip::Credentials> {
        None
    }

    /// A number, by its digits: the server hears of any that it asks for.
    fn watched(&self, _: Caller, address: &SipUri, _: Package) -> Option<ResourceId> {
        let number = digits(address.user.as_deref()?).parse().ok()?;
        Some(ResourceId(Uuid::from_u128(number)))
    }

    fn trunk_by_source(&self, source: SocketAddr) -> Option<TrunkId> {
        (source.ip() == self.0.ip()).then_some(TrunkId(Uuid::nil()))
    }
}

/// Events of all agents, each with the agent's place in the list of them.
pub type Events = mpsc::UnboundedSender<(usize, Event)>;

pub struct Agent {
    signalling: Signalling,
    server: SocketAddr,
    called: Called,
}

/// Which line a call is for.
enum Called {
    /// A phone takes whatever reaches it.
    Phone(usize),
    /// The operator's numbers, digits only.
    Operator(BTreeMap<String, usize>),
}

impl Agent {
    /// The phone of the `line`th line, on a port of its own.
    pub async fn phone(
        line: usize,
        script: &Line,
        ip: IpAddr,
        server: SocketAddr,
        place: usize,
        events: &Events,
    ) -> Result<Self, StartError> {
        let mut config = config(SocketAddr::new(ip, 0), &script.name);
        if let Some(codecs) = codecs(script) {
            config.codecs = codecs;
        }
        Ok(Self {
            signalling: start(config, server, place, events).await?,
            server,
            called: Called::Phone(line),
        })
    }

    /// The operator, listening on `bind`; `numbers` lead to lines.
    pub async fn operator(
        numbers: BTreeMap<String, usize>,
        bind: SocketAddr,
        server: SocketAddr,
        place: usize,
        events: &Events,
    ) -> Result<Self, StartError> {
        let mut config = config(bind, "operator");
        config.packages = Package::ALL.to_vec();
        Ok(Self {
            signalling: start(config, server, place, events).await?,
            server,
            called: Called::Operator(numbers),
        })
    }

    /// The line that a call to `user` is for.
    pub fn line_called(&self, user: &str) -> Option<usize> {
        match &self.called {
            Called::Phone(line) => Some(*line),
            Called::Operator(numbers) => numbers.get(&digits(user)).copied(),
        }
    }

    pub fn register(&self, script: &Line) -> RegistrationId {
        let user = script.address();
        self.signalling.register(Registration {
            aor: SipUri::at(Some(user), self.server),
            route: Vec::new(),
            registrar: SipUri::at(None, self.server),
            hop: None,
            contact_user: user.to_owned(),
            credentials: credentials(script),
            expires: REGISTRATION,
            identity: CallIdentity::derive(Uuid::new_v4().into_bytes()),
        })
    }

    pub fn unregister(&self, id: RegistrationId) {
        self.signalling.unregister(id);
    }

    /// Calls `to` with audio at `audio`; returns the call and its SIP Call-ID.
    pub fn place(&self, script: &Line, to: &str, audio: SocketAddr) -> (CallId, String) {
        let host: sip::Host = self.server.ip().into();
        let identity = CallIdentity::derive(Uuid::new_v4().into_bytes());
        let call_id = identity.call_id();
        let call = self.signalling.invite(Invite {
            identity,
            targets: vec![Target {
                uri: SipUri::at(Some(to), self.server),
                route: Vec::new(),
                hop: None,
            }],
            from: Party {
                display: Some(script.name.clone()),
                user: script
                    .claims
                    .as_deref()
                    .unwrap_or(script.address())
                    .to_owned(),
                host: host.clone(),
            },
            to: Party {
                display: None,
                user: to.to_owned(),
                host,
            },
            asserted: (script.account.is_none() && script.vouched).then(|| Party {
                display: None,
                user: script.address().to_owned(),
                host: self.server.ip().into(),
            }),
            media: media(script, audio),
            offerless: false,
            holds_ack: false,
            credentials: script.account.is_some().then(|| credentials(script)),
            may_encrypt: false,
            first_response_within: None,
            headers: Vec::new(),
        });
        (call, call_id)
    }

    pub fn ring(&self, call: CallId) {
        self.signalling.ring(call);
    }

    pub fn answer(&self, call: CallId, script: &Line, audio: SocketAddr) {
        self.signalling.answer(call, media(script, audio));
    }

    /// 181: the call is being forwarded.
    pub fn forward(&self, call: CallId) {
        self.signalling.progress(call, 181, None);
    }

    /// 183 with a session: sound before any answer.
    pub fn sound(&self, call: CallId, script: &Line, audio: SocketAddr) {
        self.signalling
            .progress(call, 183, Some(media(script, audio)));
    }

    pub fn reject(&self, call: CallId, refusal: Refusal) {
        let reasons = refusal.cause.map(|cause| Reason {
            location: refusal.at_user.then_some(Location::User),
            ..Reason::q850(cause, said_of(cause))
        });
        let rejection = Rejection {
            status: refusal.status,
            reasons: reasons.into_iter().collect(),
            retry_after: refusal.retry_after,
        };
        self.signalling.reject(call, rejection);
    }

    pub fn hang_up(&self, call: CallId) {
        let reason = Reason::q850(16, "Normal call clearing");
        self.signalling.hang_up(call, vec![reason]);
    }

    /// A key by SIP INFO, where telephone events were not agreed on.
    pub fn send_digit(&self, call: CallId, key: char) {
        self.signalling.send_digit(call, key);
    }

    /// Tells whoever subscribed how a line is; of one that is no line, that it is not there.
    pub fn show(&self, resource: ResourceId, number: &str, look: Option<Look>) {
        let Some(look) = look else {
            return self.signalling.hide(resource);
        };
        let call = match look {
            Look::Idle | Look::Off => None,
            Look::Ringing => Some(CallState::Early),
            Look::Talking => Some(CallState::Confirmed),
        };
        let registered = match look {
            Look::Off => Registered::Terminated {
                retry_after_s: None,
            },
            Look::Idle | Look::Ringing | Look::Talking => Registered::Active { expires_s: None },
        };
        let shown = Shown {
            registered,
            calls: call
                .map(|state| ShownCall {
                    id: "call".to_owned(),
                    state,
                    incoming: true,
                    held: false,
                })
                .into_iter()
                .collect(),
            ..Shown::unknown(format!("sip:{number}@operator.example"))
        };
        self.signalling.show(resource, shown);
    }

    /// The line of a watched number.
    pub fn line_watched(&self, resource: ResourceId) -> Option<usize> {
        self.line_called(&resource.0.as_u128().to_string())
    }

    /// Hangs up and un-registers.
    pub async fn stop(self) {
        self.signalling.stop().await;
    }
}

/// A number without its punctuation: `+7 916 123-01-04` and `79161230104` are one.
pub fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

fn config(bind: SocketAddr, name: &str) -> signalling::Config {
    let mut config = signalling::Config::new(vec![bind]);
    config.registrar = false;
    config.packages = Vec::new();
    config.product = Some(format!("Simulated ({name})"));
    config
}

/// Starts signalling and names its events by the agent.
async fn start(
    config: signalling::Config,
    server: SocketAddr,
    place: usize,
    events: &Events,
) -> Result<Signalling, StartError> {
    let authority = Arc::new(TheServerAlone(server));
    let (signalling, mut inbox) = signalling::start(config, authority, Vec::new()).await?;
    let events = events.clone();
    tokio::spawn(async move {
        while let Some(event) = inbox.recv().await {
            if events.send((place, event)).is_err() {
                return;
            }
        }
    });
    Ok(signalling)
}

fn media(script: &Line, address: SocketAddr) -> LocalMedia {
    LocalMedia {
        address,
        codecs: codecs(script),
    }
}

fn codecs(script: &Line) -> Option<Vec<sip::Codec>> {
    let codec = |name: &CodecName| match name {
        CodecName::Opus => sip::Codec::Opus,
        CodecName::G722 => sip::Codec::G722,
        CodecName::Pcmu => sip::Codec::Pcmu,
        CodecName::Pcma => sip::Codec::Pcma,
    };
    let names = &script.voice.codecs;
    (!names.is_empty()).then(|| names.iter().map(codec).collect())
}

fn credentials(script: &Line) -> OutboundCredentials {
    OutboundCredentials {
        username: script.address().to_owned(),
        password: script.secret.clone().unwrap_or_default(),
        realm: None,
    }
}

/// The words that go with a Q.850 cause.
fn said_of(cause: u16) -> &'static str {
    match cause {
        1 => "Unallocated number",
        17 => "User busy",
        18 => "No user responding",
        19 => "No answer from user",
        20 => "Subscriber absent",
        21 => "Call rejected",
        _ => "Call refused",
    }
}
