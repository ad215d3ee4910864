//! Which recipe every rendered file was made from: `sounds/rendered/.stamp`.
//!
//! A lost or damaged stamp costs one full rendering and nothing else.

use std::{collections::BTreeMap, fmt::Write, fs, io, path::Path};

#[derive(Debug, Default)]
pub struct Stamp {
    made: BTreeMap<String, u64>,
}

impl Stamp {
    pub fn read(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join(".stamp")).unwrap_or_default();
        let made = text
            .lines()
            .filter_map(|line| {
                let (hash, name) = line.split_once(' ')?;
                Some((name.to_owned(), u64::from_str_radix(hash, 16).ok()?))
            })
            .collect();
        Self { made }
    }

    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let mut text = String::new();
        for (name, hash) in &self.made {
            _ = writeln!(text, "{hash:016x} {name}");
        }
        fs::create_dir_all(folder)?;
        fs::write(folder.join(".stamp"), text)
    }

    /// Is the file there, and made from this recipe?
    pub fn is_current(&self, folder: &Path, name: &str, fingerprint: &str) -> bool {
        self.made.get(name) == Some(&hash(fingerprint)) && folder.join(name).is_file()
    }

    pub fn remember(&mut self, name: &str, fingerprint: &str) {
        self.made.insert(name.to_owned(), hash(fingerprint));
    }

    /// Drops the files nobody wants any more and names them.
    pub fn forget_all_but<T>(&mut self, wanted: &BTreeMap<String, T>) -> Vec<String> {
        let gone: Vec<String> = self
            .made
            .keys()
            .filter(|name| !wanted.contains_key(*name))
            .cloned()
            .collect();
        for name in &gone {
            self.made.remove(name);
        }
        gone
    }
}

/// FNV-1a, 64 bits: the same on every machine and in every version, unlike the standard hasher.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_text_makes_its_file_stale() {
        let folder = std::env::temp_dir().join(format!("rollcall-stamp-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("hello.wav"), b"").unwrap();
        let mut stamp = Stamp::default();
        stamp.remember("hello.wav", "Hello");
        stamp.write(&folder).unwrap();

        let stamp = Stamp::read(&folder);

        assert!(stamp.is_current(&folder, "hello.wav", "Hello"));
        assert!(!stamp.is_current(&folder, "hello.wav", "Good morning"));
        assert!(!stamp.is_current(&folder, "absent.wav", "Hello"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_prompt_that_is_gone_is_named_for_removal() {
        let mut stamp = Stamp::default();
        stamp.remember("en/old.wav", "Old");
        stamp.remember("en/new.wav", "New");

        let gone = stamp.forget_all_but(&BTreeMap::from([("en/new.wav".to_owned(), ())]));

        assert_eq!(gone, ["en/old.wav"]);
    }
}
