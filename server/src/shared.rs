//! What the tasks of the server have in common. Each part guards itself; nothing
//! here is locked while anybody waits.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

use api::NewRecording;
use domain::{
    BrowserCallId, CompanyId, EmployeeId, MemberId, Millis, RecordingId, Role, RoomId, TrunkId,
    employee::Employee,
    entrance::PinWatch,
    line::{Evidence, LineKey},
    live::Act,
    loudness::{Gain, Side},
};
use media::{Family, Leg, LegEvent, LegId, Media, OpenError};
use sip::sdp::BrowserOffer;
use store::Store;
use tokio::sync::{Notify, mpsc::UnboundedSender, oneshot};

use crate::{
    accounts::Accounts,
    browsers::Browsers,
    calibrator::Calibrator,
    conference::{self, RecordingRefused},
    directory::Book,
    http_out::HttpOut,
    inflight::Flights,
    lamps::Lamps,
    lines::Lines,
    members::{Members, Order},
    notices::MailServer,
    operators::{Asking, Subscriptions},
    own_calls::OwnCalls,
    people::{self, People},
    recorded_names::RecordedNames,
    recording::Recordings,
    registrations,
    sounds::Sounds,
    switchboard::Switchboard,
    trunks::Trunks,
    web::{
        BrowserAnswer, BrowserRefused, Command, Erased, Hub, Live, NotInRoom, RecordCommand,
        RecordRefused,
    },
};

pub struct Shared {
    pub store: Store,
    pub book: Arc<Book>,
    pub lines: Lines,
    pub members: Members,
    pub people: People,
    pub flights: Flights,
    pub own_calls: OwnCalls,
    pub calibrator: Calibrator,
    pub trunks: Trunks,
    pub accounts: Accounts,
    /// The way to operators' status APIs, gateways and webhooks.
    pub http_out: HttpOut,
    /// What operators tell of lines.
    pub subscriptions: Subscriptions,
    pub asking: Asking,
    /// Who looks at whom from a desk phone.
    pub lamps: Lamps,
    pub switchboard: Switchboard,
    pub media: Media,
    pub browsers: Browsers,
    pub sounds: Arc<Sounds>,
    /// Employees' names in their own voices.
    pub names: Arc<RecordedNames>,
    pub recordings: Recordings,
    pub hub: Hub,
    /// Wrong PINs, over all calls and rooms.
    pub pins: Mutex<PinWatch>,
    /// Rows have changed: the scheduler should look.
    pub nudge: Notify,
    /// Something is to be sent: the post should look.
    pub post: Notify,
    /// By what mails leave, if anything is set up.
    pub mail: Option<MailServer>,
    /// How the board is reached from outside.
    pub public_url: Option<String>,
    /// What an earlier process left has been handed to its rooms.
    pub settled: AtomicBool,
}

impl Shared {
    pub fn pins(&self) -> MutexGuard<'_, PinWatch> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a leg of this family, or of the one there is.
    pub fn open_leg(
        &self,
        family: Family,
        at: Option<u16>,
        events: UnboundedSender<(LegId, LegEvent)>,
    ) -> Result<Leg, OpenError> {
        let other = match family {
            Family::V4 => Family::V6,
            Family::V6 => Family::V4,
        };
        match self.media.open(family, at, events.clone()) {
            Err(OpenError::NoAddress(_)) => self.media.open(other, at, events),
            opened => opened,
        }
    }

    /// The directory is another: the boards begin anew, the trunks are those it names,
    /// and nobody is registered by a login that is gone.
    pub fn on_new_directory(&self) {
        for account in self.accounts.follow(&self.book.page()) {
            self.switchboard.signalling().unbind(account);
        }
        self.trunks
            .follow(&self.book.page(), self.switchboard.signalling());
        registrations::mark_absent(self);
        self.subscriptions.follow(self);
        let page = self.book.page();
        let (names, now_here) = (self.names.clone(), page.clone());
        tokio::spawn(async move { names.follow(now_here.directory()).await });
        for company in page.companies() {
            self.hub.reset(company.company.id);
        }
    }

    fn order(
        &self,
        member: MemberId,
        order: impl FnOnce(oneshot::Sender<()>) -> Order,
    ) -> Command<'_> {
        answered(self.members.order(member, order))
    }
}

/// Done when the room's task says so.
fn answered(answer: Option<oneshot::Receiver<()>>) -> Command<'static> {
    Box::pin(async move {
        match answer {
            Some(answer) => answer.await.map_err(|_| NotInRoom),
            None => Err(NotInRoom),
        }
    })
}

