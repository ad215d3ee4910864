//! How late packets come, and how far the sender's clock is off.
//!
//! The **transit** of a packet is its arrival less its timestamp: meaningless by
//! itself, as the clocks share no zero, but its differences are the jitter. The
//! smallest transit of the last seconds is the **base**; what a packet takes beyond
//! it is its **lateness**. A histogram of lateness, in which the past fades, says
//! how long the buffer must wait so that all but a few percent are in time; or nearly all,
//! where that costs next to nothing: what makes a clean network unclean is some
//! machine's scheduler, and a packet missed for half a millisecond is missed all the same.
//!
//! The base itself moves if the sender's clock runs faster or slower than ours:
//! a straight line through a minute of its values is the **drift**.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::fetch::fetch;

/// Histogram bins are so many to the millisecond in the first ones...
const FINE: usize = 4;
const FINE_MS: usize = 8;
/// ...and a millisecond wide after them, up to 256 ms; what is later counts as that.
const BINS: usize = FINE * FINE_MS + 256 - FINE_MS;
/// The share of packets that must be in time.
const IN_TIME: f32 = 0.97;
/// The share that is in time if that takes no more than so much longer.
const NEARLY_ALL: f32 = 0.995;
const CHEAP: f32 = 2.0; // ms
/// The weight of a packet halves with every 350 packets after it (7 s).
const FADE: f32 = 1.002;
/// What fewer packets teach changes little.
const SETTLE_AFTER: u8 = 8;
/// The base is the least transit of one to two of these.
const BASE_WINDOW: f64 = 2_000.0; // ms
/// Drift is judged over at most this many seconds, at least the other.
const DRIFT_SECONDS: usize = 64;
const DRIFT_LEAST: usize = 12;
/// No crystal is worse; more is an error of measurement.
const DRIFT_MOST: f64 = 500.0; // ppm
/// Nor is it believed before it has made this much of a difference: a sender on a busy machine
/// comes a little later from second to second too.
const DRIFT_LEAST_MS: f64 = 1.0;
/// Below this it is left to the pauses.
const DRIFT_LEAST_PPM: f64 = 10.0;
/// No network is slower by this than it was: the sender's clock stood still, as some do on hold.
const STOOD_STILL: f64 = 1_000.0; // ms
/// What is assumed of a network before it is known.
const FIRST_GUESS: f32 = 10.0; // ms

/// Learns from each packet's arrival. All times inside are in milliseconds.
#[derive(Debug)]
pub struct Delay {
    origin: Option<Instant>,
    /// Least transit in the current and in the last window, and when the current one began.
    least: f64,
    least_before: f64,
    window_began: f64,
    bins: Box<[f32; BINS]>,
    weight: f32,
    total: f32,
    /// Packets that the wait does not yet know of.
    unsettled: u8,
    wait: f32,
    second: Option<(i64, f64)>,
    seconds: VecDeque<(i64, f64)>,
    drift: f64,
}

impl Default for Delay {
    fn default() -> Self {
        Self {
            origin: None,
            least: f64::INFINITY,
            least_before: f64::INFINITY,
            window_began: 0.0,
            bins: Box::new([0.0; BINS]),
            weight: 1.0,
            total: 0.0,
            unsettled: 0,
            wait: FIRST_GUESS,
            second: None,
            seconds: VecDeque::with_capacity(DRIFT_SECONDS + 1),
            drift: 0.0,
        }
    }
}

impl Delay {
    /// The next packet will be noted soon, and most are hardly late.
    pub(crate) fn fetch(&self) {
        if let Some(first) = self.bins.first_chunk::<16>() {
            fetch(first);
        }
    }

    /// A new stream counts from elsewhere: the base is void, the network is the same.
    pub fn on_new_stream(&mut self) {
        self.least = f64::INFINITY;
        self.least_before = f64::INFINITY;
        self.second = None;
        self.seconds.clear();
    }

    /// Takes a packet that says its first sample was spoken at `media` milliseconds of its stream.
    pub fn on_packet(&mut self, media: f64, arrived: Instant) {
        let now = self.since_origin(arrived);
        let transit = now - media;
        if transit - self.base() > STOOD_STILL {
            self.on_new_stream();
        }
        if now - self.window_began >= BASE_WINDOW {
            self.least_before = self.least;
            self.least = f64::INFINITY;
            self.window_began = now;
        }
        self.least = self.least.min(transit);
        self.note_second(now, transit);

        let late = (transit - self.base()) as f32;
        self.bins[bin_of(late)] += self.weight;
        self.total += self.weight;
        self.weight *= FADE;
        if self.weight > 1e6 {
            let scale = self.weight.recip();
            self.bins.iter_mut().for_each(|bin| *bin *= scale);
            self.total *= scale;
            self.weight = 1.0;
        }
        self.unsettled = self.unsettled.saturating_add(1);
    }

