# Gives a machine a network of its own, as the picture in inhabit.rs shows it. Runs as root of the machine.

# Duplicate address detection would take its second.
dad=$(cat /proc/sys/net/ipv6/conf/default/accept_dad)
for netns in upstream app; do
    ip netns add "$netns"
    nsenter --net="/run/netns/$netns" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
    ip -n "$netns" link set dev lo up
done
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad

ip link add name eth0 address 02:00:00:00:00:05 type veth peer name eth0 netns upstream
ip link set dev eth0 alias 'to the upstream router' group 7 txqueuelen 500 mtu 1450
ip -n upstream link set dev eth0 mtu 1450 address 02:00:00:00:00:01 up
ip link set dev eth0 up
ip -n upstream address add 10.0.0.1/16 dev eth0
ip -n upstream address add fd10::1/64 dev eth0
ip address add 10.0.0.5/16 dev eth0
ip address add 10.0.0.6/16 dev eth0
ip address add fd10::5/64 dev eth0

ip link add name docker0 address 02:00:00:00:00:d0 type bridge
ip link add name vethapp type veth peer name eth0 netns app
ip link set dev vethapp master docker0 up
ip link set dev docker0 up
ip -n app link set dev eth0 up
ip address add 172.17.0.1/16 dev docker0
ip -n app address add 172.17.0.2/16 dev eth0
ip -n app route add default via 172.17.0.1
ip address add 10.255.0.1/32 dev lo

ip route add default via 10.0.0.1 proto static metric 100
ip -6 route add default via fd10::1 proto static
ip route add 192.168.50.0/24 via 10.0.0.2 proto static
ip route add blackhole 198.51.100.0/24 proto 99
ip -6 route add fd50::/48 via fd10::2
ip route add default via 10.0.0.1 table 100
ip -6 route add default via fd10::1 table 100
ip rule add pref 1000 from 10.0.0.6 lookup 100
ip -6 rule add pref 1000 from fd10::6 lookup 100

ip neighbour add 10.0.0.77 lladdr 02:00:00:00:00:77 dev eth0 nud permanent
ip -6 neighbour add fd10::77 lladdr 02:00:00:00:00:77 dev eth0 nud permanent
ip neighbour add proxy 10.0.0.88 dev eth0

# The kernel's table of neighbours is one for all namespaces, so others fill it, and those not used for a minute would go.
for family in ipv4 ipv6; do
    echo 86400 | tee /proc/sys/net/$family/neigh/eth0/gc_stale_time >/proc/sys/net/$family/neigh/docker0/gc_stale_time
done

echo 1 >/proc/sys/net/ipv4/ip_forward
echo 2 >/proc/sys/net/ipv4/conf/eth0/rp_filter
echo 1 >/proc/sys/net/ipv4/conf/eth0/promote_secondaries
! command -v nft >/dev/null || nft '
    table inet own {
        chain forward {
            type filter hook forward priority filter; policy accept
            ip saddr 203.0.113.0/24 counter drop
        }
    }'
echo 'somebody else'\''s' | tee /run/own >/tmp/own

# Neighbours that were found, and all carriers and link-local addresses that are to come.
tries=0
reaches() {
    ping -c 1 -W 1 "$1" >/dev/null
}
until reaches 10.0.0.1 && reaches fd10::1 && reaches fe80::ff:fe00:1%eth0 && reaches 172.17.0.2; do
    [ $((tries += 1)) -lt 20 ]
done
is_settled() {
    ! ip -o link show up | grep -q 'state DOWN' && ! ip -6 address | grep -q tentative &&
        [ "$(ip -o -6 address show scope link | wc -l)" = 3 ]
}
until is_settled; do
    [ $((tries += 1)) -lt 500 ]
    sleep 0.01
done
echo "$dad" >/proc/sys/net/ipv6/conf/default/accept_dad
