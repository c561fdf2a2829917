//! `orchestrator examples`

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::arguments::takes;
use super::describe::describe;
use super::example::Example;
use super::limits::LimitFlags;
use super::output::{print, print_json};
use super::source::{Source, unknown};
use super::{Exit, Failure, complete};
use crate::render::{self, ExampleRow};
use crate::script::RunLimits;
use crate::topology::harmless;

/// List the built-in examples, tell of one, print its code, or write them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrator examples n-containers --source python
  orchestrator examples --out ./examples    # writes ./examples/two-containers.wasm and the others")]
pub(super) struct Examples {
    /// Tell of this one: a drawing, its arguments, what to type next
    #[arg(add = complete::example())]
    name: Option<String>,
    /// Print its code in a language
    #[arg(long, value_name = "LANG", add = complete::language_of_example(), requires = "name", conflicts_with_all = ["json", "out"])]
    source: Option<String>,
    /// Write each to DIR/NAME.wasm, and print the names of the files
    #[arg(long, value_name = "DIR", conflicts_with = "name")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Examples {
    pub(super) fn execute(self) -> Result<Exit, Failure> {
        if let Some(name) = &self.name {
            let example = Example::find(name).ok_or_else(|| unknown(name))?;
            return match &self.source {
                Some(language) => print_source(example, language),
                None => self.tell(example),
            };
        }
        if let Some(directory) = &self.out {
            fs::create_dir_all(directory).map_err(Failure::about("make", directory))?;
            for example in Example::all() {
                let path = directory.join(format!("{}.wasm", example.name));
                fs::write(&path, example.wasm).map_err(Failure::about("write", &path))?;
                if !self.json {
                    print(&format!("{}\n", harmless(&path.to_string_lossy())))?;
                }
            }
            if !self.json {
                return Ok(Exit::Done);
            }
        }
        let languages: Vec<Vec<&str>> = Example::all().map(|example| example.languages().collect()).collect();
        let rows: Vec<ExampleRow<'_>> = Example::all().zip(&languages).map(|(example, of)| row(example, of)).collect();
        if self.json {
            print_json(&render::examples_json(&rows))?;
        } else {
            print(&render::examples_table(&rows))?;
        }
        Ok(Exit::Done)
    }

    fn tell(&self, example: &'static Example) -> Result<Exit, Failure> {
        let languages: Vec<&str> = example.languages().collect();
        let row = row(example, &languages);
        if self.json {
            print_json(&render::example_json(&row))?;
            return Ok(Exit::Done);
        }
        // What it says of itself, where it does.
        let description = if example.is_library() {
            None
        } else {
            // Where no scenario can be run, the rest can be told.
            let limits = RunLimits::from(LimitFlags::default());
            describe(Source::Example(example), &limits, example.name).unwrap_or_default()
        };
        let takes = description.map(|description| takes(&description, example.name)).unwrap_or_default();
        print(&render::example_text(&row, example.drawing, &takes))?;
        Ok(Exit::Done)
    }
}

fn row<'a>(example: &'a Example, languages: &'a [&'a str]) -> ExampleRow<'a> {
    let Example { name, summary, arguments, typed, netns, .. } = example;
    ExampleRow { name, is_library: example.is_library(), summary, arguments, typed, netns, languages }
}

/// Prints the code, with the path of each file above it if there is more than one.
fn print_source(example: &Example, language: &str) -> Result<Exit, Failure> {
    let code = example.sources.iter().find(|(name, _)| *name == language);
    let Some((_, files)) = code else {
        let languages: Vec<&str> = example.languages().collect();
        let (language, languages) = (harmless(language), languages.join(", "));
        return Err(Failure::usage(format!("`{}` is not there in `{language}`", example.name))
            .hint(format!("its code is there in {languages}")));
    };
    if let [(_, text)] = files {
        print(text)?;
        return Ok(Exit::Done);
    }
    let texts: Vec<String> = files.iter().map(|(path, text)| format!("{} {path}\n\n{text}", comment(path))).collect();
    print(&texts.join("\n"))?;
    Ok(Exit::Done)
}

/// What begins a comment in a file.
fn comment(path: &str) -> &'static str {
    match Path::new(path).extension().and_then(|ending| ending.to_str()) {
        Some("py") => "#",
        Some("wat") => ";;",
        _ => "//",
    }
}
