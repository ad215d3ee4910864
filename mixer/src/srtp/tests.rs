//! What phones encrypt with is opened, once, in any order; nothing else is.

use super::*;
use crate::testing::hex;
use proptest::prelude::*;

/// That of RFC 3711 B.3.
fn master() -> [u8; KEY] {
    hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6")
        .try_into()
        .unwrap()
}

fn rtp(sequence: u16) -> Vec<u8> {
    let mut packet = hex("800f0000 decafbad cafebabe abababababababababababababababab");
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet
}

/// Of libsrtp's own test, which follows the RFC's keys.
#[test]
fn a_packet_is_encrypted_and_tagged_as_others_do() {
    let mut packet = rtp(0x1234);
    Outbound::new(Session::counter(&master(), Profile::Sha1_80)).protect_rtp(&mut packet);
    assert_eq!(
        packet,
        hex("800f1234 decafbad cafebabe 4e55dc4ce79978d88ca4d215949d2402
             b78d6acc99ea179b8dbb")
    );
}

#[test]
fn what_is_protected_is_opened_in_every_order_and_only_once() {
    for profile in [Profile::Sha1_80, Profile::Sha1_32] {
        let mut out = Outbound::new(Session::counter(&master(), profile));
        let mut inside = Inbound::new(Session::counter(&master(), profile));
        // Over the turn of the numbers, every third and fourth exchanged.
        let plain: Vec<_> = (0..400u16).map(|i| rtp(i.wrapping_add(0xff00))).collect();
        let mut sent: Vec<_> = plain
            .iter()
            .map(|packet| {
                let mut packet = packet.clone();
                out.protect_rtp(&mut packet);
                packet
            })
            .collect();
        for i in (2..400).step_by(4) {
            sent.swap(i, i + 1);
        }
        let mut opened: Vec<_> = sent
            .iter()
            .map(|packet| inside.open_rtp(&mut packet.clone()).unwrap().to_vec())
            .collect();
        for i in (2..400).step_by(4) {
            opened.swap(i, i + 1);
        }
        assert_eq!(opened, plain);
        let again = sent
            .iter()
            .filter(|packet| inside.open_rtp(&mut packet.to_vec()).is_some());
        assert_eq!(again.count(), 0);
    }
}

#[test]
fn reports_go_both_ways_and_only_once() {
    let mut out = Outbound::new(Session::counter(&master(), Profile::Sha1_32));
    let mut inside = Inbound::new(Session::counter(&master(), Profile::Sha1_32));
    for i in 0..5 {
        let mut plain = Vec::new();
        crate::rtcp::compose(5, None, None, i, i == 4, &mut plain);
        let mut packet = plain.clone();
        out.protect_rtcp(&mut packet);
        assert_ne!(packet[8..plain.len()], plain[8..]);
        assert_eq!(inside.open_rtcp(&mut packet.clone()), Some(&plain[..]));
        assert_eq!(inside.open_rtcp(&mut packet), None);
    }
}

#[test]
fn a_forged_packet_is_not_heard_and_moves_nothing() {
    let mut out = Outbound::new(Session::counter(&master(), Profile::Sha1_80));
    let mut inside = Inbound::new(Session::counter(&master(), Profile::Sha1_80));
    let mut first = rtp(10);
    out.protect_rtp(&mut first);
    assert!(inside.open_rtp(&mut first).is_some());

    // Of another key, far ahead, so that a careless receiver would turn its numbers over.
    let mut other = [7; KEY];
    other[0] = 1;
    let mut forger = Outbound::new(Session::counter(&other, Profile::Sha1_80));
    for sequence in [11, 0x9000, 0xffff] {
        let mut forged = rtp(sequence);
        forger.protect_rtp(&mut forged);
        assert_eq!(inside.open_rtp(&mut forged), None);
    }
    let mut next = rtp(11);
    out.protect_rtp(&mut next);
    assert_eq!(inside.open_rtp(&mut next), Some(&rtp(11)[..]));
}

proptest! {
    #[test]
    fn no_datagram_panics_and_none_is_believed(mut bytes in prop::collection::vec(any::<u8>(), 0..200), rtp in any::<bool>()) {
        if rtp && bytes.len() > 12 {
            bytes[0] = bytes[0] & 0x3f | 0x80;
        }
        let mut inside = Inbound::new(Session::counter(&master(), Profile::Sha1_80));
        prop_assert!(inside.open_rtp(&mut bytes.clone()).is_none());
        prop_assert!(inside.open_rtcp(&mut bytes.clone()).is_none());
        let mut out = Outbound::new(Session::counter(&master(), Profile::Sha1_80));
        out.protect_rtp(&mut bytes.clone());
        out.protect_rtcp(&mut bytes);
    }
}
