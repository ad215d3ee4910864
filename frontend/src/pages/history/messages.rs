//! What was written to people about a date, and what became of it.

use api::{About, Notice, NoticeState, NoticeTrouble, NoticeWay, TroubleKind};
use leptos::prelude::*;

use crate::{app::texts, clock, format, texts::Texts};

#[component]
pub fn Messages(notices: Vec<Notice>) -> impl IntoView {
    let t = texts();
    if notices.is_empty() {
        return ().into_any();
    }
    let count = notices.len();
    let lines = notices
        .into_iter()
        .map(|notice| line(t, notice))
        .collect_view();
    view! {
        <section class="box attempts">
            <div class="bhead">
                <h2>{t.messages()}</h2>
                <span class="count num">{count}</span>
            </div>
            <div class="tablewrap">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">{t.col_time()}</th>
                            <th scope="col">{t.col_who()}</th>
                            <th scope="col">{t.col_address()}</th>
                            <th scope="col">{t.col_about()}</th>
                            <th scope="col">{t.col_outcome()}</th>
                        </tr>
                    </thead>
                    <tbody>{lines}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

fn line(t: Texts, notice: Notice) -> impl IntoView {
    let to = match notice.by {
        NoticeWay::Mail => notice.to.clone(),
        NoticeWay::Sms => format::phone(&notice.to),
    };
    let why = why(t, &notice);
    view! {
        <tr>
            <td class="num">{clock::time(notice.created_at)}</td>
            <td><b>{notice.name.clone().unwrap_or_default()}</b></td>
            <td class="num">{to}</td>
            <td>{about(t, notice.about)}</td>
            <td>{state(t, &notice)} {why.map(|why| view! { <span class="quiet">" " {why}</span> })}</td>
        </tr>
    }
}

/// What it was and what became of it, in one line.
pub fn in_short(t: Texts, notice: &Notice) -> String {
    let said = format!("{}: {}", about(t, notice.about), state(t, notice));
    match why(t, notice) {
        Some(why) => format!("{said}, {why}"),
        None => said,
    }
}

/// What it was about, in a few words.
pub fn about(t: Texts, about: About) -> &'static str {
    match about {
        About::Invitation => t.about_invitation(),
        About::Change => t.about_change(),
        About::CallingOff => t.about_calling_off(),
        About::Reminder => t.about_reminder(),
        About::RoomNumber => t.about_room_number(),
        About::JoinLater => t.about_join_later(),
        About::NotComing => t.about_not_coming(),
        About::Report => t.about_report(),
    }
}

/// How far it is.
pub fn state(t: Texts, notice: &Notice) -> String {
    match notice.state {
        // The hour of the next look would be a promise.
        NoticeState::Waiting { .. } if is_unsendable(notice) => t.message_held().to_owned(),
        NoticeState::Waiting { due_at } => t.message_waits(&clock::short(due_at)),
        NoticeState::Sent { at } => t.message_sent(&clock::short(at)),
        NoticeState::Failed { .. } => t.message_failed().to_owned(),
    }
}

/// Why it waits or was not sent, and what to do about it.
fn why(t: Texts, notice: &Notice) -> Option<String> {
    match notice.by {
        NoticeWay::Mail if is_unsendable(notice) => Some(t.message_no_mail().to_owned()),
        NoticeWay::Sms if is_unsendable(notice) => Some(t.message_no_sms().to_owned()),
        NoticeWay::Mail | NoticeWay::Sms => notice.trouble.as_ref().map(|what| trouble(t, what)),
    }
}

/// Nothing is set up to send it by.
fn is_unsendable(notice: &Notice) -> bool {
    let trouble = notice.trouble.as_ref();
    trouble.is_some_and(|what| what.kind == TroubleKind::NotConfigured)
}

/// What stands in the way, or stood.
pub fn trouble(t: Texts, trouble: &NoticeTrouble) -> String {
    match trouble.kind {
        TroubleKind::NotConfigured => t.message_not_set_up().to_owned(),
        TroubleKind::Unreachable => t.message_unreachable(&trouble.detail),
        TroubleKind::Refused => t.message_refused(&trouble.detail),
        TroubleKind::OutOfUse => t.message_out_of_use().to_owned(),
    }
}
