//! `orchestrator plan --format mermaid`: a picture for Markdown.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::drawing::{Drawing, LinkShape, NetnsBox, Shape, Wire, drawing};
use crate::topology::observed::Netns;

/// Draws a lab: a box for each netns with its links in it, thick lines between a bridge and its ports, and thin ones between the
/// ends of veths.
///
/// The title of a box is one line, as Mermaid draws what is in a box over any further ones.
pub fn mermaid(lab: &[Netns]) -> String {
    let Drawing { boxes, wires } = drawing(lab);
    let mut picture = Picture { right: wires.iter().map(|wire| wire.to).collect(), ..Picture::default() };
    for (at, netns) in boxes.iter().enumerate() {
        picture.netns(at, netns);
    }
    let Picture { mut text, drawn, down, notes, .. } = picture;
    for Wire { from, to, carries } in wires.iter().filter(|wire| drawn.contains(&wire.from) && drawn.contains(&wire.to))
    {
        let _ = writeln!(text, "  n{from} {} n{to}", if *carries { "---" } else { "-.-" });
    }
    let classes = [("note", "fill:none,stroke:none", notes), ("down", "color:#808080,stroke-dasharray:4", down)];
    for (class, style, nodes) in classes.iter().filter(|(.., nodes)| !nodes.is_empty()) {
        let _ = writeln!(text, "  classDef {class} {style}\n  class {} {class}", nodes.join(","));
    }
    format!("flowchart LR\n{text}")
}

#[derive(Default)]
struct Picture {
    text: String,
    /// The links that a line leads to from the left.
    right: HashSet<usize>,
    /// The links that are in a box.
    drawn: HashSet<usize>,
    /// The nodes that are links which are down, and those that are only text.
    down: Vec<String>,
    notes: Vec<String>,
}

impl Picture {
    fn netns(&mut self, at: usize, netns: &NetnsBox) {
        let NetnsBox { name, notes, shapes } = netns;
        let _ = writeln!(self.text, "  subgraph box{at}[{}]", label(&[name]));
        for Shape { link, is_bridge, ports } in shapes {
            self.link(link, if *is_bridge { ["([", "])"] } else { ["[", "]"] });
            for port in ports {
                self.link(port, ["[", "]"]);
                // What is drawn from left to right is not drawn in loops.
                let (from, to) = if self.right.contains(&port.id) { (port.id, link.id) } else { (link.id, port.id) };
                let _ = writeln!(self.text, "    n{from} === n{to}");
            }
        }
        let mut lines: Vec<&str> = notes.iter().map(String::as_str).collect();
        if shapes.is_empty() {
            lines.push("no links");
        }
        if !lines.is_empty() {
            let _ = writeln!(self.text, "    note{at}[{}]", label(&lines));
            self.notes.push(format!("note{at}"));
        }
        self.text.push_str("  end\n");
    }

    fn link(&mut self, link: &LinkShape, [open, close]: [&str; 2]) {
        let LinkShape { id, name, notes, up } = link;
        let lines: Vec<&str> = [name.as_str()].into_iter().chain(notes.iter().map(String::as_str)).collect();
        let _ = writeln!(self.text, "    n{id}{open}{}{close}", label(&lines));
        self.drawn.insert(*id);
        if !up {
            self.down.push(format!("n{id}"));
        }
    }
}

fn label(lines: &[&str]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
    format!("\"{}\"", lines.join("<br>"))
}

/// Escapes text within a quoted label, where `#` begins the name or number of a character.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_alphanumeric() || " .:/-_".contains(character) {
            escaped.push(character);
        } else {
            let _ = write!(escaped, "#{};", u32::from(character));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::sample::lab;
    use super::*;

    #[test]
    fn bridge_has_lines_to_its_ports_and_names_are_only_labels() {
        assert_eq!(
            mermaid(&lab()),
            "flowchart LR
  subgraph box0[\"host\"]
    n1([\"br0<br>10.0.0.1/24\"])
    n2[\"veth1\"]
    n1 === n2
    n3[\"v2\"]
  end
  subgraph box1[\"red\"]
    n5[\"eth0<br>10.0.0.2/24\"]
    note1[\"default via 10.0.0.1\"]
  end
  subgraph box2[\"end\"]
    n7[\"class<br>mtu 9000<br>down\"]
  end
  n2 --- n5
  n3 -.- n7
  classDef note fill:none,stroke:none
  class note1 note
  classDef down color:#808080,stroke-dasharray:4
  class n7 down
"
        );
    }

    #[test]
    fn text_of_a_label_is_escaped() {
        assert_eq!(escaped("a_b-c.d/e:f"), "a_b-c.d/e:f");
        assert_eq!(escaped("a\"];#<b>"), "a#34;#93;#59;#35;#60;b#62;");
    }
}
