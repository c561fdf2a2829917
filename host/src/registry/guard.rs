//! The client's panics, caught: it takes for granted what no registry should say, and one may.

use std::panic::{self, AssertUnwindSafe};

/// Does something, and returns what it has said if it has panicked, in place of showing it.
pub(super) fn guarded<T>(act: impl FnOnce() -> T) -> Result<T, String> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let done = panic::catch_unwind(AssertUnwindSafe(act));
    panic::set_hook(hook);
    done.map_err(|words| {
        let text = words.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| words.downcast_ref::<&str>().copied()).unwrap_or("it does not say why").to_owned()
    })
}
