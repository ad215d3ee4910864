//! The branches of an outgoing call, and the release of those that lost.

use std::{collections::BTreeMap, net::SocketAddr, time::Instant};

use crate::{
    command::CallId,
    dialog::Dialog,
    endpoint::core::{Core, Draft, Owner, Purpose},
    event::{Ending, Event, Failure, FailureCause},
    flow::{Flow, Hop},
    message::{Method, Request, Response},
    reason::Reason,
    transaction::ClientKey,
};

use super::{headers, reliable::MAX_EARLY_DIALOGS};

/// One target's INVITE, the latest where it was sent again with credentials.
#[derive(Debug, Clone)]
pub struct Leg {
    /// Index of the target; one that moved to its next address has several legs.
    pub target: usize,
    /// Where it goes instead of where the target says.
    pub hop: Option<Hop>,
    /// Further addresses of the same target, nearest last.
    pub spares: Vec<SocketAddr>,
    pub cseq: u32,
    pub branch: String,
    pub state: LegState,
    /// INVITEs sent beyond the first.
    pub retries: u8,
    /// The last one carried an answer to a challenge.
    pub proved: bool,
    /// It is offered encrypted audio, because it wants no other.
    pub encrypts: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegState {
    /// Nothing heard.
    Silent,
    /// Nothing heard in time, and another address is asked instead: whoever makes
    /// himself heard all the same is cancelled.
    Passed,
    /// Provisional answers only.
    Heard,
    /// CANCEL sent.
    Cancelled,
    /// Answered; further answers from other phones behind it may come.
    Answered,
    /// Refused, timed out or unreachable.
    Done,
}

impl Leg {
    pub fn key(&self) -> ClientKey {
        ClientKey {
            branch: self.branch.clone(),
            method: "INVITE".to_owned(),
        }
    }

    pub fn is_open(&self) -> bool {
        matches!(
            self.state,
            LegState::Silent | LegState::Heard | LegState::Cancelled
        )
    }
}

#[derive(Debug, Default)]
pub struct Forks {
    pub legs: Vec<Leg>,
    /// Why unwanted legs are cancelled, for the called to tell "answered elsewhere"
    /// from "given up".
    reasons: Vec<Reason>,
    /// Dialogs answered in vain, by To-tag: acknowledged whenever they answer again.
    released: BTreeMap<String, (Request, Hop)>,
}

impl Forks {
    pub fn new(legs: Vec<Leg>) -> Self {
        Forks {
            legs,
            ..Forks::default()
        }
    }

    pub fn may_still_answer(&self) -> bool {
        self.legs.iter().any(|leg| leg.state != LegState::Done)
    }

    /// Another address was asked instead of this leg's.
    pub fn is_passed(&self, nth: usize) -> bool {
        self.legs.get(nth).map(|leg| leg.state) == Some(LegState::Passed)
    }

    /// The target a leg is for.
    pub fn target_of(&self, nth: usize) -> usize {
        self.legs.get(nth).map_or(nth, |leg| leg.target)
    }

    /// Those not heard of yet.
    pub fn silent(&self) -> impl Iterator<Item = usize> {
        let silent = |(_, leg): &(usize, &Leg)| leg.state == LegState::Silent;
        self.legs
            .iter()
            .enumerate()
            .filter(silent)
            .map(|(nth, _)| nth)
    }

    pub fn all_closed(&self) -> bool {
        !self.legs.iter().any(Leg::is_open)
    }

    pub fn finish(&mut self, target: usize) {
        if let Some(leg) = self.legs.get_mut(target) {
            leg.state = LegState::Done;
        }
    }

    /// Cancels all legs still open. Those not heard of yet fall silent, and are
    /// cancelled when they make themselves heard (RFC 3261 §9.1).
    pub fn cancel_open(&mut self, reasons: &[Reason], core: &mut Core, now: Instant) {
        self.reasons = reasons.to_vec();
        for target in 0..self.legs.len() {
            match self.legs[target].state {
                LegState::Silent => core.transactions.hush(&self.legs[target].key()),
                LegState::Heard => self.cancel(target, core, now),
                LegState::Passed | LegState::Cancelled | LegState::Answered | LegState::Done => {}
            }
        }
    }

