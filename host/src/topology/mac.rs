//! MAC addresses that follow from a link's place.

use std::fmt;
use std::net::Ipv6Addr;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Place;

/// A MAC address, `02:5e:10:00:53:01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// The address of `lo`.
    pub const ZERO: Self = Self([0; 6]);

    /// Returns the address of the link at `place`: 02, which marks it as locally administered (IEEE 802), and the first
    /// five bytes of the SHA-256 of `NETNS/LINK`. So the same network has the same addresses on every machine.
    pub fn at(place: &Place) -> Self {
        let hash = Sha256::digest(format!("{}/{}", place.netns, place.link));
        Self([0x02, hash[0], hash[1], hash[2], hash[3], hash[4]])
    }

    /// Returns the link-local IPv6 address made from it (RFC 4291, appendix A: modified EUI-64).
    pub fn link_local(self) -> Ipv6Addr {
        let [a, b, c, d, e, f] = self.0;
        let mut octets = [0; 16];
        octets[..2].copy_from_slice(&[0xfe, 0x80]);
        octets[8..].copy_from_slice(&[a ^ 0x02, b, c, 0xff, 0xfe, d, e, f]);
        Ipv6Addr::from(octets)
    }
}

impl FromStr for MacAddress {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let mut octets = [0; 6];
        let mut parts = text.split(':');
        for octet in &mut octets {
            *octet = u8::from_str_radix(parts.next().unwrap_or_default(), 16)?;
        }
        Ok(Self(octets))
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_address_is_the_modified_eui_64() {
        let mac = MacAddress([0x02, 0x5e, 0x10, 0x00, 0x53, 0x01]);
        assert_eq!(mac.link_local().to_string(), "fe80::5e:10ff:fe00:5301");
        assert_eq!(mac.to_string(), "02:5e:10:00:53:01");
        assert_eq!(mac.to_string().parse(), Ok(mac));
        assert!("02:5e:10".parse::<MacAddress>().is_err());
    }
}
