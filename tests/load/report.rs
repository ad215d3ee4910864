//! What a run says of itself, as JSON and as a row of a table.

use serde::Serialize;

use crate::{caller::Load, phones::Tally};

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
    pub rooms: usize,
    /// In each room.
    pub talkers: usize,
    pub codec: &'static str,
    pub calls_up: usize,
    pub seconds: f64,
    /// Packets received for each that was due, over all members.
    pub delivered_share: f64,
    /// Markers heard for each that was sent and should have been heard.
    pub markers_share: f64,
    /// From the sending of the packet that begins with the marker to the arrival of its
    /// first sample: neither end's packetisation, nor a phone's own jitter buffer.
    pub delay_ms: Option<Delay>,
    /// Server CPU-ms per member and second; absent when it is not on this machine.
    pub cpu_ms_per_member_second: Option<f64>,
    /// The same of a program that only returns each packet, measured before and after.
    pub reflector_ms_per_member_second: Option<f64>,
    /// From the INVITE to its answer, the median; ms.
    pub set_up_ms: Option<f64>,
    /// Resident memory a member adds, KiB.
    pub memory_kib_per_member: Option<f64>,
    /// How far the load tool itself fell behind, ms: delays below it mean little.
    pub tool_late_ms: f64,
}

impl Report {
    pub fn of(tally: Tally, load: &Load, calls_up: usize) -> Self {
        let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
        Self {
            members: load.members,
            rooms: load.rooms,
            talkers: load.talkers,
            codec: load.codec.name(),
            calls_up,
            seconds: rounded(tally.seconds, 1),
            delivered_share: rounded(share(tally.received, tally.expected).min(1.0), 4),
            markers_share: rounded(
                share(tally.delays_ms.len() as u64, tally.markers_expected).min(1.0),
                4,
            ),
            delay_ms: percentiles(tally.delays_ms),
            cpu_ms_per_member_second: None,
            reflector_ms_per_member_second: None,
            set_up_ms: None,
            memory_kib_per_member: None,
            tool_late_ms: rounded(tally.late_ms, 1),
        }
    }

    pub const HEADINGS: &str = "\
members rooms talk codec    up  delivered   heard   p50 ms  p95 ms  p99 ms  CPU-ms  bare  ratio  KiB  set-up  late";

    pub fn row(&self) -> String {
        let figure = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let delay = self.delay_ms;
        let (cost, bare) = (
            self.cpu_ms_per_member_second,
            self.reflector_ms_per_member_second,
        );
        format!(
            "{:7} {:5} {:4} {:5} {:5}  {:7.2} % {:5.1} %  {:>6}  {:>6}  {:>6}  {:>6} {:>5} {:>6} {:>4}  {:>6}  {:>4}",
            self.members,
            self.rooms,
            self.talkers,
            self.codec,
            self.calls_up,
            self.delivered_share * 100.0,
            self.markers_share * 100.0,
            figure(delay.map(|d| d.p50), 1),
            figure(delay.map(|d| d.p95), 1),
            figure(delay.map(|d| d.p99), 1),
            figure(cost, 3),
            figure(bare, 3),
            figure(cost.zip(bare).map(|(cost, bare)| cost / bare), 2),
            figure(self.memory_kib_per_member, 0),
            figure(self.set_up_ms, 1),
            figure(Some(self.tool_late_ms), 0),
        )
    }
}

pub fn median(values: Vec<f64>) -> Option<f64> {
    percentiles(values).map(|of| of.p50)
}

pub fn percentiles(mut delays: Vec<f64>) -> Option<Delay> {
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

        let load = Load {
            members: 2,
            rooms: 1,
            talkers: 1,
            codec: mixer::Codec::Pcmu,
            rate: 50,
            measure_for: std::time::Duration::from_secs(10),
        };
        let report = Report::of(tally, &load, 2);

        assert_eq!(report.delivered_share, 0.99);
        assert_eq!(report.markers_share, 0.75);
    }
}
