//! The plot: milliseconds a container against their number.

use std::path::Path;

use anyhow::{Result, ensure};
use plotters::prelude::*;

use crate::findings::{Curve, Findings};

const SIZE: (u32, u32) = (720, 440);
const FONT: (&str, u32) = ("sans-serif", 14);

/// Draws the curves as SVG. Both axes are logarithmic: what costs the same for each container is level.
pub(crate) fn write_plot(file: &Path, findings: &Findings) -> Result<()> {
    ensure!(!findings.curves.is_empty(), "the plot needs the rows `build`");
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let points = findings.curves.iter().flat_map(|curve| &curve.points);
    let (mut right, mut bottom, mut top) = (10, f64::INFINITY, 0.0_f64);
    for &(containers, ms) in points {
        right = right.max(containers);
        (bottom, top) = (bottom.min(ms), top.max(ms));
    }
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d((1..right * 2).log_scale(), (bottom / 2.0..top * 2.0).log_scale())?;
    chart
        .configure_mesh()
        .label_style(FONT)
        .axis_desc_style(FONT)
        .x_desc("containers")
        .y_desc("milliseconds a container")
        .y_label_formatter(&|ms| format!("{ms}"))
        .light_line_style(TRANSPARENT)
        .draw()?;
    for curve in &findings.curves {
        let style = style(curve);
        chart
            .draw_series(LineSeries::new(curve.points.iter().copied(), style).point_size(3))?
            .label(format!("{}, {}", curve.of, curve.account))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .label_font(FONT)
        .background_style(WHITE)
        .border_style(BLACK.mix(0.3))
        .draw()?;
    root.present()?;
    Ok(())
}

/// A colour a contender; root's is strong, the ordinary user's pale.
fn style(curve: &Curve) -> ShapeStyle {
    let colour = match curve.of {
        "orchestrator" => RGBColor(0, 114, 178),
        "ip -batch" => RGBColor(213, 94, 0),
        _ => RGBColor(0, 130, 90),
    };
    colour.mix(if curve.account == "root" { 1.0 } else { 0.5 }).stroke_width(2)
}
