//! One member's audio, both ways: a value that moves from room to room.

mod activity;
pub(crate) mod cleaning;
mod reports;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::reports::WallClock;

use self::activity::Activity;
use self::cleaning::{Cleaning, Turns};
use self::reports::Reports;
use crate::FRAME;
use crate::codec::{Codec, samples_in};
use crate::dtmf::{self, inband};
use crate::encode::{Format, Line};
use crate::fetch::fetch;
use crate::level::Meter;
use crate::leveller::{Leveller, Look};
use crate::opinion;
use crate::player::Player;
use crate::receive::Playout;
use crate::receive::buffer::Content;
use crate::receive::playout::Spare;
use crate::reception::Quality;
use crate::rtp::{Header, Packet};
use crate::send::{Seed, Sender};
use crate::sound::Sound;
use crate::voice::Voice;

/// What offer and answer say about a leg's audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    pub format: Format,
    pub payload_type: u8,
    /// Payload type of telephone events.
    pub digits: Option<u8>,
    /// Header extension id of the audio level.
    pub level: Option<u8>,
    /// Look for key presses in the audio as well.
    pub inband_digits: bool,
    /// We may send; we expect to receive.
    pub sends: bool,
    pub receives: bool,
}

/// What a leg reports.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// A key was pressed.
    Digit(char),
    /// The sounds played to the leg under this token were heard to their end.
    Played {
        token: u64,
    },
    /// The member began or ceased to talk.
    Talking {
        on: bool,
    },
    /// How loud he talks, dBov.
    Level {
        dbov: i8,
    },
    /// Nothing has come for [`NO_AUDIO`], though it should; or, after comfort noise, for
    /// [`NO_AUDIO_AFTER_NOISE`].
    NoAudio,
    AudioBack,
    /// How well the member's audio travels.
    Quality(Quality),
}

/// Silence on the wire for this long is reported.
pub const NO_AUDIO: Duration = Duration::from_secs(2);
/// Who has said with comfort noise that he is silent may send nothing for this long.
pub const NO_AUDIO_AFTER_NOISE: Duration = Duration::from_secs(20);
/// Nobody is made louder or quieter by more than this by hand, in dB.
pub const GAIN_MOST: f32 = 20.0;
/// RFC 3389; also the payload type of RFC 3551.
const COMFORT_NOISE: u8 = 13;
/// Audio around a key press is not heard for this long after its last packet.
const DIGIT_MUTE: Duration = Duration::from_millis(80);
/// Levels are reported every so many frames while he talks.
const LEVEL_EVERY: u32 = 10;
/// At most this many packets a second are looked at, and as many at once.
const PACKETS_PER_SECOND: f32 = 250.0;

/// Who has not been heard for so many frames is a listener like others: a minute.
const HEARD_FRAMES: u32 = 3_000;
/// Quality is read every so many frames, 2 s, and reported if it has changed...
const QUALITY_EVERY: u32 = 100;
/// ...or these have passed: 10 s.
const QUALITY_ANYWAY: u32 = 500;
/// One member's leg.
#[derive(Debug)]
pub struct Leg {
    setting: Option<Setting>,
    /// Exists once he has sent audio: a listener who is silent costs none.
    playout: Option<Box<Playout>>,
    /// Something may be in it to be played.
    plays: bool,
    pub(crate) voice: Voice,
    activity: Activity,
    /// Whether he is in a crowd, where packets are screened.
    crowded: bool,
    digits: dtmf::Receiver,
    keys_heard: inband::Detector,
    digit_until: Option<Instant>,
    pub(crate) sender: Sender,
    pub(crate) player: Player,
    /// His own line, while he hears something nobody else does.
    pub(crate) own: Option<Box<Line>>,
    /// Frames since he was last part of what the others hear.
    pub(crate) aside: u32,
    pub(crate) speaks: bool,
    pub(crate) hears: bool,
    muted: bool,
    deaf: bool,
    /// How much louder the others hear him, as somebody wished.
    gain: f32,
    leveller: Leveller,
    /// Others hear him without the noise around him, and what that takes.
    cleaned: bool,
    cleaning: Option<Box<Cleaning>>,
    /// How much louder he hears what he hears, and how much louder he did in the last frame.
    volume: f32,
    volume_before: f32,
    allowance: f32,
    watch: Watch,
    talking: bool,
    frames: u32,
    reports: Reports,
    /// The quality that was reported last.
    told: Option<Quality>,
    events: VecDeque<Event>,
}

/// Whether packets still come.
#[derive(Debug, Clone, Copy)]
enum Watch {
    Off,
    /// Since then nothing.
    Waiting(Instant),
    /// Since then nothing, and the last was comfort noise: a pause by design.
    Pausing(Instant),
    /// Reported; until something comes.
    Missing,
}

