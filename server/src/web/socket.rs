//! `/api/v1/events`: the WebSocket that keeps a board up to date.
//!
//! First a snapshot, or, for who was here before, the events missed; then every
//! event as it comes. A client that reads too slowly is told so and closed: it
//! comes back with the number of its last event and misses nothing.

use std::{sync::Arc, time::Duration};

use api::{ErrorBody, ServerMessage, Snapshot};
use axum::{
    extract::{
        State,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    response::Response,
};
use domain::Span;
use serde::Deserialize;
use tokio::{
    sync::{Semaphore, broadcast::error::RecvError},
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    App, Signed,
    auth::Key,
    error::ApiError,
    hub::{News, frame},
    json::Query,
    meetings::all_meetings,
    occurrences::between,
    resources::{self, Around},
    rooms::{all_people, all_rooms},
};

/// The client sends nothing of interest; what it sends is small or wrong.
const FRAME_LIMIT: usize = 1024;

/// A frame that cannot be handed to the network for so long is for nobody.
const SEND_WITHIN: Duration = Duration::from_secs(10);

/// How often a session is looked at; revoking one closes its sockets at once besides.
const CHECK_EVERY: Duration = Duration::from_secs(5);
const CHECKS_PER_PING: u32 = 3;

/// How many missed events are told one by one. Beyond it a snapshot is shorter.
const RESUME_MOST: i64 = 1000;

const DAY: Span = Span::minutes(24 * 60);
const YEARS_TO_COME: Span = Span(3 * 366 * DAY.0);

/// Boards open at one time. Each holds a backlog and a place in every broadcast.
static PLACES: Semaphore = Semaphore::const_new(2_000);

#[derive(Debug, Deserialize)]
pub(super) struct Resume {
    after: Option<i64>,
}

/// A WebSocket of `ServerMessage`s: a snapshot, then every event, numbered.
///
/// `?after=` takes up after the last event seen.
#[utoipa::path(get, path = "/events", tag = "events",
    params(("after" = Option<i64>, Query, description = "The number of the last event seen")), responses(
    (status = 101, body = ServerMessage, description = "One JSON text frame for each message"),
    (status = 401, body = ErrorBody, description = "`not_signed_in`"),
    (status = 403, body = ErrorBody, description = "`foreign_origin`"),
    (status = 503, body = ErrorBody, description = "`unavailable`: too many are open"),
))]
pub(super) async fn events(
    State(app): State<App>,
    signed: Signed,
    Query(resume): Query<Resume>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|_| ApiError::not_found("page"))?;
    let place = PLACES.try_acquire().map_err(|_| ApiError::unavailable())?;
    Ok(upgrade
        .max_message_size(FRAME_LIMIT)
        .max_frame_size(FRAME_LIMIT)
        .on_upgrade(move |socket| async move {
            let mut socket = Socket {
                socket,
                app,
                signed,
            };
            let why = socket.run(resume.after).await.unwrap_or(Closed::ByClient);
            socket.close(why).await;
            drop(place);
        }))
}

struct Socket {
    socket: WebSocket,
    app: App,
    signed: Signed,
}

/// Why a socket is closed.
enum Closed {
    ByClient,
    SignedOut,
    TooSlow {
        seq: i64,
    },
    /// The database is away: the client comes back until it is there again.
    NoSnapshot,
}

/// The client is gone.
struct Gone;

impl Socket {
    async fn run(&mut self, after: Option<i64>) -> Result<Closed, Gone> {
        // Listening first, reading then: what happens in between is told twice rather than never.
        let mut news = self.app.hub.subscribe(self.signed.company_id()).await;
        let Ok(mut told) = self.begin(after).await? else {
            return Ok(Closed::NoSnapshot);
        };

        let mut clock = interval(CHECK_EVERY);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ticks = 0_u32;
        loop {
            tokio::select! {
                one = news.recv() => match one {
                    Ok(News::Event { seq, frame }) if seq > told => {
                        self.send_text(frame).await?;
                        told = seq;
                    }
                    Ok(News::Event { .. }) => {}
                    Ok(News::Levels(frame)) => self.send_text(frame).await?,
                    Ok(News::Reset) => match self.begin(None).await? {
                        Ok(seq) => told = seq,
                        Err(_) => return Ok(Closed::NoSnapshot),
                    },
                    Ok(News::CheckSession) => {
                        if !self.is_signed_in().await {
                            return Ok(Closed::SignedOut);
                        }
                    }
                    Err(RecvError::Lagged(_)) => return Ok(Closed::TooSlow { seq: told }),
                    Err(RecvError::Closed) => return Ok(Closed::NoSnapshot),
                },
                _ = clock.tick() => {
                    if !self.is_signed_in().await {
                        return Ok(Closed::SignedOut);
                    }
                    if ticks.is_multiple_of(CHECKS_PER_PING) {
                        self.send(&ServerMessage::Ping { now: self.app.now().0 }).await?;
                    }
                    ticks = ticks.wrapping_add(1);
                }
                heard = self.socket.recv() => match heard {
                    // Nothing a client says matters; that it is there does.
                    Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(Closed::ByClient),
                },
            }
        }
    }

