//! `orchestrator new`

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::output::print;
use super::project::installation;
use super::{Exit, Failure};
use crate::project::{CreateError, Kind, Language, create};
use crate::topology::harmless;

/// Make a project: a folder with a scenario, or a library, that builds as it is
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrator new lab1 --lang python
  orchestrator new labs/lab2 --lang rust && orchestrator run labs/lab2 --watch")]
pub(super) struct New {
    /// Folder to make. Its last part is the name of the module and of the lab
    name: PathBuf,
    /// Language of the scenario
    #[arg(long, value_name = "LANG", value_parser = language())]
    lang: Language,
    /// Make a library, which other scenarios are run with: `run --with`
    #[arg(long)]
    lib: bool,
}

fn language() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(Language::ALL.map(Language::name))
        .try_map(|name| Language::find(&name).ok_or("it is one of those above"))
}

impl New {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        let kind = if self.lib { Kind::Library } else { Kind::Scenario };
        create(&self.name, self.lang, kind).map_err(|error| {
            let hint = match &error {
                CreateError::Exists(_) => Some("give another name, or remove it".into()),
                CreateError::Reserved(_) | CreateError::Word(_) | CreateError::Keyword(_) => {
                    Some("give another name".into())
                }
                CreateError::NoLibrary(_) => {
                    Some("give `--lang rust`; scenarios in any language are run with it".into())
                }
                CreateError::Name(_) | CreateError::Write(..) => None,
            };
            Failure { exit: Exit::Usage, error: error.into(), hint }
        })?;
        let folder = harmless(&self.name.display().to_string());
        let path = if folder.contains('/') { folder.clone() } else { format!("./{folder}") };
        let title = self.lang.title();
        let mut said = match kind {
            Kind::Scenario => format!("`{folder}/{}` draws a network, in {title}\n\nnext:\n", self.lang.source()),
            Kind::Library => {
                format!("`{folder}/src/lib.rs` does what `{folder}/wit/world.wit` says, in {title}\n\nnext:\n")
            }
        };
        if let Some(install) = installation(&self.name) {
            said.push_str(&format!("  {install}\n"));
        }
        said.push_str(&match kind {
            Kind::Scenario => {
                format!("  orchestrator run {path} --watch     # builds it, and edits the lab at every save\n")
            }
            Kind::Library => format!(
                "  orchestrator build {path}\n  orchestrator wit {path} --out ./LAB/wit/deps     # for a project that imports it\n  \
                 orchestrator run ./LAB --with {path}\n"
            ),
        });
        print(&said)?;
        Ok(Exit::Done)
    }
}
