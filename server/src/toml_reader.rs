//! Reads a TOML file that people write: every problem is told with file, line,
//! column and key, and all of them at once.
//!
//! `serde` stops at the first problem and knows no second reading of a value
//! ("this room is not in the file"), so the tables are walked by hand here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Range,
    str::FromStr,
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Something in the file that cannot be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub file: String,
    /// Both from 1.
    pub line: usize,
    pub column: usize,
    /// The key as a path, such as `employees[2].devices[0].secret`; empty where the file is not TOML.
    pub key: String,
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            key,
            message,
        } = self;
        write!(f, "{file}:{line}:{column}: ")?;
        if !key.is_empty() {
            write!(f, "{key}: ")?;
        }
        f.write_str(message)
    }
}

/// The problems found so far, and where every key stands.
pub struct Source<'a> {
    file: &'a str,
    text: &'a str,
    places: BTreeMap<String, Range<usize>>,
    problems: Vec<Problem>,
}

/// One table of the file, with the keys that were asked for.
pub struct Section<'t> {
    path: String,
    table: &'t DeTable<'t>,
    span: Range<usize>,
    known: BTreeSet<&'static str>,
}

impl<'a> Source<'a> {
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            places: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// Parses the file and reads it with `read`.
    ///
    /// # Errors
    /// Every problem, in the order of the file.
    pub fn read<T>(
        mut self,
        read: impl FnOnce(&mut Self, &mut Section<'_>) -> Option<T>,
    ) -> Result<(T, Places), Vec<Problem>> {
        let document = match DeTable::parse(self.text) {
            Ok(document) => document,
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                self.problem(at, String::new(), error.message().to_owned());
                return Err(self.problems);
            }
        };
        let mut root = Section {
            path: String::new(),
            table: document.get_ref(),
            span: 0..0,
            known: BTreeSet::new(),
        };
        let value = read(&mut self, &mut root);
        root.refuse_unknown(&mut self);
        self.problems
            .sort_by_key(|problem| (problem.line, problem.column));
        match value {
            Some(value) if self.problems.is_empty() => {
                let Self {
                    file, text, places, ..
                } = self;
                let places = places
                    .into_iter()
                    .map(|(key, span)| (key, position(text, span.start)))
                    .collect();
                Ok((
                    value,
                    Places {
                        file: file.to_owned(),
                        places,
                    },
                ))
            }
            Some(_) | None => Err(self.problems),
        }
    }

    fn problem(&mut self, offset: usize, key: String, message: String) {
        let (line, column) = position(self.text, offset);
        self.problems.push(Problem {
            file: self.file.to_owned(),
            line,
            column,
            key,
            message,
        });
    }
}

/// Where the keys of a file stand: for problems that are found later.
#[derive(Debug, Clone)]
pub struct Places {
    file: String,
    places: BTreeMap<String, (usize, usize)>,
}

impl Places {
    /// The problem at a key, or at the nearest table around it.
    pub fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        let mut near = key;
        let (line, column) = loop {
            match (self.places.get(near), near.rfind(['.', '['])) {
                (Some(place), _) => break *place,
                (None, Some(cut)) => near = &near[..cut],
                (None, None) => break (1, 1),
            }
        };
        Problem {
            file: self.file.clone(),
            line,
            column,
            key: key.to_owned(),
            message: message.into(),
        }
    }
}

impl<'t> Section<'t> {
    /// The key's full path.
    pub fn path(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn get(
        &mut self,
        source: &mut Source<'_>,
        key: &'static str,
    ) -> Option<&'t Spanned<DeValue<'t>>> {
        self.known.insert(key);
        let value = self.table.get(key)?;
        source.places.insert(self.path(key), value.span());
        Some(value)
    }

    /// A problem with a value of this section.
    pub fn refuse(&self, source: &mut Source<'_>, key: &str, message: impl Into<String>) {
        let offset = self
            .table
            .get(key)
            .map_or(self.span.start, |value| value.span().start);
        source.problem(offset, self.path(key), message.into());
    }

    /// A text, if the key is there.
    pub fn text(&mut self, source: &mut Source<'_>, key: &'static str) -> Option<&'t str> {
        let value = self.get(source, key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(text),
            other => {
                self.refuse(
                    source,
                    key,
                    format!("expected a text in quotes, found {}", kind(other)),
                );
                None
            }
        }
    }

