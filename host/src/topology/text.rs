//! Text of others, to be shown.

/// Shows control characters, which a terminal would obey, instead of passing them on.
pub fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() { shown.extend(character.escape_debug()) } else { shown.push(character) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_terminal_obeys_is_changed() {
        assert_eq!(harmless("a\u{1b}[2J\nb"), "a\\u{1b}[2J\\nb");
        assert_eq!(harmless("don't say \"é\" \\o/"), "don't say \"é\" \\o/");
    }
}
