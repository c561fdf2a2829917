# A command whose blocks are a hundred thousand deep.
head -n 2 command.wat
echo '(core module $program (func (export "run") (result i32)'
yes 'block' | head -n 100000
yes 'end' | head -n 100000
echo 'i32.const 0))'
tail -n 4 command.wat
