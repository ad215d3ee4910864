//! Reliable provisional answers (RFC 3262), as caller and as called.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::{
    command::CallId,
    dialog::Dialog,
    endpoint::core::{Draft, Owner, Purpose},
    flow::Flow,
    message::{CSeq, Method, Request, Response},
    transaction::{PATIENCE, T1},
};

/// Phones behind one target that may ring at once.
pub const MAX_EARLY_DIALOGS: usize = 64;

/// The dialogs provisional answers opened, by To-tag.
#[derive(Debug, Default)]
pub struct EarlyDialogs(BTreeMap<String, Early>);

#[derive(Debug)]
struct Early {
    dialog: Dialog,
    /// The last number acknowledged.
    rseq: u32,
}

impl EarlyDialogs {
    /// The PRACK this answer wants; its branch is the sender's to draw. `None` for
    /// unreliable answers, repeated ones and those out of order.
    pub fn prack(
        &mut self,
        call: CallId,
        invite: &Request,
        response: &Response,
        flow: Flow,
    ) -> Option<Draft> {
        if !response.headers.lists("Require", "100rel") {
            return None;
        }
        let rseq: u32 = response.headers.get("RSeq")?.parse().ok()?;
        let cseq = response.cseq()?.number;
        let tag = response.to_tag()?;
        let full = self.0.len() >= MAX_EARLY_DIALOGS;
        let early = match self.0.entry(tag) {
            std::collections::btree_map::Entry::Occupied(entry) => {
                let early = entry.into_mut();
                if early.rseq.checked_add(1) != Some(rseq) {
                    return None;
                }
                early.rseq = rseq;
                early
            }
            // More phones than any fork has: somebody plays with tags.
            std::collections::btree_map::Entry::Vacant(_) if full => return None,
            std::collections::btree_map::Entry::Vacant(entry) => {
                let dialog = Dialog::of_caller(invite, response, flow)?;
                entry.insert(Early { dialog, rseq })
            }
        };
        let mut request = early.dialog.request(Method::Prack);
        request
            .headers
            .push("RAck", &format!("{rseq} {cseq} INVITE"));
        Some(Draft {
            request,
            hop: early.dialog.next_hop(),
            branch: String::new(),
            owner: Owner::Call(call, Purpose::Prack),
            contact: None,
        })
    }

    /// The confirmed dialog goes on numbering where the early one stopped.
    pub fn carry_on(&self, dialog: &mut Dialog) {
        if let Some(early) = self.0.get(&dialog.remote_tag) {
            dialog.local_cseq = dialog.local_cseq.max(early.dialog.local_cseq);
        }
    }
}

/// A provisional answer of ours that is re-sent until it is acknowledged.
#[derive(Debug)]
pub struct Unacknowledged {
    pub response: Response,
    rseq: u32,
    resend: Instant,
    interval: Duration,
    until: Instant,
}

/// What a PRACK waiter wants when woken.
#[derive(Debug, PartialEq, Eq)]
pub enum Wake {
    Resend,
    /// 64·T1 without PRACK: the INVITE is refused with 504.
    GiveUp,
    Nothing,
}

impl Unacknowledged {
    pub fn new(response: Response, rseq: u32, now: Instant) -> Self {
        Unacknowledged {
            response,
            rseq,
            resend: now + T1,
            interval: T1,
            until: now + PATIENCE,
        }
    }

    pub fn deadline(&self) -> Instant {
        self.resend.min(self.until)
    }

    pub fn wake(&mut self, now: Instant) -> Wake {
        if self.until <= now {
            return Wake::GiveUp;
        }
        if self.resend > now {
            return Wake::Nothing;
        }
        self.interval *= 2;
        self.resend = (self.resend + self.interval).max(now);
        Wake::Resend
    }

    /// Whether this PRACK is for it.
    pub fn is_acknowledged_by(&self, prack: &Request, invite: &CSeq) -> bool {
        let Some(rack) = prack.headers.get("RAck") else {
            return false;
        };
        let parts: Vec<&str> = rack.split_ascii_whitespace().collect();
        let [rseq, cseq, "INVITE"] = parts[..] else {
            return false;
        };
        rseq.parse() == Ok(self.rseq) && cseq.parse() == Ok(invite.number)
    }
}
