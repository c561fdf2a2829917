//! The form that an error has, whatever it says: STYLE.md, section 2.3.

use super::Outcome;

/// What a program shows of its insides when nobody has thought of the reader.
const NOISE: [&str; 8] =
    ["panicked at", "RUST_BACKTRACE", "(os error ", "Os {", "Error {", "Error(", "Some(", "kind: "];

impl Outcome {
    /// Expects an exit code, and an error that has `words` and the form that errors have.
    #[track_caller]
    pub(crate) fn complains(&self, code: i32, words: &str) -> &Self {
        self.fails_with(code).stderr_has(words);
        if let Err(fault) = check(self.stderr()) {
            panic!("the form of an error is another: {fault}\nin {self}");
        }
        self
    }
}

/// Finds what is wrong with the form of an error: `error:`, its causes, after a blank line a hint, and notes.
///
/// What stands before it is the scenario's own output, or a warning.
fn check(stderr: &str) -> Result<(), String> {
    let mut lines = stderr.lines().skip_while(|line| !line.starts_with("error: ")).peekable();
    let first = lines.next().and_then(|line| line.strip_prefix("error: "));
    check_words(first.ok_or("no line begins with `error: `")?)?;
    let mut blank = false;
    for line in lines {
        if let Some(cause) = line.strip_prefix("  caused by: ") {
            check_words(cause)?;
        } else if let Some(hint) = line.strip_prefix("hint: ") {
            check_text(hint)?;
            if !blank {
                return Err("no blank line before the hint".to_owned());
            }
        } else if line.is_empty() || line.starts_with("note: ") || line.starts_with("   ") {
            // Indented are lines that belong to the one before: a stack, a piece of source.
            check_text(line)?;
        } else {
            return Err(format!("there is a line of no kind: {line:?}"));
        }
        blank = line.is_empty();
    }
    Ok(())
}

/// Checks an error or a cause, which begins in lower case unless with the name of an errno.
fn check_words(text: &str) -> Result<(), String> {
    let word: String = text.chars().take_while(|character| character.is_ascii_alphanumeric()).collect();
    let is_errno = word.starts_with('E') && word.chars().all(|character| !character.is_ascii_lowercase());
    if text.starts_with(char::is_uppercase) && !is_errno {
        return Err(format!("it does not begin in lower case: {text:?}"));
    }
    check_text(text)
}

fn check_text(text: &str) -> Result<(), String> {
    if text.ends_with('.') {
        return Err(format!("it ends with a full stop: {text:?}"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("it has control characters: {text:?}"));
    }
    match NOISE.iter().find(|noise| text.contains(*noise)) {
        Some(noise) => Err(format!("it has noise, {noise:?}: {text:?}")),
        None => Ok(()),
    }
}
