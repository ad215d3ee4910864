//! What the guard would refuse is told before a meeting is saved.

use rollcall::company_file;
use serde_json::{Value, json};

use crate::world::{NORTHWAY, World};

#[tokio::test]
async fn who_will_not_be_called_and_why_is_told_before_it_is_saved() {
    let world = World::new().await;
    let guarded = NORTHWAY.replace(
        "quiet_hours =",
        "guard = { allowed = [\"+7\", \"+49\"], prices = [{ prefix = \"+7\", per_minute = 250 }], \
         meeting = { calls = 2, price = 20000 } }\nquiet_hours =",
    );
    company_file::apply_text(&world.store, "northway.toml", &guarded, world.now())
        .await
        .unwrap();
    let oleg = world.oleg().await;
    let body = json!({
        "room_id": world.room("9000").await,
        "starts_local": "2026-11-24T10:30",
        "duration_min": 60,
        "participants": [
            { "employee_id": world.employee("Irina Belova").await, "role": "speaker" },
            { "employee_id": world.employee("Oleg Sorokin").await, "role": "speaker" },
            { "employee_id": world.employee("Nobody's Desk").await, "role": "speaker" },
            { "number": "+33 1 40205050", "role": "listener" },
            { "number": "+49 30 901-820", "name": "Müller GmbH", "role": "listener" },
            { "number": "+7 495 222 33 44", "role": "listener" },
        ],
    });

    let answer = world
        .post(&oleg, "/api/v1/meetings/check", body)
        .await
        .json();

    let found: Vec<(&str, &str)> = answer["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let said = |name: &str| finding[name].as_str().unwrap_or_default();
            (said("code"), said("field"))
        })
        .collect();
    assert_eq!(
        found,
        [
            ("nothing_to_call", "participants[2]"),
            ("destination_forbidden", "participants[3]"),
            ("quiet_hours", "participants[4]"),
            ("too_many_calls", "participants"),
            ("too_dear", "participants"),
        ]
    );
    let sentences: Vec<&Value> = answer["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| &finding["message"])
        .collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&sentences).unwrap());
}
