# A command that makes one module of itself twenty thousand times.
head -n 5 command.wat
yes '(core instance (instantiate $program))' | head -n 20000
tail -n 3 command.wat
