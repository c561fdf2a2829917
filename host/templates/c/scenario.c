/* The host and a container, joined by a veth pair. */

#include "orchestrator.h"

int main(void) {
    netns_t host = netns_host(), container1;
    net_check(netns_add("container1", &container1));

    /* A veth pair is a cable: one end in the host, the other in the container. */
    link_t veth1, ceth1;
    net_check(veth_add(host, "veth1", container1, "ceth1", &veth1, &ceth1));
    net_check(link_set_up(veth1) && link_set_up(ceth1));
    net_check(address_add(veth1, "172.16.0.1/24"));
    net_check(address_add(ceth1, "172.16.0.2/24"));

    ping_result result;
    net_check(probe_ping(host, "172.16.0.2", &result));
    printf("host -> container1: %s\n", result.outcome == PING_REPLY ? "reply" : result.message);
    return 0;
}
