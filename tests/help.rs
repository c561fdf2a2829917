//! What `orchestrator` says of itself: help, version, completions, man pages, and the examples that it brings along.

mod support;

use support::{EXAMPLES, Machine, Outcome, kernel_test};

/// All commands that a user is shown.
const COMMANDS: [&str; 22] = [
    "run",
    "plan",
    "list",
    "show",
    "check",
    "repair",
    "link",
    "exec",
    "ping",
    "down",
    "doctor",
    "new",
    "build",
    "inspect",
    "push",
    "pull",
    "modules",
    "wit",
    "cache",
    "examples",
    "completions",
    "man",
];

kernel_test!(help_lists_the_commands_and_what_each_does, |m| {
    for flag in ["--help", "-h", "help"] {
        let help = m.orchestrator(&[flag]);
        assert_eq!(commands_of(help.success()), COMMANDS);
        help.stdout_lacks("agent").stdout_has("Usage: orchestrator <COMMAND>");
        assert_eq!(help.stderr(), "");
    }
});

kernel_test!(help_of_each_command_fits_a_terminal, |m| {
    for help in helps(m) {
        let widest = help.stdout().lines().max_by_key(|line| line.chars().count()).unwrap_or_default();
        assert!(widest.chars().count() <= 100, "a line of {} columns in {help}", widest.chars().count());
        assert!(help.stdout().lines().all(|line| line.trim_end() == line), "space at the end of a line of {help}");
    }
});

kernel_test!(text_of_help_is_not_broken_in_the_middle_of_a_line, |m| {
    // A paragraph that was wrapped by hand and by clap has a short line before one that would have fitted.
    for help in helps(m) {
        let lines: Vec<&str> = help.stdout().lines().collect();
        for pair in lines.windows(2) {
            let is_text = |line: &str| line.starts_with(|first: char| first.is_alphanumeric()) && !line.ends_with(':');
            if is_text(pair[0]) && is_text(pair[1]) && !pair[0].ends_with('.') {
                let word = pair[1].split(' ').next().unwrap_or_default();
                let joined = pair[0].chars().count() + 1 + word.chars().count();
                assert!(joined > 90, "`{}` could go on with `{word}` in {help}", pair[0]);
            }
        }
    }
});

kernel_test!(help_of_each_command_is_a_short_line_and_two_examples, |m| {
    for (command, help) in COMMANDS.iter().zip(helps(m)) {
        let short = help.stdout().lines().next().unwrap_or_default();
        assert!(short.chars().count() < 80, "{} columns: {short}", short.chars().count());
        assert!(short.starts_with(char::is_uppercase) && !short.ends_with('.'), "{short}");
        let examples = help.stdout().split("Examples:\n").nth(1).unwrap_or_else(|| panic!("no examples in {help}"));
        let typed = format!("  orchestrator {command}");
        assert_eq!(examples.lines().filter(|line| line.starts_with(&typed)).count(), 2, "{help}");
    }
});

kernel_test!(help_of_run_lists_arguments_apart_from_limits, |m| {
    let help = m.orchestrator(&["run", "--help"]);
    let (arguments, options) = help.success().stdout().split_once("\nOptions:\n").expect("options");
    assert!(arguments.contains("[ARGS]...") && !options.contains("[ARGS]..."), "{help}");
    let limits = options.split("\nLimits:\n").nth(1).expect("limits");
    let flags = [
        ("--max-module", "64MiB"),
        ("--max-memory", "256MiB"),
        ("--max-cpu", "30s"),
        ("--max-time", "10m"),
        ("--max-output", "64MiB"),
        ("--max-handles", "100000"),
        ("--max-netns", "16384"),
        ("--max-links", "65536"),
        ("--max-addresses-and-routes", "262144"),
    ];
    for (flag, default) in flags {
        let said = limits.split(flag).nth(1).unwrap_or_else(|| panic!("no {flag} in {help}"));
        assert!(
            said.split("--max").next().is_some_and(|said| said.contains(&format!("[default: {default}]"))),
            "{flag}"
        );
    }
});

kernel_test!(version_is_name_and_number, |m| {
    for flag in ["--version", "-V"] {
        let version = m.orchestrator(&[flag]);
        let number = version.success().stdout().strip_prefix("orchestrator ").and_then(|rest| rest.strip_suffix('\n'));
        let numbers: Vec<&str> = number.expect("a name and a number").split('.').collect();
        assert!(numbers.len() == 3 && numbers.iter().all(|number| number.parse::<u32>().is_ok()), "{version}");
    }
});

