//! What a shell is told when the user asks it to go on: names of modules and labs, and what a scenario takes.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use clap::builder::StyledStr;
use clap::{ArgMatches, CommandFactory};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _};

use super::Cli;
use super::describe::describe;
use super::example::Example;
use super::libraries::LibraryFlags;
use super::limits::LimitFlags;
use super::project::is_folder;
use super::registry::{kept, reference_of};
use crate::lab;
use crate::module::{Argument, Description, Position, ValueType};
use crate::project::Project;
use crate::registry::Store;
use crate::sandbox;
use crate::script::RunLimits;
use crate::topology::harmless;

/// The variable by which the script of a shell has this program complete a line.
pub(super) const VARIABLE: &str = "ORCHESTRATOR_COMPLETE";
/// The variable in which the scripts of clap_complete pass on which word of the line is completed.
const INDEX: &str = "_CLAP_COMPLETE_INDEX";
/// So long a shell waits for what a scenario takes, which has to be compiled for that.
const PATIENCE: Duration = Duration::from_secs(2);

/// Completes a line, if that is what this process was started for.
pub(super) fn complete() {
    if env::var_os(VARIABLE).is_none() {
        return;
    }
    // A shell leaves it on the terminal, where the user types.
    sandbox::silence();
    CompleteEnv::with_factory(Cli::command).var(VARIABLE).complete();
}

/// MODULE.
pub(super) fn module() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| named(current, |example| !example.is_library()))
}

/// MODULE, or a library, and no project.
pub(super) fn module_or_library() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let mut candidates = named(current, |_| true);
        candidates.retain(|candidate| candidate.get_value() != ".");
        candidates
    })
}

/// The name of an example, a library or not.
pub(super) fn example() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| examples(current, |_| true))
}

/// REF of a module that is in the store.
pub(super) fn stored() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| references(current).map(CompletionCandidate::new).collect())
}

/// LANG of the example on the line.
pub(super) fn language_of_example() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let words: Vec<String> = env::args_os().map(lossy).collect();
        let named = words.iter().find_map(|word| Example::find(word));
        let languages: BTreeSet<&str> = Example::all()
            .filter(|example| named.is_none_or(|named| named.name == example.name))
            .flat_map(Example::languages)
            .collect();
        languages.into_iter().filter(|language| begins(language, current)).map(CompletionCandidate::new).collect()
    })
}

/// LIB.
pub(super) fn library() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| named(current, Example::is_library))
}

/// LAB.
pub(super) fn lab() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let labs = lab::list_own().unwrap_or_default();
        let names = labs.into_iter().map(|lab| lab.name.to_string());
        names.filter(|name| begins(name, current)).map(CompletionCandidate::new).collect()
    })
}

/// What a scenario takes.
pub(super) fn arguments() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| taken(current).unwrap_or_default())
}

fn begins(word: &str, current: &OsStr) -> bool {
    current.to_str().is_some_and(|current| word.starts_with(current))
}

fn candidate(word: &str, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(word).help(Some(StyledStr::from(harmless(help))))
}

fn examples(current: &OsStr, is_meant: impl Fn(&Example) -> bool) -> Vec<CompletionCandidate> {
    let examples = Example::all().filter(|example| is_meant(example) && begins(example.name, current));
    examples.map(|example| candidate(example.name, example.summary)).collect()
}

/// What is in the store.
fn references(current: &OsStr) -> impl Iterator<Item = String> {
    let stored = Store::find().ok().flatten().and_then(|store| store.list().ok());
    let names = stored.into_iter().flat_map(|(stored, _)| stored).map(|stored| stored.name);
    names.filter(move |name| begins(name, current))
}

/// Examples, what is in the store, and files.
fn named(current: &OsStr, is_meant: impl Fn(&Example) -> bool) -> Vec<CompletionCandidate> {
    let mut candidates = examples(current, is_meant);
    candidates.extend(references(current).map(CompletionCandidate::new));
    candidates.extend(PathCompleter::any().complete(current));
    candidates
}

/// The options that the scenario on the line has, and what may be chosen from, where the word `current` is.
fn taken(current: &OsStr) -> Option<Vec<CompletionCandidate>> {
    // Behind the first of them is the line, and behind the second what the scenario gets.
    let line: Vec<String> = env::args_os().skip_while(|word| word != "--").skip(1).map(lossy).collect();
    let end = line.iter().position(|word| word == "--")?;
    let (own, given) = (&line[..end], &line[end + 1..]);
    let matches = Cli::command().ignore_errors(true).try_get_matches_from(own).ok()?;
    let (_, matches) = matches.subcommand()?;
    let description = describe_of(matches)?;
    // Where a shell does not say where the cursor is, the line ends there.
    let cursor = env::var(INDEX).ok().and_then(|index| index.parse().ok()).unwrap_or(line.len() - 1);
    let (before, after) = given.split_at_checked(usize::checked_sub(cursor, end + 1)?)?;
    Some(candidates(&description, before, after.get(1..).unwrap_or_default(), current))
}

