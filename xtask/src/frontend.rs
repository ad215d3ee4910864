//! Builds the board: Rust to WebAssembly, and everything a browser needs beside it.
//!
//! What comes out, in `frontend/dist`, is what the server embeds: `index.html`, and under
//! `assets/` files named by their content, so that a browser may keep them for ever. A release
//! build is also shrunk (`wasm-opt`, where npm can bring it) and has a `.br` beside each file.
//!
//! Quick when nothing changed: cargo decides about the code, a stamp about the rest.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
};

use wasm_bindgen_cli_support::Bindgen;

mod assets;
mod optimise;

use assets::Assets;

/// Stylesheets, in the order of the cascade.
const STYLES: [&str; 8] = [
    "tokens.css",
    "base.css",
    "board.css",
    "schedule.css",
    "history.css",
    "company.css",
    "login.css",
    "phone.css",
];

pub fn run(words: &[String]) -> Result<(), String> {
    let release = match words {
        [] => false,
        [word] if word == "--release" => true,
        _ => return Err("Usage: cargo run -p xtask -- frontend [--release]".to_owned()),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("xtask has no parent folder")?
        .to_owned();
    let source = root.join("frontend");
    let dist = source.join("dist");

    let wasm = compile(&root, release)?;
    let stamp = stamp(&source, &wasm, release)?;
    if fs::read_to_string(dist.join(".stamp")).is_ok_and(|last| last == stamp) {
        return Ok(());
    }

    let work = wasm.with_extension("bindgen");
    clear(&work)?;
    bind(&wasm, &work)?;
    let code = work.join("app_bg.wasm");
    if release {
        optimise::shrink(&source, &code)?;
    }

    // Beside the old one, then in its place: a server that reads the folder never finds half of it.
    let fresh = source.join("dist.new");
    clear(&fresh)?;
    write_dist(&source, &work, &fresh, release)?;
    fs::write(fresh.join(".stamp"), stamp).map_err(|why| format!("{}: {why}", fresh.display()))?;
    if dist.exists() {
        fs::remove_dir_all(&dist).map_err(|why| format!("{}: {why}", dist.display()))?;
    }
    fs::rename(&fresh, &dist).map_err(|why| format!("{}: {why}", dist.display()))
}

/// Compiles the crate for the browser and says where the module lies.
fn compile(root: &Path, release: bool) -> Result<PathBuf, String> {
    let (profile, folder) = if release {
        ("wasm", "wasm")
    } else {
        ("dev", "debug")
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args([
        "build",
        "--package=frontend",
        "--target=wasm32-unknown-unknown",
        "--profile",
        profile,
    ]);
    // Views without their types: a third smaller, and built in half the time.
    const FLAGS: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";
    let flags = std::env::var(FLAGS).unwrap_or_default();
    command.env(FLAGS, format!("{flags} --cfg erase_components"));
    // A compiler that knows the target, where the default one does not: see
    // scripts/install-wasm-target.sh. It must not share a target folder with another compiler.
    let mut target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    if let Some(compiler) = std::env::var_os("ROLLCALL_WASM_RUSTC").filter(|path| !path.is_empty())
    {
        target = target.join("wasm-rustc");
        command
            .env("RUSTC", compiler)
            .env("CARGO_TARGET_DIR", &target);
        command.env_remove("RUSTUP_TOOLCHAIN");
    }
    run_quietly(&mut command)?;
    Ok(target
        .join("wasm32-unknown-unknown")
        .join(folder)
        .join("frontend.wasm"))
}

/// What the result depends on, in one line.
fn stamp(source: &Path, wasm: &Path, release: bool) -> Result<String, String> {
    let mut hasher = DefaultHasher::new();
    release.hash(&mut hasher);
    read(wasm)?.hash(&mut hasher);
    // This program too: a change in how things are put together is a change of the result.
    std::env::current_exe()
        .and_then(fs::read)
        .map_err(|why| format!("Cannot read myself: {why}"))?
        .hash(&mut hasher);
    for style in STYLES {
        read(&source.join("css").join(style))?.hash(&mut hasher);
    }
    for name in assets::sorted_names(&source.join("static"))? {
        name.hash(&mut hasher);
        read(&source.join("static").join(name))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn bind(wasm: &Path, into: &Path) -> Result<(), String> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).out_name("app").typescript(false);
    bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(into))
        .map_err(|why| format!("wasm-bindgen: {why:#}"))
}

fn write_dist(source: &Path, work: &Path, dist: &Path, release: bool) -> Result<(), String> {
    let mut assets = Assets::new(dist, release)?;
    let statics = source.join("static");

    let mut styles = Vec::new();
    for style in STYLES {
        styles.extend(read(&source.join("css").join(style))?);
        styles.push(b'\n');
    }
    let style = assets.add("app", "css", &styles)?;
    let wasm = assets.add("app", "wasm", &read(&work.join("app_bg.wasm"))?)?;
    let glue = assets.add("app", "js", &read(&work.join("app.js"))?)?;
    assets.copy_folder(&work.join("snippets"), "snippets")?;
    let start = text(&statics.join("start.js"))?
        .replace("{{glue}}", &glue)
        .replace("{{wasm}}", &wasm);
    let start = assets.add("start", "js", start.as_bytes())?;
    let theme = assets.add("theme", "js", &read(&statics.join("theme.js"))?)?;
    let icon = assets.add("icon", "svg", &read(&statics.join("icon.svg"))?)?;

    let page = text(&statics.join("index.html"))?
        .replace("{{style}}", &style)
        .replace("{{theme}}", &theme)
        .replace("{{start}}", &start)
        .replace("{{glue}}", &glue)
        .replace("{{wasm}}", &wasm)
        .replace("{{icon}}", &icon)
        .replace("{{shapes}}", text(&statics.join("shapes.svg"))?.trim());
    assets.page("index.html", page.as_bytes())?;
    assets.report();
    Ok(())
}

fn run_quietly(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name} failed: {status}")),
        Err(why) => Err(format!("Cannot start {name}: {why}")),
    }
}

/// An empty folder at this path, whatever was there.
fn clear(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    }
    fs::create_dir_all(folder).map_err(|why| format!("{}: {why}", folder.display()))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|why| format!("{}: {why}", path.display()))
}

fn text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|why| format!("{}: {why}", path.display()))
}
