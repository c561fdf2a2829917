//! What a scenario says of itself: `wit/describe.wit` as checked values.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use ipnet::IpNet;
use thiserror::Error;

/// Characters of a title.
const LONGEST_TITLE: usize = 100;
/// Characters of what an argument is for, of a choice and of a default.
const LONGEST_LINE: usize = 200;
/// Characters of what there is to say about a scenario.
const LONGEST_SUMMARY: usize = 4000;
/// Bytes of the name of an argument.
const LONGEST_NAME: usize = 32;
/// Arguments, and texts to choose from.
const MOST: usize = 64;

/// What a scenario is, in its own words, which are a stranger's.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// What it draws, in a line.
    pub title: String,
    /// More about it.
    pub summary: String,
    /// What it takes.
    pub arguments: Vec<Argument>,
}

/// One argument of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub summary: String,
    /// Where it stands.
    pub position: Position,
    /// What its value is.
    pub value: ValueType,
    /// Whether it has to be given.
    pub presence: Presence,
}

/// Where an argument stands on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// By itself.
    Positional,
    /// Behind its name.
    Named,
}

/// What the value of an argument is.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueType {
    /// It has none.
    Flag,
    /// A whole number.
    Integer(RangeInclusive<i64>),
    /// A number.
    Decimal(RangeInclusive<f64>),
    /// Any text.
    Text,
    /// One of these texts.
    Choice(Vec<String>),
    /// An IP address.
    Address,
    /// An IP address with the length of its network's prefix.
    Cidr,
}

/// Whether an argument has to be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has to be.
    Required,
    /// It need not be.
    Optional,
    /// It need not be, and has this value then.
    Default(String),
}

/// Why a description can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DescriptionError {
    /// A text is too long, or not in one line.
    #[error("{of} has to be {rule}")]
    Text {
        /// Which text.
        of: String,
        /// What holds for it.
        rule: String,
    },
    /// There are more arguments than anybody types.
    #[error("it has {0} arguments, of which there may be {MOST}")]
    TooMany(usize),
    /// An argument has no name by which it can be given.
    #[error(
        "an argument can't be called `{0}`: a name has 1 to {LONGEST_NAME} of `a-z 0-9 -`, begins with a letter, and is not \
         `help`"
    )]
    Name(String),
    /// Two arguments have the same name.
    #[error("two arguments are called `{0}`")]
    Twice(String),
    /// What is said of an argument contradicts itself.
    #[error("of argument `{name}`, {what}")]
    Contradiction {
        /// Its name.
        name: String,
        /// Why it does.
        what: String,
    },
}

impl Description {
    /// Takes what a scenario says, if it can be used.
    pub fn check(self) -> Result<Self, DescriptionError> {
        line("its title", &self.title, LONGEST_TITLE)?;
        if self.title.trim().is_empty() {
            return Err(DescriptionError::Text { of: "its title".into(), rule: "more than nothing".into() });
        }
        if self.summary.chars().nth(LONGEST_SUMMARY).is_some() {
            let rule = format!("at most {LONGEST_SUMMARY} characters");
            return Err(DescriptionError::Text { of: "its summary".into(), rule });
        }
        if self.arguments.len() > MOST {
            return Err(DescriptionError::TooMany(self.arguments.len()));
        }
        let mut names = BTreeSet::new();
        let mut may_be_missing: Option<&Argument> = None;
        for argument in &self.arguments {
            argument.check()?;
            if !names.insert(argument.name.as_str()) {
                return Err(DescriptionError::Twice(argument.name.clone()));
            }
            if argument.position == Position::Positional {
                match (&argument.presence, may_be_missing) {
                    (Presence::Required, Some(before)) => {
                        return Err(argument
                            .contradicts(format!("it has to be given and follows `{}`, which has not", before.name)));
                    }
                    (Presence::Required, None) => {}
                    _ => may_be_missing = Some(argument),
                }
            }
        }
        Ok(self)
    }

    /// Returns what is typed behind `--`: `CONTAINERS [--ipv6]`.
    pub fn usage(&self) -> String {
        let arguments = self.at(Position::Positional).chain(self.at(Position::Named));
        arguments.map(Argument::usage).collect::<Vec<_>>().join(" ")
    }

    /// Returns the arguments that stand there, in order.
    pub fn at(&self, position: Position) -> impl Iterator<Item = &Argument> {
        self.arguments.iter().filter(move |argument| argument.position == position)
    }
}

impl Argument {
    /// Returns what its value is called: `CONTAINERS`.
    pub fn value_name(&self) -> String {
        self.name.to_uppercase()
    }

    /// Returns what its value stands behind: `--mtu`.
    pub fn option(&self) -> String {
        format!("--{}", self.name)
    }

    /// Returns what is typed for it: `CONTAINERS`, `--mtu MTU`.
    pub fn typed(&self) -> String {
        match (self.position, &self.value) {
            (Position::Positional, _) => self.value_name(),
            (Position::Named, ValueType::Flag) => self.option(),
            (Position::Named, _) => format!("{} {}", self.option(), self.value_name()),
        }
    }

