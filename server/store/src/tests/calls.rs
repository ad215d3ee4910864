//! Invitations by lease, attempts before their INVITE, and what a restart finds.

use domain::{
    AttemptId, Millis, PhoneNumber, Span,
    attempt::{Attempt, Route},
    employee::DeviceClass,
    line::LineKey,
    occurrence::Status,
};

use crate::{
    AttemptRow, Batch, InboundRow, InvitationRow, Plan, StoreError, VisitRow, person_key,
    seal::random,
    testing::{NOW, Northway, empty_plan, northway},
};

const START: Millis = Millis(NOW.0 + 600_000);
const DUE: Millis = Millis(START.0 - 300_000);

/// A meeting in which people are being called.
async fn calling(northway: &Northway, numbers: &[&str]) -> Plan {
    let mut plan = northway.plan(START, numbers);
    plan.occurrences[0].value.status = Status::Calling { since: DUE };
    northway.store().save_plan(&plan, NOW).await.unwrap();
    plan
}

fn numbers(rows: &[InvitationRow]) -> Vec<String> {
    rows.iter()
        .map(|row| row.invitation.invitee.to_string())
        .collect()
}

fn attempt_for(row: &InvitationRow, started_at: Millis) -> AttemptRow {
    let number = row.invitation.invitee.to_string();
    AttemptRow {
        company: row.company,
        person: person_key(&row.invitation.invitee),
        rtp_port: Some(20_004),
        dialog: None,
        call: None,
        attempt: Attempt {
            id: AttemptId::new(started_at, random()),
            invitation: row.invitation.id,
            number: 1,
            route: Route {
                line: LineKey::Number(number.parse().unwrap()),
                class: DeviceClass::Outside,
                address: number,
                trunk: None,
                g711_only: false,
            },
            started_at,
            ringing_at: None,
            answered_at: None,
            ended_at: None,
            end: None,
            result: None,
        },
    }
}

#[tokio::test]
async fn who_is_due_is_claimed_once_until_the_lease_runs_out() {
    let northway = northway().await;
    let store = northway.store();
    calling(&northway, &["+79160000001", "+79160000002"]).await;
    let claim = |now, lease| store.claim_due_invitations(now, lease, 10);

    assert_eq!(claim(DUE - Span(1), DUE).await.unwrap(), []);
    let claimed = claim(DUE, DUE + Span(5_000)).await.unwrap();
    assert_eq!(numbers(&claimed), ["+79160000001", "+79160000002"]);
    assert_eq!(store.next_due().await.unwrap(), Some(DUE + Span(5_000)));
    assert_eq!(
        claim(DUE + Span(4_999), DUE + Span(9_000)).await.unwrap(),
        []
    );
    assert_eq!(
        claim(DUE + Span(5_000), DUE + Span(9_000))
            .await
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn writing_a_row_gives_its_claim_back() {
    let northway = northway().await;
    let store = northway.store();
    calling(&northway, &["+79160000001"]).await;
    let mut claimed = store
        .claim_due_invitations(DUE, DUE + Span(60_000), 10)
        .await
        .unwrap();

    claimed[0]
        .invitation
        .postpone(DUE + Span(2_000), domain::invitation::Why::QuietHours);
    let mut batch = Batch::new(northway.company, DUE);
    batch.invitations = claimed;
    store.write_batch(&batch).await.unwrap();

    assert_eq!(
        store
            .claim_due_invitations(DUE + Span(1_999), DUE + Span(9_000), 10)
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        store
            .claim_due_invitations(DUE + Span(2_000), DUE + Span(9_000), 10)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn nobody_is_due_in_a_meeting_in_which_nobody_is_called() {
    let northway = northway().await;
    let store = northway.store();
    let mut plan = northway.plan(START, &["+79160000001"]);
    for status in [
        Status::Scheduled,
        Status::Live {
            since: START,
            calls: false,
        },
        Status::Ended { at: START },
    ] {
        plan.occurrences[0].value.status = status;
        store.save_plan(&plan, NOW).await.unwrap();
        plan.occurrences[0].version += 1;
        plan.invitations.clear();

        assert_eq!(
            store.claim_due_invitations(START, START, 10).await.unwrap(),
            [],
            "{status:?}"
        );
        assert_eq!(store.next_due().await.unwrap(), None, "{status:?}");
    }
}

#[tokio::test]
async fn two_schedulers_at_once_never_claim_the_same_person() {
    let northway = northway().await;
    let store = northway.store();
    let everyone: Vec<String> = (0..40).map(|number| format!("+7916{number:07}")).collect();
    let everyone: Vec<&str> = everyone.iter().map(String::as_str).collect();
    calling(&northway, &everyone).await;

    let claims = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .claim_due_invitations(DUE, DUE + Span(5_000), 7)
                .await
                .unwrap()
        })
    });
    let mut claimed = Vec::new();
    for claim in claims.collect::<Vec<_>>() {
        claimed.extend(numbers(&claim.await.unwrap()));
    }

    let count = claimed.len();
    claimed.sort();
    claimed.dedup();
    assert_eq!(claimed.len(), count, "somebody was claimed twice");
}

