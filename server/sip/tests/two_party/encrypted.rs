//! Audio that is encrypted because a phone wants it so (RFC 4568).

use sip::{
    Command, Event, LocalMedia,
    message::{Message, Request},
};

use crate::{
    pair::{Door, address, audio},
    solo::{Solo, ok},
};

const KEY: &str = "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

fn body(request: &Request) -> String {
    String::from_utf8(request.body.clone()).unwrap()
}

fn secure(tag: u32, key: &str) -> Vec<u8> {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n\
         m=audio 40000 RTP/SAVP 0\r\na=crypto:{tag} AES_CM_128_HMAC_SHA1_80 {key}\r\n"
    )
    .into_bytes()
}

#[test]
fn a_phone_that_refuses_audio_in_the_clear_is_offered_it_encrypted() {
    let mut solo = Solo::new(Door::Open);
    let (_, invite) = solo.dial(|invite| invite.may_encrypt = true);
    assert!(!body(&invite).contains("crypto"));
    solo.reply(&invite.response(488, Some("theirs")));
    let requests = solo.requests();
    let (_, again) = requests.last().unwrap();
    assert!(body(again).contains("m=audio 4000"), "{}", body(again));
    assert!(body(again).contains(" RTP/SAVP "), "{}", body(again));
    assert_eq!(again.headers.get("Call-ID"), invite.headers.get("Call-ID"));

    let mut answer = ok(again, "theirs");
    answer.body = secure(1, KEY);
    solo.reply(&answer);
    solo.sent();
    let Some(Event::Answered { media, .. }) = solo.events.pop() else {
        panic!("{:?}", solo.events);
    };
    let agreed = media.srtp.unwrap();
    assert_ne!(agreed.ours, agreed.theirs);
    assert_eq!(agreed.theirs.0[..4], *b"=-n@");
}

#[test]
fn a_phone_that_wants_neither_is_not_asked_for_ever_and_an_operator_only_once() {
    for (may_encrypt, asked) in [(true, 2), (false, 1)] {
        let mut solo = Solo::new(Door::Open);
        let (_, mut invite) = solo.dial(|invite| invite.may_encrypt = may_encrypt);
        let mut invites = 1;
        loop {
            solo.reply(&invite.response(488, Some("theirs")));
            let sent = solo.requests().into_iter().map(|(_, request)| request);
            let mut again = sent.filter(|request| request.method.as_str() == "INVITE");
            let Some(next) = again.next() else {
                break;
            };
            invite = next;
            invites += 1;
        }
        assert_eq!(invites, asked);
        assert!(
            matches!(solo.events.pop(), Some(Event::Failed { failure, .. }) if failure.status == Some(488))
        );
    }
}

#[test]
fn who_calls_with_keys_gets_ours_and_who_calls_without_gets_none() {
    for (sdp, encrypted) in [
        (secure(7, KEY), true),
        (
            String::from_utf8(secure(7, KEY))
                .unwrap()
                .replace("SAVP", "AVP")
                .into_bytes(),
            true,
        ),
        (crate::solo::ANSWER.as_bytes().to_vec(), false),
    ] {
        let mut solo = Solo::new(Door::Open);
        let head = format!(
            "INVITE sip:700@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKs\r\n\
             Max-Forwards: 70\r\nFrom: <sip:201@192.0.2.1>;tag=a\r\nTo: <sip:700@192.0.2.1>\r\n\
             Call-ID: s\r\nCSeq: 1 INVITE\r\nContact: <sip:201@{}>\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n",
            address(1),
            sdp.len(),
        );
        solo.receive(&[head.as_bytes(), &sdp].concat());
        solo.sent();
        let Some(Event::Incoming { call, .. }) = solo.events.pop() else {
            panic!("{:?}", solo.events);
        };
        let media: LocalMedia = audio(0);
        let answer = Command::Answer { call, media };
        solo.endpoint.command(answer, solo.now);
        let Some((_, Message::Response(answer))) = solo.sent().pop() else {
            panic!("no answer");
        };
        let text = String::from_utf8(answer.body).unwrap();
        let ours = text.contains("a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:");
        assert_eq!(ours, encrypted, "{text}");
        assert!(!text.contains(KEY));
    }
}
