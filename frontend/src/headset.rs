//! The browser as a phone: the microphone and the loudspeaker of whoever looks at the board, in a
//! room. The connection outlives the page that began it, and there is one at a time.
//!
//! What is drawn of it is what the server and the browser said: that somebody is in the room is known when
//! the server names his member, not when the button was pressed.

use api::{
    BrowserCall, BrowserCallId, BrowserCallState, DeviceKind, MemberId, NewBrowserCall, RoomId,
};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Event, HtmlAudioElement, MediaDevices, MediaStream, MediaStreamConstraints, MediaStreamTrack,
    RtcPeerConnection, RtcPeerConnectionState, RtcRtpSender, RtcSdpType, RtcSessionDescriptionInit,
    RtcTrackEvent,
};

use crate::{
    acts::{Acts, Call},
    client::{self, Failure},
    feed::Feed,
    live::Topic,
    texts::Texts,
};

/// Milliseconds a key sounds, and between two.
const KEY_MS: u32 = 120;
const GAP_MS: u32 = 80;

/// Where one is with this browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Talk {
    pub room: RoomId,
    pub stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The browser asks whether the page may hear the microphone.
    Asking,
    Connecting,
    /// The room asks for its PIN, or lets one wait.
    AtDoor,
    Inside(MemberId),
    /// The network has gone; the browser still tries.
    Shaky(MemberId),
}

/// Why it came to nothing.
enum Trouble {
    /// The page was not opened over HTTPS: browsers then have no microphone.
    Insecure,
    NotAllowed,
    NoMicrophone,
    MicrophoneBusy,
    Server(Failure),
    /// Whatever else the browser says.
    Browser,
    /// Somebody pressed "Leave" meanwhile.
    Left,
}

#[derive(Clone, Copy)]
pub struct Headset {
    feed: Feed,
    acts: Acts,
    texts: RwSignal<Texts>,
    pub talk: RwSignal<Option<Talk>>,
    line: StoredValue<Option<Line>, LocalStorage>,
    /// Counts the attempts: what belongs to an earlier one is dropped.
    turn: StoredValue<u32>,
}

/// The connection and what it calls back; ended together.
struct Line {
    connection: RtcPeerConnection,
    microphone: MediaStream,
    speaker: HtmlAudioElement,
    sender: RtcRtpSender,
    call: Option<BrowserCallId>,
    _track: Closure<dyn FnMut(RtcTrackEvent)>,
    _state: Closure<dyn FnMut(Event)>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.connection.set_ontrack(None);
        self.connection.set_onconnectionstatechange(None);
        self.connection.close();
        self.speaker.set_src_object(None);
        for track in tracks(&self.microphone) {
            track.stop();
        }
    }
}

impl Headset {
    pub fn new(feed: Feed, acts: Acts, texts: RwSignal<Texts>) -> Self {
        Self {
            feed,
            acts,
            texts,
            talk: RwSignal::new(None),
            line: StoredValue::new_local(None),
            turn: StoredValue::new(0),
        }
    }

    /// Follows what the server says of this member; to be called once, in the page's root.
    pub fn follow(self, me: impl Fn() -> Option<api::EmployeeId> + 'static) {
        // Somebody of mine came into the room by a browser: is it this one?
        Effect::new(move || {
            let (Some(talk), Some(me)) = (self.talk.get(), me()) else {
                return;
            };
            if matches!(talk.stage, Stage::Inside(_) | Stage::Shaky(_)) {
                return;
            }
            let mine = self.feed.read(&[Topic::Members], |live| {
                live.members_of(talk.room).any(|member| {
                    member.employee_id == Some(me) && member.device_kind == DeviceKind::Browser
                })
            });
            if mine {
                self.look();
            }
        });
        // Whoever closes the page leaves at once.
        window_event_listener_untyped("pagehide", move |_| {
            let room = self.talk.get_untracked().map(|talk| talk.room);
            let call = self.line.with_value(|line| line.as_ref()?.call);
            if let (Some(room), Some(call)) = (room, call) {
                client::parting_act("DELETE", &way(room, call));
            }
        });
        // Muted is muted: the microphone itself is off. Gone is gone.
        Effect::new(move |was: Option<Option<MemberId>>| {
            let member = match self.talk.get()?.stage {
                Stage::Inside(member) | Stage::Shaky(member) => member,
                Stage::Asking | Stage::Connecting | Stage::AtDoor => return None,
            };
            let muted = self.feed.read(&[Topic::Members], |live| {
                live.members.get(&member).map(|member| member.muted)
            });
            match muted {
                Some(muted) => {
                    self.line.with_value(|line| {
                        for track in line.iter().flat_map(|line| tracks(&line.microphone)) {
                            track.set_enabled(!muted);
                        }
                    });
                    Some(member)
                }
                // His coming may be known here before the event of it.
                None if was.flatten() == Some(member) => {
                    self.over(Some(self.texts.get_untracked().headset_over().to_owned()));
                    None
                }
                None => None,
            }
        });
    }

