//! What `run` and `plan` warn of.

use std::fmt::Write as _;

use crate::topology::Warning;

/// More than this are counted and not shown: a mistake in a loop would fill the screen.
const SHOWN: usize = 20;

/// Says what is surely a mistake, one a line.
pub fn warnings(warnings: &[Warning]) -> String {
    let mut text = String::new();
    for warning in &warnings[..warnings.len().min(SHOWN)] {
        let _ = writeln!(text, "warning: {warning}");
    }
    if warnings.len() > SHOWN {
        let _ = writeln!(text, "warning: {} more like these", warnings.len() - SHOWN);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_warnings_end_with_how_many_more_there_are() {
        let warning = Warning { place: "link `a`".into(), what: "is down".into(), advice: "set it up".into() };
        assert_eq!(warnings(&vec![warning.clone(); 2]), "warning: link `a` is down; set it up\n".repeat(2));
        let text = warnings(&vec![warning; 25]);
        assert_eq!(text.lines().count(), SHOWN + 1);
        assert!(text.ends_with("warning: 5 more like these\n"), "{text}");
        assert_eq!(warnings(&[]), "");
    }
}
