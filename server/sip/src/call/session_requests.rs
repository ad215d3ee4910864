//! What the peer asks of an answered call.

use std::time::Instant;

use super::{
    headers::{self, ALLOW},
    refresh::SessionTimer,
    session::{Session, Unacked},
};
use crate::{
    endpoint::core::Core,
    event::{Ending, Event},
    flow::Flow,
    message::{Envelope, Method, Request, Response},
    reason::Reason,
    sdp::Unacceptable,
    transaction::ServerKey,
};

impl Session {
    /// Answers a request within the dialog; an ending when it was the last.
    pub fn on_request(
        &mut self,
        request: &Request,
        envelope: &Envelope,
        key: &ServerKey,
        flow: Flow,
        core: &mut Core,
        now: Instant,
    ) -> Option<Ending> {
        if !self.dialog.take_cseq(envelope.cseq.number) {
            // Overtaken by a later one (§12.2.2).
            core.respond(key, self.response(request, 500, core), now);
            return None;
        }
        // Phones move: what comes from a new address is answered there from now on.
        self.dialog.flow = flow;
        let response = match &request.method {
            Method::Bye => {
                core.respond(key, self.response(request, 200, core), now);
                return Some(Ending::ByPeer {
                    reasons: headers::reasons(&request.headers),
                });
            }
            _ if self.leaving.is_some() => self.response(request, 481, core),
            Method::Invite => return self.on_reinvite(request, envelope, key, core, now),
            Method::Update => self.on_update(request, core, now),
            Method::Info => self.on_info(request, core),
            // A late PRACK for a provisional answer that our 200 made needless.
            Method::Options | Method::Prack => self.response(request, 200, core),
            Method::Subscribe
            | Method::Notify
            | Method::Publish
            | Method::Unserved(_)
            | Method::Register
            | Method::Ack
            | Method::Cancel => self.response(request, 405, core),
            Method::Other(_) => self.response(request, 501, core),
        };
        core.respond(key, response, now);
        None
    }

    fn on_reinvite(
        &mut self,
        request: &Request,
        envelope: &Envelope,
        key: &ServerKey,
        core: &mut Core,
        now: Instant,
    ) -> Option<Ending> {
        if let Some(refusal) = self.in_the_way(request, core) {
            core.respond(key, refusal, now);
            return None;
        }
        let before = self.negotiation.agreed().cloned();
        let offered = headers::has_sdp(&request.headers, &request.body);
        let sdp = match (offered, request.body.is_empty()) {
            (true, _) => self
                .negotiation
                .answer(&request.body, self.dialog.flow.remote.ip()),
            (false, true) => Ok(self.negotiation.offer()),
            (false, false) => {
                let response = self
                    .response(request, 415, core)
                    .with("Accept", headers::SDP);
                core.respond(key, response, now);
                return None;
            }
        };
        let sdp = match sdp {
            Ok(sdp) => sdp,
            Err(unacceptable) => {
                core.respond(key, self.unacceptable(request, unacceptable, core), now);
                return None;
            }
        };
        self.dialog.refresh_target(request.contact());
        let mut response = self.response(request, 200, core).with_sdp(sdp);
        self.restart_timer(request, &mut response, core, now);
        core.respond(key, response.clone(), now);
        let unacked = Unacked::new(envelope.cseq.number, key.clone(), response, !offered, now);
        self.unacked = Some(unacked);
        if offered {
            self.tell_media(before.as_ref(), core);
        }
        None
    }

    /// A refusal where something of ours is under way (§14.2), or the timer is too short.
    fn in_the_way(&self, request: &Request, core: &mut Core) -> Option<Response> {
        if self.pending.is_some() {
            return Some(self.response(request, 491, core));
        }
        if self.unacked.is_some() {
            let seconds = core.random.below(10).to_string();
            let response = self.response(request, 500, core);
            return Some(response.with("Retry-After", &seconds));
        }
        self.refusal_of_brevity(request, core)
    }

    fn refusal_of_brevity(&self, request: &Request, core: &Core) -> Option<Response> {
        too_brief(request, core).then(|| {
            let least = core.config.min_session_expires.as_secs().to_string();
            self.response(request, 422, core).with("Min-SE", &least)
        })
    }

