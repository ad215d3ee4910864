//! What we know of a call of ours before its answer: the INVITE, what was heard, and
//! what it teaches when it fails.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use super::{
    forks::{Leg, invite_owner},
    headers::{self, ALLOW},
    reliable::EarlyDialogs,
};
use crate::{
    command::{CallId, Invite, Party, Target},
    dialog::hop_to,
    endpoint::core::{Core, Draft},
    event::{Failure, FailureCause, Provisional},
    flow::Hop,
    media::NegotiatedMedia,
    message::{Envelope, Method, NameAddr, Request, Response},
    random::Random,
    sdp::Negotiation,
    srtp::{Encryption, SrtpKey},
    transaction::ServerKey,
    uri::SipUri,
};

/// "Something was heard" for the line state means within this time.
const PROMPT: Duration = Duration::from_secs(4);

pub struct Dialling {
    pub(super) invite: Invite,
    pub(super) negotiation: Negotiation,
    pub(super) offer: Option<Vec<u8>>,
    /// What those are offered who refused audio in the clear.
    pub(super) encrypted_offer: Option<Vec<u8>>,
    /// Asked for; grows when a 422 wants it longer.
    pub(super) session_expires: Duration,
    pub(super) started: Instant,
    /// When an address was tried last.
    pub(super) asked: Instant,
    pub(super) heard: Option<Instant>,
    pub(super) provisionals: Vec<Provisional>,
    pub(super) early: EarlyDialogs,
    /// Answers (SDP) that came in provisional responses, by To-tag.
    pub(super) early_answers: BTreeMap<String, Vec<u8>>,
    /// The best refusal so far.
    pub(super) best: Option<Failure>,
    pub(super) giving_up: Option<GivingUp>,
}

pub(super) struct GivingUp {
    pub cause: FailureCause,
    /// It only rang too long: whoever answers all the same is welcome.
    pub unless_answered: bool,
    /// Then the end is told, whether or not the CANCEL was answered.
    pub until: Instant,
}

impl Dialling {
    pub fn deadline(&self) -> Option<Instant> {
        if let Some(giving_up) = &self.giving_up {
            return Some(giving_up.until);
        }
        let within = self.invite.first_response_within?;
        self.heard.is_none().then_some(self.asked + within)
    }

    /// Requests in early dialogs: UPDATE without an offer, and nothing else.
    pub fn on_request(
        &mut self,
        request: &Request,
        _envelope: &Envelope,
        key: &ServerKey,
        core: &mut Core,
        now: Instant,
    ) {
        let offers = headers::has_sdp(&request.headers, &request.body);
        let status = match request.method {
            // Our offer is still open (RFC 3311 §5.2).
            Method::Update if offers => 491,
            Method::Update | Method::Options => 200,
            _ => 481,
        };
        let response = request.response(status, None).with("Allow", ALLOW);
        core.respond(key, response, now);
    }

    pub(super) fn request(&self, leg: &Leg) -> Request {
        let Target { uri, route, .. } = &self.invite.targets[leg.target];
        let mut request = Request::new(
            Method::Invite,
            SipUri {
                headers: Vec::new(),
                ..uri.clone()
            },
        );
        let headers = &mut request.headers;
        headers.push("Max-Forwards", "70");
        for hop in route {
            headers.push("Route", &format!("<{hop}>"));
        }
        let from = name_addr(&self.invite.from).with_tag(&self.invite.identity.from_tag());
        headers.push("From", &from.to_string());
        headers.push("To", &name_addr(&self.invite.to).to_string());
        headers.push("Call-ID", &self.invite.identity.call_id());
        headers.push("CSeq", &format!("{} INVITE", leg.cseq));
        headers.push("Allow", ALLOW);
        // Reliable provisional answers could bring an offer we would have to answer
        // before the call is answered: not where the peer offers.
        headers.push(
            "Supported",
            if self.invite.offerless {
                "timer"
            } else {
                "100rel, timer"
            },
        );
        headers.push(
            "Session-Expires",
            &self.session_expires.as_secs().to_string(),
        );
        if let Some(asserted) = &self.invite.asserted {
            headers.push("P-Asserted-Identity", &name_addr(asserted).to_string());
        }
        for (name, value) in &self.invite.headers {
            headers.push(name, value);
        }
        let offer = match leg.encrypts {
            true => &self.encrypted_offer,
            false => &self.offer,
        };
        match offer {
            Some(offer) => request.with_sdp(offer.clone()),
            None => request,
        }
    }

