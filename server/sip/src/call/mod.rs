//! One call from its first INVITE to its last BYE.
//!
//! A call is *dialling* (ours, unanswered), *ringing* (theirs, unanswered),
//! *talking*, or *over*: then it lingers only as long as something late may still
//! have to be released. What a stage does is in its own file.

mod challenge;
mod dial;
mod dialling;
mod forks;
mod headers;
mod refresh;
mod reliable;
mod ring;
mod session;
mod session_requests;

pub use challenge::challenge_fields;
pub use headers::{allow, has_sdp, media_type, retry_after};
pub use ring::Invitation;
pub use session_requests::too_brief;

use std::time::Instant;

use dialling::Dialling;
use forks::Forks;
use ring::Ringing;
use session::Session;

use crate::{
    command::{CallId, LocalMedia, Rejection},
    dialog::Dialog,
    endpoint::core::{Core, Purpose},
    event::{DialogRecord, Ending, Event},
    flow::Flow,
    message::{Envelope, Method, Request, Response},
    reason::Reason,
    sdp::Negotiation,
    srtp::{Encryption, SrtpKey},
    transaction::{PATIENCE, ServerKey},
};

/// Call-ID and our tag: what messages within a call are matched by.
pub type CallKey = (String, String);

pub struct Call {
    pub id: CallId,
    pub key: CallKey,
    forks: Forks,
    stage: Stage,
    /// Its end was told already; what follows concerns nobody but the peer.
    told: bool,
}

enum Stage {
    Dialling(Box<Dialling>),
    Ringing(Box<Ringing>),
    Talking(Box<Session>),
    /// `bye` is there while ours may still be challenged.
    Over {
        until: Instant,
        bye: Option<Box<Session>>,
    },
}

/// Why a request of ours got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    TimedOut,
    Unreachable(String),
}

impl Silence {
    pub fn words(&self) -> &str {
        match self {
            Silence::TimedOut => "No answer",
            Silence::Unreachable(why) => why,
        }
    }
}

impl Call {
    /// A call of theirs, let in and not yet answered.
    pub fn incoming(id: CallId, invitation: Invitation, core: &mut Core, now: Instant) -> Self {
        let Dialog {
            call_id, local_tag, ..
        } = &invitation.dialog;
        Call {
            id,
            key: (call_id.clone(), local_tag.clone()),
            forks: Forks::default(),
            stage: Stage::Ringing(Box::new(Ringing::new(invitation, core, now))),
            told: false,
        }
    }

    /// Takes up a call of an earlier process; `None` when the record is not one of ours.
    pub fn resume(
        id: CallId,
        record: &DialogRecord,
        media: &LocalMedia,
        core: &mut Core,
        now: Instant,
    ) -> Option<Self> {
        let dialog = Dialog::resume(record)?;
        let codecs = media.codecs.clone();
        let negotiation = Negotiation::resume(
            core.media_address(media.address, dialog.far_end),
            codecs.unwrap_or_else(|| core.config.codecs.clone()),
            record.session_id,
            record.session_version + 1,
            record.media.clone(),
        )
        .encrypted(Encryption::IfAsked(SrtpKey::random(&mut core.random)));
        let key = (record.call_id.clone(), record.local_tag.clone());
        let answered = record.outgoing.then_some(record.local_cseq);
        let session = Session::resume(id, dialog, negotiation, answered, core, now);
        Some(Call {
            id,
            key,
            forks: Forks::default(),
            stage: Stage::Talking(Box::new(session)),
            told: false,
        })
    }

    /// Whether a request with this From-tag may belong here.
    pub fn knows(&self, remote_tag: &str) -> bool {
        match &self.stage {
            Stage::Dialling(_) | Stage::Over { .. } => true,
            Stage::Ringing(ringing) => ringing.dialog().remote_tag == remote_tag,
            Stage::Talking(session) => session.dialog().remote_tag == remote_tag,
        }
    }

    /// Whether a caller with this tag made it by a request of this number, or has sent
    /// later ones since.
    pub fn came_by(&self, remote_tag: &str, cseq: u32) -> bool {
        let dialog = match &self.stage {
            Stage::Ringing(ringing) => ringing.dialog(),
            Stage::Talking(session) => session.dialog(),
            Stage::Dialling(_) | Stage::Over { .. } => return false,
        };
        dialog.remote_tag == remote_tag && dialog.remote_cseq.is_some_and(|last| cseq <= last)
    }

