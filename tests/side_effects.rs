//! What the kernel does on the side, beside what the model does: the same `ip` commands played on both.

mod support;

#[path = "side_effects/addresses.rs"]
mod addresses;
#[path = "side_effects/bridges.rs"]
mod bridges;
#[path = "side_effects/errno.rs"]
mod errno;
#[path = "side_effects/links.rs"]
mod links;
#[path = "side_effects/netns.rs"]
mod netns;
#[path = "side_effects/picture.rs"]
mod picture;
#[path = "side_effects/play.rs"]
mod play;
#[path = "side_effects/random.rs"]
mod random;
#[path = "side_effects/routes.rs"]
mod routes;
#[path = "side_effects/script.rs"]
mod script;
#[path = "side_effects/settings.rs"]
mod settings;

use support::{Kind, on_machine};

use script::{Generation, Script};

/// Commands of `ip`, one a line, and what some of the namespaces have after them.
type Row<'a> = (&'a str, &'a [(&'a str, &'a [&'a str])]);

/// Plays the rows on a kernel and on the model, and compares all that either has after each command; after the last
/// command of a row it must be what the row says, too.
///
/// There is a netns `host` at first. A netns is worded as in [`picture::words`]. It is done twice: with the kernel's own
/// IPv6 address generation turned off, as in a lab, where link-local addresses are added and removed by command, and
/// with the kernel's own, which the model must know but for the differences that [`picture::alike`] names.
#[track_caller]
fn shows(rows: &[Row<'_>]) {
    on_machine(Kind::Root, |m| {
        for generation in [Generation::Off, Generation::Own] {
            let mut script = Script::new(generation);
            let mut expected = Vec::new();
            for (commands, after) in rows {
                for command in commands.lines().map(str::trim).filter(|line| !line.is_empty()) {
                    script.add(command);
                }
                expected.push((script.moments() - 1, *after));
            }
            let played = script.play(m);
            played.compare().unwrap_or_else(|difference| panic!("{difference}"));
            for (at, after) in expected {
                for (netns, words) in after {
                    let wanted = words.iter().map(ToString::to_string).collect::<Vec<_>>();
                    assert_eq!(played.netns(at, netns), wanted, "netns `{netns}` after `{}`", played.command(at));
                }
            }
        }
    });
}
