//! A request with a key acts once, through refusals, repetitions and crashes.

use domain::Span;

use crate::{
    Found, Receipt, ReceiptAnswer,
    testing::{NOW, northway},
    with_receipt,
};

#[tokio::test]
async fn a_receipt_is_marked_by_what_is_written_in_its_name() {
    let house = northway().await;
    let store = house.store();
    let user = store
        .login("irina@northway.example")
        .await
        .unwrap()
        .unwrap()
        .user
        .id;
    let receipt = Receipt::new(user, "k1".to_owned());
    let soon = NOW + Span::seconds(10);
    let begin = |request: &'static str, now| {
        let receipt = receipt.clone();
        async move {
            store
                .begin_receipt(&receipt, request, now, now + Span::seconds(10))
                .await
                .unwrap()
        }
    };

    assert_eq!(begin("a", NOW).await, Found::New);
    assert_eq!(begin("a", NOW).await, Found::UnderWay);
    assert_eq!(begin("b", NOW).await, Found::Another);
    // Its process died before it wrote anything: another one may act.
    assert_eq!(begin("a", soon).await, Found::New);

    with_receipt(receipt.clone(), async {
        store.promise(201, &"made");
        store
            .append_event(house.company, NOW, "\"made\"")
            .await
            .unwrap();
    })
    .await;
    // It died before it answered.
    let made = ReceiptAnswer {
        status: 201,
        body: "\"made\"".to_owned(),
    };
    assert_eq!(
        begin("a", soon + Span::minutes(5)).await,
        Found::Answered(made)
    );
    store.release_receipt(&receipt).await.unwrap();
    assert_eq!(
        begin("b", soon + Span::minutes(5)).await,
        Found::Another,
        "it acted"
    );
}

#[tokio::test]
async fn what_is_not_written_marks_nothing_and_a_key_of_another_user_is_another() {
    let house = northway().await;
    let store = house.store();
    let user = store
        .login("irina@northway.example")
        .await
        .unwrap()
        .unwrap()
        .user
        .id;
    let receipt = Receipt::new(user, "k1".to_owned());
    let begin = || store.begin_receipt(&receipt, "a", NOW, NOW + Span::seconds(10));

    assert_eq!(begin().await.unwrap(), Found::New);
    with_receipt(receipt.clone(), async {
        let nobody = domain::CompanyId::new(NOW, [9; 10]);
        store.append_event(nobody, NOW, "{}").await.unwrap_err();
    })
    .await;
    assert_eq!(begin().await.unwrap(), Found::UnderWay);
    store.release_receipt(&receipt).await.unwrap();
    assert_eq!(begin().await.unwrap(), Found::New);
}