    fn cancel(&mut self, target: usize, core: &mut Core, now: Instant) {
        let leg = &mut self.legs[target];
        let Some(client) = core.transactions.client(&leg.key()) else {
            return;
        };
        if !client.is_cancellable() {
            return;
        }
        leg.state = LegState::Cancelled;
        let flow = client.flow;
        let mut cancel = client.cancel();
        headers::push_reasons(&mut cancel.headers, &self.reasons);
        let branch = leg.branch.clone();
        core.transactions
            .start(cancel, &branch, flow, Owner::Nobody, now, &mut core.out);
    }

    /// A response to an INVITE whose answer is not wanted any more.
    pub fn late_response(
        &mut self,
        target: usize,
        response: &Response,
        flow: Flow,
        core: &mut Core,
        now: Instant,
    ) {
        let Some(leg) = self.legs.get_mut(target) else {
            return;
        };
        match response.status {
            ..200 => {
                if matches!(leg.state, LegState::Silent | LegState::Passed) {
                    leg.state = LegState::Heard;
                }
                if leg.state == LegState::Heard {
                    self.cancel(target, core, now);
                }
            }
            200..300 => {
                leg.state = LegState::Answered;
                self.release(target, response, flow, core, now);
            }
            300.. => leg.state = LegState::Done,
        }
    }

    /// Acknowledges an answer that lost and ends its dialog.
    pub fn release(
        &mut self,
        target: usize,
        response: &Response,
        flow: Flow,
        core: &mut Core,
        now: Instant,
    ) {
        let Some(tag) = response.to_tag() else {
            return;
        };
        if let Some((ack, hop)) = self.released.get(&tag) {
            let (ack, hop) = (ack.clone(), hop.clone());
            return send_ack(ack, hop, core, now);
        }
        if self.released.len() >= MAX_EARLY_DIALOGS {
            return;
        }
        let Some(leg) = self.legs.get(target) else {
            return;
        };
        let Some(client) = core.transactions.client(&leg.key()) else {
            return;
        };
        let Some(mut dialog) = Dialog::of_caller(&client.request, response, flow) else {
            return;
        };
        let ack = dialog.ack(leg.cseq);
        let hop = dialog.next_hop();
        self.released.insert(tag, (ack.clone(), hop.clone()));
        send_ack(ack, hop.clone(), core, now);
        let mut bye = dialog.request(Method::Bye);
        headers::push_reasons(&mut bye.headers, &self.reasons);
        let branch = core.random.branch();
        let draft = Draft {
            request: bye,
            hop,
            branch,
            owner: Owner::Nobody,
            contact: None,
        };
        core.send(draft, now);
    }
}

/// Sends an ACK to a 2xx: a request of its own branch, without a transaction.
pub fn send_ack(ack: Request, hop: Hop, core: &mut Core, now: Instant) {
    let branch = core.random.branch();
    let draft = Draft {
        request: ack,
        hop,
        branch,
        owner: Owner::Nobody,
        contact: None,
    };
    core.send(draft, now);
}

/// A dialog of an earlier process that could not be taken up again.
pub fn not_resumed(call: CallId, ending: &Ending) -> Event {
    let reasons = match ending {
        Ending::ByPeer { reasons } => reasons.clone(),
        Ending::ByUs | Ending::AckLost | Ending::SessionLost | Ending::NoCommonCodec => Vec::new(),
    };
    Event::Failed {
        call,
        failure: Box::new(Failure {
            reasons,
            ..Failure::of(FailureCause::NotResumed)
        }),
    }
}

impl Failure {
    /// A failure of which nothing but the cause is known.
    pub(crate) fn of(cause: FailureCause) -> Self {
        Failure {
            cause,
            status: None,
            phrase: String::new(),
            reasons: Vec::new(),
            provisionals: Vec::new(),
            heard_within_4s: false,
            after_ms: 0,
            retry_after_s: None,
            warnings: Vec::new(),
            diversion: Vec::new(),
            history: Vec::new(),
            contacts: Vec::new(),
            target: None,
        }
    }
}

/// The owner of the INVITE to a target.
pub fn invite_owner(call: CallId, target: usize) -> Owner {
    Owner::Call(call, Purpose::Invite(target))
}
