//! The meeting being made or changed, as sentences with words one can change.

use api::{ErrorDetails, Meeting, MeetingId};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::{
    Editing,
    check::Found,
    days::{self, Day},
    draft::{Draft, Part, parse_time, part_at_fault, time},
    guests::Guests,
    lists::Lists,
    public::Public,
    repeats::Repeat,
    rules::{Rules, Token, span},
};
use crate::{
    app::{shared, texts},
    client::{self, Failure, write},
    clock,
    components::icon::{icon, small},
    live::Topic,
    pages::board::{Start, when},
};

#[component]
pub fn Panel(editing: Editing) -> impl IntoView {
    let t = texts();
    let open = Memo::new(move |_| {
        editing
            .draft
            .with(|draft| draft.as_ref().map(|draft| draft.id))
    });
    view! {
        <aside class="panel" id="panel" aria-label=t.meeting()>
            {move || match open.get() {
                Some(id) => view! { <Form editing id/> }.into_any(),
                None => view! { <Coming editing/> }.into_any(),
            }}
        </aside>
    }
}

/// With nothing open: what is coming, to start or to change.
#[component]
fn Coming(editing: Editing) -> impl IntoView {
    let t = texts();
    let feed = shared().feed;
    let coming = Memo::new(move |_| {
        feed.read(&[Topic::Occurrences], |live| {
            live.upcoming().into_iter().cloned().collect::<Vec<_>>()
        })
    });
    view! {
        <div class="pscroll">
            <h2 class="phead">{t.coming()}</h2>
            <Show when=move || coming.with(Vec::is_empty)>
                <div class="empty">
                    {icon("cal")}
                    <h3>{t.coming_none()}</h3>
                    <p>{t.calendar_hint()}</p>
                </div>
            </Show>
            <ul class="comings">
                <For each=move || coming.get() key=|o| (o.id, o.starts_at, o.expected) let:occurrence>
                    {
                        let number = occurrence.room_number.clone();
                        let about = format!(
                            "{} · {} · {}",
                            when(t, occurrence.starts_at),
                            t.room_and_name(&number),
                            t.expected_count(u64::from(occurrence.expected)),
                        );
                        let title = occurrence.title.clone();
                        let meeting = occurrence.meeting_id;
                        view! {
                            <li class="coming">
                                <button class="lnkrow grow" on:click=move |_| editing.open(&occurrence)>
                                    <b class="cut">{title}</b>
                                    <span class="quiet">{about}</span>
                                </button>
                                {meeting.map(|meeting| view! { <Start meeting number/> })}
                            </li>
                        }
                    }
                </For>
            </ul>
        </div>
    }
}