impl Leg {
    pub fn new(seed: Seed, clock: WallClock) -> Self {
        Self {
            setting: None,
            playout: None,
            plays: false,
            voice: Voice::default(),
            activity: Activity::default(),
            crowded: false,
            digits: dtmf::Receiver::default(),
            keys_heard: inband::Detector::default(),
            digit_until: None,
            sender: Sender::new(seed),
            player: Player::default(),
            own: None,
            aside: u32::MAX,
            speaks: true,
            hears: true,
            muted: false,
            deaf: false,
            gain: 1.0,
            leveller: Leveller::default(),
            cleaned: false,
            cleaning: None,
            volume: 1.0,
            volume_before: 1.0,
            allowance: PACKETS_PER_SECOND,
            watch: Watch::Off,
            talking: false,
            frames: 0,
            reports: Reports::new(seed, clock),
            told: None,
            events: VecDeque::new(),
        }
    }

    /// Begins to send and receive as agreed; again after every new agreement.
    pub fn configure(&mut self, setting: Setting, now: Instant) {
        if self.setting.map(|s| s.format) != Some(setting.format) {
            self.own = None;
        }
        let received = self.setting.is_some_and(|s| s.receives);
        self.watch = match self.watch {
            _ if !setting.receives => Watch::Off,
            watch if received => watch,
            _ => Watch::Waiting(now),
        };
        self.setting = Some(setting);
    }

    pub fn setting(&self) -> Option<&Setting> {
        self.setting.as_ref()
    }

    pub fn set_hearing(&mut self, speaks: bool, hears: bool) {
        self.speaks = speaks;
        self.hears = hears;
    }

    pub fn set_muted(&mut self, muted: bool) {
        self.muted = muted;
    }

    pub fn set_deaf(&mut self, deaf: bool) {
        self.deaf = deaf;
    }

    /// Makes him louder or quieter for the others, in dB, besides what the leveller does.
    pub fn set_gain(&mut self, db: f32) {
        self.gain = factor(db);
    }

    /// Makes whatever he hears louder or quieter for him, in dB. Other than 0 it costs an
    /// encode of his own.
    pub fn set_volume(&mut self, db: f32) {
        self.volume = factor(db);
    }

    /// What he hears differs from what all hear by its loudness.
    pub(crate) fn has_volume(&self) -> bool {
        self.volume != 1.0 || self.volume_before != 1.0
    }

    /// Makes what he hears as loud as he wishes, with a ramp over the frame where it changes.
    pub(crate) fn at_volume(&mut self, frame: &mut [f32]) {
        if !self.has_volume() {
            return;
        }
        let step = (self.volume - self.volume_before) / frame.len().max(1) as f32;
        for (n, sample) in frame.iter_mut().enumerate() {
            *sample *= self.volume_before + step * n as f32;
        }
        self.volume_before = self.volume;
    }

    pub fn play(&mut self, sounds: Vec<Arc<Sound>>, token: u64) {
        self.player.play(sounds, token);
    }

    pub fn play_music(&mut self, sounds: Vec<Arc<Sound>>) {
        self.player.play_music(sounds);
    }

    pub fn skip(&mut self) {
        self.player.skip();
    }

    pub fn stop(&mut self) {
        self.player.stop();
    }

    /// Sends a key press to the member; false if there is no such key.
    pub fn press(&mut self, key: char) -> bool {
        self.sender.press(key)
    }

    /// A packet of his will be read soon.
    pub(crate) fn fetch_playout(&self) {
        if let Some(playout) = &self.playout {
            fetch(&**playout);
        }
    }

    /// The next to be read is his.
    pub(crate) fn fetch_lateness(&self) {
        if let Some(playout) = &self.playout {
            playout.fetch_lateness();
        }
    }

    /// Takes a datagram that came to the RTP port.
    pub fn on_rtp(&mut self, datagram: &[u8], arrived: Instant) {
        let Some(setting) = self.setting else {
            return;
        };
        if !setting.receives || self.allowance < 1.0 {
            return;
        }
        self.allowance -= 1.0;
        let Ok(packet) = Packet::parse(datagram) else {
            return;
        };
        if !self.on_packet(&setting, &packet, arrived) {
            return;
        }
        if let Watch::Missing = self.watch {
            self.events.push_back(Event::AudioBack);
        }
        self.watch = if packet.header.payload_type == COMFORT_NOISE {
            Watch::Pausing(arrived)
        } else {
            Watch::Waiting(arrived)
        };
    }

