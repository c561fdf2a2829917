//! The arguments of a scenario that says what it takes: checked before it runs, and told by `run MODULE -- --help`.

use clap::builder::{PossibleValuesParser, StyledStr, TypedValueParser, ValueParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::Failure;
use crate::module::{Argument, Description, Position, Presence, ValueType};
use crate::topology::{harmless, harmless_lines};

const HELP: &str = "--help";
const HELP_SHORT: &str = "-h";

/// Tells whether a scenario's arguments ask what it takes.
pub(super) fn ask_for_help(arguments: &[String]) -> bool {
    arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == HELP || argument == HELP_SHORT)
}

/// Says what a scenario takes, and how it is given that.
pub(super) fn help(description: &Description, module: &str) -> String {
    let title = harmless(&description.title);
    let summary = description.summary.trim();
    let about = if summary.is_empty() { title } else { format!("{title}\n\n{}", harmless_lines(summary)) };
    command(description, module).about(StyledStr::from(about)).render_help().to_string()
}

/// Says what a scenario takes alone, if it takes anything.
pub(super) fn takes(description: &Description, module: &str) -> String {
    if description.arguments.is_empty() {
        return String::new();
    }
    command(description, module).help_template("{all-args}").disable_help_flag(true).render_help().to_string()
}

/// Returns the arguments that a scenario gets: those of the user, if they are right, and the defaults of others, in the form that
/// `describe` in `wit/describe.wit` promises.
pub(super) fn checked(description: &Description, given: &[String], module: &str) -> Result<Vec<String>, Failure> {
    // `--help` was asked for before, by itself.
    match command(description, module).disable_help_flag(true).try_get_matches_from(given) {
        Ok(matches) => Ok(in_one_form(description, &matches)),
        Err(error) => Err(wrong(&error, module)),
    }
}

fn in_one_form(description: &Description, matches: &ArgMatches) -> Vec<String> {
    let value = |argument: &Argument| matches.get_one::<String>(&argument.name).cloned();
    let mut arguments: Vec<String> = description.at(Position::Positional).filter_map(value).collect();
    for option in description.at(Position::Named) {
        let name = option.option();
        if option.value == ValueType::Flag {
            // A flag is `false` where it is not there.
            arguments.extend((matches.value_source(&option.name) == Some(ValueSource::CommandLine)).then_some(name));
        } else if let Some(value) = value(option) {
            arguments.extend([name, value]);
        }
    }
    arguments
}

/// Makes a command line of a description. What its texts have in them that a terminal obeys is escaped.
fn command(description: &Description, module: &str) -> Command {
    let mut command = Command::new("scenario")
        .no_binary_name(true)
        .disable_version_flag(true)
        .override_usage(
            format!("orchestrator run {module} -- {}", description.usage()).trim_end_matches(" -- ").to_owned(),
        )
        .help_template("{about-with-newline}\n{usage-heading} {usage}\n\n{all-args}")
        .max_term_width(100)
        .color(clap::ColorChoice::Never);
    for argument in &description.arguments {
        command = command.arg(arg(argument));
    }
    command
}

fn arg(argument: &Argument) -> Arg {
    let mut arg = Arg::new(argument.name.clone()).help(told(argument)).value_name(argument.value_name());
    if argument.position == Position::Named {
        arg = arg.long(argument.name.clone());
    }
    if argument.value == ValueType::Flag {
        return arg.action(ArgAction::SetTrue);
    }
    arg = arg.value_parser(parser(&argument.value)).allow_negative_numbers(true).hide_possible_values(true);
    match &argument.presence {
        Presence::Required => arg.required(true),
        Presence::Optional => arg,
        Presence::Default(default) => arg.default_value(default.clone()).hide_default_value(true),
    }
}

fn parser(value: &ValueType) -> ValueParser {
    match value {
        ValueType::Choice(choices) => PossibleValuesParser::new(choices.clone()).map(|choice: String| choice).into(),
        value => {
            let value = value.clone();
            ValueParser::new(move |text: &str| value.parse(text).map(|()| text.to_owned()))
        }
    }
}

