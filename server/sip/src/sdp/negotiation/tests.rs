use super::*;

const PEER: &str = "192.0.2.1";

fn peer() -> IpAddr {
    PEER.parse().unwrap()
}

fn ours(codecs: &[Codec]) -> Negotiation {
    Negotiation::new("198.51.100.7:30000".parse().unwrap(), codecs.to_vec(), 42)
}

fn offer(lines: &str) -> Vec<u8> {
    format!("v=0\r\no=- 1 1 IN IP4 {PEER}\r\ns=-\r\nc=IN IP4 {PEER}\r\nt=0 0\r\n{lines}")
        .into_bytes()
}

fn answered(negotiation: &mut Negotiation, lines: &str) -> String {
    String::from_utf8(negotiation.answer(&offer(lines), peer()).unwrap()).unwrap()
}

#[test]
fn both_sides_of_ourselves_agree() {
    let mut caller = ours(&Codec::ALL);
    let mut called = Negotiation::new(
        "192.0.2.1:4000".parse().unwrap(),
        vec![Codec::Pcma, Codec::Opus],
        7,
    );

    let answer = called
        .answer(&caller.offer(), "198.51.100.7".parse().unwrap())
        .unwrap();
    caller.accept(&answer, peer()).unwrap();

    let (a, b) = (caller.agreed().unwrap(), called.agreed().unwrap());
    assert_eq!((a.codec, b.codec), (Codec::Pcma, Codec::Pcma));
    assert_eq!(a.remote, "192.0.2.1:4000".parse().unwrap());
    assert_eq!(b.remote_rtcp, "198.51.100.7:30001".parse().unwrap());
    assert_eq!((a.dtmf, b.dtmf), (Some(101), Some(101)));
    assert_eq!(a.direction, Direction::SendRecv);
}

#[test]
fn hold_is_understood_in_every_spelling_and_ends() {
    let mut media = ours(&[Codec::Pcmu]);
    answered(&mut media, "m=audio 4000 RTP/AVP 0\r\n");
    for (spelling, direction, said) in [
        (
            "m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n",
            Direction::RecvOnly,
            "a=recvonly",
        ),
        (
            "m=audio 4000 RTP/AVP 0\r\na=inactive\r\n",
            Direction::Inactive,
            "a=inactive",
        ),
        (
            "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n",
            Direction::RecvOnly,
            "a=recvonly",
        ),
    ] {
        let answer = answered(&mut media, spelling);
        assert_eq!(media.agreed().unwrap().direction, direction);
        assert!(media.agreed().unwrap().held_by_peer());
        assert!(answer.contains(said), "{answer}");
        assert_eq!(media.agreed().unwrap().remote.ip(), peer());

        answered(&mut media, "m=audio 4000 RTP/AVP 0\r\n");
        assert_eq!(media.agreed().unwrap().direction, Direction::SendRecv);
    }
}

#[test]
fn the_version_grows_with_a_change_and_only_then() {
    let mut media = ours(&Codec::ALL);
    let first = media.offer();
    assert_eq!(media.offer(), first);
    media.set_wish(Direction::Inactive);
    let held = String::from_utf8(media.offer()).unwrap();
    assert!(held.contains("o=- 42 2 IN IP4 198.51.100.7"), "{held}");
}

#[test]
fn other_streams_are_declined_in_their_place() {
    let mut media = ours(&Codec::ALL);
    let answer = answered(
        &mut media,
        "m=video 4000 RTP/AVP 31\r\nm=audio 4002 RTP/SAVP 0\r\nm=audio 4004 RTP/AVP 8 0\r\nm=application 9 UDP/DTLS/SCTP x\r\n",
    );
    let ports: Vec<&str> = answer.lines().filter(|l| l.starts_with("m=")).collect();
    assert_eq!(
        ports,
        [
            "m=video 0 RTP/AVP 31",
            "m=audio 0 RTP/SAVP 0",
            "m=audio 30000 RTP/AVP 0",
            "m=application 0 UDP/DTLS/SCTP x"
        ]
    );

    media.set_wish(Direction::Inactive);
    let again = String::from_utf8(media.offer()).unwrap();
    assert_eq!(again.matches("m=").count(), 4);
}

const OURS: SrtpKey = SrtpKey([7; 30]);
const KEY: &str = "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

fn encrypted(encryption: Encryption) -> Negotiation {
    ours(&[Codec::Pcmu]).encrypted(encryption)
}

#[test]
fn both_sides_of_ourselves_agree_on_keys() {
    for (theirs, savp) in [
        (Encryption::Offered(SrtpKey([9; 30])), false),
        (Encryption::Required(SrtpKey([9; 30])), true),
    ] {
        let mut caller = encrypted(theirs);
        let mut called = encrypted(Encryption::Offered(OURS));
        let answer = called
            .answer(&caller.offer(), "198.51.100.7".parse().unwrap())
            .unwrap();
        caller
            .accept(&answer, "198.51.100.7".parse().unwrap())
            .unwrap();

        let (a, b) = (caller.agreed().unwrap(), called.agreed().unwrap());
        let (a, b) = (a.srtp.unwrap(), b.srtp.unwrap());
        assert_eq!((a.ours, a.theirs), (b.theirs, b.ours));
        assert_eq!((a.suite, a.ours), (b.suite, SrtpKey([9; 30])));
        assert_eq!(called.agreed().unwrap().savp, savp);
        // An offer made for another reason keeps to it.
        let again = String::from_utf8(called.offer()).unwrap();
        assert_eq!(again.contains("RTP/SAVP"), savp, "{again}");
    }
}