#[tokio::test]
async fn an_attempt_is_there_before_anybody_may_dial_and_found_by_a_restart() {
    let northway = northway().await;
    let store = northway.store();
    calling(&northway, &["+79160000001"]).await;
    let claimed = store
        .claim_due_invitations(DUE, DUE + Span(5_000), 1)
        .await
        .unwrap();
    let row = attempt_for(&claimed[0], DUE);
    let mut batch = Batch::new(northway.company, DUE);
    batch.attempts = vec![row.clone()];
    store.write_batch(&batch).await.unwrap();

    let in_flight = store.attempts_in_flight().await.unwrap();
    assert_eq!(in_flight, std::slice::from_ref(&row));

    store
        .note_call(row.attempt.id, Some("{\"dialog\":1}"), None)
        .await
        .unwrap();
    let mut ended = row.clone();
    ended.attempt.ended_at = Some(DUE + Span(9_000));
    batch.attempts = vec![ended.clone()];
    store.write_batch(&batch).await.unwrap();

    assert_eq!(store.attempts_in_flight().await.unwrap(), []);
    assert_eq!(
        store.attempts(row.attempt.invitation).await.unwrap(),
        [ended.attempt]
    );
}

#[tokio::test]
async fn a_person_is_called_by_one_meeting_at_a_time() {
    let northway = northway().await;
    let store = northway.store();
    calling(&northway, &["+79160000001"]).await;
    let claimed = store
        .claim_due_invitations(DUE, DUE + Span(5_000), 1)
        .await
        .unwrap();
    let first = attempt_for(&claimed[0], DUE);
    let mut batch = Batch::new(northway.company, DUE);
    batch.attempts = vec![first.clone()];
    store.write_batch(&batch).await.unwrap();
    assert_eq!(
        store
            .call_in_flight(northway.company, &first.person)
            .await
            .unwrap(),
        Some(first.attempt.id)
    );

    let second = attempt_for(&claimed[0], DUE + Span(1));
    batch.attempts = vec![second.clone()];
    batch.events = vec!["{}".to_owned()];
    let seq = store.last_event(northway.company).await.unwrap();
    let refused = store.write_batch(&batch).await.unwrap_err();

    assert!(
        matches!(refused, StoreError::AlreadyCalling { other } if other == first.attempt.id),
        "{refused}"
    );
    assert_eq!(
        store.last_event(northway.company).await.unwrap(),
        seq,
        "nothing of it remains"
    );

    let mut over = first;
    over.attempt.ended_at = Some(DUE + Span(2));
    batch.attempts = vec![over, second];
    store.write_batch(&batch).await.unwrap();
}

