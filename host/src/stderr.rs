//! Words to stderr, whether or not anybody takes them.
//!
//! Those of the standard library panic where they can't be written, as into a pipe whose reader has had enough. What a command does,
//! and its exit status, must not hang on that. Each of these is one write, so that lines of several processes do not mix.

/// Prints to stderr.
macro_rules! eprint {
    ($($words:tt)*) => {{
        let words = std::fmt::format(format_args!($($words)*));
        let _ = std::io::Write::write_all(&mut std::io::stderr(), words.as_bytes());
    }};
}

/// Prints a line to stderr.
macro_rules! eprintln {
    ($($words:tt)*) => { eprint!("{}\n", format_args!($($words)*)) };
}
