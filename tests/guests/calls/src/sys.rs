//! Calls that ask nothing of the lab, but of WASI.

use std::hash::{BuildHasher, RandomState};
use std::net::TcpStream;
use std::time::Duration;
use std::{env, fs, io, process, thread};

use crate::answer::{Answer, Refusal, list};
use crate::call::Calls;
use crate::fields::Fields;

pub(crate) const CALLS: Calls = &[
    ("sys.args", args),
    ("sys.env", env),
    ("sys.print-text", print_text),
    ("sys.print-stderr", print_stderr),
    ("sys.sleep", sleep),
    ("sys.random", random),
    ("sys.random-seed", random_seed),
    ("sys.read", read),
    ("sys.connect", connect),
    ("sys.exit", exit),
    ("sys.fail", fail),
];

fn args(_: &Fields) -> Answer {
    list(env::args())
}

fn env(_: &Fields) -> Answer {
    list(env::vars().map(|(name, value)| format!("{name}={value}")))
}

fn print_text(fields: &Fields) -> Answer {
    println!("{}", fields.text(0)?);
    Ok(String::new())
}

fn print_stderr(fields: &Fields) -> Answer {
    eprintln!("{}", fields.text(0)?);
    Ok(String::new())
}

fn sleep(fields: &Fields) -> Answer {
    thread::sleep(Duration::from_millis(fields.number(0)?));
    Ok(String::new())
}

/// From `wasi:random/random`.
fn random(_: &Fields) -> Answer {
    let number = getrandom::u64().map_err(io::Error::from)?;
    Ok(format!("{number:016x}"))
}

/// From `wasi:random/insecure-seed`, which Rust's hash maps begin with.
fn random_seed(_: &Fields) -> Answer {
    Ok(format!("{:016x}", RandomState::new().hash_one(())))
}

fn read(fields: &Fields) -> Answer {
    list(fs::read_to_string(fields.text(0)?)?.lines())
}

fn connect(fields: &Fields) -> Answer {
    TcpStream::connect(fields.text(0)?)?;
    Ok(String::new())
}

fn exit(fields: &Fields) -> Answer {
    process::exit(fields.number(0)?)
}

fn fail(fields: &Fields) -> Answer {
    let message = fields.text(0)?.to_owned();
    Err(Refusal { code: "fail".into(), errno: String::new(), message, ends_scenario: true })
}