    /// Takes into account what was learnt; to be called when the wait matters. Who only listens
    /// sends as many packets as who speaks, and his wait matters to nobody.
    pub fn settle(&mut self) {
        if self.unsettled >= SETTLE_AFTER {
            self.unsettled = 0;
            let nearly_all = self.quantile(NEARLY_ALL);
            self.wait = nearly_all.min(self.quantile(IN_TIME) + CHEAP);
        }
    }

    /// How much later than the fastest packet the buffer should play, in milliseconds.
    pub fn wait(&self) -> f64 {
        f64::from(self.wait)
    }

    /// How long ago, at `now`, the fastest packet with this media time would have arrived.
    pub fn lead(&self, media: f64, now: Instant) -> f64 {
        let Some(origin) = self.origin else {
            return 0.0;
        };
        let base = self.base();
        if base.is_infinite() {
            return 0.0;
        }
        signed_ms(origin, now) - media - base
    }

    /// By how many parts in a million the sender's clock is faster than ours; 0 while unknown or tiny.
    pub fn drift(&self) -> f64 {
        self.drift
    }

    fn base(&self) -> f64 {
        self.least.min(self.least_before)
    }

    fn since_origin(&mut self, at: Instant) -> f64 {
        let origin = *self.origin.get_or_insert(at);
        signed_ms(origin, at)
    }

    /// The lateness, in ms, that this share of the packets does not exceed.
    fn quantile(&self, share: f32) -> f32 {
        let mut left = self.total * share;
        for (i, &bin) in self.bins.iter().enumerate() {
            left -= bin;
            if left <= 0.0 {
                return end_of(i);
            }
        }
        end_of(BINS - 1)
    }

    fn note_second(&mut self, now: f64, transit: f64) {
        let second = (now / 1_000.0) as i64;
        match &mut self.second {
            Some((current, least)) if *current == second => *least = least.min(transit),
            Some((current, least)) => {
                self.seconds.push_back((*current, *least));
                if self.seconds.len() > DRIFT_SECONDS {
                    self.seconds.pop_front();
                }
                self.second = Some((second, transit));
                self.judge_drift();
            }
            None => self.second = Some((second, transit)),
        }
    }

    /// Least squares through the base of each second; believed if it stands out of its own scatter.
    fn judge_drift(&mut self) {
        let n = self.seconds.len();
        if n < DRIFT_LEAST {
            return;
        }
        let count = n as f64;
        let first = self.seconds[0];
        let points = || {
            self.seconds
                .iter()
                .map(|&(t, y)| ((t - first.0) as f64, y - first.1))
        };
        let (sum_t, sum_y) = points().fold((0.0, 0.0), |(a, b), (t, y)| (a + t, b + y));
        let (mean_t, mean_y) = (sum_t / count, sum_y / count);
        let (mut tt, mut ty) = (0.0, 0.0);
        for (t, y) in points() {
            tt += (t - mean_t) * (t - mean_t);
            ty += (t - mean_t) * (y - mean_y);
        }
        if tt <= 0.0 {
            return;
        }
        let slope = ty / tt; // ms a second: 0.001 is one ppm... of a thousand
        let scatter: f64 = points()
            .map(|(t, y)| (y - mean_y - slope * (t - mean_t)).powi(2))
            .sum::<f64>()
            / (count - 2.0);
        let error = (scatter / tt).sqrt();
        // A slow sender's packets come ever later: transit rises.
        let ppm = -slope * 1_000.0;
        let span = (self.seconds[n - 1].0 - first.0) as f64;
        let plain = slope.abs() * span >= DRIFT_LEAST_MS && ppm.abs() > DRIFT_LEAST_PPM;
        self.drift = if slope.abs() > 3.0 * error && plain {
            ppm.clamp(-DRIFT_MOST, DRIFT_MOST)
        } else {
            0.0
        };
    }
}

/// The bin of a lateness in ms.
fn bin_of(late: f32) -> usize {
    let fine = (late * FINE as f32) as usize;
    if fine < FINE * FINE_MS {
        fine
    } else {
        (late as usize + FINE * FINE_MS - FINE_MS).min(BINS - 1)
    }
}

