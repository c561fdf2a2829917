//! Text to every parser of ours, whoever it comes from.

use std::path::Path;

use crate::lab::LabName;
use crate::topology::{Destination, LinkName, NetnsName, harmless};
use crate::{agent, cli, doctor, kernel, lab, render, sandbox, script};

/// One text, to all of them: what none takes costs little.
pub fn parsers(bytes: &[u8]) {
    let text = &*String::from_utf8_lossy(bytes);
    names(text);
    words_of_a_guest(text);
    flags(text);
    files_of_the_machine(text);
    programs(text, bytes);
}

/// A name that is taken is the text itself, and is taken again; no terminal, shell or path can misread it.
fn names(text: &str) {
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if let Ok(name) = NetnsName::parse(text) {
        assert!(name.as_str() == text && is_plain(text) && (1..64).contains(&text.len()), "{text:?}");
        assert!(!text.starts_with(['-', '.']));
    }
    if let Ok(name) = LinkName::parse(text) {
        assert!(name.as_str() == text && is_plain(text) && (1..16).contains(&text.len()), "{text:?}");
        assert!(!text.starts_with(['-', '.']));
    }
    if let Ok(name) = text.parse::<LabName>() {
        assert!(name.as_str() == text && is_plain(text) && !text.starts_with('-'), "{text:?}");
    }
    if let Some(name) = LabName::from_module(Path::new(text)) {
        assert_eq!(name.as_str().parse(), Ok(name));
    }
    assert!(!harmless(text).contains(char::is_control));
}

fn words_of_a_guest(text: &str) {
    let quoted = script::fuzz::quote(text);
    assert!(!quoted.contains(char::is_control), "{quoted:?}");
    for refusal in [script::fuzz::netns_name("get", text).err(), script::fuzz::link_name("get", text).err()] {
        let said = refusal.map(|refusal| refusal.to_string()).unwrap_or_default();
        assert!(!said.contains(char::is_control), "{said:?}");
    }
    if let Ok(cidr) = script::fuzz::cidr("add", text) {
        assert_eq!(script::fuzz::cidr("add", &cidr.to_string()), Ok(cidr));
    }
    if let Ok(address) = script::fuzz::address("ping", text) {
        assert_eq!(script::fuzz::address("ping", &address.to_string()), Ok(address));
    }
    if let Ok(Destination::Network(network)) = script::fuzz::destination("add", text) {
        let again = script::fuzz::destination("add", &network.to_string());
        assert!(matches!(again, Ok(Destination::Network(other)) if other == network), "{text:?}");
    }
}

fn flags(text: &str) {
    let _ = cli::fuzz::grant(text);
    let _ = cli::fuzz::time(text);
    if let Ok(size) = cli::fuzz::size(text) {
        let _ = size.display().iec().to_string();
    }
}

/// What the kernel or an administrator writes.
fn files_of_the_machine(text: &str) {
    agent::fuzz::established(text).chain(agent::fuzz::name_servers(text)).for_each(drop);
    // In a directory that has none of what is looked for.
    assert_eq!(agent::fuzz::cgroups(text, Path::new("/dev/null"), 0), []);
    let _ = agent::fuzz::field(text, "MemAvailable:");
    let _ = sandbox::fuzz::covers(text, 1000);
    let _ = kernel::fuzz::last_of(text);
    let _ = doctor::fuzz::count(text, Some("sam"), 1000);
    let _ = doctor::fuzz::asks_elsewhere(text);
    let _ = doctor::fuzz::release(text);
    if let Some(extents) = lab::fuzz::extents(text, |owner| owner == "sam", 1000) {
        maps_no_id_twice(&extents);
    }
}

/// The extents of a map of ids: first inside, first outside, count.
fn maps_no_id_twice(extents: &[u32]) {
    let (extents, rest) = extents.as_chunks::<3>();
    assert!(rest.is_empty());
    for side in [0, 1] {
        let range = |extent: &[u32; 3]| (u64::from(extent[side]), u64::from(extent[side]) + u64::from(extent[2]));
        let mut ranges: Vec<(u64, u64)> = extents.iter().map(range).collect();
        ranges.sort_unstable();
        assert!(ranges.windows(2).all(|two| two[0].1 <= two[1].0), "{extents:?}");
    }
}

/// What other programs, the kernel among them, answer.
fn programs(text: &str, bytes: &[u8]) {
    doctor::fuzz::firewall(text);
    let _ = doctor::fuzz::permits(bytes, 7);
    let _ = kernel::fuzz::extended_text(bytes);
    let _ = render::fuzz::link_local(text);
}
