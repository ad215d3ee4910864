//! Two instances call each other over real sockets on loopback.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use signalling::{
    AccountId, Authority, Bind, CallId, CallIdentity, Caller, Codec, Config, Credentials, Ending,
    Event, FailureCause, Hop, Host, Invite, LocalMedia, Names, OutboundCredentials, Party, Reason,
    Registration, RegistrationStatus, Rejection, Secret, Signalling, SipUri, Target, Transport,
    TrunkId, start,
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
        holds_ack: false,
        credentials: Some(credentials()),
        may_encrypt: false,
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

/// A name server that knows of one service: these ports, in this order.
async fn name_server(ports: Vec<u16>) -> SocketAddr {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, asker)) = socket.recv_from(&mut buffer).await {
            let mut answer = buffer[..length].to_vec();
            let name = String::from_utf8_lossy(&answer).into_owned();
            answer[2] = 0x81;
            answer[3] = if name.contains("_sip\u{4}_udp\u{8}operator\u{7}example") {
                0x80
            } else {
                0x83
            };
            if answer[3] == 0x80 {
                answer[7] = u8::try_from(ports.len()).unwrap();
                for (priority, port) in (1..).zip(&ports) {
                    answer.extend([0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, 17, 0, priority, 0, 1]);
                    answer.extend(port.to_be_bytes());
                    answer.extend(b"\x09localhost\0");
                }
            }
            _ = socket.send_to(&answer, asker).await;
        }
    });
    address
}

#[tokio::test]
async fn the_hosts_of_a_service_are_tried_in_their_order() {
    let mut operator = Agent::start("127.0.0.1:0", &["127.0.0.1"]).await;
    // Somebody who takes packets and says nothing.
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let ports = vec![
        silent.local_addr().unwrap().port(),
        operator.address().port(),
    ];
    let dns = name_server(ports).await;
    let config = Config {
        names: Names::new(Some(dns)),
        ..Config::new(vec!["127.0.0.1:0".parse().unwrap()])
    };
    let (signalling, _events) = start(config, Arc::new(Directory::default()), Vec::new())
        .await
        .unwrap();
    let mut call = invite(7, operator.address(), Transport::Udp);
    let host = Host::Name("operator.example".into());
    call.targets[0].uri = SipUri::new(Some("700"), host.clone(), None);
    call.targets[0].hop = Some(Hop::to_host(Transport::Udp, host, None));
    call.first_response_within = Some(Duration::from_millis(300));

    signalling.invite(call);

    let (_, caller) = operator.next_incoming().await;
    assert_eq!(caller, Caller::Trunk(TRUNK));
    let mut asked = [0; 2048];
    let (length, _) = silent.recv_from(&mut asked).await.unwrap();
    assert!(asked[..length].starts_with(b"INVITE sip:700@operator.example SIP/2.0\r\n"));
}

#[tokio::test]
async fn an_address_for_one_transport_opens_that_one_alone() {
    for (udp, tcp) in [(true, false), (false, true)] {
        let bind = Bind {
            address: "127.0.0.1:0".parse().unwrap(),
            udp,
            tcp,
        };
        let config = Config {
            bind: vec![bind],
            ..Config::new(Vec::new())
        };
        let (signalling, _events) = start(config, Arc::new(Directory::default()), Vec::new())
            .await
            .unwrap();
        let address = signalling.addresses()[0];

        let udp_is_free = tokio::net::UdpSocket::bind(address).await.is_ok();
        let tcp_is_free = tokio::net::TcpListener::bind(address).await.is_ok();

        assert_eq!((udp_is_free, tcp_is_free), (!udp, !tcp));
    }
}
