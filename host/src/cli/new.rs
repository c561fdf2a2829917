//! `orchestrator new`

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::output::print;
use super::project::installation;
use super::{Exit, Failure};
use crate::project::{CreateError, Language, create};
use crate::topology::harmless;

/// Make a project: a folder with a scenario that builds and runs as it is
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
}

fn language() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(Language::ALL.map(Language::name))
        .try_map(|name| Language::find(&name).ok_or("it is one of those above"))
}

impl New {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        create(&self.name, self.lang).map_err(|error| {
            let hint = match &error {
                CreateError::Exists(_) => Some("give another name, or remove it".into()),
                CreateError::Reserved(_) => Some("give another name".into()),
                CreateError::Name(_) | CreateError::Write(..) => None,
            };
            Failure { exit: Exit::Usage, error: error.into(), hint }
        })?;
        let folder = harmless(&self.name.display().to_string());
        let path = if folder.contains('/') { folder.clone() } else { format!("./{folder}") };
        let mut said =
            format!("`{folder}/{}` draws a network, in {}\n\nnext:\n", self.lang.source(), self.lang.title());
        if let Some(install) = installation(&self.name) {
            said.push_str(&format!("  {install}\n"));
        }
        said.push_str(&format!("  orchestrator run {path} --watch     # builds it, and edits the lab at every save\n"));
        print(&said)?;
        Ok(Exit::Done)
    }
}
