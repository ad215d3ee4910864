//! Notices are claimed by queue and lease, and what is to be said once is said once.

use domain::{
    Millis, NoticeId, Span,
    company::SmsGateway,
    notice::{About, Address, Content, MAIL_QUEUE, Notice, Trouble, TroubleKind},
};

use crate::{
    Batch, NoticeRow,
    seal::random,
    testing::{NOW, Northway, northway},
};

fn notice(house: &Northway, to: Address, now: Millis) -> Notice {
    Notice::new(
        NoticeId::new(now, random()),
        house.company,
        About::Reminder,
        to,
        Content::Report,
        now,
    )
}

fn mail(house: &Northway, now: Millis) -> Notice {
    notice(
        house,
        Address::Mail("irina@northway.example".to_owned()),
        now,
    )
}

#[tokio::test]
async fn a_due_notice_is_claimed_once_until_its_lease_runs_out_and_beside_other_queues() {
    let house = northway().await;
    let store = house.store();
    let sms = notice(&house, Address::Sms("+79162041138".parse().unwrap()), NOW);
    let mut batch = Batch::new(house.company, NOW);
    batch.notices = vec![mail(&house, NOW).into(), sms.clone().into()];
    store.write_batch(&batch).await.unwrap();
    let later = NOW + Span::minutes(1);

    assert_eq!(store.due_queues(NOW).await.unwrap().len(), 2);
    let claim = |queue: &'static str, now: Millis| {
        store.claim_notices(queue, now, now + Span::minutes(1), 10)
    };
    assert_eq!(claim("mail", NOW).await.unwrap().len(), 1);
    assert_eq!(claim("mail", NOW + Span(1)).await.unwrap(), []);
    assert_eq!(
        store.due_queues(NOW + Span(1)).await.unwrap(),
        [sms.to.queue(house.company)]
    );

    let mut again = claim("mail", later).await.unwrap();
    again[0].on_sent(later);
    store.save_notice(&again[0], "{}", later).await.unwrap();
    assert_eq!(claim("mail", later + Span::minutes(5)).await.unwrap(), []);
    assert_eq!(store.notices(house.company, 10).await.unwrap().len(), 2);
    assert_eq!(store.next_notice().await.unwrap(), Some(NOW));
}

#[tokio::test]
async fn what_waits_is_due_once_there_is_something_to_send_it_by() {
    let house = northway().await;
    let store = house.store();
    let sms = Address::Sms("+79162041138".parse().unwrap());
    let mut unsent = [mail(&house, NOW), notice(&house, sms.clone(), NOW)];
    for one in &mut unsent {
        one.on_trouble(Trouble::new(TroubleKind::NotConfigured, ""), NOW);
    }
    store
        .add_notices(&unsent.map(NoticeRow::from))
        .await
        .unwrap();
    let now = NOW + Span::minutes(1);
    assert_eq!(store.due_queues(now).await.unwrap(), [""; 0]);

    let gateway = SmsGateway {
        url: "https://sms.example/send".to_owned(),
        content_type: "application/json".to_owned(),
        template: "{to} {text}".to_owned(),
        token: None,
    };
    store
        .save_sms_gateway(house.company, Some(&gateway), "{}", now)
        .await
        .unwrap();
    assert_eq!(
        store.due_queues(now).await.unwrap(),
        [sms.queue(house.company)]
    );
    store.hurry_notices(MAIL_QUEUE, now).await.unwrap();
    assert_eq!(store.due_queues(now).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_to_be_said_once_is_said_once() {
    let house = northway().await;
    let row = || NoticeRow {
        notice: mail(&house, NOW),
        once: Some("report of a date".to_owned()),
    };
    house.store().add_notices(&[row(), row()]).await.unwrap();
    house.store().add_notices(&[row()]).await.unwrap();
    assert_eq!(
        house
            .store()
            .notices(house.company, 10)
            .await
            .unwrap()
            .len(),
        1
    );
}
