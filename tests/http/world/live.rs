//! Stands in for the tasks of the server: holds members and lines, notes what it was told.

use std::{path::PathBuf, sync::Mutex};

use api::{
    BrowserCall, BrowserCallState, Confidence, Evidence, EvidenceSource, LineState, LineView,
    Member, NewRecording, Recording, RecordingState, Text, TrunkState, Waiting,
};
use domain::{
    BrowserCallId, CompanyId, EmployeeId, MemberId, Millis, RecordingId, Role, RoomId, TrunkId,
    employee::Employee,
    line::LineKey,
    live::Act,
    loudness::{Gain, Side},
};
use rollcall::recorded_names::RecordedNames;
use rollcall::web::{
    BrowserAnswer, BrowserRefused, Command, Erased, Live, NotInRoom, RecordCommand, RecordRefused,
};
use sip::sdp::BrowserOffer;
use tempfile::TempDir;

pub struct StandIn {
    members: Mutex<Vec<(CompanyId, Member)>>,
    locked: Mutex<Option<RoomId>>,
    waiting: Mutex<Vec<(CompanyId, Waiting)>>,
    /// What it was told, in words.
    told: Mutex<Vec<String>>,
    browsers: Mutex<Vec<(EmployeeId, BrowserCall)>>,
    /// What is recorded.
    tape: Mutex<Option<Recording>>,
    /// Where the files of recordings are.
    pub files: TempDir,
    names: RecordedNames,
}

impl Default for StandIn {
    fn default() -> Self {
        let files = tempfile::tempdir().unwrap();
        Self {
            members: Mutex::default(),
            locked: Mutex::default(),
            waiting: Mutex::default(),
            told: Mutex::default(),
            browsers: Mutex::default(),
            tape: Mutex::default(),
            names: RecordedNames::open(files.path()),
            files,
        }
    }
}

impl StandIn {
    pub fn joins(&self, company: CompanyId, member: Member) {
        self.members.lock().unwrap().push((company, member));
    }

    pub fn knocks(&self, company: CompanyId, one: Waiting) {
        self.waiting.lock().unwrap().push((company, one));
    }

    pub fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    fn note(&self, text: impl Into<String>) {
        self.told.lock().unwrap().push(text.into());
    }

    fn change(&self, id: MemberId, change: impl FnOnce(&mut Member)) -> Command<'static> {
        let mut members = self.members.lock().unwrap();
        let found = members.iter_mut().find(|(_, member)| member.id == id);
        let done = found.map(|(_, member)| change(member)).ok_or(NotInRoom);
        Box::pin(async move { done })
    }
}

impl Live for StandIn {
    fn members(&self, company: CompanyId) -> Vec<Member> {
        let members = self.members.lock().unwrap();
        members
            .iter()
            .filter(|(of, _)| *of == company)
            .map(|(_, member)| member.clone())
            .collect()
    }

    fn waiting(&self, company: CompanyId) -> Vec<Waiting> {
        let waiting = self.waiting.lock().unwrap();
        waiting
            .iter()
            .filter(|(of, _)| *of == company)
            .map(|(_, one)| one.clone())
            .collect()
    }

    /// Whoever has an IP-SIM is out of reach; nothing is known of the others.
    fn line(&self, employee: &Employee, now: Millis) -> LineView {
        let offline = employee
            .devices
            .iter()
            .any(|device| device.kind.number().is_some());
        let evidence = Evidence {
            state: LineState::Offline,
            source: EvidenceSource::Outcome,
            at: now.0 - 9_000,
            until_at: Some(now.0 + 111_000),
            confidence: Confidence::Sure,
            text: Text {
                code: "cause".to_owned(),
                args: [("cause".to_owned(), "20".to_owned())].into(),
            },
        };
        LineView {
            state: if offline {
                LineState::Offline
            } else {
                LineState::Unknown
            },
            dnd: false,
            since_at: offline.then_some(evidence.at),
            evidence: if offline { vec![evidence] } else { Vec::new() },
        }
    }

    fn told(&self, _: &LineKey, evidence: domain::line::Evidence, _: Millis) {
        self.note(format!(
            "a line is {:?}, {:?} over {:?}",
            evidence.state, evidence.detail.seen, evidence.detail.trunk
        ));
    }

    fn trunk(&self, _: TrunkId) -> TrunkState {
        TrunkState::Up
    }

    fn nudge(&self) {
        self.note("nudge");
    }

