//! Root and an ordinary user on one machine: who sees and removes whose labs.
//!
//! Where the tests run without root's capabilities, both accounts of a machine are one to the kernel, and nothing of this can
//! be tried. So these tests run only when they are asked for, as `.ci/run` does as root.

mod support;

/// A module, so that each test's full name has the word to skip by.
mod two_accounts {
    use serde_json::{Value, json};

    use crate::support::{Command, EMPTY_WAT, GUEST_CALLS, Kind, Machine, on_machine};

    #[test]
    #[ignore = "needs real root, who has two users: `cargo test --release --test two_accounts -- --ignored`"]
    fn root_lists_the_labs_of_all_users() {
        on_two_accounts(|m| {
            m.stand("lab", "netns.add,red");
            let module = m.write("root.wat", EMPTY_WAT);
            as_root(m, &["run", &module]).run().success();
            let by_root = as_root(m, &["list", "--json"]).run().success().json();
            let user = Kind::User.uid().to_string();
            assert_eq!(column(&by_root, "name"), ["root", "lab"], "the own come first");
            assert_eq!(column(&by_root, "user"), ["root", &user]);
            let by_user = m.orchestrator(&["list", "--json"]).success().json();
            assert_eq!(by_user.as_array().map(Vec::len), Some(1));
            assert_eq!(by_user[0], by_root[1], "root sees the same of it as its user");
            as_root(m, &["list"]).run().success().stdout_has(&format!("lab    {user}"));
            as_root(m, &["down", "root"]).run().success();
            m.orchestrator(&["down", "lab"]).success();
        });
    }

    #[test]
    #[ignore = "needs real root, who has two users: `cargo test --release --test two_accounts -- --ignored`"]
    fn root_lists_labs_that_are_in_tmp_too() {
        on_two_accounts(|m| {
            let module = m.write("empty.wat", EMPTY_WAT);
            let without = |args: &[&str]| m.command("orchestrator").env_remove("XDG_RUNTIME_DIR").args(args).run();
            without(&["run", &module]).success();
            let by_root = as_root(m, &["list", "--json"]).run().success().json();
            assert_eq!(column(&by_root, "name"), ["empty"]);
            as_root(m, &["down", &of_user("empty")]).run().success();
            assert_eq!(without(&["list", "--json"]).success().json(), json!([]));
        });
    }

    #[test]
    #[ignore = "needs real root, who has two users: `cargo test --release --test two_accounts -- --ignored`"]
    fn root_removes_the_lab_of_a_user_by_user_and_name() {
        on_two_accounts(|m| {
            m.stand("lab", "netns.add,red");
            m.stand_empty("other");
            // Without the user it is root's own, which is not there.
            as_root(m, &["down", "lab"]).run().fails_with(2).stderr_has("there is no lab `lab`");
            for name in ["root/lab", "12/lab", &of_user("none"), "/lab", &of_user("")] {
                as_root(m, &["down", name]).run().fails_with(2).stderr_has(&format!("there is no lab `{name}`"));
            }
            assert_eq!(m.labs(), ["lab", "other"]);
            as_root(m, &["down", &of_user("lab")]).run().success();
            assert_eq!(m.labs(), ["other"]);
            m.stand("lab", "netns.add,blue");
            m.orchestrator(&["down", "--all"]).success();
        });
    }

    #[test]
    #[ignore = "needs real root, who has two users: `cargo test --release --test two_accounts -- --ignored`"]
    fn all_means_the_labs_of_the_caller() {
        on_two_accounts(|m| {
            m.stand_empty("lab");
            let agent = m.agent_pid("lab");
            let module = m.write("root.wat", EMPTY_WAT);
            as_root(m, &["run", &module]).run().success();
            as_root(m, &["down", "--all"]).run().success();
            assert_eq!(m.agent_pid("lab"), agent);
            as_root(m, &["run", &module]).run().success();
            m.orchestrator(&["down", "--all"]).success();
            let by_root = as_root(m, &["list", "--json"]).run().success().json();
            assert_eq!(column(&by_root, "name"), ["root"]);
            as_root(m, &["down", "root"]).run().success();
        });
    }

    #[test]
    #[ignore = "needs real root, who has two users: `cargo test --release --test two_accounts -- --ignored`"]
    fn user_neither_sees_nor_removes_labs_of_root() {
        on_two_accounts(|m| {
            let module = m.write("root.wat", EMPTY_WAT);
            as_root(m, &["run", &module]).run().success();
            assert!(m.labs().is_empty());
            for args in
                [&["down", "root/root"][..], &["down", "root"], &["show", "root/root"], &["exec", "root/root", "host"]]
            {
                m.orchestrator(args).fails_with(2).stderr_has("there is no lab `root");
            }
            as_root(m, &["down", "root"]).run().success();
        });
    }

