# Turns one bit of a command around, by number, and writes the rest as it was.
byte=$(($1 / 8))
old=$(od -An -t u1 -j $byte -N 1 command.wasm | tr -d ' ')
head -c $byte command.wasm
printf "\\$(printf %o $((old ^ 1 << $1 % 8)))"
tail -c +$((byte + 2)) command.wasm