    /// With an offer as a re-INVITE is, without one a mere sign of life (RFC 3311).
    fn on_update(&mut self, request: &Request, core: &mut Core, now: Instant) -> Response {
        let offered = headers::has_sdp(&request.headers, &request.body);
        let refusal = match offered {
            true => self.in_the_way(request, core),
            false => self.refusal_of_brevity(request, core),
        };
        if let Some(refusal) = refusal {
            return refusal;
        }
        let before = self.negotiation.agreed().cloned();
        let sdp = match offered {
            true => {
                let peer = self.dialog.flow.remote.ip();
                match self.negotiation.answer(&request.body, peer) {
                    Ok(answer) => Some(answer),
                    Err(unacceptable) => return self.unacceptable(request, unacceptable, core),
                }
            }
            false => None,
        };
        self.dialog.refresh_target(request.contact());
        let mut response = self.response(request, 200, core);
        self.restart_timer(request, &mut response, core, now);
        if let Some(sdp) = sdp {
            response = response.with_sdp(sdp);
            self.tell_media(before.as_ref(), core);
        }
        response
    }

    /// Digits, in both customary bodies.
    fn on_info(&mut self, request: &Request, core: &mut Core) -> Response {
        let text = String::from_utf8_lossy(&request.body);
        let signal = match headers::media_type(&request.headers).as_deref() {
            Some("application/dtmf-relay") => text
                .lines()
                .filter_map(|line| line.split_once('='))
                .find(|(name, _)| name.trim().eq_ignore_ascii_case("signal"))
                .map(|(_, value)| value.trim().to_owned()),
            Some("application/dtmf") => Some(text.trim().to_owned()),
            Some(_) => return self.response(request, 415, core),
            // An empty INFO asks whether we are still there (RFC 6086 §5.1).
            None => return self.response(request, 200, core),
        };
        let Some(digit) = signal.as_deref().and_then(digit) else {
            return self.response(request, 400, core);
        };
        core.tell(Event::Digit {
            call: self.call,
            digit,
        });
        self.response(request, 200, core)
    }

    pub fn on_ack(
        &mut self,
        request: &Request,
        envelope: &Envelope,
        core: &mut Core,
        now: Instant,
    ) -> Option<Ending> {
        let unacked = self
            .unacked
            .take_if(|unacked| unacked.cseq == envelope.cseq.number)?;
        if let Some(reasons) = self.leaving.take() {
            self.bye(&reasons, core, now);
            return Some(Ending::ByUs);
        }
        if !unacked.offered {
            return None;
        }
        let before = self.negotiation.agreed().cloned();
        let peer = self.dialog.flow.remote.ip();
        if self.negotiation.accept(&request.body, peer).is_err() {
            self.bye(&[Reason::sip(488, "Not Acceptable Here")], core, now);
            return Some(Ending::NoCommonCodec);
        }
        match self
            .negotiation
            .agreed()
            .cloned()
            .filter(|_| unacked.initial)
        {
            Some(media) => core.tell(Event::Answered {
                call: self.call,
                dialog: Box::new(self.record(&media)),
                media,
                provisionals: Vec::new(),
                after_ms: 0,
                diversion: Vec::new(),
                history: Vec::new(),
            }),
            None => self.tell_media(before.as_ref(), core),
        }
        None
    }

    fn restart_timer(
        &mut self,
        request: &Request,
        response: &mut Response,
        core: &Core,
        now: Instant,
    ) {
        let interval = core.config.session_expires;
        let (timer, answer) = SessionTimer::of_request(&request.headers, interval, now);
        timer.announce(answer, &mut response.headers);
        self.timer = timer;
    }

    fn unacceptable(&self, request: &Request, why: Unacceptable, core: &Core) -> Response {
        let warning = format!("304 {} \"{why}\"", core.config.realm);
        self.response(request, why.status(), core)
            .with("Warning", &warning)
    }

    fn response(&self, request: &Request, status: u16, core: &Core) -> Response {
        let mut response = request.response(status, Some(&self.dialog.local_tag));
        if matches!(request.method, Method::Invite | Method::Update) && status == 200 {
            let contact = core.contact(self.dialog.contact_user.as_deref(), &self.dialog.flow);
            response.headers.push("Contact", &contact.to_string());
            response.headers.push("Supported", "timer");
            // A re-INVITE may not change the route, but proxies expect it repeated.
            for route in request.headers.all("Record-Route") {
                response.headers.push("Record-Route", route);
            }
        }
        response.headers.push("Allow", ALLOW);
        response
    }
}

/// Whether a session interval is shorter than we like to refresh (RFC 4028 §9).
pub fn too_brief(request: &Request, core: &Core) -> bool {
    headers::session_expires(&request.headers)
        .is_some_and(|(interval, _)| interval < core.config.min_session_expires)
}

fn digit(signal: &str) -> Option<char> {
    match signal {
        // RFC 4733 event numbers, which some gateways send.
        "10" => Some('*'),
        "11" => Some('#'),
        signal => {
            let mut chars = signal.chars();
            let digit = chars.next()?.to_ascii_uppercase();
            let known = digit.is_ascii_digit() || "*#ABCD".contains(digit);
            (known && chars.next().is_none()).then_some(digit)
        }
    }
}
