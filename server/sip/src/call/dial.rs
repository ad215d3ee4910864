//! Placing a call of ours, and taking what comes back until it is answered or failed.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use super::{
    Call, Silence, Stage,
    challenge::{challenge_fields, copy_proof, is_stale},
    dialling::{Dialling, GivingUp, hop, towards},
    forks::{Forks, Leg, LegState, send_ack},
    headers,
    refresh::SessionTimer,
    reliable::{EarlyDialogs, MAX_EARLY_DIALOGS},
    session::Session,
};
use crate::{
    command::{CallId, Invite},
    dialog::{Dialog, far_end, hop_to},
    digest,
    endpoint::core::{Core, Draft},
    event::{Event, Failure, FailureCause, Provisional},
    flow::{Flow, Hop, Transport},
    message::Response,
    reason::Reason,
    sdp::Negotiation,
};

/// How long we wait for the answer to our CANCEL before we tell that the call is over.
const CANCEL_PATIENCE: Duration = Duration::from_secs(5);
/// How long an ACK waits for the answer to be put on record. The peer sends its answer
/// again meanwhile; a phone that speaks only once it is acknowledged must not stay mute.
const HELD_ACK: Duration = Duration::from_secs(2);
/// Provisional answers remembered: a peer that repeats itself must not fill the memory.
const MAX_PROVISIONALS: usize = 64;
/// INVITEs to one target: the first, one with credentials, one for a stale nonce, one
/// for a longer session interval.
const MAX_RETRIES: u8 = 3;

impl Call {
    /// Places a call to all its targets at once.
    pub fn dial(id: CallId, invite: Invite, core: &mut Core, now: Instant) -> Self {
        let identity = invite.identity;
        let remote = invite.targets.first().map(|target| {
            let proxied = !target.route.is_empty();
            far_end(towards(&hop(target)), proxied, &target.uri.host)
        });
        let address = match remote {
            Some(remote) => core.media_address(invite.media.address, remote),
            None => invite.media.address,
        };
        let codecs = invite.media.codecs.clone();
        let codecs = codecs.unwrap_or_else(|| core.config.codecs.clone());
        let mut negotiation = Negotiation::new(address, codecs, identity.session_id());
        let offer = (!invite.offerless).then(|| negotiation.offer());
        let legs = (0..invite.targets.len())
            .map(|target| Leg {
                target,
                hop: None,
                spares: Vec::new(),
                cseq: 1,
                branch: identity.branch(target, 1),
                state: LegState::Silent,
                retries: 0,
                proved: false,
                encrypts: false,
            })
            .collect();
        let dialling = Dialling {
            invite,
            negotiation,
            offer,
            encrypted_offer: None,
            session_expires: core.config.session_expires,
            started: now,
            asked: now,
            heard: None,
            provisionals: Vec::new(),
            early: EarlyDialogs::default(),
            early_answers: BTreeMap::new(),
            best: None,
            giving_up: None,
        };
        let mut call = Call {
            id,
            key: (identity.call_id(), identity.from_tag()),
            forks: Forks::new(legs),
            stage: Stage::Over {
                until: now,
                bye: None,
            },
            told: false,
        };
        for (nth, leg) in call.forks.legs.iter().enumerate() {
            let request = dialling.request(leg);
            core.send(dialling.draft(id, nth, leg, request), now);
        }
        call.stage = Stage::Dialling(Box::new(dialling));
        call.conclude_if_closed(core, now);
        call
    }

    /// Further addresses of the name that the nth leg went to.
    pub fn on_spares(&mut self, nth: usize, spares: Vec<SocketAddr>) {
        if let Some(leg) = self.forks.legs.get_mut(nth) {
            leg.spares = spares.into_iter().rev().collect();
        }
    }

