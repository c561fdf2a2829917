//! What an edit changes, in the words of `ip`.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::plan::Step;
use crate::topology::Place;

/// How many steps of each sort there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// They add something.
    pub added: usize,
    /// They change what stays.
    pub changed: usize,
    /// They remove something.
    pub removed: usize,
}

impl Counts {
    /// Counts steps.
    pub fn of(steps: &[Step]) -> Self {
        let count = |mark: char| steps.iter().filter(|step| self::mark(step) == mark).count();
        Self { added: count('+'), changed: count('~'), removed: count('-') }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} added, {} changed, {} removed", self.added, self.changed, self.removed)
    }
}

fn mark(step: &Step) -> char {
    match step {
        Step::AddNetns { .. }
        | Step::AddVeth { .. }
        | Step::AddBridge { .. }
        | Step::AddAddress { .. }
        | Step::AddRoute { .. } => '+',
        Step::RemoveNetns { .. } | Step::RemoveLink { .. } | Step::RemoveAddress { .. } | Step::RemoveRoute { .. } => {
            '-'
        }
        Step::SetForwarding { .. }
        | Step::SetAutoconfiguration { .. }
        | Step::SetNetns { .. }
        | Step::SetName { .. }
        | Step::SetUp { .. }
        | Step::SetDown { .. }
        | Step::SetMtu { .. }
        | Step::SetController { .. } => '~',
    }
}

/// Lists the steps of an edit, a line each, and says what is made anew because it can't be changed in place.
pub fn difference(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        let _ = writeln!(text, "{} {step}", mark(step));
    }
    let removed: HashSet<&Place> =
        steps.iter().filter_map(|step| if let Step::RemoveLink { link } = step { Some(link) } else { None }).collect();
    for step in steps {
        let made: Vec<&Place> = match step {
            Step::AddVeth { near, far, .. } => vec![&near.place, &far.place],
            Step::AddBridge { bridge } => vec![&bridge.place],
            _ => Vec::new(),
        };
        for place in made.into_iter().filter(|place| removed.contains(place)) {
            let _ = writeln!(text, "# link {place} is made anew: what differs can't be changed in place");
        }
    }
    let _ = match steps {
        [] => writeln!(text, "no change"),
        steps => writeln!(text, "{}", Counts::of(steps)),
    };
    text
}
