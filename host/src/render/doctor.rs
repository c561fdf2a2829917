//! `orchestrator doctor`

use serde_json::{Value, json};

use super::table::table;
use crate::topology::harmless;

/// Something that was examined.
pub struct Finding<'a> {
    /// What it belongs to.
    pub group: &'a str,
    /// What it is about.
    pub name: &'a str,
    /// `yes`, `no` or `unknown`.
    pub state: &'a str,
    /// What was found.
    pub detail: &'a str,
    /// The way to change it.
    pub remedy: Option<&'a str>,
}

/// Columns that no line goes beyond, but for a word that is longer.
const WIDTH: usize = 90;
/// Where a remedy begins: below the names.
const INDENT: &str = "            ";
const ARROW: &str = "-> ";

/// Lays findings out in groups, one a line, each with the way to change it below.
pub fn doctor_table(findings: &[Finding<'_>]) -> String {
    let names = findings.iter().map(|finding| finding.name.chars().count()).max().unwrap_or_default();
    let room = WIDTH.saturating_sub(INDENT.len() + names + 3);
    let mut rows = Vec::new();
    let mut remedies = Vec::new();
    for finding in findings {
        let detail = wrap(&harmless(finding.detail), room);
        let more = detail.len().max(1) - 1;
        let mut detail = detail.into_iter();
        rows.push([finding.state.into(), finding.name.into(), detail.next().unwrap_or_default()]);
        rows.extend(detail.map(|line| [String::new(), String::new(), line]));
        remedies.push((more, finding));
    }
    let laid_out = table("  ", ["", "", ""], rows);
    let mut lines = laid_out.lines().skip(1);
    let mut text = String::new();
    let mut group = "";
    for (more, finding) in remedies {
        if finding.group != group {
            if !group.is_empty() {
                text.push('\n');
            }
            group = finding.group;
            text += &format!("{group}\n");
        }
        for line in lines.by_ref().take(1 + more) {
            text += &format!("{line}\n");
        }
        let remedy = wrap(&harmless(finding.remedy.unwrap_or_default()), WIDTH - INDENT.len() - ARROW.len());
        for (at, line) in remedy.iter().enumerate() {
            let mark = if at == 0 { ARROW } else { "   " };
            text += &format!("{INDENT}{mark}{line}\n");
        }
    }
    text
}

/// Returns findings as an array.
pub fn doctor_json(findings: &[Finding<'_>]) -> Value {
    let value = |finding: &Finding<'_>| {
        json!({
            "group": finding.group,
            "name": finding.name,
            "state": finding.state,
            "detail": finding.detail,
            "remedy": finding.remedy,
        })
    };
    findings.iter().map(value).collect()
}

/// Breaks text into lines of at most `width` columns between words.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedy_stands_below_its_finding_and_no_line_is_too_long() {
        let long = "a word ".repeat(30);
        let finding = |group, name, state, remedy| Finding { group, name, state, detail: &long, remedy };
        let text = doctor_table(&[
            finding("one", "first", "yes", None),
            finding("one", "second one", "unknown", Some(&*long)),
            finding("two", "third", "no", Some("do")),
        ]);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH && line.trim_end() == line), "{text}");
        let columns: Vec<&str> =
            text.lines().filter(|line| !line.contains("-> ") && line.contains(" a word")).collect();
        let groups: Vec<&str> = text.lines().filter(|line| !line.starts_with(' ')).collect();
        assert_eq!(groups, ["one", "", "two"]);
        let first = columns[0].find("a word");
        assert!(columns.iter().all(|line| line.find("a word") >= first || line.starts_with(INDENT)), "{text}");
        assert!(text.ends_with("            -> do\n"), "{text}");
    }

    #[test]
    fn words_stay_whole() {
        assert_eq!(wrap("a bc  def ghijklmn", 6), ["a bc", "def", "ghijklmn"]);
        assert!(wrap("", 6).is_empty());
    }
}
