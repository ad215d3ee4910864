//! The service is asked to end: running calls may go on for a while, new ones are turned away.

use serde_json::Value;
use tests::wait;

use crate::small::House;

const LINES: &str = r#"
[[line]]
name = "Anna Reut"
number = "+79162120002"
steps = [{ do = "answer", after_s = 0.3, leaves_after_s = 6 }]

[[line]]
name = "Oleg Sorokin"
number = "+79162120003"
steps = [{ do = "answer", after_s = 0.3 }]

[[line]]
name = "Irina Belova"
account = "irina"
secret = "irina-company-1"
steps = [{ do = "busy" }]
calls = [{ to = "9001", at_s = 3 }]
"#;

fn released(house: &House, line: &str) -> Vec<String> {
    let of = house.phones.of(line);
    of.iter()
        .filter(|event| event["event"] == "released")
        .filter_map(|event| event["by"].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn calls_end_by_themselves_while_the_server_drains_and_new_ones_are_turned_away() {
    let mut house = House::open(LINES, &[("ROLLCALL_DRAIN", "60")]);
    house.meet("9000", &["Anna Reut"]);
    house.wait_for_members("9000", 1);

    house.server.ask_to_end();

    // Irina calls while Anna is still talking: she is told to come back, not let in.
    wait::until("Irina to be turned away", wait::LONG, || {
        let of = house.phones.of("Irina Belova");
        let over = |event: &&Value| event["event"] == "released";
        (of.iter().filter(over).count() == 1).then_some(())
    });
    assert!(
        house
            .phones
            .of("Irina Belova")
            .iter()
            .all(|event| event["event"] != "answered")
    );
    assert!(house.server.ended(), "it ends with 0");
    assert_eq!(
        released(&house, "Anna Reut"),
        ["us"],
        "nobody was hung up on"
    );
}

#[test]
fn calls_that_outlast_the_limit_are_hung_up_on_and_go_on_after_the_next_start() {
    let mut house = House::open(LINES, &[("ROLLCALL_DRAIN", "1")]);
    house.meet("9000", &["Oleg Sorokin"]);
    house.wait_for_members("9000", 1);

    house.server.ask_to_end();

    assert!(house.server.ended(), "it ends with 0");
    wait::until("Oleg to be hung up on", wait::LONG, || {
        (released(&house, "Oleg Sorokin") == ["peer"]).then_some(())
    });
    house.server.serve();
    house.api = crate::small::login(&house.server);
    house.wait_for_members("9000", 1);
    assert_eq!(house.phones.times_called("Oleg Sorokin"), 2);
}
