//! From a guest's text to names and addresses: the one place where they are parsed.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::topology::{Destination, LinkName, NetnsName, Refusal, harmless};

/// The longest text of a guest that is repeated to the user.
const LONGEST: usize = 64;

/// Quotes a guest's text: control characters escaped, and cut if it is long.
pub(crate) fn quote(text: &str) -> String {
    let escaped = harmless(&text.chars().take(LONGEST).collect::<String>());
    let cut = if text.chars().nth(LONGEST).is_some() { "..." } else { "" };
    format!("`{escaped}{cut}`")
}

pub(crate) fn netns_name(act: &str, text: &str) -> Result<NetnsName, Refusal> {
    NetnsName::parse(text).map_err(|error| Refusal::invalid(format!("{act} {}", quote(text)), error.to_string()))
}

pub(crate) fn link_name(act: &str, text: &str) -> Result<LinkName, Refusal> {
    LinkName::parse(text).map_err(|error| Refusal::invalid(format!("{act} {}", quote(text)), error.to_string()))
}

/// Parses an address with the length of its network's prefix. No number has a leading zero: `ip` would read it as octal.
fn parse_cidr(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    let is_plain = length.bytes().all(|byte| byte.is_ascii_digit()) && (length == "0" || !length.starts_with('0'));
    IpNet::new(address.parse().ok()?, length.parse().ok().filter(|_| is_plain)?).ok()
}

/// Parses an address with the length of its network's prefix.
pub(crate) fn cidr(act: &str, text: &str) -> Result<IpNet, Refusal> {
    parse_cidr(text).ok_or_else(|| {
        let why = match text.parse::<IpAddr>() {
            Ok(address) => {
                let length = if address.is_ipv6() { 64 } else { 24 };
                format!("it needs the length of its network's prefix, such as `{address}/{length}`")
            }
            Err(_) => "it is no address with a prefix length, such as `172.16.0.2/24` or `2001:db8::2/64`".into(),
        };
        Refusal::invalid(format!("{act} {}", quote(text)), why)
    })
}

pub(crate) fn address(act: &str, text: &str) -> Result<IpAddr, Refusal> {
    text.parse().map_err(|_| {
        let why = "it is no address, such as `172.16.0.2` or `2001:db8::2`";
        Refusal::invalid(format!("{act} {}", quote(text)), why)
    })
}

/// Parses where a route leads: `default`, a network, or an address.
pub(crate) fn destination(act: &str, text: &str) -> Result<Destination, Refusal> {
    if text == "default" {
        return Ok(Destination::Default);
    }
    let network = parse_cidr(text).or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    network.map(Destination::Network).ok_or_else(|| {
        let why = "it is no destination, such as `default`, `10.1.0.0/16` or `2001:db8::/32`";
        Refusal::invalid(format!("{act} {}", quote(text)), why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_guest_says_is_repeated_harmlessly() {
        assert_eq!(quote("a\u{1b}[2J\n"), "`a\\u{1b}[2J\\n`");
        assert_eq!(quote(&"x".repeat(1000)).len(), LONGEST + 5);
    }

    #[test]
    fn address_without_prefix_is_told_what_it_lacks() {
        let error = cidr("add address", "10.0.0.1").unwrap_err().to_string();
        assert_eq!(
            error,
            "could not add address `10.0.0.1`: it needs the length of its network's prefix, such as `10.0.0.1/24`"
        );
        for text in ["10.0.0.1/33", "10.0.0.1/", "10.0.0.1/+8", "10.0.0.1/08", "010.0.0.1/8", "10.0.0.1/8/8"] {
            assert!(cidr("add address", text).is_err(), "{text}");
        }
        assert!(cidr("add address", "10.0.0.256/24").is_err());
    }
}