kernel_test!(command_line_that_is_wrong_gives_2_and_shows_the_way, |m| {
    m.orchestrator(&[]).fails_with(2).stderr_has("Usage: orchestrator <COMMAND>");
    m.orchestrator(&["lst"]).fails_with(2).stderr_has("unrecognized subcommand 'lst'").stderr_has("'list'");
    m.orchestrator(&["list", "--jsn"]).fails_with(2).stderr_has("'--jsn'").stderr_has("'--json'");
    m.orchestrator(&["run"]).fails_with(2).stderr_has("<MODULE>");
    m.orchestrator(&["show"]).fails_with(2).stderr_has("<LAB>");
    // What is for the program alone is not to be stumbled upon.
    m.orchestrator(&["agnt"]).fails_with(2).stderr_lacks("'agent'");
});

kernel_test!(completions_for_bash_complete, |m| {
    m.orchestrator(&["run", "two-containers", "--name", "my-lab"]).success();
    let script = "eval \"$(orchestrator completions bash)\"; complete -p orchestrator >/dev/null
        t() {
            COMP_WORDS=(orchestrator \"$@\"); COMP_CWORD=$#; COMP_TYPE=9; COMPREPLY=(); COMP_LINE=\"${COMP_WORDS[*]}\"
            [[ -z ${at-} ]] || COMP_CWORD=$at
            _orchestrator orchestrator \"${COMP_WORDS[COMP_CWORD]}\" ''
            local IFS=' '; echo \"${COMPREPLY[*]}\"
        }
        t ''; t ru; t run --re; t completions z; t run two-c; t run x --with leaf; t down my; t plan x --against ''
        t run fabric -- --; t run fabric --name x -- 2 2 2 --i; t run direct-pair -- --; t run none -- --
        at=4 t run fabric -- --i 2 2; at=4 t run fabric -- --i 2 --ipv6
        t examples leaf-spine --source p; t examples --source z; t inspect two-c
        COMP_WORDS=(orchestrator run --with = leaf) COMP_CWORD=4 COMP_LINE='orchestrator run --with=leaf'
        _orchestrator orchestrator leaf =; echo \"${COMPREPLY[*]}\"
        COMP_WORDS=(orchestrator run fabric --name = x -- 2 --i) COMP_CWORD=8 COMP_LINE='orchestrator run fabric --name=x -- 2 --i'
        _orchestrator orchestrator --i 2; echo \"${COMPREPLY[*]}\"";
    let completed = m.command("bash").args(&["--norc", "-euc", script]).run();
    let lines: Vec<&str> = completed.success().stdout().lines().collect();
    for command in COMMANDS {
        assert!(lines[0].split(' ').any(|word| word == command), "{command} in {completed}");
    }
    assert!(!lines[0].split(' ').any(|word| word == "agent"), "it is hidden: {completed}");
    let rest = [
        "run",
        "--replace",
        "zsh",
        "two-containers",
        "leaf-spine",
        "my-lab",
        "my-lab",
        "--ipv6",
        "--ipv6",
        "",
        "",
        "--ipv6",
        "",
        "python",
        "zig",
        "two-containers",
        "leaf-spine",
        "--ipv6",
    ];
    assert_eq!(lines[1..], rest, "{completed}");
    assert_eq!(completed.stderr(), "");
    m.orchestrator(&["down", "my-lab"]).success();
});

kernel_test!(completions_are_scripts_of_each_shell, |m| {
    for (shell, has) in [
        ("bash", "complete -o nospace -o bashdefault -o nosort -F _orchestrator orchestrator\n"),
        ("zsh", "#compdef orchestrator\n"),
        ("fish", "complete --keep-order --exclusive --command orchestrator "),
        ("elvish", "set edit:completion:arg-completer[orchestrator] = "),
        ("powershell", "Register-ArgumentCompleter -Native -CommandName orchestrator "),
    ] {
        let script = m.orchestrator(&["completions", shell]);
        script.success().stdout_has(has).stdout_has("ORCHESTRATOR_COMPLETE");
        assert_eq!(script.stderr(), "");
    }
    m.orchestrator(&["completions", "tcsh"]).fails_with(2).stderr_has("bash").stderr_has("zsh").stderr_has("fish");
    m.orchestrator(&["completions"]).fails_with(2).stderr_has("<SHELL>");
});

kernel_test!(man_writes_a_page_for_each_command, |m| {
    let directory = format!("{}/man/man1", m.kind().home());
    m.orchestrator(&["man", "--out", &directory]).success();
    let mut expected: Vec<String> = COMMANDS.iter().map(|command| format!("orchestrator-{command}.1")).collect();
    expected.push("orchestrator.1".to_owned());
    expected.sort();
    assert_eq!(m.entries(&directory), expected);
    for page in &expected {
        let text = m.read(&format!("{directory}/{page}"));
        let name = page.strip_suffix(".1").expect("it ends so");
        assert!(text.contains(&format!(".TH {name} 1")), "{page}: {text}");
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION"] {
            assert!(text.contains(&format!("\n.SH {section}\n")), "no {section} in {page}");
        }
        assert!(text.contains("Examples:"), "no examples in {page}");
    }
    // Again, and over what is there.
    m.orchestrator(&["man", "--out", &directory]).success();
});

