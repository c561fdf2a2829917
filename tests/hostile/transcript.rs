//! What commands have said, as text that shows every byte that matters: `1>` is stdout, `2>` stderr.

use std::fmt::Write as _;

use crate::support::Outcome;

/// A stream that says more bytes than that is told by its length.
const LONG: usize = 8192;

/// Writes down a command and how it ended.
pub(crate) fn record(command: &str, outcome: &Outcome) -> String {
    let mut text = format!("$ {command}\n");
    for (mark, said) in [("1>", outcome.stdout()), ("2>", outcome.stderr())] {
        if said.len() > LONG {
            let _ = writeln!(text, "{mark} ({} bytes)", said.len());
            continue;
        }
        for line in said.split_inclusive('\n') {
            let end = if line.ends_with('\n') { "" } else { " (no end of line)" };
            let _ = writeln!(text, "{}", format!("{mark} {}{end}", visible(line.trim_end_matches('\n'))).trim_end());
        }
    }
    let _ = writeln!(text, "= {}", outcome.code());
    text
}

/// Puts other characters in the place of those that can't be seen: Unicode's pictures for ASCII's, numbers for the rest. So what the
/// program escapes is told from what it does not.
fn visible(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    for character in line.chars() {
        match character {
            '\0'..'\x20' => shown.extend(char::from_u32(0x2400 + u32::from(character))),
            ' '..='~' => shown.push(character),
            letter if letter.is_alphabetic() => shown.push(letter),
            other => {
                let _ = write!(shown, "<U+{:04X}>", u32::from(other));
            }
        }
    }
    shown
}

/// Finds two texts equal, or says where they begin to differ.
pub(crate) fn compare(expected: &str, found: &str) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    let (mut one, mut other) = (expected.lines(), found.lines());
    let mut command = "";
    loop {
        match (one.next(), other.next()) {
            (Some(line), Some(same)) if line == same => {
                if line.starts_with("$ ") {
                    command = line;
                }
            }
            (expected, found) => {
                let [expected, found] = [expected, found].map(|line| line.unwrap_or("(no more)"));
                return Err(format!("{command}\nexpected {expected}\nfound    {found}"));
            }
        }
    }
}
