//! Files as people write them, well and badly.

use tempfile::TempDir;

use super::*;

const NOW: Millis = Millis(1_795_334_400_000);

const NORTHWAY: &str = r#"
[company]
name = "Northway"
domain = "northway.example"
time_zone = "Europe/Moscow"
language = "en"
lead_s = 180
remind_min = 30
quiet_hours = { from = "21:00", until = "09:00" }

[company.rules]
ring_s = 20
busy = { wait_s = 5 }
no_answer = { waits_s = [10, 20] }

[[trunks]]
name = "North"
address = "127.0.0.1:5070"
username = "northway"
secret = "operator-secret"
caller_number = "+74951204040"
channels = 10

[[rooms]]
number = "9000"
name = "Dealers"
pin = "4711"

[[numbers]]
number = "+7 495 120-40-40"
room = "9000"
trunk = "North"

[[employees]]
name = "Irina Belova"
extension = "101"
group = "Office"
email = "Irina@Northway.example"
password = "roll-call-demo"
level = "administrator"

[[employees.devices]]
kind = "sip_phone"
username = "irina"
secret = "irina-demo"

[[employees]]
name = "Oleg Sorokin"
extension = "204"
time_zone = "Asia/Yekaterinburg"

[[employees.devices]]
kind = "ip_sim"
mobile = "+79162040001"
short = "204"
trunk = "North"

[[employees.devices]]
kind = "outside"
number = "+74952223344"
"#;

struct Fixture {
    store: Store,
    _folder: TempDir,
}

async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), None).await.unwrap();
    Fixture {
        store,
        _folder: folder,
    }
}

impl Fixture {
    async fn apply(&self, text: &str) -> Result<String, String> {
        let applied = apply_text(&self.store, "company.toml", text, NOW).await;
        applied
            .map(|applied| summary(&applied))
            .map_err(|error| error.to_string())
    }

    async fn refused(&self, text: &str) -> String {
        self.apply(text).await.expect_err("the file is wrong")
    }
}

#[tokio::test]
async fn what_was_applied_is_said_and_applying_again_changes_nothing() {
    let fixture = fixture().await;

    assert_eq!(
        fixture.apply(NORTHWAY).await.unwrap(),
        "Added 1 company: Northway\n\
         Added 3 devices: irina, +79162040001, +74952223344\n\
         Added 2 employees: Irina Belova, Oleg Sorokin\n\
         Added 1 login: irina@northway.example\n\
         Added 1 number: +74951204040\n\
         Added 1 room: 9000\n\
         Added 1 trunk: North"
    );
    assert_eq!(fixture.apply(NORTHWAY).await.unwrap(), "Nothing to change.");
}

