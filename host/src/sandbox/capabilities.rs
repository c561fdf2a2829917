//! Capabilities: the parts of root's power, see capabilities(7).

use caps::{CapSet, Capability};

use super::{GiveUpError, failed};

/// Empties the bounding and ambient sets, from which an executed program could gain some. Only who has CAP_SETPCAP may, and
/// whoever has not has nothing to gain: `no_new_privs` comes for all.
pub(super) fn drop_those_that_could_return() -> Result<(), GiveUpError> {
    let may = caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP).unwrap_or(false);
    if may {
        caps::clear(None, CapSet::Bounding).map_err(failed("empty the capability bounding set"))?;
    }
    caps::clear(None, CapSet::Ambient).map_err(failed("empty the ambient capability set"))
}

/// Empties the effective, permitted and inheritable sets.
pub(super) fn drop_all() -> Result<(), GiveUpError> {
    for set in [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable] {
        caps::clear(None, set).map_err(failed("drop capabilities"))?;
    }
    Ok(())
}
