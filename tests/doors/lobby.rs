//! Those who wait at the door until somebody lets them in: by the board, and by a telephone's keys alone.

use serde_json::{Value, json};
use tests::wait;

use super::{House, bind, room_id};

const TWO_STRANGERS: &str = r##"
    [[line]]
    name = "Katya"
    number = "+79031112233"
    steps = [{ do = "answer" }]
    calls = [{ to = "+74951204044", at_s = 1, from_start = true, press = [{ key = "#", after_hearing_s = 1 }] }]

    [[line]]
    name = "Lev"
    number = "+79031112244"
    steps = [{ do = "answer" }]
    calls = [{ to = "+74951204044", at_s = 3, from_start = true, press = [{ key = "#", after_hearing_s = 1 }] }]
"##;

impl House {
    fn waiting(&self, room: &str, people: usize) -> Vec<Value> {
        let path = format!("rooms/{}/lobby", room_id(&self.api, room));
        wait::until(
            format!("{people} at the door of {room}"),
            wait::LONG,
            || {
                let waiting = self.api.list(&path);
                (waiting.len() == people).then_some(waiting)
            },
        )
    }

    fn decide(&self, room: &str, act: &str, one: Option<&Value>) {
        let path = format!("rooms/{}/lobby", room_id(&self.api, room));
        let mut wish = json!({ "act": act });
        if let Some(one) = one {
            wish["id"] = one["id"].clone();
        }
        self.api.post(&path, &wish).ok();
    }

    fn members(&self, room: &str) -> Vec<Value> {
        let path = format!("rooms/{}/members", room_id(&self.api, room));
        self.api.list(&path)
    }
}

#[test]
fn strangers_wait_with_music_over_a_restart_until_the_board_lets_them_in_or_does_not() {
    let mut house = House::new(TWO_STRANGERS, |_| {});
    let before = house.waiting("9003", 2);
    assert_eq!(house.members("9003"), [] as [Value; 0], "nobody is in");
    assert_eq!(before[0]["name"], "Katya");
    assert_eq!(before[0]["number"], "+79031112233");

    house.server.kill();
    house.server.serve();
    house.api = house
        .server
        .login("irina@northway.example", "northway-company-1");
    let after = house.waiting("9003", 2);
    let ids = |waiting: &[Value]| {
        let ids = waiting.iter().map(|one| one["id"].clone());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(&after), ids(&before), "they keep their places");

    house.decide("9003", "let_in", Some(&after[0]));
    let katya = house.member("9003", "Katya", |_| true);
    assert_eq!(katya["id"], after[0]["id"]);
    house.decide("9003", "send_away", None);
    house.wait_for("Lev", "released");
    house.waiting("9003", 0);
    assert_eq!(house.members("9003").len(), 1);
}

#[test]
fn a_moderator_with_nothing_but_a_telephone_lets_in_and_refuses_by_keys() {
    let irina = r##"
        [[line]]
        name = "Irina Belova"
        account = "irina"
        secret = "irina-company-1"
        steps = [{ do = "answer" }]
        calls = [{ to = "9003", at_s = 14, from_start = true, press = [
          { key = "4", after_hearing_s = 1 }, { key = "7", after_hearing_s = 0 }, { key = "1", after_hearing_s = 0 },
          { key = "1", after_hearing_s = 0 }, { key = "4", after_hearing_s = 0 }, { key = "8", after_hearing_s = 0 },
          { key = "*", after_hearing_s = 4 }, { key = "*", after_hearing_s = 0 }, { key = "7", after_hearing_s = 0 },
          { key = "*", after_hearing_s = 2 }, { key = "*", after_hearing_s = 0 }, { key = "8", after_hearing_s = 0 },
        ] }]
    "##;
    let house = House::new(&format!("{TWO_STRANGERS}{irina}"), |_| {});
    house.waiting("9003", 2);

    house.member("9003", "Irina Belova", |member| {
        member["role"] == "moderator"
    });
    house.member("9003", "Katya", |_| true);
    house.wait_for("Lev", "released");
    assert!(house.ever("Lev", "heard"), "he was told");
    house.waiting("9003", 0);
}

#[test]
fn a_meeting_with_a_lobby_holds_the_public_of_its_event_number() {
    let house = House::new(
        r##"
        [[line]]
        name = "Stranger"
        number = "+79031112233"
        steps = [{ do = "answer" }]
        calls = [{ to = "+74951204041", at_s = 1, from_start = true }]
        "##,
        |api| {
            let plan = json!({
                "title": "Questions", "room_id": room_id(api, "9000"), "duration_min": 30, "participants": [],
                "lobby": true,
            });
            let held = api.post("meetings", &plan).ok();
            bind(api, "+74951204041", &held);
        },
    );
    let waiting = house.waiting("9000", 1);
    assert_eq!(waiting[0]["role"], "listener");
    house.decide("9000", "let_in", None);
    house.member("9000", "Stranger", |member| member["role"] == "listener");
}
