//! What holds for the whole company: the rules of calling, the trunks, by what short messages
//! leave, and the programs beside us. For administrators.

use api::{ChangeCompany, Company, RetryRules};
use leptos::prelude::*;

use crate::{
    acts::Call,
    app::{Session, shared, texts},
    client::write,
    components::{
        icon::small,
        rules::{RuleSentences, Token, span},
    },
    live::Topic,
};

mod programs;
mod sms;
mod trunks;

const MINUTE: i64 = 60_000;

#[component]
pub fn CompanyPage() -> impl IntoView {
    let t = texts();
    let shared = shared();
    let known = move || {
        shared
            .feed
            .read(&[Topic::Company], |live| live.company.clone())
    };
    let may_change = move || match shared.session.get() {
        Session::In(me) => me.level == api::Level::Administrator,
        Session::Unknown | Session::Out => false,
    };
    view! {
        <main class="hist" id="main">
            <div class="hscroll settle">
                <header class="hhead"><h1>{t.nav_company()}</h1></header>
                <Show
                    when=may_change
                    fallback=move || view! { <p class="note">{small("lock")}<span>{t.company_for_administrators()}</span></p> }
                >
                    <CompanyRules known/>
                    <trunks::Trunks known/>
                    <sms::Sms/>
                    <programs::Webhooks/>
                    <programs::Keys/>
                </Show>
            </div>
        </main>
    }
}

/// The rules every meeting has that has none of its own. Each word is saved as it is chosen.
#[component]
fn CompanyRules(
    known: impl Fn() -> Option<Company> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let t = texts();
    let acts = shared().acts;
    let rules = move || known().map_or_else(RetryRules::default, |company| company.rules);
    let save = move |change: ChangeCompany| {
        acts.send(
            Call {
                method: "PATCH",
                path: "company".to_owned(),
                body: Some(write(&change)),
            },
            Some(t.saved().to_owned()),
        );
    };
    let change = move |with: &dyn Fn(&mut RetryRules)| {
        let Some(mut rules) = untrack(known).map(|company| company.rules) else {
            return;
        };
        with(&mut rules);
        save(ChangeCompany {
            rules: Some(rules),
            ..ChangeCompany::default()
        });
    };
    let lead = move |seconds: i64| {
        save(ChangeCompany {
            lead_s: u32::try_from(seconds).ok(),
            ..ChangeCompany::default()
        });
    };
    let remind = move |minutes: i64| {
        save(ChangeCompany {
            remind_min: u32::try_from(minutes).ok(),
            ..ChangeCompany::default()
        });
    };
    let ring = move |value: i64| {
        change(&move |rules: &mut RetryRules| rules.ring_ms = domain::Span(value));
    };
    view! {
        <section class="box">
            <div class="bhead"><h2>{t.company_rules()}</h2></div>
            <p class="quiet">{t.company_rules_hint()}</p>
            <div class="say">
                {t.rule_lead()} " "
                <Token
                    label=t.rule_lead()
                    value=move || known().map_or(0, |company| i64::from(company.lead_s))
                    options=vec![0, 60, 120, 180, 300, 600, 900]
                    word=move |seconds| if seconds == 0 { t.at_the_start().to_owned() } else { t.before_start(&span(t, seconds * 1000)) }
                    set=lead
                />
                ". " {t.form_remind()} ": "
                <Token
                    label=t.form_remind()
                    value=move || known().map_or(15, |company| i64::from(company.remind_min))
                    options=vec![0, 5, 15, 30, 60, 120, 1440]
                    word=move |minutes| if minutes == 0 { t.reminds_not().to_owned() } else { t.reminds_before(&span(t, minutes * MINUTE)) }
                    set=remind
                />
                ". " {t.rule_ring()} " "
                <Token label=t.rule_ring() value=move || rules().ring_ms.0 options=vec![15_000, 20_000, 30_000, 45_000, MINUTE] word=move |value| span(t, value) set=ring/>
            </div>
            <RuleSentences rules change/>
        </section>
    }
}