fn lossy(word: std::ffi::OsString) -> String {
    word.to_string_lossy().into_owned()
}

/// Asks the module on a line what it is, as far as it and its libraries are here and built.
fn describe_of(matches: &ArgMatches) -> Option<Description> {
    let module = here(matches.get_one::<String>("module")?)?;
    let libraries = matches.try_get_many::<String>("libraries").ok()?.into_iter().flatten();
    let libraries = libraries.map(|library| here(library)).collect::<Option<Vec<String>>>()?;
    let limits = RunLimits { time: PATIENCE, cpu: PATIENCE, ..LimitFlags::default().into() };
    let source = LibraryFlags::of(libraries).find(&module, limits.module).ok()?;
    describe(source, &limits, &module).ok()?
}

/// Returns a module that nothing has to be pulled or built for: of a project, the one that was built last.
fn here(module: &str) -> Option<String> {
    if is_folder(module) {
        let built = Project::find(Path::new(module)).ok()?.module();
        return built.is_file().then(|| built.to_string_lossy().into_owned());
    }
    if let Some(reference) = reference_of(module) {
        kept(&reference.ok()?).ok()??;
    }
    Some(module.to_owned())
}

/// Tells whether a text means nothing to any shell but itself.
fn is_word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.,:/@%+=-".contains(&byte);
    !text.is_empty() && !text.starts_with('-') && text.bytes().all(plain)
}

fn candidates(
    description: &Description,
    before: &[String],
    after: &[String],
    current: &OsStr,
) -> Vec<CompletionCandidate> {
    let waits = |option: &&Argument| option.value != ValueType::Flag && before.last() == Some(&option.option());
    if let Some(option) = description.at(Position::Named).find(waits) {
        return choices(option).filter(|choice| begins(choice, current)).map(|choice| candidate(choice, "")).collect();
    }
    let is_there = |option: &str| before.iter().chain(after).any(|word| word.split('=').next() == Some(option));
    let options = description.at(Position::Named).map(|option| (option.option(), option.summary.as_str()));
    let options = options.filter(|(option, _)| !is_there(option));
    let texts = description.at(Position::Positional).flat_map(choices).map(|choice| (choice.clone(), ""));
    let all = texts.chain(options).filter(|(word, _)| begins(word, current));
    all.map(|(word, help)| candidate(&word, help)).collect()
}

/// What an argument may be of a few. What a shell would not take for a word is not offered: it stands on the user's line as it is.
fn choices(argument: &Argument) -> impl Iterator<Item = &String> {
    let choices: &[String] = if let ValueType::Choice(choices) = &argument.value { choices } else { &[] };
    choices.iter().filter(|choice| is_word(choice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::Presence;

    #[test]
    fn options_are_offered_once_and_choices_behind_their_name() {
        let argument = |name: &str, position, value| Argument {
            name: name.into(),
            summary: format!("What {name} is for"),
            position,
            value,
            presence: Presence::Optional,
        };
        let shapes = ValueType::Choice(vec!["ring".into(), "star".into()]);
        let description = Description {
            title: "A lab".into(),
            summary: String::new(),
            arguments: vec![
                argument("mode", Position::Positional, ValueType::Choice(vec!["slow".into()])),
                argument("shape", Position::Named, shapes),
                argument("ipv6", Position::Named, ValueType::Flag),
            ],
        };
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
        let offered = |before: &[&str], current: &str, after: &[&str]| {
            let offered = candidates(&description, &words(before), &words(after), OsStr::new(current));
            offered.iter().map(|one| one.get_value().to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(offered(&[], "", &[]), "slow --shape --ipv6");
        assert_eq!(offered(&["--ipv6"], "--", &[]), "--shape");
        assert_eq!(offered(&["--shape"], "", &[]), "ring star");
        assert_eq!(offered(&["--shape"], "s", &[]), "star");
        assert_eq!(offered(&[], "--i", &[]), "--ipv6");
        assert_eq!(offered(&["--shape=star"], "--", &[]), "--ipv6");
        assert_eq!(offered(&["--shape"], "s", &["--ipv6"]), "star");
        assert_eq!(offered(&[], "--", &["--ipv6"]), "--shape");
    }

    #[test]
    fn what_a_shell_would_obey_is_not_offered() {
        assert!(is_word("ring") && is_word("10.0.0.1/8") && is_word("a=b"));
        for text in
            ["", "-x", "$(reboot)", "a b", "a;b", "a\u{b}b", "a\tb", "*", "~", "\u{1b}[2J", "\u{e4}", "a>b", "'"]
        {
            assert!(!is_word(text), "{text:?}");
        }
    }
}