kernel_test!(man_pages_refer_to_pages_that_there_are, |m| {
    m.orchestrator(&["man", "--out", "."]).success();
    let written = m.read(&format!("{}/orchestrator.1", m.kind().home()));
    let printed = m.orchestrator(&["man"]);
    for page in [&*written, printed.success().stdout()] {
        // A hyphen is written `\-`.
        let referred = page.split_whitespace().filter_map(|word| word.strip_suffix("(1)"));
        let referred: Vec<String> = referred.map(|name| name.replace("\\-", "-")).collect();
        assert_eq!(referred, COMMANDS.map(|command| format!("orchestrator-{command}")));
    }
});

kernel_test!(examples_are_listed_with_what_they_draw, |m| {
    let table = m.orchestrator(&["examples"]);
    let lines: Vec<&str> = table.success().stdout().lines().collect();
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["NAME", "DRAWS", "ARGUMENTS", "NETNS"], "{table}");
    let columns = ["DRAWS", "ARGUMENTS", "NETNS"].map(|heading| lines[0].find(heading).expect("a heading"));
    let names: Vec<&str> = lines[1..].iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(
        names,
        [
            "two-containers",
            "single-container",
            "n-containers",
            "direct-pair",
            "full-mesh",
            "two-lans",
            "two-routers",
            "fabric",
            "leaf-spine"
        ]
    );
    for (line, column) in lines[1..].iter().flat_map(|line| columns.map(|column| (line, column))) {
        assert!(line[..column].ends_with("  ") && !line[column..].starts_with(' '), "not aligned: {table}");
    }
    let json = m.orchestrator(&["examples", "--json"]).success().json();
    let listed: Vec<&str> = json.as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(listed, names);
    assert!(json.as_array().into_iter().flatten().all(|one| one["summary"].is_string()), "{json}");
});

kernel_test!(examples_are_written_as_modules_that_run, |m| {
    let directory = format!("{}/some/where", m.kind().home());
    m.orchestrator(&["examples", "--out", &directory]).success();
    let mut written: Vec<String> =
        EXAMPLES.iter().chain(&["leaf-spine"]).map(|module| format!("{module}.wasm")).collect();
    written.sort();
    assert_eq!(m.entries(&directory), written);
    for module in EXAMPLES {
        let arguments = match module {
            "n-containers" => &["--", "3"][..],
            "fabric" => &["--", "2", "1", "1"],
            _ => &[],
        };
        let run =
            m.command("orchestrator").args(&["run", "--rm", &format!("./some/where/{module}.wasm")]).args(arguments);
        run.run().success().stderr_has(&format!("lab `{module}` stood"));
    }
    // Again, over what is there.
    m.orchestrator(&["examples", "--out", &directory]).success();
});

kernel_test!(file_that_cannot_be_written_is_an_error, |m| {
    let file = m.write("file", "");
    for command in ["examples", "man"] {
        for place in [&*file, "/proc/none", "/dev/null/below"] {
            let refused = m.orchestrator(&[command, "--out", place]);
            assert!([2, 3].contains(&refused.code()), "what was given can't be used, or this user can't: {refused}");
            refused.stderr_has(&format!("could not make `{place}`")).stderr_has("caused by: ");
        }
    }
});

/// Returns the long help of each command, and finds that of `-h` the same.
#[track_caller]
fn helps(m: &Machine) -> Vec<Outcome> {
    let help = |command: &&str| {
        let help = m.orchestrator(&[command, "--help"]);
        assert_eq!(help.success().stderr(), "");
        assert_eq!(m.orchestrator(&["help", command]).success().stdout(), help.stdout());
        help
    };
    COMMANDS.iter().map(help).collect()
}

/// Returns the commands that a help lists, each with a text, but for `help` itself.
fn commands_of(help: &Outcome) -> Vec<&str> {
    let listed = help.stdout().split("Commands:\n").nth(1).unwrap_or_default().lines();
    let lines = listed.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    lines.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect()
}
