//! Plans, their dates, and who has a room when.

use domain::{Millis, OccurrenceId, Span, occurrence::Status};

use crate::{
    Batch, StoreError, Versioned,
    seal::random,
    testing::{NOW, northway},
};

const START: Millis = Millis(NOW.0 + 3_600_000);

#[tokio::test]
async fn a_plan_reads_back_with_its_dates_and_those_expected() {
    let northway = northway().await;
    let store = northway.store();
    let plan = northway.plan(START, &["+79160000001", "+79160000002"]);

    store.save_plan(&plan, NOW).await.unwrap();

    assert_eq!(
        store
            .meeting(northway.company, plan.meeting.id)
            .await
            .unwrap(),
        plan.meeting
    );
    let dates = store.occurrences_of(plan.meeting.id).await.unwrap();
    assert_eq!(
        dates,
        [Versioned {
            version: 1,
            value: plan.occurrences[0].value.clone()
        }]
    );
    let expected = store.invitations(dates[0].value.id).await.unwrap();
    let persons: Vec<_> = expected
        .iter()
        .map(|row| row.invitation.invitee.to_string())
        .collect();
    assert_eq!(persons, ["+79160000001", "+79160000002"]);
}

#[tokio::test]
async fn a_room_is_had_by_one_meeting_at_a_time() {
    let northway = northway().await;
    let store = northway.store();
    let first = northway.plan(START, &[]);
    store.save_plan(&first, NOW).await.unwrap();
    store
        .save_plan(&northway.plan(START + Span::minutes(60), &[]), NOW)
        .await
        .unwrap();

    let clash = northway.plan(START + Span::minutes(30), &["+79160000001"]);
    let refused = store.save_plan(&clash, NOW).await.unwrap_err();

    let by = first.occurrences[0].value.id;
    assert!(
        matches!(refused, StoreError::RoomBooked { by: found } if found == by),
        "{refused}"
    );
    assert!(
        store
            .meeting(northway.company, clash.meeting.id)
            .await
            .is_err(),
        "nothing half-written remains"
    );

    let (from, until) = (START + Span::minutes(30), START + Span::minutes(90));
    let booking = store
        .booking(northway.company, northway.room, from, until, None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(booking.occurrence.id, by);
    assert_eq!(
        booking.next_free_at,
        START + Span::minutes(120),
        "after both of them"
    );
}

#[tokio::test]
async fn a_meeting_is_not_in_its_own_way() {
    let northway = northway().await;
    let store = northway.store();
    let mut plan = northway.plan(START, &[]);
    store.save_plan(&plan, NOW).await.unwrap();

    plan.occurrences[0].version = 1;
    plan.occurrences[0].value.starts_at = START + Span::minutes(10);
    store.save_plan(&plan, NOW).await.unwrap();
}

#[tokio::test]
async fn what_others_have_written_is_not_overwritten() {
    let northway = northway().await;
    let store = northway.store();
    let mut plan = northway.plan(START, &[]);
    store.save_plan(&plan, NOW).await.unwrap();
    plan.meeting.title = "Another".to_owned();

    let refused = store.save_plan(&plan, NOW).await.unwrap_err();

    assert!(
        matches!(
            refused,
            StoreError::Stale {
                what: "occurrence",
                ..
            }
        ),
        "{refused}"
    );
    let kept = store
        .meeting(northway.company, plan.meeting.id)
        .await
        .unwrap();
    assert_eq!(
        kept.title, "Morning roll",
        "the whole transaction is undone"
    );
}

#[tokio::test]
async fn a_date_that_opens_early_is_found_then_and_nobody_of_it_is_due() {
    let northway = northway().await;
    let store = northway.store();
    let mut plan = northway.plan(START, &["+4930901820"]);
    let (opens_at, dial_at) = (START - Span::minutes(30), START - Span::minutes(5));
    plan.occurrences[0].value.opens_at = Some(opens_at);
    store.save_plan(&plan, NOW).await.unwrap();
    assert_eq!(store.next_opening(NOW).await.unwrap(), Some(opens_at));

    let mut found = store.occurrences_to_open(opens_at).await.unwrap();
    let early = &mut found[0];
    early.value.handle_timeout(opens_at);
    let mut batch = Batch::new(northway.company, opens_at);
    batch.occurrences.push(early.clone());
    store.write_batch(&batch).await.unwrap();

    assert_eq!(store.occurrences_to_open(dial_at).await.unwrap(), []);
    assert_eq!(store.occurrences_under_way().await.unwrap().len(), 1);
    let there = store.occurrence_in(northway.room).await.unwrap().unwrap();
    assert_eq!(there.value.id, early.value.id);
    let claim = async || {
        let lease = dial_at + Span::minutes(1);
        store
            .claim_due_invitations(dial_at, lease, 10)
            .await
            .unwrap()
            .len()
    };
    assert_eq!(claim().await, 0, "nobody is called while it is only open");

    let mut calling = there;
    calling.value.handle_timeout(dial_at);
    let mut batch = Batch::new(northway.company, dial_at);
    batch.occurrences.push(calling);
    store.write_batch(&batch).await.unwrap();
    assert_eq!(claim().await, 1);
}

#[tokio::test]
async fn dates_are_found_when_they_begin_and_when_they_end() {
    let northway = northway().await;
    let store = northway.store();
    let mut plan = northway.plan(START, &[]);
    store.save_plan(&plan, NOW).await.unwrap();
    let dial_at = START - Span::minutes(5);

    assert_eq!(store.next_opening(NOW).await.unwrap(), Some(dial_at));
    assert_eq!(
        store.occurrences_to_open(dial_at - Span(1)).await.unwrap(),
        []
    );
    assert_eq!(store.occurrences_to_open(dial_at).await.unwrap().len(), 1);

    plan.occurrences[0].version = 1;
    plan.occurrences[0].value.status = Status::Live {
        since: START,
        calls: true,
    };
    store.save_plan(&plan, NOW).await.unwrap();

    assert_eq!(store.next_opening(NOW).await.unwrap(), None);
    assert_eq!(store.occurrences_to_open(START).await.unwrap(), []);
    assert_eq!(
        store
            .occurrence_in(northway.room)
            .await
            .unwrap()
            .map(|date| date.version),
        Some(2)
    );
    assert_eq!(
        store
            .occurrences_to_end(START + Span::minutes(60) - Span(1))
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        store
            .occurrences_to_end(START + Span::minutes(60))
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_removed_plan_is_gone_and_its_date_called_off() {
    let northway = northway().await;
    let store = northway.store();
    let plan = northway.plan(START, &["+79160000001"]);
    store.save_plan(&plan, NOW).await.unwrap();
    let mut dates = store.occurrences_of(plan.meeting.id).await.unwrap();
    dates[0].value.cancel(NOW);

    store
        .remove_meeting(&plan.meeting, &dates, &[], NOW)
        .await
        .unwrap();

    assert!(
        store
            .meeting(northway.company, plan.meeting.id)
            .await
            .is_err()
    );
    assert_eq!(store.occurrences_to_open(START).await.unwrap(), []);
    let again = store
        .remove_meeting(&plan.meeting, &[], &[], NOW)
        .await
        .unwrap_err();
    assert!(matches!(again, StoreError::NotFound { .. }), "{again}");
}

#[tokio::test]
async fn another_company_finds_nothing() {
    let northway = northway().await;
    let store = northway.store();
    let plan = northway.plan(START, &["+79160000001"]);
    store.save_plan(&plan, NOW).await.unwrap();
    let other = store
        .apply_company(
            &crate::testing::empty_plan("Southway", "southway.example"),
            NOW,
        )
        .await
        .unwrap()
        .company;

    assert!(store.meeting(other, plan.meeting.id).await.is_err());
    assert!(
        store
            .occurrence(other, plan.occurrences[0].value.id)
            .await
            .is_err()
    );
    assert!(
        store
            .invitation(other, plan.invitations[0].invitation.id)
            .await
            .is_err()
    );
    assert_eq!(store.meetings(other).await.unwrap(), []);
    assert_eq!(
        store
            .occurrences(other, Millis(0), Millis(i64::MAX))
            .await
            .unwrap(),
        []
    );
    assert_eq!(store.current_invitations(other).await.unwrap(), []);
}

/// Two meetings back to back, and a gathering in the same room, each in some state.
#[tokio::test]
async fn a_room_belongs_to_what_is_held_in_it_before_what_is_being_called() {
    let northway = northway().await;
    let store = northway.store();
    let mut first = northway.plan(START, &[]);
    let mut second = northway.plan(START + Span::minutes(60), &[]);
    let mut gathering = first.occurrences[0].clone();
    gathering.value.id = OccurrenceId::new(START, random());
    gathering.value.meeting = None;
    gathering.value.starts_at = START + Span::minutes(90);
    let held = Status::Live {
        since: START,
        calls: true,
    };
    let open = Status::Live {
        since: START,
        calls: false,
    };
    let called = Status::Calling { since: START };
    let over = Status::Ended { at: START };

    for (states, has_it) in [
        ([held, called, over], Some(0)),
        ([open, called, held], Some(0)),
        ([over, called, held], Some(1)),
        ([held, held, over], Some(1)),
        ([called, held, held], Some(1)),
        ([over, over, held], Some(2)),
        ([over, over, over], None),
    ] {
        first.occurrences[0].value.status = states[0];
        second.occurrences[0].value.status = states[1];
        gathering.value.status = states[2];
        store.save_plan(&first, NOW).await.unwrap();
        store.save_plan(&second, NOW).await.unwrap();
        let mut batch = Batch::new(northway.company, NOW);
        batch.occurrences = vec![gathering.clone()];
        store.write_batch(&batch).await.unwrap();
        first.occurrences[0].version += 1;
        second.occurrences[0].version += 1;
        gathering.version += 1;

        let ids = [
            first.occurrences[0].value.id,
            second.occurrences[0].value.id,
            gathering.value.id,
        ];
        let found = store.occurrence_in(northway.room).await.unwrap();
        assert_eq!(
            found.map(|found| found.value.id),
            has_it.map(|place: usize| ids[place]),
            "{states:?}"
        );
    }
}

#[tokio::test]
async fn of_two_gatherings_that_begin_in_a_room_at_once_one_is_refused() {
    let northway = northway().await;
    let store = northway.store();
    let mut gathering = northway.plan(START, &[]).occurrences.remove(0);
    gathering.value.meeting = None;
    gathering.value.status = Status::Live {
        since: START,
        calls: true,
    };
    let mut batch = Batch::new(northway.company, START);
    batch.occurrences = vec![gathering.clone()];
    store.write_batch(&batch).await.unwrap();

    let mut second = gathering.clone();
    second.value.id = OccurrenceId::new(START, random());
    batch.occurrences = vec![second.clone()];
    let refused = store.write_batch(&batch).await.unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::Stale {
                what: "occurrence",
                ..
            }
        ),
        "{refused}"
    );

    // Once the first is over, another may begin.
    gathering.version = 1;
    gathering.value.status = Status::Ended { at: START };
    batch.occurrences = vec![gathering, second];
    store.write_batch(&batch).await.unwrap();
}
