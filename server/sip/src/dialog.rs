//! Dialogs: the lasting relation between two user agents (RFC 3261 §12).

use std::net::{IpAddr, Ipv4Addr};

use crate::{
    event::DialogRecord,
    flow::{Flow, Hop, Transport},
    media::NegotiatedMedia,
    message::{Envelope, Method, NameAddr, Request, Response, Via},
    uri::{Host, SipUri, Uri},
};

/// After a restart requests are numbered on from well above any that may have been
/// sent since the record was written; numbers need to grow, not to be dense (§12.2.1.1).
const RESUME_LEAP: u32 = 1000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    pub call_id: String,
    pub local_tag: String,
    pub remote_tag: String,
    /// From and To as we write them, without tags.
    pub local: NameAddr,
    pub remote: NameAddr,
    pub remote_target: SipUri,
    /// Nearest first.
    pub route_set: Vec<SipUri>,
    pub local_cseq: u32,
    pub remote_cseq: Option<u32>,
    /// The way the peer's messages come.
    pub flow: Flow,
    /// The user part of our Contact.
    pub contact_user: Option<String>,
    /// Where the peer itself is, as far as can be seen past a proxy on our own machine:
    /// its audio comes and goes there.
    pub far_end: IpAddr,
}

/// Where somebody is whom we only know to be somewhere out there (RFC 5737).
const WORLD: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Where the peer is whose messages come from `near`. A proxy on our own machine hides
/// it, and an address of this machine would be of no use to it: then `host`, what it
/// calls itself, tells more.
pub fn far_end(near: IpAddr, behind_proxy: bool, host: &Host) -> IpAddr {
    if !behind_proxy || !near.is_loopback() {
        return near;
    }
    match host.ip() {
        Some(ip) if ip.is_ipv4() == near.is_ipv4() => ip,
        None if near.is_ipv4() => WORLD,
        Some(_) | None => near,
    }
}

/// The same for who sent this request: the proxy next to it noted in its Via where it
/// really was (RFC 3261 §18.2.1).
fn far_end_of(invite: &Request, near: IpAddr) -> IpAddr {
    let vias: Vec<Via> = invite
        .headers
        .list("Via")
        .filter_map(|via| via.parse().ok())
        .collect();
    let Some(first) = vias.last() else {
        return near;
    };
    let noted = first.param("received").and_then(|ip| ip.parse().ok());
    let host = noted.map_or_else(|| first.host.clone(), Host::Ip);
    far_end(near, vias.len() > 1, &host)
}

impl Dialog {
    /// As the caller: from our INVITE and a response with a To-tag. `None` when the
    /// response has no usable Contact or tag.
    pub fn of_caller(invite: &Request, response: &Response, flow: Flow) -> Option<Self> {
        let envelope = invite.envelope().ok()?;
        let remote: NameAddr = response.headers.get("To")?.parse().ok()?;
        let remote_target = match response.contact() {
            Some(Uri::Sip(contact)) => contact,
            Some(Uri::Other { .. }) => return None,
            // Missing in some provisional answers; the address we called stands in.
            None => invite.uri.as_sip()?.clone(),
        };
        let mut route_set = record_route(response.headers.list("Record-Route"));
        route_set.reverse();
        let proxied = !route_set.is_empty();
        Some(Dialog {
            far_end: far_end(flow.remote.ip(), proxied, &remote_target.host),
            call_id: envelope.call_id,
            local_tag: envelope.from.tag()?.to_owned(),
            remote_tag: remote.tag()?.to_owned(),
            local: envelope.from.without_tag(),
            remote: remote.without_tag(),
            remote_target,
            route_set,
            local_cseq: envelope.cseq.number,
            remote_cseq: None,
            flow,
            contact_user: None,
        })
    }

