//! A company in one TOML file: `rollcall company apply FILE`, `rollcall company show`.
//!
//! The file says what the company is to be; applying it makes it so and says
//! what that changed. Applying it again changes nothing. `show` writes the same
//! format without secrets; applied, such a file keeps the secrets that are
//! there. The format is described in `docs/company-file.md`.

mod people;
mod places;
mod read;
mod show;
mod status;

use std::{collections::BTreeSet, fmt::Write, path::Path};

use domain::Millis;
use store::{Applied, ChangeKind, CompanyPlan, PlanError, Store, StoreError};

use crate::{
    config::ConfigError,
    toml_reader::{Problem, Source},
    web::password,
};

pub use show::show;
pub use status::hash as token_hash;

/// Why a file was not applied. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum CompanyFileError {
    #[error("Cannot read {file}: {error}")]
    Unreadable { file: String, error: std::io::Error },
    /// One line for each problem, in the order of the file.
    #[error("{}", lines(.0))]
    Problems(Vec<Problem>),
    #[error("{0}")]
    NotThere(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl From<CompanyFileError> for ConfigError {
    fn from(error: CompanyFileError) -> Self {
        ConfigError(error.to_string())
    }
}

/// Applies a file, and says in words what that changed.
pub async fn apply(store: &Store, path: &Path, now: Millis) -> Result<String, CompanyFileError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| CompanyFileError::Unreadable {
        file: file.clone(),
        error,
    })?;
    let applied = apply_text(store, &file, &text, now).await?;
    Ok(summary(&applied))
}

/// The same with the file's text; `file` is its name in problems.
pub async fn apply_text(
    store: &Store,
    file: &str,
    text: &str,
    now: Millis,
) -> Result<Applied, CompanyFileError> {
    let (read, places) = Source::new(file, text)
        .read(read::company)
        .map_err(CompanyFileError::Problems)?;
    let plan = with_passwords(store, read).await?;
    match store.apply_company(&plan, now).await {
        Ok(applied) => Ok(applied),
        Err(PlanError::Refused { at, problem }) => Err(CompanyFileError::Problems(vec![
            places.problem(&at, problem),
        ])),
        Err(PlanError::Store(error)) => Err(error.into()),
    }
}

/// Hashes the passwords that are new. One that fits the hash that is there keeps
/// it, so that applying a file again changes nothing.
async fn with_passwords(store: &Store, read: read::Read) -> Result<CompanyPlan, CompanyFileError> {
    let read::Read {
        mut plan,
        passwords,
    } = read;
    for (employee, given) in plan.employees.iter_mut().zip(passwords) {
        let (Some(login), Some(given)) = (&mut employee.login, given) else {
            continue;
        };
        let kept = store.login(&login.email).await?;
        let fits = kept.is_some_and(|kept| password::verify(&given, &kept.password_hash));
        if !fits {
            let hash = password::hash(&given)
                .map_err(|error| CompanyFileError::NotThere(error.to_string()))?;
            login.password_hash = Some(domain::employee::Secret::new(hash));
        }
    }
    Ok(plan)
}

/// What applying a file did, for people.
pub fn summary(applied: &Applied) -> String {
    if applied.changes.is_empty() {
        return "Nothing to change.".to_owned();
    }
    let mut text = String::new();
    for (kind, word) in [
        (ChangeKind::Added, "Added"),
        (ChangeKind::Changed, "Changed"),
        (ChangeKind::Removed, "Removed"),
    ] {
        let of_kind: Vec<_> = applied
            .changes
            .iter()
            .filter(|change| change.kind == kind)
            .collect();
        let whats: BTreeSet<&str> = of_kind.iter().map(|change| change.what).collect();
        for what in whats {
            let names: Vec<&str> = of_kind
                .iter()
                .filter(|change| change.what == what)
                .map(|change| change.name.as_str())
                .collect();
            let plural = if names.len() == 1 { "" } else { "s" };
            _ = writeln!(
                text,
                "{word} {} {what}{plural}: {}",
                names.len(),
                names.join(", ")
            );
        }
    }
    if !applied.secrets.is_empty() {
        text += "Secrets made for phones, shown this once:\n";
        for made in &applied.secrets {
            _ = writeln!(text, "  {}  {}", made.username, made.secret.reveal());
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests;
