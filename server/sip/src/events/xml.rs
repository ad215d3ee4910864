//! Reading XML from strangers: small, shallow, without a DTD, and by local names, since
//! the prefixes are theirs to choose.

use roxmltree::{Document, Node, ParsingOptions};

/// Bounds of a document: beyond them nothing of it is read.
const MAX_NODES: u32 = 5_000;
const MAX_DEPTH: usize = 16;

/// Why a body says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Garbage {
    #[error("not XML: {0}")]
    NotXml(String),
    #[error("nested deeper than {MAX_DEPTH}")]
    TooDeep,
    #[error("it is no {0}")]
    Another(&'static str),
    #[error("{0} is missing or makes no sense")]
    Missing(&'static str),
    #[error("it is of another type than was agreed")]
    ContentType,
}

/// Reads a document with this root.
pub fn read<T>(
    body: &[u8],
    root: &'static str,
    take: impl FnOnce(Node<'_, '_>) -> Result<T, Garbage>,
) -> Result<T, Garbage> {
    let text = std::str::from_utf8(body).map_err(|error| Garbage::NotXml(error.to_string()))?;
    let options = ParsingOptions {
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text.trim_start(), options)
        .map_err(|error| Garbage::NotXml(error.to_string()))?;
    // Ancestors are counted from the leaves: a document has few where it is deep.
    let too_deep = document
        .descendants()
        .filter(|node| !node.has_children())
        .any(|leaf| leaf.ancestors().take(MAX_DEPTH + 2).count() > MAX_DEPTH + 1);
    if too_deep {
        return Err(Garbage::TooDeep);
    }
    let element = document.root_element();
    if element.tag_name().name() != root {
        return Err(Garbage::Another(root));
    }
    take(element)
}

/// The children of this local name.
pub fn children<'a, 'input>(
    node: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children()
        .filter(move |child| child.is_element() && child.tag_name().name() == name)
}

/// The text of the first child of this name, trimmed.
pub fn text_of<'a>(node: Node<'a, '_>, name: &'static str) -> Option<&'a str> {
    let text = children(node, name).next()?.text()?.trim();
    (!text.is_empty()).then_some(text)
}

pub fn number(node: Node<'_, '_>, attribute: &str) -> Option<u32> {
    node.attribute(attribute)?.trim().parse().ok()
}

/// `version` and whether `state` is full, as reg-info and dialog-info both carry them.
pub fn version(root: Node<'_, '_>) -> Result<(u32, bool), Garbage> {
    let version = number(root, "version").ok_or(Garbage::Missing("version"))?;
    match root.attribute("state") {
        Some("full") => Ok((version, true)),
        Some("partial") => Ok((version, false)),
        Some(_) | None => Err(Garbage::Missing("state")),
    }
}

/// Text as it stands between tags or in an attribute.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML knows no other control characters.
            '\t' | '\n' | '\r' => escaped.push(' '),
            control if control.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_garbage() {
        let deep = format!("<a>{}{}</a>", "<b>".repeat(9_000), "</b>".repeat(9_000));
        let wide = format!("<a>{}</a>", "<b/>".repeat(9_000));
        let bomb = "<!DOCTYPE a [<!ENTITY x \"xxxxxxxx\">]><a>&x;</a>";
        let nested = format!("<a>{}{}</a>", "<b>".repeat(30), "</b>".repeat(30));
        for body in [&deep, &wide, bomb, &nested, "", "\u{0}", "hello"] {
            assert!(read(body.as_bytes(), "a", |_| Ok(())).is_err());
        }
        assert!(read(b"<x:a xmlns:x='urn:y'><b/></x:a>", "a", |_| Ok(())).is_ok());
        assert_eq!(read(b"<b/>", "a", |_| Ok(())), Err(Garbage::Another("a")));
    }
}
