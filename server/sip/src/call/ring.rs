//! A call of theirs that we have not answered yet.

use std::time::{Duration, Instant};

use super::{
    headers::{self, ALLOW},
    refresh::SessionTimer,
    reliable::{Unacknowledged, Wake},
    session::Session,
};
use crate::{
    command::{CallId, LocalMedia, Rejection},
    dialog::Dialog,
    endpoint::core::Core,
    event::{Ending, Event},
    message::{Envelope, Method, Request, Response},
    sdp::{Negotiation, Unacceptable},
    srtp::{Encryption, SrtpKey},
    transaction::ServerKey,
};

/// A provisional answer is repeated this often, lest a proxy gives up (§13.3.1.1).
const REMIND: Duration = Duration::from_secs(60);

/// An INVITE that was let in, and the dialog it would make.
pub struct Invitation {
    pub request: Request,
    pub envelope: Envelope,
    pub key: ServerKey,
    pub dialog: Dialog,
}

pub struct Ringing {
    request: Request,
    envelope: Envelope,
    key: ServerKey,
    dialog: Dialog,
    /// The last provisional answer above 100.
    latest: Option<Response>,
    remind: Instant,
    rseq: u32,
    unacknowledged: Option<Unacknowledged>,
    /// Ours, if they want it encrypted.
    srtp: SrtpKey,
    /// Made when an offer was answered early.
    early: Option<Negotiation>,
}

impl Ringing {
    pub fn new(invitation: Invitation, core: &mut Core, now: Instant) -> Self {
        let Invitation {
            request,
            envelope,
            key,
            dialog,
        } = invitation;
        Ringing {
            request,
            envelope,
            key,
            dialog,
            latest: None,
            remind: now + REMIND,
            rseq: 1 + core.random.below(1 << 16),
            srtp: SrtpKey::random(&mut core.random),
            unacknowledged: None,
            early: None,
        }
    }

    pub fn dialog(&self) -> &Dialog {
        &self.dialog
    }

    pub fn invite_key(&self) -> &ServerKey {
        &self.key
    }

    pub fn deadline(&self) -> Instant {
        let resend = self.unacknowledged.as_ref().map(Unacknowledged::deadline);
        resend.map_or(self.remind, |at| at.min(self.remind))
    }

    pub fn on_timeout(&mut self, core: &mut Core, now: Instant) {
        if let Some(unacknowledged) = &mut self.unacknowledged {
            match unacknowledged.wake(now) {
                Wake::Resend => {
                    let response = unacknowledged.response.clone();
                    core.respond(&self.key, response, now);
                }
                // The caller will see from our final answer that we are here; it just
                // cannot do what it required.
                Wake::GiveUp => self.unacknowledged = None,
                Wake::Nothing => {}
            }
        }
        if self.remind <= now {
            self.remind = now + REMIND;
            // A reliable one has reached the caller for certain.
            if let Some(latest) = self.latest.clone()
                && !latest.headers.has("RSeq")
            {
                core.respond(&self.key, latest, now);
            }
        }
    }

    /// A provisional answer; reliable where the caller requires it, then one at a time.
    pub fn progress(
        &mut self,
        status: u16,
        media: Option<LocalMedia>,
        core: &mut Core,
        now: Instant,
    ) {
        let mut response = self.response(status, core);
        if let Some(media) = media
            && let Ok(answer) = self.early_answer(&media, core)
        {
            response = response.with_sdp(answer);
        }
        if self.request.headers.lists("Require", "100rel") {
            if self.unacknowledged.is_some() {
                return;
            }
            response.headers.push("Require", "100rel");
            response.headers.push("RSeq", &self.rseq.to_string());
            self.unacknowledged = Some(Unacknowledged::new(response.clone(), self.rseq, now));
            self.rseq += 1;
        }
        self.latest = Some(response.clone());
        core.respond(&self.key, response, now);
    }

    fn early_answer(&mut self, media: &LocalMedia, core: &Core) -> Result<Vec<u8>, Unacceptable> {
        if self.request.body.is_empty() {
            return Err(Unacceptable::NoCommonCodec);
        }
        let mut negotiation = self.negotiation(media, core, self.session_id());
        let answer = negotiation.answer(&self.request.body, self.dialog.flow.remote.ip())?;
        self.early = Some(negotiation);
        Ok(answer)
    }

    /// From our tag, so that an early and a final description are one session.
    fn session_id(&self) -> u64 {
        let digits = self.dialog.local_tag.get(..12).unwrap_or("1");
        u64::from_str_radix(digits, 16).unwrap_or(1)
    }

