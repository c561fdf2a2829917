//! A call that plays another one many times.

use crate::answer::{Answer, Refusal};
use crate::call::{Call, Calls};
use crate::fields::Fields;

pub(crate) const CALLS: Calls = &[("repeat", repeat)];

/// Plays the call in the fields behind the number, with `{}` replaced by 1, 2, ... up to it.
///
/// A refusal does not stop it, unless it ends the scenario: then it is the answer of the whole.
fn repeat(fields: &Fields) -> Answer {
    let count: u32 = fields.number(0)?;
    let pattern = fields.rest(1).join(",");

    let mut succeeded = 0;
    let mut first_refusal: Option<(u32, Refusal)> = None;
    for i in 1..=count {
        match Call::parse(&pattern.replace("{}", &i.to_string())).play() {
            Ok(_) => succeeded += 1,
            Err(refusal) if refusal.ends_scenario => return Err(refusal),
            Err(refusal) => {
                first_refusal.get_or_insert((i, refusal));
            }
        }
    }

    let summary = format!("{succeeded} of {count}");
    Ok(match first_refusal {
        None => summary,
        Some((i, refusal)) => format!("{summary}, refused at {i}: {refusal}"),
    })
}
