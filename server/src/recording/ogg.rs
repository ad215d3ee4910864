//! Opus in Ogg (RFC 3533, RFC 7845): a tenth of WAV's size for the same speech.
//!
//! A page is a second. It is written as a whole or taken back, so the file is valid
//! after each; a file whose writer died is cut after its last whole page, which
//! then is marked as the last ([`repair`]).

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use media::RECORDED_RATE;
use opus::{Application, Bitrate, Channels};

use super::storage::Storage;

/// Packets of 20 ms in a page.
const PACKETS: usize = 50;
/// Granules, at 48 kHz, in a packet of 20 ms.
const GRANULES: u64 = 960;
const FRAME: usize = RECORDED_RATE as usize / 50;
/// Speech in wide band; more is hardly heard.
const BIT_RATE: i32 = 24_000;
/// After so many silent frames the encoder's answer is always the same.
const STILL: u32 = 10;
const FIRST: u8 = 2;
const LAST: u8 = 4;
const CAPTURE: &[u8; 4] = b"OggS";
const HEADER: usize = 27;
/// The largest page is 65 kB; the last is found within twice that.
const TAIL: u64 = 140_000;

pub struct Ogg<S> {
    storage: S,
    encoder: opus::Encoder,
    serial: u32,
    pages: u32,
    /// Bytes of whole pages in the file, and where the last of them begins.
    length: u64,
    last: (u64, Vec<u8>),
    /// Packets of the page that is being filled: their bytes and lengths.
    body: Vec<u8>,
    lengths: Vec<usize>,
    /// Granules up to the end of that page.
    granule: u64,
    /// What the encoder is behind by, in granules.
    skip: u64,
    silent: u32,
    still: Vec<u8>,
}

impl<S: Storage> Ogg<S> {
    /// `title` is what players show.
    pub fn begin(storage: S, serial: u32, title: &str) -> io::Result<Self> {
        let mut encoder =
            opus::Encoder::new(RECORDED_RATE, Channels::Mono, Application::Voip).map_err(failed)?;
        encoder
            .set_bitrate(Bitrate::Bits(BIT_RATE))
            .map_err(failed)?;
        encoder.set_complexity(5).map_err(failed)?;
        let behind = encoder.get_lookahead().map_err(failed)?;
        let skip = u64::try_from(behind).unwrap_or(0) * u64::from(48_000 / RECORDED_RATE);
        let mut ogg = Self {
            storage,
            encoder,
            serial,
            pages: 0,
            length: 0,
            last: (0, Vec::new()),
            body: Vec::new(),
            lengths: Vec::new(),
            granule: 0,
            skip,
            silent: 0,
            still: Vec::new(),
        };
        let skip = u16::try_from(skip).unwrap_or(u16::MAX);
        let head = [
            &b"OpusHead\x01\x01"[..],
            &skip.to_le_bytes(),
            &RECORDED_RATE.to_le_bytes(),
            &[0, 0, 0],
        ]
        .concat();
        ogg.packet(&head);
        ogg.page(FIRST, 0)?;
        let comment = format!("TITLE={title}");
        let mut tags = b"OpusTags".to_vec();
        for text in ["Rollcall", &comment] {
            tags.extend((text.len() as u32).to_le_bytes());
            tags.extend(text.as_bytes());
            if text == "Rollcall" {
                tags.extend(1u32.to_le_bytes());
            }
        }
        ogg.packet(&tags);
        ogg.page(0, 0)?;
        Ok(ogg)
    }

    /// A frame of 20 ms.
    pub fn append(&mut self, samples: &[i16]) -> io::Result<()> {
        self.add(samples)?;
        if self.lengths.len() == PACKETS {
            self.page(0, self.granule)?;
            self.storage.settle()?;
        }
        Ok(())
    }

    fn add(&mut self, samples: &[i16]) -> io::Result<()> {
        self.silent = if samples.iter().all(|sample| *sample == 0) {
            self.silent.saturating_add(1)
        } else {
            0
        };
        if self.silent > STILL {
            let still = std::mem::take(&mut self.still);
            self.packet(&still);
            self.still = still;
        } else {
            let mut packet = [0; 1_275];
            let length = self.encoder.encode(samples, &mut packet).map_err(failed)?;
            self.packet(&packet[..length]);
            self.still = packet[..length].to_vec();
        }
        self.granule += GRANULES;
        Ok(())
    }

