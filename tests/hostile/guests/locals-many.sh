# A command with twelve thousand locals, each of which depends on those before.
head -n 2 command.wat
printf '(core module $program (func (export "run") (result i32) (local'
yes ' i32' | head -n 12000 | tr -d '\n'
echo ')'
seq 1 11999 | sed 's/.*/(if (local.get &) (then (local.set & (i32.add (local.get 0) (i32.const 1)))))/'
echo 'i32.const 0))'
tail -n 4 command.wat
