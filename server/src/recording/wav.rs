//! WAV: 16-bit samples, one channel, behind a header that names their length.
//!
//! The header is brought up to date every few seconds, so that a file whose writer
//! died plays to where it was; [`repair`] finds what came after.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, SeekFrom},
    path::Path,
};

use media::RECORDED_RATE;

use super::storage::Storage;

const HEADER: u64 = 44;
/// The header is written anew after so many bytes: 5 s.
const UPDATE_EVERY: u64 = 5 * 2 * RECORDED_RATE as u64;

pub struct Wav<S> {
    storage: S,
    /// Bytes of samples that are safely in the file.
    data: u64,
    told: u64,
    scratch: Vec<u8>,
}

impl<S: Storage> Wav<S> {
    pub fn begin(mut storage: S) -> io::Result<Self> {
        storage.write_all(&header(0))?;
        Ok(Self {
            storage,
            data: 0,
            told: 0,
            scratch: Vec::new(),
        })
    }

    pub fn append(&mut self, samples: &[i16]) -> io::Result<()> {
        self.scratch.clear();
        for sample in samples {
            self.scratch.extend(sample.to_le_bytes());
        }
        self.storage.write_all(&self.scratch)?;
        self.data += self.scratch.len() as u64;
        if self.data >= self.told + UPDATE_EVERY {
            self.tell_length()?;
            self.storage.settle()?;
        }
        Ok(())
    }

    /// Ends the file after the last whole append, whatever has failed before. Answers its size.
    pub fn close(mut self) -> io::Result<u64> {
        self.storage.cut(HEADER + self.data)?;
        self.tell_length()?;
        self.storage.settle()?;
        Ok(HEADER + self.data)
    }

    fn tell_length(&mut self) -> io::Result<()> {
        self.storage.seek(SeekFrom::Start(0))?;
        self.storage.write_all(&header(self.data))?;
        self.storage.seek(SeekFrom::Start(HEADER + self.data))?;
        self.told = self.data;
        Ok(())
    }
}

/// Makes a file whose writer died play to its end. Answers its size.
pub fn repair(path: &Path) -> io::Result<u64> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let data = length.saturating_sub(HEADER) / 2 * 2;
    Wav {
        storage: file,
        data,
        told: 0,
        scratch: Vec::new(),
    }
    .close()
}

/// How long it is, in milliseconds.
pub fn length_ms(path: &Path) -> io::Result<u64> {
    let mut bytes = [0; HEADER as usize];
    File::open(path)?.read_exact(&mut bytes)?;
    let data = u32::from_le_bytes([bytes[40], bytes[41], bytes[42], bytes[43]]);
    Ok(u64::from(data) * 1_000 / (2 * u64::from(RECORDED_RATE)))
}

/// What is longer than its 32 bits can tell, 37 hours, is told as long as they can.
fn header(data: u64) -> [u8; HEADER as usize] {
    let data = u32::try_from(data).unwrap_or(u32::MAX - 36);
    let mut header = [0; HEADER as usize];
    let parts: [(usize, &[u8]); 11] = [
        (0, b"RIFF"),
        (4, &(data + 36).to_le_bytes()),
        (8, b"WAVEfmt "),
        (16, &16u32.to_le_bytes()),
        (20, &1u16.to_le_bytes()),
        (22, &1u16.to_le_bytes()),
        (24, &RECORDED_RATE.to_le_bytes()),
        (28, &(RECORDED_RATE * 2).to_le_bytes()),
        (32, &2u16.to_le_bytes()),
        (34, &16u16.to_le_bytes()),
        (36, b"data"),
    ];
    for (at, bytes) in parts {
        header[at..at + bytes.len()].copy_from_slice(bytes);
    }
    header[40..].copy_from_slice(&data.to_le_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::{super::storage::testing::Small, *};

    fn samples_of(bytes: &[u8]) -> Vec<i16> {
        let reader = hound::WavReader::new(bytes).unwrap();
        assert_eq!(reader.spec().sample_rate, RECORDED_RATE);
        reader.into_samples().map(Result::unwrap).collect()
    }

    #[test]
    fn what_is_appended_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let samples: Vec<i16> = (0..32_000).map(|i| (i * 7) as i16).collect();

        let mut wav = Wav::begin(File::create(&path).unwrap()).unwrap();
        for frame in samples.chunks(320) {
            wav.append(frame).unwrap();
        }
        let size = wav.close().unwrap();

        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(size, bytes.len() as u64);
        assert_eq!(samples_of(&bytes), samples);
        assert_eq!(length_ms(&path).unwrap(), 2_000);
    }

    #[test]
    fn on_a_full_disk_the_file_ends_with_the_last_whole_frame() {
        let mut wav = Wav::begin(Small::new(44 + 640 * 3 + 111)).unwrap();
        for i in 1..=3 {
            wav.append(&[i; 320]).unwrap();
        }
        assert!(wav.append(&[4; 320]).is_err());
        // Closing takes the storage with it: what is left on the disk is looked at before.
        wav.storage.cut(44 + wav.data).unwrap();
        wav.tell_length().unwrap();
        let read = samples_of(wav.storage.bytes.get_ref());
        assert_eq!(read.len(), 960);
        assert_eq!(read[959], 3);
    }

    #[test]
    fn a_file_whose_writer_died_plays_to_its_last_whole_sample() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let mut bytes = header(0).to_vec();
        bytes.extend([1, 0, 2, 0, 3]);
        std::fs::write(&path, bytes).unwrap();

        repair(&path).unwrap();
        assert_eq!(samples_of(&std::fs::read(&path).unwrap()), [1, 2]);
    }
}