    /// Ends the file. What the encoder still holds back is brought out; after a failed
    /// write the last whole page becomes the end. Answers the size.
    pub fn close(mut self, failed: bool) -> io::Result<u64> {
        let ended = !failed && {
            // The lookahead is less than a frame: one more brings the last samples out.
            let end = self.granule + self.skip;
            self.add(&[0; FRAME])
                .and_then(|()| self.page(LAST, end))
                .is_ok()
        };
        if !ended {
            self.storage.cut(self.length)?;
            let (at, mut page) = std::mem::take(&mut self.last);
            mark_last(&mut page);
            self.storage.seek(SeekFrom::Start(at))?;
            self.storage.write_all(&page)?;
        }
        self.storage.settle()?;
        Ok(self.length)
    }

    fn packet(&mut self, packet: &[u8]) {
        self.body.extend_from_slice(packet);
        self.lengths.push(packet.len());
    }

    /// Writes the packets that wait as a page, and takes it back if the disk does not.
    fn page(&mut self, flags: u8, granule: u64) -> io::Result<()> {
        let mut page = Vec::with_capacity(HEADER + 2 * self.lengths.len() + self.body.len());
        page.extend(CAPTURE);
        page.extend([0, flags]);
        page.extend(granule.to_le_bytes());
        page.extend(self.serial.to_le_bytes());
        page.extend(self.pages.to_le_bytes());
        page.extend([0; 5]);
        for length in &self.lengths {
            page.extend(std::iter::repeat_n(255, length / 255));
            page.push((length % 255) as u8);
        }
        page[26] = (page.len() - HEADER) as u8;
        page.append(&mut self.body);
        self.lengths.clear();
        seal(&mut page);
        if let Err(error) = self.storage.write_all(&page) {
            self.storage.cut(self.length)?;
            return Err(error);
        }
        self.pages += 1;
        let at = self.length;
        self.length += page.len() as u64;
        self.last = (at, page);
        Ok(())
    }
}

/// Cuts a file whose writer died after its last whole page, and ends it there. Answers its size.
pub fn repair(path: &Path) -> io::Result<u64> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let (at, mut page) = last_page(&mut file)?;
    let length = at + page.len() as u64;
    mark_last(&mut page);
    file.cut(length)?;
    file.seek(SeekFrom::Start(at))?;
    io::Write::write_all(&mut file, &page)?;
    file.settle()?;
    Ok(length)
}

/// How long it is, in milliseconds.
pub fn length_ms(path: &Path) -> io::Result<u64> {
    let (_, page) = last_page(&mut File::open(path)?)?;
    let granule = page[6..14].try_into().map(u64::from_le_bytes).unwrap_or(0);
    Ok(granule / 48)
}

fn last_page(file: &mut File) -> io::Result<(u64, Vec<u8>)> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    (0..tail.len().saturating_sub(HEADER))
        .rev()
        .find_map(|at| Some((from + at as u64, page_at(&tail[at..])?.to_vec())))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no whole page"))
}

/// The page these bytes begin with, if it is whole and sound.
fn page_at(bytes: &[u8]) -> Option<&[u8]> {
    if !bytes.starts_with(CAPTURE) {
        return None;
    }
    let segments = usize::from(*bytes.get(26)?);
    let lengths = bytes.get(HEADER..HEADER + segments)?;
    let body: usize = lengths.iter().map(|length| usize::from(*length)).sum();
    let page = bytes.get(..HEADER + segments + body)?;
    let mut sealed = page.to_vec();
    seal(&mut sealed);
    (sealed == page).then_some(page)
}

fn mark_last(page: &mut [u8]) {
    if let Some(flags) = page.get_mut(5) {
        *flags |= LAST;
        seal(page);
    }
}

/// Puts the checksum in its place.
fn seal(page: &mut [u8]) {
    page[22..26].fill(0);
    let sum = checksum(page);
    page[22..26].copy_from_slice(&sum.to_le_bytes());
}

/// RFC 3533 §6: a CRC of 32 bits with the polynomial 0x04c11db7, from zero, unreflected.
fn checksum(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let mut value = (i as u32) << 24;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 0x8000_0000 == 0 {
                    value << 1
                } else {
                    value << 1 ^ 0x04c1_1db7
                };
                bit += 1;
            }
            table[i] = value;
            i += 1;
        }
        table
    };
    bytes.iter().fold(0, |sum, byte| {
        sum << 8 ^ TABLE[((sum >> 24) as u8 ^ byte) as usize]
    })
}

