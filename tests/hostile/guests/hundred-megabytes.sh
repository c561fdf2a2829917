# A command behind a hundred million blanks.
head -c 100000000 /dev/zero | tr '\0' ' '
cat command.wat