    /// When this call wants [`Self::on_timeout`].
    pub fn deadline(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Dialling(dialling) => dialling.deadline(),
            Stage::Ringing(ringing) => Some(ringing.deadline()),
            Stage::Talking(session) => session.deadline(),
            Stage::Over { until, .. } => Some(*until),
        }
    }

    pub fn is_over(&self) -> bool {
        self.told || matches!(self.stage, Stage::Over { .. })
    }

    /// The peer does not know yet that it is over.
    pub fn is_unfinished(&self) -> bool {
        !matches!(self.stage, Stage::Over { .. })
    }

    /// Nothing late can come any more.
    pub fn is_gone(&self, now: Instant) -> bool {
        match &self.stage {
            Stage::Over { until, bye } => {
                *until <= now || (bye.is_none() && !self.forks.may_still_answer())
            }
            Stage::Dialling(_) | Stage::Ringing(_) | Stage::Talking(_) => false,
        }
    }

    /// The server transaction a CANCEL for this call would name.
    pub fn cancellable(&self) -> Option<&ServerKey> {
        match &self.stage {
            Stage::Ringing(ringing) => Some(ringing.invite_key()),
            Stage::Dialling(_) | Stage::Talking(_) | Stage::Over { .. } => None,
        }
    }

    pub fn on_timeout(&mut self, core: &mut Core, now: Instant) {
        match &mut self.stage {
            Stage::Dialling(_) => self.dialling_timeout(core, now),
            Stage::Ringing(ringing) => ringing.on_timeout(core, now),
            Stage::Talking(session) => {
                if let Some(ending) = session.on_timeout(core, now) {
                    self.end(ending, core, now);
                }
            }
            Stage::Over { .. } => {}
        }
    }

    /// A response to a request of this call.
    pub fn on_response(
        &mut self,
        purpose: Purpose,
        response: &Response,
        flow: Flow,
        core: &mut Core,
        now: Instant,
    ) {
        match (purpose, &mut self.stage) {
            (Purpose::Invite(target), Stage::Dialling(_)) => {
                self.dialling_response(target, response, flow, core, now);
            }
            (Purpose::Invite(target), Stage::Talking(session)) => {
                if response.is_success() && session.is_answer_again(response) {
                    return session.acknowledge_again(core, now);
                }
                self.forks.late_response(target, response, flow, core, now);
            }
            (Purpose::Invite(target), Stage::Ringing(_) | Stage::Over { .. }) => {
                self.forks.late_response(target, response, flow, core, now);
            }
            (Purpose::Prack, Stage::Dialling(_) | Stage::Ringing(_)) => {}
            (_, Stage::Talking(session)) => {
                if let Some(ending) =
                    session.on_response(purpose, response, flow.remote.ip(), core, now)
                {
                    self.end(ending, core, now);
                }
            }
            (Purpose::Bye, Stage::Over { bye, .. }) if response.status >= 200 => {
                let source = flow.remote.ip();
                bye.take_if(|session| {
                    !session.answer_challenge(purpose, response, source, core, now)
                });
            }
            (_, Stage::Dialling(_) | Stage::Ringing(_) | Stage::Over { .. }) => {}
        }
    }

    /// A request of this call that nobody answered.
    pub fn on_silence(
        &mut self,
        purpose: Purpose,
        silence: &Silence,
        core: &mut Core,
        now: Instant,
    ) {
        match (purpose, &mut self.stage) {
            (Purpose::Invite(target), Stage::Dialling(_)) => {
                self.dialling_silence(target, silence, core, now);
            }
            (Purpose::Invite(target), _) => self.forks.finish(target),
            (Purpose::Bye, Stage::Over { bye, .. }) => *bye = None,
            (_, Stage::Talking(session)) => {
                if let Some(ending) = session.on_silence(purpose, core, now) {
                    self.end(ending, core, now);
                }
            }
            (_, Stage::Dialling(_) | Stage::Ringing(_) | Stage::Over { .. }) => {}
        }
    }

    /// A request of the peer within this call, other than ACK and CANCEL. The server
    /// transaction exists and must be answered.
    pub fn on_request(
        &mut self,
        request: &Request,
        envelope: &Envelope,
        key: &ServerKey,
        flow: Flow,
        core: &mut Core,
        now: Instant,
    ) {
        match &mut self.stage {
            Stage::Dialling(dialling) => {
                dialling.on_request(request, envelope, key, core, now);
            }
            Stage::Ringing(ringing) => {
                if ringing.on_request(request, envelope, key, core, now) {
                    self.end(by_peer(request), core, now);
                }
            }
            Stage::Talking(session) => {
                if let Some(ending) = session.on_request(request, envelope, key, flow, core, now) {
                    self.end(ending, core, now);
                }
            }
            Stage::Over { .. } => {
                // The other side of a BYE that crossed ours.
                let status = if request.method == Method::Bye {
                    200
                } else {
                    481
                };
                core.respond(key, request.response(status, Some(&self.key.1)), now);
            }
        }
    }

    pub fn on_ack(
        &mut self,
        request: &Request,
        envelope: &Envelope,
        core: &mut Core,
        now: Instant,
    ) {
        if let Stage::Talking(session) = &mut self.stage
            && let Some(ending) = session.on_ack(request, envelope, core, now)
        {
            self.end(ending, core, now);
        }
    }

    /// The caller gave up before our answer.
    pub fn on_cancel(&mut self, cancel: &Request, core: &mut Core, now: Instant) {
        if let Stage::Ringing(ringing) = &mut self.stage {
            ringing.refuse(&Rejection::status(487), core, now);
            self.end(by_peer(cancel), core, now);
        }
    }

    pub fn ring(&mut self, core: &mut Core, now: Instant) {
        if let Stage::Ringing(ringing) = &mut self.stage {
            ringing.progress(180, None, core, now);
        }
    }

    pub fn progress(
        &mut self,
        status: u16,
        media: Option<LocalMedia>,
        core: &mut Core,
        now: Instant,
    ) {
        if let Stage::Ringing(ringing) = &mut self.stage {
            ringing.progress(status.clamp(101, 199), media, core, now);
        }
    }

    pub fn answer(&mut self, media: &LocalMedia, core: &mut Core, now: Instant) {
        if let Stage::Ringing(ringing) = &mut self.stage {
            match ringing.answer(self.id, media, core, now) {
                Ok(session) => self.stage = Stage::Talking(Box::new(session)),
                Err(ending) => self.end(ending, core, now),
            }
        }
    }

    pub fn reject(&mut self, rejection: &Rejection, core: &mut Core, now: Instant) {
        if let Stage::Ringing(ringing) = &mut self.stage {
            ringing.refuse(rejection, core, now);
            self.end(Ending::ByUs, core, now);
        }
    }

    /// It has rung long enough. An answer that crosses our CANCEL still counts.
    pub fn stop_ringing(&mut self, core: &mut Core, now: Instant) {
        self.give_up_dialling(&[], true, core, now);
    }

    /// A 2xx to an INVITE that this process has not sent.
    pub fn on_earlier_answer(&self, response: &Response, core: &mut Core, now: Instant) {
        if let Stage::Talking(session) = &self.stage {
            session.on_earlier_answer(response, core, now);
        }
    }

    /// The answer to our call is on record.
    pub fn acknowledge(&mut self, core: &mut Core, now: Instant) {
        if let Stage::Talking(session) = &mut self.stage {
            session.acknowledge(core, now);
        }
    }

    pub fn hang_up(&mut self, reasons: &[Reason], core: &mut Core, now: Instant) {
        match &mut self.stage {
            Stage::Dialling(_) => self.give_up_dialling(reasons, false, core, now),
            Stage::Ringing(_) => {
                let rejection = Rejection {
                    reasons: reasons.to_vec(),
                    ..Rejection::status(480)
                };
                self.reject(&rejection, core, now);
            }
            Stage::Talking(session) => {
                if session.leave(reasons, core, now) {
                    self.end(Ending::ByUs, core, now);
                } else {
                    self.tell_end(Ending::ByUs, core);
                }
            }
            Stage::Over { .. } => {}
        }
    }

    pub fn hold(&mut self, hold: bool, core: &mut Core, now: Instant) {
        if let Stage::Talking(session) = &mut self.stage {
            session.hold(hold, core, now);
        }
    }

    pub fn remedia(&mut self, media: &LocalMedia, core: &mut Core, now: Instant) {
        if let Stage::Talking(session) = &mut self.stage {
            session.remedia(media, core, now);
        }
    }

    pub fn send_digit(&mut self, digit: char, core: &mut Core, now: Instant) {
        if let Stage::Talking(session) = &mut self.stage {
            session.send_digit(digit, core, now);
        }
    }

    /// Tells the end and keeps only what may still have to be released.
    fn end(&mut self, ending: Ending, core: &mut Core, now: Instant) {
        self.tell_end(ending, core);
        self.over(now);
    }

    /// Once.
    fn tell_end(&mut self, ending: Ending, core: &mut Core) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        core.tell(match ending {
            ending if self.was_resumed_in_vain() => forks::not_resumed(self.id, &ending),
            ending => Event::Ended {
                call: self.id,
                ending,
            },
        });
    }

    fn over(&mut self, now: Instant) {
        let over = Stage::Over {
            until: now + PATIENCE,
            bye: None,
        };
        let before = std::mem::replace(&mut self.stage, over);
        if let (Stage::Talking(session), Stage::Over { bye, .. }) = (before, &mut self.stage)
            && session.may_be_challenged()
        {
            *bye = Some(session);
        }
    }

    fn was_resumed_in_vain(&self) -> bool {
        match &self.stage {
            Stage::Talking(session) => session.is_resuming(),
            Stage::Dialling(_) | Stage::Ringing(_) | Stage::Over { .. } => false,
        }
    }
}

fn by_peer(request: &Request) -> Ending {
    Ending::ByPeer {
        reasons: headers::reasons(&request.headers),
    }
}
