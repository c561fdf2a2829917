//! Trials: of each act, at each point that the command or the agent passes, each of the two killed, and both.

use std::fmt;

use crate::act::Act;
use crate::play::{Play, Point};
use crate::stage::{LAB, Stage};
use crate::support::kill_all;

/// Tries every kill of an act, after the act itself. Returns how many these were.
#[track_caller]
pub(crate) fn try_all(stage: &Stage<'_>, act: Act) -> usize {
    let points = act.record(stage);
    let mut trials = 0;
    for at in act.own(&points) {
        let point = &points[at];
        let had_passed =
            |place: &str| points[..=at].iter().any(|point| point.command != "agent" && point.place == place);
        let has_agent = match act {
            Act::Build | Act::BuildAndRemove | Act::Replace => point.command == "agent" || had_passed("agent made"),
            Act::Remove => !had_passed("agent has let go"),
            Act::Sweep => false,
        };
        let victims = [Victims::Command, Victims::Agent, Victims::Both];
        for victims in victims.into_iter().filter(|victims| has_agent || *victims == Victims::Command) {
            // A lab that is making room for another may be ending still, and would leave a word about what it meets.
            let with_foreign = act != Act::Replace && trials % 2 == 1;
            trials += usize::from(Trial { stage, act, point, victims, with_foreign }.play());
        }
    }
    trials
}

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victims {
    Command,
    Agent,
    Both,
}

/// One kill.
struct Trial<'s, 'm> {
    stage: &'s Stage<'m>,
    act: Act,
    point: &'s Point,
    victims: Victims,
    /// Somebody else takes names that the lab would have had.
    with_foreign: bool,
}

impl fmt::Display for Trial<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {:?} killed at `{}`", self.act, self.victims, self.point)
    }
}

impl Trial<'_, '_> {
    /// Kills, and finds that nothing is left after at most one more command. Tells whether there was anybody to kill: `run` may have
    /// ended ahead of the agent's last point.
    #[track_caller]
    fn play(&self) -> bool {
        // For whoever reads of a failure.
        eprintln!("{self}");
        let Self { stage, act, .. } = self;
        let (mut play, running) = act.begin(stage);
        let halt = play.until(|point| point == self.point);
        // The agent that has just been made is at its first point, or will be soon.
        let is_beginning = play.has_passed("run", "agent made") && !play.has_begun("agent");
        let other = is_beginning.then(|| play.until(|point| point.command == "agent"));
        let commands: &[&str] = match self.victims {
            Victims::Command => &[act.command()],
            Victims::Agent => &["agent"],
            Victims::Both => &[act.command(), "agent"],
        };
        let living = commands.iter().filter(|command| !play.is_gone(command));
        let victims: Vec<_> = living.filter_map(|command| play.pid(command)).collect();
        kill_all(&victims);
        [Some(halt), other].into_iter().flatten().for_each(|halt| halt.go_on());
        play.go_on_until(|play| play.is_gone(act.command()) && (play.is_gone("agent") || self.stays(play)));
        let may_stand = self.may_stand(&play);
        drop(play);
        drop(running.wait());

        let foreign = self.with_foreign.then(|| stage.put_foreign());
        if !stage.machine.labs().is_empty() {
            assert!(may_stand, "a lab stands that should not");
            stage.machine.orchestrator(&["down", LAB]).success();
        }
        if let Some(foreign) = foreign {
            foreign.take();
        }
        stage.is_as_before();
        !victims.is_empty()
    }

    /// Tells whether the agent lives on by itself, as its lab is complete and nobody has asked it to end.
    fn stays(&self, play: &Play<'_>) -> bool {
        match self.act {
            Act::Build | Act::Replace => play.has_passed("agent", "completed"),
            Act::Remove => self.victims == Victims::Command && self.point.place == "agent to be asked",
            Act::BuildAndRemove | Act::Sweep => false,
        }
    }

    /// Tells whether a lab may stand: this one, or that which was not replaced yet.
    fn may_stand(&self, play: &Play<'_>) -> bool {
        let old_may = self.act == Act::Replace && !play.has_passed("agent", "replaced lab ended");
        old_may || !play.is_gone("agent") && self.stays(play)
    }
}
