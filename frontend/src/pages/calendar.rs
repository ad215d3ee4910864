//! The calendar: a tray of people, the week, the meeting being made.

use api::{MeetingCheck, MeetingId, Occurrence, OccurrenceStatus};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map},
};

use crate::{
    app::{shared, texts},
    client::Failure,
    clock,
    components::icon::small,
    live::{Topic, offers::Scene},
};

mod check;
pub mod days;
mod draft;
mod form;
mod guests;
mod lists;
mod month;
mod moving;
mod public;
mod repeats;
mod rules;
mod tray;
mod week;

use days::{Day, Monday};
use draft::{Draft, STEP_MIN};

/// The meeting in the panel, shared by tray, week and form.
#[derive(Clone, Copy)]
pub struct Editing {
    draft: RwSignal<Option<Draft>>,
    failure: RwSignal<Option<Failure>>,
    /// What the server thinks of it while it is being made.
    check: RwSignal<Option<MeetingCheck>>,
    /// A date of a series that was dragged: only it, or all that follow?
    asked: RwSignal<Option<moving::Asked>>,
    /// Where to go next: another page answers what was clicked.
    go: RwSignal<Option<String>>,
}

impl Editing {
    /// A new meeting at this place; one that is being made moves there instead.
    fn make(self, day: Day, start_min: u32) {
        const LENGTH_MIN: u32 = 60;
        let feed = shared_feed();
        self.failure.set(None);
        let making = self
            .draft
            .with_untracked(|draft| draft.as_ref().is_some_and(|draft| draft.id.is_none()));
        if making {
            self.draft.update(|draft| {
                if let Some(draft) = draft {
                    draft.day = day;
                    draft.start_at(start_min);
                }
            });
            return;
        }
        let draft = feed.peek(|live| {
            let mut rooms: Vec<_> = live.rooms.values().collect();
            rooms.sort_by(|a, b| a.number.cmp(&b.number));
            Draft::new(
                day,
                start_min,
                LENGTH_MIN,
                rooms.first().map(|room| room.id),
                live.company.as_ref(),
            )
        });
        self.draft.set(Some(draft));
    }

    /// What a click on a meeting opens: what is on goes to the board, what is over to its report.
    fn open(self, occurrence: &Occurrence) {
        match occurrence.status {
            OccurrenceStatus::Scheduled | OccurrenceStatus::Early => {
                self.change_at(occurrence);
            }
            OccurrenceStatus::Cancelled if occurrence.restorable => self.change_at(occurrence),
            OccurrenceStatus::Calling | OccurrenceStatus::Live => {
                self.go
                    .set(Some(format!("/rooms/{}", occurrence.room_number)));
            }
            OccurrenceStatus::Ended | OccurrenceStatus::Missed | OccurrenceStatus::Cancelled => {
                self.go.set(Some(format!("/history/{}", occurrence.id)));
            }
        }
    }

    fn change(self, meeting: MeetingId) {
        let feed = shared_feed();
        let draft =
            feed.peek(|live| Draft::of(live.meetings.get(&meeting)?, live.company.as_ref()));
        self.failure.set(None);
        self.draft.set(draft);
    }

    /// The same, at the date that was clicked.
    fn change_at(self, occurrence: &Occurrence) {
        let Some(meeting) = occurrence.meeting_id else {
            return;
        };
        let draft = shared_feed().peek(|live| draft_at(live, meeting, occurrence));
        self.failure.set(None);
        self.draft.set(draft);
    }

    fn close(self) {
        self.failure.set(None);
        self.draft.set(None);
    }
}

fn draft_at(
    live: &crate::live::Live,
    meeting: MeetingId,
    occurrence: &Occurrence,
) -> Option<Draft> {
    let meeting = live.meetings.get(&meeting)?;
    Some(Draft::of(meeting, live.company.as_ref())?.at(meeting, occurrence))
}

fn shared_feed() -> crate::feed::Feed {
    shared().feed
}