    fn usage(&self) -> String {
        if self.presence == Presence::Required { self.typed() } else { format!("[{}]", self.typed()) }
    }

    fn contradicts(&self, what: String) -> DescriptionError {
        DescriptionError::Contradiction { name: self.name.clone(), what }
    }

    fn check(&self) -> Result<(), DescriptionError> {
        let name = self.name.as_str();
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let begins = name.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
        if !begins || name.len() > LONGEST_NAME || !name.bytes().all(allowed) || name == "help" {
            return Err(DescriptionError::Name(name.chars().take(2 * LONGEST_NAME).collect()));
        }
        line(&format!("the summary of argument `{name}`"), &self.summary, LONGEST_LINE)?;
        match &self.value {
            ValueType::Flag if self.position != Position::Named => {
                return Err(self.contradicts("a flag has to be named".into()));
            }
            ValueType::Flag if self.presence != Presence::Optional => {
                return Err(self.contradicts("a flag is optional".into()));
            }
            ValueType::Integer(range) if range.is_empty() => {
                return Err(self.contradicts(format!("no number is from {} to {}", range.start(), range.end())));
            }
            // What is no number is none here either.
            ValueType::Decimal(range) if range.is_empty() => {
                return Err(self.contradicts(format!("no number is from {} to {}", range.start(), range.end())));
            }
            ValueType::Choice(choices) => {
                if choices.is_empty() || choices.len() > MOST {
                    return Err(self.contradicts(format!("there is a choice between 1 and {MOST} texts")));
                }
                for (at, choice) in choices.iter().enumerate() {
                    if choice.is_empty() || choice.starts_with("--") || choices[..at].contains(choice) {
                        let what = format!("`{choice}` can't be chosen: it is empty, there twice, or begins with `--`");
                        return Err(self.contradicts(what));
                    }
                    line(&format!("a choice of argument `{name}`"), choice, LONGEST_LINE)?;
                }
            }
            _ => {}
        }
        if let Presence::Default(default) = &self.presence {
            line(&format!("the default of argument `{name}`"), default, LONGEST_LINE)?;
            if default.starts_with("--") {
                return Err(self.contradicts(format!("its default `{default}` begins with `--`, as names do")));
            }
            if let Err(why) = self.value.parse(default) {
                return Err(self.contradicts(format!("its default `{default}` is none of its values: {why}")));
            }
        }
        Ok(())
    }
}

impl ValueType {
    /// Tells whether a text is a value of this type, and if not what would be.
    pub fn parse(&self, text: &str) -> Result<(), String> {
        let is_one = match self {
            Self::Flag => false,
            Self::Integer(range) => text.parse().is_ok_and(|number: i64| range.contains(&number)),
            Self::Decimal(range) => text.parse().is_ok_and(|number: f64| number.is_finite() && range.contains(&number)),
            // Those are names.
            Self::Text => !text.starts_with("--"),
            Self::Choice(choices) => choices.iter().any(|choice| choice == text),
            Self::Address => text.parse::<IpAddr>().is_ok(),
            Self::Cidr => text.parse::<IpNet>().is_ok(),
        };
        match self {
            _ if is_one => Ok(()),
            Self::Choice(choices) => Err(format!("it is none of {}", choices.join(", "))),
            _ => Err(format!("it is no {}", self.words())),
        }
    }

    /// Says what a value is, without an article: `whole number from 1 to 64`.
    pub fn words(&self) -> String {
        match self {
            Self::Flag => "flag".into(),
            Self::Integer(range) => match (*range.start(), *range.end()) {
                (i64::MIN, i64::MAX) => "whole number".into(),
                (min, i64::MAX) => format!("whole number of at least {min}"),
                (i64::MIN, max) => format!("whole number of at most {max}"),
                (min, max) => format!("whole number from {min} to {max}"),
            },
            Self::Decimal(range) => match (*range.start(), *range.end()) {
                (..=f64::MIN, f64::MAX..) => "number".into(),
                (min, f64::MAX..) => format!("number of at least {}", short(min)),
                (..=f64::MIN, max) => format!("number of at most {}", short(max)),
                (min, max) => format!("number from {} to {}", short(min), short(max)),
            },
            Self::Text => "text that does not begin with `--`".into(),
            Self::Choice(choices) => format!("choice of {}", choices.join(", ")),
            Self::Address => "IP address, such as 172.16.0.2".into(),
            Self::Cidr => "IP address with a prefix length, such as 172.16.0.2/24".into(),
        }
    }
}

/// Writes a number without a row of zeros.
fn short(number: f64) -> String {
    if number == 0.0 || (1e-6..1e15).contains(&number.abs()) { number.to_string() } else { format!("{number:e}") }
}

