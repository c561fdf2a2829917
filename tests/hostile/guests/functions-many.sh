# A command of sixty thousand functions: as much code as makes a compiler take hundreds of megabytes.
head -n 2 command.wat
echo '(core module'
yes '(func (param i64) (result i64) (loop (br_if 0 (i64.eqz (local.get 0)))) (i64.div_u (local.get 0) (i64.const 7)))' | head -n 60000
echo ')'
tail -n +3 command.wat
