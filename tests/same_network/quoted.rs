//! Every word of a script that is not of its own language is quoted.

/// The words that a script has without quotes, besides numbers of its own.
const FIXED: &str = "ip -n netns add append del exec set_defaults set_forwarding 0 1 link set dev name type veth bridge peer \
                     address mtu master nomaster up down addrgenmode none numtxqueues numrxqueues nodad \
                     route via metric proto kernel src";

/// Finds each word of each command of a script quoted, unless it is a fixed one.
#[track_caller]
pub(crate) fn check(script: &str) {
    // Behind the helpers, which are the same in every script.
    let is_command =
        |line: &&str| ["ip ", "set_defaults ", "set_forwarding "].iter().any(|word| line.starts_with(word));
    let commands: Vec<&str> = script.lines().skip_while(|line| !is_command(line)).collect();
    for command in &commands {
        assert!(is_command(command), "`{command}` is no command: {script}");
        for word in command.split(' ') {
            let fixed = word == "\"$host\"" || FIXED.split_whitespace().any(|fixed| fixed == word);
            assert!(fixed || is_quoted(word), "`{word}` is not quoted in `{command}`");
        }
    }
}

fn is_quoted(word: &str) -> bool {
    let inner = word.strip_prefix('\'').and_then(|word| word.strip_suffix('\''));
    inner.is_some_and(|inner| inner.chars().all(|c| c.is_ascii_alphanumeric() || "._-:/".contains(c)))
}
