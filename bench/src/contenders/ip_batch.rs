//! `ip -batch`, by the script `ip-batch-star`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::rest;
use crate::account::Account;
use crate::stage;

/// Waits for word, builds, waits for word, pings, and waits for its end. The namespaces around it are made before, so that they
/// aren't part of the time; its names are in a /run/netns of its own, and go with it.
const SHELL: &str = "mount -t tmpfs netns /run/netns && echo there && \
    read -r go && \"$0\" up \"$1\" && echo stands && \
    read -r go && ip netns exec c1 ping -c 1 -w 5 \"$2\" >/dev/null && echo answers && read -r go";

/// Builds the star, and returns how long that took.
pub(crate) fn build(account: &Account, containers: u32) -> Result<Duration> {
    let batches = account.home().join("ip-batch-star");
    let prepared = account
        .command(stage::ip_batch_star())
        .args(["prepare", &containers.to_string()])
        .env("STAR_DIR", &batches)
        .status()?;
    ensure!(prepared.success(), "`ip-batch-star prepare` failed");

    let mut unshare = account.command("unshare");
    if !account.is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    let last = containers + 1;
    unshare
        .args(["--net", "--mount", "sh", "-c", SHELL])
        .arg(stage::ip_batch_star())
        .args([containers.to_string(), format!("10.0.{}.{}", last / 256, last % 256)])
        .env("STAR_DIR", &batches);
    let mut shell = Shell::start(&mut unshare)?;
    shell.expect("there")?;
    let start = Instant::now();
    shell.go_on()?;
    shell.expect("stands")?;
    let took = start.elapsed();
    shell.go_on()?;
    shell.expect("answers")?;
    shell.end()?;
    rest(containers);
    Ok(took)
}

/// A shell that says how far it is.
struct Shell {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Shell {
    fn start(command: &mut Command) -> Result<Self> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = process.stdin.take().context("the shell has no standard input")?;
        let stdout = process.stdout.take().context("the shell has no standard output")?;
        Ok(Self { process, stdin, stdout: BufReader::new(stdout) })
    }

    fn go_on(&mut self) -> Result<()> {
        Ok(self.stdin.write_all(b"go\n")?)
    }

    fn expect(&mut self, word: &str) -> Result<()> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        ensure!(line.trim_end() == word, "`ip -batch` was expected to say `{word}`, and said `{}`", line.trim_end());
        Ok(())
    }

    fn end(mut self) -> Result<()> {
        drop(self.stdin);
        self.process.wait()?;
        Ok(())
    }
}
