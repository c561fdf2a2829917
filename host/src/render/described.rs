//! What a scenario says of itself.

use serde_json::{Value, json};

use super::table::table;
use crate::module::{Argument, Description, Position, Presence, ValueType};
use crate::topology::{harmless, harmless_lines};

/// Says it in a line, with a table of the arguments.
pub(super) fn described_text(description: &Description) -> String {
    let mut text = format!("it says: {}\n", harmless(&description.title));
    if description.arguments.is_empty() {
        return text;
    }
    let row = |argument: &Argument| {
        let default = match &argument.presence {
            Presence::Required => "required".into(),
            Presence::Optional => "-".into(),
            Presence::Default(default) => harmless(default),
        };
        [argument.typed(), harmless(&argument.value.words()), default, harmless(&argument.summary)]
    };
    text += "\nIt takes:\n";
    text += &table("  ", ["ARGUMENT", "VALUE", "DEFAULT", "FOR"], description.arguments.iter().map(row));
    text
}

/// Returns it as an object.
pub(super) fn described_json(description: &Description) -> Value {
    let argument = |argument: &Argument| {
        let (ty, range, choices) = match &argument.value {
            ValueType::Flag => ("flag", None, None),
            ValueType::Integer(range) => ("integer", Some(json!([range.start(), range.end()])), None),
            ValueType::Decimal(range) => ("decimal", Some(json!([range.start(), range.end()])), None),
            ValueType::Text => ("text", None, None),
            ValueType::Choice(choices) => {
                ("choice", None, Some(choices.iter().map(|choice| harmless(choice)).collect::<Vec<_>>()))
            }
            ValueType::Address => ("address", None, None),
            ValueType::Cidr => ("cidr", None, None),
        };
        let default = if let Presence::Default(default) = &argument.presence { Some(harmless(default)) } else { None };
        json!({
            "name": argument.name,
            "summary": harmless(&argument.summary),
            "position": if argument.position == Position::Named { "named" } else { "positional" },
            "type": ty,
            "range": range,
            "choices": choices,
            "required": argument.presence == Presence::Required,
            "default": default,
        })
    };
    json!({
        "title": harmless(&description.title),
        "summary": harmless_lines(&description.summary),
        "usage": description.usage(),
        "arguments": description.arguments.iter().map(argument).collect::<Vec<_>>(),
    })
}
