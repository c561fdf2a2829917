//! Landlock: which files a process may use, whatever its uid would let it. See landlock(7).

use std::fs::File;
use std::os::fd::AsFd;

use landlock::{
    ABI, Access, AccessFs, AccessNet, PathBeneath, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
};

use super::{GiveUpError, failed};

/// The newest interface whose rights this knows. An older kernel restricts what it can.
const NEWEST: ABI = ABI::V10;

/// Takes all files from this process but what is to be read below some directories, and TCP, abstract sockets and signals to others.
/// A kernel without Landlock takes nothing; `doctor` says so.
pub(super) fn take_files(but: &[File]) -> Result<(), GiveUpError> {
    restrict(but).map_err(failed("restrict files (Landlock)"))
}

fn restrict(but: &[File]) -> Result<(), RulesetError> {
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    for directory in but {
        rules = rules.add_rule(PathBeneath::new(directory.as_fd(), AccessFs::ReadFile | AccessFs::ReadDir))?;
    }
    rules.restrict_self().map(drop)
}
