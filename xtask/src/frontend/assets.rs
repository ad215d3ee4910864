//! Files of the finished front end: named by their content, compressed once.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::Write,
    path::{Path, PathBuf},
};

/// The folder being filled, and what went into it.
pub struct Assets {
    dist: PathBuf,
    compress: bool,
    /// Name, bytes, bytes compressed by brotli.
    written: Vec<(String, usize, Option<usize>)>,
}

impl Assets {
    pub fn new(dist: &Path, compress: bool) -> Result<Self, String> {
        let folder = dist.join("assets");
        fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
        Ok(Self {
            dist: dist.to_owned(),
            compress,
            written: Vec::new(),
        })
    }

    /// Writes `assets/<stem>-<hash>.<extension>` and gives its address on the server.
    pub fn add(&mut self, stem: &str, extension: &str, bytes: &[u8]) -> Result<String, String> {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let name = format!("assets/{stem}-{:016x}.{extension}", hasher.finish());
        self.write(&name, bytes)?;
        Ok(format!("/{name}"))
    }

    /// A page keeps its name: its address is what people type.
    pub fn page(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        self.write(name, bytes)
    }

    /// Copies a folder of scripts that import each other by name; there may be none.
    pub fn copy_folder(&mut self, from: &Path, into: &str) -> Result<(), String> {
        if !from.exists() {
            return Ok(());
        }
        for name in sorted_names(from)? {
            let path = from.join(&name);
            let into = format!("{into}/{name}");
            if path.is_dir() {
                self.copy_folder(&path, &into)?;
            } else {
                self.write(&format!("assets/{into}"), &super::read(&path)?)?;
            }
        }
        Ok(())
    }

    /// Tells what a first visit downloads.
    pub fn report(&self) {
        for (name, plain, small) in &self.written {
            let small = small.map_or(String::new(), |bytes| {
                format!(", brotli {}", kilobytes(bytes))
            });
            eprintln!("  {name}: {}{small}", kilobytes(*plain));
        }
        let total: usize = self
            .written
            .iter()
            .map(|(_, plain, small)| small.unwrap_or(*plain))
            .sum();
        eprintln!("  The first visit downloads {}", kilobytes(total));
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let path = self.dist.join(name);
        let fail = |why: std::io::Error| format!("{}: {why}", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(fail)?;
        }
        fs::write(&path, bytes).map_err(fail)?;
        let small = if self.compress {
            let small = brotli(bytes).map_err(fail)?;
            let mut name = path.clone().into_os_string();
            name.push(".br");
            fs::write(&name, &small).map_err(fail)?;
            Some(small.len())
        } else {
            None
        };
        self.written.push((name.to_owned(), bytes.len(), small));
        Ok(())
    }
}

/// Names in a folder, sorted, so that the same files give the same result everywhere.
pub fn sorted_names(folder: &Path) -> Result<Vec<String>, String> {
    let fail = |why: std::io::Error| format!("{}: {why}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        names.push(
            entry
                .map_err(fail)?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    names.sort();
    Ok(names)
}

fn brotli(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    /// The format's largest window short of the large-window extension: 4 MiB.
    const WINDOW_BITS: u32 = 22;
    const BEST: u32 = 11;
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 1 << 16, BEST, WINDOW_BITS);
    writer.write_all(bytes)?;
    Ok(writer.into_inner())
}

fn kilobytes(bytes: usize) -> String {
    format!("{}.{} kB", bytes / 1000, bytes % 1000 / 100)
}
