//! Turns the texts of the board into Rust: one method per text, in every language.
//!
//! A text that one language lacks, a gap that one language does not fill, a plural form that
//! is missing: none of them compiles. A text nobody uses is a dead method, and a warning.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};

/// Folder under `texts/`, the language's name in Rust, the plural forms it needs.
const LANGUAGES: [(&str, &str, &[&str]); 2] = [
    ("en", "English", &["one", "other"]),
    ("ru", "Russian", &["one", "few", "many"]),
];

enum Entry {
    One(String),
    Plural(BTreeMap<String, String>),
}

/// The catalogues of one language; a key is in one of them.
const FILES: [&str; 3] = ["ui.toml", "settings.toml", "names.toml"];

fn main() {
    let texts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../texts");
    let catalogues: Vec<BTreeMap<String, Entry>> = LANGUAGES
        .iter()
        .map(|(folder, _, forms)| {
            let mut all = BTreeMap::new();
            for file in FILES {
                for (key, entry) in load(&texts.join(folder).join(file), forms) {
                    let twice = all.insert(key.clone(), entry).is_some();
                    assert!(
                        !twice,
                        "texts/{folder}/{file}: `{key}` is in another file too"
                    );
                }
            }
            all
        })
        .collect();
    for (catalogue, (folder, ..)) in catalogues.iter().zip(LANGUAGES) {
        for key in catalogues[0].keys().chain(catalogue.keys()) {
            assert!(
                catalogues[0].contains_key(key) && catalogue.contains_key(key),
                "texts/{folder} and texts/en differ: `{key}` is in one of them only"
            );
        }
    }
    let mut code = String::from("impl Texts {\n");
    for key in catalogues[0].keys() {
        let entries: Vec<&Entry> = catalogues.iter().map(|catalogue| &catalogue[key]).collect();
        method(&mut code, key, &entries);
    }
    code.push_str("}\n");
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    std::fs::write(Path::new(&out).join("texts.rs"), code).expect("OUT_DIR can be written");
}

fn load(path: &Path, forms: &[&str]) -> BTreeMap<String, Entry> {
    println!("cargo::rerun-if-changed={}", path.display());
    let name = path.display();
    let text = std::fs::read_to_string(path).unwrap_or_else(|why| panic!("{name}: {why}"));
    let table: toml::Table = text.parse().unwrap_or_else(|why| panic!("{name}: {why}"));
    let entry = |key: &str, value: toml::Value| match value {
        toml::Value::String(text) => Entry::One(text),
        toml::Value::Table(table) => {
            let found: BTreeSet<&str> = table.keys().map(String::as_str).collect();
            assert!(
                found == forms.iter().copied().collect(),
                "{name}: `{key}` needs exactly the forms {forms:?}"
            );
            let text = |value: toml::Value| value.as_str().expect("a form is a text").to_owned();
            Entry::Plural(
                table
                    .into_iter()
                    .map(|(form, value)| (form, text(value)))
                    .collect(),
            )
        }
        other => panic!("{name}: `{key}` is {other}, not a text"),
    };
    table
        .into_iter()
        .map(|(key, value)| (key.clone(), entry(&key, value)))
        .collect()
}

/// The names between braces, in order of appearance.
fn gaps(text: &str) -> Vec<&str> {
    text.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
        .collect()
}

/// The expression that makes a text with its gaps filled.
fn sentence(text: &str) -> String {
    if gaps(text).is_empty() {
        format!("{text:?}.to_owned()")
    } else {
        format!("format!({text:?})")
    }
}

fn method(code: &mut String, key: &str, entries: &[&Entry]) {
    let all: Vec<Vec<&str>> = entries
        .iter()
        .map(|entry| match entry {
            Entry::One(text) => gaps(text),
            Entry::Plural(forms) => ["n"]
                .into_iter()
                .chain(forms.values().flat_map(|text| gaps(text)))
                .collect(),
        })
        .collect();
    let names = |gaps: &Vec<&str>| {
        gaps.iter()
            .copied()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    assert!(
        all.iter().all(|gaps| names(gaps) == names(&all[0])),
        "`{key}`: the languages fill different gaps"
    );
    // Arguments come in the order in which the English text names them.
    let mut arguments = String::new();
    let mut seen = BTreeSet::new();
    let plural = matches!(entries[0], Entry::Plural(_));
    for gap in all[0].iter().filter(|gap| seen.insert(**gap)) {
        let kind = if plural && *gap == "n" {
            "u64"
        } else {
            "&dyn std::fmt::Display"
        };
        let _ = write!(arguments, ", {gap}: {kind}");
    }
    let result = if all[0].is_empty() {
        "&'static str"
    } else {
        "String"
    };
    let _ = writeln!(
        code,
        "    pub fn {key}(self{arguments}) -> {result} {{\n        match self.0 {{"
    );
    for (entry, (folder, language, forms)) in entries.iter().zip(LANGUAGES) {
        let body = match entry {
            Entry::One(text) if all[0].is_empty() => format!("{text:?}"),
            Entry::One(text) => sentence(text),
            Entry::Plural(texts) => {
                let mut body = format!("match plural::{folder}(n) {{ ");
                for (index, form) in forms.iter().enumerate() {
                    let pattern = if index + 1 == forms.len() {
                        "_"
                    } else {
                        &format!("{form:?}")
                    };
                    let _ = write!(body, "{pattern} => {}, ", sentence(&texts[*form]));
                }
                body + "}"
            }
        };
        let _ = writeln!(code, "            Language::{language} => {body},");
    }
    code.push_str("        }\n    }\n");
}
