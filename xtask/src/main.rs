//! The build's own chores, so that a machine with Rust needs no other build tool.
//!
//! `cargo run -p xtask -- <chore>`; each chore is a module.

use std::process::ExitCode;

mod frontend;
mod sounds;

const USAGE: &str = "\
Usage: cargo run -p xtask -- <chore>

  frontend [--release]   compile the board to frontend/dist
  sounds                 speak the prompts to sounds/rendered";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (chore, rest) = match words.split_first() {
        Some((chore, rest)) => (chore.as_str(), rest),
        None => ("", &[][..]),
    };
    let done = match chore {
        "frontend" => frontend::run(rest),
        "sounds" => sounds::run(&repository()).map_err(|error| error.to_string()),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the workspace this was built from.
fn repository() -> std::path::PathBuf {
    let xtask = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}
