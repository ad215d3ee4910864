//! A database for one test: a SQLite file of its own, or a schema of its own in
//! the PostgreSQL that `ROLLCALL_TEST_POSTGRES` names (see `scripts/with-postgres`).

use domain::{
    CompanyId, InvitationId, MeetingId, Millis, OccurrenceId, PhoneNumber, Role, RoomId, Span,
    employee::{Level, Secret},
    invitation::Invitation,
    meeting::{Invitee, Meeting},
    occurrence::{Occurrence, Status},
};
use tempfile::TempDir;

use crate::{
    CompanyPlan, InvitationRow, Plan, PlannedDevice, PlannedDeviceKind, PlannedEmployee,
    PlannedLogin, PlannedPin, PlannedRoom, Store, Versioned, seal::random, text::to_hex,
};

pub(crate) const NOW: Millis = Millis(1_795_341_600_000);

pub(crate) struct Database {
    pub(crate) store: Store,
    /// Goes with the test.
    folder: TempDir,
}

impl Database {
    /// Where its file and its key are.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

pub(crate) async fn database() -> Database {
    let folder = tempfile::tempdir().unwrap();
    let store = match std::env::var("ROLLCALL_TEST_POSTGRES") {
        Ok(url) => Store::open(folder.path(), Some(&own_schema(&url).await))
            .await
            .unwrap(),
        Err(_) => Store::open(folder.path(), None).await.unwrap(),
    };
    Database { store, folder }
}

/// Makes a schema that nobody else uses, and answers the URL that stays in it.
async fn own_schema(url: &str) -> String {
    sqlx::any::install_default_drivers();
    let schema = format!("test_{}", to_hex(&random::<8>()));
    let pool = sqlx::AnyPool::connect(url).await.unwrap();
    let create = format!("CREATE SCHEMA {schema}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(create))
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}options=-csearch_path%3D{schema}")
}

/// A company with nobody in it.
pub(crate) fn empty_plan(name: &str, domain: &str) -> CompanyPlan {
    CompanyPlan {
        company: domain::company::Company {
            id: CompanyId::new(NOW, [0; 10]),
            name: name.to_owned(),
            domain: domain.to_owned(),
            language: domain::Language::English,
            zone: "Europe/Moscow".parse().unwrap(),
            rules: domain::rules::RetryRules::default(),
            lead_ms: domain::company::DEFAULT_LEAD,
            remind_ms: Some(domain::meeting::DEFAULT_REMINDER),
            quiet_hours: None,
            service: Default::default(),
            limits: Default::default(),
        },
        employees: Vec::new(),
        trunks: Vec::new(),
        numbers: Vec::new(),
        event_numbers: Vec::new(),
        rooms: Vec::new(),
    }
}

/// Somebody with a phone and, if an address is given, a web login.
pub(crate) fn employee(name: &str, extension: &str, email: Option<&str>) -> PlannedEmployee {
    PlannedEmployee {
        name: name.to_owned(),
        group: None,
        extension: extension.parse().unwrap(),
        zone: None,
        login: email.map(|email| PlannedLogin {
            email: email.to_owned(),
            password_hash: Some(Secret::new(format!("hash of {name}"))),
            level: Level::Employee,
        }),
        phone_pin: PlannedPin::Keep,
        devices: vec![phone(&name.to_lowercase(), Some("long enough"))],
    }
}

pub(crate) fn phone(username: &str, secret: Option<&str>) -> PlannedDevice {
    PlannedDevice {
        kind: PlannedDeviceKind::SipPhone {
            username: username.to_owned(),
        },
        trunk: None,
        secret: secret.map(Secret::new),
    }
}

pub(crate) fn room(number: &str) -> PlannedRoom {
    PlannedRoom {
        number: number.parse().unwrap(),
        name: format!("Room {number}"),
        pin: PlannedPin::Keep,
        moderator_pin: PlannedPin::Keep,
        settings: Default::default(),
    }
}

/// A company with two people and a room.
pub(crate) struct Northway {
    pub(crate) database: Database,
    pub(crate) company: CompanyId,
    pub(crate) room: RoomId,
}

pub(crate) async fn northway() -> Northway {
    let database = database().await;
    let mut plan = empty_plan("Northway", "northway.example");
    plan.employees = vec![
        employee("Irina", "101", Some("irina@northway.example")),
        employee("Oleg", "204", None),
    ];
    plan.rooms = vec![room("9000")];
    let company = database
        .store
        .apply_company(&plan, NOW)
        .await
        .unwrap()
        .company;
    let room = database.store.rooms(company).await.unwrap()[0].id;
    Northway {
        database,
        company,
        room,
    }
}

impl Northway {
    pub(crate) fn store(&self) -> &Store {
        &self.database.store
    }

    /// A meeting of an hour at `starts_at`, with somebody outside for each number; dialled five minutes ahead.
    pub(crate) fn plan(&self, starts_at: Millis, numbers: &[&str]) -> Plan {
        let zone: domain::Zone = "UTC".parse().unwrap();
        let meeting = Meeting {
            id: MeetingId::new(starts_at, random()),
            company: self.company,
            title: "Morning roll".to_owned(),
            room: self.room,
            zone,
            starts_local: starts_at.in_zone(zone).unwrap(),
            duration_ms: Span::minutes(60),
            series: None,
            lead_ms: Span::minutes(5),
            early_ms: Span::ZERO,
            warn_ms: Span::ZERO,
            participants: Vec::new(),
            rules: None,
            own_people_need_no_key: true,
            lobby: false,
            language: None,
            remind_ms: None,
            organiser: None,
        };
        let occurrence = Occurrence {
            id: OccurrenceId::new(starts_at, random()),
            company: self.company,
            meeting: Some(meeting.id),
            slot: None,
            room: self.room,
            title: meeting.title.clone(),
            zone: None,
            starts_at,
            ends_at: starts_at + Span::minutes(60),
            dial_at: starts_at - Span::minutes(5),
            opens_at: None,
            late: false,
            status: Status::Scheduled,
        };
        let invitations = numbers
            .iter()
            .enumerate()
            .map(|(place, number)| InvitationRow {
                company: self.company,
                position: i64::try_from(place).unwrap(),
                version: 0,
                invitation: Invitation::new(
                    InvitationId::new(starts_at, random()),
                    occurrence.id,
                    outside(number),
                    Role::Speaker,
                    occurrence.dial_at,
                ),
            });
        Plan {
            invitations: invitations.collect(),
            occurrences: vec![Versioned::new(occurrence)],
            withdrawn: Vec::new(),
            answers: domain::series::AnswerChanges::default(),
            events: vec!["{}".to_owned()],
            read_at: None,
            extend_at: None,
            even_if_booked: false,
            meeting,
        }
    }
}

pub(crate) fn outside(number: &str) -> Invitee {
    Invitee::Outside {
        name: None,
        number: PhoneNumber::parse(number).unwrap(),
    }
}
