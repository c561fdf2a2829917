//! What this user may do: capabilities, see capabilities(7).

use caps::{CapSet, Capability, has_cap};
use nix::unistd::geteuid;

use super::Check;

const GROUP: &str = "privileges";

/// A capability, what it is for, and how labs are without it.
const CAPABILITIES: [(Capability, &str, &str); 4] = [
    (Capability::CAP_SYS_ADMIN, LABS, NO_LABS),
    (Capability::CAP_NET_ADMIN, LABS, NO_LABS),
    (Capability::CAP_SETUID, "a guest's process gets a uid of its own", "a guest's process keeps this user's uid"),
    (Capability::CAP_SETGID, "a guest's process gets a gid of its own", "a guest's process keeps this user's gid"),
];
const LABS: &str = "labs need no user namespace";
const NO_LABS: &str = "labs need a user namespace; no `--on-host`";

/// Says which capabilities of those that labs use this user has.
pub(super) fn checks() -> Vec<Check> {
    CAPABILITIES.into_iter().map(check).collect()
}

fn check((capability, with, without): (Capability, &str, &str)) -> Check {
    let name = capability.to_string();
    match has_cap(None, CapSet::Effective, capability) {
        Ok(true) => Check::yes(GROUP, name, with),
        Ok(false) => Check::no(GROUP, &*name, without).remedy(way_to(&name)),
        Err(_) => Check::unknown(GROUP, name, "this process can't read its own capabilities"),
    }
}

/// Root of a container has another way to a capability than a user.
fn way_to(capability: &str) -> String {
    if geteuid().is_root() {
        let short = capability.trim_start_matches("CAP_");
        format!("give it to the container, by `docker run --cap-add {short}` say")
    } else {
        "run as root".into()
    }
}
