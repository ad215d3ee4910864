//! Requests within a call that the peer wants proof for: operators challenge a BYE or
//! a re-INVITE as they do an INVITE (RFC 3261 §22.2).

use std::{net::IpAddr, time::Instant};

use super::session::Session;
use crate::{
    command::OutboundCredentials,
    digest,
    endpoint::core::{Core, Purpose},
    message::{Request, Response},
};

/// Requests remembered for the sake of a challenge; answers come soon or never.
const REMEMBERED: usize = 4;

/// What we would prove, and the requests that may have to be sent again with proof.
#[derive(Debug)]
pub struct Proofs {
    credentials: OutboundCredentials,
    /// The host they are for: the other end of a call may name any other as its place,
    /// and that one learns nothing.
    host: IpAddr,
    sent: Vec<Sent>,
}

#[derive(Debug)]
struct Sent {
    cseq: u32,
    purpose: Purpose,
    request: Request,
    contact: bool,
}

impl Proofs {
    pub fn new(credentials: OutboundCredentials, host: IpAddr) -> Self {
        Proofs {
            credentials,
            host,
            sent: Vec::new(),
        }
    }

    pub fn remember(&mut self, cseq: u32, purpose: Purpose, request: &Request, contact: bool) {
        if self.sent.len() == REMEMBERED {
            self.sent.remove(0);
        }
        self.sent.push(Sent {
            cseq,
            purpose,
            request: request.clone(),
            contact,
        });
    }

    /// Copies the proof of the request with this number into its ACK.
    pub fn copy(&self, cseq: u32, mut ack: Request) -> Request {
        if let Some(sent) = self.sent.iter().find(|sent| sent.cseq == cseq) {
            copy_proof(&sent.request, &mut ack);
        }
        ack
    }

    /// The request this challenge is about, with proof; `None` when it had some already
    /// or the challenge cannot be answered.
    fn prove(
        &mut self,
        purpose: Purpose,
        response: &Response,
        source: IpAddr,
        cnonce: &str,
    ) -> Option<(Request, bool)> {
        if source != self.host {
            return None;
        }
        let (from, to) = challenge_fields(response.status)?;
        let cseq = response.cseq()?.number;
        let asked = |sent: &Sent| sent.cseq == cseq && sent.purpose == purpose;
        let at = self.sent.iter().position(asked)?;
        let Sent {
            mut request,
            contact,
            ..
        } = self.sent.remove(at);
        if request.headers.has(to) && !is_stale(response, from) {
            return None;
        }
        let digest::Answer { realm, value } = digest::respond(
            response.headers.all(from),
            &self.credentials,
            request.method.as_str(),
            &request.uri.to_string(),
            cnonce,
            1,
        )?;
        self.credentials.realm = Some(realm);
        request.headers.set(to, &value);
        Some((request, contact))
    }
}

/// The header fields of a challenge with this status and of its answer.
pub fn challenge_fields(status: u16) -> Option<(&'static str, &'static str)> {
    match status {
        401 => Some(("WWW-Authenticate", "Authorization")),
        407 => Some(("Proxy-Authenticate", "Proxy-Authorization")),
        _ => None,
    }
}

/// An ACK carries the proof its INVITE carried (RFC 3261 §22.1).
pub fn copy_proof(invite: &Request, ack: &mut Request) {
    for name in ["Authorization", "Proxy-Authorization"] {
        for value in invite.headers.all(name) {
            ack.headers.push(name, value);
        }
    }
}

/// Whether only the nonce was wrong, so that the same credentials may be tried again.
pub fn is_stale(response: &Response, field: &str) -> bool {
    response.headers.all(field).any(|challenge| {
        let challenge = challenge.to_ascii_lowercase();
        challenge.contains("stale=true") || challenge.contains("stale=\"true\"")
    })
}

impl Session {
    /// Sends a challenged request again with proof; false when that is not possible or
    /// `source`, who sent the challenge, is not who gets any.
    pub fn answer_challenge(
        &mut self,
        purpose: Purpose,
        response: &Response,
        source: IpAddr,
        core: &mut Core,
        now: Instant,
    ) -> bool {
        let Some(proofs) = &mut self.proofs else {
            return false;
        };
        let cnonce = core.random.tag();
        let Some((mut request, contact)) = proofs.prove(purpose, response, source, &cnonce) else {
            return false;
        };
        self.dialog.local_cseq += 1;
        let cseq = self.dialog.local_cseq;
        let value = format!("{cseq} {}", request.method);
        request.headers.set("CSeq", &value);
        if let (Purpose::Reinvite, Some(pending)) = (purpose, &mut self.pending) {
            pending.cseq = cseq;
        }
        self.send(request, purpose, contact, core, now);
        true
    }
}
