//! Events are numbered without gaps, whoever writes them, and read again from any number.

use domain::Span;

use crate::testing::{NOW, northway};

#[tokio::test]
async fn events_are_read_again_from_any_number() {
    let northway = northway().await;
    let (store, company) = (northway.store(), northway.company);
    for text in ["\"a\"", "\"b\"", "\"c\""] {
        store.append_event(company, NOW, text).await.unwrap();
    }

    let after = |seq| store.events_after(company, seq, 10);
    let bodies = |rows: Option<Vec<crate::EventRow>>| {
        rows.map(|rows| {
            rows.into_iter()
                .map(|row| (row.seq, row.body))
                .collect::<Vec<_>>()
        })
    };
    let told = |pairs: &[(i64, &str)]| {
        Some(
            pairs
                .iter()
                .map(|(seq, text)| (*seq, (*text).to_owned()))
                .collect(),
        )
    };

    assert_eq!(
        bodies(after(1).await.unwrap()),
        told(&[(2, "\"b\""), (3, "\"c\"")])
    );
    assert_eq!(bodies(after(3).await.unwrap()), told(&[]));
    assert_eq!(
        bodies(after(4).await.unwrap()),
        None,
        "a number never given"
    );
    assert_eq!(bodies(after(-1).await.unwrap()), None);
}

#[tokio::test]
async fn who_was_away_for_too_long_needs_a_snapshot() {
    let northway = northway().await;
    let (store, company) = (northway.store(), northway.company);
    for day in 0..4 {
        store
            .append_event(company, NOW + Span::minutes(day * 1440), "{}")
            .await
            .unwrap();
    }

    store
        .forget_events(NOW + Span::minutes(2 * 1440))
        .await
        .unwrap();

    assert_eq!(store.events_after(company, 0, 10).await.unwrap(), None);
    assert_eq!(
        store
            .events_after(company, 2, 10)
            .await
            .unwrap()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn many_writers_leave_no_gap() {
    let northway = northway().await;
    let (store, company) = (northway.store(), northway.company);

    let writers: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.append_event(company, NOW, "{}").await.unwrap() })
        })
        .collect();
    let mut numbers = Vec::new();
    for writer in writers {
        numbers.push(writer.await.unwrap());
    }
    numbers.sort_unstable();

    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
}