    /// The target's next address, where its name has another.
    fn try_next(&mut self, nth: usize, core: &mut Core, now: Instant) -> bool {
        let Stage::Dialling(dialling) = &mut self.stage else {
            return false;
        };
        let next = self.forks.legs.len();
        let Some(leg) = self.forks.legs.get_mut(nth) else {
            return false;
        };
        if dialling.giving_up.is_some() {
            return false;
        }
        let Some(spare) = leg.spares.pop() else {
            return false;
        };
        let hop = hop(&dialling.invite.targets[leg.target]).instead(spare);
        let cseq = leg.cseq + 1;
        let another = Leg {
            target: leg.target,
            hop: Some(hop),
            spares: std::mem::take(&mut leg.spares),
            cseq,
            branch: dialling.invite.identity.branch(next, cseq),
            state: LegState::Silent,
            retries: 0,
            proved: false,
            encrypts: leg.encrypts,
        };
        leg.state = match leg.state {
            LegState::Silent => {
                core.transactions.hush(&leg.key());
                LegState::Passed
            }
            _ => LegState::Done,
        };
        dialling.asked = now;
        let request = dialling.request(&another);
        core.send(dialling.draft(self.id, next, &another, request), now);
        self.forks.legs.push(another);
        true
    }

    pub(super) fn dialling_response(
        &mut self,
        target: usize,
        response: &Response,
        flow: Flow,
        core: &mut Core,
        now: Instant,
    ) {
        let Stage::Dialling(dialling) = &mut self.stage else {
            return;
        };
        dialling.heard.get_or_insert(now);
        if let Some(giving_up) = &dialling.giving_up {
            if giving_up.unless_answered && response.is_success() {
                return self.win(target, response, flow, core, now);
            }
            if response.status > 100 && response.is_provisional() {
                self.note_provisional(target, response, core, now);
            } else if response.status >= 300 {
                let failure = dialling.refusal(self.forks.target_of(target), response, now);
                dialling.note_refusal(failure);
            }
            self.forks.late_response(target, response, flow, core, now);
            return self.conclude_if_closed(core, now);
        }
        let passed = self.forks.is_passed(target);
        match response.status {
            ..200 if passed => self.forks.late_response(target, response, flow, core, now),
            300.. if passed => self.forks.finish(target),
            ..200 => {
                if let Some(leg) = self.forks.legs.get_mut(target) {
                    leg.state = LegState::Heard;
                }
                self.note_provisional(target, response, core, now);
                self.acknowledge_reliably(target, response, flow, core, now);
            }
            200..300 => self.win(target, response, flow, core, now),
            300.. => self.refused(target, response, core, now),
        }
    }

    fn note_provisional(
        &mut self,
        target: usize,
        response: &Response,
        core: &mut Core,
        now: Instant,
    ) {
        let Stage::Dialling(dialling) = &mut self.stage else {
            return;
        };
        if response.status == 100 {
            return;
        }
        let early_media = headers::has_sdp(&response.headers, &response.body);
        if let (true, Some(tag)) = (early_media, response.to_tag())
            && dialling.early_answers.len() < MAX_EARLY_DIALOGS
        {
            dialling.early_answers.insert(tag, response.body.clone());
        }
        let provisional = Provisional {
            status: response.status,
            after_ms: dialling.millis(now),
            target: self.forks.target_of(target),
            early_media,
        };
        if dialling.provisionals.len() < MAX_PROVISIONALS {
            dialling.provisionals.push(provisional.clone());
        }
        core.tell(Event::Ringing {
            call: self.id,
            provisional,
        });
    }

    /// PRACK, where the provisional answer asks for it (RFC 3262 §4).
    fn acknowledge_reliably(
        &mut self,
        target: usize,
        response: &Response,
        flow: Flow,
        core: &mut Core,
        now: Instant,
    ) {
        let Stage::Dialling(dialling) = &mut self.stage else {
            return;
        };
        let client = self.forks.legs.get(target).map(Leg::key);
        let Some(client) = client.and_then(|key| core.transactions.client(&key)) else {
            return;
        };
        if let Some(draft) = dialling
            .early
            .prack(self.id, &client.request, response, flow)
        {
            let branch = core.random.branch();
            core.send(Draft { branch, ..draft }, now);
        }
    }

