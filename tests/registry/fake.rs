//! A registry that answers as it is asked to: the repository says how. It is a process of its own, in the machine, since that is where
//! a loopback address leads to it.

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{EMPTY_WAT, Machine, Running};

/// Where it listens in the machine.
pub(crate) const ADDRESS: &str = "127.0.0.1:5000";
/// Says to this program that it is to be the registry.
const SERVES: &str = "ORCHESTRATOR_TEST_SERVES";
/// Whom it knows where it wants to know who asks, in base64: `anna:secret`.
const ANNA: &str = "Basic YW5uYTpzZWNyZXQ=";

/// Where a proxy listens that leads to whatever registry is at [`ADDRESS`].
pub(crate) const PROXY: &str = "127.0.0.1:5001";
/// It hangs up after so many bytes of an answer.
const CUT: u64 = 60_000;

/// Starts it.
pub(crate) fn start(m: &Machine) -> Running<'_> {
    start_as(m, "registry")
}

/// Where a registry listens that gives tokens which are none.
pub(crate) const TOKENS: &str = "127.0.0.1:5002";

/// Starts that.
pub(crate) fn start_with_tokens(m: &Machine) -> Running<'_> {
    start_as(m, "tokens")
}

/// Starts the proxy.
pub(crate) fn start_proxy(m: &Machine) -> Running<'_> {
    start_as(m, "proxy")
}

fn start_as<'m>(m: &'m Machine, what: &str) -> Running<'m> {
    let program = env::current_exe().expect("a process has its program");
    let words = ["--exact", "serves_as_a_registry", "--ignored", "--nocapture"];
    let mut registry =
        m.root_command(program.to_str().expect("its path is UTF-8")).args(&words).env(SERVES, what).spawn();
    registry.stdout_gets("serving");
    registry
}

/// Ends it.
#[track_caller]
pub(crate) fn end(registry: Running<'_>) {
    registry.signal(Signal::SIGKILL);
    registry.wait().fails_with(128 + Signal::SIGKILL as i32);
}

/// Is the registry or the proxy, until it is killed, if it was started as that.
pub(crate) fn serve() {
    let (address, answer): (_, fn(TcpStream)) = match env::var(SERVES).as_deref() {
        Ok("registry") => (ADDRESS, answer),
        Ok("proxy") => (PROXY, pass_on),
        Ok("tokens") => (TOKENS, answer_with_tokens),
        _ => return,
    };
    let listener = TcpListener::bind(address).expect("nobody else listens there");
    println!("serving");
    for stream in listener.incoming() {
        let stream = stream.expect("a connection is accepted");
        // Whoever is disappointed hangs up.
        thread::spawn(move || answer(stream));
    }
}

fn answer_with_tokens(stream: TcpStream) {
    let Some((request, _)) = request(&stream) else { return };
    let challenge = format!("Www-Authenticate: Bearer realm=\"http://{TOKENS}/token\",service=\"test\"\r\n");
    let _ = if request.contains("/token") {
        // No header can have that in it.
        reply(&stream, "200 OK", "", br#"{"token":"one\nand another"}"#)
    } else {
        reply(&stream, "401 Unauthorized", &challenge, b"")
    };
}

/// Is a way to the registry that breaks.
fn pass_on(client: TcpStream) {
    let Ok(registry) = TcpStream::connect(ADDRESS) else { return };
    let (mut from, mut to) = (client.try_clone().expect(DUPLICATE), registry.try_clone().expect(DUPLICATE));
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let _ = io::copy(&mut (&registry).take(CUT), &mut &client);
    let _ = [&client, &registry].map(|stream| stream.shutdown(Shutdown::Both));
}

const DUPLICATE: &str = "a descriptor can be duplicated";

/// Returns the digest of bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// The module that a repository has.
pub(crate) fn module(repository: &str) -> Vec<u8> {
    match repository {
        "text" => b"no module, and of the right type all the same".to_vec(),
        // Whatever comes after the last section.
        "large" => [empty(), custom_section(&vec![7; 1 << 20])].concat(),
        "good" => empty(),
        other => [empty(), custom_section(other.as_bytes())].concat(),
    }
}

fn empty() -> Vec<u8> {
    wat::parse_str(EMPTY_WAT).expect("it is a component")
}

/// A custom section with a name of one letter.
fn custom_section(bytes: &[u8]) -> Vec<u8> {
    let size = bytes.len() as u32 + 2;
    let leb = [0, 7, 14, 21, 28].map(|shift| (size >> shift) as u8 & 0x7f | if shift < 28 { 0x80 } else { 0 });
    [&[0], &leb[..], &[1, b'x'], bytes].concat()
}

const CONFIG: &[u8] = br#"{"created":"2026-11-28T00:00:00Z","architecture":"wasm","os":"wasip2","layerDigests":[],"component":{"exports":["wasi:cli/run@0.2.0"],"imports":["orchestrator:net/netns@0.1.0"]}}"#;

fn manifest(repository: &str, tag: &str) -> Value {
    let layer = module(repository);
    let descriptor =
        |kind: &str, bytes: &[u8]| json!({ "mediaType": kind, "digest": digest(bytes), "size": bytes.len() });
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.wasm.config.v0+json", CONFIG),
        "layers": [descriptor("application/wasm", &layer)],
        "annotations": { "org.opencontainers.image.description": format!("what is \u{1b}[31mcalled {tag}") },
    });
    match repository {
        "image" => manifest["config"]["mediaType"] = "application/vnd.oci.image.config.v1+json".into(),
        "two-layers" => {
            let layer = manifest["layers"][0].clone();
            manifest["layers"] = json!([layer, layer]);
        }
        "index" => {
            let entry =
                json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest(b""), "size": 1 });
            let kind = "application/vnd.oci.image.index.v1+json";
            manifest = json!({ "schemaVersion": 2, "mediaType": kind, "manifests": [entry, entry] });
        }
        "too-large" => manifest["layers"][0]["size"] = (100 << 20).into(),
        "longer" => manifest["layers"][0]["size"] = (layer.len() - 1).into(),
        "shorter" => manifest["layers"][0]["size"] = (layer.len() + 1).into(),
        "long" => manifest["annotations"]["long"] = "x".repeat(2 << 20).into(),
        "path" => manifest["layers"][0]["digest"] = "sha256:../../../etc/passwd".into(),
        _ => {}
    }
    manifest
}