#[tokio::test]
async fn what_is_shown_has_no_secret_and_changes_nothing_when_applied() {
    let fixture = fixture().await;
    fixture.apply(NORTHWAY).await.unwrap();

    let shown = show(&fixture.store, None).await.unwrap();

    for secret in [
        "irina-demo",
        "operator-secret",
        "roll-call-demo",
        "argon2",
        "4711",
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert_eq!(
        fixture.apply(&shown).await.unwrap(),
        "Nothing to change.",
        "{shown}"
    );
    assert_eq!(show(&fixture.store, Some("Northway")).await.unwrap(), shown);
    let there = fixture
        .store
        .login("irina@northway.example")
        .await
        .unwrap()
        .unwrap();
    assert!(password::verify("roll-call-demo", &there.password_hash));
}

#[tokio::test]
async fn the_shown_file_reads_as_it_was_written() {
    let fixture = fixture().await;
    fixture.apply(NORTHWAY).await.unwrap();

    let shown: toml::Table = show(&fixture.store, None).await.unwrap().parse().unwrap();

    assert_eq!(shown["company"]["lead_s"].as_integer(), Some(180));
    assert_eq!(shown["company"]["remind_min"].as_integer(), Some(30));
    assert_eq!(
        shown["company"]["rules"]["busy"]["wait_s"].as_integer(),
        Some(5)
    );
    assert_eq!(
        shown["company"]["rules"]["busy"]["first_s"].as_integer(),
        Some(120)
    );
    assert_eq!(
        shown["company"]["quiet_hours"]["from"].as_str(),
        Some("21:00")
    );
    assert_eq!(
        shown["employees"][1]["devices"][0]["trunk"].as_str(),
        Some("North")
    );
    assert_eq!(
        shown["employees"][1]["time_zone"].as_str(),
        Some("Asia/Yekaterinburg")
    );
}

#[tokio::test]
async fn a_new_password_signs_its_owner_out_and_the_old_one_does_not() {
    let fixture = fixture().await;
    fixture.apply(NORTHWAY).await.unwrap();
    let user = fixture
        .store
        .login("irina@northway.example")
        .await
        .unwrap()
        .unwrap()
        .user;
    let session = store::Secret::random("").hash();
    let until = NOW + domain::Span::minutes(60);
    fixture
        .store
        .begin_session(user.id, &session, NOW, until)
        .await
        .unwrap();

    fixture.apply(NORTHWAY).await.unwrap();
    assert!(
        fixture
            .store
            .session(&session, NOW)
            .await
            .unwrap()
            .is_some()
    );

    let changed = NORTHWAY.replace("roll-call-demo", "another-secret");
    assert_eq!(
        fixture.apply(&changed).await.unwrap(),
        "Changed 1 login: irina@northway.example"
    );
    assert!(
        fixture
            .store
            .session(&session, NOW)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn every_mistake_is_told_with_its_place_and_nothing_is_changed() {
    let fixture = fixture().await;
    let file = r#"[company]
name = "Northway"
domain = "north way"
time_zone = "Europe/Moskow"
language = "de"
lead = 5
quiet_hours = { from = "25:00", until = "09:00" }

[company.rules]
busy = { wait_s = 0 }

[[trunks]]
name = "North"
address = "sip:127.0.0.1"
secret = "x"

[[rooms]]
number = "90x0"
name = ""
pin = 4711

[[rooms]]
number = "204"
name = "Drivers"

[[numbers]]
number = "8 800 FLOWERS"
room = "9009"
trunk = "South"

[[employees]]
name = "Oleg"
extension = "204"
email = "oleg"
password = "short"

[[employees.devices]]
kind = "sip_phone"
username = "oleg sorokin"

[[employees.devices]]
kind = "fax"

[[employees]]
extension = "12345"
level = "boss"
"#;

    let told = fixture.refused(file).await;

    let expected = [
        "company.toml:3:10: company.domain: \"north way\" is not a domain such as northway.example",
        "company.toml:4:13: company.time_zone: \"Europe/Moskow\" is not a time zone",
        "company.toml:5:12: company.language: \"de\" is not one of \"en\", \"ru\"",
        "company.toml:6:1: company.lead: there is no such key here",
        "company.toml:7:24: company.quiet_hours.from: \"25:00\" is not a time such as 21:00",
        "company.toml:10:19: company.rules.busy.wait_s: expected a number from 1 to 86400",
        "company.toml:12:1: trunks[0].username: it is missing",
        "company.toml:14:11: trunks[0].address: \"sip:127.0.0.1\" is not a host",
        "company.toml:18:10: rooms[0].number: \"x\" at place 3 does not belong in a number",
        "company.toml:19:8: rooms[0].name: it is empty",
        "company.toml:20:7: rooms[0].pin: expected a text in quotes, found a whole number",
        "company.toml:27:10: numbers[0].number: \"F\" at place 7 does not belong in a number",
        "company.toml:28:8: numbers[0].room: there is no room 9009 in this file",
        "company.toml:29:9: numbers[0].trunk: there is no trunk \"South\" in this file",
        "company.toml:33:13: employees[0].extension: 204 is taken by room 204",
        "company.toml:34:9: employees[0].email: \"oleg\" is not an address",
        "company.toml:35:12: employees[0].password: it is shorter than 8 characters",
        "company.toml:39:12: employees[0].devices[0].username: \"oleg sorokin\" is not a SIP user name",
        "company.toml:42:8: employees[0].devices[1].kind: \"fax\" is not one of",
        "company.toml:44:1: employees[1].name: it is missing",
        "company.toml:45:13: employees[1].extension: The number has 5 digits: expected 2 to 4",
        "company.toml:46:9: employees[1].level: \"boss\" is not one of \"administrator\", \"employee\"",
    ];
    for line in expected {
        assert!(
            told.lines().any(|told| told.starts_with(line)),
            "{line}\nis not in\n{told}"
        );
    }
    assert!(fixture.store.company_names().await.unwrap().is_empty());
}

#[tokio::test]
async fn nobody_has_what_somebody_else_has() {
    let fixture = fixture().await;
    let told = |from: &str, to: &str| {
        let (fixture, file) = (&fixture, NORTHWAY.replace(from, to));
        async move { fixture.refused(&file).await }
    };

    assert!(
        told("extension = \"101\"", "extension = \"204\"")
            .await
            .contains("204 is taken by Irina Belova")
    );
    assert!(
        told("short = \"204\"", "short = \"101\"")
            .await
            .contains("101 is taken by Irina Belova")
    );
    assert!(
        told("short = \"204\"", "short = \"9000\"")
            .await
            .contains("9000 is taken by room 9000")
    );
    assert!(
        told("+74952223344", "+7 916 204-00-01")
            .await
            .contains("is already a device of Oleg Sorokin")
    );
    let twice =
        format!("{NORTHWAY}\n[[employees]]\nname = \"Oleg Sorokin\"\nextension = \"204\"\n");
    assert!(
        fixture
            .refused(&twice)
            .await
            .contains("204 is taken by Oleg Sorokin"),
        "a namesake is another"
    );
}

#[tokio::test]
async fn a_secret_that_is_missing_is_made_and_shown_once() {
    let fixture = fixture().await;
    let file = NORTHWAY.replace("secret = \"irina-demo\"\n", "");

    let told = fixture.apply(&file).await.unwrap();

    let (_, made) = told
        .split_once("Secrets made for phones, shown this once:\n  irina  ")
        .expect("it is shown");
    assert_eq!(made.len(), 16, "{made}");
    let directory = fixture.store.directory().await.unwrap();
    let company = directory.companies.values().next().unwrap();
    let expected = store::Ha1::of("irina", &company.company.domain, made);
    assert_eq!(company.credentials["irina"].ha1, expected);
    assert_eq!(fixture.apply(&file).await.unwrap(), "Nothing to change.");
    let shown = show(&fixture.store, None).await.unwrap();
    assert!(!shown.contains(made), "{shown}");
}

#[tokio::test]
async fn a_pin_is_kept_changed_or_taken_away() {
    let fixture = fixture().await;
    fixture.apply(NORTHWAY).await.unwrap();
    let with = |pin: &str| NORTHWAY.replace("pin = \"4711\"", pin);
    let has_pin = || async {
        let directory = fixture.store.directory().await.unwrap();
        directory.companies.values().next().unwrap().rooms[0]
            .pin
            .is_some()
    };

    assert_eq!(
        fixture.apply(&with("")).await.unwrap(),
        "Nothing to change."
    );
    assert!(has_pin().await);
    assert_eq!(
        fixture.apply(&with("pin = false")).await.unwrap(),
        "Changed 1 room: 9000"
    );
    assert!(!has_pin().await);
    assert!(
        fixture
            .refused(&with("pin = \"12\""))
            .await
            .contains("rooms[0].pin: A PIN has 4 to 12 digits")
    );
}

#[tokio::test]
async fn what_is_no_toml_or_not_there_is_told() {
    let fixture = fixture().await;

    assert!(
        fixture
            .refused("[company\nname = 1")
            .await
            .starts_with("company.toml:1:9: ")
    );
    assert!(
        fixture
            .refused("")
            .await
            .contains("company: the table [company] is missing")
    );
    let missing = apply(&fixture.store, Path::new("/no/such.toml"), NOW)
        .await
        .unwrap_err();
    assert!(
        missing
            .to_string()
            .starts_with("Cannot read /no/such.toml: ")
    );
    let nobody = show(&fixture.store, None).await.unwrap_err();
    assert!(nobody.to_string().contains("no company yet"), "{nobody}");
    fixture.apply(NORTHWAY).await.unwrap();
    let unknown = show(&fixture.store, Some("Southway")).await.unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "There is no company \"Southway\" (there are: Northway)"
    );
}

#[tokio::test]
async fn the_example_of_the_manual_can_be_applied() {
    let manual = include_str!("../../../docs/company-file.md");
    let example = manual
        .split("## Example")
        .nth(1)
        .and_then(|rest| rest.split("```toml\n").nth(1))
        .unwrap();
    let example = example.split("```").next().unwrap();

    fixture().await.apply(example).await.unwrap();
}