    pub fn join(self, room: RoomId) {
        self.leave();
        let turn = self.next_turn();
        let stage = Stage::Asking;
        self.talk.set(Some(Talk { room, stage }));
        spawn_local(async move {
            if let Err(trouble) = self.connect(room, turn).await {
                let t = self.texts.get_untracked();
                let sentence = match trouble {
                    Trouble::Left => return,
                    Trouble::Insecure => t.headset_insecure().to_owned(),
                    Trouble::NotAllowed => t.headset_not_allowed().to_owned(),
                    Trouble::NoMicrophone => t.headset_no_microphone().to_owned(),
                    Trouble::MicrophoneBusy => t.headset_microphone_busy().to_owned(),
                    Trouble::Server(failure) => failure.sentence(t),
                    Trouble::Browser => t.headset_failed().to_owned(),
                };
                if self.turn.get_value() == turn {
                    self.over(Some(sentence));
                }
            }
        });
    }

    /// Out of the room, or away from its door.
    pub fn leave(self) {
        let room = self.talk.get_untracked().map(|talk| talk.room);
        let call = self.line.with_value(|line| line.as_ref()?.call);
        self.over(None);
        if let (Some(room), Some(call)) = (room, call) {
            spawn_local(hang_up(room, call));
        }
    }

    /// Keys, as on a telephone.
    pub fn press(self, keys: &str) {
        self.line.with_value(|line| {
            if let Some(dtmf) = line.as_ref().and_then(|line| line.sender.dtmf()) {
                dtmf.insert_dtmf_with_duration_and_inter_tone_gap(keys, KEY_MS, GAP_MS);
            }
        });
    }

    pub fn mute(self, muted: bool) {
        let Some(Talk {
            room,
            stage: Stage::Inside(member),
        }) = self.talk.get_untracked()
        else {
            return;
        };
        let change = api::ChangeMember {
            muted: Some(muted),
            ..api::ChangeMember::default()
        };
        let request = Call {
            method: "PATCH",
            path: format!("rooms/{room}/members/{member}"),
            body: Some(client::write(&change)),
        };
        self.acts.send(request, None);
    }

    async fn connect(self, room: RoomId, turn: u32) -> Result<(), Trouble> {
        let microphone = microphone().await?;
        let built = self.build(room, turn, &microphone);
        let line = built.map_err(|_| {
            tracks(&microphone).for_each(|track| track.stop());
            Trouble::Browser
        })?;
        let connection = line.connection.clone();
        // From here on whoever leaves ends it.
        if self.turn.get_value() != turn {
            return Err(Trouble::Left);
        }
        self.line.set_value(Some(line));
        self.stage(turn, Stage::Connecting);

        let offer: RtcSessionDescriptionInit = promised(connection.create_offer()).await?.into();
        promised(connection.set_local_description(&offer)).await?;
        let sdp = offer.get_sdp().unwrap_or_default();
        let path = format!("rooms/{room}/browser-calls");
        let call: BrowserCall = client::post(&path, &NewBrowserCall { sdp })
            .await
            .map_err(Trouble::Server)?;
        if self.turn.get_value() != turn {
            hang_up(room, call.id).await;
            return Err(Trouble::Left);
        }
        self.line.update_value(|line| {
            if let Some(line) = line {
                line.call = Some(call.id);
            }
        });
        let answer = RtcSessionDescriptionInit::new(RtcSdpType::Answer);
        answer.set_sdp(&call.sdp.unwrap_or_default());
        promised(connection.set_remote_description(&answer)).await?;
        Ok(())
    }

    fn build(self, room: RoomId, turn: u32, microphone: &MediaStream) -> Result<Line, JsValue> {
        let connection = RtcPeerConnection::new()?;
        let speaker = HtmlAudioElement::new()?;
        let track = tracks(microphone).next().ok_or(JsValue::NULL)?;
        let sender = connection.add_track_0(&track, microphone);
        let heard = speaker.clone();
        let on_track = Closure::<dyn FnMut(RtcTrackEvent)>::new(move |event: RtcTrackEvent| {
            let stream: MediaStream = event.streams().get(0).unchecked_into();
            heard.set_src_object(Some(&stream));
            // He has just pressed a button: the browser lets the page be heard.
            _ = heard.play();
        });
        connection.set_ontrack(Some(on_track.as_ref().unchecked_ref()));
        let changed = connection.clone();
        let on_state = Closure::<dyn FnMut(Event)>::new(move |_: Event| {
            self.on_state(room, turn, changed.connection_state());
        });
        connection.set_onconnectionstatechange(Some(on_state.as_ref().unchecked_ref()));
        Ok(Line {
            connection,
            microphone: microphone.clone(),
            speaker,
            sender,
            call: None,
            _track: on_track,
            _state: on_state,
        })
    }