    /// A text that must be there and not be empty.
    pub fn required_text(&mut self, source: &mut Source<'_>, key: &'static str) -> Option<&'t str> {
        if self.table.get(key).is_none() {
            self.known.insert(key);
            self.refuse(source, key, "it is missing");
            return None;
        }
        let text = self.text(source, key)?;
        if text.trim().is_empty() {
            self.refuse(source, key, "it is empty");
            return None;
        }
        Some(text.trim())
    }

    /// A text that means something, if the key is there.
    pub fn parsed<T>(&mut self, source: &mut Source<'_>, key: &'static str) -> Option<T>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let text = self.text(source, key)?;
        self.parse(source, key, text)
    }

    /// A text that means something and must be there.
    pub fn required<T>(&mut self, source: &mut Source<'_>, key: &'static str) -> Option<T>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let text = self.required_text(source, key)?;
        self.parse(source, key, text)
    }

    fn parse<T>(&self, source: &mut Source<'_>, key: &str, text: &str) -> Option<T>
    where
        T: FromStr<Err: fmt::Display>,
    {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(source, key, error.to_string());
                None
            }
        }
    }

    /// One of some words, if the key is there.
    pub fn word<T: Copy>(
        &mut self,
        source: &mut Source<'_>,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(source, key)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let list: Vec<String> = words
                .iter()
                .map(|(word, _)| format!("\"{word}\""))
                .collect();
            self.refuse(
                source,
                key,
                format!("\"{text}\" is not one of {}", list.join(", ")),
            );
        }
        found.map(|(_, value)| *value)
    }

    /// A whole number within a range, if the key is there.
    pub fn number(
        &mut self,
        source: &mut Source<'_>,
        key: &'static str,
        range: Range<i64>,
    ) -> Option<i64> {
        let value = self.get(source, key)?;
        let DeValue::Integer(number) = value.get_ref() else {
            self.refuse(
                source,
                key,
                format!("expected a whole number, found {}", kind(value.get_ref())),
            );
            return None;
        };
        let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                self.refuse(
                    source,
                    key,
                    format!(
                        "expected a number from {} to {}",
                        range.start,
                        range.end - 1
                    ),
                );
                None
            }
        }
    }

    /// Yes or no, if the key is there.
    pub fn boolean(&mut self, source: &mut Source<'_>, key: &'static str) -> Option<bool> {
        let value = self.get(source, key)?;
        match value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            other => {
                self.refuse(
                    source,
                    key,
                    format!("expected true or false, found {}", kind(other)),
                );
                None
            }
        }
    }

    /// Whether the key is there and says `false`: how a value is taken away.
    pub fn is_false(&mut self, source: &mut Source<'_>, key: &'static str) -> bool {
        self.get(source, key)
            .is_some_and(|value| matches!(value.get_ref(), DeValue::Boolean(false)))
    }

    /// A list of texts, or a single one, if the key is there.
    pub fn texts(&mut self, source: &mut Source<'_>, key: &'static str) -> Option<Vec<&'t str>> {
        let value = self.get(source, key)?;
        let list = match value.get_ref() {
            DeValue::String(text) => return Some(vec![text]),
            DeValue::Array(list) => list,
            other => {
                self.refuse(
                    source,
                    key,
                    format!("expected a list of texts, found {}", kind(other)),
                );
                return None;
            }
        };
        let mut texts = Vec::new();
        for one in list.iter() {
            match one.get_ref() {
                DeValue::String(text) => texts.push(&**text),
                other => {
                    self.refuse(
                        source,
                        key,
                        format!("expected a list of texts, found {} in it", kind(other)),
                    );
                    return None;
                }
            }
        }
        Some(texts)
    }

    /// A list of whole numbers within a range, if the key is there.
    pub fn numbers(
        &mut self,
        source: &mut Source<'_>,
        key: &'static str,
        range: Range<i64>,
    ) -> Option<Vec<i64>> {
        let value = self.get(source, key)?;
        let DeValue::Array(list) = value.get_ref() else {
            self.refuse(
                source,
                key,
                format!(
                    "expected a list of numbers, found {}",
                    kind(value.get_ref())
                ),
            );
            return None;
        };
        let numbers: Option<Vec<i64>> = list
            .iter()
            .map(|one| match one.get_ref() {
                DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                    .ok()
                    .filter(|number| range.contains(number)),
                _ => None,
            })
            .collect();
        if numbers.is_none() {
            self.refuse(
                source,
                key,
                format!(
                    "expected a list of numbers from {} to {}",
                    range.start,
                    range.end - 1
                ),
            );
        }
        numbers
    }

    /// Reads a table, if the key is there.
    pub fn section<T>(
        &mut self,
        source: &mut Source<'_>,
        key: &'static str,
        read: impl FnOnce(&mut Source<'_>, &mut Section<'t>) -> T,
    ) -> Option<T> {
        let value = self.get(source, key)?;
        let DeValue::Table(table) = value.get_ref() else {
            self.refuse(
                source,
                key,
                format!("expected a table, found {}", kind(value.get_ref())),
            );
            return None;
        };
        let mut section = Section {
            path: self.path(key),
            table,
            span: value.span(),
            known: BTreeSet::new(),
        };
        let read = read(source, &mut section);
        section.refuse_unknown(source);
        Some(read)
    }

    /// Reads every table of a list (`[[key]]`); none if the key is not there.
    pub fn sections<T>(
        &mut self,
        source: &mut Source<'_>,
        key: &'static str,
        mut read: impl FnMut(&mut Source<'_>, &mut Section<'t>) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = self.get(source, key) else {
            return Vec::new();
        };
        let DeValue::Array(list) = value.get_ref() else {
            self.refuse(
                source,
                key,
                format!(
                    "expected a list of tables ([[{key}]]), found {}",
                    kind(value.get_ref())
                ),
            );
            return Vec::new();
        };
        let mut all = Vec::new();
        for (index, one) in list.iter().enumerate() {
            let path = format!("{}[{index}]", self.path(key));
            source.places.insert(path.clone(), one.span());
            let DeValue::Table(table) = one.get_ref() else {
                source.problem(
                    one.span().start,
                    path,
                    format!("expected a table, found {}", kind(one.get_ref())),
                );
                continue;
            };
            let mut section = Section {
                path,
                table,
                span: one.span(),
                known: BTreeSet::new(),
            };
            all.extend(read(source, &mut section));
            section.refuse_unknown(source);
        }
        all
    }

    fn refuse_unknown(&self, source: &mut Source<'_>) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if self.known.contains(name) {
                continue;
            }
            let known: Vec<&str> = self.known.iter().copied().collect();
            let message = format!("there is no such key here (known: {})", known.join(", "));
            source.problem(key.span().start, self.path(name), message);
        }
    }
}

