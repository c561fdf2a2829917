//! The forms in which findings are handed on.

mod plot;
mod report;
mod table;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};

use crate::findings::Findings;

pub(crate) use plot::write_plot;
pub(crate) use report::write_report;
pub(crate) use table::table;

/// Writes all samples.
pub(crate) fn write_json(file: &Path, findings: &Findings) -> Result<()> {
    let target = File::create(file).with_context(|| format!("could not make `{}`", file.display()))?;
    let mut target = BufWriter::new(target);
    serde_json::to_writer_pretty(&mut target, findings)?;
    writeln!(target)?;
    Ok(target.flush()?)
}