    /// False if the packet means nothing to us.
    fn on_packet(&mut self, setting: &Setting, packet: &Packet<'_>, arrived: Instant) -> bool {
        let header = &packet.header;
        if Some(header.payload_type) == setting.digits {
            self.on_digit_packet(packet, arrived);
            return true;
        }
        if header.payload_type == COMFORT_NOISE {
            self.keep_place(header, arrived);
            return true;
        }
        let Some(codec) = codec_of(setting, header.payload_type) else {
            self.reports.on_other(header);
            return false;
        };
        let Some(samples) = samples_in(codec, packet.payload) else {
            return false;
        };
        let told = setting.level.and_then(|id| packet.level(id));
        let unheard = self.voice.gain() == 0.0;
        let quiet = self.crowded && self.activity.on_packet(codec, packet.payload, told);
        self.prepare_cleaning(codec.sample_rate());
        let content = if quiet && unheard {
            Content::Quiet { codec }
        } else {
            Content::Audio { codec, samples }
        };
        let playout = self.playout.get_or_insert_default();
        self.plays |= content != Content::Quiet { codec };
        if playout.on_packet(header, content, packet.payload, arrived) {
            self.reports.on_packet(header, codec.clock_rate(), arrived);
        }
        true
    }

    /// Takes a datagram that came to the RTCP port.
    pub fn on_rtcp(&mut self, datagram: &[u8], arrived: Instant) {
        self.reports.on_rtcp(self.sender.ssrc(), datagram, arrived);
    }

    /// Puts a report for the member's side into `out` if one is due; false if not.
    pub fn poll_rtcp(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        self.setting.is_some() && self.reports.is_due(now) && self.report(false, now, out)
    }

    /// Puts our last word into `out`; false if nothing was ever agreed.
    pub fn bye(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        self.report(true, now, out)
    }

    fn report(&mut self, bye: bool, now: Instant, out: &mut Vec<u8>) -> bool {
        let Some(setting) = self.setting else {
            return false;
        };
        self.reports
            .compose(&self.sender, setting.sends, bye, now, out);
        true
    }

    fn on_digit_packet(&mut self, packet: &Packet<'_>, arrived: Instant) {
        let header = &packet.header;
        self.digit_until = Some(arrived + DIGIT_MUTE);
        if let Some(key) = self
            .digits
            .on_packet(header.ssrc, header.timestamp, packet.payload)
        {
            self.events.push_back(Event::Digit(key));
        }
        self.keep_place(header, arrived);
    }

    /// A packet without audio still has a number, and its absence would look like loss.
    fn keep_place(&mut self, header: &Header, arrived: Instant) {
        self.reports.on_other(header);
        if let Some(playout) = &mut self.playout {
            self.plays = true;
            playout.on_packet(header, Content::Pause, &[], arrived);
        }
    }

    /// Takes what the member says in this frame, and notes how loud it is. `private`, there
    /// is nobody to hear him; in a crowd, he is decoded only when there is something to hear.
    pub(crate) fn listen(&mut self, now: Instant, private: bool, crowded: bool, turns: &mut Turns) {
        self.crowded = crowded;
        self.frames = self.frames.wrapping_add(1);
        self.aside = self.aside.saturating_add(1);
        self.allowance = (self.allowance + PACKETS_PER_SECOND / 50.0).min(PACKETS_PER_SECOND);
        let silent = |since| now.saturating_duration_since(since);
        if match self.watch {
            Watch::Waiting(since) => silent(since) >= NO_AUDIO,
            Watch::Pausing(since) => silent(since) >= NO_AUDIO_AFTER_NOISE,
            Watch::Off | Watch::Missing => false,
        } {
            self.watch = Watch::Missing;
            self.events.push_back(Event::NoAudio);
        }

        // Who is not to be heard costs no decoding; his packets are counted and gone.
        let listens_for_keys = self.setting.is_some_and(|s| s.inband_digits);
        let unheard =
            (private || !self.may_be_heard()) && !listens_for_keys && self.voice.gain() == 0.0;
        // Most members of a large room have sent nothing but silence: theirs is not even looked at.
        let mut frame = None;
        if self.plays
            && let Some(playout) = &mut self.playout
        {
            if unheard {
                playout.drain();
            }
            if playout.pull(now).is_none() {
                self.plays = !playout.is_spent();
            } else {
                frame = playout.last();
            }
        }
        let came = frame.is_some();
        self.activity.on_frame(frame.map(|frame| frame.samples));
        self.clean(turns);
        if came && self.digit_until.is_none_or(|until| now >= until) {
            let heard = self.heard();
            let look = Look {
                level: heard.meter().level(),
                floor: heard.meter().floor(),
                stands_out: heard.stands_out(),
                loud: heard.meter().loud(),
            };
            self.leveller.on_frame(look);
        }
        if listens_for_keys && let Some(frame) = self.playout.as_ref().and_then(|p| p.last()) {
            let key = self.keys_heard.on_frame(frame.rate, frame.samples);
            self.events.extend(key.map(Event::Digit));
            if self.keys_heard.suspects() {
                self.digit_until = Some(now + FRAME);
            }
        }
        self.report_talking();
        if crowded && self.activity.rests() {
            self.rest();
        }
        if self.frames.is_multiple_of(QUALITY_EVERY) {
            self.judge_quality();
        }
    }

