//! Subscriptions, seen from both ends (RFC 6665).

use std::time::Duration;

use crate::pair::{Door, Fate, Net, address, credentials, dice};
use sip::{
    CallIdentity, CallState, Command, Config, Event, Flow, Hop, Package, Registered, ResourceId,
    Shown, ShownCall, SipUri, Subscription, SubscriptionId, SubscriptionStatus, Told, Transport,
};
use uuid::Uuid;

const PHONE: usize = 0;
const SERVER: usize = 1;
const ID: SubscriptionId = SubscriptionId(1);
const PERSON: ResourceId = ResourceId(Uuid::from_u128(207));

fn net() -> Net {
    let mut net = Net::new(&[Door::Open]);
    net.add(SERVER, Door::Digest, all_packages);
    net
}

fn all_packages(config: &mut Config) {
    config.packages = Package::ALL.to_vec();
}

fn subscription(package: Package, user: &str) -> Subscription {
    Subscription {
        package,
        resource: SipUri::at(Some(user), address(SERVER)),
        watcher: "sip:alice@192.0.2.2".parse().unwrap(),
        route: Vec::new(),
        hop: Some(Hop::to(Transport::Udp, address(SERVER))),
        contact_user: "alice".to_owned(),
        credentials: Some(credentials("secret")),
        expires: Duration::from_secs(60),
        identity: CallIdentity::derive([3; 16]),
    }
}

fn subscribe(net: &mut Net, subscription: Subscription) {
    let subscription = Box::new(subscription);
    net.command(
        PHONE,
        Command::Subscribe {
            id: ID,
            subscription,
        },
    );
    net.moment();
}

fn shown(registered: Registered, calls: &[(&str, CallState)]) -> Shown {
    Shown {
        registered,
        calls: calls
            .iter()
            .map(|(id, state)| ShownCall {
                id: (*id).to_owned(),
                state: *state,
                incoming: true,
                held: false,
            })
            .collect(),
        ..Shown::unknown("sip:207@192.0.2.2".to_owned())
    }
}

fn show(net: &mut Net, shown: Shown) {
    let shown = Box::new(shown);
    net.command(
        SERVER,
        Command::Show {
            resource: PERSON,
            shown,
        },
    );
    net.moment();
}

const FREE: Registered = Registered::Active { expires_s: None };

/// What the phone was told last, and how its subscription stands.
fn told(net: &mut Net) -> (Option<Told>, Option<SubscriptionStatus>) {
    let (mut last, mut stands) = (None, None);
    for event in net.events(PHONE) {
        match event {
            Event::Notified { told, .. } => last = Some(told),
            Event::Subscription { status, .. } => stands = Some(status),
            other => panic!("{other:?}"),
        }
    }
    (last, stands)
}

#[test]
fn a_watcher_is_told_at_once_and_of_every_change() {
    let mut net = net();
    subscribe(&mut net, subscription(Package::Dialog, "207"));
    assert_eq!(net.event(SERVER), Event::Wanted { resource: PERSON });

    show(&mut net, shown(FREE, &[]));
    let (last, stands) = told(&mut net);
    assert_eq!(last, Some(Told::Dialog(None)));
    assert!(matches!(stands, Some(SubscriptionStatus::Active { .. })));

    for (calls, state) in [
        (&[("a", CallState::Early)][..], Some(CallState::Early)),
        (
            &[("a", CallState::Confirmed), ("b", CallState::Early)],
            Some(CallState::Confirmed),
        ),
        (&[("b", CallState::Early)], Some(CallState::Early)),
        (&[], None),
    ] {
        show(&mut net, shown(FREE, calls));
        assert_eq!(told(&mut net).0, Some(Told::Dialog(state)), "{calls:?}");
    }
    let versions: Vec<String> = net
        .logged("NOTIFY")
        .iter()
        .filter_map(|packet| {
            let text = packet.text();
            let line = text
                .lines()
                .find(|line| line.contains("version=\"") && line.contains("dialog-info"))?;
            Some(
                line.split('"')
                    .skip(3)
                    .step_by(2)
                    .take(2)
                    .collect::<Vec<_>>()
                    .join(" "),
            )
        })
        .collect();
    assert_eq!(
        versions,
        ["0 full", "1 partial", "2 partial", "3 partial", "4 partial"]
    );

    net.command(PHONE, Command::Unsubscribe { id: ID });
    net.moment();
    assert_eq!(told(&mut net).1, Some(SubscriptionStatus::Ended));
    assert_eq!(net.event(SERVER), Event::Unwanted { resource: PERSON });
    assert!(net.is_quiet_after_a_while());
}