    /// Brings the client to now, and answers the number of the last event that is in it.
    async fn begin(&mut self, after: Option<i64>) -> Result<Result<i64, ApiError>, Gone> {
        if let Some(after) = after {
            let missed = self
                .app
                .store
                .events_after(self.signed.company_id(), after, RESUME_MOST + 1)
                .await;
            match missed {
                Err(error) => return Ok(Err(error.into())),
                Ok(Some(events))
                    if i64::try_from(events.len()).is_ok_and(|count| count <= RESUME_MOST) =>
                {
                    self.send(&ServerMessage::Resumed {
                        seq: after,
                        now: self.app.now().0,
                    })
                    .await?;
                    for event in &events {
                        self.send_text(frame(event).into()).await?;
                    }
                    return Ok(Ok(events.last().map_or(after, |event| event.seq)));
                }
                Ok(Some(_) | None) => {}
            }
        }
        match snapshot(&self.app, &self.signed).await {
            Ok(snapshot) => {
                let seq = snapshot.seq;
                self.send(&ServerMessage::Snapshot(Box::new(snapshot)))
                    .await?;
                Ok(Ok(seq))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    async fn is_signed_in(&mut self) -> bool {
        let now = self.app.now();
        let known = match &self.signed.key {
            Key::Session { hash, .. } => self
                .app
                .store
                .session(hash, now)
                .await
                .map(|found| found.is_some()),
            Key::Token(hash) => self
                .app
                .store
                .token(hash, now)
                .await
                .map(|found| found.is_some()),
        };
        // A database that does not answer has revoked nothing.
        known.unwrap_or(true)
    }

    async fn send(&mut self, message: &ServerMessage) -> Result<(), Gone> {
        let text = serde_json::to_string(message).expect("messages are plain data");
        self.send_text(text.into()).await
    }

    async fn send_text(&mut self, text: Arc<str>) -> Result<(), Gone> {
        let message = Message::Text(Utf8Bytes::from(&*text));
        match timeout(SEND_WITHIN, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }

    /// Says why, as far as anybody listens.
    async fn close(&mut self, why: Closed) {
        let (last_word, code, reason) = match why {
            Closed::ByClient => return,
            Closed::SignedOut => (Some(ServerMessage::SignedOut), 4401, "signed out"),
            Closed::TooSlow { seq } => (Some(ServerMessage::TooSlow { seq }), 1013, "too slow"),
            Closed::NoSnapshot => (None, 1013, "try again"),
        };
        if let Some(word) = last_word
            && self.send(&word).await.is_err()
        {
            return;
        }
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        _ = timeout(SEND_WITHIN, self.socket.send(Message::Close(Some(frame)))).await;
    }
}

/// Everything the board draws. Its number is read first: what happens while the
/// rest is read may be in it already, and is told again.
async fn snapshot(app: &App, signed: &Signed) -> Result<Snapshot, ApiError> {
    let company_id = signed.company_id();
    let seq = app.store.last_event(company_id).await?;
    let now = app.now();
    // The directory may have changed since the socket was opened.
    let all = app.directory().await?;
    let signed = Signed {
        directory: all,
        ..signed.clone()
    };
    let directory = signed.company()?;
    let notices = app.store.notices_of_what_goes_on(company_id).await?;
    Ok(Snapshot {
        seq,
        now: now.0,
        me: resources::me(&signed)?,
        company: resources::company(directory, app.live.as_ref()),
        people: all_people(app, directory),
        rooms: all_rooms(app, directory).await?,
        members: app.live.members(company_id),
        waiting: app.live.waiting(company_id),
        meetings: all_meetings(app, directory).await?,
        occurrences: between(app, directory, now - DAY, now + YEARS_TO_COME).await?,
        invitations: current_invitations(app, &signed).await?,
        recordings: app.live.recordings(company_id),
        notices: notices.iter().map(resources::notice).collect(),
    })
}

async fn current_invitations(app: &App, signed: &Signed) -> Result<Vec<api::Invitation>, ApiError> {
    let directory = signed.company()?;
    let mut shown = Vec::new();
    let mut known: Option<(
        domain::occurrence::Occurrence,
        Option<domain::meeting::Meeting>,
    )> = None;
    for row in app.store.current_invitations(signed.company_id()).await? {
        // They come by occurrence.
        let id = row.invitation.occurrence;
        if known.as_ref().is_none_or(|(date, _)| date.id != id) {
            let date = app.store.occurrence(signed.company_id(), id).await?.value;
            let meeting = match date.meeting {
                Some(id) => app.store.meeting(signed.company_id(), id).await.ok(),
                None => None,
            };
            known = Some((date, meeting));
        }
        let Some((date, meeting)) = &known else {
            continue;
        };
        let around = Around {
            room: date.room,
            starts_at: date.starts_at,
            rules: resources::rules_of(meeting.as_ref(), &directory.company),
            directory,
        };
        shown.push(resources::invitation(&row.invitation, around));
    }
    Ok(shown)
}
