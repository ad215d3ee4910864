//! Answers as snapshots show them.

use axum::http::StatusCode;
use serde_json::Value;

/// Status and body; ids are numbered as they appear, so that the same id keeps its number.
pub fn shown(status: StatusCode, text: &str) -> String {
    let mut ids = Vec::new();
    let body = match serde_json::from_str::<Value>(text) {
        Ok(mut body) => {
            number(&mut body, &mut ids);
            serde_json::to_string_pretty(&body).unwrap()
        }
        Err(_) => text.to_owned(),
    };
    format!("{status}\n{body}").trim_end().to_owned()
}

fn number(value: &mut Value, ids: &mut Vec<String>) {
    match value {
        Value::String(text) if is_id(text) => {
            let place = ids.iter().position(|id| id == text).unwrap_or_else(|| {
                ids.push(text.clone());
                ids.len() - 1
            });
            *text = format!("#{}", place + 1);
        }
        Value::String(text) if text.starts_with("rollcall_") => *text = "rollcall_…".to_owned(),
        Value::Array(list) => list.iter_mut().for_each(|one| number(one, ids)),
        Value::Object(map) => map.values_mut().for_each(|one| number(one, ids)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(place, sign)| match place {
            8 | 13 | 18 | 23 => sign == '-',
            _ => sign.is_ascii_hexdigit(),
        })
}
