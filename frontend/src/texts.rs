//! Every word the board says, in the user's language.
//!
//! The methods come from `texts/{en,ru}/{ui,settings}.toml` by the build script; this module adds what is
//! grammar rather than text. Sentences that depend on states are put together where the states
//! are known (`live::words`), never from halves that a translator could not reorder.

use api::Language;

/// The texts in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Texts(pub Language);

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

impl Texts {
    /// The tag for `lang` and `Accept-Language`.
    pub fn tag(self) -> &'static str {
        match self.0 {
            Language::English => "en",
            Language::Russian => "ru",
        }
    }
}

/// Which form of a word goes with a number, by the CLDR's rules for whole numbers.
mod plural {
    pub fn en(n: u64) -> &'static str {
        if n == 1 { "one" } else { "other" }
    }

    pub fn ru(n: u64) -> &'static str {
        match (n % 10, n % 100) {
            (1, last) if last != 11 => "one",
            (2..=4, last) if !(12..=14).contains(&last) => "few",
            _ => "many",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn russian_counts_by_the_last_digits() {
        let forms: Vec<&str> = [1, 2, 5, 11, 12, 14, 21, 22, 25, 101, 111, 112]
            .map(plural::ru)
            .into();
        assert_eq!(
            forms,
            [
                "one", "few", "many", "many", "many", "many", "one", "few", "many", "one", "many",
                "many"
            ]
        );
    }

    #[test]
    fn english_knows_one_and_other() {
        assert_eq!(
            [0, 1, 2, 21].map(plural::en),
            ["other", "one", "other", "other"]
        );
    }
}
