//! What a run says of itself, as JSON and as a row of a table.

use serde::Serialize;

use crate::phones::Tally;

/// Milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Delay {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub members: usize,
    pub talkers: usize,
    pub calls_up: usize,
    pub seconds: f64,
    /// Packets received for each that was due, over all members.
    pub delivered_share: f64,
    /// Markers heard for each that was sent and should have been heard.
    pub markers_share: f64,
    /// From the mouth to an ear that plays packets as they come: packetisation (20 ms)
    /// included, a phone's own jitter buffer not.
    pub mouth_to_ear_ms: Option<Delay>,
    /// Server CPU-ms per member and second; absent when it is not on this machine.
    pub cpu_ms_per_member_second: Option<f64>,
    /// Resident memory a member adds, KiB.
    pub memory_kib_per_member: Option<f64>,
    /// How far the load tool itself fell behind, ms: delays below it mean little.
    pub tool_late_ms: f64,
}

impl Report {
    pub fn of(tally: Tally, talkers: usize, members: usize, calls_up: usize) -> Self {
        let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
        Self {
            members,
            talkers,
            calls_up,
            seconds: rounded(tally.seconds, 1),
            delivered_share: rounded(share(tally.received, tally.expected).min(1.0), 4),
            markers_share: rounded(
                share(tally.delays_ms.len() as u64, tally.markers_expected).min(1.0),
                4,
            ),
            mouth_to_ear_ms: percentiles(tally.delays_ms),
            cpu_ms_per_member_second: None,
            memory_kib_per_member: None,
            tool_late_ms: rounded(tally.late_ms, 1),
        }
    }

    pub const HEADINGS: &str =
        "members  up   delivered  heard   p50 ms  p95 ms  p99 ms  CPU-ms/member-s  KiB/member";

    pub fn row(&self) -> String {
        let figure = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let delay = self.mouth_to_ear_ms;
        format!(
            "{:7}  {:<4} {:8.2} % {:5.1} %  {:>6}  {:>6}  {:>6}  {:>15}  {:>10}",
            self.members,
            self.calls_up,
            self.delivered_share * 100.0,
            self.markers_share * 100.0,
            figure(delay.map(|d| d.p50), 1),
            figure(delay.map(|d| d.p95), 1),
            figure(delay.map(|d| d.p99), 1),
            figure(self.cpu_ms_per_member_second, 3),
            figure(self.memory_kib_per_member, 0),
        )
    }
}

fn percentiles(mut delays: Vec<f64>) -> Option<Delay> {
    delays.sort_by(f64::total_cmp);
    let last = delays.len().checked_sub(1)?;
    let at = |share: f64| rounded(delays[(last as f64 * share).round() as usize], 1);
    Some(Delay {
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
    })
}

pub fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let delay = percentiles((1..=100).rev().map(f64::from).collect()).unwrap();

        assert_eq!((delay.p50, delay.p95, delay.p99), (51.0, 95.0, 99.0));
        assert!(percentiles(Vec::new()).is_none());
    }

    #[test]
    fn shares_are_of_what_was_due() {
        let tally = Tally {
            seconds: 10.0,
            expected: 1_000,
            received: 990,
            markers_expected: 40,
            delays_ms: vec![50.0; 30],
            late_ms: 0.0,
        };

        let report = Report::of(tally, 3, 2, 2);

        assert_eq!(report.delivered_share, 0.99);
        assert_eq!(report.markers_share, 0.75);
    }
}
