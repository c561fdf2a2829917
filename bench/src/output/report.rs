//! The table within a document.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::table::markdown;
use crate::findings::Findings;

const BEGIN: &str = "<!-- bench: begin -->\n";
const END: &str = "<!-- bench: end -->\n";

/// Replaces what is between the two marks of a document, and nothing else of it.
pub(crate) fn write_report(file: &Path, findings: &Findings) -> Result<()> {
    let document = fs::read_to_string(file).with_context(|| format!("could not read `{}`", file.display()))?;
    let document = replace(&document, &report(findings))
        .with_context(|| format!("`{}` has no lines `{}` and `{}`", file.display(), BEGIN.trim(), END.trim()))?;
    fs::write(file, document).with_context(|| format!("could not write `{}`", file.display()))
}

fn report(findings: &Findings) -> String {
    let machine = &findings.machine;
    format!(
        "{}, on {} x {}, Linux {}. The medians of {} runs; the load at their start was {}.\n\n{}",
        machine.date,
        machine.cores,
        machine.cpu,
        machine.kernel,
        findings.runs,
        machine.load,
        markdown(findings)
    )
}

fn replace(document: &str, report: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{report}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_goes_between_its_marks_again_and_again() {
        let once = replace(&format!("a\n{BEGIN}old\n{END}b\n"), "new\n").unwrap();
        assert_eq!(once, format!("a\n{BEGIN}\nnew\n\n{END}b\n"));
        assert_eq!(replace(&once, "new\n"), Some(once));
        assert_eq!(replace("no marks", "new"), None);
    }
}
