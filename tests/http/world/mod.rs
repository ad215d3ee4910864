//! Two companies, a clock that is set by hand, and somebody to ask as.

mod live;
mod shown;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use domain::{CompanyId, EmployeeId, Millis, RoomId, Span};
use rollcall::{
    company_file,
    web::{self, App, Hub},
};
use serde_json::{Value, json};
use store::{Secret, Store};
use tempfile::TempDir;
use tower::ServiceExt;

pub use live::{StandIn, guest, knocking, recording};

/// 2026-11-22 08:00 UTC, 11:00 in Moscow.
pub const NOW: Millis = Millis(1_795_334_400_000);

pub const PASSWORD: &str = "correct horse";

pub const NORTHWAY: &str = r#"
[company]
name = "Northway"
domain = "northway.example"
time_zone = "Europe/Moscow"
quiet_hours = { from = "21:00", until = "09:00" }

[[trunks]]
name = "North"
address = "127.0.0.1:5070"
status = { push_token = "north-tells-us-of-lines" }

[[rooms]]
number = "9000"
name = "Dealers"
pin = "4711"

[[rooms]]
number = "9001"
name = "Drivers"

[[numbers]]
number = "+74951204040"
room = "9000"
trunk = "North"

[[numbers]]
number = "+74951204041"
event = true

[[employees]]
name = "Irina Belova"
extension = "101"
group = "Office"
email = "irina@northway.example"
level = "administrator"
password = "correct horse"
[[employees.devices]]
kind = "sip_phone"
username = "irina"
secret = "irina-secret"

[[employees]]
name = "Oleg Sorokin"
extension = "204"
group = "Sales"
email = "oleg@northway.example"
password = "correct horse"
[[employees.devices]]
kind = "ip_sim"
mobile = "+79162040001"
short = "204"
trunk = "North"

[[employees]]
name = "Nobody's Desk"
extension = "300"
"#;

pub const SOUTHWAY: &str = r#"
[company]
name = "Southway"
domain = "southway.example"
time_zone = "UTC"
language = "ru"

[[rooms]]
number = "9000"
name = "Everyone"

[[employees]]
name = "Anna Reut"
extension = "101"
email = "anna@southway.example"
level = "administrator"
password = "correct horse"
[[employees.devices]]
kind = "sip_phone"
username = "anna"
secret = "anna-secret"
"#;

pub struct World {
    pub store: Store,
    pub live: Arc<StandIn>,
    pub hub: Hub,
    pub app: App,
    router: Router,
    clock: Arc<AtomicI64>,
    northway: CompanyId,
    _folder: TempDir,
}

/// Somebody's session.
#[derive(Clone)]
pub struct Asker {
    pub cookie: Option<String>,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), None).await.unwrap();
        let northway = company_file::apply_text(&store, "northway.toml", NORTHWAY, NOW)
            .await
            .unwrap()
            .company;
        company_file::apply_text(&store, "southway.toml", SOUTHWAY, NOW)
            .await
            .unwrap();

        let clock = Arc::new(AtomicI64::new(NOW.0));
        let hub = Hub::new(store.clone());
        let live = Arc::new(StandIn::default());
        let hands = clock.clone();
        let app = App::new(
            store.clone(),
            hub.clone(),
            live.clone(),
            Arc::new(move || Millis(hands.load(Ordering::SeqCst))),
        );
        let router = web::router(app.clone());
        Self {
            store,
            live,
            hub,
            app,
            router,
            clock,
            northway,
            _folder: folder,
        }
    }

    pub fn pass(&self, span: Span) {
        self.clock.fetch_add(span.0, Ordering::SeqCst);
    }

    pub fn now(&self) -> Millis {
        Millis(self.clock.load(Ordering::SeqCst))
    }

    /// Signed in without a password, which takes time on purpose.
    pub async fn signed_in(&self, email: &str) -> Asker {
        let login = self
            .store
            .login(email)
            .await
            .unwrap()
            .expect("the world has this user");
        let session = Secret::random("");
        let until = self.now() + Span::minutes(14 * 24 * 60);
        self.store
            .begin_session(login.user.id, &session.hash(), self.now(), until)
            .await
            .unwrap();
        Asker {
            cookie: Some(format!("rollcall_session={}", session.reveal())),
        }
    }

    pub async fn irina(&self) -> Asker {
        self.signed_in("irina@northway.example").await
    }

    pub async fn oleg(&self) -> Asker {
        self.signed_in("oleg@northway.example").await
    }

    pub async fn anna(&self) -> Asker {
        self.signed_in("anna@southway.example").await
    }

    pub fn nobody(&self) -> Asker {
        Asker { cookie: None }
    }

    /// An employee of Northway.
    pub async fn employee(&self, name: &str) -> EmployeeId {
        let directory = self.store.directory().await.unwrap();
        let there = &directory.companies[&self.northway].employees;
        there
            .iter()
            .find(|employee| employee.name == name)
            .expect("the world has this person")
            .id
    }

    /// The directory once somebody has left Northway.
    pub async fn without(&self, name: &str) -> store::Directory {
        let mut directory = self.store.directory().await.unwrap();
        let company = directory.companies.get_mut(&self.northway).unwrap();
        company.employees.retain(|employee| employee.name != name);
        directory
    }

    /// A room of Northway.
    pub async fn room(&self, number: &str) -> RoomId {
        let rooms = self.store.rooms(self.northway).await.unwrap();
        rooms
            .iter()
            .find(|room| room.number.as_str() == number)
            .expect("the world has this room")
            .id
    }

    pub fn northway(&self) -> CompanyId {
        self.northway
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&body).into_owned(),
            bytes: body.to_vec(),
        }
    }

    pub async fn ask(&self, who: &Asker, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string());
        self.send(who.request(method, path, body)).await
    }

    pub async fn get(&self, who: &Asker, path: &str) -> Answer {
        self.ask(who, "GET", path, None).await
    }

    pub async fn post(&self, who: &Asker, path: &str, body: Value) -> Answer {
        self.ask(who, "POST", path, Some(body)).await
    }

    /// A meeting of Northway tomorrow at ten with Oleg and somebody outside.
    pub async fn meeting(&self, who: &Asker) -> Value {
        let body = self.meeting_body().await;
        let answer = self.post(who, "/api/v1/meetings", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.json()
    }

    pub async fn meeting_body(&self) -> Value {
        json!({
            "title": "Morning roll",
            "room_id": self.room("9000").await,
            "starts_local": "2026-11-23T10:00",
            "duration_min": 60,
            "participants": [
                { "employee_id": self.employee("Oleg Sorokin").await, "role": "speaker" },
                { "number": "+49 30 901-820", "name": "Müller GmbH", "role": "listener" },
            ],
        })
    }
}

impl Asker {
    pub fn request(&self, method: &str, path: &str, body: Option<String>) -> Request<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "127.0.0.1:8080");
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        request
            .body(body.map_or_else(Body::empty, Body::from))
            .unwrap()
    }
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Status and body, with ids as `#1`, `#2`… in order of appearance.
    pub fn shown(&self) -> String {
        shown::shown(self.status, &self.text)
    }

    /// Status and code of a refusal: `409 room_booked`.
    pub fn refusal(&self) -> String {
        let body = self.json();
        let field = body["field"]
            .as_str()
            .map(|field| format!(" at {field}"))
            .unwrap_or_default();
        format!(
            "{} {}{field}",
            self.status.as_u16(),
            body["code"].as_str().unwrap_or("?")
        )
    }
}
