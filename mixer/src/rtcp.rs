//! RTCP (RFC 3550 §6): what both sides tell each other about how audio arrives.
//!
//! We send compound packets: a sender report (or a receiver report, while we send
//! nothing), the source description with our CNAME, and at the end a BYE. Of what we
//! receive, the report blocks about our own stream and the sender's clock matter.

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
const CNAME: u8 = 1;

/// Seconds since 1900 in 32.32 fixed point (RFC 3550 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ntp(pub u64);

impl Ntp {
    /// The middle 32 bits: seconds in 16.16, as report blocks carry it.
    pub fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

/// What a sender says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    pub at: Ntp,
    /// The same instant as an RTP timestamp.
    pub timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

/// What a receiver says about one sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Block {
    /// The sender it is about.
    pub ssrc: u32,
    /// Share lost since the report before, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost since the beginning; negative if some came twice.
    pub lost: i32,
    /// Highest sequence number, extended by its cycles.
    pub highest: u32,
    /// Interarrival jitter, in timestamp units.
    pub jitter: u32,
    /// Middle of the NTP time of the last sender report heard; 0 if none was.
    pub last_report: u32,
    /// Time since it was heard, in 1/65536 s.
    pub since_report: u32,
}

/// Composes one compound packet into `out`, which it replaces.
pub fn compose(
    ssrc: u32,
    sender: Option<SenderInfo>,
    block: Option<Block>,
    cname: u64,
    bye: bool,
    out: &mut Vec<u8>,
) {
    out.clear();
    let kind = if sender.is_some() {
        SENDER_REPORT
    } else {
        RECEIVER_REPORT
    };
    let start = begin(out, u8::from(block.is_some()), kind, ssrc);
    if let Some(sender) = sender {
        out.extend(sender.at.0.to_be_bytes());
        out.extend(sender.timestamp.to_be_bytes());
        out.extend(sender.packets.to_be_bytes());
        out.extend(sender.octets.to_be_bytes());
    }
    if let Some(block) = block {
        write_block(&block, out);
    }
    end(out, start);

    let start = begin(out, 1, SOURCE_DESCRIPTION, ssrc);
    let name = format!("{cname:016x}");
    out.extend([CNAME, name.len() as u8]);
    out.extend(name.as_bytes());
    out.push(0);
    end(out, start);

    if bye {
        let start = begin(out, 1, BYE, ssrc);
        end(out, start);
    }
}

fn begin(out: &mut Vec<u8>, count: u8, kind: u8, ssrc: u32) -> usize {
    let start = out.len();
    out.extend([2 << 6 | count, kind, 0, 0]);
    out.extend(ssrc.to_be_bytes());
    start
}

/// Fills up to a whole word, and writes the length in words less one.
fn end(out: &mut Vec<u8>, start: usize) {
    while !(out.len() - start).is_multiple_of(4) {
        out.push(0);
    }
    let words = ((out.len() - start) / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

fn write_block(block: &Block, out: &mut Vec<u8>) {
    out.extend(block.ssrc.to_be_bytes());
    let lost = block.lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
    out.extend((u32::from(block.fraction_lost) << 24 | lost).to_be_bytes());
    out.extend(block.highest.to_be_bytes());
    out.extend(block.jitter.to_be_bytes());
    out.extend(block.last_report.to_be_bytes());
    out.extend(block.since_report.to_be_bytes());
}

/// One thing a compound packet says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    Sender { ssrc: u32, info: SenderInfo },
    About(Block),
    Bye { ssrc: u32 },
}

/// Reads a compound packet, calling `heard` for each thing of interest. What is
/// malformed ends the reading; what is unknown is passed over.
pub fn parse(mut datagram: &[u8], mut heard: impl FnMut(Report)) {
    while let Some((&[flags, kind, l0, l1], rest)) = datagram.split_first_chunk::<4>() {
        if flags >> 6 != 2 {
            return;
        }
        let length = usize::from(u16::from_be_bytes([l0, l1])) * 4;
        let Some((body, next)) = rest.split_at_checked(length) else {
            return;
        };
        let count = usize::from(flags & 0x1f);
        match kind {
            SENDER_REPORT => {
                if let (Some(ssrc), Some(info)) = (word(body, 0), sender_info(body)) {
                    heard(Report::Sender { ssrc, info });
                    read_blocks(&body[24..], count, &mut heard);
                }
            }
            RECEIVER_REPORT => read_blocks(body.get(4..).unwrap_or(&[]), count, &mut heard),
            BYE => (0..count)
                .filter_map(|i| word(body, i * 4))
                .for_each(|ssrc| heard(Report::Bye { ssrc })),
            _ => {}
        }
        datagram = next;
    }
}

fn sender_info(body: &[u8]) -> Option<SenderInfo> {
    let high = u64::from(word(body, 4)?);
    let low = u64::from(word(body, 8)?);
    Some(SenderInfo {
        at: Ntp(high << 32 | low),
        timestamp: word(body, 12)?,
        packets: word(body, 16)?,
        octets: word(body, 20)?,
    })
}

fn read_blocks(body: &[u8], count: usize, heard: &mut impl FnMut(Report)) {
    for block in body.chunks_exact(24).take(count) {
        let at = |offset| word(block, offset).unwrap_or_default();
        let loss = at(4);
        heard(Report::About(Block {
            ssrc: at(0),
            fraction_lost: (loss >> 24) as u8,
            lost: ((loss << 8) as i32) >> 8, // sign-extended from 24 bits
            highest: at(8),
            jitter: at(12),
            last_report: at(16),
            since_report: at(20),
        }));
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INFO: SenderInfo = SenderInfo {
        at: Ntp(0x0102_0304_0506_0708),
        timestamp: 9,
        packets: 10,
        octets: 11,
    };
    const BLOCK: Block = Block {
        ssrc: 77,
        fraction_lost: 25,
        lost: -3,
        highest: 0x1_ffff,
        jitter: 12,
        last_report: 0x0304_0506,
        since_report: 13,
    };

    fn read(datagram: &[u8]) -> Vec<Report> {
        let mut reports = Vec::new();
        parse(datagram, |report| reports.push(report));
        reports
    }

    #[test]
    fn what_is_composed_is_read_back() {
        let mut datagram = Vec::new();
        compose(5, Some(INFO), Some(BLOCK), 0xabc, true, &mut datagram);

        assert!(crate::rtp::is_rtcp(&datagram));
        assert!(datagram.len().is_multiple_of(4));
        assert_eq!(
            read(&datagram),
            [
                Report::Sender {
                    ssrc: 5,
                    info: INFO
                },
                Report::About(BLOCK),
                Report::Bye { ssrc: 5 }
            ]
        );
        assert!(datagram.windows(16).any(|w| w == b"0000000000000abc"));
    }

    #[test]
    fn without_sending_it_is_a_receiver_report() {
        let mut datagram = Vec::new();
        compose(5, None, Some(BLOCK), 1, false, &mut datagram);

        assert_eq!(datagram[1], RECEIVER_REPORT);
        assert_eq!(read(&datagram), [Report::About(BLOCK)]);
        assert_eq!(INFO.at.middle(), 0x0304_0506);
    }

    proptest! {
        #[test]
        fn no_datagram_panics(mut datagram in prop::collection::vec(any::<u8>(), 0..120), kind in 199u8..205) {
            if datagram.len() > 4 {
                datagram[0] = datagram[0] & 0x3f | 0x80;
                datagram[1] = kind;
                datagram[2] = 0;
                datagram[3] %= 32;
            }
            read(&datagram);
        }
    }
}
