# Plants the code of a guest that never ends where the cache keeps that of `command.wat`, as `$1` says:
#   open    sealed as the cache seals it, but in a file that others may write to
#   bare    as the compiler makes it, without a seal
#   cwasm   sealed, under the name that other programs give to compiled modules
#   none    not at all, but what was planted is taken away
set -eu +f
cache=$(orchestrator cache --json | tr -d ' \n' | sed 's/.*"directory":"\([^"]*\)".*/\1/')
digest() { sha256sum <"$1" | cut -d ' ' -f 1; }
# Older programs may have left others in the cache that the tests keep.
newest() { ls -t "$cache/$(digest "$1")"-* | head -n 1; }
good=$(newest command.wat)
bad=$(newest loops-for-ever.wat)
rm -f "$good" "${good%-*}.cwasm"
case $1 in
open) cp "$bad" "$good"; chmod 666 "$good" ;;
bare) head -c -20 "$bad" >"$good"; chmod 600 "$good" ;;
cwasm) cp "$bad" "${good%-*}.cwasm" ;;
esac
