//! What steps need of the machine.

use serde::{Deserialize, Serialize};

use super::Step;

/// What there will be more of once steps are done, at the least. Limits of the machine are compared with it before the first step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Network namespaces.
    pub netns: u64,
    /// Veth pairs; none where a netns goes, as that takes along who knows how many.
    pub veths: u64,
}

impl Need {
    /// Counts what steps need.
    pub fn of(steps: &[Step]) -> Self {
        let count = |is_meant: fn(&Step) -> bool| steps.iter().filter(|step| is_meant(step)).count() as u64;
        let gone = count(|step| matches!(step, Step::RemoveNetns { .. }));
        let veths = count(|step| matches!(step, Step::AddVeth { .. }));
        Self {
            netns: count(|step| matches!(step, Step::AddNetns { .. })).saturating_sub(gone),
            veths: match gone {
                0 => veths.saturating_sub(count(|step| matches!(step, Step::RemoveLink { .. }))),
                _ => 0,
            },
        }
    }

    /// Tells whether there will be no more than there is.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::difference;
    use crate::topology::{Limits, LinkName, NetnsName, Topology};

    #[test]
    fn what_goes_makes_room_for_what_comes() {
        let netns = |name: &str| NetnsName::parse(name).unwrap();
        let link = |name: &str| LinkName::parse(name).unwrap();
        let empty = Topology::new(Limits::default());
        let mut drawn = empty.clone();
        let red = drawn.add_netns(netns("red")).unwrap();
        let blue = drawn.add_netns(netns("blue")).unwrap();
        let (veth, _) = drawn.add_veth(red, link("a"), blue, link("b")).unwrap();
        drawn.add_veth(red, link("c"), blue, link("d")).unwrap();
        let need = |from: &Topology, to: &Topology| Need::of(&difference(from, to).unwrap());
        assert_eq!(need(&empty, &drawn), Need { netns: 2, veths: 2 });
        let mut without_veth = drawn.clone();
        without_veth.remove_link(veth).unwrap();
        without_veth.add_veth(red, link("e"), blue, link("f")).unwrap();
        assert!(need(&drawn, &without_veth).is_nothing());
        let mut without_blue = drawn.clone();
        without_blue.remove_netns(blue).unwrap();
        for name in ["green", "white"] {
            let other = without_blue.add_netns(netns(name)).unwrap();
            without_blue.add_veth(red, link(name), other, link("up")).unwrap();
        }
        assert_eq!(need(&drawn, &without_blue), Need { netns: 1, veths: 0 });
    }
}
