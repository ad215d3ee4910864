//! Every message at the door: broken ones, those that belong to something we know,
//! and those of strangers, who are let in by [`super::strangers`].

use std::time::Instant;

use super::{Endpoint, return_flow};
use crate::{
    call::allow,
    flow::Flow,
    message::{Envelope, Message, Method, Request, Response, Unreadable, Via, parse},
    scan,
    transaction::ServerKey,
    uri::Uri,
};

/// Extensions a peer may require of us.
const SUPPORTED: [&str; 3] = ["100rel", "timer", "path"];

/// A request at the door, with all that is needed to answer it.
pub(super) struct Guest {
    pub request: Request,
    pub envelope: Envelope,
    pub key: ServerKey,
    /// Where it came from.
    pub flow: Flow,
    /// Where responses go.
    pub back: Flow,
    /// Size of the request, bytes.
    pub size: usize,
}

impl Endpoint {
    /// Takes one message: a datagram, or a frame cut from a stream.
    pub fn handle_message(&mut self, flow: Flow, bytes: &[u8], now: Instant) {
        let message = parse(bytes).map(|mut message| {
            message.unwrap_sdp();
            message
        });
        match message {
            Ok(Message::Request(request)) => self.on_request(request, bytes.len(), flow, now),
            Ok(Message::Response(response)) => self.on_response(&response, flow, now),
            Err(Unreadable {
                answer: Some(answer),
                ..
            }) => self.answer_broken(*answer, bytes.len(), flow),
            Err(Unreadable { answer: None, .. }) => {}
        }
        self.settle(now);
    }

    /// Answers where the way back can be read, else drops.
    fn answer_broken(&mut self, mut answer: Response, size: usize, flow: Flow) {
        let top = answer.headers.list("Via").next().map(str::parse::<Via>);
        let Some(Ok(via)) = top else {
            return;
        };
        note_source(&mut answer.headers, flow);
        self.core
            .respond_once(return_flow(&via, flow), answer, size);
    }

    fn on_request(&mut self, mut request: Request, size: usize, flow: Flow, now: Instant) {
        let envelope = match request.envelope() {
            Ok(envelope) => envelope,
            Err(_) if request.method == Method::Ack => return,
            Err(why) => {
                let mut answer = request.response(400, Some("refused"));
                answer.phrase = format!("Bad Request ({why})");
                return self.answer_broken(answer, size, flow);
            }
        };
        let key = ServerKey::of(&request, &envelope);
        if self.core.absorbs(&request.method, &key, now) {
            return;
        }
        note_source(&mut request.headers, flow);
        let guest = Guest {
            back: return_flow(&envelope.via, flow),
            request,
            envelope,
            key,
            flow,
            size,
        };
        match guest.request.method {
            Method::Ack => self.on_ack(&guest, now),
            Method::Cancel => self.on_cancel(guest, now),
            _ => self.on_other(guest, now),
        }
    }

    fn on_ack(&mut self, guest: &Guest, now: Instant) {
        if let Some(id) = self.call_of(&guest.envelope) {
            self.with(id, now, |call, core| {
                call.on_ack(&guest.request, &guest.envelope, core, now);
            });
        }
    }

    fn on_cancel(&mut self, guest: Guest, now: Instant) {
        let invite = ServerKey::cancelled_by(&guest.request, &guest.envelope);
        if !self.core.transactions.has_server(&invite) {
            return self.refuse(&guest, 481);
        }
        let call = self.by_invite.get(&invite).copied();
        let tag = call
            .and_then(|id| self.calls.get(&id))
            .map(|call| call.key.1.clone());
        let response = guest.request.response(200, tag.as_deref());
        self.core
            .transactions
            .accept(guest.key.clone(), guest.back, now);
        self.core.respond(&guest.key, response, now);
        if let Some(id) = call {
            self.with(id, now, |call, core| {
                call.on_cancel(&guest.request, core, now);
            });
        }
    }

    fn on_other(&mut self, guest: Guest, now: Instant) {
        // Numbers are understood (RFC 3966), other schemes are not.
        if matches!(&guest.request.uri, Uri::Other { .. } if guest.request.uri.user().is_none()) {
            return self.refuse(&guest, 416);
        }
        let required = guest.request.headers.list("Require");
        let unsupported: Vec<&str> = required
            .filter(|tag| !SUPPORTED.iter().any(|s| s.eq_ignore_ascii_case(tag)))
            .chain(guest.request.headers.list("Proxy-Require"))
            .collect();
        if !unsupported.is_empty() {
            let unsupported = unsupported.join(", ");
            let response = self.response(&guest, 420).with("Unsupported", &unsupported);
            return self.core.respond_once(guest.back, response, guest.size);
        }
        match guest.request.method {
            Method::Notify => return self.on_notify(&guest, now),
            Method::Subscribe if !self.core.config.packages.is_empty() => {
                return self.on_subscribe(&guest, now);
            }
            Method::Publish if self.core.config.registrar => return self.on_publish(&guest, now),
            _ => {}
        }
        let in_dialog =
            guest.envelope.to.tag().is_some() && guest.request.method != Method::Register;
        if !in_dialog {
            return self.on_stranger(guest, now);
        }
        let Some(id) = self.call_of(&guest.envelope) else {
            return self.refuse(&guest, 481);
        };
        self.core
            .transactions
            .accept(guest.key.clone(), guest.back, now);
        self.with(id, now, |call, core| {
            let Guest {
                request,
                envelope,
                key,
                flow,
                ..
            } = &guest;
            call.on_request(request, envelope, key, *flow, core, now);
        });
    }

    /// The call a request belongs to, by Call-ID and both tags.
    fn call_of(&self, envelope: &Envelope) -> Option<crate::command::CallId> {
        let tag = envelope.to.tag()?.to_owned();
        let id = *self.by_key.get(&(envelope.call_id.clone(), tag))?;
        let theirs = envelope.from.tag().unwrap_or_default();
        let call = self.calls.get(&id)?;
        call.knows(theirs).then_some(id)
    }

    /// A refusal without a transaction.
    pub(super) fn refuse(&mut self, guest: &Guest, status: u16) {
        let response = self.response(guest, status);
        self.core.respond_once(guest.back, response, guest.size);
    }

    /// A response to a request we keep no state for: the same whenever it comes.
    pub(super) fn response(&self, guest: &Guest, status: u16) -> Response {
        let Envelope { via, call_id, .. } = &guest.envelope;
        let tag = self.core.random.tag_for(&format!("{call_id} {via}"));
        let response = guest.request.response(status, Some(&tag));
        match status {
            405 | 501 => response.with("Allow", &allow(self.core.config.registrar)),
            _ => response,
        }
    }
}

/// Writes into the topmost Via where the message really came from, leaving the others
/// on its line as they are.
fn note_source(headers: &mut crate::message::Headers, flow: Flow) {
    let Some(line) = headers.get("Via").map(str::to_owned) else {
        return;
    };
    let values = scan::split(&line, ',').unwrap_or_else(|| vec![&line]);
    let Some((top, rest)) = values.split_first() else {
        return;
    };
    let Ok(mut via) = scan::trim(top).parse::<Via>() else {
        return;
    };
    via.note_source(flow.remote);
    let noted = rest
        .iter()
        .fold(via.to_string(), |line, via| line + ", " + scan::trim(via));
    headers.replace_first("Via", &noted);
}