#[test]
fn each_package_says_it_in_its_own_way() {
    for (package, told_first) in [
        (
            Package::Reg,
            Told::Reg(Registered::Terminated {
                retry_after_s: Some(9),
            }),
        ),
        (Package::Dialog, Told::Dialog(None)),
    ] {
        let mut net = net();
        subscribe(&mut net, subscription(package, "207"));
        let probation = Registered::Terminated {
            retry_after_s: Some(9),
        };
        show(&mut net, shown(probation, &[]));
        assert_eq!(told(&mut net).0, Some(told_first));
    }
    let mut net = net();
    subscribe(&mut net, subscription(Package::Presence, "207"));
    show(&mut net, shown(FREE, &[("a", CallState::Confirmed)]));
    let Some(Told::Presence(presence)) = told(&mut net).0 else {
        panic!("nothing told");
    };
    assert_eq!((presence.open, presence.on_the_phone), (Some(true), true));
}

#[test]
fn a_subscription_keeps_itself_alive_and_gets_everything_again() {
    let mut net = net();
    subscribe(&mut net, subscription(Package::Dialog, "207"));
    show(&mut net, shown(FREE, &[("a", CallState::Confirmed)]));
    net.run(Duration::from_secs(600));

    let refreshes = net.logged("SUBSCRIBE").len();
    assert!((10..40).contains(&refreshes), "{refreshes}");
    assert_eq!(net.agents[SERVER].endpoint.watchers(), 1);
    assert_eq!(
        told(&mut net).0,
        Some(Told::Dialog(Some(CallState::Confirmed)))
    );
}

#[test]
fn a_watcher_that_vanishes_is_forgotten() {
    let mut net = net();
    subscribe(&mut net, subscription(Package::Presence, "207"));
    show(&mut net, shown(FREE, &[]));
    net.add(PHONE, Door::Open, |_| {});
    net.run(Duration::from_secs(61));
    assert_eq!(net.agents[SERVER].endpoint.watchers(), 0);

    // One that does not know its subscription any more says so, and is not told again.
    let mut net = self::net();
    subscribe(&mut net, subscription(Package::Presence, "207"));
    show(&mut net, shown(FREE, &[]));
    net.add(PHONE, Door::Open, |_| {});
    show(&mut net, shown(FREE, &[("a", CallState::Early)]));
    assert_eq!(net.logged("SIP/2.0 481").len(), 1);
    assert_eq!(net.agents[SERVER].endpoint.watchers(), 0);
}

#[test]
fn a_server_that_begins_anew_is_subscribed_at_again() {
    let mut net = net();
    subscribe(&mut net, subscription(Package::Dialog, "207"));
    show(&mut net, shown(FREE, &[]));
    net.add(SERVER, Door::Digest, all_packages);
    net.run(Duration::from_secs(70));
    assert!(matches!(net.event(SERVER), Event::Wanted { .. }));
    told(&mut net);

    show(&mut net, shown(FREE, &[("a", CallState::Early)]));
    assert_eq!(told(&mut net).0, Some(Told::Dialog(Some(CallState::Early))));
}

#[test]
fn whoever_may_not_watch_is_told_nothing() {
    let refused = |change: fn(&mut Subscription)| {
        let mut net = net();
        let mut wish = subscription(Package::Dialog, "207");
        change(&mut wish);
        subscribe(&mut net, wish);
        assert_eq!(net.agents[SERVER].endpoint.watchers(), 0);
        assert!(net.logged("NOTIFY").is_empty());
        match told(&mut net).1 {
            Some(SubscriptionStatus::Lost {
                status: Some(status),
                retry_in_s,
                ..
            }) => (status, retry_in_s),
            other => panic!("{other:?}"),
        }
    };
    let hour = 3600;
    assert_eq!(refused(|one| one.credentials = None).0, 401);
    assert_eq!(
        refused(|one| one.credentials = Some(credentials("wrong"))).0,
        401
    );
    assert_eq!(
        refused(|one| one.resource = SipUri::at(Some("999"), address(SERVER))),
        (404, hour)
    );
}

