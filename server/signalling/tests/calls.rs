//! Two instances call each other over real sockets on loopback.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use signalling::{
    AccountId, Authority, CallId, CallIdentity, Caller, Codec, Config, Credentials, Ending, Event,
    FailureCause, Hop, Invite, LocalMedia, OutboundCredentials, Party, Reason, Registration,
    RegistrationStatus, Rejection, Secret, Signalling, SipUri, Target, Transport, TrunkId, start,
};
use tokio::sync::mpsc::UnboundedReceiver;
use uuid::Uuid;

const ALICE: AccountId = AccountId(Uuid::from_u128(1));
const TRUNK: TrunkId = TrunkId(Uuid::from_u128(9));

/// Knows Alice, and trusts the peers it is told to.
#[derive(Default)]
struct Directory {
    trunks: BTreeMap<std::net::IpAddr, TrunkId>,
}

impl Authority for Directory {
    fn credentials(&self, username: &str, _realm: &str) -> Option<Credentials> {
        (username == "alice").then(|| Credentials {
            account: ALICE,
            secret: Secret::Password("secret".into()),
        })
    }

    fn trunk_by_source(&self, source: SocketAddr) -> Option<TrunkId> {
        self.trunks.get(&source.ip()).copied()
    }
}

struct Agent {
    signalling: Signalling,
    events: UnboundedReceiver<Event>,
}

impl Agent {
    async fn start(bind: &str, trusts: &[&str]) -> Self {
        let trunks = trusts.iter().map(|ip| (ip.parse().unwrap(), TRUNK));
        let directory = Arc::new(Directory {
            trunks: trunks.collect(),
        });
        let config = Config::new(vec![bind.parse().unwrap()]);
        let (signalling, events) = start(config, directory, Vec::new()).await.unwrap();
        Agent { signalling, events }
    }

    fn address(&self) -> SocketAddr {
        self.signalling.addresses()[0]
    }

    /// The next event; a test that waits in vain fails rather than hangs.
    async fn next(&mut self) -> Event {
        tokio::time::timeout(Duration::from_secs(20), self.events.recv())
            .await
            .expect("an event in time")
            .expect("signalling alive")
    }

    async fn next_incoming(&mut self) -> (CallId, Caller) {
        match self.next().await {
            Event::Incoming { call, incoming } => (call, incoming.caller),
            other => panic!("{other:?}"),
        }
    }
}

fn credentials() -> OutboundCredentials {
    OutboundCredentials {
        username: "alice".into(),
        password: "secret".into(),
        realm: None,
    }
}

fn invite(seed: u8, to: SocketAddr, transport: Transport) -> Invite {
    let party = |user: &str| Party {
        display: None,
        user: user.into(),
        host: to.ip().into(),
    };
    Invite {
        identity: CallIdentity::derive([seed; 16]),
        targets: vec![Target {
            uri: SipUri::at(Some("700"), to),
            route: Vec::new(),
            hop: Some(Hop::to(transport, to)),
        }],
        from: party("alice"),
        to: party("700"),
        asserted: None,
        media: LocalMedia::at(SocketAddr::new(to.ip(), 40_000)),
        offerless: false,
        credentials: Some(credentials()),
        first_response_within: None,
        headers: Vec::new(),
    }
}

async fn a_call_is_set_up_and_ended(bind: &str, transport: Transport) {
    let mut phone = Agent::start(bind, &[]).await;
    let mut server = Agent::start(bind, &[]).await;

    let placed = phone
        .signalling
        .invite(invite(1, server.address(), transport));
    let (call, caller) = server.next_incoming().await;
    assert_eq!(caller, Caller::Account(ALICE));

    server.signalling.ring(call);
    assert!(
        matches!(phone.next().await, Event::Ringing { provisional, .. } if provisional.status == 180)
    );
    let audio = LocalMedia::at(SocketAddr::new(server.address().ip(), 50_000));
    server.signalling.answer(call, audio);

    let Event::Answered {
        call: answered,
        media,
        ..
    } = phone.next().await
    else {
        panic!("not answered");
    };
    assert_eq!(answered, placed);
    assert_eq!(media.codec, Codec::Opus);
    assert_eq!(media.remote.port(), 50_000);
    assert!(
        matches!(server.next().await, Event::Answered { media, .. } if media.remote.port() == 40_000)
    );

    phone.signalling.send_digit(placed, '6');
    assert_eq!(server.next().await, Event::Digit { call, digit: '6' });

    server
        .signalling
        .hang_up(call, vec![Reason::q850(16, "Bye")]);
    assert_eq!(
        server.next().await,
        Event::Ended {
            call,
            ending: Ending::ByUs
        }
    );
    let Event::Ended {
        ending: Ending::ByPeer { reasons },
        ..
    } = phone.next().await
    else {
        panic!("not ended by the peer");
    };
    assert_eq!(reasons[0].cause, Some(16));
}

#[tokio::test]
async fn a_call_over_udp() {
    a_call_is_set_up_and_ended("127.0.0.1:0", Transport::Udp).await;
}

#[tokio::test]
async fn a_call_over_tcp() {
    a_call_is_set_up_and_ended("127.0.0.1:0", Transport::Tcp).await;
}

#[tokio::test]
async fn a_call_over_ipv6() {
    a_call_is_set_up_and_ended("[::1]:0", Transport::Udp).await;
}

