# Plants the code of a guest that never ends where the cache keeps that of `command.wat`, as `$1` says:
#   open    sealed as the cache seals it, but in a file that others may write to
#   bare    as the compiler makes it, without a seal
#   cwasm   sealed, under the name that other programs give to compiled modules
#   none    not at all, but what was planted is taken away
set -eu +f
cache=$(orchestrator cache --json | tr -d ' \n' | sed 's/.*"directory":"\([^"]*\)".*/\1/')
digest() { sha256sum <"$1" | cut -d ' ' -f 1; }
good=$(echo "$cache/$(digest command.wat)"-*)
bad=$(echo "$cache/$(digest loops-for-ever.wat)"-*)
rm -f "$good" "${good%-*}.cwasm"
case $1 in
open) cp "$bad" "$good"; chmod 666 "$good" ;;
bare) head -c -20 "$bad" >"$good"; chmod 600 "$good" ;;
cwasm) cp "$bad" "${good%-*}.cwasm" ;;
esac
