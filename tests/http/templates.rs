//! Lists of people with a name.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::{Answer, Asker, World};

async fn dealers(world: &World) -> Value {
    json!({
        "name": "Dealers",
        "participants": [
            { "employee_id": world.employee("Oleg Sorokin").await, "role": "moderator" },
            { "number": "+49 30 901-820", "name": "=Müller, GmbH", "role": "listener" },
        ],
        "duration_min": 45,
    })
}

async fn put_list(world: &World, who: &Asker, id: &str, text: &str) -> Answer {
    let path = format!("/api/v1/templates/{id}/list.csv");
    let request = who.request("PUT", &path, Some(text.to_owned()));
    world.send(request).await
}

#[tokio::test]
async fn a_list_is_kept_under_its_name_changed_and_forgotten() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let body = dealers(&world).await;

    let made = world.post(&oleg, "/api/v1/templates", body.clone()).await;
    assert_snapshot!(made.shown());
    let again = world.post(&oleg, "/api/v1/templates", body.clone()).await;
    assert_snapshot!(again.shown());

    let path = format!("/api/v1/templates/{}", made.json()["id"].as_str().unwrap());
    let mut changed = body;
    changed["name"] = json!("Key accounts");
    changed["participants"].as_array_mut().unwrap().truncate(1);
    let answer = world.ask(&oleg, "PUT", &path, Some(changed)).await;
    assert_eq!(answer.json()["participants"].as_array().unwrap().len(), 1);
    let all = world.get(&oleg, "/api/v1/templates").await.json();
    assert_eq!(all, json!([answer.json()]));

    let gone = world.ask(&oleg, "DELETE", &path, None).await;
    assert_eq!(gone.status, 204);
    let gone = world.ask(&oleg, "DELETE", &path, None).await;
    assert_snapshot!(gone.shown());
}

#[tokio::test]
async fn a_list_goes_out_and_comes_in_as_a_table() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let body = dealers(&world).await;
    let made = world.post(&oleg, "/api/v1/templates", body).await.json();
    let id = made["id"].as_str().unwrap();

    let path = format!("/api/v1/templates/{id}/list.csv");
    let table = world.get(&oleg, &path).await;
    assert_snapshot!(table.text);

    let same = put_list(&world, &oleg, id, &table.text).await;
    assert_eq!(same.json(), made, "what went out comes in unchanged");
    let german = "Name;Number;Role\n;+4930123456;speaker\n\n";
    let answer = put_list(&world, &oleg, id, german).await;
    assert_eq!(
        answer.json()["participants"][0]["number"],
        json!("+4930123456")
    );
}

#[tokio::test]
async fn a_table_that_is_none_is_refused_with_its_row() {
    let world = World::new().await;
    let oleg = world.oleg().await;
    let body = dealers(&world).await;
    let made = world.post(&oleg, "/api/v1/templates", body).await.json();
    let id = made["id"].as_str().unwrap();

    let mut refusals = Vec::new();
    for table in [
        "",
        "name,role\nAnna,speaker\n",
        "name,number\nAnna,\n",
        "name,extension\nAnna,999\n",
        "number,role\n+4930123456,king\n",
        "number\n+4930123456\n0049 30 123456\n",
        "number\nFLOWERS\n",
    ] {
        refusals.push(put_list(&world, &oleg, id, table).await.refusal());
    }
    assert_snapshot!(refusals.join("\n"));
    let path = format!("/api/v1/templates/{id}/list.csv");
    let table = world.get(&oleg, &path).await.text;
    assert!(
        table.contains("+4930901820"),
        "nothing has changed: {table}"
    );
}
