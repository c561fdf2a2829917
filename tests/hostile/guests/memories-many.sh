# A command with nine hundred memories of 4 MiB each.
head -n 2 command.wat
echo '(core module $memory (memory 64))'
yes '(core instance (instantiate $memory))' | head -n 900
tail -n +3 command.wat
