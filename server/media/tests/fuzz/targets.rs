//! What strangers may send to the port of browsers, as functions from bytes to nothing: see
//! `mixer/tests/fuzz/targets.rs`.

use std::net::SocketAddr;

use media::answer_to_check;

/// The sample request of RFC 5769 §2.1, and its password.
const GENUINE: &[u8] = include_bytes!("corpus/stun/rfc5769");
const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";
/// Its last attribute is a checksum, which proves nothing and is not proved.
const CHECKSUM: usize = 8;

/// Whoever does not know the password gets no answer at all, and nobody's is longer than twice
/// what he sent. The bytes are a datagram; then pairs of a place in the genuine request and what
/// is wrong there.
pub fn stun(bytes: &[u8]) {
    let from: SocketAddr = ([192, 0, 2, 7], 4_000).into();
    if let Some(answer) = answer_to_check(bytes, PASSWORD, from) {
        assert!(answer.as_ref().len() <= 2 * bytes.len());
    }
    let mut datagram = GENUINE.to_vec();
    for pair in bytes.chunks_exact(2) {
        let at = usize::from(pair[0]) % datagram.len();
        datagram[at] ^= pair[1];
    }
    let proved = GENUINE.len() - CHECKSUM;
    let answer = answer_to_check(&datagram, PASSWORD, from);
    assert!(answer.is_none() || datagram[..proved] == GENUINE[..proved]);
    assert!(answer_to_check(&datagram, "another", from).is_none());
    // Cut short it is no request, or one that proves nothing.
    let cut = bytes.first().map_or(0, |&byte| usize::from(byte) % proved);
    assert!(answer_to_check(&GENUINE[..cut], PASSWORD, from).is_none());
}

/// The genuine request is answered: what is tried above could be.
pub fn genuine_is_answered() {
    let from: SocketAddr = ([192, 0, 2, 7], 4_000).into();
    let answer = answer_to_check(GENUINE, PASSWORD, from).expect("it proves itself");
    // A success, for the same transaction.
    assert_eq!(answer.as_ref()[..2], [1, 1]);
    assert_eq!(answer.as_ref()[4..20], GENUINE[4..20]);
}
