//! Whether an operator is there.

use std::time::Duration;

use sip::{CallIdentity, Command, Event, Hop, SipUri, Transport, Watch, WatchId};

use crate::pair::{Door, Fate, Net, address};

const ID: WatchId = WatchId(1);

fn watch(net: &mut Net) {
    let watch = Watch {
        target: SipUri::at(None, address(1)),
        route: Vec::new(),
        hop: Some(Hop::to(Transport::Udp, address(1))),
        from: SipUri::at(Some("100"), address(0)),
        identity: CallIdentity::derive([3; 16]),
    };
    let watch = Box::new(watch);
    net.command(0, Command::Watch { id: ID, watch });
    net.moment();
}

fn states(net: &mut Net) -> Vec<bool> {
    let told = net.events(0).into_iter().map(|event| match event {
        Event::Watched { id: ID, alive, .. } => alive,
        other => panic!("{other:?}"),
    });
    told.collect()
}

#[test]
fn a_peer_that_answers_is_there_and_asked_again_and_again() {
    let mut net = Net::new(&[Door::Digest, Door::Digest]);
    watch(&mut net);
    assert_eq!(states(&mut net), [true]);

    net.run(Duration::from_secs(95));

    assert!(states(&mut net).is_empty(), "told again");
    assert_eq!(net.logged("OPTIONS").len(), 4);
}

#[test]
fn a_peer_that_falls_silent_is_asked_ever_less_often_and_seen_to_return() {
    let mut net = Net::new(&[Door::Digest, Door::Digest]);
    watch(&mut net);
    assert_eq!(states(&mut net), [true]);

    net.fate = Box::new(|_| Fate::Lost);
    net.run(Duration::from_secs(30 + 9));
    assert_eq!(states(&mut net), [false]);
    net.run(Duration::from_secs(3600));
    let asked = net.logged("OPTIONS").len();
    assert!(asked < 500, "asked {asked} times in an hour");
    assert!(states(&mut net).is_empty(), "told again");

    net.fate = Box::new(|_| Fate::Arrives);
    net.run(Duration::from_secs(70));
    assert_eq!(states(&mut net), [true]);
}

#[test]
fn nobody_is_asked_any_more_when_that_is_not_wanted() {
    let mut net = Net::new(&[Door::Digest, Door::Digest]);
    net.fate = Box::new(|_| Fate::Lost);
    watch(&mut net);
    net.command(0, Command::Unwatch { id: ID });
    let asked = net.logged("OPTIONS").len();

    net.run(Duration::from_secs(100));

    assert_eq!(net.logged("OPTIONS").len(), asked);
    assert!(states(&mut net).is_empty());
    assert!(net.is_quiet_after_a_while());
}
