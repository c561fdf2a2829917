//! What to say of a program that could not become another user, as there is none in the lab.
//!
//! The kernel tells only the program, and its words are its own. So this goes by the names of those that are known to try.

use std::ffi::CString;
use std::io::{IsTerminal, stderr, stdin};

use crate::topology::harmless;

/// Programs that are used on networks and become another user, when root starts them and nothing else is asked for.
const PROGRAMS: &str = "
    arpwatch darkstat ngrep ntopng p0f suricata tcpdump
    atftpd avahi-daemon chronyd dhcpcd dhcpd dnsdist dnsmasq in.tftpd named nsd ntpd pdns_server radvd unbound
    babeld bfdd bgpd isisd lldpd ospf6d ospfd pimd ripd ripngd staticd watchfrr zebra
    apache2 haproxy httpd mariadbd memcached mysqld nginx postgres proftpd snmpd squid sshd varnishd vsftpd
    apt apt-get runuser su sudo";
const SHELLS: [&str; 6] = ["bash", "dash", "fish", "ksh", "sh", "zsh"];

/// Says what may have been missing where a command has ended so, in a lab of one uid, about which `advice` helps.
pub(super) fn hint(command: &[CString], status: u8, advice: &str) -> Option<String> {
    let who = suspect(command, status, || stdin().is_terminal() && stderr().is_terminal())?;
    let advice = harmless(advice);
    Some(format!(
        "if {who} could not become another user, it is because this lab has only one uid; for more, {advice}, then \
         build the lab anew"
    ))
}

/// Finds a program that may have failed for want of another user, and words it.
fn suspect(command: &[CString], status: u8, at_terminal: impl Fn() -> bool) -> Option<String> {
    // 125 to 127 were given by us or by a shell, and what is above by a signal.
    if matches!(status, 0 | 125..=192) {
        return None;
    }
    let words: Vec<String> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    // Also within a script that is given as a word, and after `timeout 5`.
    let mut names = words.iter().flat_map(|word| word.split(|letter: char| !is_of_name(letter)));
    if let Some(name) = names.find(|name| PROGRAMS.split_whitespace().any(|program| program == *name)) {
        return Some(format!("`{name}`"));
    }
    // What was typed there nobody knows; it ends with the status of the last command.
    let [shell] = &words[..] else { return None };
    let is_shell = shell.rsplit('/').next().is_some_and(|name| SHELLS.contains(&name));
    (is_shell && at_terminal()).then(|| "a program".to_owned())
}

/// Whether a letter may be in the name of a program. The dot tells `dnsmasq` from `dnsmasq.conf`.
fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || ['-', '_', '.', '+'].contains(&letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspected(words: &[&str], status: u8) -> Option<String> {
        let command: Vec<CString> = words.iter().map(|word| CString::new(*word).unwrap()).collect();
        suspect(&command, status, || false)
    }

    #[test]
    fn known_program_is_found_wherever_it_stands() {
        for words in [
            &["tcpdump", "-c1"][..],
            &["/usr/bin/tcpdump"],
            &["timeout", "5", "tcpdump", "-ni", "eth0"],
            &["sh", "-c", "sleep 1;tcpdump -c1"],
        ] {
            assert_eq!(suspected(words, 1).as_deref(), Some("`tcpdump`"), "{words:?}");
        }
    }

    #[test]
    fn command_that_nobody_suspects_is_left_alone() {
        for words in [
            &["ping", "-c1", "10.0.0.1"][..],
            &["cat", "/etc/dnsmasq.conf", "my-tcpdump", "tcpdump2"],
            &["sh", "-c", "exit 3"],
            &["bash"],
            &[""],
        ] {
            assert_eq!(suspected(words, 1), None, "{words:?}");
        }
        for status in [0, 125, 126, 127, 130, 137] {
            assert_eq!(suspected(&["tcpdump"], status), None, "{status}");
        }
    }

    #[test]
    fn shell_is_suspected_at_a_terminal_alone() {
        let command = [c"/bin/bash".to_owned()];
        assert!(suspect(&command, 1, || true).is_some());
        assert_eq!(suspect(&command, 0, || true), None);
        assert_eq!(suspect(&[c"bash".to_owned(), c"script".to_owned()], 1, || true), None);
    }
}
