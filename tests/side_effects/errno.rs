//! The errno in what `ip` says.

/// Returns what errno the kernel has answered to a command, by the words in which `ip` tells it: those of strerror(3), or the kernel's own, which stand
/// beside one or two in its source. There is none where `ip` has not asked the kernel.
pub(crate) fn errno_of(command: &str, said: &str) -> Option<&'static [&'static str]> {
    const STRERROR: [(&str, &[&str]); 14] = [
        ("File exists", &["EEXIST"]),
        ("Invalid argument", &["EINVAL"]),
        ("No such file or directory", &["ENOENT"]),
        ("No such process", &["ESRCH"]),
        ("No such device", &["ENODEV"]),
        ("Network is unreachable", &["ENETUNREACH"]),
        ("No route to host", &["EHOSTUNREACH"]),
        ("Network is down", &["ENETDOWN"]),
        ("Cannot assign requested address", &["EADDRNOTAVAIL"]),
        ("Operation not supported", &["EOPNOTSUPP"]),
        ("Device or resource busy", &["EBUSY"]),
        ("Too many levels of symbolic links", &["ELOOP"]),
        ("Permission denied", &["EACCES"]),
        ("Operation not permitted", &["EPERM"]),
    ];
    const KERNEL: [(&str, &[&str]); 16] = [
        ("An interface with the same name exists in the target netns", &["EEXIST"]),
        ("Can not enslave a bridge to a bridge", &["ELOOP"]),
        ("Device for nexthop is not up", &["ENETDOWN"]),
        ("Egress device can not be loopback device for this route", &["EINVAL"]),
        ("Egress device not specified", &["EINVAL"]),
        ("FIB table does not exist", &["ESRCH"]),
        ("Gateway can not be a local address", &["EINVAL"]),
        ("Invalid number of transmit queues", &["EINVAL"]),
        ("Nexthop device is not up", &["ENETDOWN"]),
        // Whether nothing leads to it, or what may not.
        ("Nexthop has invalid gateway", &["EINVAL", "ENETUNREACH"]),
        ("ipv4: Address already assigned", &["EEXIST"]),
        ("ipv4: Address not found", &["EADDRNOTAVAIL"]),
        ("ipv6: address already assigned", &["EEXIST"]),
        ("ipv6: address not found", &["EADDRNOTAVAIL"]),
        // At `address add`.
        ("ipv6: IPv6 is disabled on this device", &["EINVAL"]),
        ("ipv6: Cannot assign loopback address on this device", &["EADDRNOTAVAIL"]),
    ];
    const OF_IP: [&str; 3] = ["argument ", "inet address is expected", "inet6 address is expected"];
    let find = |table: &[(&str, &'static [&str])], words: &str| {
        let known = table.iter().find(|(text, _)| words.starts_with(text));
        known.unwrap_or_else(|| panic!("no errno is known for `{words}`")).1
    };
    if let Some((_, words)) = said.split_once("RTNETLINK answers: ") {
        return Some(find(&STRERROR, words));
    }
    let (_, words) = said.split_once("Error: ")?;
    if command.contains(" address del ") && words.starts_with("ipv6: IPv6 is disabled") {
        return Some(&["ENXIO"]);
    }
    (!OF_IP.iter().any(|text| words.starts_with(text))).then(|| find(&KERNEL, words))
}
