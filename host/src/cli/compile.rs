//! `orchestrator compile`, which only other commands start: a module comes on stdin, its code, or what it is, goes to stdout, and why
//! there is none to stderr.

use std::io::{Read, Write, stdin, stdout};
use std::os::unix::process::parent_id;
use std::time::{Duration, Instant};
use std::{process, thread};

use anyhow::Context;
use clap::Parser;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::{Exit, Failure};
use crate::cache::Task;
use crate::{sandbox, script};

/// How often it looks whether anybody waits for the code.
const POLL: Duration = Duration::from_millis(20);

/// Compile a module, or read it; started by other commands
#[derive(Debug, Parser)]
#[command(name = "orchestrator compile")]
pub(super) struct Compile {
    /// The process that waits for the code
    #[arg(long)]
    parent: u32,
    /// For how long it waits, in milliseconds
    #[arg(long)]
    patience: u64,
    /// What to do with the module
    #[arg(long, value_parser = task())]
    task: Task,
    /// What the module is called in messages
    name: String,
}

fn task() -> impl TypedValueParser<Value = Task> {
    PossibleValuesParser::new(Task::ALL.map(Task::name))
        .try_map(|name| Task::ALL.into_iter().find(|task| task.name() == name).ok_or("it is one of those above"))
}

impl Compile {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        sandbox::give_up_for_compiling()?;
        self.end_when_nobody_waits()?;
        let mut module = Vec::new();
        stdin().read_to_end(&mut module).context("could not read the module")?;
        let made = match self.task {
            Task::Compile => script::compile(&self.name, &module).map(Ok),
            Task::Survey => script::survey(&self.name, &module).map(|survey| serde_json::to_vec(&survey)),
            Task::Interfaces => script::interfaces(&self.name, &module).map(|packages| serde_json::to_vec(&packages)),
        };
        match made {
            Ok(made) => {
                let made = made.context("could not say what the module is")?;
                stdout().write_all(&made).context("could not write the code")?;
                Ok(Exit::Done)
            }
            Err(refused) => {
                eprint!("{}", serde_json::to_string(&refused).context("could not say why")?);
                Ok(Exit::No)
            }
        }
    }

    /// Ends this process with its parent, or when that has lost its patience: as another user it can't be killed by one who lacks
    /// CAP_KILL, nor is it told by the kernel.
    fn end_when_nobody_waits(&self) -> Result<(), Failure> {
        let (parent, deadline) = (self.parent, Instant::now().checked_add(Duration::from_millis(self.patience)));
        let watch = move || {
            while parent_id() == parent && deadline.is_none_or(|deadline| Instant::now() < deadline) {
                thread::sleep(POLL);
            }
            process::exit(Exit::Failed.status().into());
        };
        thread::Builder::new().name("watch".into()).spawn(watch).context("could not start a thread")?;
        Ok(())
    }
}
