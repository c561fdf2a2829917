//! The same against Debian's docker-registry, and beside wkg, as others have them.

use std::env;
use std::path::PathBuf;

use super::{at, beside, fake, finish, private_store};
use crate::support::{Kind, Machine, Running, kernel_test, on_machine};

/// `anna`, `secret`, as htpasswd(1) with `-B` writes it.
const ANNA: &str = "anna:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";

/// An authority of its own, and a certificate for 127.0.0.1.
const CERTIFICATES: &str = "set -eu
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority 2>&1
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj /CN=registry 2>&1
echo subjectAltName=IP:127.0.0.1 >extensions
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out server.pem 2>&1
";

/// Starts a registry, whose files are in the owner's home; `more` is of its configuration.
fn start<'m>(m: &'m Machine, more: &str) -> Running<'m> {
    let home = m.kind().home();
    let configuration = format!(
        "version: 0.1\nlog: {{accesslog: {{disabled: true}}}}\nstorage:\n  filesystem: {{rootdirectory: {home}/data}}\n\
         http:\n  addr: {}\n{more}",
        fake::ADDRESS
    );
    m.write("registry.yml", configuration);
    let mut registry = m.command("docker-registry").args(&["serve", "registry.yml"]).spawn();
    registry.stderr_gets("listening on");
    registry
}

/// Finds a program of this machine's in the search path of the test.
fn program(name: &str) -> String {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|place| place.join(name)).find(|program| program.is_file());
    let found: PathBuf = found.unwrap_or_else(|| panic!("there is no `{name}` in the search path"));
    found.to_string_lossy().into_owned()
}

#[test]
#[ignore = "needs docker-registry, of Debian"]
fn library_of_a_registry_is_plugged_in() {
    on_machine(Kind::User, |m| {
        let store = private_store(m, "16m");
        let registry = start(m, "");
        let reference = at("someone/fabric:1");
        m.root_command("orchestrator").args(&["push", "leaf-spine", &reference]).run().success();
        let run = ["run", env!("ORCHESTRATOR_TEST_GUEST_TWO_LEAVES"), "--with", &reference];
        let first = m.orchestrator(&run);
        first.success().stdout_has("here -> there: reply in ").stderr_has(&reference);
        fake::end(registry);
        m.orchestrator(&run).success().stderr_has("no change");
        m.orchestrator(&["check", "two-leaves"]).success();
        m.orchestrator(&["wit", &reference]).success().stdout_has("package example:leaf-spine@0.1.0;");
        m.orchestrator(&["down", "two-leaves"]).success();
        m.has_no_trace_of_labs();
        finish(m, &store);
    });
}

#[test]
#[ignore = "needs docker-registry, of Debian"]
fn module_that_root_pushes_a_user_runs() {
    on_machine(Kind::User, |m| {
        let store = private_store(m, "16m");
        let registry = start(m, "");
        let reference = at("someone/leaf-spine:1");
        let words = ["push", "two-containers", &reference, "--description", "Two containers", "--license", "MIT"];
        let root = |words: &[&str]| m.root_command("orchestrator").args(words).env("SOURCE_DATE_EPOCH", "1").run();
        let pushed = root(&words);
        let digest = pushed.success().stdout().trim_end().rsplit(' ').next().unwrap().to_owned();
        // What was pushed the same way is the same.
        root(&words).success().stdout_has(&digest);
        let inspected = m.orchestrator(&["inspect", &reference]);
        inspected
            .success()
            .stdout_has("description: Two containers\nlicences: MIT\n")
            .stdout_has("  orchestrator:net/veth@0.1.0\n");
        inspected.stdout_has("It is not in the store");
        m.orchestrator(&["modules"]).success().stdout_has("0 modules");
        m.orchestrator(&["run", &reference])
            .success()
            .stderr_has(&digest)
            .stderr_has("lab `leaf-spine` stands: 3 netns");
        m.orchestrator(&["check", "leaf-spine"]).success();
        fake::end(registry);
        m.orchestrator(&["run", &reference]).success().stderr_has("no change");
        m.orchestrator(&["down", "leaf-spine"]).success();
        let by_digest = format!("{}@{digest}", at("someone/leaf-spine"));
        m.orchestrator(&["run", &by_digest]).success().stderr_has("lab `leaf-spine` stands: 3 netns");
        m.orchestrator(&["down", "leaf-spine"]).success();
        m.has_no_trace_of_labs();
        finish(m, &store);
    });
}