#[component]
fn Form(editing: Editing, id: Option<MeetingId>) -> impl IntoView {
    let t = texts();
    let feed = shared().feed;
    let draft = editing.draft;
    let get = move |with: fn(&Draft) -> String| {
        move || draft.with(|draft| draft.as_ref().map(with).unwrap_or_default())
    };
    let set = move |with: fn(&mut Draft, String)| {
        move |event: leptos::ev::Event| {
            let value = event_target_value(&event);
            draft.update(|draft| {
                if let Some(draft) = draft {
                    with(draft, value);
                }
            });
        }
    };
    let rooms = Memo::new(move |_| {
        feed.read(&[Topic::Rooms], |live| {
            let mut rooms: Vec<_> = live.rooms.values().cloned().collect();
            rooms.sort_by(|a, b| a.number.cmp(&b.number));
            rooms
        })
    });
    let zones = Memo::new(move |_| {
        let company = feed.read(&[Topic::Company], |live| {
            live.company
                .as_ref()
                .map(|company| company.time_zone.clone())
        });
        let mut zones: Vec<String> = company.into_iter().chain([clock::zone()]).collect();
        zones.dedup();
        zones
    });
    let count = move || draft.with(|draft| draft.as_ref().map_or(0, |draft| draft.guests.len()));
    let title = NodeRef::<leptos::html::Input>::new();
    Effect::new(move || {
        if let (None, Some(title)) = (id, title.get()) {
            let _ = title.focus();
        }
    });
    view! {
        <div class="pscroll">
            <label class="ttl">
                <span class="sr">{t.title()}</span>
                <input
                    name="title"
                    node_ref=title
                    placeholder=t.title()
                    maxlength="200"
                    prop:value=get(|draft| draft.title.clone())
                    on:input=set(|draft, value| draft.title = value)
                />
            </label>
            <Fault editing part=Part::Title/>
            <dl class="form">
                <dt>{t.form_when()}</dt>
                <dd>
                    <input
                        class="btn num"
                        type="date"
                        name="day"
                        aria-label=t.form_day()
                        prop:value=get(|draft| draft.day.iso())
                        on:change=set(|draft, value| draft.day = Day::parse(&value).unwrap_or(draft.day))
                    />
                    <input
                        class="btn num"
                        type="time"
                        name="start"
                        aria-label=t.form_start()
                        prop:value=get(|draft| time(draft.start_min))
                        on:change=set(|draft, value| draft.start_min = parse_time(&value).unwrap_or(draft.start_min))
                    />
                    <Token
                        label=t.form_length()
                        value=move || draft.with(|draft| draft.as_ref().map_or(0, |draft| i64::from(draft.duration_min)))
                        options=vec![15, 30, 45, 60, 90, 120, 180, 240]
                        word=move |minutes| span(t, minutes * 60_000)
                        set=move |minutes| draft.update(|draft| {
                            if let Some(draft) = draft {
                                draft.duration_min = u32::try_from(minutes).unwrap_or(60);
                            }
                        })
                    />
                    <p class="quiet num until">{get(|draft| format!("–{}", time(draft.start_min + draft.duration_min)))}</p>
                    <label class="zonef">
                        {small("globe")}
                        <span class="sr">{t.form_zone()}</span>
                        <input
                            name="zone"
                            list="zones"
                            prop:value=get(|draft| draft.zone.clone())
                            on:change=set(|draft, value| draft.zone = value)
                        />
                    </label>
                    <datalist id="zones">
                        {move || zones.get().into_iter().map(|zone| view! { <option value=zone></option> }).collect_view()}
                    </datalist>
                    <p class="quiet">{move || draft.with(|draft| draft.as_ref().map(|draft| days::short(t, draft.day)))}</p>
                    <Fault editing part=Part::When/>
                    <Found editing part=Part::When/>
                </dd>
                <dt>{t.form_repeats()}</dt>
                <dd>
                    <Repeat editing/>
                    <Fault editing part=Part::Repeats/>
                    <Found editing part=Part::Repeats/>
                    <OfSeries editing/>
                </dd>
                <dt>{t.room()}</dt>
                <dd>
                    <select
                        class="btn"
                        name="room"
                        aria-label=t.room()
                        on:change=set(|draft, value| draft.room = value.parse().ok())
                    >
                        {move || rooms.get().into_iter().map(|room| {
                            let id = room.id;
                            view! {
                                <option
                                    value=id.to_string()
                                    selected=move || draft.with(|draft| draft.as_ref().is_some_and(|draft| draft.room == Some(id)))
                                >
                                    {room.number} " " {room.name}
                                </option>
                            }
                        }).collect_view()}
                    </select>
                    <Fault editing part=Part::Room/>
                    <Found editing part=Part::Room/>
                </dd>
                <dt>{t.form_hours()}</dt>
                <dd>
                    <Token
                        label=t.form_early()
                        value=move || draft.with(|draft| draft.as_ref().map_or(0, |draft| i64::from(draft.early_s)))
                        options=vec![0, 300, 600, 900]
                        word=move |seconds| if seconds == 0 { t.opens_at_start().to_owned() } else { t.opens_before(&span(t, seconds * 1000)) }
                        set=move |seconds| draft.update(|draft| {
                            if let Some(draft) = draft {
                                draft.early_s = u32::try_from(seconds).unwrap_or(0);
                            }
                        })
                    />
                    <Token
                        label=t.lobby()
                        value=move || draft.with(|draft| draft.as_ref().map_or(0, |draft| i64::from(draft.lobby)))
                        options=vec![0, 1]
                        word=move |on| if on == 0 { t.lobby_not().to_owned() } else { t.lobby_on().to_owned() }
                        set=move |on| draft.update(|draft| {
                            if let Some(draft) = draft {
                                draft.lobby = on != 0;
                            }
                        })
                    />
                    <Token
                        label=t.form_warn()
                        value=move || draft.with(|draft| draft.as_ref().map_or(300, |draft| i64::from(draft.warn_s)))
                        options=vec![0, 60, 120, 300, 600]
                        word=move |seconds| if seconds == 0 { t.warns_not().to_owned() } else { t.warns_before(&span(t, seconds * 1000)) }
                        set=move |seconds| draft.update(|draft| {
                            if let Some(draft) = draft {
                                draft.warn_s = u32::try_from(seconds).unwrap_or(300);
                            }
                        })
                    />
                    <Token
                        label=t.form_remind()
                        value=move || draft.with(|draft| draft.as_ref().map_or(15, |draft| i64::from(draft.remind_min)))
                        options=vec![0, 5, 15, 30, 60, 120, 1440]
                        word=move |minutes| if minutes == 0 { t.reminds_not().to_owned() } else { t.reminds_before(&span(t, minutes * 60_000)) }
                        set=move |minutes| draft.update(|draft| {
                            if let Some(draft) = draft {
                                draft.remind_min = u32::try_from(minutes).unwrap_or(15);
                            }
                        })
                    />
                    <Fault editing part=Part::Hours/>
                </dd>
                <dt>{t.people()} " " <span class="count num">{count}</span></dt>
                <dd><Guests editing/><Lists editing/><Found editing part=Part::People(None)/></dd>
                {id.map(|id| view! { <Public editing id/> })}
                <dt>{t.form_calling()}</dt>
                <dd><Rules editing/><Fault editing part=Part::Calling/></dd>
            </dl>
        </div>
        <Foot editing id/>
    }
}

