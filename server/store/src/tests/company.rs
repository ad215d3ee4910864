//! Applying company files: what is kept, what changes, what is refused.

use domain::{
    employee::Secret,
    room::Pin,
    trunk::{Target, Transport},
};

use crate::{
    Applied, Change, CompanyPlan, Ha1, PlanError, PlannedDevice, PlannedDeviceKind, PlannedNumber,
    PlannedPin, PlannedRegistration, PlannedTrunk, StoreError,
    testing::{NOW, database, employee, empty_plan, phone, room},
};

fn full_plan() -> CompanyPlan {
    let mut plan = empty_plan("Northway", "northway.example");
    plan.trunks = vec![PlannedTrunk {
        name: "North".to_owned(),
        address: "127.0.0.1:5070".to_owned(),
        proxy: Some("127.0.0.1:5080".to_owned()),
        transport: Transport::Udp,
        registration: Some(PlannedRegistration {
            username: "northway".to_owned(),
            realm: None,
            register: true,
            secret: Some(Secret::new("operator's secret")),
        }),
        caller_number: Some("+74951204040".parse().unwrap()),
        channels: Some(10),
        status: None,
    }];
    plan.rooms = vec![room("9000"), room("9001")];
    plan.rooms[0].pin = PlannedPin::Set(Pin::parse("4711").unwrap());
    plan.numbers = vec![PlannedNumber {
        place: 0,
        number: "+74951204040".parse().unwrap(),
        trunk: Some("North".to_owned()),
        room: "9000".parse().unwrap(),
    }];
    let mut oleg = employee("Oleg", "204", None);
    oleg.devices.insert(
        0,
        PlannedDevice {
            kind: PlannedDeviceKind::IpSim {
                mobile: "+79162040001".parse().unwrap(),
                short: "204".parse().unwrap(),
                username: None,
            },
            trunk: Some("North".to_owned()),
            secret: None,
        },
    );
    plan.employees = vec![
        employee("Irina", "101", Some("irina@northway.example")),
        oleg,
    ];
    plan
}

/// The same file as `show` prints it: no secret in it.
fn without_secrets(mut plan: CompanyPlan) -> CompanyPlan {
    for employee in &mut plan.employees {
        employee
            .devices
            .iter_mut()
            .for_each(|device| device.secret = None);
        if let Some(login) = &mut employee.login {
            login.password_hash = None;
        }
    }
    for trunk in &mut plan.trunks {
        if let Some(registration) = &mut trunk.registration {
            registration.secret = None;
        }
    }
    plan.rooms
        .iter_mut()
        .for_each(|room| room.pin = PlannedPin::Keep);
    plan
}

fn changes(applied: &Applied) -> Vec<String> {
    let mut changes: Vec<String> = applied
        .changes
        .iter()
        .map(|Change { kind, what, name }| format!("{kind:?} {what} {name}"))
        .collect();
    changes.sort();
    changes
}

#[tokio::test]
async fn a_company_reads_back_as_it_was_applied() {
    let database = database().await;
    let company = database
        .store
        .apply_company(&full_plan(), NOW)
        .await
        .unwrap()
        .company;

    let directory = database.store.directory().await.unwrap();
    let there = &directory.companies[&company];

    let names: Vec<&str> = there
        .employees
        .iter()
        .map(|employee| employee.name.as_str())
        .collect();
    assert_eq!(names, ["Irina", "Oleg"]);
    assert_eq!(there.employees[1].devices.len(), 2);
    assert_eq!(
        there.sim_trunks[&there.employees[1].devices[0].id],
        there.trunks[0].id
    );
    assert_eq!(there.numbers[0].target, Target::Room(there.rooms[0].id));
    assert_eq!(
        there.trunks[0]
            .registration
            .as_ref()
            .unwrap()
            .secret
            .reveal(),
        "operator's secret"
    );
    assert_eq!(
        there.credentials["oleg"].ha1,
        Ha1::of("oleg", "northway.example", "long enough")
    );
    assert_eq!(
        there.credentials["oleg"].device,
        there.employees[1].devices[1].id
    );
}

