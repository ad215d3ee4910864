//! An answered call: its dialog, its media, and what we change about them.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use super::{
    challenge::Proofs,
    forks::send_ack,
    headers::{self, ALLOW},
    refresh::{Duty, SessionTimer},
};
use crate::{
    command::{CallId, LocalMedia, OutboundCredentials},
    dialog::Dialog,
    endpoint::core::{Core, Draft, Owner, Purpose},
    event::{DialogRecord, Ending, Event},
    flow::Hop,
    media::{Direction, NegotiatedMedia},
    message::{Method, Request, Response},
    reason::Reason,
    sdp::Negotiation,
    transaction::{PATIENCE, ServerKey, T1, T2},
};

/// How often a call of an earlier process is tried again where the peer is not ready for it.
const MAX_RESUMPTIONS: u8 = 4;

pub struct Session {
    pub(super) call: CallId,
    pub(super) dialog: Dialog,
    pub(super) negotiation: Negotiation,
    outgoing: bool,
    /// The ACK to the last 2xx we got, for when that comes again.
    last_ack: Option<(u32, Request, Hop)>,
    /// The ACK that an earlier process may not have sent, for when its answer comes again.
    earlier_ack: Option<(u32, Request, Hop)>,
    /// The last ACK has not been sent: it waits until the answer is on record, or until then.
    held_ack: Option<Instant>,
    pub(super) unacked: Option<Unacked>,
    /// We hung up before the ACK to our answer came: BYE must wait for it (§15).
    pub(super) leaving: Option<Vec<Reason>>,
    pub(super) pending: Option<Pending>,
    /// A change of ours that waits for its turn.
    later: Option<(Instant, Change)>,
    pub(super) timer: SessionTimer,
    peer_updates: bool,
    /// For peers that challenge requests within the call.
    pub(super) proofs: Option<Proofs>,
    /// Taken up from an earlier process, and not yet confirmed by the peer.
    resuming: bool,
    /// How often the peer has asked us to try that again.
    resumptions: u8,
}

/// A 2xx of ours that was not acknowledged yet (RFC 3261 §13.3.1.4).
pub(super) struct Unacked {
    pub cseq: u32,
    pub key: ServerKey,
    pub response: Response,
    resend: Instant,
    interval: Duration,
    until: Instant,
    /// It carried our offer: the ACK brings the answer.
    pub offered: bool,
    /// It answered the initial INVITE.
    pub initial: bool,
}

impl Unacked {
    pub fn new(cseq: u32, key: ServerKey, response: Response, offered: bool, now: Instant) -> Self {
        Unacked {
            cseq,
            key,
            response,
            resend: now + T1,
            interval: T1,
            until: now + PATIENCE,
            offered,
            initial: false,
        }
    }
}

/// A re-INVITE of ours without a final answer yet.
pub(super) struct Pending {
    change: Change,
    pub cseq: u32,
    /// What was agreed before, to go back to when the peer refuses.
    before: Negotiation,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Hold(bool),
    Media(LocalMedia),
    /// Nothing changes: the session timer wants to hear that we are both there.
    Refresh,
    /// The same after a restart: our address may be new.
    Resume,
}

impl Session {
    /// From a 2xx to our INVITE, and the ACK that was sent for it.
    pub fn of_caller(
        call: CallId,
        dialog: Dialog,
        negotiation: Negotiation,
        response: &Response,
        ack: (u32, Request, Hop),
        timer: SessionTimer,
    ) -> Self {
        Session {
            call,
            dialog,
            negotiation,
            outgoing: true,
            last_ack: Some(ack),
            earlier_ack: None,
            held_ack: None,
            unacked: None,
            leaving: None,
            pending: None,
            later: None,
            timer,
            peer_updates: response.headers.lists("Allow", "UPDATE"),
            proofs: None,
            resuming: false,
            resumptions: 0,
        }
    }

    /// From an INVITE and the 2xx we sent for it.
    pub fn of_called(
        call: CallId,
        dialog: Dialog,
        negotiation: Negotiation,
        invite: &Request,
        (cseq, key, response): (u32, ServerKey, Response),
        timer: SessionTimer,
        now: Instant,
    ) -> Self {
        let offered = !headers::has_sdp(&invite.headers, &invite.body);
        Session {
            call,
            dialog,
            negotiation,
            outgoing: false,
            last_ack: None,
            earlier_ack: None,
            held_ack: None,
            unacked: Some(Unacked {
                initial: true,
                ..Unacked::new(cseq, key, response, offered, now)
            }),
            leaving: None,
            pending: None,
            later: None,
            timer,
            peer_updates: invite.headers.lists("Allow", "UPDATE"),
            proofs: None,
            resuming: false,
            resumptions: 0,
        }
    }