/// What can be done to a series and to the date that was opened: at once, without saving.
#[component]
fn OfSeries(editing: Editing) -> impl IntoView {
    let t = texts();
    let acts = shared().acts;
    let act = move |path: String, said: &'static str| {
        spawn_local(async move {
            match client::act("POST", &path, None).await {
                Ok(()) => {
                    editing.close();
                    acts.show(said.to_owned(), false, None);
                }
                Err(failure) => editing.failure.set(Some(failure)),
            }
        });
    };
    move || {
        let (id, paused, one, day) = editing.draft.with(|draft| {
            let draft = draft.as_ref()?;
            Some((draft.id?, draft.series?, draft.one, draft.day))
        })?;
        let day = days::short(t, day);
        let date = one.filter(|_| !paused).map(|one| {
            let (name, path, said) = if one.off {
                (t.bring_date_back(&day), "restore", t.date_back())
            } else {
                (t.call_date_off(&day), "cancel", t.date_called_off())
            };
            let path = format!("occurrences/{}/{path}", one.occurrence);
            view! {
                <button type="button" class="btn" data-act="date" on:click=move |_| act(path.clone(), said)>{name}</button>
            }
        });
        let (name, path, said) = if paused {
            (t.resume_series(), "resume", t.resumed_said())
        } else {
            (t.pause_series(), "pause", t.paused_said())
        };
        let path = format!("meetings/{id}/{path}");
        Some(view! {
            <div class="ofseries">
                {date}
                <button type="button" class="btn" data-act="pause" on:click=move |_| act(path.clone(), said)>{name}</button>
            </div>
        })
    }
}

/// Why the server refused, beside what it is about.
#[component]
pub fn Fault(editing: Editing, part: Part) -> impl IntoView {
    let t = texts();
    let same = move |found: Part| match (found, part) {
        (Part::People(_), Part::People(_)) => true,
        (found, part) => found == part,
    };
    move || {
        let failure = editing
            .failure
            .get()
            .filter(|failure| same(part_at_fault(failure)))?;
        let later = next_free(&failure);
        Some(view! {
            <p class="note bad" role="alert">
                {small("warn")}
                <span>
                    {failure.sentence(t)}
                    {later.map(|at| view! {
                        " "
                        <button class="lnk" on:click=move |_| move_to(editing, at)>{t.move_to(&when(t, at))}</button>
                    })}
                </span>
            </p>
        })
    }
}

/// When the room is free for as long as was asked, if that is what was wrong.
fn next_free(failure: &Failure) -> Option<i64> {
    match failure {
        Failure::Refused(body) => match body.details {
            Some(ErrorDetails::RoomBooked { next_free_at, .. }) => Some(next_free_at),
            Some(_) | None => None,
        },
        Failure::Offline | Failure::Unexpected(_) => None,
    }
}

/// The clocks that this moment is shown on are the browser's, so they are the draft's from now on.
pub fn move_to(editing: Editing, at: i64) {
    let (year, month, day) = clock::day_of(at);
    editing.failure.set(None);
    editing.draft.update(|draft| {
        if let Some(draft) = draft {
            draft.day = Day { year, month, day };
            draft.start_min = clock::minute_of_day(at);
            draft.zone = clock::zone();
        }
    });
}

