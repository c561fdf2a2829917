//! Calls that ask nothing of the lab, but of WASI.

use std::hash::{BuildHasher, RandomState};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
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
    ("sys.time", time),
    ("sys.elapsed", elapsed),
    ("sys.random", random),
    ("sys.random-seed", random_seed),
    ("sys.read", read),
    ("sys.read-dir", read_dir),
    ("sys.write", write),
    ("sys.exists", exists),
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

/// From `wasi:clocks/wall-clock`.
fn time(_: &Fields) -> Answer {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(since.as_millis().to_string())
}

/// From `wasi:clocks/monotonic-clock`.
fn elapsed(_: &Fields) -> Answer {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    Ok(FIRST.get_or_init(Instant::now).elapsed().as_millis().to_string())
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

fn read_dir(fields: &Fields) -> Answer {
    let mut names = Vec::new();
    for entry in fs::read_dir(fields.text(0)?)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    list(names)
}

fn write(fields: &Fields) -> Answer {
    fs::write(fields.text(0)?, fields.text(1)?)?;
    Ok(String::new())
}

fn exists(fields: &Fields) -> Answer {
    Ok(fs::exists(fields.text(0)?)?.to_string())
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
