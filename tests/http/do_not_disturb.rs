//! "Do not disturb": who may set it for whom.

use serde_json::json;

use crate::world::{Asker, NOW, World};

async fn wish(world: &World, who: &Asker, name: &str, body: serde_json::Value) -> String {
    let person = world.employee(name).await;
    let path = format!("/api/v1/people/{person}/do-not-disturb");
    let answer = world.ask(who, "PUT", &path, Some(body)).await;
    match answer.status.as_u16() {
        204 => "204".to_owned(),
        _ => answer.refusal(),
    }
}

async fn quiet(world: &World) -> Vec<String> {
    let directory = world.store.directory().await.unwrap();
    let company = &directory.companies[&world.northway()];
    company
        .employees
        .iter()
        .filter(|employee| company.wants_quiet(employee.id, world.now()))
        .map(|employee| employee.name.clone())
        .collect()
}

#[tokio::test]
async fn everybody_sets_it_for_himself_and_an_administrator_for_all() {
    let world = World::new().await;
    let (irina, oleg) = (world.irina().await, world.oleg().await);
    assert_eq!(
        wish(&world, &oleg, "Oleg Sorokin", json!({ "on": true })).await,
        "204"
    );
    let for_another = wish(&world, &oleg, "Irina Belova", json!({ "on": true })).await;
    assert_eq!(for_another, "403 not_allowed");
    assert_eq!(quiet(&world).await, ["Oleg Sorokin"]);

    assert_eq!(
        wish(&world, &irina, "Oleg Sorokin", json!({ "on": false })).await,
        "204"
    );
    assert_eq!(quiet(&world).await, [""; 0]);
}

#[tokio::test]
async fn it_ends_by_itself_and_not_in_the_past() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let until = |at: i64| json!({ "on": true, "until_at": at });
    let over = wish(&world, &oleg, "Oleg Sorokin", until(NOW.0 - 1)).await;
    assert_eq!(over, "422 until_is_over at until_at");
    assert_eq!(
        wish(&world, &oleg, "Oleg Sorokin", until(NOW.0 + 60_000)).await,
        "204"
    );
    assert_eq!(quiet(&world).await, ["Oleg Sorokin"]);
    world.pass(domain::Span::minutes(1));
    assert_eq!(quiet(&world).await, [""; 0]);
}

#[tokio::test]
async fn another_companys_people_are_not_there() {
    let world = World::new().await;
    let anna = world.anna().await;
    let refused = wish(&world, &anna, "Irina Belova", json!({ "on": true })).await;
    assert_eq!(refused, "404 not_found");
    assert_eq!(quiet(&world).await, [""; 0]);
}

#[tokio::test]
async fn the_organiser_is_told_before_he_saves_who_wants_quiet_then() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let told = async || {
        let mut plan = world.meeting_body().await;
        plan.as_object_mut().unwrap().remove("title");
        let answer = world.post(&oleg, "/api/v1/meetings/check", plan).await;
        let findings = answer.json()["findings"].clone();
        let of = findings.as_array().unwrap().iter();
        let mut codes = of.map(|finding| finding["code"].as_str().unwrap().to_owned());
        codes.any(|code| code == "do_not_disturb")
    };
    let begins_at = 1_795_417_200_000_i64;
    for (until_at, expected) in [(begins_at - 1, false), (begins_at + 1, true)] {
        let body = json!({ "on": true, "until_at": until_at });
        assert_eq!(wish(&world, &oleg, "Oleg Sorokin", body).await, "204");
        assert_eq!(told().await, expected, "{until_at}");
    }
}
