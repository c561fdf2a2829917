//! What is going on when somebody is killed.

use std::ops::Range;

use crate::play::{Play, Point};
use crate::stage::{LAB, Stage};
use crate::support::Running;

/// A command, and what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// `run`
    Build,
    /// `run --rm`
    BuildAndRemove,
    /// `run --replace` of a lab that stands
    Replace,
    /// `down`
    Remove,
    /// `list`, after the agent of a lab was killed
    Sweep,
}

/// All of them.
pub(crate) const ACTS: [Act; 5] = [Act::Build, Act::BuildAndRemove, Act::Replace, Act::Remove, Act::Sweep];

impl Act {
    /// The word that the command is called with.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Act::Build | Act::BuildAndRemove | Act::Replace => "run",
            Act::Remove => "down",
            Act::Sweep => "list",
        }
    }

    /// Sees to what the command is to find, and starts it.
    #[track_caller]
    pub(crate) fn begin<'m>(self, stage: &Stage<'m>) -> (Play<'m>, Running<'m>) {
        let mut play = Play::begin(stage.machine);
        let words = match self {
            Act::Build => stage.run(&[]),
            Act::BuildAndRemove => stage.run(&["--rm"]),
            Act::Replace => {
                stage.stand();
                stage.run(&["--replace"])
            }
            Act::Remove => {
                // This agent has to halt too.
                let building = play.start(&stage.run(&[]));
                play.go_on_until(|play| play.is_gone("run") && play.has_passed("agent", "completion told"));
                building.wait().success();
                play.begin_anew();
                vec!["down".to_owned(), LAB.to_owned()]
            }
            Act::Sweep => {
                stage.stand();
                stage.machine.kill_agent(LAB);
                vec!["list".to_owned()]
            }
        };
        let running = play.start(&words);
        (play, running)
    }

    /// Picks the points that are this act's own: the others are passed by [`Act::Build`] in the same way.
    pub(crate) fn own(self, points: &[Point]) -> Range<usize> {
        let first = |places: &[&str]| points.iter().position(|point| places.contains(&point.place.as_str()));
        match self {
            Act::Build | Act::Remove | Act::Sweep => 0..points.len(),
            Act::BuildAndRemove => first(&["let go", "end begun"]).expect("it is removed")..points.len(),
            // The old lab is there no more when the first of the new one is built.
            Act::Replace => 0..1 + first(&["batch sent"]).expect("it is built"),
        }
    }

    /// Goes through it without a kill, and lists its points.
    #[track_caller]
    pub(crate) fn record(self, stage: &Stage<'_>) -> Vec<Point> {
        let (mut play, running) = self.begin(stage);
        let stands = matches!(self, Act::Build | Act::Replace);
        play.go_on_until(|play| {
            let agent_is_through =
                if stands { play.has_passed("agent", "completion told") } else { play.is_gone("agent") };
            play.has_begun(self.command()) && play.is_gone(self.command()) && agent_is_through
        });
        running.wait().success();
        let points = play.passed().to_vec();
        drop(play);
        if stands {
            stage.machine.orchestrator(&["down", LAB]).success();
        }
        stage.is_as_before();
        points
    }
}