    /// The first answer: this dialog is the call, the others are released.
    fn win(
        &mut self,
        target: usize,
        response: &Response,
        flow: Flow,
        core: &mut Core,
        now: Instant,
    ) {
        let Stage::Dialling(dialling) = &mut self.stage else {
            return;
        };
        let Some(leg) = self.forks.legs.get_mut(target) else {
            return;
        };
        leg.state = LegState::Answered;
        let cseq = leg.cseq;
        let Some(request) = core
            .transactions
            .client(&leg.key())
            .map(|client| client.request.clone())
        else {
            return;
        };
        let Some(mut dialog) = Dialog::of_caller(&request, response, flow) else {
            // An answer without tag or Contact cannot be talked to, nor even released.
            let origin = leg.target;
            let mut failure = dialling.refusal(origin, response, now);
            failure.cause = FailureCause::Transport("Answer without tag or Contact".to_owned());
            dialling.note_refusal(failure);
            leg.state = LegState::Done;
            return self.conclude_if_closed(core, now);
        };
        dialog.contact_user = Some(dialling.invite.from.user.clone());
        dialling.early.carry_on(&mut dialog);
        let hop = dialog.next_hop();
        let mut ack = dialog.ack(cseq);
        copy_proof(&request, &mut ack);
        let (ack, media) = dialling.agree(response, flow.remote.ip(), &dialog.remote_tag, ack);
        let held = dialling.invite.holds_ack.then(|| now + HELD_ACK);
        if held.is_none() {
            send_ack(ack.clone(), hop.clone(), core, now);
        }
        let after_ms = dialling.millis(now);
        let provisionals = std::mem::take(&mut dialling.provisionals);
        let failure = dialling.failure(FailureCause::NoCommonCodec, now);
        let mut session = Session::of_caller(
            self.id,
            dialog,
            dialling.negotiation.clone(),
            response,
            (cseq, ack, hop),
            SessionTimer::of_answer(&response.headers, core.config.session_expires, now),
        )
        .with_credentials(dialling.invite.credentials.clone(), flow.remote.ip())
        .holding_ack(held);
        let elsewhere = Reason::sip(200, "Call completed elsewhere");
        self.forks.cancel_open(&[elsewhere], core, now);
        let Some(media) = media else {
            session.bye(&[Reason::sip(488, "Not Acceptable Here")], core, now);
            core.tell(Event::Failed {
                call: self.id,
                failure: Box::new(Failure {
                    provisionals,
                    target: Some(self.forks.target_of(target)),
                    ..failure
                }),
            });
            return self.over(now);
        };
        core.tell(Event::Answered {
            call: self.id,
            dialog: Box::new(session.record(&media)),
            media,
            provisionals,
            after_ms,
            diversion: headers::values(&response.headers, "Diversion"),
            history: headers::values(&response.headers, "History-Info"),
        });
        self.stage = Stage::Talking(Box::new(session));
    }

    fn refused(&mut self, target: usize, response: &Response, core: &mut Core, now: Instant) {
        if self.retry(target, response, core, now)
            || (response.status == 503 && self.try_next(target, core, now))
        {
            return;
        }
        let Stage::Dialling(dialling) = &mut self.stage else {
            return;
        };
        let origin = self.forks.target_of(target);
        let failure = dialling.refusal(origin, response, now);
        dialling.note_refusal(failure);
        self.forks.finish(target);
        if response.status >= 600 {
            // Nobody at all wants this call (RFC 3261 §16.7 step 5).
            self.forks.cancel_open(&[], core, now);
            if let Stage::Dialling(dialling) = &mut self.stage {
                dialling.giving_up = Some(GivingUp {
                    cause: FailureCause::Response,
                    unless_answered: false,
                    until: now + CANCEL_PATIENCE,
                });
            }
        }
        self.conclude_if_closed(core, now);
    }

