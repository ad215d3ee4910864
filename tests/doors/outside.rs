//! Who calls numbers outside from a line of his own, and who does not.

use tests::wait;

use super::House;

/// Berlin is outside; London is called by those alone who may not.
const OUTSIDE: &str = r##"
    [[line]]
    name = "Berlin"
    number = "+4930901820"
    steps = [{ do = "answer" }]

    [[line]]
    name = "London"
    number = "+442079460018"
    steps = [{ do = "answer" }]
"##;

#[test]
fn an_employees_mobile_and_his_desk_phone_call_outside_and_show_the_companys_number() {
    let house = House::new(
        &format!(
            r##"{OUTSIDE}
            [[line]]
            name = "Viktor Lapin"
            number = "+79162120003"
            steps = [{{ do = "answer" }}]
            calls = [{{ to = "+4930901820", at_s = 1, from_start = true, leaves_after_s = 3 }}]

            [[line]]
            name = "Dina Safina"
            account = "dina"
            secret = "dina-company-1"
            steps = [{{ do = "answer" }}]
            calls = [{{ to = "+4930901820", at_s = 9, from_start = true }}]
            "##
        ),
        |_| {},
    );
    house.wait_for("Viktor Lapin", "answered");
    house.wait_for("Dina Safina", "answered");
    let berlin = house.phones.of("Berlin");
    let shown: Vec<_> = berlin
        .iter()
        .filter(|one| one["event"] == "invited")
        .map(|one| one["from"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(shown, ["+74951204040", "+74951204040"]);
}

#[test]
fn nobody_else_calls_outside_whatever_number_he_shows() {
    let caller = |name: &str, line: &str| {
        format!(
            r##"
            [[line]]
            name = "{name}"
            {line}
            steps = [{{ do = "answer" }}]
            calls = [{{ to = "+442079460018", at_s = 1, from_start = true }}]
            "##
        )
    };
    let callers = [
        ("Stranger", r#"number = "+79031112233""#),
        (
            "Claims to be Viktor",
            "number = \"+79031112244\"\nclaims = \"+79162120003\"",
        ),
        (
            "Nobody vouches",
            "number = \"+79031112255\"\nclaims = \"+79162120003\"\nvouched = false",
        ),
        (
            "Withheld",
            "number = \"+79031112266\"\nclaims = \"anonymous\"\nvouched = false",
        ),
        // Of us, and not of a group that may.
        ("Marat Iskanderov", r#"number = "+79162240006""#),
    ];
    let lines: String = callers
        .iter()
        .map(|(name, line)| caller(name, line))
        .collect();
    let house = House::new(&format!("{OUTSIDE}{lines}"), |_| {});
    for (name, _) in callers {
        house.wait_for(name, "released");
        assert!(!house.ever(name, "answered"), "{name}");
    }
    assert_eq!(house.phones.times_called("London"), 0);
}

#[test]
fn what_was_called_within_the_hour_counts_over_a_restart() {
    let mut house = House::new(
        &format!(
            r##"{OUTSIDE}
            [[line]]
            name = "Viktor Lapin"
            number = "+79162120003"
            steps = [{{ do = "answer" }}]
            calls = [
              {{ to = "+4930901820", at_s = 1, from_start = true, leaves_after_s = 1 }},
              {{ to = "+4930901820", at_s = 4, from_start = true, leaves_after_s = 1 }},
              {{ to = "+4930901820", at_s = 14, from_start = true, leaves_after_s = 1 }},
            ]
            "##
        ),
        |_| {},
    );
    let over = |house: &House, calls: usize| {
        wait::until(format!("{calls} calls to be over"), wait::LONG, || {
            let seen = house.phones.of("Viktor Lapin");
            let over = seen.iter().filter(|one| one["event"] == "released");
            (over.count() == calls).then_some(())
        });
    };
    over(&house, 2);
    house.server.kill();
    house.server.serve();

    over(&house, 3);
    assert_eq!(house.phones.times_called("Berlin"), 2);
}
