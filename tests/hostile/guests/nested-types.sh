# A type that holds itself a hundred times, each of which does likewise, and so on: lists in tuples in tuples.
echo '(component (type $t0 string)'
for n in $(seq 100); do echo "(type \$t$n (tuple \$t$((n - 1)) \$t$((n - 1)) \$t$((n - 1)) \$t$((n - 1))))"; done
echo '(import "f" (func (param "all" $t100))))'
