#!/usr/bin/env bash
# Prepares a Debian or Ubuntu machine to build orchestrator, to run it without root, and to run its tests.
#
#   sudo vagrant/provision.sh                 on a machine of your own
#   sudo vagrant/provision.sh --throw-away    in a virtual machine that is there for this alone; the Vagrantfile does it
#
# Every change is announced; a second run changes nothing. The two ways differ only where AppArmor keeps ordinary users
# from making user namespaces, as Ubuntu's does since 24.04: your own machine gets a profile that lets orchestrator make
# them and nothing else; a throw-away machine has the limit lifted, since the tests play machines with unshare(1).

set -euo pipefail

readonly apparmor_limit=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
readonly profile=/etc/apparmor.d/orchestrator
readonly sysctl_file=/etc/sysctl.d/60-orchestrator-user-namespaces.conf

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
user=${SUDO_USER:-root}
throw_away=no

say() { printf 'provision: %s\n' "$*"; }

fail() {
    printf 'provision: error: %s\n' "$*" >&2
    exit 1
}

# Runs a command line as the user for whom the machine is prepared, with what their login shell sets up.
as_user() {
    # shellcheck disable=SC2016  # the user's shell expands it
    local line='PATH=$HOME/.cargo/bin:$PATH; '"$1"
    if [[ $user == root ]]; then
        bash -o pipefail -c "$line"
    else
        runuser --user "$user" -- env HOME="$(getent passwd "$user" | cut -d: -f6)" USER="$user" LOGNAME="$user" \
            bash --login -o pipefail -c "$line"
    fi
}

# --- packages ------------------------------------------------------------------------------------------------------------

# A C linker for rustc, what fetches rustup, and what the tests call: ip and ping, unshare, ps.
install_packages() {
    local package missing=()
    for package in ca-certificates curl gcc iproute2 iputils-ping libc6-dev procps util-linux; do
        [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then
        say "packages: all there"
        return
    fi
    say "packages: installing ${missing[*]}"
    apt_get update
    apt_get install -y --no-install-recommends "${missing[@]}"
}

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
}

# --- Rust ----------------------------------------------------------------------------------------------------------------

# Prints a value of rust-toolchain.toml, a list with commas.
wanted() {
    sed -n "s/^$1 *= *//p" "$project/rust-toolchain.toml" | tr -d '"[] '
}

install_rust() {
    if as_user 'command -v rustup' >/dev/null; then
        say "rust: $user has rustup"
    elif as_user 'command -v cargo' >/dev/null; then
        say "rust: $user has $(as_user 'cargo --version') without rustup; left alone."
        say "      It must be $(wanted channel) or newer and have the standard library for $(wanted targets)."
        return
    else
        install_rustup
    fi
    install_toolchain
}

install_rustup() {
    apt_get update
    if LC_ALL=C apt-cache policy rustup | grep -q 'Candidate: [0-9]'; then
        say "rust: installing the package rustup"
        apt_get install -y --no-install-recommends rustup
    else
        say "rust: there is no package rustup here; installing it for $user from https://sh.rustup.rs"
        as_user "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
            sh -s -- -y --quiet --profile minimal --default-toolchain none"
        say "      shells that are already open find it after:  . ~/.cargo/env"
    fi
}

install_toolchain() {
    local channel components targets
    channel=$(wanted channel) components=$(wanted components) targets=$(wanted targets)
    if toolchain_is_complete; then
        say "rust: toolchain $channel with $components and $targets is there"
        return
    fi
    say "rust: installing toolchain $channel with $components and $targets"
    as_user "rustup toolchain install '$channel' --profile minimal --component '$components' --target '$targets'"
}

