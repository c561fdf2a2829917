//! `orchestrator compile`, which only `run` and `plan` start: a module comes on stdin, its code goes to stdout, and why there is
//! none to stderr.

use std::io::{Read, Write, stdin, stdout};

use anyhow::Context;
use clap::Parser;

use super::{Exit, Failure};
use crate::{sandbox, script};

/// Compile a module; started by `run` and `plan`
#[derive(Debug, Parser)]
#[command(name = "orchestrator compile")]
pub(super) struct Compile {
    /// What the module is called in messages
    name: String,
}

impl Compile {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        sandbox::give_up_for_compiling()?;
        let mut module = Vec::new();
        stdin().read_to_end(&mut module).context("could not read the module")?;
        match script::compile(&self.name, &module) {
            Ok(code) => {
                stdout().write_all(&code).context("could not write the code")?;
                Ok(Exit::Done)
            }
            Err(refused) => {
                eprint!("{}", serde_json::to_string(&refused).context("could not say why")?);
                Ok(Exit::No)
            }
        }
    }
}
