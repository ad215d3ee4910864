//! RTP packets (RFC 3550 §5), their header extensions (RFC 8285) and the audio
//! level some phones put there (RFC 6464).
//!
//! Reading borrows from the datagram and trusts nothing in it. What we write is
//! always the bare 12 bytes: the payload is shared by all who hear the same, so
//! that a listener costs a header.

/// An RTP packet, as it lies in a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    pub header: Header,
    pub payload: &'a [u8],
    /// Header extension: its profile number and its data.
    pub extension: Option<(u16, &'a [u8])>,
}

/// The fields of the fixed header that mean something to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// First packet of a talkspurt, or of a telephone event.
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    /// In units of the codec's clock.
    pub timestamp: u32,
    pub ssrc: u32,
}

/// Why a datagram is not RTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRtp {
    #[error("The datagram is shorter than it says")]
    Short,
    #[error("The version is not 2")]
    Version,
    #[error("It is RTCP")]
    Rtcp,
    #[error("The padding is longer than the payload")]
    Padding,
}

/// The length of the headers we write.
pub const HEADER: usize = 12;
/// RFC 8285 §4.2: one-byte extension headers.
const ONE_BYTE: u16 = 0xbede;

impl<'a> Packet<'a> {
    pub fn parse(datagram: &'a [u8]) -> Result<Self, NotRtp> {
        let (fixed, mut rest) = datagram
            .split_first_chunk::<HEADER>()
            .ok_or(NotRtp::Short)?;
        let [flags, kind, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3] = *fixed;
        if flags >> 6 != 2 {
            return Err(NotRtp::Version);
        }
        if is_rtcp(datagram) {
            return Err(NotRtp::Rtcp);
        }

        let contributors = usize::from(flags & 0x0f) * 4;
        rest = rest.get(contributors..).ok_or(NotRtp::Short)?;
        let mut extension = None;
        if flags & 0x10 != 0 {
            let (&[p0, p1, l0, l1], after) = rest.split_first_chunk().ok_or(NotRtp::Short)?;
            let length = usize::from(u16::from_be_bytes([l0, l1])) * 4;
            let (data, after) = after.split_at_checked(length).ok_or(NotRtp::Short)?;
            extension = Some((u16::from_be_bytes([p0, p1]), data));
            rest = after;
        }
        if flags & 0x20 != 0 {
            let &padding = rest.last().ok_or(NotRtp::Padding)?;
            let length = rest
                .len()
                .checked_sub(usize::from(padding))
                .ok_or(NotRtp::Padding)?;
            if padding == 0 {
                return Err(NotRtp::Padding);
            }
            rest = &rest[..length];
        }

        Ok(Self {
            header: Header {
                marker: kind & 0x80 != 0,
                payload_type: kind & 0x7f,
                sequence: u16::from_be_bytes([s0, s1]),
                timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
                ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
            },
            payload: rest,
            extension,
        })
    }

    /// The speaker's level by RFC 6464 in dBov (0 to -127), if the packet carries it under `id`.
    pub fn level(&self, id: u8) -> Option<i8> {
        let (ONE_BYTE, mut data) = self.extension? else {
            return None;
        };
        while let Some((&head, rest)) = data.split_first() {
            match head >> 4 {
                0 => data = rest, // padding
                15 => return None,
                element => {
                    let (value, rest) = rest.split_at_checked(usize::from(head & 0x0f) + 1)?;
                    if element == id {
                        return Some(-((value[0] & 0x7f) as i8));
                    }
                    data = rest;
                }
            }
        }
        None
    }
}

impl Header {
    pub fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0] = 2 << 6;
        bytes[1] = u8::from(self.marker) << 7 | self.payload_type & 0x7f;
        bytes[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        bytes
    }
}

/// Tells RTCP from RTP on a port they share (RFC 5761 §4).
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [flags, 192..=223, ..] if flags >> 6 == 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: Header = Header {
        marker: true,
        payload_type: 9,
        sequence: 0xfffe,
        timestamp: 0x0102_0304,
        ssrc: 0xdead_beef,
    };

    #[test]
    fn what_is_written_is_read_back() {
        let mut datagram = HEAD.to_bytes().to_vec();
        datagram.extend([1, 2, 3]);

        let packet = Packet::parse(&datagram).unwrap();

        assert_eq!(packet.header, HEAD);
        assert_eq!(packet.payload, [1, 2, 3]);
        assert_eq!(packet.extension, None);
    }

    #[test]
    fn contributors_extension_and_padding_are_not_payload() {
        let mut datagram = HEAD.to_bytes().to_vec();
        datagram[0] |= 0x20 | 0x10 | 2;
        datagram.extend([0; 8]); // two contributors
        datagram.extend([0xbe, 0xde, 0, 1, 0x10, 0x80 | 42, 0, 0]); // id 1: voice, -42 dBov
        datagram.extend([7, 8, 9]);
        datagram.extend([0, 2]); // padding of two

        let packet = Packet::parse(&datagram).unwrap();

        assert_eq!(packet.payload, [7, 8, 9]);
        assert_eq!(packet.level(1), Some(-42));
        assert_eq!(packet.level(2), None);
    }

    #[test]
    fn lies_about_lengths_are_found() {
        let mut datagram = HEAD.to_bytes().to_vec();
        assert_eq!(Packet::parse(&datagram[..11]), Err(NotRtp::Short));
        datagram[0] = 0x8f;
        assert_eq!(Packet::parse(&datagram), Err(NotRtp::Short));
        datagram[0] = 0x90;
        datagram.extend([0, 0, 0xff, 0xff]);
        assert_eq!(Packet::parse(&datagram), Err(NotRtp::Short));
        datagram[0] = 0xa0;
        assert_eq!(Packet::parse(&datagram), Err(NotRtp::Padding));
        datagram[0] = 0x40;
        assert_eq!(Packet::parse(&datagram), Err(NotRtp::Version));
        datagram[0] = 0x80;
        datagram[1] = 200;
        assert_eq!(Packet::parse(&datagram), Err(NotRtp::Rtcp));
    }

    proptest! {
        #[test]
        fn no_datagram_panics(datagram in prop::collection::vec(any::<u8>(), 0..80), id in 1u8..15) {
            if let Ok(packet) = Packet::parse(&datagram) {
                let _ = packet.level(id);
                prop_assert!(packet.payload.len() + HEADER <= datagram.len());
            }
        }
    }
}