    /// As the called: from an INVITE and the tag we give ourselves. An INVITE without
    /// a Contact we can route to (RFC 2543 let it be left out) is answered to
    /// `fallback`.
    pub fn of_called(
        invite: &Request,
        envelope: &Envelope,
        tag: String,
        flow: Flow,
        fallback: impl FnOnce() -> SipUri,
    ) -> Self {
        let remote_target = match invite.contact() {
            Some(Uri::Sip(contact)) => contact,
            Some(Uri::Other { .. }) | None => fallback(),
        };
        Dialog {
            far_end: far_end_of(invite, flow.remote.ip()),
            call_id: envelope.call_id.clone(),
            local_tag: tag,
            // Absent from callers of RFC 2543's time.
            remote_tag: envelope.from.tag().unwrap_or_default().to_owned(),
            local: envelope.to.clone().without_tag(),
            remote: envelope.from.clone().without_tag(),
            remote_target,
            route_set: record_route(invite.headers.list("Record-Route")),
            local_cseq: 0,
            remote_cseq: Some(envelope.cseq.number),
            flow,
            contact_user: invite.uri.user().map(str::to_owned),
        }
    }

    /// A request within the dialog, numbered next.
    pub fn request(&mut self, method: Method) -> Request {
        self.local_cseq += 1;
        self.numbered(method, self.local_cseq)
    }

    /// Numbers on from well above what an earlier process may have sent.
    pub fn leap(&mut self) {
        self.local_cseq = self.local_cseq.saturating_add(RESUME_LEAP);
    }

    /// The ACK to the 2xx of the INVITE with this number.
    pub fn ack(&self, cseq: u32) -> Request {
        self.numbered(Method::Ack, cseq)
    }

    fn numbered(&self, method: Method, cseq: u32) -> Request {
        // A strict router wants itself in the Request-URI and the target last (§12.2.1.1).
        let strict = self.route_set.first().filter(|first| !first.is_loose());
        let uri = strict.unwrap_or(&self.remote_target).clone();
        let mut request = Request::new(
            method.clone(),
            SipUri {
                headers: Vec::new(),
                ..uri
            },
        );
        let routes = self.route_set.iter().skip(usize::from(strict.is_some()));
        let last = strict.map(|_| &self.remote_target);
        let headers = &mut request.headers;
        headers.push("Max-Forwards", "70");
        for route in routes.chain(last) {
            headers.push("Route", &format!("<{route}>"));
        }
        let from = self.local.clone().with_tag(&self.local_tag);
        headers.push("From", &from.to_string());
        let to = match self.remote_tag.is_empty() {
            true => self.remote.clone(),
            false => self.remote.clone().with_tag(&self.remote_tag),
        };
        headers.push("To", &to.to_string());
        headers.push("Call-ID", &self.call_id);
        headers.push("CSeq", &format!("{cseq} {method}"));
        request
    }

    /// Where requests go: along the route, else to the peer.
    ///
    /// The peer's Contact is often an address behind a NAT, so the way its messages
    /// came is taken instead, unless Contact names a reachable address of another
    /// host: then a proxy that does not want to stay was in between.
    pub fn next_hop(&self) -> Hop {
        if let Some(first) = self.route_set.first() {
            return hop_by(first, self.flow);
        }
        // A connection is the surest way back, whatever Contact says.
        if self.flow.transport.is_reliable() {
            return Hop::Flow(self.flow);
        }
        let seen = self.flow.remote.ip();
        match self.remote_target.host.ip() {
            Some(ip) if ip == seen || is_reachable(ip, seen) => {
                hop_by(&self.remote_target, self.flow)
            }
            Some(_) | None => Hop::Flow(self.flow),
        }
    }

    /// A later request or response of the peer may move its target (§12.2).
    pub fn refresh_target(&mut self, contact: Option<Uri>) {
        if let Some(Uri::Sip(contact)) = contact {
            self.remote_target = contact;
        }
    }