#[test]
fn a_package_we_do_not_serve_is_refused_with_those_we_do() {
    let mut net = Net::new(&[Door::Open, Door::Open]);
    subscribe(&mut net, subscription(Package::Reg, "207"));
    let refusals = net.logged("SIP/2.0 489");
    assert_eq!(refusals.len(), 1);
    assert!(
        refusals[0]
            .text()
            .contains("Allow-Events: dialog, presence\r\n")
    );
}

#[test]
fn a_server_that_stops_asks_its_watchers_to_come_back() {
    let mut net = net();
    subscribe(&mut net, subscription(Package::Dialog, "207"));
    show(&mut net, shown(FREE, &[]));
    told(&mut net);
    net.command(SERVER, Command::CloseWatching);
    net.moment();

    let stands = told(&mut net).1;
    assert!(
        matches!(
            stands,
            Some(SubscriptionStatus::Lost {
                retry_in_s: 10,
                let_go: true,
                ..
            })
        ),
        "{stands:?}"
    );
    net.events(SERVER);
    net.run(Duration::from_secs(11));
    assert_eq!(net.event(SERVER), Event::Wanted { resource: PERSON });
}

#[test]
fn what_was_removed_is_told_as_gone() {
    let mut net = net();
    subscribe(&mut net, subscription(Package::Dialog, "207"));
    net.command(SERVER, Command::Hide { resource: PERSON });
    net.moment();
    let stands = told(&mut net).1;
    assert!(
        matches!(
            stands,
            Some(SubscriptionStatus::Lost {
                retry_in_s: 3600,
                let_go: false,
                ..
            })
        ),
        "{stands:?}"
    );
    assert_eq!(net.agents[SERVER].endpoint.watchers(), 0);
}

#[test]
fn the_last_state_arrives_through_a_lossy_network() {
    for seed in 0..20 {
        let mut net = net();
        let mut roll = dice(seed);
        net.fate = Box::new(move |_| match roll(10) {
            0..=2 => Fate::Lost,
            3 => Fate::Doubled,
            _ => Fate::Arrives,
        });
        subscribe(&mut net, subscription(Package::Dialog, "207"));
        let states = [CallState::Early, CallState::Confirmed];
        for nth in 0..10 {
            let state = states[nth % 2];
            show(&mut net, shown(FREE, &[("a", state)]));
            net.run(Duration::from_millis(700));
        }
        net.fate = Box::new(|_| Fate::Arrives);
        // Whatever was lost, the phone is told in the end, or has begun anew and is told then.
        for _ in 0..40 {
            show(&mut net, shown(FREE, &[]));
            net.run(Duration::from_secs(10));
        }
        assert_eq!(told(&mut net).0, Some(Told::Dialog(None)), "seed {seed}");
    }
}

/// A NOTIFY written by hand, as a notifier with this tag would send it.
fn notify(net: &mut Net, tag: &str, cseq: u32, state: &str, body: &str) {
    let asked = net.logged("SUBSCRIBE").last().unwrap().text();
    let field = |name: &str| {
        let line = asked.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_once(": ").unwrap().1.to_owned()
    };
    let text = format!(
        "NOTIFY sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK{tag}{cseq}\r\n\
         From: <sip:207@192.0.2.2>;tag={tag}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} NOTIFY\r\n\
         Contact: <sip:207@192.0.2.2>\r\nMax-Forwards: 70\r\nEvent: dialog\r\nSubscription-State: {state}\r\n\
         Content-Type: application/dialog-info+xml\r\nContent-Length: {}\r\n\r\n{body}",
        field("From"),
        field("Call-ID"),
        body.len()
    );
    raw(net, &text);
}