/// Reads the first line of a request, and the others of its head. Whoever speaks TLS is told that this does not, as other servers do.
fn request(stream: &TcpStream) -> Option<(String, Vec<String>)> {
    let mut first = [0];
    if stream.peek(&mut first).is_ok() && !first[0].is_ascii_uppercase() {
        let _ = reply(stream, "400 Bad Request", "", b"");
        return None;
    }
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    Some((request, lines.by_ref().take_while(|line| !line.is_empty()).collect()))
}

fn answer(stream: TcpStream) {
    let Some((request, head)) = request(&stream) else { return };
    let path = request.split(' ').nth(1).unwrap_or_default();
    // Only the last component of a name counts.
    let words: Vec<&str> = path.split('/').skip(1).filter(|word| *word != "someone").collect();
    let is_anna = head.iter().any(|line| line.eq_ignore_ascii_case(&format!("authorization: {ANNA}")));
    let _ = match words[..] {
        ["v2", ""] => reply(&stream, "401 Unauthorized", "Www-Authenticate: Basic realm=\"test\"\r\n", b""),
        ["v2", "private", ..] if !is_anna => reply(&stream, "401 Unauthorized", "", &error("UNAUTHORIZED")),
        ["v2", "forbidden", ..] => reply(&stream, "403 Forbidden", "", &error("DENIED")),
        ["v2", "broken", ..] => reply(&stream, "500 Internal Server Error", "", b"out of order\nhint: run as root"),
        ["v2", "page", ..] => reply(&stream, "200 OK", "", b"<html>Welcome!</html>"),
        ["v2", "endless", ..] => {
            let begun = (&stream).write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            begun.and_then(|()| {
                loop {
                    (&stream).write_all(&[b' '; 1 << 16])?;
                }
            })
        }
        ["v2", "silent", ..] => {
            thread::sleep(Duration::from_secs(600));
            Ok(())
        }
        ["v2", _, "manifests", "none"] => reply(&stream, "404 Not Found", "", &error("MANIFEST_UNKNOWN")),
        ["v2", "cut-manifest", "manifests", _] => reply(&stream, "200 OK", "", b"{\"schemaVersion\":"),
        ["v2", repository, "manifests", tag] => {
            // By whatever digest it is asked, it gives what it has.
            let tag = if tag.starts_with("sha256:") { "1" } else { tag };
            reply(&stream, "200 OK", "", manifest(repository, tag).to_string().as_bytes())
        }
        ["v2", repository, "blobs", wanted] => blob(&stream, repository, wanted),
        _ => reply(&stream, "404 Not Found", "", b"no such page"),
    };
}

fn blob(mut stream: &TcpStream, repository: &str, wanted: &str) -> std::io::Result<()> {
    if wanted == digest(CONFIG) {
        return reply(stream, "200 OK", "", CONFIG);
    }
    let mut bytes = module(repository);
    match repository {
        "other-bytes" => bytes[10] ^= 1,
        "half" => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
            stream.write_all(head.as_bytes())?;
            return stream.write_all(&bytes[..bytes.len() / 2]);
        }
        "slow" => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
            stream.write_all(head.as_bytes())?;
            for some in bytes.chunks(bytes.len() / 8) {
                thread::sleep(Duration::from_millis(200));
                stream.write_all(some)?;
            }
            return Ok(());
        }
        _ => {}
    }
    reply(stream, "200 OK", "", &bytes)
}

fn error(code: &str) -> Vec<u8> {
    json!({ "errors": [{ "code": code, "message": "says the\nregistry" }] }).to_string().into_bytes()
}

fn reply(mut stream: &TcpStream, status: &str, more: &str, body: &[u8]) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}
