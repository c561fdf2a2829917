# A command that calls itself until the stack is full, in a function whose name has ninety thousand letters.
name=$(printf %90000s | tr ' ' x)
head -n 2 command.wat
echo "(core module \$program (func \$$name (export \"run\") (result i32) (i32.add (i32.const 1) (call \$$name))))"
tail -n 4 command.wat
