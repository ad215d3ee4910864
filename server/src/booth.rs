//! A call that nobody but the desk answers: one leg, and the pure [`Desk`] that
//! says what it hears. It is in no room, and gone when it hangs up.

use std::{sync::Arc, time::Duration};

use domain::{
    Language,
    desk::{Desk, Output},
};
use media::{Family, Leg, LegEvent, LegId, Mode, Target};
use sip::{CallId, Event, LocalMedia, Rejection};
use tokio::sync::mpsc;

use crate::{clock, recorded_names::Take, secretary::Secretary, shared::Shared, wire};

/// Who is at the desk.
#[derive(Debug, Clone, Copy)]
pub struct Visitor {
    pub call: CallId,
    /// Which of our addresses his audio uses.
    pub family: Family,
    pub language: Language,
}

/// Answers the call and stays with it until one of the two hangs up.
///
/// `secretary` answers what the desk of the service number asks; a notice asks nothing.
pub async fn serve(
    shared: Arc<Shared>,
    visitor: Visitor,
    desk: Desk,
    secretary: Option<Secretary>,
) {
    let (sip_tx, mut sip) = mpsc::unbounded_channel();
    let (leg_tx, mut legs) = mpsc::unbounded_channel();
    let signalling = shared.switchboard.signalling().clone();
    let leg = match shared.open_leg(visitor.family, None, leg_tx.clone()) {
        Ok(leg) => leg,
        Err(error) => {
            tracing::error!(%error, "No audio for a call at the desk");
            shared.switchboard.let_go(visitor.call);
            let busy = Rejection {
                retry_after: Some(Duration::from_secs(5)),
                ..Rejection::status(503)
            };
            return signalling.reject(visitor.call, busy);
        }
    };
    shared.switchboard.take(visitor.call, sip_tx);
    signalling.answer(visitor.call, LocalMedia::at(leg.local));
    let mut booth = Booth {
        shared: shared.clone(),
        visitor,
        desk,
        secretary,
        leg,
        played: leg_tx,
        hears: 0,
        take: None,
        connected: false,
    };
    let mut steps = clock::steps();
    loop {
        let due = booth.desk.poll_timeout();
        let over = tokio::select! {
            Some(event) = sip.recv() => booth.on_signalling(event),
            Some((_, event)) = legs.recv() => booth.on_leg(event),
            () = clock::glance_at(due) => false,
        };
        if let Some(by) = steps.take() {
            booth.desk.on_clock_set_back(by);
        }
        booth.desk.handle_timeout(clock::now());
        if over || booth.follow().await {
            break;
        }
    }
    // Before its leg is closed: it gives it back.
    drop(booth);
    shared.media.close(leg.id);
}

struct Booth {
    shared: Arc<Shared>,
    visitor: Visitor,
    desk: Desk,
    secretary: Option<Secretary>,
    leg: Leg,
    /// Where "heard to its end" is said of what makes no sound.
    played: mpsc::UnboundedSender<(LegId, LegEvent)>,
    /// The token of what he hears.
    hears: u64,
    /// What he says, while it is being recorded.
    take: Option<Take>,
    /// He can hear us.
    connected: bool,
}

impl Booth {
    /// Answers whether the call is over.
    fn on_signalling(&mut self, event: Event) -> bool {
        match event {
            Event::Answered { media, .. } | Event::MediaChanged { media, .. } => {
                self.shared.media.connect(self.leg.id, wire::stream(&media));
                self.connected = true;
                false
            }
            // It comes back as a digit of the leg, like all others.
            Event::Digit { digit, .. } => {
                self.shared.media.digit(self.leg.id, digit);
                false
            }
            Event::Ended { .. } | Event::Failed { .. } => true,
            Event::Ringing { .. }
            | Event::Incoming { .. }
            | Event::Bindings { .. }
            | Event::Registration { .. }
            | Event::Subscription { .. }
            | Event::Notified { .. }
            | Event::Wanted { .. }
            | Event::Watched { .. }
            | Event::Unwanted { .. }
            | Event::Published { .. }
            | Event::Garbage { .. } => false,
        }
    }

    /// Answers whether the call is over, which audio never says.
    fn on_leg(&mut self, event: LegEvent) -> bool {
        if let LegEvent::Digit(digit) = event {
            self.desk.on_digit(digit, clock::now());
        }
        if let LegEvent::Talking { on } = event {
            self.desk.on_talking(on, clock::now());
        }
        if let LegEvent::Played { token } = event
            && token == self.hears
            && self.connected
        {
            self.desk.on_played(clock::now());
        }
        false
    }

    /// Carries out what the desk asks for, once the caller can hear it. Answers whether it is over.
    async fn follow(&mut self) -> bool {
        while self.connected
            && let Some(output) = self.desk.poll_output()
        {
            match output {
                Output::Play(phrases) => {
                    self.take = None;
                    let sounds = self
                        .shared
                        .sounds
                        .render(self.visitor.language, &phrases)
                        .await;
                    self.hears += 1;
                    let (leg, token) = (self.leg.id, self.hears);
                    self.shared.media.stop(Target::Leg(leg));
                    if sounds.is_empty() {
                        _ = self.played.send((leg, LegEvent::Played { token }));
                    } else {
                        self.shared
                            .media
                            .play(Target::Leg(leg), sounds, Mode::Once, token);
                    }
                }
                Output::Identify { extension, pin } => {
                    let Some(secretary) = &self.secretary else {
                        continue;
                    };
                    let who = secretary.identify(&extension, &pin).await;
                    let known = who.is_some();
                    self.desk.on_identified(who, clock::now());
                    // He may be guessing in many calls at once.
                    if !known && !secretary.may_try() {
                        self.desk.on_watched(clock::now());
                    }
                }
                Output::Save(wanted) => {
                    if let (Some(secretary), Some(who)) = (&self.secretary, self.desk.who()) {
                        let saved = secretary.save(who, wanted).await;
                        self.desk.on_saved(saved, clock::now());
                    }
                }
                Output::Mine => {
                    if let (Some(secretary), Some(who)) = (&self.secretary, self.desk.who()) {
                        let mine = secretary.mine(who).await;
                        self.desk.on_mine(mine, clock::now());
                    }
                }
                Output::Cancel(meeting) => {
                    if let (Some(secretary), Some(who)) = (&self.secretary, self.desk.who()) {
                        let done = secretary.cancel(who, meeting).await;
                        self.desk.on_cancelled(done, clock::now());
                    }
                }
                Output::Record => {
                    self.take = Some(Take::begin(&self.shared.media, self.leg.id));
                }
                Output::KeepName => {
                    let said = match self.take.take() {
                        Some(take) => take.end().await,
                        None => Vec::new(),
                    };
                    if let (Some(secretary), Some(who)) = (&self.secretary, self.desk.who()) {
                        let kept = secretary.keep_name(who, said).await;
                        self.desk.on_recorded(kept, clock::now());
                    }
                }
                Output::HangUp => {
                    self.shared
                        .switchboard
                        .signalling()
                        .hang_up(self.visitor.call, Vec::new());
                    return true;
                }
            }
        }
        false
    }
}