fn line(of: &str, text: &str, longest: usize) -> Result<(), DescriptionError> {
    if text.chars().nth(longest).is_none() && !text.contains(char::is_control) {
        return Ok(());
    }
    Err(DescriptionError::Text { of: of.into(), rule: format!("one line of at most {longest} characters") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argument(name: &str, position: Position, value: ValueType, presence: Presence) -> Argument {
        Argument { name: name.into(), summary: "what it is for".into(), position, value, presence }
    }

    fn described(arguments: &[Argument]) -> Result<Description, DescriptionError> {
        Description { title: "A lab".into(), summary: String::new(), arguments: arguments.to_vec() }.check()
    }

    #[track_caller]
    fn refused(arguments: &[Argument], words: &str) {
        let error = described(arguments).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }

    use Position::{Named, Positional};
    use Presence::{Default, Optional, Required};

    #[test]
    fn usage_is_as_it_is_typed() {
        let described = described(&[
            argument("mode", Named, ValueType::Text, Required),
            argument("containers", Positional, ValueType::Integer(1..=9), Required),
            argument("ipv6", Named, ValueType::Flag, Optional),
            argument("gateway", Positional, ValueType::Address, Default("10.0.0.1".into())),
        ]);
        assert_eq!(described.unwrap().usage(), "CONTAINERS [GATEWAY] --mode MODE [--ipv6]");
    }

    #[test]
    fn names_can_be_typed_and_are_different() {
        for name in ["", "Nodes", "-x", "9", "a b", "help", "n\u{e4}", &"a".repeat(33)] {
            refused(&[argument(name, Named, ValueType::Text, Optional)], "can't be called");
        }
        let one = argument("one", Named, ValueType::Text, Optional);
        refused(&[one.clone(), one], "two arguments are called `one`");
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        refused(&[argument("a", Positional, ValueType::Flag, Optional)], "a flag has to be named");
        refused(&[argument("a", Named, ValueType::Flag, Required)], "a flag is optional");
        refused(
            &[argument("a", Named, ValueType::Integer(RangeInclusive::new(2, 1)), Optional)],
            "no number is from 2 to 1",
        );
        refused(&[argument("a", Named, ValueType::Decimal(0.0..=f64::NAN), Optional)], "no number is from 0 to NaN");
        refused(&[argument("a", Named, ValueType::Choice(Vec::new()), Optional)], "between 1 and 64 texts");
        for texts in [&[""][..], &["a", "a"], &["--a"]] {
            let choice = ValueType::Choice(texts.iter().map(|text| (*text).to_owned()).collect());
            refused(&[argument("a", Named, choice, Optional)], "can't be chosen");
        }
        refused(&[argument("a", Named, ValueType::Text, Default("--b".into()))], "begins with `--`, as names do");
        refused(&[argument("a", Named, ValueType::Integer(1..=3), Default("4".into()))], "its default `4` is none");
        let order = [
            argument("a", Positional, ValueType::Text, Optional),
            argument("b", Positional, ValueType::Text, Required),
        ];
        refused(&order, "it has to be given and follows `a`");
    }

    #[test]
    fn texts_are_short_and_in_one_line() {
        let titled = |title: &str| {
            Description { title: title.into(), summary: String::new(), arguments: Vec::new() }.check().map(drop)
        };
        assert_eq!(titled(&"\u{e4}".repeat(LONGEST_TITLE)), Ok(()));
        for title in ["", " ", "two\nlines", "a\u{1b}[31m", &"a".repeat(LONGEST_TITLE + 1)] {
            assert!(matches!(titled(title), Err(DescriptionError::Text { .. })), "{title}");
        }
        let long = Description { title: "A".into(), summary: "a".repeat(LONGEST_SUMMARY + 1), arguments: Vec::new() };
        assert!(matches!(long.check(), Err(DescriptionError::Text { .. })));
        refused(&vec![argument("a", Named, ValueType::Text, Optional); MOST + 1], "65 arguments");
    }

    #[test]
    fn values_are_told_from_others() {
        let choice = ValueType::Choice(vec!["a".into(), "b".into()]);
        for (value, right, wrong) in [
            (ValueType::Integer(1..=64), "64", "65"),
            (ValueType::Integer(i64::MIN..=i64::MAX), "-3", "3.5"),
            (ValueType::Decimal(0.0..=1.0), "0.5", "NaN"),
            (ValueType::Decimal(f64::MIN..=f64::INFINITY), "-1e300", "inf"),
            (ValueType::Text, "a --b", "--b"),
            (choice, "b", "c"),
            (ValueType::Address, "fd00::1", "10.0.0.1/8"),
            (ValueType::Cidr, "10.0.0.1/8", "10.0.0.1"),
            (ValueType::Cidr, "fd00::1/64", "10.0.0.1/33"),
        ] {
            assert_eq!(value.parse(right), Ok(()), "{right}");
            assert!(value.parse(wrong).unwrap_err().starts_with("it is no"), "{wrong}");
        }
    }
}