    /// The ACK has not been sent, and waits until then at most.
    pub fn holding_ack(mut self, until: Option<Instant>) -> Self {
        self.held_ack = until;
        self
    }

    /// Takes up a dialog of an earlier process: the peer is asked by re-INVITE. `answered` is
    /// the number of the INVITE of ours that made it, or of a later request of ours.
    pub fn resume(
        call: CallId,
        dialog: Dialog,
        negotiation: Negotiation,
        answered: Option<u32>,
        core: &mut Core,
        now: Instant,
    ) -> Self {
        // The earlier process may have died before its ACK. Then the answer comes again; unasked,
        // an ACK could reach the peer behind our re-INVITE and be taken for another.
        let earlier_ack = answered.map(|cseq| (cseq, dialog.ack(cseq), dialog.next_hop()));
        let mut session = Session {
            call,
            dialog,
            negotiation,
            outgoing: answered.is_some(),
            last_ack: None,
            earlier_ack,
            held_ack: None,
            unacked: None,
            leaving: None,
            pending: None,
            later: None,
            timer: SessionTimer::probing(core.config.session_expires, now),
            peer_updates: false,
            proofs: None,
            resuming: true,
            resumptions: 0,
        };
        session.change(Change::Resume, core, now);
        session
    }

    /// What to prove when a request within the call is challenged by the host the call
    /// was placed to.
    pub fn with_credentials(
        mut self,
        credentials: Option<OutboundCredentials>,
        host: IpAddr,
    ) -> Self {
        self.proofs = credentials.map(|credentials| Proofs::new(credentials, host));
        self
    }

    pub fn may_be_challenged(&self) -> bool {
        self.proofs.is_some()
    }

    pub fn dialog(&self) -> &Dialog {
        &self.dialog
    }

    pub fn is_resuming(&self) -> bool {
        self.resuming
    }

    pub fn agreed(&self) -> Option<&NegotiatedMedia> {
        self.negotiation.agreed()
    }

    pub fn record(&self, media: &NegotiatedMedia) -> DialogRecord {
        self.dialog
            .record(self.negotiation.session(), media.clone(), self.outgoing)
    }

    pub fn deadline(&self) -> Option<Instant> {
        let unacked = self.unacked.as_ref().map(|u| u.resend.min(u.until));
        let later = self.later.as_ref().map(|(at, _)| *at);
        let timer = Some(self.timer.deadline());
        [unacked, later, timer, self.held_ack]
            .into_iter()
            .flatten()
            .min()
    }

    pub fn on_timeout(&mut self, core: &mut Core, now: Instant) -> Option<Ending> {
        if let Some(unacked) = &mut self.unacked {
            if unacked.until <= now {
                self.bye(&[], core, now);
                return Some(Ending::AckLost);
            }
            if unacked.resend <= now {
                unacked.interval = (unacked.interval * 2).min(T2);
                unacked.resend = (unacked.resend + unacked.interval).max(now);
                core.respond(&unacked.key, unacked.response.clone(), now);
            }
        }
        if self.held_ack.is_some_and(|until| until <= now) {
            self.acknowledge(core, now);
        }
        if let Some((_, change)) = self.later.take_if(|(at, _)| *at <= now) {
            self.change(change, core, now);
        }
        if self.timer.deadline() <= now {
            self.timer.put_off(now);
            match self.timer.duty {
                Duty::Refresh => self.refresh(core, now),
                Duty::Probe => {
                    let request = self.dialog.request(Method::Options);
                    self.send(request, Purpose::Probe, false, core, now);
                }
                Duty::Watch => {
                    self.bye(&[], core, now);
                    return Some(Ending::SessionLost);
                }
            }
        }
        None
    }

    fn timer_of_answer(&self, response: &Response, core: &Core, now: Instant) -> SessionTimer {
        SessionTimer::of_answer(&response.headers, core.config.session_expires, now)
    }

    fn refresh(&mut self, core: &mut Core, now: Instant) {
        if !self.peer_updates {
            return self.change(Change::Refresh, core, now);
        }
        let mut request = self.dialog.request(Method::Update);
        self.push_session_headers(&mut request);
        self.send(request, Purpose::Update, true, core, now);
    }

    pub fn hold(&mut self, hold: bool, core: &mut Core, now: Instant) {
        self.change(Change::Hold(hold), core, now);
    }

    pub fn remedia(&mut self, media: &LocalMedia, core: &mut Core, now: Instant) {
        self.change(Change::Media(media.clone()), core, now);
    }

