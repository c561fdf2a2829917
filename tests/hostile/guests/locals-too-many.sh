# A function with one local more than it may have.
printf '(component (core module (func (local'
yes ' i32' | head -n 50001 | tr -d '\n'
echo '))))'
