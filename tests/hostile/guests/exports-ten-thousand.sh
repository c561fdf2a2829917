# A command with ten thousand exports beside its own.
head -n -1 command.wat
seq -f '(export "f%.0f" (func $run))' 10000
tail -n 1 command.wat
