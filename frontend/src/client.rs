//! Requests to the server. What becomes of them arrives as events; here only yes or no comes back.

use api::ErrorBody;
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use crate::texts::Texts;

/// Why a request came to nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The server could not be reached: nothing was done.
    Offline,
    /// The server said no, and why.
    Refused(Box<ErrorBody>),
    /// Not an answer of ours: a proxy's page, a newer server.
    Unexpected(u16),
}

impl Failure {
    /// The sentence to show. A refusal brings its own.
    pub fn sentence(&self, t: Texts) -> String {
        match self {
            Failure::Offline => t.failed_offline().to_owned(),
            Failure::Refused(body) => body.message.clone(),
            Failure::Unexpected(status) => t.failed_unexpected(status),
        }
    }

    /// The field at fault, where one is.
    pub fn field(&self) -> Option<&str> {
        match self {
            Failure::Refused(body) => body.field.as_deref(),
            Failure::Offline | Failure::Unexpected(_) => None,
        }
    }

    pub fn signed_out(&self) -> bool {
        matches!(self, Failure::Refused(body) if body.code == api::ErrorCode::NotSignedIn)
    }
}

pub async fn get<T: DeserializeOwned>(path: &str) -> Result<T, Failure> {
    read(&send("GET", path, None).await?)
}

pub async fn post<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Result<T, Failure> {
    read(&send("POST", path, Some(write(body))).await?)
}

/// A body that is JSON already.
pub async fn post_text<T: DeserializeOwned>(path: &str, body: String) -> Result<T, Failure> {
    read(&send("POST", path, Some(body)).await?)
}

/// For acts whose outcome comes as an event: the answer's body is not looked at.
pub async fn act(method: &str, path: &str, body: Option<String>) -> Result<(), Failure> {
    send(method, path, body).await.map(|_| ())
}

/// A file as it is, for what the server keeps.
pub async fn put_file(path: &str, file: &web_sys::File) -> Result<(), Failure> {
    let kind = match file.type_() {
        kind if kind.is_empty() => "application/octet-stream".to_owned(),
        kind => kind,
    };
    ask("PUT", path, Some((file.as_ref(), kind.as_str())))
        .await
        .map(|_| ())
}

/// What is asked while the page goes away: the browser sends it all the same, and nobody hears
/// what became of it.
pub fn parting_act(method: &str, path: &str) {
    let request = web_sys::RequestInit::new();
    request.set_method(method);
    _ = js_sys::Reflect::set(&request, &"keepalive".into(), &JsValue::TRUE);
    if let Some(window) = web_sys::window() {
        _ = window.fetch_with_str_and_init(&format!("/api/v1/{path}"), &request);
    }
}

/// A request's body.
pub fn write(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("wire types have no keys that JSON cannot write")
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    const OK: u16 = 200;
    serde_json::from_str(text).map_err(|_| Failure::Unexpected(OK))
}

async fn send(method: &str, path: &str, body: Option<String>) -> Result<String, Failure> {
    let body = body.map(|body| JsValue::from_str(&body));
    let body = body.as_ref().map(|body| (body, "application/json"));
    ask(method, path, body).await
}

/// The body comes with its type.
async fn ask(method: &str, path: &str, body: Option<(&JsValue, &str)>) -> Result<String, Failure> {
    let offline = |_: JsValue| Failure::Offline;
    let window = web_sys::window().ok_or(Failure::Offline)?;
    let language = window
        .document()
        .and_then(|document| document.document_element())
        .and_then(|root| root.get_attribute("lang"))
        .unwrap_or_default();

    let headers = web_sys::Headers::new().map_err(offline)?;
    headers.set("accept-language", &language).map_err(offline)?;
    let request = web_sys::RequestInit::new();
    request.set_method(method);
    if let Some((body, kind)) = body {
        headers.set("content-type", kind).map_err(offline)?;
        request.set_body(body);
    }
    request.set_headers(&headers);

    let address = format!("/api/v1/{path}");
    let answer = JsFuture::from(window.fetch_with_str_and_init(&address, &request))
        .await
        .map_err(offline)?;
    let answer: web_sys::Response = answer.into();
    let text = JsFuture::from(answer.text().map_err(offline)?)
        .await
        .map_err(offline)?;
    let text = text.as_string().unwrap_or_default();
    if answer.ok() {
        return Ok(text);
    }
    Err(
        serde_json::from_str(&text).map_or(Failure::Unexpected(answer.status()), |body| {
            Failure::Refused(Box::new(body))
        }),
    )
}
