//! Tables without lines, as `kubectl` and `docker` print them.

use comfy_table::Table;
use comfy_table::presets::NOTHING;

/// Lays rows out in columns below a heading, indented by `indent`.
pub(super) fn table<const N: usize>(
    indent: &str,
    heading: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(heading);
    for row in rows {
        table.add_row(row);
    }
    // The columns bring a space of padding on both sides.
    for column in table.column_iter_mut() {
        column.set_padding((0, 3));
    }
    table.lines().map(|line| format!("{indent}{}\n", line.trim_end())).collect()
}

/// What stands in a cell that has nothing.
pub(super) fn or_dash(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "-".into(), |text| text.to_string())
}