#[tokio::test]
async fn a_registered_phone_is_called_the_way_it_registered() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut phone = Agent::start("127.0.0.2:0", &["127.0.0.1"]).await;
        let mut server = Agent::start("127.0.0.1:0", &[]).await;
        let registrar = server.address();
        let id = phone.signalling.register(Registration {
            aor: "sip:alice@127.0.0.1".parse().unwrap(),
            route: Vec::new(),
            registrar: SipUri::at(None, registrar),
            hop: Some(Hop::to(transport, registrar)),
            contact_user: "line1".into(),
            credentials: credentials(),
            expires: Duration::from_secs(120),
            identity: CallIdentity::derive([2; 16]),
        });
        assert_eq!(
            phone.next().await,
            Event::Registration {
                id,
                status: RegistrationStatus::Registered { expires_s: 120 }
            }
        );
        let Event::Bindings { bindings, .. } = server.next().await else {
            panic!("no bindings");
        };
        assert_eq!(server.signalling.bindings(ALICE).await, bindings);

        let mut call = invite(3, registrar, transport);
        call.targets = vec![bindings[0].target()];
        let placed = server.signalling.invite(call);
        let Event::Incoming { call, incoming } = phone.next().await else {
            panic!("no call");
        };
        assert_eq!(incoming.dialled.user.as_deref(), Some("line1"));
        assert_eq!(incoming.caller, Caller::Trunk(TRUNK));
        phone.signalling.reject(
            call,
            Rejection {
                reasons: vec![Reason::q850(17, "User busy")],
                ..Rejection::status(486)
            },
        );
        let Event::Failed {
            call: failed,
            failure,
        } = server.next().await
        else {
            panic!("not failed");
        };
        assert_eq!((failed, failure.status), (placed, Some(486)));
        assert_eq!(failure.cause, FailureCause::Response);
        assert_eq!(failure.reasons[0].cause, Some(17));
        assert!(failure.heard_within_4s);

        phone.signalling.unregister(id);
        assert!(matches!(phone.next().await, Event::Ended { .. }));
        assert_eq!(
            phone.next().await,
            Event::Registration {
                id,
                status: RegistrationStatus::Unregistered
            }
        );
        assert!(
            matches!(server.next().await, Event::Bindings { bindings, .. } if bindings.is_empty())
        );
    }
}

#[tokio::test]
async fn a_call_given_up_stops_ringing_at_the_other_end() {
    let mut phone = Agent::start("127.0.0.1:0", &["127.0.0.1"]).await;
    let mut server = Agent::start("127.0.0.1:0", &[]).await;

    let placed = server
        .signalling
        .invite(invite(4, phone.address(), Transport::Udp));
    let (call, _) = phone.next_incoming().await;
    phone.signalling.ring(call);
    assert!(matches!(server.next().await, Event::Ringing { .. }));
    server.signalling.hang_up(placed, Vec::new());

    assert!(matches!(
        phone.next().await,
        Event::Ended {
            ending: Ending::ByPeer { .. },
            ..
        }
    ));
    let Event::Failed { failure, .. } = server.next().await else {
        panic!("not failed");
    };
    assert_eq!(failure.cause, FailureCause::Cancelled);
    assert_eq!(failure.provisionals[0].status, 180);
}

#[tokio::test]
async fn nobody_at_the_other_end_of_a_connection_is_told_at_once() {
    let mut server = Agent::start("127.0.0.1:0", &[]).await;
    let vacant = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = vacant.local_addr().unwrap();
    drop(vacant);

    server.signalling.invite(invite(5, address, Transport::Tcp));
    let Event::Failed { failure, .. } = server.next().await else {
        panic!("not failed");
    };
    assert!(
        matches!(failure.cause, FailureCause::Transport(_)),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let first = Agent::start("127.0.0.1:0", &[]).await;
    let config = Config::new(vec![first.address()]);
    let error = start(config, Arc::new(Directory::default()), Vec::new())
        .await
        .err()
        .expect("the port is taken");

    assert_eq!(error.address, first.address());
    assert!(
        error
            .to_string()
            .contains("Cannot listen for SIP on 127.0.0.1:"),
        "{error}"
    );
}

#[tokio::test]
async fn stopping_ends_the_calls_and_refuses_new_ones() {
    let mut phone = Agent::start("127.0.0.1:0", &["127.0.0.1"]).await;
    let mut server = Agent::start("127.0.0.1:0", &["127.0.0.1"]).await;
    server
        .signalling
        .invite(invite(6, phone.address(), Transport::Udp));
    let (call, _) = phone.next_incoming().await;
    phone
        .signalling
        .answer(call, LocalMedia::at("127.0.0.1:50000".parse().unwrap()));
    assert!(matches!(phone.next().await, Event::Answered { .. }));
    assert!(matches!(server.next().await, Event::Answered { .. }));

    server.signalling.drain(Duration::from_secs(30));
    phone
        .signalling
        .invite(invite(7, server.address(), Transport::Udp));
    let Event::Failed { failure, .. } = phone.next().await else {
        panic!("not failed");
    };
    assert_eq!(
        (failure.status, failure.retry_after_s),
        (Some(503), Some(30))
    );

    server.signalling.stop().await;
    assert!(matches!(
        phone.next().await,
        Event::Ended {
            ending: Ending::ByPeer { .. },
            ..
        }
    ));
}