/// Where a bin ends, in ms.
fn end_of(bin: usize) -> f32 {
    let end = bin + 1;
    if end <= FINE * FINE_MS {
        end as f32 / FINE as f32
    } else {
        (end - FINE * FINE_MS + FINE_MS) as f32
    }
}

fn signed_ms(origin: Instant, at: Instant) -> f64 {
    let ms = |d: Duration| d.as_secs_f64() * 1_000.0;
    match at.checked_duration_since(origin) {
        Some(after) => ms(after),
        None => -ms(origin.duration_since(at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets every 20 ms of a clock that is off by `ppm`, each late by what `late` says.
    fn learn(packets: u32, ppm: f64, mut late: impl FnMut(u32) -> f64) -> Delay {
        let start = crate::testing::an_instant();
        let mut delay = Delay::default();
        for i in 0..packets {
            let media = f64::from(i) * 20.0;
            let arrival = 5.0 + media * (1.0 - ppm / 1e6) + late(i);
            delay.on_packet(media, start + Duration::from_secs_f64(arrival / 1_000.0));
        }
        delay.settle();
        delay
    }

    #[test]
    fn on_a_clean_network_there_is_next_to_no_wait() {
        assert!(learn(200, 0.0, |_| 0.0).wait() <= 0.25);
    }

    #[test]
    fn a_few_packets_a_little_later_than_most_are_waited_for() {
        let wait = |late: f64| learn(2_000, 0.0, |i| if i % 80 == 0 { late } else { 0.0 }).wait();

        assert!((1.5..=1.75).contains(&wait(1.5)), "{}", wait(1.5));
        assert!(wait(30.0) <= 2.25, "{}", wait(30.0));
    }

    #[test]
    fn bins_follow_each_other_from_fine_to_coarse() {
        for late in [0.0_f32, 0.1, 0.25, 7.9, 8.0, 8.9, 9.0, 100.5, 255.9] {
            let bin = bin_of(late);
            assert!(end_of(bin) > late, "{late}");
            assert!(bin == 0 || end_of(bin - 1) <= late, "{late}");
        }
        assert_eq!(bin_of(9_999.0), BINS - 1);
    }

    #[test]
    fn the_wait_covers_all_but_a_few_percent() {
        let every_tenth_late = learn(2_000, 0.0, |i| if i % 10 == 0 { 50.0 } else { 0.0 });
        let one_stall = learn(2_000, 0.0, |i| if i == 1_900 { 50.0 } else { 0.0 });

        assert!((50.0..=54.0).contains(&every_tenth_late.wait()));
        assert!(one_stall.wait() <= 2.25);
    }

    #[test]
    fn a_sender_whose_clock_stood_still_is_not_late_from_then_on() {
        let start = crate::testing::an_instant();
        let mut delay = Delay::default();
        for i in 0..200 {
            let media = f64::from(i) * 20.0;
            let held = if i >= 150 { 3_000.0 } else { 0.0 };
            let arrived = start + Duration::from_secs_f64((media + held) / 1_000.0);
            delay.on_packet(media, arrived);

            let lead = delay.lead(media, arrived);
            assert!(lead.abs() < 1.0, "{lead} ms at packet {i}");
        }
    }

    #[test]
    fn jitter_that_has_passed_is_forgotten() {
        let delay = learn(
            5_000,
            0.0,
            |i| if i < 2_000 && i % 3 == 0 { 80.0 } else { 0.0 },
        );

        assert!(delay.wait() <= 2.25, "{}", delay.wait());
    }

    #[test]
    fn a_sender_that_grows_a_little_later_does_not_drift() {
        // A third of a millisecond in the first 15 s, and no more.
        let drift = learn(750, 0.0, |i| f64::from(i) / 750.0 * 0.3).drift();

        assert_eq!(drift, 0.0);
    }

    #[test]
    fn drift_is_measured_under_jitter_and_none_is_invented() {
        // A fixed pattern of ±10 ms that repeats with no simple period.
        let jitter = |i: u32| f64::from(i.wrapping_mul(2_654_435_761) >> 16) / 65_536.0 * 20.0;
        for ppm in [-200.0, 200.0] {
            let drift = learn(4_000, ppm, jitter).drift();
            assert!((drift - ppm).abs() < 30.0, "{ppm} measured as {drift}");
        }
        let none = learn(4_000, 0.0, jitter).drift();
        assert!(none.abs() < 30.0, "{none}");
    }
}