    fn negotiation(&self, media: &LocalMedia, core: &Core, session_id: u64) -> Negotiation {
        let address = core.media_address(media.address, self.dialog.far_end);
        let codecs = media.codecs.clone();
        let codecs = codecs.unwrap_or_else(|| core.config.codecs.clone());
        match &self.early {
            Some(early) => {
                let mut early = early.clone();
                early.set_media(address, codecs);
                early
            }
            None => Negotiation::new(address, codecs, session_id)
                .encrypted(Encryption::IfAsked(self.srtp)),
        }
    }

    /// 200 with our description: the answer to their offer, or an offer of our own.
    pub fn answer(
        &mut self,
        call: CallId,
        media: &LocalMedia,
        core: &mut Core,
        now: Instant,
    ) -> Result<Session, Ending> {
        let mut negotiation = self.negotiation(media, core, self.session_id());
        let peer = self.dialog.flow.remote.ip();
        let offered = headers::has_sdp(&self.request.headers, &self.request.body);
        let sdp = match offered {
            true => negotiation.answer(&self.request.body, peer),
            false => Ok(negotiation.offer()),
        };
        let sdp = match sdp {
            Ok(sdp) => sdp,
            Err(unacceptable) => {
                self.refuse(&Rejection::status(unacceptable.status()), core, now);
                return Err(Ending::NoCommonCodec);
            }
        };
        let mut response = self.response(200, core).with_sdp(sdp);
        let interval = core.config.session_expires;
        let (timer, agreement) = SessionTimer::of_request(&self.request.headers, interval, now);
        timer.announce(agreement, &mut response.headers);
        core.respond(&self.key, response.clone(), now);
        let session = Session::of_called(
            call,
            self.dialog.clone(),
            negotiation,
            &self.request,
            (self.envelope.cseq.number, self.key.clone(), response),
            timer,
            now,
        );
        if let Some(media) = session.agreed().filter(|_| offered) {
            core.tell(Event::Answered {
                call,
                dialog: Box::new(session.record(media)),
                media: media.clone(),
                provisionals: Vec::new(),
                after_ms: 0,
                diversion: Vec::new(),
                history: Vec::new(),
            });
        }
        Ok(session)
    }

    pub fn refuse(&mut self, rejection: &Rejection, core: &mut Core, now: Instant) {
        let status = rejection.status.clamp(300, 699);
        let mut response = self.request.response(status, Some(&self.dialog.local_tag));
        headers::push_reasons(&mut response.headers, &rejection.reasons);
        if let Some(retry_after) = rejection.retry_after {
            let seconds = retry_after.as_secs().to_string();
            response.headers.push("Retry-After", &seconds);
        }
        core.respond(&self.key, response, now);
    }

    /// Requests before our answer. True when the call is thereby over.
    pub fn on_request(
        &mut self,
        request: &Request,
        envelope: &Envelope,
        key: &ServerKey,
        core: &mut Core,
        now: Instant,
    ) -> bool {
        let in_order = self.dialog.take_cseq(envelope.cseq.number);
        let offers = headers::has_sdp(&request.headers, &request.body);
        let (status, over) = match request.method {
            _ if !in_order => (500, false),
            Method::Prack => {
                let acknowledged = self
                    .unacknowledged
                    .take_if(|u| u.is_acknowledged_by(request, &self.envelope.cseq));
                (if acknowledged.is_some() { 200 } else { 481 }, false)
            }
            // Their own offer is not answered yet, or has just been (RFC 3311 §5.2).
            Method::Update if offers => (500, false),
            Method::Update | Method::Options => (200, false),
            Method::Bye => (200, true),
            Method::Invite => (491, false),
            _ => (405, false),
        };
        let mut response = request
            .response(status, Some(&self.dialog.local_tag))
            .with("Allow", ALLOW);
        if status == 500 {
            response.headers.push("Retry-After", "1");
        }
        core.respond(key, response, now);
        if over {
            self.refuse(&Rejection::status(487), core, now);
        }
        over
    }

    fn response(&self, status: u16, core: &Core) -> Response {
        let contact = core.contact(self.dialog.contact_user.as_deref(), &self.dialog.flow);
        let mut response = self.request.response(status, Some(&self.dialog.local_tag));
        for route in self.request.headers.all("Record-Route") {
            response.headers.push("Record-Route", route);
        }
        response.headers.push("Contact", &contact.to_string());
        response.headers.push("Allow", ALLOW);
        response.headers.push("Supported", "100rel, timer");
        response
    }
}
