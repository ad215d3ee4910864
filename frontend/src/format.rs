//! Figures as people read them. Plain Rust: what needs the browser's clock or zone is in `clock`.

/// `0:07`, `12:30`, and from an hour on `1:02:30`. A time that has passed is `0:00`.
pub fn minutes(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// `0:03:17`: the length of a meeting, always with its hours.
pub fn hours(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    format!(
        "{}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Time left, rounded up, so that a countdown reaches zero when it is over and not a second early.
pub fn left(ms: i64) -> String {
    minutes(ms.max(0) + 999)
}

/// Thousands apart by a thin space: `1 946`.
pub fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut written = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            written.push('\u{202f}');
        }
        written.push(digit);
    }
    written
}

/// The first letters of the first two words: what stands in for a face.
pub fn initials(name: &str) -> String {
    let letters = |word: &str| word.chars().find(|letter| letter.is_alphanumeric());
    let found: String = name
        .split_whitespace()
        .filter_map(letters)
        .take(2)
        .collect();
    found.to_uppercase()
}

/// What is left of a wait, in hundredths of it; nothing left when the wait has no length.
pub fn share_left(from: i64, until: i64, now: i64) -> u32 {
    if until <= from {
        return 0;
    }
    let left = (until - now).clamp(0, until - from);
    u32::try_from(left * 100 / (until - from)).unwrap_or(0)
}

/// A number in groups, as its country writes it: `+7 916 204-11-38`. Others stay as they came.
pub fn phone(number: &str) -> String {
    let digits = number.strip_prefix("+7").filter(|rest| rest.len() == 10);
    match digits {
        Some(d) if d.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("+7 {} {}-{}-{}", &d[..3], &d[3..6], &d[6..8], &d[8..])
        }
        _ => number.to_owned(),
    }
}

/// Whether a search finds a person: every word begins a word of the name, or a number.
pub fn matches(search: &str, name: &str, numbers: &[&str]) -> bool {
    let lower = |text: &str| text.to_lowercase();
    let name = lower(name);
    lower(search).split_whitespace().all(|word| {
        name.split_whitespace().any(|part| part.starts_with(word))
            || numbers.iter().any(|number| number.contains(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_countdown_is_zero_only_when_it_is_over() {
        assert_eq!(left(1), "0:01");
        assert_eq!(left(0), "0:00");
        assert_eq!(left(-5_000), "0:00");
        assert_eq!(left(60_000), "1:00");
    }

    #[test]
    fn hours_appear_when_there_are_any() {
        assert_eq!(minutes(7_900), "0:07");
        assert_eq!(minutes(3_750_000), "1:02:30");
        assert_eq!(hours(197_000), "0:03:17");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(count(7), "7");
        assert_eq!(count(1_946), "1\u{202f}946");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
    }

    #[test]
    fn initials_take_two_words_and_skip_signs() {
        assert_eq!(initials("Irina Belova"), "IB");
        assert_eq!(initials("Дилер, (Орёл) юг"), "ДО");
        assert_eq!(initials("+7 916"), "79");
        assert_eq!(initials(""), "");
    }

    #[test]
    fn an_arc_shrinks_with_the_wait_and_never_leaves_its_circle() {
        assert_eq!(share_left(0, 200, 50), 75);
        assert_eq!(share_left(0, 200, -50), 100);
        assert_eq!(share_left(0, 200, 500), 0);
        assert_eq!(share_left(200, 200, 100), 0);
    }

    #[test]
    fn only_numbers_we_know_how_to_write_are_grouped() {
        assert_eq!(phone("+79162041138"), "+7 916 204-11-38");
        assert_eq!(phone("+4930901820"), "+4930901820");
        assert_eq!(phone("+7916204113x"), "+7916204113x");
    }

    #[test]
    fn a_search_begins_words_of_the_name_or_is_in_a_number() {
        assert!(matches("bel iri", "Irina Belova", &["101"]));
        assert!(matches("10", "Irina Belova", &["101"]));
        assert!(matches("ФРО", "Лена Фролова", &[]));
        assert!(!matches("ova", "Irina Belova", &["101"]));
    }
}