    /// Sends the INVITE again where the refusal tells what it lacked.
    fn retry(&mut self, target: usize, response: &Response, core: &mut Core, now: Instant) -> bool {
        let Stage::Dialling(dialling) = &mut self.stage else {
            return false;
        };
        let Some(leg) = self.forks.legs.get_mut(target) else {
            return false;
        };
        if leg.retries >= MAX_RETRIES {
            return false;
        }
        let identity = dialling.invite.identity;
        // Who challenged it is who must judge the proof, though the name has others.
        let asked = core.transactions.client(&leg.key());
        let mut next = Leg {
            target: leg.target,
            hop: asked.map(|client| Hop::Flow(client.flow)),
            spares: leg.spares.clone(),
            cseq: leg.cseq + 1,
            branch: identity.branch(target, leg.cseq + 1),
            state: LegState::Silent,
            retries: leg.retries + 1,
            proved: leg.proved,
            encrypts: leg.encrypts,
        };
        let mut request = dialling.request(&next);
        match response.status {
            422 => {
                let least = response.headers.get("Min-SE").and_then(|v| v.parse().ok());
                let Some(least) = least.map(Duration::from_secs) else {
                    return false;
                };
                if least <= dialling.session_expires {
                    return false;
                }
                dialling.session_expires = least;
                next.proved = false;
                request = dialling.request(&next);
                request.headers.push("Min-SE", &least.as_secs().to_string());
            }
            401 | 407 => {
                // Once answered, only a nonce that ran out is answered again.
                let (Some((from, to)), Some(credentials)) = (
                    challenge_fields(response.status),
                    &mut dialling.invite.credentials,
                ) else {
                    return false;
                };
                if leg.proved && !is_stale(response, from) {
                    return false;
                }
                let uri = request.uri.to_string();
                let cnonce = identity.cnonce(target, next.cseq);
                let challenges = response.headers.all(from);
                let answer = digest::respond(challenges, credentials, "INVITE", &uri, &cnonce, 1);
                let Some(digest::Answer { realm, value }) = answer else {
                    return false;
                };
                // Further on in this call no other realm gets an answer.
                credentials.realm = Some(realm);
                request.headers.push(to, &value);
                next.proved = true;
            }
            // A phone that is set to encrypt refuses to hear of anything else.
            488 | 606 if dialling.invite.may_encrypt && !leg.encrypts && !leg.proved => {
                dialling.offer_encryption(&mut core.random);
                next.encrypts = true;
                request = dialling.request(&next);
            }
            _ => return false,
        }
        let draft = dialling.draft(self.id, target, &next, request);
        *leg = next;
        core.send(draft, now);
        true
    }

    pub(super) fn dialling_silence(
        &mut self,
        target: usize,
        silence: &Silence,
        core: &mut Core,
        now: Instant,
    ) {
        if self.forks.is_passed(target) {
            return self.forks.finish(target);
        }
        let unreachable = matches!(silence, Silence::Unreachable(_));
        if unreachable && self.try_contact(target, core, now) {
            return;
        }
        let unheard = self.forks.legs.get(target).map(|leg| leg.state) == Some(LegState::Silent);
        if unheard && self.try_next(target, core, now) {
            // Nothing more can come of the address before.
            return self.forks.finish(target);
        }
        let Stage::Dialling(dialling) = &mut self.stage else {
            return;
        };
        let cause = match silence {
            Silence::Unreachable(why) => FailureCause::Transport(why.clone()),
            Silence::TimedOut if dialling.heard.is_some() => FailureCause::TimedOut,
            Silence::TimedOut => FailureCause::NoResponse,
        };
        let failure = Failure {
            target: Some(self.forks.target_of(target)),
            ..dialling.failure(cause, now)
        };
        dialling.note_refusal(failure);
        self.forks.finish(target);
        self.conclude_if_closed(core, now);
    }

