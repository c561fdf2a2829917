//! Networks by lot: what is planned from one to the next leads there, whichever they are.

use arbitrary::{Result, Unstructured};

use crate::plan::random::{Call, contradicts_itself, picture, play, shown, walk};
use crate::plan::{Standing, Step, difference, edit};
use crate::topology::{Limits, Strangers, Topology};

/// Calls after which a network is looked at.
const MOST_CALLS: usize = 30;
/// Networks of one input.
const MOST_NETWORKS: usize = 4;

/// A few networks, each made from the one before it by calls: the number of calls, then these. The last is drawn anew.
pub fn topologies(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let nothing = Topology::new(Limits::default());
    let (mut network, mut standing, mut built) = (nothing.clone(), Standing::new(&nothing), nothing.rehearsal());
    for _ in 0..MOST_NETWORKS {
        let before = network.clone();
        if input.is_empty() || change(&mut network, &mut input).is_err() {
            break;
        }
        // What has changed is all that a plan depends on.
        let steps = standing.advance(&mut network).expect("there is a plan");
        steps.iter().for_each(|step| step.play(&mut built).expect("a plan can be played"));
        assert_eq!(picture(&built), picture(&network), "the steps {} lead elsewhere", words(&steps));
        leads(&before, &network);
        network.warnings();
        network.list_netns().for_each(|(id, _)| drop(network.observe(id)));
    }
    leads(&nothing, &network);
    let mut anew = nothing.clone();
    let _ = change(&mut anew, &mut input);
    is_edited(built.clone(), &anew);
    is_adopted(built, &anew);
}

/// An edit leads from what stands to a network that has not grown out of it, and there a second one has nothing to do.
fn is_edited(mut standing: Topology, anew: &Topology) {
    let steps = edit(&standing, anew).expect("there is a plan");
    steps.iter().for_each(|step| step.play(&mut standing).expect("a plan can be played"));
    if !contradicts_itself(anew) {
        assert_eq!(shown(&standing), shown(anew), "the steps {} lead elsewhere", words(&steps));
    }
    let more = edit(&standing, anew).expect("there is a plan");
    assert_eq!(more, [], "after {} there is more to do", words(&steps));
}

/// Whatever a kernel shows can be taken over, after which it is the same.
fn is_adopted(mut model: Topology, kernel: &Topology) {
    model.adopt(&shown(kernel));
    let taken_over = shown(&model);
    assert_eq!(model.adopt(&taken_over), Strangers::default());
    assert_eq!(shown(&model), taken_over);
}

fn change(network: &mut Topology, input: &mut Unstructured<'_>) -> Result<()> {
    for _ in 0..input.int_in_range(0..=MOST_CALLS)? {
        play(network, &input.arbitrary::<Call>()?);
    }
    Ok(())
}

/// A plan leads from one network to another, brings no address of the kernel's own, and has no last step that is one too many.
fn leads(standing: &Topology, wanted: &Topology) {
    let steps = difference(standing, wanted).expect("there is a plan");
    let (built, regained) = walk(standing, &steps);
    assert_eq!(picture(&built), picture(wanted), "the steps {} lead elsewhere", words(&steps));
    assert_eq!(regained, [], "IPv6 comes back in {}", words(&steps));
    let Some((_, but_the_last)) = steps.split_last() else { return };
    let mut short = standing.rehearsal();
    but_the_last.iter().for_each(|step| step.play(&mut short).expect("a plan can be played"));
    assert_ne!(picture(&short), picture(wanted), "the last of {} is for nothing", words(&steps));
}

fn words(steps: &[Step]) -> String {
    steps.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
