//! The answers of an ICE-lite agent: whoever knows the password is told where he is seen.

use std::net::SocketAddr;

use is::stun::StunMessage;

use super::crypto::hmac_sha1;

/// No answer of ours is longer.
const LARGEST: usize = 128;

/// Whether a datagram of the port is STUN (RFC 7983 §7).
pub fn is_stun(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(0..=3))
}

/// Whether it is of a handshake.
pub fn is_dtls(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(20..=63))
}

/// A question whether we are here.
pub struct Request<'a>(StunMessage<'a>);

/// An answer, as it is sent.
pub struct Answer {
    bytes: [u8; LARGEST],
    length: usize,
}

impl<'a> Request<'a> {
    pub fn read(datagram: &'a [u8]) -> Option<Self> {
        let message = StunMessage::parse(datagram).ok()?;
        message.is_binding_request().then_some(Self(message))
    }

    /// Which of our user fragments it is for.
    pub fn ufrag(&self) -> Option<&str> {
        self.0.split_username().map(|(ours, _)| ours)
    }

    /// The browser has settled on the way this came by.
    pub fn nominates(&self) -> bool {
        self.0.use_candidate()
    }

    /// The answer, if the asker knows the password.
    pub fn answer(&self, password: &str, from: SocketAddr) -> Option<Answer> {
        if !self.0.verify(password.as_bytes(), hmac_sha1) {
            return None;
        }
        let mut bytes = [0; LARGEST];
        let length = StunMessage::binding_reply(self.0.trans_id(), from)
            .to_bytes(Some(password.as_bytes()), &mut bytes, hmac_sha1)
            .ok()?;
        Some(Answer { bytes, length })
    }
}

/// The answer to a datagram, if it is an address check by who knows the password.
pub fn answer_to_check(datagram: &[u8], password: &str, from: SocketAddr) -> Option<Answer> {
    Request::read(datagram)?.answer(password, from)
}

impl AsRef<[u8]> for Answer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use is::stun::TransId;

    fn asked(password: &str) -> Vec<u8> {
        let mut bytes = [0; 256];
        let request = StunMessage::binding_request("ours:theirs", TransId::new(), true, 1, 2, true);
        let length = request
            .to_bytes(Some(password.as_bytes()), &mut bytes, hmac_sha1)
            .unwrap();
        bytes[..length].to_vec()
    }

    #[test]
    fn whoever_knows_the_password_is_told_where_he_is_seen() {
        let from: SocketAddr = "192.0.2.7:4000".parse().unwrap();
        let datagram = asked("secret");
        let request = Request::read(&datagram).unwrap();
        assert_eq!((request.ufrag(), request.nominates()), (Some("ours"), true));
        assert!(request.answer("other", from).is_none());

        let answer = request.answer("secret", from).unwrap();
        let read = StunMessage::parse(answer.as_ref()).unwrap();
        assert_eq!(read.mapped_address(), Some(from));
        assert!(read.verify(b"secret", hmac_sha1));
    }

    #[test]
    fn what_is_broken_is_no_question() {
        let datagram = asked("secret");
        for at in 0..datagram.len() {
            assert!(Request::read(&datagram[..at]).is_none());
            let mut bytes = datagram.clone();
            bytes[at] ^= 0x55;
            let believed = Request::read(&bytes).is_some_and(|request| {
                request
                    .answer("secret", "192.0.2.7:1".parse().unwrap())
                    .is_some()
            });
            // The fingerprint behind the proof is nobody's proof.
            assert!(!believed || at >= datagram.len() - 8, "{at}");
        }
    }
}