impl Shared {
    fn tape_order(
        &self,
        room: RoomId,
        order: impl FnOnce(conference::Answer) -> Order,
    ) -> RecordCommand<'_> {
        let owner = self.members.owner(room);
        let (done, answer) = oneshot::channel();
        let sent = owner.is_some_and(|owner| owner.send(order(done)).is_ok());
        Box::pin(async move {
            if !sent {
                return Err(RecordRefused::RoomIsEmpty);
            }
            match answer.await {
                Ok(answer) => answer.map_err(|refused| match refused {
                    RecordingRefused::AlreadyRecording => RecordRefused::AlreadyRecording,
                    RecordingRefused::NotRecording => RecordRefused::NotRecording,
                    RecordingRefused::Store(error) => RecordRefused::Store(error),
                }),
                // The last one left in the meantime.
                Err(_) => Err(RecordRefused::RoomIsEmpty),
            }
        })
    }
}

impl Live for Shared {
    fn members(&self, company: CompanyId) -> Vec<api::Member> {
        self.members.of_company(company)
    }

    fn line(&self, employee: &Employee, now: Millis) -> api::LineView {
        people::line_of(self, employee, now)
    }

    fn told(&self, line: &LineKey, evidence: Evidence, now: Millis) {
        self.lines.add(line, evidence, now);
    }

    fn trunk(&self, trunk: TrunkId) -> api::TrunkState {
        self.trunks.state(trunk)
    }

    fn nudge(&self) {
        self.nudge.notify_one();
        self.post.notify_one();
    }

    fn mute(&self, member: MemberId, muted: bool) -> Command<'_> {
        self.order(member, |done| Order::Mute {
            member,
            muted,
            done,
        })
    }

    fn set_role(&self, member: MemberId, role: Role) -> Command<'_> {
        self.order(member, |done| Order::SetRole { member, role, done })
    }

    fn raise_hand(&self, member: MemberId, up: bool) -> Command<'_> {
        self.order(member, |done| Order::RaiseHand { member, up, done })
    }

    fn set_gain(&self, member: MemberId, side: Side, gain: Gain) -> Command<'_> {
        self.order(member, |done| Order::Turn {
            member,
            side,
            gain,
            done,
        })
    }

    fn act(&self, room: RoomId, act: Act) -> Command<'_> {
        answered(
            self.members
                .order_room(room, |done| Order::Act { act, done }),
        )
    }

    fn waiting(&self, company: CompanyId) -> Vec<api::Waiting> {
        self.members.waiting(company)
    }

    fn is_locked(&self, room: RoomId) -> bool {
        self.members.is_locked(room)
    }

    fn hang_up(&self, member: MemberId) -> Command<'_> {
        self.order(member, |done| Order::HangUp { member, done })
    }

    fn record(&self, room: RoomId, wanted: NewRecording, by: EmployeeId) -> RecordCommand<'_> {
        self.tape_order(room, |done| Order::Record { wanted, by, done })
    }

    fn stop_recording(&self, room: RoomId) -> RecordCommand<'_> {
        self.tape_order(room, |done| Order::StopRecording { done })
    }

    fn ring_by_browser(
        &self,
        company: CompanyId,
        employee: EmployeeId,
        room: RoomId,
        offer: BrowserOffer,
    ) -> BrowserAnswer<'_> {
        Box::pin(async move {
            if self.media.browsers_at().is_none() {
                return Err(BrowserRefused::Off);
            }
            self.browsers.ring(company, employee, room, offer).await
        })
    }

    fn browser_call(
        &self,
        company: CompanyId,
        employee: EmployeeId,
        id: BrowserCallId,
    ) -> Option<api::BrowserCall> {
        self.browsers.of(company, employee, id)
    }

    fn end_browser_call(&self, company: CompanyId, employee: EmployeeId, id: BrowserCallId) {
        self.browsers.end(company, employee, id);
    }

    fn recordings(&self, company: CompanyId) -> Vec<api::Recording> {
        self.recordings.running(company)
    }

    fn recording_file(&self, company: CompanyId, id: RecordingId, name: &str) -> PathBuf {
        self.recordings.file(company, id, name)
    }

    fn recorded_names(&self) -> &RecordedNames {
        &self.names
    }

    fn name_changed(&self, employee: EmployeeId) {
        self.people.look_again(employee);
    }

    fn erase_recording(&self, company: CompanyId, id: RecordingId) -> Erased<'_> {
        Box::pin(self.recordings.erase(company, id))
    }
}
