# A million parentheses that are opened and not closed.
echo '(component'
yes '(' | head -n 1000000
