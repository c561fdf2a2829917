//! `fault` as the tests have it: at each point this process says where it is, and goes on when the test lets it.

use std::env;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::tries;

/// The socket of the test. It is connected to at the first point, ahead of all that is given up, and needs nothing but `read` and
/// `write` from then on.
static TEST: LazyLock<Option<Mutex<UnixStream>>> = LazyLock::new(|| {
    let path = env::var_os("FAULT_SOCKET")?;
    let mut test = UnixStream::connect(path).expect("the test that set FAULT_SOCKET waits there");
    let command = env::args().nth(1).unwrap_or_default();
    writeln!(test, "{command}").expect("the test listens");
    Some(Mutex::new(test))
});

/// Says where this process is, and waits. Meanwhile no other thread of it gets past its next point.
pub(crate) fn point(place: &'static str) {
    tries::at(place);
    let Some(test) = &*TEST else { return };
    let mut test = test.lock().unwrap_or_else(PoisonError::into_inner);
    // A test that has gone has no more wishes.
    if test.write_all(format!("{place}\n").as_bytes()).is_ok() {
        let _ = test.read_exact(&mut [0]);
    }
}

/// Says the same of a place where something can be refused. Returns whether it is to be.
pub(crate) fn fails(place: &'static str) -> bool {
    let Some(test) = &*TEST else { return false };
    let mut test = test.lock().unwrap_or_else(PoisonError::into_inner);
    let mut answer = [0];
    test.write_all(format!("{place}\n").as_bytes()).is_ok() && test.read_exact(&mut answer).is_ok() && answer == [1]
}

/// Tries what should not be possible any more, if this is where a test wants it.
pub(crate) fn given_up() {
    tries::at("given up");
}
