//! The company under test, and what its manager sees of it over the API.

use std::{net::SocketAddr, path::Path};

use serde_json::{Value, json};
use tests::{Api, Server, wait};

const COMPANY: &str = include_str!("company.toml");
const MANAGER: (&str, &str) = ("irina@northway.example", "northway-interop-1");

/// What baresip, linphone and SIPp play, Hz: far apart, and none a multiple of another.
pub const TONES: [u16; 3] = [523, 870, 1_310];

/// An employee with one desk phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Employee {
    pub extension: &'static str,
    pub user: &'static str,
    pub secret: &'static str,
}

pub const KATYA: Employee = Employee {
    extension: "112",
    user: "katya",
    secret: "katya-interop-1",
};
pub const LENA: Employee = Employee {
    extension: "118",
    user: "lena",
    secret: "lena-interop-1",
};
pub const OLEG: Employee = Employee {
    extension: "204",
    user: "oleg",
    secret: "oleg-interop-1",
};

pub struct House {
    server: Server,
    api: Api,
    /// Of the meeting last started.
    occurrence: String,
}

impl House {
    pub fn open() -> Self {
        Self::open_with("")
    }

    /// The same company, and what else its file says.
    pub fn open_with(more: &str) -> Self {
        let server = Server::start(&format!("{COMPANY}\n{more}"));
        let api = server.login(MANAGER.0, MANAGER.1);
        Self {
            server,
            api,
            occurrence: String::new(),
        }
    }

    pub fn sip(&self) -> SocketAddr {
        self.server.sip
    }

    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    fn room(&self, number: &str) -> Value {
        let rooms = self.api.list("rooms");
        rooms
            .into_iter()
            .find(|room| room["number"] == number)
            .unwrap_or_else(|| panic!("There is no room {number}"))
    }

    /// Waits until so many are in the room.
    pub fn wait_for_members(&self, number: &str, members: u64) {
        let what = format!("{members} members in room {number}");
        wait::until(what, wait::LONG, || {
            (self.room(number)["members"].as_u64() == Some(members)).then_some(())
        });
    }

    /// Waits until the board shows this evidence of somebody's line.
    pub fn wait_for_evidence(&self, employee: Employee, source: &str, code: &str) {
        let what = format!("{source} to say {code} of {}", employee.extension);
        wait::until(what, wait::LONG, || {
            let people = self.api.list("people");
            let person = people
                .iter()
                .find(|person| person["extension"] == employee.extension)?;
            let said = person["line"]["evidence"]
                .as_array()?
                .iter()
                .any(|piece| piece["source"] == source && piece["text"]["code"] == code);
            said.then_some(())
        });
    }

    /// Takes everybody out of the room.
    pub fn hang_up_all(&self, number: &str) {
        let room = self.room(number)["id"].clone();
        let room = room.as_str().expect("a room has an id");
        for member in self.api.list(&format!("rooms/{room}/members")) {
            let id = member["id"].as_str().expect("a member has an id");
            self.api.delete(&format!("rooms/{room}/members/{id}")).ok();
        }
    }

    /// Starts a meeting of these people now.
    pub fn call_the_roll(&mut self, room: &str, people: &[Employee]) {
        let known = self.api.list("people");
        let participants: Vec<Value> = people
            .iter()
            .map(|employee| {
                let person = known
                    .iter()
                    .find(|person| person["extension"] == employee.extension)
                    .unwrap_or_else(|| panic!("Nobody has extension {}", employee.extension));
                json!({ "employee_id": person["id"], "role": "speaker" })
            })
            .collect();
        self.start_meeting(room, &participants);
    }

    /// Ends the server as a power cut would, and starts it again.
    pub fn crash(&mut self) {
        self.server.kill();
        self.server.serve();
        self.api = self.server.login(MANAGER.0, MANAGER.1);
    }

    /// Starts a meeting with one number outside.
    pub fn call_outside(&mut self, room: &str, number: &str) {
        self.start_meeting(room, &[json!({ "number": number, "role": "speaker" })]);
    }

    fn start_meeting(&mut self, room: &str, participants: &[Value]) {
        let meeting = self.api.post(
            "meetings",
            &json!({
                "title": "Morning roll call",
                "room_id": self.room(room)["id"],
                "duration_min": 30,
                "participants": participants,
            }),
        );
        let meeting = meeting.ok();
        let occurrence = meeting["occurrence_ids"][0].as_str();
        let occurrence = occurrence.expect("a meeting has an occurrence");
        self.occurrence = occurrence.to_owned();
    }

    /// How the meeting stands with this employee: his invitation and its attempts.
    fn story(&self, employee: Employee) -> Option<Value> {
        let people = self.api.list("people");
        let person = people
            .iter()
            .find(|person| person["extension"] == employee.extension)?;
        let report = self.api.get(&format!("occurrences/{}", self.occurrence));
        let report = report.ok();
        let stories = report["invitations"].as_array()?;
        let story = stories
            .iter()
            .find(|story| story["invitation"]["employee_id"] == person["id"])?;
        Some(story.clone())
    }

    fn wait_until(&self, employee: Employee, what: &str, is_so: impl Fn(&Value) -> bool) {
        let what = format!("{} to be {what}", employee.user);
        wait::until(what, wait::LONG, || {
            let story = self.story(employee)?;
            is_so(&story["invitation"]["status"]).then_some(())
        });
    }

    pub fn wait_until_ringing(&self, employee: Employee) {
        self.wait_until(employee, "ringing", |status| {
            status["kind"] == "calling" && status["phase"] == "ringing"
        });
    }

    pub fn wait_until_waiting(&self, employee: Employee) {
        self.wait_until(employee, "waiting", |status| status["kind"] == "waiting");
    }

    pub fn wait_until_in_room(&self, employee: Employee) {
        self.wait_until(employee, "in the room", |status| {
            status["kind"] == "in_room"
        });
    }

    /// What became of the first call to him.
    pub fn first_outcome(&self, employee: Employee) -> String {
        let what = format!("the outcome of the first call to {}", employee.user);
        wait::until(what, wait::LONG, || {
            let story = self.story(employee)?;
            let attempts = story["attempts"].as_array()?;
            let first = attempts.iter().find(|attempt| attempt["number"] == 1)?;
            first["outcome"].as_str().map(str::to_owned)
        })
    }

    /// Stops calling him.
    pub fn stop(&self, employee: Employee) {
        let story = self.story(employee).expect("he is invited");
        let id = story["invitation"]["id"].as_str().expect("it has an id");
        self.api
            .post(&format!("invitations/{id}/stop"), &json!({}))
            .ok();
    }

    pub fn end_meeting(&self) {
        let path = format!("occurrences/{}/end", self.occurrence);
        self.api.post(&path, &json!({})).ok();
    }
}
