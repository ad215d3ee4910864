//! Numbers as they are spoken: counted, or read digit by digit.
//!
//! The grammar that cannot be in the texts is here: which form of a noun follows
//! which number. Russian has three (1 человек, 2 человека, 5 человек), and its
//! thousands are feminine (две тысячи); English makes do with two of them.

use super::{Phrase, SoundKey, key, sound};

/// The form of a noun after a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plural {
    /// 1, 21, 31 … but not 11.
    One,
    /// 2-4, 22-24 … but not 12-14.
    Few,
    /// Everything else.
    Many,
}

/// Numbers from here on are said to be this.
const MOST: usize = 99_999;

impl Plural {
    /// The form after `n`, told apart as finely as any of our languages does.
    pub fn of(n: usize) -> Self {
        match (n % 10, n % 100) {
            (_, 11..=14) => Self::Many,
            (1, _) => Self::One,
            (2..=4, _) => Self::Few,
            _ => Self::Many,
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Few => "few",
            Self::Many => "many",
        }
    }
}

/// "In the room: three people."
pub fn in_the_room(people: usize) -> Vec<Phrase> {
    let mut phrases = vec![sound("in_the_room")];
    phrases.extend(number(people));
    // "Twenty-one person" is right in Russian only: the number decides, not its end.
    let form = match Plural::of(people) {
        Plural::One if people != 1 => "people_one_of_many",
        form => match form {
            Plural::One => "people_one",
            Plural::Few => "people_few",
            Plural::Many => "people_many",
        },
    };
    phrases.push(sound(form));
    phrases
}

/// A number that counts, up to 99 999.
pub fn number(n: usize) -> Vec<Phrase> {
    let n = n.min(MOST);
    let (thousands, rest) = (n / 1_000, n % 1_000);

    let mut phrases = Vec::new();
    if thousands > 0 {
        phrases.extend(thousands_of(thousands));
    }
    if rest > 0 || thousands == 0 {
        phrases.extend(below_thousand(rest));
    }
    phrases
}

/// "Thirty minutes", up to a day of them. A minute is feminine, as thousands are.
pub fn minutes(n: usize) -> Vec<Phrase> {
    let n = n.min(MOST);
    let (round, rest) = (n / 100 * 100, n % 100);
    let form = Plural::of(n);
    let is_gendered = match form {
        Plural::One => true,
        Plural::Few => n % 10 == 2,
        Plural::Many => false,
    };
    let mut phrases = match (round, rest) {
        (0, 0) => vec![plain(0)],
        (0, _) => Vec::new(),
        (round, _) => number(round),
    };
    match rest {
        0 => {}
        rest if is_gendered => phrases.push(gendered(rest)),
        rest => phrases.push(plain(rest)),
    }
    // "Twenty-one minute" is right in Russian only: the number decides, not its end.
    let form = match form {
        Plural::One if n != 1 => "one_of_many",
        form => form.suffix(),
    };
    phrases.push(sound(&format!("minutes_{form}")));
    phrases
}

/// The digits of a number, one by one. A plus in front is read too.
pub fn digits(text: &str) -> Vec<Phrase> {
    let digit = |found| match found {
        '0'..='9' => Some(Phrase::Sound(SoundKey(format!("digit_{found}")))),
        '+' => Some(sound("digit_plus")),
        _ => None,
    };
    text.chars().filter_map(digit).collect()
}

fn below_thousand(n: usize) -> Vec<Phrase> {
    let (hundreds, rest) = (n / 100 * 100, n % 100);
    let parts = match (hundreds, rest) {
        (0, rest) => vec![rest],
        (hundreds, 0) => vec![hundreds],
        (hundreds, rest) => vec![hundreds, rest],
    };
    parts.into_iter().map(plain).collect()
}

fn thousands_of(thousands: usize) -> Vec<Phrase> {
    let form = Plural::of(thousands);
    let count = match form {
        Plural::One => gendered(thousands),
        Plural::Few if thousands % 10 == 2 => gendered(thousands),
        Plural::Few | Plural::Many => plain(thousands),
    };
    vec![count, sound(&format!("thousand_{}", form.suffix()))]
}

fn plain(n: usize) -> Phrase {
    Phrase::Sound(SoundKey(format!("number_{n}")))
}

fn gendered(n: usize) -> Phrase {
    Phrase::Sound(SoundKey(format!("number_{n}_of_thousands")))
}

/// Every sound this module asks for.
pub(super) fn every_key() -> Vec<SoundKey> {
    let mut keys: Vec<SoundKey> = ["one", "one_of_many", "few", "many"]
        .iter()
        .map(|form| SoundKey(format!("people_{form}")))
        .collect();
    keys.extend(
        ["one", "one_of_many", "few", "many"].map(|form| SoundKey(format!("minutes_{form}"))),
    );
    keys.extend(
        [Plural::One, Plural::Few, Plural::Many]
            .iter()
            .map(|form| SoundKey(format!("thousand_{}", form.suffix()))),
    );
    keys.extend((0..100).map(|n| SoundKey(format!("number_{n}"))));
    keys.extend((1..10).map(|n| SoundKey(format!("number_{}", n * 100))));
    keys.extend(
        (1..100)
            .filter(|n| matches!(n % 10, 1 | 2) && !matches!(n, 11 | 12))
            .map(|n| SoundKey(format!("number_{n}_of_thousands"))),
    );
    keys.extend((0..10).map(|n| SoundKey(format!("digit_{n}"))));
    keys.push(key("digit_plus"));
    keys
}
