//! Samples, and their median.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// What samples count.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Milliseconds,
    /// 1024 x 1024 bytes.
    Mebibytes,
    /// 1024 bytes.
    Kibibytes,
    /// Of `/proc/PID/stat`, 100 a second.
    Ticks,
    Descriptors,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Milliseconds => "ms",
            Self::Mebibytes => "MiB",
            Self::Kibibytes => "KiB",
            Self::Ticks => "ticks",
            Self::Descriptors => "descriptors",
        })
    }
}

/// What was measured of one contender.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Series {
    /// Whose samples these are.
    pub(crate) of: &'static str,
    /// What they count.
    pub(crate) unit: Unit,
    /// In the order in which they were taken.
    pub(crate) samples: Vec<f64>,
    /// The middle one, or the mean of the two in the middle.
    pub(crate) median: f64,
}

impl Series {
    /// Collects samples, of which there is at least one.
    pub(crate) fn new(of: &'static str, unit: Unit, samples: Vec<f64>) -> Self {
        let median = median(&samples);
        Self { of, unit, samples, median }
    }

    /// The same by `divisor`: what a container takes of what all take.
    pub(crate) fn per(&self, divisor: u32) -> Self {
        let share = self.samples.iter().map(|sample| sample / f64::from(divisor));
        Self::new(self.of, self.unit, share.collect())
    }

    /// What this takes more than `other`, pair by pair, as both were measured in turn.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let pairs = self.samples.iter().zip(&other.samples);
        Self::new(self.of, self.unit, pairs.map(|(ours, theirs)| ours - theirs).collect())
    }
}

/// A duration in milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle_or_between_the_two_middle_ones() {
        assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[9.0, 1.0, 2.0, 4.0]), 3.0);
    }

    #[test]
    fn difference_is_taken_pair_by_pair() {
        let of = |samples: &[f64]| Series::new("ours", Unit::Milliseconds, samples.to_vec());
        // A slow moment that both met doesn't show.
        assert_eq!(of(&[3.0, 30.0, 4.0]).minus(&of(&[1.0, 28.0, 1.0])).median, 2.0);
    }
}