    /// The connection a phone registered over is gone; it may still accept another at
    /// the address it gave. Once.
    fn try_contact(&mut self, target: usize, core: &mut Core, now: Instant) -> bool {
        let Stage::Dialling(dialling) = &mut self.stage else {
            return false;
        };
        let (Some(aim), Some(leg)) = (
            dialling.invite.targets.get_mut(target),
            self.forks.legs.get_mut(target),
        ) else {
            return false;
        };
        let open = dialling.giving_up.is_none() && leg.state == LegState::Silent;
        let Some(Hop::Flow(flow)) = aim.hop.clone().filter(|_| open) else {
            return false;
        };
        let next = hop_to(aim.route.first().unwrap_or(&aim.uri));
        if !flow.transport.is_reliable() || next == Hop::to(Transport::Tcp, flow.remote) {
            return false;
        }
        aim.hop = None;
        leg.hop = None;
        let request = dialling.request(leg);
        core.send(dialling.draft(self.id, target, leg, request), now);
        true
    }

    pub(super) fn dialling_timeout(&mut self, core: &mut Core, now: Instant) {
        let Stage::Dialling(dialling) = &mut self.stage else {
            return;
        };
        if dialling.deadline().is_none_or(|at| at > now) {
            return;
        }
        if dialling.giving_up.is_none() && dialling.heard.is_none() {
            let silent: Vec<usize> = self.forks.silent().collect();
            let mut elsewhere = false;
            for nth in silent {
                elsewhere |= self.try_next(nth, core, now);
            }
            if elsewhere {
                return;
            }
        }
        let Stage::Dialling(dialling) = &mut self.stage else {
            return;
        };
        if dialling.giving_up.is_none() {
            dialling.giving_up = Some(GivingUp {
                cause: FailureCause::NoResponse,
                unless_answered: false,
                until: now,
            });
            self.forks.cancel_open(&[], core, now);
        }
        self.conclude(core, now);
    }

    pub(super) fn give_up_dialling(
        &mut self,
        reasons: &[Reason],
        unless_answered: bool,
        core: &mut Core,
        now: Instant,
    ) {
        let Stage::Dialling(dialling) = &mut self.stage else {
            return;
        };
        if let Some(giving_up) = &mut dialling.giving_up {
            giving_up.unless_answered &= unless_answered;
            return;
        }
        // Where nothing was heard there is nobody to wait for.
        let patience = match dialling.heard {
            Some(_) => CANCEL_PATIENCE,
            None => Duration::ZERO,
        };
        dialling.giving_up = Some(GivingUp {
            cause: FailureCause::Cancelled,
            unless_answered,
            until: now + patience,
        });
        self.forks.cancel_open(reasons, core, now);
        if patience.is_zero() {
            self.conclude(core, now);
        }
    }

    fn conclude_if_closed(&mut self, core: &mut Core, now: Instant) {
        if self.forks.all_closed() {
            self.conclude(core, now);
        }
    }

    /// Tells that the call failed, and why.
    fn conclude(&mut self, core: &mut Core, now: Instant) {
        let Stage::Dialling(dialling) = &mut self.stage else {
            return;
        };
        let best = dialling.best.take();
        let failure = match (dialling.giving_up.take(), best) {
            (Some(giving_up), best) if giving_up.cause != FailureCause::Response => Failure {
                // What the network said to our CANCEL (487) tells nothing; what one
                // fork said of its own accord does.
                cause: giving_up.cause,
                ..best
                    .filter(|best| best.status != Some(487))
                    .unwrap_or_else(|| dialling.failure(FailureCause::Cancelled, now))
            },
            (_, Some(best)) => best,
            (_, None) => {
                dialling.failure(FailureCause::Transport("No target to call".to_owned()), now)
            }
        };
        let failure = Failure {
            provisionals: std::mem::take(&mut dialling.provisionals),
            after_ms: dialling.millis(now),
            ..failure
        };
        core.tell(Event::Failed {
            call: self.id,
            failure: Box::new(failure),
        });
        self.over(now);
    }
}
