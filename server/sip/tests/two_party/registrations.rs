//! Phones at our registrar, and ourselves at others'.

use std::time::Duration;

use crate::pair::{Door, Net, account, address, credentials};
use sip::{
    Binding, CallIdentity, Command, Event, Flow, Hop, Registration, RegistrationId,
    RegistrationStatus, SipUri, Transport,
};

const PHONE: usize = 0;
const SERVER: usize = 1;
const ID: RegistrationId = RegistrationId(1);

fn net() -> Net {
    Net::new(&[Door::Open, Door::Digest])
}

pub fn registration(line: &str, expires_s: u64) -> Registration {
    Registration {
        aor: "sip:alice@192.0.2.2".parse().unwrap(),
        route: Vec::new(),
        registrar: SipUri::at(None, address(SERVER)),
        hop: Some(Hop::to(Transport::Udp, address(SERVER))),
        contact_user: line.to_owned(),
        credentials: credentials("secret"),
        expires: Duration::from_secs(expires_s),
        identity: CallIdentity::derive([line.len().try_into().unwrap(); 16]),
    }
}

fn register(net: &mut Net, id: RegistrationId, registration: Registration) {
    let registration = Box::new(registration);
    net.command(PHONE, Command::Register { id, registration });
    net.moment();
}

fn status(event: Event) -> RegistrationStatus {
    match event {
        Event::Registration { status, .. } => status,
        other => panic!("{other:?}"),
    }
}

