//! Prompts and music on their way into a mix.
//!
//! A player belongs to one leg or to one room. It has a queue of prompts, heard
//! one after the other, and at most one music, which goes on for ever and is
//! lowered while a prompt is heard.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::sound::Sound;
use crate::voice::Voice;

/// Samples of a frame at the sounds' rate.
const FRAME: usize = Sound::SAMPLE_RATE as usize / 50;
/// Music under a prompt: -14 dB.
const UNDER: f32 = 0.2;
/// How fast music is lowered and raised, per sample: in about 100 ms.
const DUCKING: f32 = 1.0 / 1_600.0;

#[derive(Debug, Default)]
pub struct Player {
    queue: VecDeque<Prompt>,
    music: Option<Music>,
    /// The music's gain, on its way to 1 or [`UNDER`].
    level: f32,
    frame: Vec<f32>,
    voice: Voice,
    finished: VecDeque<u64>,
}

#[derive(Debug)]
struct Prompt {
    sounds: VecDeque<Arc<Sound>>,
    position: usize,
    token: u64,
}

#[derive(Debug)]
struct Music {
    sounds: Vec<Arc<Sound>>,
    current: usize,
    position: usize,
}

impl Player {
    /// Queues sounds to be played once; the token is reported when they have been.
    pub fn play(&mut self, sounds: Vec<Arc<Sound>>, token: u64) {
        self.queue.push_back(Prompt {
            sounds: sounds.into(),
            position: 0,
            token,
        });
    }

    /// Plays the sounds over and over, in place of the music before.
    pub fn play_music(&mut self, sounds: Vec<Arc<Sound>>) {
        self.music = sounds
            .iter()
            .any(|sound| !sound.samples().is_empty())
            .then_some(Music {
                sounds,
                current: 0,
                position: 0,
            });
        self.level = 1.0;
    }

    /// Ends the prompts and leaves the music.
    pub fn skip(&mut self) {
        self.queue.clear();
    }

    pub fn stop(&mut self) {
        self.queue.clear();
        self.music = None;
    }

    pub fn active(&self) -> bool {
        !self.queue.is_empty() || self.music.is_some() || self.voice.gain() != 0.0
    }

    pub fn has_finished(&self) -> bool {
        !self.finished.is_empty()
    }

    /// The token of prompts that have been played to their end.
    pub fn poll_finished(&mut self) -> Option<u64> {
        self.finished.pop_front()
    }

    /// Moves on by one frame; false if there is nothing to be heard.
    pub fn advance(&mut self) -> bool {
        if !self.active() {
            self.give_back();
            return false;
        }
        self.frame.clear();
        self.frame.resize(FRAME, 0.0);
        let prompt = self.play_prompts();
        self.play_under(prompt);
        let sounding = prompt || self.music.is_some();
        // One more frame of silence lets the last samples out of the resampler.
        self.voice.set(
            Sound::SAMPLE_RATE,
            &self.frame,
            f32::from(u8::from(sounding)),
        );
        true
    }

    /// Most who were played something hear nothing more of the kind: what it took was more than
    /// all that a listener takes else.
    fn give_back(&mut self) {
        if self.frame.capacity() > 0 {
            self.frame = Vec::new();
            self.queue = VecDeque::new();
            self.voice = Voice::default();
        }
    }

    pub fn voice(&mut self) -> &mut Voice {
        &mut self.voice
    }

    pub fn heard(&self) -> &Voice {
        &self.voice
    }

    fn play_prompts(&mut self) -> bool {
        let mut filled = 0;
        while let Some(prompt) = self.queue.front_mut() {
            let Some(sound) = prompt.sounds.front() else {
                self.finished.push_back(prompt.token);
                self.queue.pop_front();
                continue;
            };
            let rest = &sound.samples()[prompt.position..];
            let count = rest.len().min(FRAME - filled);
            for (to, &from) in self.frame[filled..].iter_mut().zip(&rest[..count]) {
                *to = f32::from(from);
            }
            filled += count;
            prompt.position += count;
            if prompt.position == sound.samples().len() {
                prompt.sounds.pop_front();
                prompt.position = 0;
            }
            if filled == FRAME && !prompt.sounds.is_empty() {
                break;
            }
            if filled == FRAME {
                // Just ended with this frame: reported now, for it is being sent.
                self.finished.push_back(prompt.token);
                self.queue.pop_front();
                break;
            }
        }
        filled > 0
    }

    fn play_under(&mut self, prompt: bool) {
        let Some(music) = &mut self.music else {
            return;
        };
        let goal = if prompt { UNDER } else { 1.0 };
        for sample in &mut self.frame {
            while music.position >= music.sounds[music.current].samples().len() {
                music.current = (music.current + 1) % music.sounds.len();
                music.position = 0;
            }
            let heard = music.sounds[music.current].samples()[music.position];
            music.position += 1;
            self.level += (goal - self.level).clamp(-DUCKING, DUCKING);
            *sample += f32::from(heard) * self.level;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(value: i16, samples: usize) -> Arc<Sound> {
        Arc::new(Sound::from_samples(vec![value; samples]))
    }

    fn frames(player: &mut Player, count: usize) -> Vec<f32> {
        let mut heard = Vec::new();
        for _ in 0..count {
            if player.advance() {
                heard.extend_from_slice(player.heard().at(Sound::SAMPLE_RATE));
            }
        }
        heard
    }

    #[test]
    fn sounds_follow_each_other_without_a_gap_and_are_reported_at_their_end() {
        let mut player = Player::default();
        player.play(vec![sound(100, 500), sound(200, 500)], 7);
        player.play(vec![sound(300, 280)], 8);

        let heard = frames(&mut player, 3);
        assert_eq!(player.poll_finished(), None);
        assert_eq!((heard[499], heard[500]), (100.0, 200.0));
        let heard = frames(&mut player, 1);
        assert_eq!((heard[39], heard[40], heard[319]), (200.0, 300.0, 300.0));
        assert_eq!(player.poll_finished(), Some(7));
        assert_eq!(player.poll_finished(), Some(8));
        frames(&mut player, 2);
        assert!(!player.active());
    }

    #[test]
    fn music_loops_and_is_lowered_under_a_prompt() {
        let mut player = Player::default();
        player.play_music(vec![sound(1_000, 150), sound(1_000, 170)]);
        let heard = frames(&mut player, 50);
        assert!(heard[320..].iter().all(|&s| s == 1_000.0));

        player.play(vec![sound(0, 16_000)], 1);
        let heard = frames(&mut player, 20);
        assert!((heard[6_399] - 200.0).abs() < 1.0);
        player.skip();
        let heard = frames(&mut player, 20);
        assert!((heard[6_399] - 1_000.0).abs() < 1.0);
        assert_eq!(player.poll_finished(), None);
    }

    #[test]
    fn nothing_to_play_is_finished_at_once_and_empty_music_is_none() {
        let mut player = Player::default();
        player.play(Vec::new(), 3);
        player.play_music(vec![sound(0, 0)]);
        frames(&mut player, 1);

        assert_eq!(player.poll_finished(), Some(3));
        assert!(!player.active());
    }
}
