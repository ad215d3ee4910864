//! Two servers on one database: one works, the other stands by and takes its place.

use serde_json::json;
use tests::{api, postgres::Postgres, wait};

use crate::small::{House, login};

/// Anna lets it ring for as long as it takes to see that a server is dead.
const LINES: &str = r#"
[[line]]
name = "Anna Reut"
number = "+79162120002"
steps = [{ do = "answer", after_s = 16 }]

[[line]]
name = "Oleg Sorokin"
number = "+79162120003"
steps = [{ do = "answer", after_s = 0.3 }]
"#;

#[test]
fn the_one_that_dies_is_replaced_and_each_phone_rings_once() {
    let postgres = Postgres::start();
    let mut house = House::open(LINES, &[("ROLLCALL_DATABASE_URL", &postgres.url())]);
    let mut second = house.server.second();
    wait::until("the second one to stand by", wait::LONG, || {
        api::stands_by(&second.base()).then_some(())
    });
    let occurrence = house.meet("9000", &["Anna Reut", "Oleg Sorokin"]);
    house.wait_for_members("9000", 1);
    wait::until("Anna's phone to ring", wait::LONG, || {
        let of = house.phones.of("Anna Reut");
        of.iter()
            .any(|event| event["event"] == "ringing")
            .then_some(())
    });
    assert!(api::stands_by(&second.base()));

    house.server.kill();
    second.wait_until_well();
    std::mem::swap(&mut house.server, &mut second);
    house.api = login(&house.server);

    house.wait_for_members("9000", 2);
    for name in ["Anna Reut", "Oleg Sorokin"] {
        assert_eq!(house.phones.times_called(name), 1, "{name}");
    }
    let report = house.api.get(&format!("occurrences/{occurrence}")).ok();
    for story in report["invitations"].as_array().unwrap() {
        let attempts = story["attempts"].as_array().map(Vec::len);
        assert_eq!(attempts, Some(1), "{story}");
    }

    // The one that died comes back and finds its place taken; asked to leave, the other gives it up.
    second.spawn();
    wait::until("the first one to stand by", wait::LONG, || {
        api::stands_by(&second.base()).then_some(())
    });
    house
        .api
        .post(&format!("occurrences/{occurrence}/end"), &json!({}))
        .ok();
    house.server.ask_to_end();
    assert!(house.server.ended(), "it ends with 0");
    second.wait_until_well();
}
