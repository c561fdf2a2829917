# Furnishes fresh namespaces as a machine, and stays as its first process: all of it ends when standard input does.
#
# Runs as root of the machine. PROGRAM, GUEST_CALLS and CACHE are files of the real machine, OWNER and OWNER_UID are the
# account that owns the labs, CHOWN is empty where there is one uid only. The arguments are a command that ends as
# another account (nothing for root).
umask 022

# The new /run is put together away from /run and /tmp, as the files to bring along may lie below either.
mount -n -t tmpfs -o mode=755 machine /sys/class
cd /sys/class
mkdir -p machine/bin machine/guests machine/root machine/user machine/user/.cache machine/sys
: >machine/bin/orchestrator
: >machine/guests/calls.wasm
mount -n --bind "$PROGRAM" machine/bin/orchestrator
mount -n --bind "$GUEST_CALLS" machine/guests/calls.wasm
case $OWNER in
root) mount -n --bind "$CACHE" /var/cache ;;
user) mount -n --bind "$CACHE" machine/user/.cache ;;
esac
chmod 700 machine/root machine/user
[ -z "$CHOWN" ] || chown "$OWNER_UID:$OWNER_UID" "machine/$OWNER"
if [ "$OWNER" = user ]; then
    mkdir -p "user/$OWNER_UID"
    chmod 700 "user/$OWNER_UID"
    [ -z "$CHOWN" ] || chown "$OWNER_UID:$OWNER_UID" "user/$OWNER_UID"
fi
cd /
mount -n --move /sys/class /run

# A fresh /sys, or /sys/class/net would show the links of the real machine; with cgroups as any machine has them.
mount -n -t sysfs sysfs /run/machine/sys
[ ! -d /sys/fs/cgroup ] || mount -n --rbind /sys/fs/cgroup /run/machine/sys/fs/cgroup
mount -n --move /run/machine/sys /sys
rmdir /run/machine/sys

mount -n -t tmpfs -o mode=1777 tmpfs /tmp
ip link set dev lo up

# With SIGCHLD ignored (which dash's trap cannot do) the kernel reaps the orphans that come to the first process.
exec "$@" sh -c 'echo ready; exec env --ignore-signal=CHLD cat'
