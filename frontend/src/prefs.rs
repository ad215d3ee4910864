//! What this browser keeps for its user: language and theme. Set before the first paint by
//! `static/theme.js`, changed here.

use api::Language;

/// Which colours to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// As the system does.
    System,
    Light,
    Dark,
}

impl Theme {
    fn name(self) -> Option<&'static str> {
        match self {
            Theme::System => None,
            Theme::Light => Some("light"),
            Theme::Dark => Some("dark"),
        }
    }
}

const THEME: &str = "rollcall.theme";
const LANGUAGE: &str = "rollcall.language";

pub fn theme() -> Theme {
    match kept(THEME).as_deref() {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    }
}

pub fn set_theme(theme: Theme) {
    keep(THEME, theme.name());
    let Some(root) = root() else { return };
    let _ = match theme.name() {
        Some(name) => root.set_attribute("data-theme", name),
        None => root.remove_attribute("data-theme"),
    };
}

/// The language of the page as it stands.
pub fn language() -> Language {
    match root()
        .and_then(|root| root.get_attribute("lang"))
        .as_deref()
    {
        Some("ru") => Language::Russian,
        _ => Language::English,
    }
}

/// Whether the user has chosen a language here, so that the company's does not count.
pub fn language_chosen() -> bool {
    kept(LANGUAGE).is_some()
}

pub fn choose_language(language: Language) {
    keep(LANGUAGE, Some(tag(language)));
    show_language(language);
}

/// Marks the page, for fonts, hyphens, screen readers and `Accept-Language`.
pub fn show_language(language: Language) {
    if let Some(root) = root() {
        let _ = root.set_attribute("lang", tag(language));
    }
}

fn tag(language: Language) -> &'static str {
    crate::texts::Texts(language).tag()
}

fn root() -> Option<web_sys::Element> {
    web_sys::window()?.document()?.document_element()
}

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()?
}

fn kept(key: &str) -> Option<String> {
    storage()?.get_item(key).ok()?
}

/// Storage may be switched off: then the choice lasts as long as the page.
fn keep(key: &str, value: Option<&str>) {
    if let Some(storage) = storage() {
        let _ = match value {
            Some(value) => storage.set_item(key, value),
            None => storage.remove_item(key),
        };
    }
}
