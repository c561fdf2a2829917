//! What was found: rows of a table, and curves.

use serde::Serialize;

use crate::account::Account;
use crate::machine::Machine;
use crate::sample::Series;

/// All that one call of this program has measured.
#[derive(Debug, Serialize)]
pub(crate) struct Findings {
    /// Where and when.
    pub(crate) machine: Machine,
    /// How many samples each figure has.
    pub(crate) runs: u32,
    /// The table.
    pub(crate) rows: Vec<Row>,
    /// The plot.
    pub(crate) curves: Vec<Curve>,
}

/// One thing that was measured, and what it should be.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Who ran it.
    pub(crate) account: &'static str,
    /// What it is.
    pub(crate) what: String,
    /// Our samples.
    pub(crate) ours: Series,
    /// Those of what ours are compared with.
    pub(crate) other: Option<Series>,
    /// The figure that the target speaks of: a ratio where there is another, or else our median.
    pub(crate) figure: f64,
    /// What the figure should be.
    pub(crate) target: Option<Target>,
}

/// A bound of a figure.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

/// How the time of one container depends on their number.
#[derive(Debug, Serialize)]
pub(crate) struct Curve {
    /// Who ran it.
    pub(crate) account: &'static str,
    /// Which contender.
    pub(crate) of: &'static str,
    /// Numbers of containers, and milliseconds a container.
    pub(crate) points: Vec<(u32, f64)>,
}

impl Findings {
    /// Begins with none.
    pub(crate) fn new(machine: Machine, runs: u32) -> Self {
        Self { machine, runs, rows: Vec::new(), curves: Vec::new() }
    }

    /// Adds how many times faster ours is than the other.
    pub(crate) fn faster(
        &mut self,
        account: &Account,
        what: String,
        ours: &Series,
        other: &Series,
        at_least: Option<f64>,
    ) {
        let figure = other.median / ours.median;
        self.add(account, what, ours, Some(other), figure, at_least.map(Target::AtLeast));
    }

    /// Adds how many times the other ours takes.
    pub(crate) fn times(
        &mut self,
        account: &Account,
        what: String,
        ours: &Series,
        other: &Series,
        at_most: Option<f64>,
    ) {
        let figure = ours.median / other.median;
        self.add(account, what, ours, Some(other), figure, at_most.map(Target::AtMost));
    }

    /// Adds what stands by itself.
    pub(crate) fn alone(&mut self, account: &Account, what: String, ours: &Series, at_most: Option<f64>) {
        self.add(account, what, ours, None, ours.median, at_most.map(Target::AtMost));
    }

    fn add(
        &mut self,
        account: &Account,
        what: String,
        ours: &Series,
        other: Option<&Series>,
        figure: f64,
        target: Option<Target>,
    ) {
        let (ours, other) = (ours.clone(), other.cloned());
        self.rows.push(Row { account: account.name, what, ours, other, figure, target });
    }
}

impl Row {
    /// `ok`, `short` of its target, or nothing where there is none.
    pub(crate) fn verdict(&self) -> &'static str {
        let met = match self.target {
            None => return "",
            Some(Target::AtLeast(bound)) => self.figure >= bound,
            Some(Target::AtMost(bound)) => self.figure <= bound,
        };
        if met { "ok" } else { "short" }
    }
}