fn bindings(event: Event) -> (Vec<Binding>, bool) {
    match event {
        Event::Bindings {
            bindings,
            by_itself,
            ..
        } => (bindings, by_itself),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_phone_registers_refreshes_and_leaves() {
    let mut net = net();
    register(&mut net, ID, registration("line", 60));
    assert_eq!(
        status(net.event(PHONE)),
        RegistrationStatus::Registered { expires_s: 60 }
    );
    let (bound, _) = bindings(net.event(SERVER));
    assert_eq!(bound.len(), 1);
    assert_eq!(bound[0].account, account("alice"));
    assert_eq!(bound[0].flow.remote, address(PHONE));
    assert_eq!(bound[0].expires_at, 1_000_000 + 60 + 60_000);

    net.run(Duration::from_secs(300));
    assert!(
        net.events(SERVER)
            .into_iter()
            .all(|event| bindings(event).0.len() == 1)
    );
    assert_eq!(
        net.agents[SERVER].endpoint.bindings(account("alice")).len(),
        1
    );

    net.events(PHONE);
    net.command(PHONE, Command::Unregister { id: ID });
    net.moment();
    assert_eq!(status(net.event(PHONE)), RegistrationStatus::Unregistered);
    assert_eq!(bindings(net.event(SERVER)), (Vec::new(), true));
    assert!(net.is_quiet_after_a_while());
}

#[test]
fn a_phone_that_vanishes_runs_out() {
    let mut net = net();
    register(&mut net, ID, registration("line", 60));
    net.events(SERVER);
    net.add(PHONE, Door::Open, |_| {});
    net.run(Duration::from_secs(61));

    assert_eq!(bindings(net.event(SERVER)), (Vec::new(), false));
}

#[test]
fn an_account_may_have_several_phones() {
    let mut net = net();
    register(&mut net, ID, registration("desk", 60));
    register(&mut net, RegistrationId(2), registration("mobile", 60));
    let contacts = net.agents[SERVER].endpoint.bindings(account("alice"));
    assert_eq!(contacts.len(), 2);

    net.command(PHONE, Command::Unregister { id: ID });
    net.moment();
    let left = net.agents[SERVER].endpoint.bindings(account("alice"));
    assert_eq!(left[0].contact.user.as_deref(), Some("mobile"));
}

#[test]
fn a_phone_with_a_new_contact_at_every_start_is_never_locked_out() {
    let mut net = net();
    for start in 1..=15 {
        let mut started = registration(&format!("start{start}"), 600);
        started.identity = CallIdentity::derive([start; 16]);
        register(&mut net, RegistrationId(start.into()), started);
        net.run(Duration::from_secs(1));
    }
    let bound = net.agents[SERVER].endpoint.bindings(account("alice"));
    assert_eq!(bound.len(), 10);
    let newest = |b: &Binding| b.contact.user.as_deref() == Some("start15");
    assert!(bound.iter().any(newest));
}

#[test]
fn lifetimes_are_kept_within_bounds() {
    let mut net = net();
    register(&mut net, ID, registration("line", 5));
    assert_eq!(net.logged("SIP/2.0 423").len(), 1);
    assert_eq!(
        status(net.event(PHONE)),
        RegistrationStatus::Registered { expires_s: 30 }
    );

    register(
        &mut net,
        RegistrationId(2),
        registration("other", 1_000_000),
    );
    assert_eq!(
        status(net.event(PHONE)),
        RegistrationStatus::Registered { expires_s: 3600 }
    );
}

#[test]
fn a_wrong_password_is_told_and_tried_again_later() {
    let mut net = net();
    let mut wrong = registration("line", 60);
    wrong.credentials = credentials("wrong");
    register(&mut net, ID, wrong);
    assert!(matches!(
        status(net.event(PHONE)),
        RegistrationStatus::Failed {
            status: Some(401),
            retry_in_s: 5,
            ..
        }
    ));
    assert_eq!(net.events(SERVER), []);
    let asked = net.logged("REGISTER").len();
    net.run(Duration::from_secs(6));
    assert!(net.logged("REGISTER").len() > asked);
}

#[test]
fn an_unknown_user_is_challenged_like_a_known_one() {
    let mut net = net();
    let mut unknown = registration("line", 60);
    unknown.credentials.username = "nobody".to_owned();
    register(&mut net, ID, unknown);
    let mut wrong = registration("line", 60);
    wrong.credentials = credentials("wrong");
    register(&mut net, RegistrationId(2), wrong);

    let shapes: Vec<usize> = net
        .logged("SIP/2.0 401")
        .iter()
        .map(|p| p.bytes.len())
        .collect();
    let spread = shapes.iter().max().unwrap() - shapes.iter().min().unwrap();
    assert!(shapes.len() >= 4 && spread <= 4, "{shapes:?}");
}

#[test]
fn nobody_registers_a_name_that_is_not_his() {
    let mut net = net();
    let mut theft = registration("line", 60);
    theft.aor = "sip:bob@192.0.2.2".parse().unwrap();
    register(&mut net, ID, theft);
    assert!(matches!(
        status(net.event(PHONE)),
        RegistrationStatus::Failed {
            status: Some(403),
            ..
        }
    ));
    assert_eq!(net.events(SERVER), []);
}

#[test]
fn bindings_survive_a_restart_unless_they_ran_out_meanwhile() {
    let mut net = net();
    register(&mut net, ID, registration("line", 60));
    let (mut bound, _) = bindings(net.event(SERVER));
    let mut old = bound[0].clone();
    old.expires_at = 999_999;
    bound.push(old);
    let text = serde_json::to_string(&bound).unwrap();

    net.add(SERVER, Door::Digest, |_| {});
    let now = net.now;
    let restored: Vec<Binding> = serde_json::from_str(&text).unwrap();
    net.agents[SERVER].endpoint.restore(restored, now);
    assert_eq!(
        net.agents[SERVER].endpoint.bindings(account("alice")).len(),
        1
    );
    // The phone knows nothing of it and just refreshes, with a nonce long forgotten.
    net.run(Duration::from_secs(300));
    assert_eq!(
        net.agents[SERVER].endpoint.bindings(account("alice")).len(),
        1
    );
}

#[test]
fn a_removed_account_is_unreachable_at_once() {
    let mut net = net();
    register(&mut net, ID, registration("line", 60));
    net.events(SERVER);
    net.command(
        SERVER,
        Command::Unbind {
            account: account("alice"),
        },
    );
    assert_eq!(bindings(net.event(SERVER)), (Vec::new(), true));
}

#[test]
fn a_registrar_out_of_reach_is_asked_again_and_again() {
    let mut net = net();
    net.agents[SERVER].address = "203.0.113.1:9".parse().unwrap();
    register(&mut net, ID, registration("line", 60));
    net.run(Duration::from_secs(40));
    assert!(matches!(
        status(net.event(PHONE)),
        RegistrationStatus::Failed {
            status: None,
            retry_in_s: 5,
            ..
        }
    ));
    net.agents[SERVER].address = address(SERVER);
    net.run(Duration::from_secs(10));
    assert_eq!(
        status(net.event(PHONE)),
        RegistrationStatus::Registered { expires_s: 60 }
    );
}

#[test]
fn requests_to_a_phone_go_the_way_it_came() {
    let mut net = net();
    register(&mut net, ID, registration("line", 60));
    let (bound, _) = bindings(net.event(SERVER));
    let target = bound[0].target();
    assert_eq!(
        target.hop,
        Some(Hop::Flow(Flow {
            transport: Transport::Udp,
            local: address(SERVER),
            remote: address(PHONE),
        }))
    );
    assert_eq!(target.uri.user.as_deref(), Some("line"));
}