    /// Re-INVITEs, or notes the change for when the peer is free to take it.
    fn change(&mut self, change: Change, core: &mut Core, now: Instant) {
        if self.pending.is_some() || self.unacked.is_some() {
            self.later = Some((now + T1, change));
            return;
        }
        let before = self.negotiation.clone();
        match &change {
            Change::Hold(true) => self.negotiation.set_wish(Direction::Inactive),
            Change::Hold(false) => self.negotiation.set_wish(Direction::SendRecv),
            Change::Media(media) => {
                let address = core.media_address(media.address, self.dialog.far_end);
                let codecs = media.codecs.clone();
                let codecs = codecs.unwrap_or_else(|| core.config.codecs.clone());
                self.negotiation.set_media(address, codecs);
            }
            Change::Refresh | Change::Resume => {}
        }
        let mut request = self.dialog.request(Method::Invite);
        self.push_session_headers(&mut request);
        let request = request.with_sdp(self.negotiation.offer());
        self.pending = Some(Pending {
            change,
            cseq: self.dialog.local_cseq,
            before,
        });
        self.send(request, Purpose::Reinvite, true, core, now);
    }

    fn push_session_headers(&self, request: &mut Request) {
        request.headers.push("Allow", ALLOW);
        request.headers.push("Supported", "timer");
        if let Some(wish) = self.timer.wish() {
            request.headers.push("Session-Expires", &wish);
        }
    }

    pub(super) fn send(
        &mut self,
        request: Request,
        purpose: Purpose,
        contact: bool,
        core: &mut Core,
        now: Instant,
    ) {
        // Nothing may follow an answer that is not acknowledged.
        self.acknowledge(core, now);
        if let Some(proofs) = &mut self.proofs {
            proofs.remember(self.dialog.local_cseq, purpose, &request, contact);
        }
        let branch = core.random.branch();
        let draft = Draft {
            request,
            hop: self.dialog.next_hop(),
            branch,
            owner: Owner::Call(self.call, purpose),
            contact: contact.then(|| self.dialog.contact_user.clone()),
        };
        core.send(draft, now);
    }

    pub fn bye(&mut self, reasons: &[Reason], core: &mut Core, now: Instant) {
        let mut request = self.dialog.request(Method::Bye);
        headers::push_reasons(&mut request.headers, reasons);
        self.send(request, Purpose::Bye, false, core, now);
    }

    /// Hangs up; false when the BYE has to wait for an ACK first.
    pub fn leave(&mut self, reasons: &[Reason], core: &mut Core, now: Instant) -> bool {
        if self.unacked.as_ref().is_some_and(|unacked| unacked.initial) {
            self.leaving = Some(reasons.to_vec());
            return false;
        }
        self.bye(reasons, core, now);
        true
    }

    pub fn send_digit(&mut self, digit: char, core: &mut Core, now: Instant) {
        let mut request = self.dialog.request(Method::Info);
        request
            .headers
            .push("Content-Type", "application/dtmf-relay");
        request.body = format!("Signal={digit}\r\nDuration=160\r\n").into_bytes();
        self.send(request, Purpose::Info, false, core, now);
    }

    /// Whether this is the 2xx that made the call, or the last re-INVITE's, once more.
    pub fn is_answer_again(&self, response: &Response) -> bool {
        let (Some((cseq, _, _)), Some(theirs)) = (&self.last_ack, response.cseq()) else {
            return false;
        };
        theirs.number == *cseq && response.to_tag().as_deref() == Some(&self.dialog.remote_tag)
    }

    /// An answer to a request of an earlier process: the one that made the call is acknowledged.
    pub fn on_earlier_answer(&self, response: &Response, core: &mut Core, now: Instant) {
        if let (Some((cseq, ack, hop)), Some(theirs)) = (&self.earlier_ack, response.cseq())
            && theirs.number == *cseq
            && response.to_tag().as_deref() == Some(&self.dialog.remote_tag)
        {
            send_ack(ack.clone(), hop.clone(), core, now);
        }
    }

    /// Sends the ACK that was held, if one was.
    pub fn acknowledge(&mut self, core: &mut Core, now: Instant) {
        if self.held_ack.take().is_some() {
            self.acknowledge_again(core, now);
        }
    }

    pub fn acknowledge_again(&self, core: &mut Core, now: Instant) {
        if let (Some((_, ack, hop)), None) = (&self.last_ack, self.held_ack) {
            send_ack(ack.clone(), hop.clone(), core, now);
        }
    }