    fn on_state(self, room: RoomId, turn: u32, state: RtcPeerConnectionState) {
        if self.turn.get_value() != turn {
            return;
        }
        let stage = self.talk.get_untracked().map(|talk| talk.stage);
        match (state, stage) {
            (RtcPeerConnectionState::Connected, Some(Stage::Connecting)) => {
                self.stage(turn, Stage::AtDoor);
                self.look();
            }
            (RtcPeerConnectionState::Connected, Some(Stage::Shaky(member))) => {
                self.stage(turn, Stage::Inside(member));
            }
            (RtcPeerConnectionState::Disconnected, Some(Stage::Inside(member))) => {
                self.stage(turn, Stage::Shaky(member));
            }
            (RtcPeerConnectionState::Failed | RtcPeerConnectionState::Closed, Some(_)) => {
                // The closure that is running belongs to the line: it goes after this.
                spawn_local(async move {
                    let call = self.line.with_value(|line| line.as_ref()?.call);
                    if self.turn.get_value() == turn {
                        let t = self.texts.get_untracked();
                        let sentence = match state {
                            RtcPeerConnectionState::Closed => t.headset_over(),
                            _ => t.headset_lost(),
                        };
                        self.over(Some(sentence.to_owned()));
                    }
                    if let Some(call) = call {
                        hang_up(room, call).await;
                    }
                });
            }
            _ => {}
        }
    }

    /// Asks the server how far this browser is.
    fn look(self) {
        let Some(talk) = self.talk.get_untracked() else {
            return;
        };
        let turn = self.turn.get_value();
        let Some(call) = self.line.with_value(|line| line.as_ref()?.call) else {
            return;
        };
        spawn_local(async move {
            let Ok(call) = client::get::<BrowserCall>(&way(talk.room, call)).await else {
                return;
            };
            match (call.state, call.member_id) {
                (BrowserCallState::InRoom, Some(member)) => self.stage(turn, Stage::Inside(member)),
                (BrowserCallState::AtDoor, _) => self.stage(turn, Stage::AtDoor),
                _ => {}
            }
        });
    }

    fn stage(self, turn: u32, stage: Stage) {
        if self.turn.get_value() == turn {
            self.talk.update(|talk| {
                if let Some(talk) = talk {
                    talk.stage = stage;
                }
            });
        }
    }

    /// Ends it here, and says why.
    fn over(self, why: Option<String>) {
        self.next_turn();
        self.line.set_value(None);
        self.talk.set(None);
        if let Some(why) = why {
            self.acts.say(why.clone());
            self.acts.show(why, true, None);
        }
    }

    fn next_turn(self) -> u32 {
        self.turn.update_value(|turn| *turn += 1);
        self.turn.get_value()
    }
}

/// Nobody waits for the answer: at worst the server notices by itself.
async fn hang_up(room: RoomId, call: BrowserCallId) {
    _ = client::act("DELETE", &way(room, call), None).await;
}

fn way(room: RoomId, call: BrowserCallId) -> String {
    format!("rooms/{room}/browser-calls/{call}")
}

async fn promised(promise: js_sys::Promise) -> Result<JsValue, Trouble> {
    JsFuture::from(promise).await.map_err(|_| Trouble::Browser)
}

async fn microphone() -> Result<MediaStream, Trouble> {
    let navigator = web_sys::window().ok_or(Trouble::Browser)?.navigator();
    let devices = js_sys::Reflect::get(&navigator, &"mediaDevices".into())
        .ok()
        .filter(|devices| !devices.is_undefined())
        .ok_or(Trouble::Insecure)?;
    let devices: MediaDevices = devices.unchecked_into();
    let wanted = MediaStreamConstraints::new();
    wanted.set_audio(&JsValue::TRUE);
    let asked = devices
        .get_user_media_with_constraints(&wanted)
        .map_err(|_| Trouble::Browser)?;
    match JsFuture::from(asked).await {
        Ok(stream) => Ok(stream.unchecked_into()),
        Err(error) => {
            let name = js_sys::Reflect::get(&error, &"name".into()).ok();
            Err(match name.and_then(|name| name.as_string()).as_deref() {
                Some("NotAllowedError" | "SecurityError") => Trouble::NotAllowed,
                Some("NotFoundError" | "OverconstrainedError") => Trouble::NoMicrophone,
                Some("NotReadableError" | "AbortError") => Trouble::MicrophoneBusy,
                _ => Trouble::Browser,
            })
        }
    }
}

fn tracks(stream: &MediaStream) -> impl Iterator<Item = MediaStreamTrack> {
    stream
        .get_audio_tracks()
        .iter()
        .map(|track| track.unchecked_into())
        .collect::<Vec<_>>()
        .into_iter()
}