    pub(super) fn draft(&self, call: CallId, nth: usize, leg: &Leg, request: Request) -> Draft {
        let usual = || hop(&self.invite.targets[leg.target]);
        Draft {
            request,
            hop: leg.hop.clone().unwrap_or_else(usual),
            branch: leg.branch.clone(),
            owner: invite_owner(call, nth),
            contact: Some(Some(self.invite.from.user.clone())),
        }
    }

    pub(super) fn millis(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.started).as_millis();
        u64::try_from(passed).unwrap_or(u64::MAX)
    }

    pub(super) fn failure(&self, cause: FailureCause, now: Instant) -> Failure {
        Failure {
            provisionals: self.provisionals.clone(),
            heard_within_4s: self
                .heard
                .is_some_and(|heard| heard.saturating_duration_since(self.started) <= PROMPT),
            after_ms: self.millis(now),
            ..Failure::of(cause)
        }
    }

    /// Brings offer and answer together once somebody has answered. The ACK comes back,
    /// with our answer where the offer was theirs, and what was agreed, if anything.
    pub(super) fn agree(
        &mut self,
        response: &Response,
        peer: IpAddr,
        tag: &str,
        ack: Request,
    ) -> (Request, Option<NegotiatedMedia>) {
        let body = match headers::has_sdp(&response.headers, &response.body) {
            true => Some(&response.body),
            // Some answer in a provisional response and do not repeat themselves.
            false => self.early_answers.get(tag),
        };
        let ack = match (body, &self.offer) {
            (None, _) => return (ack, None),
            (Some(answer), Some(_)) => match self.negotiation.accept(answer, peer) {
                Ok(()) => ack,
                Err(_) => return (ack, None),
            },
            (Some(offer), None) => match self.negotiation.answer(offer, peer) {
                Ok(answer) => ack.with_sdp(answer),
                Err(_) => return (ack, None),
            },
        };
        (ack, self.negotiation.agreed().cloned())
    }

    /// Makes the offer for those who only take encrypted audio. Others may still answer
    /// the plain one.
    pub(super) fn offer_encryption(&mut self, random: &mut Random) {
        if self.encrypted_offer.is_none() && self.offer.is_some() {
            let key = SrtpKey::random(random);
            let mut encrypting = self
                .negotiation
                .clone()
                .encrypted(Encryption::Required(key));
            self.encrypted_offer = Some(encrypting.offer());
            self.negotiation = encrypting.encrypted(Encryption::Offered(key));
        }
    }

    /// What a final answer above 2xx tells.
    pub(super) fn refusal(&self, target: usize, response: &Response, now: Instant) -> Failure {
        let headers = &response.headers;
        Failure {
            status: Some(response.status),
            phrase: response.phrase.clone(),
            reasons: headers::reasons(headers),
            retry_after_s: headers::retry_after(headers),
            warnings: headers::values(headers, "Warning"),
            diversion: headers::values(headers, "Diversion"),
            history: headers::values(headers, "History-Info"),
            contacts: match response.status {
                300..400 => headers::values(headers, "Contact"),
                _ => Vec::new(),
            },
            target: Some(target),
            ..self.failure(FailureCause::Response, now)
        }
    }

    /// Keeps the refusal that says most (RFC 3261 §16.7 step 6).
    pub(super) fn note_refusal(&mut self, failure: Failure) {
        let better = match &self.best {
            Some(best) => rank(&failure) < rank(best),
            None => true,
        };
        if better {
            self.best = Some(failure);
        }
    }
}

/// Lower says more about the person called: a global refusal, then the phone's own
/// answer, then those that only say that it could not be asked.
fn rank(failure: &Failure) -> u16 {
    match failure.status {
        Some(600..) => 0,
        Some(486 | 480) => 1,
        // Merged: the same phone reached twice.
        Some(482) => 9,
        Some(408) => 6,
        Some(400..500) => 2,
        Some(300..400) => 3,
        Some(500..600) => 5,
        Some(_) => 7,
        None => 8,
    }
}

fn name_addr(party: &Party) -> NameAddr {
    let user = Some(party.user.as_str()).filter(|user| !user.is_empty());
    NameAddr {
        display: party.display.clone(),
        ..NameAddr::new(SipUri::new(user, party.host.clone(), None))
    }
}

pub(super) fn hop(target: &Target) -> Hop {
    match (&target.hop, target.route.first()) {
        (Some(hop), _) => hop.clone(),
        (None, Some(first)) => hop_to(first),
        (None, None) => hop_to(&target.uri),
    }
}

/// The address a hop leads to; for a name, some place on the Internet.
pub(super) fn towards(hop: &Hop) -> IpAddr {
    match hop {
        Hop::Flow(flow) => flow.remote.ip(),
        Hop::To { host, .. } => host.ip().unwrap_or(IpAddr::from([192, 0, 2, 1])),
    }
}
