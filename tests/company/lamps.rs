//! What a desk phone sees of its colleagues and rooms, on the wire.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use serde_json::json;
use signalling::{Config, Signalling};
use sip::{
    Authority, CallIdentity, CallState, Credentials, Event, Hop, OutboundCredentials, Package,
    Presence, SipUri, Subscription, SubscriptionId, SubscriptionStatus, Told, Transport, TrunkId,
};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::sources::{House, house};

struct Nobody;

impl Authority for Nobody {
    fn credentials(&self, _: &str, _: &str) -> Option<Credentials> {
        None
    }

    fn trunk_by_source(&self, _: SocketAddr) -> Option<TrunkId> {
        None
    }
}

/// A desk phone with lamps.
struct Phone {
    signalling: Signalling,
    events: UnboundedReceiver<Event>,
    server: SocketAddr,
    secret: &'static str,
}

impl Phone {
    async fn new(house: &House, secret: &'static str) -> Self {
        let mut config = Config::new(vec!["127.0.0.1:0".parse().unwrap()]);
        config.registrar = false;
        config.packages = Vec::new();
        let (signalling, events) = signalling::start(config, Arc::new(Nobody), Vec::new())
            .await
            .unwrap();
        Phone {
            signalling,
            events,
            server: house.server.sip,
            secret,
        }
    }

    fn watch(&self, address: &str, package: Package) -> SubscriptionId {
        let address: SipUri = format!("sip:{address}").parse().unwrap();
        self.signalling.subscribe(Subscription {
            package,
            resource: address,
            watcher: "sip:visitor@northway.example".parse().unwrap(),
            route: Vec::new(),
            hop: Some(Hop::to(Transport::Udp, self.server)),
            contact_user: "visitor".to_owned(),
            credentials: Some(OutboundCredentials {
                username: "visitor".to_owned(),
                password: self.secret.to_owned(),
                realm: None,
            }),
            expires: Duration::from_secs(600),
            identity: CallIdentity::derive(uuid::Uuid::new_v4().into_bytes()),
        })
    }

    /// Waits until this is told of a watched address.
    async fn sees(&mut self, id: SubscriptionId, is_so: impl Fn(&Told) -> bool) {
        let look = async {
            while let Some(event) = self.events.recv().await {
                if let Event::Notified { id: of, told } = event
                    && of == id
                    && is_so(&told)
                {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), look)
            .await
            .expect("the lamp to change");
    }

    /// Waits until a subscription is refused, and says how.
    async fn refused(&mut self, id: SubscriptionId) -> Option<u16> {
        while let Some(event) = self.events.recv().await {
            if let Event::Subscription {
                id: of,
                status: SubscriptionStatus::Lost { status, .. },
            } = event
                && of == id
            {
                return status;
            }
        }
        None
    }
}

fn presence(told: &Told) -> Option<&Presence> {
    match told {
        Told::Presence(presence) => Some(presence),
        Told::Reg(_) | Told::Dialog(_) => None,
    }
}

fn is_open(told: &Told, open: Option<bool>) -> bool {
    presence(told).is_some_and(|presence| presence.open == open)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_phone_sees_who_is_free_busy_away_and_wants_quiet() {
    let house = house("events = []", "");
    let mut phone = Phone::new(&house, "visitor-company-1").await;

    // Offline is not idle, and unknown is neither.
    let zoya = phone.watch("114@northway.example", Package::Presence);
    phone.sees(zoya, |told| is_open(told, Some(false))).await;
    let viktor = phone.watch("212@northway.example", Package::Presence);
    phone.sees(viktor, |told| is_open(told, None)).await;
    let irina = phone.watch("101@northway.example", Package::Presence);
    phone.sees(irina, |told| is_open(told, Some(true))).await;
    let lamp = phone.watch("101@northway.example", Package::Dialog);
    phone.sees(lamp, |told| *told == Told::Dialog(None)).await;
    let room = phone.watch("9000@northway.example", Package::Dialog);
    phone.sees(room, |told| *told == Told::Dialog(None)).await;

    let report = house.meet(&["Irina Belova"]);
    house.wait_for(&report, "Irina Belova");
    let talks = |told: &Told| *told == Told::Dialog(Some(CallState::Confirmed));
    phone.sees(lamp, talks).await;
    phone.sees(room, talks).await;

    let path = format!("people/{}/do-not-disturb", house.person("Zoya Petrenko"));
    house.api.put(&path, &json!({ "on": true })).ok();
    phone
        .sees(zoya, |told| presence(told).is_some_and(|one| one.dnd))
        .await;
    house.api.put(&path, &json!({ "on": false })).ok();
    phone
        .sees(zoya, |told| presence(told).is_some_and(|one| !one.dnd))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_sees_nothing_and_nobody_sees_what_is_not_there() {
    let house = house("events = []", "");
    let mut stranger = Phone::new(&house, "wrong").await;
    let irina = stranger.watch("101@northway.example", Package::Dialog);
    assert_eq!(stranger.refused(irina).await, Some(401));

    let mut phone = Phone::new(&house, "visitor-company-1").await;
    let nobody = phone.watch("555@northway.example", Package::Dialog);
    assert_eq!(phone.refused(nobody).await, Some(404));
    let packages = phone.watch("101@northway.example", Package::Reg);
    assert_eq!(phone.refused(packages).await, Some(489));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_wants_quiet_is_called_by_the_organisers_hand_alone() {
    let house = house("events = []", "");
    let irina = house.person("Irina Belova");
    let path = format!("people/{irina}/do-not-disturb");
    house.api.put(&path, &json!({ "on": true })).ok();
    let report = house.meet(&["Irina Belova"]);
    let invitation = house.waits_quietly(&report, "Irina Belova");
    assert_eq!(house.phones.times_called("Irina Belova"), 0);

    house
        .api
        .post(&format!("invitations/{invitation}/call"), &json!({}))
        .ok();
    house.wait_for(&report, "Irina Belova");
}
