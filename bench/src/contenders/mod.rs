//! Those that build the same star of N containers. Each is timed from its start to the moment when it has returned and the star
//! stands, and shows that it does.

pub(crate) mod floor;
pub(crate) mod ip_batch;
pub(crate) mod ours;

use std::thread::sleep;
use std::time::Duration;

/// Leaves the kernel alone until it has removed what stood.
///
/// It does so in a worker, after those who held the namespaces have gone, and nothing tells when it is done. A thousand take
/// 1.2 to 1.9 s.
pub(crate) fn rest(containers: u32) {
    sleep(Duration::from_millis(100) + Duration::from_millis(3) * containers);
}