fn raw(net: &mut Net, text: &str) {
    let flow = Flow {
        transport: Transport::Udp,
        local: address(PHONE),
        remote: address(SERVER),
    };
    let now = net.now;
    net.agents[PHONE]
        .endpoint
        .handle_message(flow, text.as_bytes(), now);
    net.moment();
}

fn dialogs(version: u32, calls: &str) -> String {
    format!("<dialog-info version='{version}' state='full' entity='x'>{calls}</dialog-info>")
}

const TALKS: &str = "<dialog id='1'><state>confirmed</state></dialog>";

#[test]
fn a_subscription_that_forked_hears_all_its_notifiers() {
    let mut net = Net::new(&[Door::Open]);
    subscribe(&mut net, subscription(Package::Dialog, "207"));
    notify(&mut net, "one", 1, "active;expires=60", &dialogs(0, TALKS));
    notify(&mut net, "two", 1, "active;expires=60", &dialogs(0, ""));
    let talks = Some(Told::Dialog(Some(CallState::Confirmed)));
    assert_eq!(told(&mut net).0, talks);

    notify(&mut net, "one", 2, "terminated;reason=timeout", "");
    notify(&mut net, "two", 2, "active;expires=60", &dialogs(1, ""));
    let (last, stands) = told(&mut net);
    assert_eq!(last, Some(Told::Dialog(None)));
    assert!(matches!(stands, Some(SubscriptionStatus::Active { .. })));
    assert_eq!(net.logged("SIP/2.0 200").len(), 4);
}

#[test]
fn a_notify_nobody_asked_for_is_refused() {
    let mut net = Net::new(&[Door::Open]);
    subscribe(&mut net, subscription(Package::Dialog, "207"));
    let stranger = "NOTIFY sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKx\r\n\
         From: <sip:207@192.0.2.2>;tag=a\r\nTo: <sip:alice@192.0.2.1>;tag=b\r\nCall-ID: guessed\r\n\
         CSeq: 1 NOTIFY\r\nMax-Forwards: 70\r\nEvent: dialog\r\nSubscription-State: active\r\nContent-Length: 0\r\n\r\n";
    raw(&mut net, stranger);
    assert_eq!(net.logged("SIP/2.0 481").len(), 1);

    let four = ["a", "b", "c", "d"];
    for tag in four {
        notify(&mut net, tag, 1, "active", &dialogs(0, ""));
    }
    notify(&mut net, "fifth", 1, "active", &dialogs(0, TALKS));
    assert_eq!(net.logged("SIP/2.0 481").len(), 2);
    assert_eq!(told(&mut net).0, Some(Told::Dialog(None)));
}

#[test]
fn garbage_is_told_and_changes_nothing() {
    let mut net = Net::new(&[Door::Open]);
    subscribe(&mut net, subscription(Package::Dialog, "207"));
    notify(&mut net, "one", 1, "active", &dialogs(0, TALKS));
    told(&mut net);
    let deep = "<a>".repeat(15_000);
    for (nth, body) in ["<dialog-info", "\u{1}", "", &deep].into_iter().enumerate() {
        let cseq = u32::try_from(nth).unwrap() + 2;
        notify(&mut net, "one", cseq, "active", body);
        let garbage = net
            .events(PHONE)
            .into_iter()
            .filter(|event| matches!(event, Event::Garbage { .. }))
            .count();
        // A NOTIFY without a body says nothing, which is its right.
        assert_eq!(garbage, usize::from(!body.is_empty()), "{body:.20}");
    }
}

#[test]
fn a_gap_is_closed_by_asking_for_everything() {
    let mut net = Net::new(&[Door::Open]);
    subscribe(&mut net, subscription(Package::Dialog, "207"));
    notify(&mut net, "one", 1, "active;expires=600", &dialogs(0, ""));
    let asked = net.logged("SUBSCRIBE").len();
    let partial =
        format!("<dialog-info version='5' state='partial' entity='x'>{TALKS}</dialog-info>");
    notify(&mut net, "one", 2, "active;expires=600", &partial);

    assert!(net.logged("SUBSCRIBE").len() > asked);
    assert_eq!(told(&mut net).0, Some(Told::Dialog(None)));
}
