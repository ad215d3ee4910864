//! A small house for trying what becomes of it when something around it fails.

use serde_json::{Value, json};
use tests::{Api, Server, server, simulator::Simulator, wait};

const COMPANY: &str = r#"
[company]
name = "Northway Logistics"
domain = "northway.example"
time_zone = "UTC"
lead_s = 0
service_number = "9900"

[[trunks]]
name = "North"
address = "TRUNK"
caller_number = "+74951204040"

[[rooms]]
number = "9000"
name = "Roll call"

[[rooms]]
number = "9001"
name = "Talks"

[[numbers]]
number = "+74951204040"
room = "9000"

[[employees]]
name = "Irina Belova"
extension = "101"
email = "irina@northway.example"
password = "northway-company-1"
level = "administrator"
devices = [{ kind = "sip_phone", username = "irina", secret = "irina-company-1" }]

[[employees]]
name = "Anna Reut"
extension = "102"
devices = [{ kind = "ip_sim", mobile = "+79162120002", short = "202", trunk = "North" }]

[[employees]]
name = "Oleg Sorokin"
extension = "103"
devices = [{ kind = "ip_sim", mobile = "+79162120003", short = "203", trunk = "North" }]
"#;

/// A server, its phones, and its manager.
pub struct House {
    pub server: Server,
    pub phones: Simulator,
    pub api: Api,
}

impl House {
    /// `lines` is the phones' script, `environment` goes to the server.
    pub fn open(lines: &str, environment: &[(&str, &str)]) -> Self {
        let trunk = server::free_address();
        let company = COMPANY.replace("TRUNK", &trunk.to_string());
        let server = Server::start_under(&company, environment);
        let script = server.folder().join("lines.toml");
        std::fs::write(&script, lines).unwrap();
        let phones = Simulator::start(&script, server.sip, trunk);
        let api = login(&server);
        Self {
            server,
            phones,
            api,
        }
    }

    pub fn room(&self, number: &str) -> String {
        let rooms = self.api.list("rooms");
        let found = rooms.iter().find(|room| room["number"] == number);
        let id = found.expect("the room is in the file")["id"].as_str();
        id.unwrap().to_owned()
    }

    pub fn person(&self, name: &str) -> Value {
        let people = self.api.list("people");
        let person = people.iter().find(|person| person["name"] == name);
        person.expect("he is in the file")["id"].clone()
    }

    /// A meeting of these people that begins now.
    pub fn meet(&self, room: &str, people: &[&str]) -> String {
        self.begin(room, self.people(people, "speaker"))
    }

    /// The same, with a moderator.
    pub fn moderated(&self, room: &str, moderator: &str, people: &[&str]) -> String {
        let mut participants = self.people(&[moderator], "moderator");
        participants.extend(self.people(people, "speaker"));
        self.begin(room, participants)
    }

    fn people(&self, names: &[&str], role: &str) -> Vec<Value> {
        names
            .iter()
            .map(|name| json!({ "employee_id": self.person(name), "role": role }))
            .collect()
    }

    fn begin(&self, room: &str, participants: Vec<Value>) -> String {
        let meeting = self.api.post(
            "meetings",
            &json!({
                "title": format!("In {room}"),
                "room_id": self.room(room),
                "duration_min": 60,
                "participants": participants,
            }),
        );
        let meeting = meeting.ok();
        meeting["occurrence_ids"][0].as_str().unwrap().to_owned()
    }

    pub fn wait_for_members(&self, room: &str, members: usize) {
        let id = self.room(room);
        wait::until(format!("{members} members in {room}"), wait::LONG, || {
            (self.api.list(&format!("rooms/{id}/members")).len() == members).then_some(())
        });
    }

    pub fn crash(&mut self) {
        self.server.kill();
        self.server.serve();
        self.api = login(&self.server);
    }
}

pub fn login(server: &Server) -> Api {
    server.login("irina@northway.example", "northway-company-1")
}
