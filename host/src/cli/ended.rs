//! How a scenario ended, as the command's own end.

use super::{Exit, Failure};
use crate::script::{End, LoadError};
use crate::topology::harmless;

/// Says how a scenario ended that did not succeed.
pub(super) fn failure(end: End, module: &str) -> Failure {
    let module = harmless(module);
    let fail = |exit, error| Failure { exit, error, hint: None };
    match end {
        End::Success => fail(Exit::Done, anyhow::anyhow!("{module}: the scenario succeeded")),
        End::Failed => fail(Exit::No, anyhow::anyhow!("{module}: the scenario returned an error")),
        End::Trapped(text) => fail(Exit::No, anyhow::anyhow!("{module}: the scenario trapped: {text}")),
        End::Limit(text) => fail(Exit::No, anyhow::anyhow!("{module}: {text}")),
        End::NoMemory => {
            fail(Exit::Unable, anyhow::anyhow!("{module}: the kernel gives no memory for the scenario: ENOMEM")).hint(
                "each memory of a guest takes 4 GiB of addresses, nearly all of which stay unused: is there a limit on them \
                 (`ulimit -v`, RLIMIT_AS)?",
            )
        }
        End::NotApplied(refusal) if refusal.is_conflict() => {
            let error = anyhow::anyhow!("{}", refusal.why).context(format!("{module}: could not {}", refusal.act));
            fail(Exit::Usage, error).hint(
                "with `--on-host` the scenario's names and addresses have to be free on the machine; without it the lab has a \
                 host of its own",
            )
        }
        End::NotApplied(refusal) => {
            let errno = refusal.errno.as_ref().map(|errno| format!("{errno}: ")).unwrap_or_default();
            let why = refusal.why.strip_prefix(&errno).unwrap_or(&refusal.why).to_owned();
            fail(Exit::Failed, anyhow::anyhow!("{errno}{why}").context(format!("{module}: could not {}", refusal.act)))
        }
        End::Interrupted(signal) => {
            let status = Exit::Status(128 + u8::try_from(signal).unwrap_or_default());
            fail(status, anyhow::anyhow!("{module}: interrupted by signal {signal}"))
        }
    }
}

/// Says why a module can't be run.
pub(super) fn not_loaded(error: LoadError, module: &str) -> Failure {
    match error {
        LoadError::OutOfTime(limit) => failure(End::Limit(limit.to_string()), module),
        error => Failure::from(error).context(format!("`{}` can't be run", harmless(module))),
    }
}
