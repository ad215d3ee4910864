//! The server's REST interface, as a script would use it.

use serde_json::Value;

/// A logged-in user.
pub struct Api {
    agent: ureq::Agent,
    base: String,
    cookie: String,
}

/// What came back: the status and the body, `Null` if it was none or not JSON.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The body of a successful answer; panics with the error otherwise.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(
            (200..300).contains(&self.status),
            "The server answered {}: {}",
            self.status,
            self.body
        );
        self.body
    }
}

impl Api {
    /// Logs in; `base` is `http://host:port`.
    pub fn login(base: &str, email: &str, password: &str) -> Result<Self, ureq::Error> {
        let agent = agent();
        let response = agent
            .post(format!("{base}/api/v1/session"))
            .send_json(serde_json::json!({ "email": email, "password": password }))?;
        let cookie = response
            .headers()
            .get_all("set-cookie")
            .iter()
            .filter_map(|value| value.to_str().ok()?.split(';').next())
            .collect::<Vec<_>>()
            .join("; ");
        Ok(Self {
            agent,
            base: format!("{base}/api/v1"),
            cookie,
        })
    }

    /// What the browser would send along: `name=value`.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    pub fn get(&self, path: &str) -> Answer {
        let request = self.agent.get(format!("{}/{path}", self.base));
        answer(request.header("cookie", &self.cookie).call())
    }

    pub fn delete(&self, path: &str) -> Answer {
        let request = self.agent.delete(format!("{}/{path}", self.base));
        answer(request.header("cookie", &self.cookie).call())
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.agent.post(format!("{}/{path}", self.base));
        answer(request.header("cookie", &self.cookie).send_json(body))
    }

    pub fn put(&self, path: &str, body: &Value) -> Answer {
        let request = self.agent.put(format!("{}/{path}", self.base));
        answer(request.header("cookie", &self.cookie).send_json(body))
    }

    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        let request = self.agent.patch(format!("{}/{path}", self.base));
        answer(request.header("cookie", &self.cookie).send_json(body))
    }

    /// A file for the server to keep.
    pub fn put_file(&self, path: &str, kind: &str, file: &[u8]) -> Answer {
        let request = self.agent.put(format!("{}/{path}", self.base));
        let request = request.header("content-type", kind);
        answer(request.header("cookie", &self.cookie).send(file))
    }

    /// A file, as it is.
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        let request = self.agent.get(format!("{}/{path}", self.base));
        let mut response = request
            .header("cookie", &self.cookie)
            .call()
            .expect("the server answers");
        assert!(
            response.status().is_success(),
            "{}: {path}",
            response.status()
        );
        response
            .body_mut()
            .read_to_vec()
            .expect("the file comes whole")
    }

    /// The entries of a listing, whether it is an array or an object around one.
    pub fn list(&self, path: &str) -> Vec<Value> {
        match self.get(path).ok() {
            Value::Array(entries) => entries,
            Value::Object(fields) => fields
                .into_iter()
                .find_map(|(_, value)| match value {
                    Value::Array(entries) => Some(entries),
                    _ => None,
                })
                .unwrap_or_default(),
            _ => Vec::new(),
        }
    }
}

/// A client that hands back every status instead of failing on some.
fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(crate::wait::LONG))
        .build()
        .into()
}

fn answer(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    match result {
        Ok(mut response) => Answer {
            status: response.status().as_u16(),
            body: response.body_mut().read_json().unwrap_or(Value::Null),
        },
        Err(error) => Answer {
            status: 0,
            body: Value::String(error.to_string()),
        },
    }
}

/// Is the server there, and well?
pub fn healthy(base: &str) -> bool {
    let health = agent().get(format!("{base}/api/v1/health")).call();
    health.is_ok_and(|response| response.status().is_success())
}

/// Does it leave the work to another server?
pub fn stands_by(base: &str) -> bool {
    let said = answer(agent().get(format!("{base}/api/v1/health")).call());
    said.status == 503 && said.body["code"] == "standby"
}
