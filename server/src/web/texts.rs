//! The sentences of `texts/{en,ru}/errors.toml`, and which language a request wants.

use std::{collections::BTreeMap, sync::LazyLock};

use domain::Language;

/// A sentence's key and what goes into its gaps.
///
/// An argument that is a phrase itself is looked up too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    key: String,
    args: Vec<(&'static str, Argument)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Argument {
    Plain(String),
    Phrase(Phrase),
}

impl Phrase {
    pub(super) fn new(key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            args: Vec::new(),
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.args.push((name, Argument::Plain(value.to_string())));
        self
    }

    pub(super) fn with_phrase(mut self, name: &'static str, value: Phrase) -> Self {
        self.args.push((name, Argument::Phrase(value)));
        self
    }

    /// The sentence in a language; a key without one is shown bare, and a test sees to it that there is none.
    pub(super) fn say(&self, language: Language) -> String {
        let Some(text) = texts(language).get(&self.key) else {
            return self.key.clone();
        };
        let mut said = text.clone();
        for (name, value) in &self.args {
            let value = match value {
                Argument::Plain(value) => value.clone(),
                Argument::Phrase(phrase) => phrase.say(language),
            };
            said = said.replace(&format!("{{{name}}}"), &value);
        }
        said
    }
}

fn texts(language: Language) -> &'static BTreeMap<String, String> {
    static ENGLISH: LazyLock<BTreeMap<String, String>> =
        LazyLock::new(|| read(include_str!("../../../texts/en/errors.toml")));
    static RUSSIAN: LazyLock<BTreeMap<String, String>> =
        LazyLock::new(|| read(include_str!("../../../texts/ru/errors.toml")));
    match language {
        Language::English => &ENGLISH,
        Language::Russian => &RUSSIAN,
    }
}

/// Keys in tables become `table.key`.
pub(crate) fn read(file: &str) -> BTreeMap<String, String> {
    let table: toml::Table = file
        .parse()
        .expect("the texts are compiled in, and a test reads them");
    let mut texts = BTreeMap::new();
    for (key, value) in table {
        match value {
            toml::Value::String(text) => {
                texts.insert(key, text);
            }
            toml::Value::Table(inner) => {
                for (name, text) in inner {
                    if let toml::Value::String(text) = text {
                        texts.insert(format!("{key}.{name}"), text);
                    }
                }
            }
            _ => {}
        }
    }
    texts
}

/// The language an `Accept-Language` header (RFC 9110 §12.5.4) prefers among ours.
pub(super) fn preferred(header: &str) -> Option<Language> {
    let mut best: Option<(f32, Language)> = None;
    for part in header.split(',') {
        let (tag, parameters) = part.split_once(';').unwrap_or((part, ""));
        let quality = parameters
            .trim()
            .strip_prefix("q=")
            .map_or(Some(1.0), |quality| quality.trim().parse().ok())
            .unwrap_or(0.0);
        let primary = tag
            .trim()
            .split('-')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let language = Language::ALL
            .into_iter()
            .find(|language| language.code() == primary);
        if let Some(language) = language
            && quality > 0.0
            && best.is_none_or(|(known, _)| quality > known)
        {
            best = Some((quality, language));
        }
    }
    best.map(|(_, language)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_sentences_with_the_same_gaps() {
        let gaps = |text: &str| {
            let mut gaps: Vec<String> = text
                .split('{')
                .skip(1)
                .filter_map(|part| Some(part.split_once('}')?.0.to_owned()))
                .collect();
            gaps.sort();
            gaps
        };
        let english = texts(Language::English);
        let russian = texts(Language::Russian);

        assert_eq!(
            english.keys().collect::<Vec<_>>(),
            russian.keys().collect::<Vec<_>>()
        );
        for (key, text) in english {
            assert_eq!(gaps(text), gaps(&russian[key]), "{key}");
        }
    }

    #[test]
    fn a_phrase_may_stand_in_a_phrase() {
        let problem = Phrase::new("problems.misplaced_plus");
        let phrase = Phrase::new("bad_number")
            .with("number", "7+916")
            .with_phrase("problem", problem);

        assert_eq!(
            phrase.say(Language::English),
            "7+916 is not a telephone number: the plus belongs in front."
        );
    }

    #[test]
    fn the_language_is_the_one_the_browser_likes_best_of_ours() {
        assert_eq!(
            preferred("ru-RU,ru;q=0.9,en;q=0.8"),
            Some(Language::Russian)
        );
        assert_eq!(preferred("de, en;q=0.5, ru;q=0.7"), Some(Language::Russian));
        assert_eq!(preferred("en;q=0, de"), None);
        assert_eq!(preferred(""), None);
        assert_eq!(preferred(";q=;,"), None);
    }
}
