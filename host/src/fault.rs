//! Where the tests take hold of this program.
//!
//! Here all of it is nothing. The tests have a build of the program in which `tests/faulty/fault.rs` stands in the place of this
//! file, so that what they need is not in the program itself.

/// A place at which it is worth a test to end this process or another: what is there outside of it has just changed, or is about to.
#[inline(always)]
pub(crate) fn point(_place: &'static str) {}

/// A place at which it is worth a test that what comes next is refused.
#[inline(always)]
pub(crate) fn fails(_place: &'static str) -> bool {
    false
}

/// Called in a process that is to run a guest, or to compile one, once it has given up what it had.
#[inline(always)]
pub(crate) fn given_up() {}