/// Says what an argument is for, what it may be, and what it is if it is not given.
fn told(argument: &Argument) -> String {
    let summary = harmless(argument.summary.trim());
    let mut notes = Vec::new();
    if !matches!(argument.value, ValueType::Flag | ValueType::Text) {
        notes.push(harmless(&argument.value.words()));
    }
    if let Presence::Default(default) = &argument.presence {
        notes.push(format!("default: {}", harmless(default)));
    }
    let notes = if notes.is_empty() { String::new() } else { format!("[{}]", notes.join("; ")) };
    [summary, notes].into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Says what is wrong with arguments in the words of the library, without its usage.
fn wrong(error: &clap::Error, module: &str) -> Failure {
    let text = error.render().to_string();
    let end = ["\n\nUsage:", "\n\n  tip:", "\n\nFor more"].iter().filter_map(|end| text.find(end)).min();
    let words = &text[..end.unwrap_or(text.len())];
    let words = words.strip_prefix("error: ").unwrap_or(words);
    let (first, rest) = words.split_once('\n').unwrap_or((words, ""));
    let rest: Vec<&str> = rest.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let separator = if error.kind() == ErrorKind::MissingRequiredArgument { " " } else { "; " };
    let words = [&[first][..], &rest].concat().join(separator);
    Failure::usage(format!("{}: {}", harmless(module), harmless(words.trim_end_matches(['.', '\n']))))
        .hint(format!("`orchestrator run {} -- --help` tells what it takes", harmless(module)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argument(name: &str, position: Position, value: ValueType, presence: Presence) -> Argument {
        Argument { name: name.into(), summary: format!("What {name} is for"), position, value, presence }
    }

    fn lab() -> Description {
        Description {
            title: "A lab".into(),
            summary: "It has\nbridges.".into(),
            arguments: vec![
                argument("mtu", Position::Named, ValueType::Integer(-5..=9000), Presence::Default("1500".into())),
                argument("nodes", Position::Positional, ValueType::Integer(1..=64), Presence::Required),
                argument("ipv6", Position::Named, ValueType::Flag, Presence::Optional),
                argument("loss", Position::Named, ValueType::Decimal(0.0..=1.0), Presence::Optional),
                argument(
                    "shape",
                    Position::Positional,
                    ValueType::Choice(vec!["star".into(), "ring".into()]),
                    Presence::Default("star".into()),
                ),
            ],
        }
        .check()
        .unwrap()
    }

    #[track_caller]
    fn given(arguments: &[&str]) -> Result<Vec<String>, String> {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        checked(&lab(), &arguments, "lab").map_err(|failure| failure.error.to_string())
    }

    #[test]
    fn arguments_come_in_one_form() {
        let form = |given: &[&str], wanted: &str| {
            assert_eq!(self::given(given).unwrap().join(" "), wanted);
        };
        form(&["7"], "7 star --mtu 1500");
        form(&["--ipv6", "7", "--mtu=-5", "ring"], "7 ring --mtu -5 --ipv6");
        form(&["--loss", "0.5", "--mtu", "-1", "--", "7"], "7 star --mtu -1 --loss 0.5");
    }

    #[test]
    fn wrong_arguments_are_told_in_a_line() {
        for (arguments, words) in [
            (&[][..], "lab: the following required arguments were not provided: <NODES>"),
            (&["65"], "lab: invalid value '65' for '<NODES>': it is no whole number from 1 to 64"),
            (&["7", "--loss", "2"], "lab: invalid value '2' for '--loss <LOSS>': it is no number from 0 to 1"),
            (&["7", "mesh"], "lab: invalid value 'mesh' for '[SHAPE]'; [possible values: star, ring]"),
            (&["7", "ring", "8"], "lab: unexpected argument '8' found"),
            (&["7", "--ipv4"], "lab: unexpected argument '--ipv4' found"),
            (&["7", "--loss"], "lab: a value is required for '--loss <LOSS>' but none was supplied"),
            (&["7", "-host"], "lab: unexpected argument '-h' found"),
            (&["--", "--ipv6"], "lab: invalid value '--ipv6' for '<NODES>': it is no whole number from 1 to 64"),
            (&["7", "--ipv6", "--ipv6"], "lab: the argument '--ipv6' cannot be used multiple times"),
        ] {
            assert_eq!(given(arguments).unwrap_err(), words);
        }
    }

    #[test]
    fn help_is_asked_for_by_an_argument_of_its_own() {
        let asks = |arguments: &[&str]| {
            ask_for_help(&arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<_>>())
        };
        assert!(asks(&["--help"]) && asks(&["7", "-h"]));
        assert!(!asks(&[]) && !asks(&["--", "--help"]) && !asks(&["--helper"]));
    }

    #[test]
    fn help_tells_types_ranges_and_defaults() {
        let help = help(&lab(), "lab");
        for words in [
            "A lab\n\nIt has\nbridges.\n\nUsage: orchestrator run lab -- NODES [SHAPE] [--mtu MTU] [--ipv6] [--loss LOSS]",
            "What nodes is for [whole number from 1 to 64]",
            "What shape is for [choice of star, ring; default: star]",
            "What mtu is for [whole number from -5 to 9000; default: 1500]",
            "What ipv6 is for",
        ] {
            assert!(help.contains(words), "{words}: {help}");
        }
    }

    #[test]
    fn texts_of_a_stranger_do_nothing_to_a_terminal() {
        let mut lab = lab();
        lab.title = "\u{1b}[2J".into();
        lab.arguments[0].summary = "\u{1b}[31m".into();
        assert!(!help(&lab, "lab").contains('\u{1b}'));
    }
}
