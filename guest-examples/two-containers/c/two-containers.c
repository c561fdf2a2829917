/* Two containers on a bridge, step by step as with `ip`. The drawing is in ../README.md. */

#include "orchestrator.h"

/* Pings, says what came of it, and ends the scenario if it was to be something else. */
static void ping(netns_t source, const char *target, ping_outcome expected) {
    ping_result result;
    net_check(probe_ping(source, target, &result));
    char *name = netns_name(source);
    if (result.outcome == PING_REPLY)
        printf("%s -> %s: reply in %.2f ms\n", name, target, result.round_trip_us / 1000.0);
    else
        printf("%s -> %s: %s\n", name, target, result.message);
    free(name);
    if (result.outcome != expected) {
        fprintf(stderr, "the ping was to end otherwise\n");
        exit(1);
    }
}

int main(void) {
    netns_t host = netns_host(), container1, container2;
    net_check(netns_add("container1", &container1));
    net_check(netns_add("container2", &container2));

    /* A veth pair is a cable. One end stays in the host, the other moves into the container. */
    link_t veth1, ceth1, veth2, ceth2;
    net_check(veth_add(host, "veth1", host, "ceth1", &veth1, &ceth1));
    net_check(link_set_netns(ceth1, container1));
    net_check(veth_add(host, "veth2", host, "ceth2", &veth2, &ceth2));
    net_check(link_set_netns(ceth2, container2));

    link_t lo;
    net_check(link_get(container1, "lo", &lo) && link_set_up(lo));
    net_check(link_set_up(ceth1) && address_add(ceth1, "172.16.0.2/24"));
    net_check(link_get(container2, "lo", &lo) && link_set_up(lo));
    net_check(link_set_up(ceth2) && address_add(ceth2, "172.16.0.3/24"));

    /* The bridge is the switch between the ends that stayed, and the host's own way into their network. */
    link_t br0;
    net_check(bridge_add(host, "br0", &br0));
    net_check(bridge_add_port(br0, veth1) && link_set_up(veth1));
    net_check(bridge_add_port(br0, veth2) && link_set_up(veth2));
    net_check(link_set_up(br0) && address_add(br0, "172.16.0.1/24"));

    /* A bridge without ports plays the host's other interface: all that counts is its address. */
    link_t uplink0;
    net_check(bridge_add(host, "uplink0", &uplink0));
    net_check(link_set_up(uplink0) && address_add(uplink0, "192.168.100.1/24"));

    /* The first look at the kernel makes all of the above. */
    ping(container1, "172.16.0.3", PING_REPLY);
    ping(host, "172.16.0.2", PING_REPLY);
    ping(host, "172.16.0.3", PING_REPLY);

    /* A ping that fails is an answer and no error: container1 knows only its own network. */
    ping(container1, "192.168.100.1", PING_UNREACHABLE);
    net_check(route_add_via(ceth1, "default", "172.16.0.1"));
    ping(container1, "192.168.100.1", PING_REPLY);
    return 0;
}