#[tokio::test]
async fn a_number_that_wants_no_call_again_is_in_the_directory_from_then_on() {
    let northway = northway().await;
    let store = northway.store();
    let other = store
        .apply_company(&empty_plan("Southway", "southway.example"), NOW)
        .await
        .unwrap()
        .company;
    let number: PhoneNumber = "+79160000001".parse().unwrap();
    let before = store.directory().await.unwrap();
    assert!(before.companies[&northway.company].may_call(&number));

    let mut batch = Batch::new(northway.company, DUE);
    batch.never_again = vec![number.clone(), "+79160000002".parse().unwrap()];
    store.write_batch(&batch).await.unwrap();

    let after = store.directory().await.unwrap();
    assert!(after.revision > before.revision, "it is read anew");
    let ours = &after.companies[&northway.company];
    assert_eq!(ours.never, batch.never_again);
    assert!(!ours.may_call(&"8 916 000-00-01".parse().unwrap()));
    assert!(ours.may_call(&"+79160000003".parse().unwrap()));
    assert!(after.companies[&other].may_call(&number));

    // Said twice, it is noted once, and nothing has changed.
    store.write_batch(&batch).await.unwrap();
    assert_eq!(store.directory().await.unwrap(), after);
}

#[tokio::test]
async fn what_is_not_written_forbids_no_call() {
    let northway = northway().await;
    let store = northway.store();
    let plan = calling(&northway, &["+79160000001"]).await;
    let mut batch = Batch::new(northway.company, DUE);
    batch.invitations = plan.invitations; // Still at version 0, which is written.
    batch.never_again = vec!["+79160000001".parse().unwrap()];

    store.write_batch(&batch).await.unwrap_err();

    let directory = store.directory().await.unwrap();
    assert_eq!(directory.companies[&northway.company].never, []);
}

#[tokio::test]
async fn a_damaged_row_stops_nobody_elses_call_or_meeting() {
    let northway = northway().await;
    let store = northway.store();
    let plan = calling(&northway, &["+79160000001", "+79160000002"]).await;
    let mut second = northway.plan(START, &[]).occurrences.remove(0);
    second.value.meeting = None;
    second.value.status = Status::Calling { since: DUE };
    let mut attempts: Vec<_> = plan
        .invitations
        .iter()
        .map(|row| attempt_for(row, DUE))
        .collect();
    let mut batch = Batch::new(northway.company, DUE);
    batch.occurrences = vec![second.clone()];
    batch.attempts = attempts.clone();
    store.write_batch(&batch).await.unwrap();
    let inbound = |seed| InboundRow {
        id: uuid::Uuid::from_u128(seed),
        company: northway.company,
        started_at: DUE,
        rtp_port: Some(20_008),
        dialog: "{}".to_owned(),
        body: "{}".to_owned(),
    };
    let mut batch = Batch::new(northway.company, NOW);
    batch.inbound = vec![inbound(1), inbound(2)];
    store.write_batch(&batch).await.unwrap();

    let damaged = attempts.remove(0).attempt.id.to_string();
    let date = plan.occurrences[0].value.id.to_string();
    for (damage, id) in [
        ("UPDATE attempts SET body = '{' WHERE id = $1", damaged),
        ("UPDATE occurrences SET body = '{' WHERE id = $1", date),
        (
            "UPDATE inbound_calls SET id = 'none' WHERE id = $1",
            inbound(1).id.to_string(),
        ),
    ] {
        let done = sqlx::query(damage).bind(id).execute(&store.db).await;
        assert_eq!(done.unwrap().rows_affected(), 1, "{damage}");
    }

    assert_eq!(store.attempts_in_flight().await.unwrap(), attempts);
    assert_eq!(store.inbound_calls().await.unwrap(), [inbound(2)]);
    let under_way = store.occurrences_under_way().await.unwrap();
    let under_way: Vec<_> = under_way.iter().map(|date| date.value.id).collect();
    assert_eq!(under_way, [second.value.id]);
}

