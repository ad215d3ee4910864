//! The thread that writes one recording: blocks from the media thread into files.
//!
//! Each block has its place in time; where one is missing there is silence. So the mix
//! and every member's track are of one length and lie one over the other.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use api::RecordingFormat;
use media::{Block, LegId, RECORDED_RATE, Recorded};

use super::{ogg::Ogg, wav::Wav};

const FRAME: usize = RECORDED_RATE as usize / 50;
/// How often the ring is emptied: it holds some seconds.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A pause longer than this, in frames, is no slow disk but a stopped clock: not filled in.
const LONGEST_PAUSE: u64 = 24 * 3_600 * 50;

/// What is to be written, and where.
#[derive(Debug, Clone)]
pub struct Plan {
    pub folder: PathBuf,
    pub format: RecordingFormat,
    pub title: String,
}

/// What became of it.
#[derive(Debug)]
pub struct Written {
    /// The mix, then the tracks.
    pub files: Vec<Written1>,
    pub frames: u64,
    /// Frames for which silence stands in: the disk was too slow.
    pub missed: u64,
    /// Why it ended before it was ended.
    pub failed: Option<io::Error>,
}

#[derive(Debug)]
pub struct Written1 {
    pub name: String,
    pub who: Option<LegId>,
    pub bytes: u64,
}

/// A file name in a recording's folder.
pub fn file_name(who: Option<LegId>, format: RecordingFormat) -> String {
    let ending = match format {
        RecordingFormat::Ogg => "ogg",
        RecordingFormat::Wav => "wav",
    };
    match who {
        None => format!("mix.{ending}"),
        Some(leg) => format!("{leg}.{ending}"),
    }
}

enum Audio {
    Ogg(Box<Ogg<File>>),
    Wav(Wav<File>),
}

impl Audio {
    fn begin(plan: &Plan, who: Option<LegId>) -> io::Result<Self> {
        let file = File::create_new(plan.folder.join(file_name(who, plan.format)))?;
        Ok(match plan.format {
            RecordingFormat::Ogg => {
                let serial = getrandom::u32().map_err(io::Error::other)?;
                Self::Ogg(Box::new(Ogg::begin(file, serial, &plan.title)?))
            }
            RecordingFormat::Wav => Self::Wav(Wav::begin(file)?),
        })
    }

    fn append(&mut self, samples: &[i16]) -> io::Result<()> {
        match self {
            Self::Ogg(ogg) => ogg.append(samples),
            Self::Wav(wav) => wav.append(samples),
        }
    }

    fn close(self, failed: bool) -> io::Result<u64> {
        match self {
            Self::Ogg(ogg) => ogg.close(failed),
            Self::Wav(wav) => wav.close(),
        }
    }
}

struct Track {
    audio: Audio,
    frames: u64,
}

impl Track {
    fn silence_until(&mut self, frame: u64) -> io::Result<()> {
        while self.frames < frame {
            self.audio.append(&[0; FRAME])?;
            self.frames += 1;
        }
        Ok(())
    }
}

/// Writes until the recording ends or the disk fails. Blocks this thread.
pub fn write(plan: &Plan, recorded: &Recorded) -> Written {
    let mut tracks = BTreeMap::new();
    let mut missed = 0;
    let mut frames = 0;
    let ended = run(plan, recorded, &mut tracks, &mut frames, &mut missed);
    let failed = ended.and_then(|()| {
        tracks
            .values_mut()
            .try_for_each(|track: &mut Track| track.silence_until(frames))
    });
    close(plan, tracks, frames, missed, failed.err())
}

fn run(
    plan: &Plan,
    recorded: &Recorded,
    tracks: &mut BTreeMap<Option<LegId>, Track>,
    frames: &mut u64,
    missed: &mut u64,
) -> io::Result<()> {
    fs::create_dir_all(&plan.folder)?;
    let begin = |who| {
        Ok::<_, io::Error>(Track {
            audio: Audio::begin(plan, who)?,
            frames: 0,
        })
    };
    tracks.insert(None, begin(None)?);
    loop {
        match recorded.next() {
            Ok(Some(Block {
                frame,
                who,
                samples,
            })) => {
                if frame > *frames + LONGEST_PAUSE {
                    return Err(io::Error::other("a block far in the future"));
                }
                if who.is_none() {
                    *missed += frame.saturating_sub(*frames);
                    *frames = frame + 1;
                }
                let track = match tracks.entry(who) {
                    std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
                    std::collections::btree_map::Entry::Vacant(new) => new.insert(begin(who)?),
                };
                track.silence_until(frame)?;
                track.audio.append(&samples)?;
                track.frames += 1;
            }
            Ok(None) => thread::sleep(LOOK_EVERY),
            Err(media::Ended) => return Ok(()),
        }
    }
}

fn close(
    plan: &Plan,
    tracks: BTreeMap<Option<LegId>, Track>,
    frames: u64,
    missed: u64,
    mut failed: Option<io::Error>,
) -> Written {
    let mut files = Vec::new();
    for (who, track) in tracks {
        let name = file_name(who, plan.format);
        match track.audio.close(failed.is_some()) {
            Ok(bytes) => files.push(Written1 { name, who, bytes }),
            Err(error) => {
                tracing::error!(%error, name, folder = %plan.folder.display(), "A recording's file could not be closed");
                failed.get_or_insert(error);
            }
        }
    }
    Written {
        files,
        frames,
        missed,
        failed,
    }
}

/// Makes what a dead process left playable. Answers the files and the length in milliseconds.
pub fn repair(folder: &Path) -> io::Result<(Vec<(String, u64)>, u64)> {
    let mut files = Vec::new();
    let mut longest = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let (size, length) = match path.extension().and_then(|ending| ending.to_str()) {
            Some("ogg") => (super::ogg::repair(&path), super::ogg::length_ms(&path)),
            Some("wav") => (super::wav::repair(&path), super::wav::length_ms(&path)),
            Some(_) | None => continue,
        };
        match size {
            Ok(size) => {
                files.push((name, size));
                longest = longest.max(length.unwrap_or(0));
            }
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "Nothing of this recording can be played")
            }
        }
    }
    files.sort_by_key(|(name, _)| {
        (
            name.as_str() != "mix.ogg" && name != "mix.wav",
            name.clone(),
        )
    });
    Ok((files, longest))
}
