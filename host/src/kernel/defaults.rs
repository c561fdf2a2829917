//! The settings that a new netns has copied from the machine.

use std::sync::OnceLock;
use std::{fs, io};

use crate::topology::settings::{CONF, IPV4, IPV6};

/// The settings that differ on this machine from what `topology` counts on. Every new netns copies the same ones, so they are
/// looked for in the first.
static DIFFERENT: OnceLock<Vec<String>> = OnceLock::new();

/// Makes the settings of the netns of this thread, which has to be a new one, those that `topology` counts on.
pub fn set_defaults() -> io::Result<()> {
    for file in DIFFERENT.get_or_init(different) {
        fs::write(file, "0")?;
    }
    Ok(())
}

fn different() -> Vec<String> {
    let families = [("ipv4", IPV4.as_slice()), ("ipv6", IPV6.as_slice())];
    // `all` first: some of its settings are passed on to the others.
    let files = CONF.into_iter().flat_map(|conf| {
        families.iter().flat_map(move |(family, settings)| {
            settings.iter().map(move |setting| format!("/proc/sys/net/{family}/conf/{conf}/{setting}"))
        })
    });
    // What can't be read is not there: this kernel is without it.
    files.filter(|file| fs::read_to_string(file).is_ok_and(|value| value.trim() != "0")).collect()
}
