//! The server's clock, as well as the browser can tell it, and one timer for all countdowns.

use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::JsCast;

#[derive(Clone, Copy)]
pub struct Clock {
    /// The server's time in Unix milliseconds, moved on once a second.
    now: RwSignal<i64>,
    /// What to add to the browser's clock to get the server's.
    offset: StoredValue<i64>,
}

impl Clock {
    /// Starts the timer; it runs as long as the page.
    pub fn start() -> Self {
        let clock = Self {
            now: RwSignal::new(browser_now()),
            offset: StoredValue::new(0),
        };
        set_interval(move || clock.tick(), Duration::from_secs(1));
        clock
    }

    /// Now, and again every second for whoever reads it in a view.
    pub fn now(self) -> i64 {
        self.now.get()
    }

    /// Now, exactly, for one time only.
    pub fn peek(self) -> i64 {
        browser_now() + self.offset.get_value()
    }

    pub fn set_server_time(self, server_now: i64) {
        self.offset.set_value(server_now - browser_now());
        self.tick();
    }

    fn tick(self) {
        self.now.set(self.peek());
    }
}

/// Unix milliseconds, by the browser.
pub fn browser_now() -> i64 {
    js_sys::Date::now() as i64
}

fn date(at: i64) -> js_sys::Date {
    js_sys::Date::new(&(at as f64).into())
}

/// `14:02:11`, on the clock of the one who looks.
pub fn time(at: i64) -> String {
    let date = date(at);
    format!(
        "{:02}:{:02}:{:02}",
        date.get_hours(),
        date.get_minutes(),
        date.get_seconds()
    )
}

/// `14:02`
pub fn short(at: i64) -> String {
    let date = date(at);
    format!("{:02}:{:02}", date.get_hours(), date.get_minutes())
}

/// Year, month from 1, day of the month, on the clock of the one who looks.
pub fn day_of(at: i64) -> (i32, u32, u32) {
    let date = date(at);
    let year = i32::try_from(date.get_full_year()).unwrap_or(1970);
    (year, date.get_month() + 1, date.get_date())
}

/// Minutes since midnight, on the clock of the one who looks.
pub fn minute_of_day(at: i64) -> u32 {
    let date = date(at);
    date.get_hours() * 60 + date.get_minutes()
}

/// `14:02` on the clocks of a zone; none if the browser does not know it.
pub fn short_in(at: i64, zone: &str) -> Option<String> {
    let options = js_sys::Object::new();
    for (name, value) in [
        ("timeZone", zone),
        ("hour", "2-digit"),
        ("minute", "2-digit"),
    ] {
        js_sys::Reflect::set(&options, &name.into(), &value.into()).ok()?;
    }
    let date = date(at);
    // A zone that the browser does not know is an exception there.
    let show: js_sys::Function = js_sys::Reflect::get(&date, &"toLocaleTimeString".into())
        .ok()?
        .dyn_into()
        .ok()?;
    show.call2(&date, &"en-GB".into(), &options)
        .ok()?
        .as_string()
}

/// The IANA zone the browser is in; UTC where it does not say.
pub fn zone() -> String {
    let options = js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &js_sys::Object::new())
        .resolved_options();
    js_sys::Reflect::get(&options, &"timeZone".into())
        .ok()
        .and_then(|zone| zone.as_string())
        .unwrap_or_else(|| "UTC".to_owned())
}