    fn record(&self, room: RoomId, wanted: NewRecording, by: EmployeeId) -> RecordCommand<'_> {
        self.note(format!("record {:?}", wanted.format));
        let inside = self.members.lock().unwrap();
        let anybody = inside.iter().any(|(_, member)| member.room_id == room);
        let mut tape = self.tape.lock().unwrap();
        let answer = match (&*tape, anybody) {
            (_, false) => Err(RecordRefused::RoomIsEmpty),
            (Some(_), true) => Err(RecordRefused::AlreadyRecording),
            (None, true) => Ok(tape.insert(recording(room, wanted, by)).clone()),
        };
        Box::pin(async move { answer })
    }

    fn stop_recording(&self, _: RoomId) -> RecordCommand<'_> {
        self.note("stop recording");
        let ended = self.tape.lock().unwrap().take();
        Box::pin(async move { ended.ok_or(RecordRefused::NotRecording) })
    }

    fn recordings(&self, _: CompanyId) -> Vec<Recording> {
        self.tape.lock().unwrap().iter().cloned().collect()
    }

    /// One browser comes in; a second is one too many.
    fn ring_by_browser(
        &self,
        _: CompanyId,
        employee: EmployeeId,
        room: RoomId,
        offer: BrowserOffer,
    ) -> BrowserAnswer<'_> {
        self.note(format!("a browser offers Opus as {}", offer.opus));
        let call = BrowserCall {
            id: BrowserCallId::new(super::NOW, [9; 10]),
            room_id: room,
            state: BrowserCallState::Connecting,
            member_id: None,
            sdp: Some("v=0\r\n".to_owned()),
        };
        let mut browsers = self.browsers.lock().unwrap();
        let answer = if browsers.is_empty() {
            browsers.push((employee, call.clone()));
            Ok(call)
        } else {
            Err(BrowserRefused::TooMany)
        };
        Box::pin(async move { answer })
    }

    fn browser_call(
        &self,
        _: CompanyId,
        employee: EmployeeId,
        id: BrowserCallId,
    ) -> Option<BrowserCall> {
        let browsers = self.browsers.lock().unwrap();
        let (_, call) = browsers
            .iter()
            .find(|(of, call)| *of == employee && call.id == id)?;
        Some(BrowserCall {
            sdp: None,
            ..call.clone()
        })
    }

    fn end_browser_call(&self, _: CompanyId, employee: EmployeeId, id: BrowserCallId) {
        self.browsers
            .lock()
            .unwrap()
            .retain(|(of, call)| *of != employee || call.id != id);
    }

    fn recording_file(&self, _: CompanyId, _: RecordingId, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    fn erase_recording(&self, _: CompanyId, id: RecordingId) -> Erased<'_> {
        self.note(format!("erase {}", id.uuid().get_version_num()));
        Box::pin(async {})
    }

    fn recorded_names(&self) -> &RecordedNames {
        &self.names
    }

    fn name_changed(&self, _: EmployeeId) {
        self.note("a recorded name changed");
    }

    fn mute(&self, id: MemberId, muted: bool) -> Command<'_> {
        self.note(format!("mute {muted}"));
        self.change(id, |member| member.muted = muted)
    }

    fn set_role(&self, id: MemberId, role: Role) -> Command<'_> {
        self.note(format!("role {role:?}"));
        self.change(id, |member| member.role = role)
    }

    fn raise_hand(&self, id: MemberId, up: bool) -> Command<'_> {
        self.note(format!("hand {up}"));
        self.change(id, |member| {
            member.hand_at = up.then_some(super::NOW.0);
        })
    }

    fn set_gain(&self, id: MemberId, side: Side, gain: Gain) -> Command<'_> {
        self.note(format!("{side:?} {} dB", gain.db()));
        self.change(id, |member| match side {
            Side::Voice => member.gain_db = gain.db(),
            Side::Ear => member.volume_db = gain.db(),
        })
    }

    fn act(&self, room: RoomId, act: Act) -> Command<'_> {
        self.note(format!("{act:?}"));
        let members = self.members.lock().unwrap();
        let here = members.iter().any(|(_, member)| member.room_id == room);
        if here && let Act::Lock(locked) = act {
            *self.locked.lock().unwrap() = locked.then_some(room);
        }
        let mut waiting = self.waiting.lock().unwrap();
        let here = here || waiting.iter().any(|(_, one)| one.room_id == room);
        if let Act::LetIn(wanted) | Act::SendAway(wanted) = act {
            waiting.retain(|(_, one)| wanted.is_some_and(|id| id != one.id));
        }
        Box::pin(async move { here.then_some(()).ok_or(NotInRoom) })
    }

    fn is_locked(&self, room: RoomId) -> bool {
        *self.locked.lock().unwrap() == Some(room)
    }

    fn hang_up(&self, id: MemberId) -> Command<'_> {
        self.note("hang up");
        self.members
            .lock()
            .unwrap()
            .retain(|(_, member)| member.id != id);
        Box::pin(async { Ok(()) })
    }
}

/// Somebody who dialled the room himself.
pub fn guest(room: RoomId) -> Member {
    Member {
        id: MemberId::new(super::NOW, [7; 10]),
        room_id: room,
        name: "+49 30 901-820".to_owned(),
        employee_id: None,
        number: Some("+4930901820".to_owned()),
        device_kind: api::DeviceKind::Outside,
        role: Role::Speaker,
        muted: false,
        talking: false,
        hand_at: None,
        gain_db: 0,
        volume_db: 0,
        joined_at: super::NOW.0,
        invitation_id: None,
        codec: Some(api::Codec::Pcma),
        quality: None,
    }
}

/// Somebody who waits to be let in.
pub fn knocking(room: RoomId, n: u8) -> Waiting {
    Waiting {
        id: MemberId::new(super::NOW, [n; 10]),
        room_id: room,
        name: format!("Guest {n}"),
        employee_id: None,
        number: Some(format!("+493090182{n}")),
        device_kind: api::DeviceKind::Outside,
        role: Role::Speaker,
        since_at: super::NOW.0,
    }
}

/// A recording that has just begun.
pub fn recording(room: RoomId, wanted: NewRecording, by: EmployeeId) -> Recording {
    Recording {
        id: RecordingId::new(super::NOW, [8; 10]),
        room_id: room,
        room_name: "Dealers".to_owned(),
        occurrence_id: None,
        title: String::new(),
        started_by: Some(by),
        started_at: super::NOW.0,
        ended_at: None,
        state: RecordingState::Running,
        format: wanted.format,
        tracks: wanted.tracks,
        duration_ms: 0,
        files: Vec::new(),
    }
}