# Looks for each part by itself, as installing again would fetch the whole toolchain again. In /, where no
# rust-toolchain.toml makes rustup install something on being asked.
toolchain_is_complete() {
    local part installed
    installed=$(as_user "cd / && rustup component list --installed --toolchain '$channel'" 2>/dev/null) || return 1
    for part in cargo rustc ${components//,/ } ${targets//,/ }; do
        grep -qE "^(rust-std-)?$part(-|\$)" <<<"$installed" || return 1
    done
}

# --- user namespaces -----------------------------------------------------------------------------------------------------

# Makes labs without root possible where the distribution forbids them, and says what it did and what is left.
allow_user_namespaces() {
    if [[ $(cat "$apparmor_limit" 2>/dev/null) == 1 ]]; then
        if [[ $throw_away == yes ]]; then
            lift_apparmor_limit "this machine is a throw-away one, and tests call unshare(1)"
        elif command -v apparmor_parser >/dev/null; then
            load_apparmor_profile
        else
            lift_apparmor_limit "apparmor_parser, which would load a profile for orchestrator alone, is not installed"
        fi
    elif [[ -e $sysctl_file ]]; then
        say "user namespaces: AppArmor's limit is lifted, by $sysctl_file"
    else
        say "user namespaces: AppArmor does not limit them here; nothing to do"
    fi

    local setting
    for setting in kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000; do
        if [[ $(sysctl --values "${setting%=*}" 2>/dev/null) == 0 ]]; then
            say "user namespaces: switched off on this machine (${setting%=*}=0), and left so: orchestrator needs root here."
            say "      To allow them until the next boot:  sudo sysctl $setting"
        fi
    done
}

load_apparmor_profile() {
    local built=$project/target/release/orchestrator
    [[ $project != *[][*?{}\"\\^@]* ]] || fail "AppArmor would read the path $project as a pattern; move the project"
    cat >"$profile" <<END
# Lets orchestrator make user namespaces, which labs without root are made of, and limits it no further.
# Whoever can write to a path below can put another program there that may then do the same.
# Written by vagrant/provision.sh. To undo it: sudo apparmor_parser --remove $profile && sudo rm $profile
abi <abi/4.0>,
include <tunables/global>

profile orchestrator /usr/local/bin/orchestrator flags=(unconfined) {
  userns,
  include if exists <local/orchestrator>
}

profile orchestrator-built "$built" flags=(unconfined) {
  userns,
  include if exists <local/orchestrator>
}
END
    apparmor_parser --replace "$profile"
    say "user namespaces: AppArmor keeps ordinary users from making them ($(basename "$apparmor_limit")=1)."
    say "      Loaded $profile, which lets these programs make them:"
    say "      /usr/local/bin/orchestrator and $built"
    say "      Tests also call unshare(1), which stays limited. To run them as an ordinary user, lift the limit until the"
    say "      next boot:  sudo sysctl kernel.$(basename "$apparmor_limit")=0"
}

lift_apparmor_limit() {
    cat >"$sysctl_file" <<END
# Lets every program of ordinary users make user namespaces, which orchestrator's labs without root are made of.
# Lifted for all, not by an AppArmor profile for orchestrator alone, because
# $1.
# Written by vagrant/provision.sh. To undo it: sudo rm $sysctl_file && sudo sysctl kernel.$(basename "$apparmor_limit")=1
kernel.$(basename "$apparmor_limit") = 0
END
    sysctl --quiet --load="$sysctl_file"
    say "user namespaces: AppArmor kept ordinary users from making them ($(basename "$apparmor_limit")=1)."
    say "      Lifted for every program, now and at each boot, by $sysctl_file:"
    say "      $1."
}

# -------------------------------------------------------------------------------------------------------------------------

main() {
    case ${1-} in
    '') ;;
    --throw-away) throw_away=yes ;;
    *) fail "unknown argument \`$1\`; there is only --throw-away" ;;
    esac
    ((EUID == 0)) || fail "must run as root: sudo $0"
    command -v apt-get >/dev/null || fail "this is neither Debian nor Ubuntu; README.md lists what is needed"

    install_packages
    install_rust
    allow_user_namespaces

    cat <<END

Ready. Next, as $user:

    cd $project
    cargo run --release -- run two-containers
    cargo test --release
END
}

main "$@"
