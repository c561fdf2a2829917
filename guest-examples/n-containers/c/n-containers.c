/* Any number of containers in one network: `n-containers N [--ipv6]`. The drawing is in ../README.md. */

#include "orchestrator.h"

#include <stdarg.h>

/* The addresses of 10.0.0.0/16, less the first one, the host's and the last one. */
#define MOST ((1L << 16) - 3)

/* Linux gives a bridge 1,023 ports, and lets about 1,000 packets of a broadcast wait: for more there is a row of bridges. */
#define MOST_ON_ONE 1000
#define EACH_IN_A_ROW 400

/* Returns a text that lasts until the fourth after it. */
__attribute__((format(printf, 1, 2))) static const char *text(const char *format, ...) {
    static char texts[4][48];
    static unsigned turn;
    char *own = texts[turn++ % 4];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(own, sizeof texts[0], format, arguments);
    va_end(arguments);
    return own;
}

static const char *address_of(bool ipv6, long number) {
    return ipv6 ? text("fd00:a::%lx", number) : text("10.0.%ld.%ld", number / 256, number % 256);
}

static const char *cidr_of(bool ipv6, long number) {
    return text("%s/%d", address_of(ipv6, number), ipv6 ? 64 : 16);
}

static void expect_reply(netns_t source, const char *target) {
    ping_result result;
    net_check(probe_ping(source, target, &result));
    char *name = netns_name(source);
    if (result.outcome != PING_REPLY) {
        fprintf(stderr, "%s -> %s: %s\n", name, target, result.message);
        exit(1);
    }
    printf("%s -> %s: reply in %.2f ms\n", name, target, result.round_trip_us / 1000.0);
    free(name);
}

/* Adds a row of bridges, each joined to the next by a veth pair. */
static void add_bridges(netns_t host, link_t *row, long count) {
    net_check(bridge_add(host, "br0", &row[0]));
    for (long j = 1; j < count; j++) {
        link_t near, far;
        net_check(bridge_add(host, text("br%ld", j), &row[j]));
        net_check(veth_add(host, text("br%ld-br%ld", j - 1, j), host, text("br%ld-br%ld", j, j - 1), &near, &far));
        net_check(bridge_add_port(row[j - 1], near) && link_set_up(near));
        net_check(bridge_add_port(row[j], far) && link_set_up(far));
    }
}

static void draw(long count, int networks) {
    netns_t host = netns_host(), first, last;
    long each = count <= MOST_ON_ONE ? MOST_ON_ONE : EACH_IN_A_ROW, bridges = (count + each - 1) / each;
    link_t row[MOST / EACH_IN_A_ROW + 1];
    add_bridges(host, row, bridges);
    for (int ipv6 = 0; ipv6 < networks; ipv6++) net_check(address_add(row[0], cidr_of(ipv6, 1)));

    for (long i = 1; i <= count; i++) {
        netns_t container;
        link_t lo, veth, ceth;
        net_check(netns_add(text("c%ld", i), &container));
        net_check(link_get(container, "lo", &lo) && link_set_up(lo));
        /* The far end is added where it belongs. */
        net_check(veth_add(host, text("veth%ld", i), container, text("ceth%ld", i), &veth, &ceth));
        net_check(bridge_add_port(row[(i - 1) / each], veth) && link_set_up(veth) && link_set_up(ceth));
        for (int ipv6 = 0; ipv6 < networks; ipv6++) {
            net_check(address_add(ceth, cidr_of(ipv6, i + 1)));
            net_check(route_add(container, "default", address_of(ipv6, 1)));
        }
        if (i == 1) first = container;
        last = container;
        link_drop(lo);
        link_drop(veth);
        link_drop(ceth);
    }
    for (long i = 0; i < bridges; i++) net_check(link_set_up(row[i]));

    for (int ipv6 = 0; ipv6 < networks; ipv6++) {
        expect_reply(first, address_of(ipv6, count + 1));
        expect_reply(last, address_of(ipv6, 1));
    }
}

int main(int argc, char **argv) {
    const char *number = NULL;
    bool ipv6 = false, surplus = false;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--ipv6")) ipv6 = true;
        else if (number) surplus = true;
        else number = argv[i];
    }
    char *end = NULL;
    long count = number ? strtol(number, &end, 10) : 0;
    if (surplus || count < 1 || count > MOST || *end) {
        fprintf(stderr, "it takes one number from 1 to %ld\nusage: n-containers N [--ipv6]\n", MOST);
        return 1;
    }
    draw(count, ipv6 ? 2 : 1);
    return 0;
}