    /// Tells how his audio travels, if that is news or was not told for long: in a large room
    /// hardly anybody's changes, and whoever is told has to be woken.
    fn judge_quality(&mut self) {
        let delay = self.playout.as_ref().map_or(0.0, |p| p.delay_ms());
        if let Some(mut quality) = self.reports.read(delay)
            && let Some(setting) = self.setting
        {
            quality.mos = opinion::mos(&quality, setting.format.codec);
            let long_ago = self.frames.is_multiple_of(QUALITY_ANYWAY);
            if long_ago || self.told.is_none_or(|told| told.differs(&quality)) {
                self.told = Some(quality);
                self.events.push_back(Event::Quality(quality));
            }
        }
    }

    /// A listener in a crowd keeps only what he needs to listen.
    fn rest(&mut self) {
        if let Some(playout) = &mut self.playout {
            playout.rest();
        }
        self.voice = Voice::default();
        self.cleaning = None;
    }

    fn report_talking(&mut self) {
        let talking = self.meter().talking() && self.may_be_heard();
        if talking != self.talking {
            self.talking = talking;
            self.events.push_back(Event::Talking { on: talking });
        }
        if talking && self.frames.is_multiple_of(LEVEL_EVERY) {
            let dbov = self.meter().level().round() as i8;
            self.events.push_back(Event::Level { dbov });
        }
    }

    fn may_be_heard(&self) -> bool {
        self.speaks && !self.muted
    }

    /// Whether he could be part of the mix in this frame.
    pub(crate) fn is_candidate(&self) -> bool {
        self.heard().audible() && self.may_be_heard()
    }

    /// Whether he is heard by the others, or was within the last minute and so may well be at once:
    /// a packet of his that has just come should not wait for the next frame.
    pub fn is_heard(&self) -> bool {
        self.is_candidate() || self.aside < HEARD_FRAMES
    }

    /// Puts his frame into the mix, or takes him out of it; false if nothing of him is heard.
    pub(crate) fn speak(&mut self, chosen: bool, now: Instant) -> bool {
        let digit = self.digit_until.is_some_and(|until| now < until);
        let gain = if chosen && self.may_be_heard() && !digit {
            self.gain * self.leveller.factor()
        } else {
            0.0
        };
        // At gain zero after gain zero there is nothing to fade.
        let heard = (gain != 0.0 || self.voice.gain() != 0.0)
            && match &self.cleaning {
                Some(cleaning) => cleaning.frame(),
                None => self.playout.as_ref().and_then(|p| p.last()),
            }
            .map(|frame| self.voice.set(frame.rate, frame.samples, gain))
            .is_some();
        if heard {
            self.aside = 0;
        }
        self.end_cleaning();
        heard
    }

    /// Whether he hears the room.
    pub(crate) fn hears_room(&self) -> bool {
        self.hears && !self.deaf
    }

    /// How much sooner than needed the packets played in this frame came.
    pub(crate) fn spare(&self) -> Option<Spare> {
        self.playout.as_ref()?.spare()
    }

    /// The room's clock follows his.
    pub(crate) fn set_led(&mut self, led: bool) {
        if let Some(playout) = &mut self.playout {
            playout.set_led(led);
        }
    }

    /// How loud the others hear him or would hear him, dBov: by this speakers are ranked.
    pub(crate) fn loudness(&self) -> f32 {
        self.meter().loudness() + self.leveller.gain_db() + 20.0 * self.gain.log10()
    }

    pub fn meter(&self) -> &Meter {
        self.heard().meter()
    }

    pub fn talking(&self) -> bool {
        self.talking
    }

    /// Whether there is anything to report.
    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty() || self.player.has_finished()
    }

    /// What has happened since the last call.
    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some(token) = self.player.poll_finished() {
            return Some(Event::Played { token });
        }
        self.events.pop_front()
    }

    pub fn playout(&self) -> Option<&Playout> {
        self.playout.as_deref()
    }
}

/// What samples are multiplied by for a gain in dB, which is bounded.
fn factor(db: f32) -> f32 {
    10.0_f32.powf(db.clamp(-GAIN_MOST, GAIN_MOST) / 20.0)
}

fn codec_of(setting: &Setting, payload_type: u8) -> Option<Codec> {
    if payload_type == setting.payload_type {
        return Some(setting.format.codec);
    }
    [Codec::Pcmu, Codec::Pcma, Codec::G722]
        .into_iter()
        .find(|codec| codec.static_payload_type() == Some(payload_type))
}
