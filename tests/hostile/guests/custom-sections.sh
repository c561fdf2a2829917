# A command with ten thousand sections of a kilobyte each that mean nothing.
head -n 2 command.wat
printf '(core module '
yes "(@custom \"junk\" \"$(printf %1000s | tr ' ' x)\")" | head -n 10000
echo ')'
tail -n +3 command.wat
