//! Text that is fit to be shown to a user, whatever it says.

/// Escapes what a terminal would obey, so that a stranger's text stays within its line and reads in its own order.
pub fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_obeyed(character) { shown.extend(character.escape_debug()) } else { shown.push(character) }
    }
    shown
}

/// Escapes the same of a text that has lines, which stay.
pub fn harmless_lines(text: &str) -> String {
    text.lines().map(harmless).collect::<Vec<_>>().join("\n")
}

/// Tells whether a character does something to those around it, or to the terminal, instead of being shown: controls, and those of
/// Unicode's format characters that turn text around, break a line, or hide (UAX 9, UTR 36). The two joiners are not among them:
/// scripts and emoji are written with them.
pub fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_terminal_obeys_is_changed() {
        assert_eq!(harmless("a\u{1b}[2J\nb"), "a\\u{1b}[2J\\nb");
        assert_eq!(harmless("don't say \"é\" \\o/"), "don't say \"é\" \\o/");
        assert_eq!(harmless("👩\u{200d}🌾"), "👩\u{200d}🌾");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(harmless_lines("a\u{1b}[2J\n\n\u{2028}b\r\n"), "a\\u{1b}[2J\n\n\\u{2028}b");
    }

    #[test]
    fn what_turns_text_around_or_hides_is_shown() {
        for (character, shown) in [
            ('\u{202e}', "\\u{202e}"),
            ('\u{2066}', "\\u{2066}"),
            ('\u{200b}', "\\u{200b}"),
            ('\u{feff}', "\\u{feff}"),
            ('\u{2028}', "\\u{2028}"),
            ('\u{e0041}', "\\u{e0041}"),
            ('\u{9b}', "\\u{9b}"),
        ] {
            assert_eq!(harmless(&format!("a{character}b")), format!("a{shown}b"));
        }
    }
}
