//! The table.

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{Table, TableStyle};

use crate::findings::{Findings, Row, Target};
use crate::sample::Series;

const HEADING: [&str; 7] = ["as", "what", "ours", "the other", "ratio", "target", ""];

/// Lays the rows out for a terminal.
pub(crate) fn table(findings: &Findings) -> String {
    lay_out(findings, NOTHING)
}

/// The same in Markdown.
pub(super) fn markdown(findings: &Findings) -> String {
    lay_out(findings, ASCII_MARKDOWN)
}

fn lay_out(findings: &Findings, style: TableStyle) -> String {
    let mut table = Table::new();
    table.load_style(style).set_header(HEADING);
    for row in &findings.rows {
        table.add_row(cells(row));
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn cells(row: &Row) -> [String; 7] {
    let unit = if row.other.is_some() { "x".to_owned() } else { format!(" {}", row.ours.unit) };
    let target = match row.target {
        None => String::new(),
        Some(Target::AtLeast(bound)) => format!("at least {bound}{unit}"),
        Some(Target::AtMost(bound)) => format!("at most {bound}{unit}"),
    };
    [
        row.account.to_owned(),
        row.what.clone(),
        median(&row.ours),
        row.other.as_ref().map_or_else(String::new, |other| format!("{} ({})", median(other), other.of)),
        if row.other.is_some() { format!("{}x", figures(row.figure)) } else { String::new() },
        target,
        row.verdict().to_owned(),
    ]
}

fn median(series: &Series) -> String {
    format!("{} {}", figures(series.median), series.unit)
}

/// Three figures of a number, at least those before the point.
fn figures(number: f64) -> String {
    let places = match number.abs() {
        below if below < 10.0 => 2,
        below if below < 100.0 => 1,
        _ => 0,
    };
    format!("{number:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_figures_and_all_before_the_point() {
        assert_eq!([0.456, 9.5, 12.34, 123.4, 1234.0].map(figures), ["0.46", "9.50", "12.3", "123", "1234"]);
    }
}