#[component]
pub fn Calendar() -> impl IntoView {
    let t = texts();
    let shared = shared();
    let monday: RwSignal<Monday> = RwSignal::new(today(shared.clock.peek()).monday());
    let editing = Editing {
        draft: RwSignal::new(None),
        failure: RwSignal::new(None),
        check: RwSignal::new(None),
        asked: RwSignal::new(None),
        go: RwSignal::new(None),
    };
    shared.drag.scene.set(Scene::Form);

    let navigate = use_navigate();
    Effect::new(move || {
        if let Some(path) = editing.go.get() {
            navigate(&path, NavigateOptions::default());
        }
    });
    // The address may name the meeting: `/calendar/<id>`.
    let params = use_params_map();
    Effect::new(move || {
        let wanted = params
            .with(|params| params.get("meeting"))
            .and_then(|id| id.parse::<MeetingId>().ok());
        if let Some(meeting) = wanted
            && shared
                .feed
                .read(&[], |live| live.meetings.contains_key(&meeting))
        {
            editing.change(meeting);
        }
    });
    // People dropped on the form, or chosen in the tray.
    Effect::new(move || {
        let invited = shared.acts.invited.get();
        if invited.is_empty() {
            return;
        }
        shared.acts.invited.set(Vec::new());
        if editing.draft.with_untracked(Option::is_none) {
            make_soon(editing);
        }
        shared.feed.peek(|live| {
            editing.draft.update(|draft| {
                let Some(draft) = draft else { return };
                for person in invited.iter().filter_map(|id| live.people.get(id)) {
                    draft.invite(person);
                }
            });
        });
    });
    Effect::new(move || {
        let Some(person) = shared.acts.uninvited.get() else {
            return;
        };
        shared.acts.uninvited.set(None);
        editing.draft.update(|draft| {
            if let Some(draft) = draft {
                draft.guests.retain(|guest| guest.person != Some(person));
            }
        });
    });
    let company_zone = Memo::new(move |_| {
        shared.feed.read(&[Topic::Company], |live| {
            live.company
                .as_ref()
                .map(|company| company.time_zone.clone())
        })
    });
    check::ask_while_editing(editing);
    // The month that is shown is the one most of the week is in.
    let whole_month = RwSignal::new(false);
    let step = move |by: i64| {
        monday.update(|monday| {
            *monday = if whole_month.get_untracked() {
                month::step(*monday, by)
            } else {
                monday.plus(7 * by)
            };
        });
    };
    let heading = move || {
        if whole_month.get() {
            month::heading(t, monday.get())
        } else {
            days::week(t, monday.get())
        }
    };
    let before = move || {
        if whole_month.get() {
            t.month_before()
        } else {
            t.week_before()
        }
    };
    let after = move || {
        if whole_month.get() {
            t.month_after()
        } else {
            t.week_after()
        }
    };

    view! {
        <main class="sched" id="main">
            <header class="shead">
                <h1>{heading}</h1>
                <span class="quiet num">{move || t.week_number(&monday.get().iso_week())}</span>
                <div class="nav">
                    <button class="btn icon" aria-label=before on:click=move |_| step(-1)>{small("left")}</button>
                    <button class="btn" on:click=move |_| monday.set(today(shared.clock.peek()).monday())>{t.today()}</button>
                    <button class="btn icon" aria-label=after on:click=move |_| step(1)>{small("right")}</button>
                </div>
                <div class="seg" role="group">
                    <button class="btn" aria-pressed=move || (!whole_month.get()).to_string() on:click=move |_| whole_month.set(false)>{t.week()}</button>
                    <button class="btn" data-act="month" aria-pressed=move || whole_month.get().to_string() on:click=move |_| whole_month.set(true)>{t.month()}</button>
                </div>
                <span class="grow"></span>
                <span class="quiet zoneb">{small("globe")}{move || company_zone.get().unwrap_or_else(clock::zone)}</span>
                <button class="btn primary" data-act="new" on:click=move |_| make_soon(editing)>
                    {small("plus")}
                    {t.new_meeting()}
                </button>
            </header>
            <div class="scols" class:open=move || editing.draft.with(Option::is_some)>
                <tray::Tray editing/>
                {move || if whole_month.get() {
                    view! { <month::Month monday editing/> }.into_any()
                } else {
                    view! { <week::Week monday editing/> }.into_any()
                }}
                <form::Panel editing/>
            </div>
            <moving::Question editing/>
        </main>
    }
}

/// A meeting at the next half hour.
fn make_soon(editing: Editing) {
    const HALF_HOUR_MIN: u32 = 30;
    let now = shared().clock.peek();
    let minute = clock::minute_of_day(now) / HALF_HOUR_MIN * HALF_HOUR_MIN + HALF_HOUR_MIN;
    let (day, minute) = if minute + STEP_MIN >= draft::DAY_MIN {
        (today(now).plus(1), 0)
    } else {
        (today(now), minute)
    };
    editing.close();
    editing.make(day, minute);
}

fn today(now: i64) -> Day {
    let (year, month, day) = clock::day_of(now);
    Day { year, month, day }
}