/// Line and column of a place in a text, both from 1; columns count characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let read = Source::new("a.toml", text).read(|source, root| {
            root.section(source, "company", |source, company| {
                company.required_text(source, "name");
                company.number(source, "lead_s", 0..100);
            });
            root.sections(source, "rooms", |source, room| {
                room.required_text(source, "number").map(str::to_owned)
            });
            Some(())
        });
        read.unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_problem_is_told_with_its_place() {
        let text = "[company]\nname = 7\nlead_s = 100\nnmae = 'x'\n\n[[rooms]]\nnumber = '9000'\n[[rooms]]\nnumber = ''\n";

        assert_eq!(
            problems(text),
            [
                "a.toml:2:8: company.name: expected a text in quotes, found a whole number",
                "a.toml:3:10: company.lead_s: expected a number from 0 to 99",
                "a.toml:4:1: company.nmae: there is no such key here (known: lead_s, name)",
                "a.toml:9:10: rooms[1].number: it is empty",
            ]
        );
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_place_too() {
        let [problem] = &problems("[company]\nname = \n")[..] else {
            panic!("one problem")
        };
        assert!(problem.starts_with("a.toml:2:"), "{problem}");
    }

    #[test]
    fn a_later_problem_finds_its_key_or_the_table_around_it() {
        let text = "[[rooms]]\nnumber = '9000'\n";
        let (_, places) = Source::new("a.toml", text)
            .read(|source, root| {
                root.sections(source, "rooms", |source, room| {
                    room.text(source, "number").map(|_| ())
                });
                Some(())
            })
            .unwrap();

        assert_eq!(
            places.problem("rooms[0].number", "taken").to_string(),
            "a.toml:2:10: rooms[0].number: taken"
        );
        assert_eq!(
            places.problem("rooms[0].pin", "bad").to_string(),
            "a.toml:1:1: rooms[0].pin: bad"
        );
    }
}