kernel_test!(
    #[ignore = "needs docker-registry and openssl, of Debian"]
    registry_is_trusted_by_an_authority_of_ones_own,
    |m| {
        let store = private_store(m, "16m");
        m.command("sh").args(&["-c", CERTIFICATES]).run().success();
        let home = m.kind().home();
        let tls = format!("  tls: {{certificate: {home}/server.pem, key: {home}/server.key}}\n");
        let registry = start(m, &tls);
        let reference = at("two-containers");
        let push = |more: &[&str]| m.orchestrator(&[&["push", "two-containers", &reference], more].concat());
        push(&[]).complains(2, "shows a certificate that nobody vouches for").stderr_has("hint: `--ca FILE`");
        push(&["--ca", "ca.pem"]).success();
        m.orchestrator(&["run", &reference]).complains(2, "shows a certificate that nobody vouches for");
        // As other programs have it.
        let run = m.command("orchestrator").args(&["run", &reference]).env("SSL_CERT_FILE", &format!("{home}/ca.pem"));
        run.run().success().stderr_has("pulled `");
        m.orchestrator(&["pull", &reference, "--ca", "ca.pem"]).success().stdout_has("is in the store as it is");
        m.orchestrator(&["down", "two-containers"]).success();
        fake::end(registry);
        // Whom it wants to know it sends to where everybody could listen.
        let token =
            format!("realm: 'http://127.0.0.1:5003/token', service: x, issuer: x, rootcertbundle: {home}/ca.pem");
        let registry = start(m, &format!("{tls}auth:\n  token: {{{token}}}\n"));
        push(&["--ca", "ca.pem"]).complains(4, "wants credentials in plain text, at `http://127.0.0.1:5003/token`");
        fake::end(registry);
        finish(m, &store);
    }
);

kernel_test!(
    #[ignore = "needs docker-registry, of Debian"]
    registry_that_wants_a_password_gets_that_of_docker_login,
    |m| {
        m.write("passwords", ANNA);
        let htpasswd = format!("auth:\n  htpasswd: {{realm: test, path: {}/passwords}}\n", m.kind().home());
        beside(
            m,
            "16m",
            |m| start(m, &htpasswd),
            |_| {
                let reference = at("two-containers");
                let push = || m.orchestrator(&["push", "two-containers", &reference]);
                push().complains(2, "wants to know who asks");
                m.command("mkdir").args(&["-p", ".docker"]).run().success();
                let login = |auth: &str| {
                    m.write(
                        ".docker/config.json",
                        format!("{{\"auths\":{{\"{}\":{{\"auth\":\"{auth}\"}}}}}}", fake::ADDRESS),
                    )
                };
                login("YW5uYTpvbGQ=");
                push().complains(2, "does not accept the credentials of `anna`");
                login("YW5uYTpzZWNyZXQ=");
                push().success();
                m.orchestrator(&["plan", &reference]).success();
                m.command("rm").args(&["-r", ".docker"]).run().success();
                m.orchestrator(&["inspect", &at("two-containers:2")]).complains(2, "wants to know who asks");
            },
        );
    }
);

kernel_test!(
    #[ignore = "needs docker-registry, of Debian"]
    connection_that_is_cut_in_the_middle_of_a_layer_leaves_the_store_as_it_was,
    |m| {
        beside(
            m,
            "16m",
            |m| start(m, ""),
            |store| {
                let proxy = fake::start_proxy(m);
                m.orchestrator(&["push", "two-containers", &at("two-containers")]).success();
                let through_proxy = format!("{}/two-containers", fake::PROXY);
                let pull = m.orchestrator(&["pull", &through_proxy]);
                pull.complains(4, &format!("the registry `{}` broke off: ", fake::PROXY));
                m.orchestrator(&["modules"]).success().stdout_has("0 modules");
                let drafts = m.command("sh").args(&["-c", &format!("ls -A {store}/blobs/sha256")]).run();
                assert_eq!(drafts.success().stdout(), "");
                // What is small enough gets through.
                m.orchestrator(&["inspect", &through_proxy]).success();
                fake::end(proxy);
            },
        );
    }
);

kernel_test!(
    #[ignore = "needs docker-registry, of Debian, and wkg, of crates.io"]
    wkg_pulls_what_is_pushed_here_and_pushes_what_is_pulled_here,
    |m| {
        beside(
            m,
            "16m",
            |m| start(m, ""),
            |_| {
                let wkg = program("wkg");
                let wkg = |words: &[&str]| {
                    let words = [words, &["--insecure", fake::ADDRESS]].concat();
                    m.command(&wkg).args(&words).run().success();
                };
                m.orchestrator(&["push", "two-containers", &at("ours:1")]).success();
                wkg(&["oci", "pull", &at("ours:1"), "-o", "pulled.wasm"]);
                let digest = |module: &str| {
                    let plan = m.orchestrator(&["plan", module, "--name", "x", "--json"]);
                    plan.success().json()["digest"].as_str().unwrap().to_owned()
                };
                assert_eq!(digest("./pulled.wasm"), digest("two-containers"));
                wkg(&["oci", "push", &at("theirs:1"), "pulled.wasm"]);
                m.orchestrator(&["inspect", &at("theirs:1")]).success().stdout_has("  orchestrator:net/veth@0.1.0\n");
                assert_eq!(digest(&at("theirs:1")), digest("two-containers"));
            },
        );
    }
);
