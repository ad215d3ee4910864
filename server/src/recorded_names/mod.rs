//! Names in their owners' own voices: one short WAV file per employee, in a folder per company.
//!
//! A file is said by telephone ([`Take`]) or uploaded ([`clip`]); either way it is brought to
//! the form and the loudness of the prompts it is heard between. Who has one is known without
//! looking at the disk. Files are named by ids alone: nothing of a path comes from outside.

pub mod clip;
mod take;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::{CompanyId, EmployeeId};
use store::Directory;
use tokio::io::AsyncWriteExt;

pub use take::Take;

use crate::clock;

pub struct RecordedNames {
    folder: PathBuf,
    /// Who has recorded his name, and of which company he is.
    known: Mutex<BTreeMap<EmployeeId, CompanyId>>,
}

impl RecordedNames {
    /// Those in the data folder.
    pub fn open(data: &Path) -> Self {
        let folder = data.join("names");
        let known = match found_in(&folder) {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(%error, folder = %folder.display(), "Recorded names cannot be read");
                BTreeMap::new()
            }
        };
        Self {
            folder,
            known: Mutex::new(known),
        }
    }

    /// Whether he has recorded his name.
    pub fn has(&self, employee: EmployeeId) -> bool {
        self.known().contains_key(&employee)
    }

    /// His name as a WAV file; none where he has recorded none.
    pub async fn wav(&self, employee: EmployeeId) -> io::Result<Option<Vec<u8>>> {
        let Some(company) = self.known().get(&employee).copied() else {
            return Ok(None);
        };
        match tokio::fs::read(self.path(company, employee)).await {
            Ok(wav) => Ok(Some(wav)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps his name, in the place of one he had. It is the old or the new one, never half of it.
    pub async fn keep(
        &self,
        company: CompanyId,
        employee: EmployeeId,
        wav: &[u8],
    ) -> io::Result<()> {
        let path = self.path(company, employee);
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        // Whoever says his name in two calls at once has the one that is written last.
        let unfinished = path.with_extension(part_of_a_name());
        let written = async {
            let mut file = tokio::fs::File::create_new(&unfinished).await?;
            file.write_all(wav).await?;
            file.sync_all().await?;
            tokio::fs::rename(&unfinished, &path).await
        };
        if let Err(error) = written.await {
            _ = tokio::fs::remove_file(&unfinished).await;
            return Err(error);
        }
        self.known().insert(employee, company);
        Ok(())
    }

    /// Erases his name. False where there was none.
    pub async fn erase(&self, employee: EmployeeId) -> io::Result<bool> {
        let Some(company) = self.known().get(&employee).copied() else {
            return Ok(false);
        };
        match tokio::fs::remove_file(self.path(company, employee)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        self.known().remove(&employee);
        Ok(true)
    }

    /// Erases the names of those who have left, with their company or without it.
    pub async fn follow(&self, directory: &Directory) {
        // A database that is empty is more often the wrong one than everybody's farewell.
        if directory.companies.is_empty() {
            return;
        }
        let here = |(employee, company): (&EmployeeId, &CompanyId)| {
            directory
                .companies
                .get(company)
                .is_some_and(|company| company.employee(*employee).is_some())
        };
        let gone: Vec<EmployeeId> = self
            .known()
            .iter()
            .filter(|known| !here(*known))
            .map(|(employee, _)| *employee)
            .collect();
        for employee in gone {
            if let Err(error) = self.erase(employee).await {
                tracing::warn!(%employee, %error, "The recorded name of somebody who has left stays");
            }
        }
    }

    fn path(&self, company: CompanyId, employee: EmployeeId) -> PathBuf {
        let name = format!("{employee}.wav");
        self.folder.join(company.to_string()).join(name)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<EmployeeId, CompanyId>> {
        // A panic while the map was held leaves a map that is still whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An ending for a file that is still being written.
fn part_of_a_name() -> String {
    let random: String = clock::random()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{random}.part")
}

/// Whose names are in the folder. What a dead process did not finish is removed.
fn found_in(folder: &Path) -> io::Result<BTreeMap<EmployeeId, CompanyId>> {
    let mut known = BTreeMap::new();
    let companies = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(known),
        found => found?,
    };
    for company in companies {
        let company = company?.path();
        let Some(id) = id_of::<CompanyId>(&company) else {
            continue;
        };
        for file in fs::read_dir(&company)? {
            let file = file?.path();
            match file.extension().and_then(|ending| ending.to_str()) {
                Some("wav") => known.extend(id_of(&file).map(|employee| (employee, id))),
                Some("part") => fs::remove_file(&file)?,
                Some(_) | None => {}
            }
        }
    }
    Ok(known)
}

/// The id that a file or folder is named by.
fn id_of<T: std::str::FromStr>(path: &Path) -> Option<T> {
    path.file_stem()?.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use domain::Millis;

    use super::*;

    fn ids(of: u8) -> (CompanyId, EmployeeId) {
        let now = Millis(0);
        (
            CompanyId::new(now, [of; 10]),
            EmployeeId::new(now, [of; 10]),
        )
    }

    #[tokio::test]
    async fn a_name_is_there_after_a_restart_and_what_was_half_written_is_not() {
        let data = tempfile::tempdir().unwrap();
        let (company, employee) = ids(1);
        let names = RecordedNames::open(data.path());
        names.keep(company, employee, b"first").await.unwrap();
        names.keep(company, employee, b"second").await.unwrap();
        let folder = data.path().join("names").join(company.to_string());
        let half = folder.join(format!("{}.0badcafe.part", ids(2).1));
        fs::write(&half, b"hal").unwrap();

        let names = RecordedNames::open(data.path());

        assert!(names.has(employee) && !names.has(ids(2).1));
        let wav = names.wav(employee).await.unwrap();
        assert_eq!(wav.as_deref(), Some(&b"second"[..]));
        assert!(!half.exists());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn what_is_erased_is_gone_from_the_disk() {
        let data = tempfile::tempdir().unwrap();
        let (company, employee) = ids(1);
        let names = RecordedNames::open(data.path());
        names.keep(company, employee, b"name").await.unwrap();

        assert!(names.erase(employee).await.unwrap());

        assert!(!names.erase(employee).await.unwrap());
        assert_eq!(names.wav(employee).await.unwrap(), None);
        assert!(!RecordedNames::open(data.path()).has(employee));
    }

    #[tokio::test]
    async fn a_full_disk_or_a_forbidden_folder_leaves_nothing_behind() {
        let data = tempfile::tempdir().unwrap();
        fs::write(
            data.path().join("names"),
            b"a file where the folder should be",
        )
        .unwrap();
        let (company, employee) = ids(1);
        let names = RecordedNames::open(data.path());

        assert!(names.keep(company, employee, b"name").await.is_err());

        assert!(!names.has(employee));
    }
}