    pub fn on_response(
        &mut self,
        purpose: Purpose,
        response: &Response,
        source: IpAddr,
        core: &mut Core,
        now: Instant,
    ) -> Option<Ending> {
        if response.is_provisional() || self.answer_challenge(purpose, response, source, core, now)
        {
            return None;
        }
        match purpose {
            Purpose::Reinvite => self.on_reinvited(response, core, now),
            Purpose::Update => {
                if response.is_success() {
                    self.timer = self.timer_of_answer(response, core, now);
                    return None;
                }
                if matches!(response.status, 405 | 501) {
                    self.peer_updates = false;
                    self.change(Change::Refresh, core, now);
                }
                self.on_refused(response.status, core, now)
            }
            // Whatever else the answer to a question is, somebody is there.
            Purpose::Info | Purpose::Probe if matches!(response.status, 481 | 408) => {
                self.on_refused(response.status, core, now)
            }
            Purpose::Info | Purpose::Probe | Purpose::Prack | Purpose::Bye | Purpose::Invite(_) => {
                None
            }
        }
    }

    fn on_reinvited(
        &mut self,
        response: &Response,
        core: &mut Core,
        now: Instant,
    ) -> Option<Ending> {
        if response.is_success() && self.is_answer_again(response) {
            self.acknowledge_again(core, now);
            return None;
        }
        let pending = self.pending.take()?;
        if response.is_success() {
            self.dialog.refresh_target(response.contact());
            let ack = match &self.proofs {
                Some(proofs) => proofs.copy(pending.cseq, self.dialog.ack(pending.cseq)),
                None => self.dialog.ack(pending.cseq),
            };
            let hop = self.dialog.next_hop();
            send_ack(ack.clone(), hop.clone(), core, now);
            self.last_ack = Some((pending.cseq, ack, hop));
            self.timer = self.timer_of_answer(response, core, now);
            self.peer_updates |= response.headers.lists("Allow", "UPDATE");
            let before = pending.before.agreed().cloned();
            let peer = self.dialog.flow.remote.ip();
            if self.negotiation.accept(&response.body, peer).is_err() {
                self.bye(&[Reason::sip(488, "Not Acceptable Here")], core, now);
                return Some(Ending::NoCommonCodec);
            }
            self.tell_media(before.as_ref(), core);
            return None;
        }
        self.negotiation = pending.before;
        if response.status == 491 {
            // Both wanted to change something at once: the caller waits longer (§14.1).
            let wait = match self.outgoing {
                true => 2100 + u64::from(core.random.below(191)) * 10,
                false => u64::from(core.random.below(200)) * 10,
            };
            self.later = Some((now + Duration::from_millis(wait), pending.change));
            return None;
        }
        if self.resuming && response.status == 500 && self.resumptions < MAX_RESUMPTIONS {
            // Something of the earlier process is still under way there, or it has counted
            // further than its record says (§12.2.2, §14.2).
            self.resumptions += 1;
            self.dialog.leap();
            let wait = response.headers.get("Retry-After");
            let wait = wait.and_then(|seconds| seconds.trim().parse().ok());
            let wait = Duration::from_secs(wait.unwrap_or(1).clamp(1, 10));
            self.later = Some((now + wait, pending.change));
            return None;
        }
        if self.resuming {
            self.bye(&[], core, now);
            return Some(Ending::SessionLost);
        }
        self.on_refused(response.status, core, now)
    }

    /// A refusal that says that the peer has no such call ends ours too (§12.2.1.2).
    fn on_refused(&mut self, status: u16, core: &mut Core, now: Instant) -> Option<Ending> {
        match status {
            481 => Some(Ending::SessionLost),
            408 => {
                self.bye(&[], core, now);
                Some(Ending::SessionLost)
            }
            _ => None,
        }
    }

    /// Nobody answered a request within this dialog: the peer is gone.
    pub fn on_silence(
        &mut self,
        purpose: Purpose,
        core: &mut Core,
        now: Instant,
    ) -> Option<Ending> {
        match purpose {
            Purpose::Reinvite | Purpose::Update | Purpose::Info | Purpose::Probe => {
                self.bye(&[], core, now);
                Some(Ending::SessionLost)
            }
            Purpose::Bye | Purpose::Prack | Purpose::Invite(_) => None,
        }
    }

    /// Tells the media as they are now, where they are not as before.
    pub(super) fn tell_media(&mut self, before: Option<&NegotiatedMedia>, core: &mut Core) {
        let Some(media) = self.negotiation.agreed().cloned() else {
            return;
        };
        let dialog = Box::new(self.record(&media));
        let call = self.call;
        if std::mem::take(&mut self.resuming) {
            core.tell(Event::Answered {
                call,
                media,
                dialog,
                provisionals: Vec::new(),
                after_ms: 0,
                diversion: Vec::new(),
                history: Vec::new(),
            });
        } else if before != Some(&media) {
            core.tell(Event::MediaChanged {
                call,
                media,
                dialog,
            });
        }
    }
}
