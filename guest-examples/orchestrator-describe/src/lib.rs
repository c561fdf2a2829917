//! Has a scenario for `orchestrator` say what it is and takes.
//!
//! A crate of its own, as who depends on it has to export the interface: a program that does not say [`describe!`] can't be linked.
//!
//! ```no_run
//! use orchestrator_describe::{Argument, Description, describe, flag, integer, value};
//!
//! describe! {
//!     Description::new("Containers on a bridge")
//!         .argument(Argument::positional("containers", integer(1..=64)).summary("How many there are"))
//!         .argument(Argument::named("mtu", integer(68..=65535)).default(1500).summary("Their links' MTU"))
//!         .argument(flag("ipv6").summary("Give them IPv6 addresses too"))
//! }
//!
//! fn main() {
//!     let containers: u32 = value(0);
//!     println!("{containers} containers");
//! }
//! ```
//!
//! The arguments are checked before the scenario runs, and come in one form: the positional ones first, defaults filled in, then the
//! options with their names. So [`value`], [`option`] and [`is_given`] find them, and there is nothing left to check.

use std::env::args;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

#[doc(hidden)]
#[allow(missing_docs, reason = "WIT documents the items; what wit-bindgen adds of its own it does not")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "orchestrator:net/describes",
        pub_export_macro: true,
        default_bindings_module: "orchestrator_describe::bindings",
    });
}

pub use bindings::exports::orchestrator::net::describe::{
    Argument, DecimalRange, Description, Guest, IntegerRange, Position, Presence, ValueType,
};

/// Exports what an expression says as this scenario's [`Description`].
#[macro_export]
macro_rules! describe {
    ($description:expr) => {
        struct Described;

        impl $crate::Guest for Described {
            fn describe() -> $crate::Description {
                $description
            }
        }

        $crate::bindings::export!(Described with_types_in $crate::bindings);
    };
}

impl Description {
    /// A scenario that draws what `title` says.
    pub fn new(title: &str) -> Self {
        Self { title: title.into(), summary: String::new(), arguments: Vec::new() }
    }

    /// Says more about it.
    #[must_use]
    pub fn summary(self, summary: &str) -> Self {
        Self { summary: summary.into(), ..self }
    }

    /// Takes one argument more.
    #[must_use]
    pub fn argument(mut self, argument: Argument) -> Self {
        self.arguments.push(argument);
        self
    }
}

impl Argument {
    /// One that stands by itself, and has to be given unless it gets a default.
    pub fn positional(name: &str, of: ValueType) -> Self {
        Self::new(name, Position::Positional, of, Presence::Required)
    }

    /// One that stands behind its name, and need not be given.
    pub fn named(name: &str, of: ValueType) -> Self {
        Self::new(name, Position::Named, of, Presence::Optional)
    }

    fn new(name: &str, position: Position, type_: ValueType, presence: Presence) -> Self {
        Self { name: name.into(), summary: String::new(), position, type_, presence }
    }

    /// Says what it is for.
    #[must_use]
    pub fn summary(self, summary: &str) -> Self {
        Self { summary: summary.into(), ..self }
    }

    /// Gives it a value where the user gives none.
    #[must_use]
    pub fn default(self, value: impl Display) -> Self {
        Self { presence: Presence::Default(value.to_string()), ..self }
    }

    /// Says that it has to be given.
    #[must_use]
    pub fn required(self) -> Self {
        Self { presence: Presence::Required, ..self }
    }

    /// Says that it need not be given.
    #[must_use]
    pub fn optional(self) -> Self {
        Self { presence: Presence::Optional, ..self }
    }
}

/// An option without a value.
pub fn flag(name: &str) -> Argument {
    Argument::named(name, ValueType::Flag)
}

/// Whole numbers of a range.
pub fn integer(range: RangeInclusive<i64>) -> ValueType {
    ValueType::Integer(IntegerRange { min: *range.start(), max: *range.end() })
}

/// Numbers of a range.
pub fn decimal(range: RangeInclusive<f64>) -> ValueType {
    ValueType::Decimal(DecimalRange { min: *range.start(), max: *range.end() })
}

/// One of these texts.
pub fn choice(texts: &[&str]) -> ValueType {
    ValueType::Choice(texts.iter().map(|text| (*text).to_owned()).collect())
}

/// Returns the value of a positional argument, counted from 0.
///
/// # Panics
///
/// If there is none, or none of that type: the description says otherwise then.
pub fn value<T: FromStr>(at: usize) -> T {
    optional_value(at).unwrap_or_else(|| panic!("positional argument {at} is not there, as the description allows"))
}

/// Returns the value of a positional argument that need not be given, counted from 0.
///
/// # Panics
///
/// If it is none of that type: the description says otherwise then.
pub fn optional_value<T: FromStr>(at: usize) -> Option<T> {
    // No value begins so.
    let text = args().skip(1).take_while(|argument| !argument.starts_with("--")).nth(at)?;
    Some(text.parse().unwrap_or_else(|_| panic!("positional argument {at} is not what the description says")))
}

/// Returns the value of an option, if it has one.
///
/// # Panics
///
/// If it is none of that type: the description says otherwise then.
pub fn option<T: FromStr>(name: &str) -> Option<T> {
    let name = format!("--{name}");
    let text = args().skip(1).skip_while(|argument| *argument != name).nth(1)?;
    Some(text.parse().unwrap_or_else(|_| panic!("the value of `{name}` is not what the description says")))
}

/// Tells whether a flag was given.
pub fn is_given(name: &str) -> bool {
    args().skip(1).any(|argument| argument.strip_prefix("--") == Some(name))
}