#[component]
fn Foot(editing: Editing, id: Option<MeetingId>) -> impl IntoView {
    let t = texts();
    let shared = shared();
    let busy = RwSignal::new(false);
    let asks = RwSignal::new(false);
    // Of a series: only the date that was opened, or all that follow?
    let asks_which = RwSignal::new(false);
    let waits = move || busy.get() || !shared.feed.is_up();
    let navigate = use_navigate();
    let done = move |result: Result<Option<String>, Failure>, said: &'static str| {
        busy.set(false);
        match result {
            Ok(room) => {
                editing.close();
                shared.acts.show(said.to_owned(), false, None);
                if let Some(room) = room {
                    navigate(&format!("/rooms/{room}"), NavigateOptions::default());
                }
            }
            Err(failure) => editing.failure.set(Some(failure)),
        }
    };
    let (on_save, on_only) = (done.clone(), done.clone());
    let (on_delete, on_start) = (done.clone(), done);
    let only = move |_| {
        let draft = editing.draft.get_untracked();
        let Some((draft, one)) = draft.and_then(|draft| Some((draft.clone(), draft.one?))) else {
            return;
        };
        busy.set(true);
        asks_which.set(false);
        editing.failure.set(None);
        let done = on_only.clone();
        spawn_local(async move {
            let path = format!("occurrences/{}/move", one.occurrence);
            let result = client::act("POST", &path, Some(write(&draft.as_move()))).await;
            done(result.map(|()| None), t.saved());
        });
    };
    let save = move |_| {
        let Some(draft) = editing.draft.get_untracked() else {
            return;
        };
        if draft.one.is_some() && !asks_which.get_untracked() {
            asks_which.set(true);
            return;
        }
        asks_which.set(false);
        busy.set(true);
        editing.failure.set(None);
        let done = on_save.clone();
        spawn_local(async move {
            let result = match id {
                Some(id) => {
                    client::act(
                        "PATCH",
                        &format!("meetings/{id}"),
                        Some(write(&draft.as_change())),
                    )
                    .await
                }
                None => create(&draft, false).await.map(|_| ()),
            };
            done(result.map(|()| None), t.saved());
        });
    };
    let start = move |_| {
        let Some(draft) = editing.draft.get_untracked() else {
            return;
        };
        busy.set(true);
        editing.failure.set(None);
        let done = on_start.clone();
        spawn_local(async move {
            let result = match id {
                Some(id) => client::act("POST", &format!("meetings/{id}/start"), None).await,
                None => create(&draft, true).await.map(|_| ()),
            };
            let room = draft.room.and_then(|room| {
                shared
                    .feed
                    .peek(|live| live.rooms.get(&room).map(|room| room.number.clone()))
            });
            done(result.map(|()| room), t.calling_begins());
        });
    };
    let delete = move |_| {
        let Some(id) = id else { return };
        busy.set(true);
        let done = on_delete.clone();
        spawn_local(async move {
            let result = client::act("DELETE", &format!("meetings/{id}"), None).await;
            done(result.map(|()| None), t.deleted());
        });
    };
    let keep = save.clone();
    view! {
        <footer class="pfoot">
            <Fault editing part=Part::Whole/>
            {id.map(|_| view! {
                <Show
                    when=move || asks.get()
                    fallback=move || view! {
                        <button class="btn ghost plain" disabled=waits on:click=move |_| asks.set(true)>{t.delete()}</button>
                    }
                >
                    <button class="btn danger" data-act="delete" disabled=waits on:click=delete.clone()>{t.delete_yes()}</button>
                    <button class="btn" on:click=move |_| asks.set(false)>{t.cancel()}</button>
                </Show>
            })}
            <span class="grow"></span>
            <Show when=move || asks_which.get()>
                <p class="note">{t.which_dates_save()}</p>
                <button class="btn" data-act="only" disabled=waits on:click=only.clone()>{t.only_this_date()}</button>
                <button class="btn primary" data-act="following" disabled=waits on:click=save.clone()>{t.this_and_following()}</button>
                <button class="btn" on:click=move |_| asks_which.set(false)>{t.cancel()}</button>
            </Show>
            <Show when=move || !asks.get() && !asks_which.get()>
                <button class="btn" on:click=move |_| editing.close()>{t.cancel()}</button>
                <button class="btn" data-act="start" disabled=waits on:click=start.clone()>{small("play")}{t.start_now()}</button>
                <button class="btn primary" data-act="save" disabled=waits on:click=keep.clone()>
                    {if id.is_some() { t.save() } else { t.schedule() }}
                </button>
            </Show>
        </footer>
    }
}

async fn create(draft: &Draft, at_once: bool) -> Result<Meeting, Failure> {
    // A company without rooms has nothing to plan in: the server says so in its own words.
    let body = draft
        .as_new(at_once)
        .map(|body| write(&body))
        .unwrap_or_else(|| "{}".to_owned());
    client::post_text("meetings", body).await
}
