# A branch with a million targets.
echo '(component (core module (func (param i32) (br_table'
yes 0 | head -n 1000000 | tr '\n' ' '
echo '(local.get 0)))))'
