//! Starting and stopping the server.

use std::{io::ErrorKind, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use domain::TrunkId;
use media::Media;
use signalling::Names;
use sip::{AccountId, Binding, Event};
use store::{Store, StoreError};
use tokio::{
    net::TcpListener,
    sync::{
        Notify,
        mpsc::{self, UnboundedReceiver, UnboundedSender},
    },
    task::JoinSet,
};

use crate::{
    accounts::Accounts,
    browsers::{self, Browsers},
    clock,
    conference::Conferences,
    config::{Config, ConfigError, WEBRTC_PORT, Webrtc, cannot_listen},
    directory::Book,
    exchange::Exchange,
    housekeeping,
    http_out::HttpOut,
    inflight::Flights,
    lamps,
    lead::{self, Node},
    lines::Lines,
    members::{self, Members},
    notices::{Hooks, MailServer, Post},
    operators,
    own_calls::OwnCalls,
    people::{self, People},
    recorded_names::RecordedNames,
    recording::{self, Recordings},
    registrations,
    scheduler::Scheduler,
    series,
    shared::Shared,
    sounds::Sounds,
    switchboard::{Switchboard, call_of},
    trunks::Trunks,
    web::{self, App, Hub},
};

/// How long a caller who is turned away while we stop is asked to wait.
const COME_BACK: Duration = Duration::from_secs(10);

/// How often it is looked whether the last call is over, once we stop.
const QUIET: Duration = Duration::from_millis(200);

/// Serves until `stop` is done; then turns new calls away, waits until the running ones
/// are over or `stop`'s own future is done, ends what is left, and stops.
///
/// # Errors
/// One line that says what stands in the way of starting.
pub async fn serve<Hurry: Future<Output = ()>>(
    config: Config,
    stop: impl Future<Output = Hurry>,
) -> Result<(), ConfigError> {
    tokio::pin!(stop);
    let wrong = |error: StoreError| ConfigError(error.to_string());
    let store = Store::open(&config.data, config.database_url.as_deref())
        .await
        .map_err(wrong)?;
    let listener = TcpListener::bind(config.http)
        .await
        .map_err(|error| cannot_listen("the board", config.http, &error))?;
    let node = Node::of(&config.data)?;
    let Some(listener) = lead(&node, &store, listener, stop.as_mut()).await? else {
        store.close().await;
        return Ok(());
    };
    let names = Names::new(config.dns);
    let book = Arc::new(Book::new(names.clone()));
    book.refresh(&store).await.map_err(wrong)?;
    let restored = registrations::restore(&store, &book.page())
        .await
        .map_err(wrong)?;

    let media = start_audio(&config)?;
    let (signalling, events) =
        signalling::start(signals(&config, names), book.clone(), restored.clone())
            .await
            .map_err(|error| {
                cannot_listen(
                    &format!("SIP over {}", error.transport),
                    error.address,
                    &error.source,
                )
            })?;
    let http_out = HttpOut::new(config.http_out_allow.clone(), config.http_out_ca.as_deref())
        .map_err(|problem| ConfigError(format!("http_out_ca: {problem}")))?;
    let mail = match &config.mail {
        Some(mail) => Some(MailServer::new(&mail.smtp_url, &mail.from).map_err(ConfigError)?),
        None => None,
    };
    let (people, changed) = People::new();
    let (recordings, endings) = Recordings::new(&config.data);
    recordings.repair(&store).await.map_err(wrong)?;
    let names_said = Arc::new(RecordedNames::open(&config.data));
    names_said.follow(book.page().directory()).await;
    let (browsers, rings) = Browsers::new(config.public_address);
    let shared = Arc::new(Shared {
        hub: Hub::new(store.clone()),
        sounds: Arc::new(Sounds::new(&config.data, names_said.clone())),
        names: names_said,
        recordings,
        switchboard: Switchboard::new(signalling),
        lines: Lines::default(),
        members: Members::default(),
        flights: Flights::default(),
        own_calls: OwnCalls::read(&store, clock::now()).await.map_err(wrong)?,
        calibrator: Default::default(),
        trunks: Trunks::default(),
        accounts: Accounts::default(),
        http_out,
        subscriptions: Default::default(),
        asking: Default::default(),
        lamps: Default::default(),
        pins: Default::default(),
        nudge: Notify::new(),
        post: Notify::new(),
        mail,
        public_url: config.public_url.clone(),
        settled: Default::default(),
        store,
        book,
        media,
        browsers,
        people,
    });
    registrations::mark_restored(&shared, &restored);
    registrations::mark_absent(&shared);
    // They have been looked at: nothing rests on an earlier login yet.
    shared.accounts.follow(&shared.book.page());
    shared
        .trunks
        .follow(&shared.book.page(), shared.switchboard.signalling());
    shared.subscriptions.follow(&shared);
    let followed = shared.book.page().directory().revision;

    let conferences = Arc::new(Conferences::default());
    let exchange = Arc::new(Exchange {
        shared: shared.clone(),
        conferences: conferences.clone(),
    });
    let mut tasks = JoinSet::new();
    let (kept, changed_bindings) = mpsc::unbounded_channel();
    tasks.spawn(registrations::keep(
        shared.store.clone(),
        shared.book.clone(),
        changed_bindings,
    ));
    tasks.spawn(listen(shared.clone(), exchange, events, kept));
    let scheduler = tasks.spawn(
        Scheduler {
            shared: shared.clone(),
            conferences: conferences.clone(),
            followed,
        }
        .run(),
    );
    tasks.spawn(series::run(shared.clone()));
    tasks.spawn(shared.book.clone().keep_names());
    tasks.spawn(Post::new(shared.clone()).run());
    tasks.spawn(Hooks::new(shared.clone()).run());
    tasks.spawn(recording::keep(
        shared.clone(),
        conferences.clone(),
        endings,
    ));
    tasks.spawn(people::tell(shared.clone(), changed));
    tasks.spawn(members::tell_levels(shared.clone()));
    tasks.spawn(operators::ask_for_the_waiting(shared.clone()));
    tasks.spawn(lamps::keep(shared.clone()));
    tasks.spawn(browsers::show_to_doors(
        shared.clone(),
        conferences.clone(),
        rings,
    ));

    let mut jobs = housekeeping::start(shared.clone())
        .await
        .map_err(|error| ConfigError(format!("Cannot start housekeeping: {error}")))?;

    let app = App::new(
        shared.store.clone(),
        shared.hub.clone(),
        shared.clone(),
        Arc::new(clock::now),
    );
    let closing = Arc::new(Notify::new());
    let closed = closing.clone();
    let served = tokio::spawn(web::serve(listener, web::router(app), async move {
        closed.notified().await;
    }));
    let mut leading = tokio::spawn(keep_lead(shared.store.clone()));

    tracing::info!(
        http = %config.http,
        sip = ?shared.switchboard.signalling().addresses(),
        browsers = shared.media.browsers_at().map(tracing::field::display),
        data = %config.data.display(),
        "Rollcall serves"
    );
    let fell = tokio::select! {
        hurry = &mut stop => {
            tracing::info!("Rollcall stops: running calls go on for a while, new ones are turned away");
            scheduler.abort();
            shared.switchboard.signalling().drain(COME_BACK);
            tokio::select! {
                () = quiet(&shared) => {}
                () = hurry => {}
            }
            None
        }
        // They run for ever. One that has ended has panicked: better a restart than half a server.
        Some(ended) = tasks.join_next() => Some(ended),
        // Not a word to the phones: their calls are another server's now.
        _ = &mut leading => {
            return Err(ConfigError("Another server has taken the lead; this one ends".to_owned()));
        }
    };

    tracing::info!("Rollcall ends its calls");
    scheduler.abort();
    shared.switchboard.signalling().drain(COME_BACK);
    conferences.stop().await;
    shared.recordings.finish().await;
    shared.switchboard.signalling().stop().await;
    closing.notify_one();
    // Open sockets of boards would keep the server for ever.
    _ = tokio::time::timeout(Duration::from_secs(2), served).await;
    if let Err(error) = jobs.shutdown().await {
        tracing::debug!(%error, "Housekeeping did not stop");
    }
    tasks.shutdown().await;
    leading.abort();
    if let Err(error) = shared.store.leave_lead().await {
        tracing::debug!(%error, "Whoever stands by must wait until this server counts as silent");
    }
    shared.store.close().await;
    match fell {
        None => Ok(()),
        Some(ended) => Err(ConfigError(format!(
            "A part of the server has failed: {ended:?}"
        ))),
    }
}

/// Waits until this server leads, and says so to whoever asks meanwhile. None: it is to stop.
async fn lead(
    node: &Node,
    store: &Store,
    listener: TcpListener,
    stop: Pin<&mut impl Future>,
) -> Result<Option<TcpListener>, ConfigError> {
    if !store.is_shared() {
        return Ok(Some(listener));
    }
    let failed = |error: std::io::Error| ConfigError(format!("Cannot stand by: {error}"));
    let socket = listener.into_std().map_err(failed)?;
    let meanwhile = TcpListener::from_std(socket.try_clone().map_err(failed)?).map_err(failed)?;
    let leads = Arc::new(Notify::new());
    let told = leads.clone();
    tokio::spawn(web::serve(meanwhile, web::standby_router(), async move {
        told.notified().await;
    }));
    let stopped = tokio::select! {
        () = node.stand_by(store) => false,
        _ = stop => true,
    };
    leads.notify_one();
    if stopped {
        return Ok(None);
    }
    TcpListener::from_std(socket).map(Some).map_err(failed)
}

/// Done when another server leads; never where there is no other.
async fn keep_lead(store: Store) {
    if store.is_shared() {
        lead::keep(store).await;
    } else {
        std::future::pending().await
    }
}

/// Done when nobody is in a room, being called, or talking.
async fn quiet(shared: &Shared) {
    while shared.members.any() || shared.flights.any() {
        tokio::time::sleep(QUIET).await;
    }
}

/// The port that nobody named is any that is free, where its number is taken.
fn start_audio(config: &Config) -> Result<Media, ConfigError> {
    let audio = audio(config);
    let started = match (Media::start(audio.clone()), config.webrtc, audio.browsers) {
        (Err(error), Webrtc::BesideSip, Some(at)) if error.kind() == ErrorKind::AddrInUse => {
            tracing::warn!(%at, "The port for browsers is taken: another is used");
            let browsers = Some(SocketAddr::new(at.ip(), 0));
            Media::start(media::Config { browsers, ..audio })
        }
        (Err(error), Webrtc::At(at), _) => {
            return Err(cannot_listen("browsers", at, &error));
        }
        (started, _, _) => started,
    };
    started.map_err(|error| ConfigError(format!("Cannot start the audio: {error}")))
}

fn audio(config: &Config) -> media::Config {
    let sip: Vec<&SocketAddr> = config.sip_udp.iter().chain(&config.sip_tcp).collect();
    let v4 = sip.iter().find(|at| at.is_ipv4()).map(|at| at.ip());
    let v6 = sip.iter().find_map(|at| match at.ip() {
        std::net::IpAddr::V6(ip) => Some(ip),
        std::net::IpAddr::V4(_) => None,
    });
    let ip = v4
        .or(v6.map(Into::into))
        .unwrap_or_else(|| std::net::IpAddr::from([127, 0, 0, 1]));
    media::Config {
        ip,
        ipv6: v6,
        ports: config.rtp_ports.clone(),
        browsers: match config.webrtc {
            Webrtc::BesideSip => Some(SocketAddr::new(ip, WEBRTC_PORT)),
            Webrtc::At(at) => Some(at),
            Webrtc::Off => None,
        },
        threads: 0,
    }
}

fn signals(config: &Config, names: Names) -> signalling::Config {
    let mut bind: Vec<signalling::Bind> = Vec::new();
    for address in config.sip_udp.iter().chain(&config.sip_tcp).copied() {
        if bind.iter().all(|known| known.address != address) {
            bind.push(signalling::Bind {
                address,
                udp: config.sip_udp.contains(&address),
                tcp: config.sip_tcp.contains(&address),
            });
        }
    }
    signalling::Config {
        bind,
        names,
        public_ip: config.public_address,
        ..signalling::Config::new(Vec::new())
    }
}

/// Hands signalling's news to those they concern. Runs until signalling stops.
async fn listen(
    shared: Arc<Shared>,
    exchange: Arc<Exchange>,
    mut events: UnboundedReceiver<Event>,
    kept: UnboundedSender<(AccountId, Vec<Binding>)>,
) {
    while let Some(event) = events.recv().await {
        if let Some(call) = call_of(&event) {
            shared.switchboard.deliver(call, event);
            continue;
        }
        match event {
            Event::Incoming { call, incoming } => {
                shared.switchboard.expect(call);
                let exchange = exchange.clone();
                tokio::spawn(async move { exchange.take(call, *incoming).await });
            }
            Event::Bindings {
                account,
                bindings,
                by_itself,
            } => {
                registrations::on_bindings(&shared, account, &bindings, by_itself);
                // Nothing here waits for the database: calls would wait behind it.
                _ = kept.send((account, bindings));
            }
            Event::Registration { id, status } => {
                let page = shared.book.page();
                let signalling = shared.switchboard.signalling();
                let changed = shared
                    .trunks
                    .on_registration(id, &status, &page, signalling);
                tell_trunk(&shared, changed);
            }
            Event::Watched { id, alive, why } => {
                tell_trunk(&shared, shared.trunks.on_watched(id, alive, &why));
            }
            Event::Subscription { id, status } => {
                shared.subscriptions.on_status(&shared, id, &status);
            }
            Event::Notified { id, told } => shared.subscriptions.on_notified(&shared, id, &told),
            Event::Published {
                account,
                package,
                told,
            } => registrations::on_published(&shared, account, package, told),
            Event::Wanted { resource } => shared.lamps.on_wanted(&shared, resource),
            Event::Unwanted { resource } => shared.lamps.on_unwanted(resource),
            Event::Garbage { from, package, why } => {
                tracing::warn!(from, %package, %why, "What was told of a line cannot be read");
            }
            Event::Ringing { .. }
            | Event::Answered { .. }
            | Event::MediaChanged { .. }
            | Event::Digit { .. }
            | Event::Ended { .. }
            | Event::Failed { .. } => {}
        }
    }
}

/// An operator is there, or is not any more: the company's boards show it.
fn tell_trunk(shared: &Arc<Shared>, changed: Option<TrunkId>) {
    let Some(trunk) = changed else {
        return;
    };
    let shared = shared.clone();
    tokio::spawn(async move {
        let page = shared.book.page();
        let Some((company, _)) = page.trunk(trunk) else {
            return;
        };
        let event = web::resources::event(&api::EventKind::Company(web::resources::company(
            company,
            shared.as_ref(),
        )));
        match shared
            .store
            .append_event(company.company.id, clock::now(), &event)
            .await
        {
            Ok(_) => shared.hub.wake(company.company.id),
            Err(error) => tracing::warn!(%error, "A trunk's state is not told"),
        }
    });
}