#[tokio::test]
async fn applying_again_changes_nothing_with_secrets_or_without() {
    let database = database().await;
    database
        .store
        .apply_company(&full_plan(), NOW)
        .await
        .unwrap();
    let before = database.store.directory().await.unwrap();

    for plan in [full_plan(), without_secrets(full_plan())] {
        assert_eq!(
            changes(&database.store.apply_company(&plan, NOW).await.unwrap()),
            [""; 0]
        );
        assert_eq!(database.store.directory().await.unwrap(), before);
    }
}

#[tokio::test]
async fn what_is_no_longer_in_the_file_is_removed_and_the_rest_stays_itself() {
    let database = database().await;
    let store = &database.store;
    let company = store
        .apply_company(&full_plan(), NOW)
        .await
        .unwrap()
        .company;
    let before = store.directory().await.unwrap();
    let mut plan = without_secrets(full_plan());
    plan.rooms.pop();
    plan.numbers.clear();
    plan.employees.remove(0);
    plan.employees[0].extension = "205".parse().unwrap();
    plan.employees.push(employee("Zoya", "114", None));

    let applied = store.apply_company(&plan, NOW).await.unwrap();

    assert_eq!(
        changes(&applied),
        [
            "Added device zoya",
            "Added employee Zoya",
            "Changed employee Oleg",
            "Removed device irina",
            "Removed employee Irina",
            "Removed number +74951204040",
            "Removed room 9001",
        ]
    );
    let after = store.directory().await.unwrap();
    assert!(after.revision > before.revision);
    assert_eq!(
        after.companies[&company].employees[0].id,
        before.companies[&company].employees[1].id
    );
    assert!(
        store
            .login("irina@northway.example")
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn people_may_swap_extensions_and_phones() {
    let database = database().await;
    let store = &database.store;
    let company = store
        .apply_company(&full_plan(), NOW)
        .await
        .unwrap()
        .company;
    let before = store.directory().await.unwrap();
    let mut plan = without_secrets(full_plan());
    plan.employees[0].extension = "204".parse().unwrap();
    plan.employees[1].extension = "101".parse().unwrap();
    let phones = [
        plan.employees[0].devices.pop().unwrap(),
        plan.employees[1].devices.pop().unwrap(),
    ];
    let [irinas, olegs] = phones;
    plan.employees[0].devices.push(olegs);
    plan.employees[1].devices.push(irinas);

    store.apply_company(&plan, NOW).await.unwrap();

    let (before, after) = (
        &before.companies[&company],
        &store.directory().await.unwrap().companies[&company],
    );
    let of = |directory: &crate::CompanyDirectory, name: &str| {
        directory
            .employees
            .iter()
            .find(|employee| employee.name == name)
            .unwrap()
            .clone()
    };
    for name in ["Irina", "Oleg"] {
        assert_eq!(of(before, name).id, of(after, name).id);
        assert_ne!(of(before, name).extension, of(after, name).extension);
    }
    assert_eq!(after.credentials["irina"].employee, of(after, "Oleg").id);
    assert_eq!(
        after.credentials["irina"].ha1,
        before.credentials["irina"].ha1
    );
}

#[tokio::test]
async fn what_is_new_needs_its_secret() {
    let database = database().await;
    let store = &database.store;
    let refused = |plan: CompanyPlan| async move {
        match store.apply_company(&plan, NOW).await {
            Err(PlanError::Refused { at, .. }) => at,
            other => panic!("{other:?}"),
        }
    };

    assert_eq!(
        refused(without_secrets(full_plan())).await,
        "trunks[0].secret"
    );
    let mut plan = full_plan();
    plan.employees[0].login.as_mut().unwrap().password_hash = None;
    assert_eq!(refused(plan).await, "employees[0].password");
    assert!(
        store.directory().await.unwrap().companies.is_empty(),
        "nothing half-written remains"
    );
}

#[tokio::test]
async fn a_new_phone_without_a_secret_gets_one_that_is_told_once() {
    let database = database().await;
    let store = &database.store;
    let mut plan = full_plan();
    plan.employees[1].devices.push(phone("second", None));
    plan.employees[1].devices.push(phone("third", None));

    let made = store.apply_company(&plan, NOW).await.unwrap().secrets;

    let names: Vec<&str> = made.iter().map(|made| made.username.as_str()).collect();
    assert_eq!(names, ["second", "third"]);
    assert_ne!(made[0].secret, made[1].secret);
    let again = store.apply_company(&plan, NOW).await.unwrap();
    assert!(again.secrets.is_empty() && again.changes.is_empty());
}

#[tokio::test]
async fn a_new_domain_needs_every_secret_once_more() {
    let database = database().await;
    let store = &database.store;
    store.apply_company(&full_plan(), NOW).await.unwrap();
    let mut plan = without_secrets(full_plan());
    plan.company.domain = "north.example".to_owned();

    let refused = store.apply_company(&plan, NOW).await.unwrap_err();

    assert!(
        refused
            .to_string()
            .starts_with("employees[0].devices[0].secret: "),
        "{refused}"
    );
}

#[tokio::test]
async fn companies_do_not_share_domains_addresses_or_numbers() {
    let database = database().await;
    let store = &database.store;
    store.apply_company(&full_plan(), NOW).await.unwrap();
    let refused = |plan: CompanyPlan| async move {
        store
            .apply_company(&plan, NOW)
            .await
            .unwrap_err()
            .to_string()
    };

    let other = || empty_plan("Southway", "southway.example");
    assert!(
        refused(empty_plan("Southway", "northway.example"))
            .await
            .starts_with("company.domain: ")
    );
    let mut plan = other();
    plan.employees = vec![employee("Ira", "101", Some("irina@northway.example"))];
    assert!(refused(plan).await.starts_with("employees[0].email: "));
    let mut plan = other();
    plan.rooms = vec![room("9000")];
    plan.numbers = full_plan().numbers;
    plan.numbers[0].trunk = None;
    assert!(refused(plan).await.starts_with("numbers[0].number: "));

    let mut plan = other();
    plan.employees = vec![employee("Irina", "101", None)];
    store.apply_company(&plan, NOW).await.unwrap();
}

#[tokio::test]
async fn a_room_with_a_meeting_is_not_taken_away() {
    let northway = crate::testing::northway().await;
    let store = northway.store();
    store
        .save_plan(&northway.plan(NOW + domain::Span::minutes(60), &[]), NOW)
        .await
        .unwrap();
    let mut plan = empty_plan("Northway", "northway.example");
    plan.employees = vec![employee("Irina", "101", Some("irina@northway.example"))];

    let refused = store
        .apply_company(&plan, NOW)
        .await
        .unwrap_err()
        .to_string();

    assert!(
        refused.contains("9000") && refused.contains("Morning roll"),
        "{refused}"
    );
    assert_eq!(
        store.directory().await.unwrap().companies[&northway.company]
            .employees
            .len(),
        2
    );
}

#[tokio::test]
async fn a_room_made_on_the_board_outlives_the_file() {
    let database = database().await;
    let store = &database.store;
    let company = store
        .apply_company(&full_plan(), NOW)
        .await
        .unwrap()
        .company;
    let made = domain::room::Room {
        id: domain::RoomId::new(NOW, [9; 10]),
        company,
        number: "9005".parse().unwrap(),
        name: "Made by hand".to_owned(),
        pin: None,
        moderator_pin: None,
        settings: Default::default(),
    };
    store.add_room(&made, "{}", NOW).await.unwrap();
    for taken in ["9005", "101", "204"] {
        let again = domain::room::Room {
            id: domain::RoomId::new(NOW, [8; 10]),
            number: taken.parse().unwrap(),
            ..made.clone()
        };
        let refused = store.add_room(&again, "{}", NOW).await.unwrap_err();
        assert!(matches!(refused, StoreError::Taken(_)), "{refused}");
    }

    assert_eq!(
        changes(&store.apply_company(&full_plan(), NOW).await.unwrap()),
        [""; 0]
    );
    assert!(store.rooms(company).await.unwrap().contains(&made));
}

#[tokio::test]
async fn the_order_of_the_file_is_the_order_shown() {
    let database = database().await;
    let store = &database.store;
    let company = store
        .apply_company(&full_plan(), NOW)
        .await
        .unwrap()
        .company;
    let mut plan = full_plan();
    plan.employees.reverse();
    plan.rooms.reverse();

    store.apply_company(&plan, NOW).await.unwrap();

    let there = &store.directory().await.unwrap().companies[&company];
    assert_eq!(there.employees[0].name, "Oleg");
    assert_eq!(there.rooms[0].number.as_str(), "9001");
    assert!(matches!(plan.rooms[1].pin, PlannedPin::Set(_)));
}
