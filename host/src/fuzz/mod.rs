//! What the fuzz targets in `fuzz/` do with bytes, and what has to hold then. For fuzzers and tests alone.
//!
//! A target panics where something does not hold. Here is what is said to the program by others, and what follows from it by itself;
//! no kernel is asked for anything, and no guest is run.

mod frames;
mod parsers;
mod records;
mod site;
mod steps;
mod topologies;

pub use frames::frames;
pub use parsers::parsers;
pub use records::records;
pub use topologies::topologies;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// What fuzzers have found worth keeping, and what they have found to be wrong.
    fn replay(name: &str, target: fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
        let inputs: Vec<_> = fs::read_dir(&corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!inputs.is_empty(), "{} is empty", corpus.display());
        for input in inputs {
            // The test's output is shown if it fails: the last one named is the one that did it.
            println!("{}", input.display());
            target(&fs::read(&input).unwrap());
        }
    }

    #[test]
    fn frames_of_the_corpus() {
        replay("frames", frames);
    }

    #[test]
    fn parsers_of_the_corpus() {
        replay("parsers", parsers);
    }

    #[test]
    fn records_of_the_corpus() {
        replay("records", records);
    }

    #[test]
    fn topologies_of_the_corpus() {
        replay("topologies", topologies);
    }
}