    /// Notes the number of a request of the peer; false when it is out of order (§12.2.2).
    pub fn take_cseq(&mut self, cseq: u32) -> bool {
        if self.remote_cseq.is_some_and(|last| cseq <= last) {
            return false;
        }
        self.remote_cseq = Some(cseq);
        true
    }

    pub fn record(
        &self,
        session: (u64, u64),
        media: NegotiatedMedia,
        outgoing: bool,
    ) -> DialogRecord {
        DialogRecord {
            call_id: self.call_id.clone(),
            local_tag: self.local_tag.clone(),
            remote_tag: self.remote_tag.clone(),
            local_party: self.local.to_string(),
            remote_party: self.remote.to_string(),
            remote_target: self.remote_target.to_string(),
            route_set: self.route_set.iter().map(SipUri::to_string).collect(),
            contact_user: self.contact_user.clone(),
            local_cseq: self.local_cseq,
            remote_cseq: self.remote_cseq,
            flow: self.flow,
            session_id: session.0,
            session_version: session.1,
            media,
            outgoing,
        }
    }

    /// The dialog of a record; `None` when it is not one we wrote.
    pub fn resume(record: &DialogRecord) -> Option<Self> {
        let remote_target: SipUri = record.remote_target.parse().ok()?;
        let proxied = !record.route_set.is_empty();
        Some(Dialog {
            far_end: far_end(record.flow.remote.ip(), proxied, &remote_target.host),
            call_id: record.call_id.clone(),
            local_tag: record.local_tag.clone(),
            remote_tag: record.remote_tag.clone(),
            local: record.local_party.parse().ok()?,
            remote: record.remote_party.parse().ok()?,
            remote_target,
            route_set: record
                .route_set
                .iter()
                .map(|route| route.parse().ok())
                .collect::<Option<_>>()?,
            local_cseq: record.local_cseq.checked_add(RESUME_LEAP)?,
            remote_cseq: record.remote_cseq,
            flow: record.flow,
            contact_user: record.contact_user.clone(),
        })
    }
}

fn record_route<'a>(values: impl Iterator<Item = &'a str>) -> Vec<SipUri> {
    values
        .filter_map(|value| value.parse::<NameAddr>().ok())
        .filter_map(|route| match route.uri {
            Uri::Sip(uri) => Some(uri),
            Uri::Other { .. } => None,
        })
        .collect()
}

/// The hop a URI names.
pub fn hop_to(uri: &SipUri) -> Hop {
    let transport = uri.transport().unwrap_or(Transport::Udp);
    Hop::to_host(transport, uri.host.clone(), uri.port)
}

/// The hop a URI names, which is the flow itself where it leads to the same place:
/// for TCP that means the same connection.
fn hop_by(uri: &SipUri, flow: Flow) -> Hop {
    let hop = hop_to(uri);
    if hop == Hop::to(flow.transport, flow.remote) {
        return Hop::Flow(flow);
    }
    hop
}

