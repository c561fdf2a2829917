//! `orchestrator plan --format dot`: a picture for graphviz.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::drawing::{Drawing, LinkShape, NetnsBox, Shape, Wire, drawing};
use crate::topology::observed::Netns;

/// Light fills and dark lines, so that it can be read in print.
const HEAD: &str = r##"graph lab {
  graph [rankdir=LR, nodesep=0.2, ranksep=1.1, pad=0.2, fontname="Helvetica,Arial,sans-serif", fontsize=12, labeljust=l]
  node [shape=box, style="rounded,filled", fillcolor=white, color="#33475b", margin="0.12,0.06", fontname="Helvetica,Arial,sans-serif", fontsize=11]
  edge [color="#33475b", penwidth=1.5]
"##;
const BOX: &str = r##"style="rounded,filled", fillcolor="#eef2f7", color="#8fa3b8""##;
/// What is down is grey, and dashed where that can be.
const DOWN: &str = "#808080";

/// Draws a lab: a box for each netns with its links in it, each bridge with its ports, and lines between the ends of veths.
pub fn dot(lab: &[Netns]) -> String {
    let Drawing { boxes, wires } = drawing(lab);
    let mut text = HEAD.to_owned();
    // Where a line to a link ends.
    let mut ends: HashMap<usize, String> = HashMap::new();
    for (at, netns) in boxes.iter().enumerate() {
        let _ = writeln!(text, "  subgraph cluster_{at} {{\n    graph [{BOX}, label=<{}>]", netns_label(netns));
        if netns.shapes.is_empty() {
            let _ = writeln!(text, "    e{at} [shape=plain, style=\"\", fontcolor=\"{DOWN}\", label=\"no links\"]");
        }
        for shape in &netns.shapes {
            write_shape(&mut text, shape);
            ends.insert(shape.link.id, format!("n{}", shape.link.id));
            ends.extend(shape.ports.iter().map(|port| (port.id, format!("n{}:p{}", shape.link.id, port.id))));
        }
        text.push_str("  }\n");
    }
    for Wire { from, to, carries } in &wires {
        let style = if *carries { String::new() } else { format!(" [style=dashed, color=\"{DOWN}\"]") };
        if let (Some(from), Some(to)) = (ends.get(from), ends.get(to)) {
            // Links are numbered as they are drawn, so a line goes from left to right; by the side it crosses no label.
            let _ = writeln!(text, "  {from}:e -- {to}:w{style}");
        }
    }
    text.push_str("}\n");
    text
}

fn netns_label(netns: &NetnsBox) -> String {
    let mut label = format!("<B>{}</B><BR ALIGN=\"LEFT\"/>", escaped(&netns.name));
    for note in &netns.notes {
        let _ = write!(label, "<FONT POINT-SIZE=\"10\">{}</FONT><BR ALIGN=\"LEFT\"/>", escaped(note));
    }
    label
}

fn write_shape(text: &mut String, shape: &Shape) {
    let Shape { link, is_bridge, ports } = shape;
    if !is_bridge {
        let style = if link.up { "" } else { "style=\"rounded,filled,dashed\", color=\"#808080\", " };
        let _ = writeln!(text, "    n{} [{style}label=<{}>]", link.id, link_label(link));
        return;
    }
    // Its ports are sides of it, so a bridge is one node, with a place for a line at each.
    let _ = write!(
        text,
        "    n{} [shape=plain, style=\"\", label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"5\" \
         COLOR=\"#33475b\"><TR><TD BGCOLOR=\"#d5e0ec\">{}</TD></TR>",
        link.id,
        link_label(link)
    );
    for port in ports {
        let _ = write!(text, "<TR><TD PORT=\"p{}\" BGCOLOR=\"white\">{}</TD></TR>", port.id, link_label(port));
    }
    text.push_str("</TABLE>>]\n");
}

fn link_label(link: &LinkShape) -> String {
    let mut label = format!("<B>{}</B>", escaped(&link.name));
    for note in &link.notes {
        let _ = write!(label, "<BR/>{}", escaped(note));
    }
    if link.up { label } else { format!("<FONT COLOR=\"{DOWN}\">{label}</FONT>") }
}

/// Escapes text within a label, which is much like HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::sample::lab;
    use super::*;

    #[test]
    fn bridge_is_a_table_and_lines_end_at_its_ports() {
        let picture = dot(&lab());
        assert!(picture.starts_with("graph lab {\n") && picture.ends_with("\n}\n"), "{picture}");
        for part in [
            "graph [style=\"rounded,filled\", fillcolor=\"#eef2f7\", color=\"#8fa3b8\", label=<<B>red</B><BR ALIGN=\"LEFT\"/>\
             <FONT POINT-SIZE=\"10\">default via 10.0.0.1</FONT><BR ALIGN=\"LEFT\"/>>]\n",
            "n1 [shape=plain, style=\"\", label=<<TABLE",
            "<TR><TD PORT=\"p2\" BGCOLOR=\"white\"><B>veth1</B></TD></TR></TABLE>>]\n",
            "n5 [label=<<B>eth0</B><BR/>10.0.0.2/24>]\n",
            "  n1:p2:e -- n5:w\n",
            "  n3:e -- n7:w [style=dashed, color=\"#808080\"]\n",
        ] {
            assert!(picture.contains(part), "{part}\nis not in\n{picture}");
        }
    }

    #[test]
    fn text_of_a_label_is_escaped() {
        assert_eq!(escaped("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;");
    }
}