    #[test]
    #[ignore = "needs real root, who has two users: `cargo test --release --test two_accounts -- --ignored`"]
    fn root_and_a_user_have_labs_of_one_name() {
        on_two_accounts(|m| {
            m.stand("lab", "netns.add,red");
            let calls = ["run", GUEST_CALLS, "--name", "lab", "--", "netns.add,blue"];
            as_root(m, &calls).run().success();
            as_root(m, &["exec", "lab", "blue", "--", "true"]).run().success();
            m.exec("lab", "red", &["true"]).run().success();
            as_root(m, &["down", "lab"]).run().success();
            assert_eq!(m.labs(), ["lab"]);
            m.orchestrator(&["down", "lab"]).success();
        });
    }

    #[test]
    #[ignore = "needs real root, who has two users: `cargo test --release --test two_accounts -- --ignored`"]
    fn root_looks_into_the_lab_of_a_user() {
        on_two_accounts(|m| {
            m.orchestrator(&["run", "two-containers"]).success();
            let lab = of_user("two-containers");
            let by_root = as_root(m, &["show", &lab, "--json"]).run().success().json();
            let by_user = m.orchestrator(&["show", "two-containers", "--json"]).success().json();
            assert_eq!(by_root, by_user);
            as_root(m, &["ping", &lab]).run().success().stdout_has("reply");
            m.orchestrator(&["down", "two-containers"]).success();
        });
    }

    #[test]
    #[ignore = "needs real root, who has two users: `cargo test --release --test two_accounts -- --ignored`"]
    fn root_does_not_enter_the_lab_of_a_user() {
        on_two_accounts(|m| {
            m.stand("lab", "netns.add,red");
            let refused = as_root(m, &["exec", &of_user("lab"), "red", "--", "true"]).run();
            m.orchestrator(&["down", "lab"]).success();
            // `list` shows it, so it would be wrong to say that there is none.
            refused.fails_with(2).stderr_has(&of_user("lab")).stderr_lacks("there is no lab");
        });
    }

    #[test]
    #[ignore = "needs real root, who has two users: `cargo test --release --test two_accounts -- --ignored`"]
    fn crash_of_a_lab_of_a_user_is_not_listed_by_root() {
        on_two_accounts(|m| {
            m.stand_empty("lab");
            m.kill_agent("lab");
            let listed = as_root(m, &["list", "--json"]).run();
            assert_eq!((listed.success().json(), listed.stderr()), (json!([]), ""));
            // It is the user's own next command that sweeps.
            assert!(m.labs().is_empty());
            m.has_no_trace_of_labs();
        });
    }

    #[test]
    #[ignore = "needs real root, who has two users: `cargo test --release --test two_accounts -- --ignored`"]
    fn down_by_root_names_a_process_of_root_in_the_lab_of_a_user() {
        on_two_accounts(|m| {
            m.stand("lab", "netns.add,red");
            let enter = format!("--net={}", m.lab_netns("lab", "red"));
            let held = ["-c", "echo begun; exec sleep 1000"];
            let mut outside = m.root_command("nsenter").args(&[&enter, "--", "sh"]).args(&held).spawn();
            outside.stdout_gets("begun");
            let down = as_root(m, &["down", &of_user("lab")]).run();
            down.success().stderr_has("netns `red` of lab `lab`");
            outside.signal(nix::sys::signal::Signal::SIGKILL);
            outside.wait().fails_with(137);
        });
    }

    fn as_root<'m>(m: &'m Machine, args: &[&str]) -> Command<'m> {
        m.root_command("orchestrator").args(args)
    }

    fn of_user(lab: &str) -> String {
        format!("{}/{lab}", Kind::User.uid())
    }

    #[track_caller]
    fn column(labs: &Value, field: &str) -> Vec<String> {
        let labs = labs.as_array().expect("an array").iter();
        labs.map(|lab| lab[field].as_str().expect("a text").to_owned()).collect()
    }

    /// Runs a test on a machine whose labs are its user's, if its root is another account to the kernel.
    #[track_caller]
    fn on_two_accounts(test: impl FnOnce(&Machine)) {
        on_machine(Kind::User, |m| {
            let owner = m.root_command("stat").args(&["--format=%u", Kind::User.home()]).run();
            assert_eq!(
                owner.success().stdout().trim(),
                Kind::User.uid().to_string(),
                "this needs the tests to run as root; without, leave it out with `--skip two_accounts`"
            );
            test(m);
        });
    }
}
