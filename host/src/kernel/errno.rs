//! The one errno table: from the kernel's numbers to names, and words where the kernel has none.

use nix::errno::Errno as Number;

use crate::topology::Errno;

/// Names an errno.
pub fn errno_of(number: i32) -> Errno {
    match Number::from_raw(number.abs()) {
        Number::UnknownErrno => Errno::named(format!("errno {}", number.abs())),
        known => Errno::named(format!("{known:?}")),
    }
}

/// Says what an errno means here, for those to which the kernel adds no text.
pub fn explain(errno: &Errno) -> Option<&'static str> {
    Some(match errno.name() {
        "EPERM" | "EACCES" => "this needs CAP_NET_ADMIN in the user namespace that owns the netns",
        "EEXIST" => "it is there already",
        "ENODEV" => "the link has gone",
        "EBUSY" => "something else holds it",
        "ENOSPC" => {
            "a limit on namespaces is reached: see `sysctl user.max_net_namespaces` and the other `user.max_*_namespaces`"
        }
        "EMFILE" | "ENFILE" => {
            "no more files can be opened: raise the hard limit (`ulimit -Hn`) or `sysctl fs.file-max`"
        }
        "EXFULL" => "the bridge has as many ports as Linux gives it",
        "ENOMEM" | "ENOBUFS" => "the kernel has no memory left for it",
        "EOPNOTSUPP" | "EAFNOSUPPORT" => "this kernel is built or set up without it",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_names_whatever_their_sign() {
        assert_eq!(errno_of(-101), Errno::ENETUNREACH);
        assert_eq!(errno_of(54), Errno::EXFULL);
        assert_eq!(errno_of(4095).name(), "errno 4095");
    }
}