/// Whether a Contact's address makes sense for a peer seen at `seen`.
fn is_reachable(ip: IpAddr, seen: IpAddr) -> bool {
    let class = |ip: IpAddr| match ip.to_canonical() {
        ip if ip.is_unspecified() => 0,
        ip if ip.is_loopback() => 1,
        IpAddr::V4(ip) if ip.is_private() || ip.is_link_local() => 2,
        IpAddr::V6(ip) if ip.is_unique_local() || ip.is_unicast_link_local() => 2,
        IpAddr::V4(_) | IpAddr::V6(_) => 3,
    };
    ip.is_ipv4() == seen.is_ipv4() && class(ip) != 0 && class(ip) >= class(seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Message, parse};

    fn flow() -> Flow {
        Flow {
            transport: Transport::Udp,
            local: "192.0.2.1:5060".parse().unwrap(),
            remote: "203.0.113.5:61000".parse().unwrap(),
        }
    }

    fn called(extra: &str) -> Dialog {
        let text = format!(
            "INVITE sip:700@pbx SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1\r\n\
             From: \"A\" <sip:a@pbx>;tag=theirs\r\nTo: <sip:700@pbx>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\n{extra}\r\n"
        );
        let Ok(Message::Request(invite)) = parse(text.as_bytes()) else {
            panic!("not a request");
        };
        let envelope = invite.envelope().unwrap();
        Dialog::of_called(&invite, &envelope, "ours".into(), flow(), || unreachable!())
    }

    #[test]
    fn requests_go_along_the_recorded_route() {
        let mut dialog = called(
            "Record-Route: <sip:p2.example.com;lr>, <sip:p1.example.com;lr>\r\nContact: <sip:a@10.0.0.9:5062>\r\n",
        );
        let bye = dialog.request(Method::Bye);

        assert_eq!(bye.uri.to_string(), "sip:a@10.0.0.9:5062");
        let routes: Vec<_> = bye.headers.all("Route").collect();
        assert_eq!(
            routes,
            ["<sip:p2.example.com;lr>", "<sip:p1.example.com;lr>"]
        );
        assert_eq!(bye.headers.get("From"), Some("<sip:700@pbx>;tag=ours"));
        assert_eq!(bye.headers.get("To"), Some("\"A\" <sip:a@pbx>;tag=theirs"));
        assert!(
            matches!(dialog.next_hop(), Hop::To { host: Host::Name(name), .. } if name == "p2.example.com")
        );
    }

    #[test]
    fn a_strict_router_gets_itself_as_request_uri() {
        let mut dialog = called(
            "Record-Route: <sip:p1.example.com>, <sip:p0.example.com;lr>\r\nContact: <sip:a@10.0.0.9>\r\n",
        );
        let bye = dialog.request(Method::Bye);

        assert_eq!(bye.uri.to_string(), "sip:p1.example.com");
        let routes: Vec<_> = bye.headers.all("Route").collect();
        assert_eq!(routes, ["<sip:p0.example.com;lr>", "<sip:a@10.0.0.9>"]);
    }

    #[test]
    fn a_contact_behind_a_nat_is_reached_the_way_it_came() {
        let natted = called("Contact: <sip:a@10.0.0.9:5062>\r\n");
        assert_eq!(natted.next_hop(), Hop::Flow(flow()));

        let behind_a_proxy = called("Contact: <sip:a@198.51.100.2:5062>\r\n");
        let expected = Hop::to(Transport::Udp, "198.51.100.2:5062".parse().unwrap());
        assert_eq!(behind_a_proxy.next_hop(), expected);
    }

    #[test]
    fn a_dialog_resumed_numbers_its_requests_further_on() {
        let mut dialog = called("Contact: <sip:a@10.0.0.9:5062>\r\n");
        dialog.request(Method::Options);
        let media = NegotiatedMedia {
            codec: crate::Codec::Pcmu,
            payload_type: 0,
            receive_payload_type: 0,
            dtmf: None,
            receive_dtmf: Vec::new(),
            remote: "192.0.2.1:1".parse().unwrap(),
            remote_rtcp: "192.0.2.1:2".parse().unwrap(),
            direction: crate::Direction::SendRecv,
            ptime_ms: 20,
            opus: Default::default(),
            savp: false,
            encrypted: false,
            srtp: None,
        };
        let mut resumed = Dialog::resume(&dialog.record((1, 2), media, false)).unwrap();
        assert_eq!(
            resumed.request(Method::Bye).headers.get("CSeq"),
            Some("1002 BYE")
        );
        assert_eq!(resumed.remote, dialog.remote);
    }

    #[test]
    fn requests_out_of_order_are_told_apart() {
        let mut dialog = called("Contact: <sip:a@10.0.0.9>\r\n");
        assert!(!dialog.take_cseq(7));
        assert!(dialog.take_cseq(9));
        assert!(!dialog.take_cseq(8));
    }
}