fn failed(error: opus::Error) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::{super::storage::testing::Small, *};

    /// All pages and the samples (at 48 kHz) a player would play.
    fn play(bytes: &[u8]) -> (Vec<u8>, Vec<i16>) {
        let mut decoder = opus::Decoder::new(48_000, Channels::Mono).unwrap();
        let (mut flags, mut samples, mut skip, mut end) = (Vec::new(), Vec::new(), 0, 0);
        let mut rest = bytes;
        while !rest.is_empty() {
            let page = page_at(rest).expect("each page is whole and sound");
            rest = &rest[page.len()..];
            let segments = &page[HEADER..HEADER + usize::from(page[26])];
            let mut at = HEADER + segments.len();
            let mut packet = Vec::new();
            for &segment in segments {
                packet.extend_from_slice(&page[at..at + usize::from(segment)]);
                at += usize::from(segment);
                if segment == 255 {
                    continue;
                }
                if packet.starts_with(b"OpusHead") {
                    skip = usize::from(u16::from_le_bytes([packet[10], packet[11]]));
                } else if !packet.starts_with(b"OpusTags") {
                    let mut pcm = [0; 960];
                    assert_eq!(decoder.decode(&packet, &mut pcm, false).unwrap(), 960);
                    samples.extend(pcm);
                }
                packet.clear();
            }
            flags.push(page[5]);
            end = u64::from_le_bytes(page[6..14].try_into().unwrap());
        }
        samples.truncate(usize::try_from(end).unwrap());
        (flags, samples.split_off(skip))
    }

    fn tone(frame: u32) -> Vec<i16> {
        (frame * 320..(frame + 1) * 320)
            .map(|i| (8_000.0 * (TAU * 440.0 * f64::from(i) / 16_000.0).sin()) as i16)
            .collect()
    }

    #[test]
    fn a_tone_comes_back_whole_from_its_first_sample_to_its_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ogg");
        let mut ogg = Ogg::begin(File::create(&path).unwrap(), 7, "A tone").unwrap();
        for frame in 0..175 {
            ogg.append(&tone(frame)).unwrap();
        }
        let size = ogg.close(false).unwrap();

        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(size, bytes.len() as u64);
        let (flags, heard) = play(&bytes);
        assert_eq!(heard.len(), 175 * 960);
        assert_eq!(flags.iter().filter(|flag| **flag & LAST != 0).count(), 1);
        assert_eq!(flags.last().unwrap() & LAST, LAST);
        // Each tenth of a second is the tone, at its place in time, at its loudness.
        for (part, chunk) in heard.chunks(4_800).enumerate().skip(1) {
            let (mut dot, mut ours) = (0.0, 0.0);
            for (i, sample) in chunk.iter().enumerate() {
                let t = (part * 4_800 + i) as f64 / 48_000.0;
                let wanted = 8_000.0 * (TAU * 440.0 * t).sin();
                dot += wanted * f64::from(*sample);
                ours += wanted * wanted;
            }
            // The end fades a little: what comes after it is silence.
            assert!(dot / ours > 0.85, "part {part}: {}", dot / ours);
        }
    }

    #[test]
    fn an_hour_of_silence_costs_little() {
        let mut ogg = Ogg::begin(Small::new(usize::MAX), 7, "").unwrap();
        for _ in 0..180_000 {
            ogg.append(&[0; 320]).unwrap();
        }
        assert!(ogg.length < 3_000_000, "{}", ogg.length);
    }

    #[test]
    fn on_a_full_disk_the_last_whole_page_becomes_the_end() {
        let mut ogg = Ogg::begin(Small::new(12_000), 7, "Full").unwrap();
        let full = (0..)
            .find(|frame| ogg.append(&tone(*frame)).is_err())
            .unwrap();
        let whole = full / 50;
        let (at, mut page) = ogg.last.clone();
        assert_eq!(at + page.len() as u64, ogg.length);
        assert_eq!(ogg.storage.bytes.get_ref().len() as u64, ogg.length);
        mark_last(&mut page);
        let mut bytes = ogg.storage.bytes.get_ref()[..at as usize].to_vec();
        bytes.extend(page);

        let (flags, heard) = play(&bytes);
        assert!(whole >= 2 && heard.len() as u32 >= (whole * 50 - 1) * 960);
        assert_eq!(flags.last().unwrap() & LAST, LAST);
    }

    #[test]
    fn a_file_whose_writer_died_ends_with_its_last_whole_page() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ogg");
        let mut ogg = Ogg::begin(File::create(&path).unwrap(), 7, "Died").unwrap();
        for frame in 0..120 {
            ogg.append(&tone(frame)).unwrap();
        }
        drop(ogg);
        let mut bytes = std::fs::read(&path).unwrap();
        let cut = bytes.len() - 100;
        bytes.truncate(cut);
        std::fs::write(&path, bytes).unwrap();

        repair(&path).unwrap();
        let (flags, heard) = play(&std::fs::read(&path).unwrap());
        assert_eq!(flags.last().unwrap() & LAST, LAST);
        assert!(heard.len() > 47_000 && heard.len() <= 48_000);
        assert_eq!(length_ms(&path).unwrap(), 1_000);
    }
}
