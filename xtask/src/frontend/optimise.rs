//! `wasm-opt` from npm's `binaryen`, pinned by `frontend/package-lock.json`.
//!
//! It takes a sixth off the download. A machine without npm, or without a way to its registry,
//! gets the same board a little larger, and is told so.

use std::{fs, path::Path, process::Command};

use super::run_quietly;

/// What rustc 1.95 emits for `wasm32-unknown-unknown`; wasm-opt refuses what it is not told of.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

pub fn shrink(source: &Path, wasm: &Path) -> Result<(), String> {
    let tool = source.join("node_modules/.bin/wasm-opt");
    if !tool.exists() && !install(source) {
        eprintln!("No wasm-opt here (npm could not bring it): the board stays a little larger");
        return Ok(());
    }
    let small = wasm.with_extension("small.wasm");
    let mut command = Command::new(&tool);
    command
        .args(["-Oz", "--strip-debug", "--strip-producers"])
        .args(FEATURES);
    command.arg("-o").arg(&small).arg(wasm);
    run_quietly(&mut command)?;
    fs::rename(&small, wasm).map_err(|why| format!("{}: {why}", small.display()))
}

fn install(source: &Path) -> bool {
    let mut command = Command::new("npm");
    command.current_dir(source);
    command.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    run_quietly(&mut command).is_ok()
}