#[test]
fn what_does_not_fit_the_policy_is_refused() {
    let secure = format!("m=audio 4000 RTP/SAVP 0\r\na=crypto:4 AES_CM_128_HMAC_SHA1_32 {KEY}\r\n");
    let keyless = "m=audio 4000 RTP/SAVP 0\r\n";
    let plain = "m=audio 4000 RTP/AVP 0\r\n";
    let answer = |encryption, lines: &str| encrypted(encryption).answer(&offer(lines), peer());

    let (optional, required) = (Encryption::Offered(OURS), Encryption::Required(OURS));
    assert_eq!(
        answer(Encryption::Off, &secure),
        Err(Unacceptable::NoCommonCodec)
    );
    assert_eq!(answer(optional, keyless), Err(Unacceptable::NoCommonCodec));
    assert_eq!(answer(required, plain), Err(Unacceptable::NotEncrypted));
    assert!(answer(optional, plain).is_ok());
    let taken = String::from_utf8(answer(required, &secure).unwrap()).unwrap();
    assert!(taken.contains("m=audio 30000 RTP/SAVP 0\r\n"), "{taken}");
    assert!(
        taken.contains("a=crypto:4 AES_CM_128_HMAC_SHA1_32 inline:BwcH"),
        "{taken}"
    );
}

#[test]
fn an_answer_without_keys_is_plain_where_that_is_allowed() {
    let accept = |encryption, lines: &str| {
        let mut caller = encrypted(encryption);
        caller.offer();
        caller
            .accept(&offer(lines), peer())
            .map(|()| caller.agreed().unwrap().srtp)
    };
    let plain = "m=audio 4000 RTP/AVP 0\r\n";
    let foreign = format!("{plain}a=crypto:9 AES_CM_128_HMAC_SHA1_80 {KEY}\r\n");

    assert_eq!(accept(Encryption::Offered(OURS), plain), Ok(None));
    assert_eq!(accept(Encryption::Offered(OURS), &foreign), Ok(None));
    assert_eq!(
        accept(Encryption::Required(OURS), plain),
        Err(Unacceptable::NotEncrypted)
    );
}

#[test]
fn audio_is_never_aimed_where_the_peer_is_not() {
    let at = |address: &str, peer: &str| {
        let body = format!(
            "v=0\r\no=- 1 1 IN IP4 x\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
        );
        Negotiation::preview(&[Codec::Pcmu], body.as_bytes(), peer.parse().unwrap())
            .map(|m| m.remote.ip())
    };
    assert_eq!(at("127.0.0.1", "192.0.2.1"), Err(Unacceptable::Address));
    assert_eq!(at("169.254.1.1", "192.0.2.1"), Err(Unacceptable::Address));
    assert_eq!(at("224.0.0.1", "127.0.0.1"), Err(Unacceptable::Address));
    assert_eq!(
        at("255.255.255.255", "127.0.0.1"),
        Err(Unacceptable::Address)
    );
    assert_eq!(
        at("127.0.0.2", "127.0.0.1"),
        Ok("127.0.0.2".parse().unwrap())
    );
    assert_eq!(at("10.0.0.1", "192.0.2.1"), Ok("10.0.0.1".parse().unwrap()));
}

#[test]
fn nothing_in_common_is_said_so() {
    let unknown = offer("m=audio 4000 RTP/AVP 18\r\n");
    assert_eq!(
        ours(&Codec::ALL).answer(&unknown, peer()),
        Err(Unacceptable::NoCommonCodec)
    );
    let mut media = ours(&Codec::ALL);
    media.offer();
    assert_eq!(
        media.accept(&offer("m=audio 0 RTP/AVP 0\r\n"), peer()),
        Err(Unacceptable::NoCommonCodec)
    );
}

#[test]
fn a_payload_type_keeps_its_meaning_whoever_offers() {
    let mut media = ours(&Codec::ALL);
    answered(
        &mut media,
        "m=audio 4000 RTP/AVP 101 96 97\r\na=rtpmap:101 opus/48000/2\r\na=rtpmap:96 telephone-event/48000\r\na=rtpmap:97 telephone-event/8000\r\n",
    );
    let offer = String::from_utf8(media.offer()).unwrap();
    assert!(
        offer.contains("m=audio 30000 RTP/AVP 101 9 0 8 97 96\r\n"),
        "{offer}"
    );
}

#[test]
fn events_follow_the_clock_of_the_codec() {
    let mut media = ours(&[Codec::Opus]);
    let answer = answered(
        &mut media,
        "m=audio 4000 RTP/AVP 107 101 102\r\na=rtpmap:107 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\na=rtpmap:102 telephone-event/48000\r\n",
    );
    assert_eq!(media.agreed().unwrap().dtmf, Some(102));
    assert_eq!(media.agreed().unwrap().receive_dtmf, [101, 102]);
    assert!(answer.contains("m=audio 30000 RTP/AVP 107 101 102"));
}