#[tokio::test]
async fn a_damaged_row_stops_nobody_elses_beginning_end_claim_or_report() {
    let northway = northway().await;
    let (store, company) = (northway.store(), northway.company);
    let plan = calling(&northway, &["+79160000001", "+79160000002"]).await;
    let visit = |seed: u8| VisitRow {
        member: domain::MemberId::new(DUE, [seed; 10]),
        occurrence: Some(plan.occurrences[0].value.id),
        name: "Oleg".to_owned(),
        employee: None,
        number: None,
        joined_at: DUE,
        left_at: None,
        why: None,
        talked_ms: None,
    };
    let mut batch = Batch::new(company, DUE);
    batch.visits = vec![visit(1), visit(2)];
    store.write_batch(&batch).await.unwrap();
    let mut scheduled = Vec::new();
    for hours in [30, 32] {
        let plan = northway.plan(START + Span::minutes(60 * hours), &[]);
        store.save_plan(&plan, NOW).await.unwrap();
        scheduled.push(plan.occurrences[0].value.clone());
    }
    for (damage, id) in [
        (
            "UPDATE invitations SET body = '{' WHERE id = $1",
            plan.invitations[0].invitation.id.to_string(),
        ),
        (
            "UPDATE visits SET body = '{' WHERE member_id = $1",
            visit(1).member.to_string(),
        ),
        (
            "UPDATE occurrences SET body = '{' WHERE id = $1",
            scheduled[0].id.to_string(),
        ),
    ] {
        let done = sqlx::query(damage).bind(id).execute(&store.db).await;
        assert_eq!(done.unwrap().rows_affected(), 1, "{damage}");
    }

    let late = START + Span::minutes(60 * 40);
    let to_open: Vec<_> = store.occurrences_to_open(late).await.unwrap();
    assert_eq!(to_open.len(), 1);
    assert_eq!(to_open[0].value, scheduled[1]);
    assert_eq!(
        store.next_opening(late).await.unwrap(),
        None,
        "what cannot be opened is not waited for"
    );
    let expected = store.current_invitations(company).await.unwrap();
    assert_eq!(expected.len(), 1);
    let claimed = store
        .claim_due_invitations(late, late + Span::seconds(30), 10)
        .await
        .unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].invitation.id, plan.invitations[1].invitation.id);
    assert_eq!(store.close_visits(late, "dropped").await.unwrap(), 1);
    let visits = store.visits(plan.occurrences[0].value.id).await.unwrap();
    assert_eq!(visits.len(), 1);
    assert_eq!(visits[0].left_at, Some(late));

    sqlx::query("UPDATE occurrences SET body = '{' WHERE id = $1")
        .bind(plan.occurrences[0].value.id.to_string())
        .execute(&store.db)
        .await
        .unwrap();
    assert_eq!(store.occurrences_to_end(late).await.unwrap(), []);
}

#[tokio::test]
async fn a_row_is_written_by_who_read_it_last() {
    let northway = northway().await;
    let store = northway.store();
    let plan = calling(&northway, &["+79160000001"]).await;
    let id = plan.invitations[0].invitation.id;
    let ours = store.invitation(northway.company, id).await.unwrap();
    let theirs = ours.clone();

    let mut batch = Batch::new(northway.company, DUE);
    batch.invitations = vec![theirs];
    store.write_batch(&batch).await.unwrap();
    batch.invitations = vec![ours];
    let refused = store.write_batch(&batch).await.unwrap_err();

    assert!(
        matches!(
            refused,
            StoreError::Stale {
                what: "invitation",
                ..
            }
        ),
        "{refused}"
    );
}

#[tokio::test]
async fn stays_that_a_dead_server_left_open_are_closed() {
    let northway = northway().await;
    let store = northway.store();
    let plan = calling(&northway, &[]).await;
    let occurrence = plan.occurrences[0].value.id;
    let visit = |minutes, left_at| VisitRow {
        member: domain::MemberId::new(START + Span::minutes(minutes), random()),
        occurrence: Some(occurrence),
        name: "Oleg".to_owned(),
        employee: None,
        number: None,
        joined_at: START + Span::minutes(minutes),
        left_at,
        why: None,
        talked_ms: None,
    };
    let mut batch = Batch::new(northway.company, START);
    batch.visits = vec![visit(0, Some(START + Span::minutes(1))), visit(2, None)];
    store.write_batch(&batch).await.unwrap();

    assert_eq!(
        store
            .close_visits(START + Span::minutes(5), "dropped")
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        store
            .close_visits(START + Span::minutes(9), "dropped")
            .await
            .unwrap(),
        0
    );

    let left: Vec<_> = store
        .visits(occurrence)
        .await
        .unwrap()
        .into_iter()
        .map(|visit| visit.left_at)
        .collect();
    assert_eq!(
        left,
        [
            Some(START + Span::minutes(1)),
            Some(START + Span::minutes(5))
        ]
    );
}
