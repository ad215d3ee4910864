//! RTP packets (RFC 3550 §5.1) and key presses as telephone events (RFC 4733 §2.3).
//!
//! Written here once more, beside the server's own, so that the two check each other.

/// The state of an outgoing stream.
#[derive(Debug, Clone)]
pub struct Sender {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
}

impl Sender {
    /// `seed` makes SSRC and first sequence number.
    pub fn new(seed: u32) -> Self {
        let ssrc = seed.wrapping_mul(0x9E37_79B9) ^ 0x5bd1_e995;
        Self {
            ssrc,
            sequence: (ssrc >> 7) as u16 & 0x7fff,
            timestamp: ssrc.rotate_left(11),
        }
    }

    /// The next packet of audio; `ticks` is its length at the RTP clock.
    pub fn audio(&mut self, payload_type: u8, marker: bool, payload: &[u8], ticks: u32) -> Vec<u8> {
        let packet = self.packet(payload_type, marker, self.timestamp, payload);
        self.timestamp = self.timestamp.wrapping_add(ticks);
        packet
    }

    /// Lets time pass without a packet.
    pub fn skip(&mut self, ticks: u32) {
        self.timestamp = self.timestamp.wrapping_add(ticks);
    }

    pub fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// One packet of a key press that began at timestamp `began`.
    pub fn event(
        &mut self,
        payload_type: u8,
        key: Key,
        began: u32,
        duration: u16,
        end: bool,
    ) -> Vec<u8> {
        let [high, low] = duration.to_be_bytes();
        // End bit, then a volume of -10 dBm0.
        let payload = [key.0, if end { 0x8a } else { 0x0a }, high, low];
        self.packet(payload_type, duration == 0, began, &payload)
    }

    fn packet(
        &mut self,
        payload_type: u8,
        marker: bool,
        timestamp: u32,
        payload: &[u8],
    ) -> Vec<u8> {
        let mut packet = Vec::with_capacity(12 + payload.len());
        packet.push(0x80);
        packet.push(payload_type & 0x7f | if marker { 0x80 } else { 0 });
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(timestamp.to_be_bytes());
        packet.extend(self.ssrc.to_be_bytes());
        packet.extend(payload);
        self.sequence = self.sequence.wrapping_add(1);
        packet
    }
}

/// A key of the telephone, as its event number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(u8);

impl Key {
    /// `0`-`9`, `*`, `#`, `A`-`D`.
    pub fn of(key: char) -> Option<Self> {
        let at = "0123456789*#ABCD".find(key.to_ascii_uppercase())?;
        u8::try_from(at).ok().map(Key)
    }
}

/// A packet that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    pub ssrc: u32,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub payload: &'a [u8],
}

/// Reads a packet; `None` for what is not RTP version 2 (or is RTCP, RFC 5761 §4).
pub fn parse(bytes: &[u8]) -> Option<Packet<'_>> {
    let (&[first, second, a, b, t0, t1, t2, t3, s0, s1, s2, s3], _) =
        bytes.split_first_chunk::<12>()?;
    if first >> 6 != 2 || (192..224).contains(&second) {
        return None;
    }
    let mut start = 12 + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let words = bytes.get(start + 2..start + 4)?;
        start += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    let padding = if first & 0x20 != 0 {
        usize::from(*bytes.last()?)
    } else {
        0
    };
    let end = bytes.len().checked_sub(padding)?;
    Some(Packet {
        ssrc: u32::from_be_bytes([s0, s1, s2, s3]),
        payload_type: second & 0x7f,
        sequence: u16::from_be_bytes([a, b]),
        timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
        payload: bytes.get(start..end)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_read_back_in_order() {
        let mut sender = Sender::new(7);

        let first = sender.audio(9, true, &[1, 2, 3], 160);
        let second = sender.audio(9, false, &[4], 160);

        let (first, second) = (parse(&first).unwrap(), parse(&second).unwrap());
        assert_eq!((first.payload_type, first.payload), (9, &[1, 2, 3][..]));
        assert_eq!(second.sequence, first.sequence.wrapping_add(1));
        assert_eq!(second.timestamp.wrapping_sub(first.timestamp), 160);
    }

    #[test]
    fn a_key_press_keeps_its_timestamp_to_the_end() {
        let mut sender = Sender::new(7);
        let began = sender.timestamp();
        let key = Key::of('#').unwrap();

        let start = sender.event(101, key, began, 0, false);
        sender.skip(800);
        let end = sender.event(101, key, began, 800, true);

        let (start, end) = (parse(&start).unwrap(), parse(&end).unwrap());
        assert_eq!(start.timestamp, end.timestamp);
        assert_eq!(start.payload, [11, 0x0a, 0, 0]);
        assert_eq!(end.payload, [11, 0x8a, 3, 0x20]);
    }

    #[test]
    fn extension_and_padding_are_no_audio() {
        let mut bytes = vec![0x80 | 0x20 | 0x10, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        bytes.extend([0xbe, 0xde, 0, 1, 9, 9, 9, 9, 42, 43, 0, 2]);

        assert_eq!(parse(&bytes).unwrap().payload, [42, 43]);
        assert_eq!(parse(&bytes[..13]), None);
        assert_eq!(parse(&[0x80, 200, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]), None);
    }
}
