/* Scenarios for orchestrator in C: the package orchestrator:net@0.1.0 as one header, with nothing to link.
 *
 *     clang --target=wasm32-wasi -Os -o lab.wasm lab.c        with wasi-libc, or
 *     zig cc --target=wasm32-wasi -Os -o lab.wasm lab.c
 *
 * A function is called INTERFACE_FUNCTION, after wit/INTERFACE.wit, which says what it does (`orchestrator wit` prints it).
 * What can fail returns true if it succeeded; if not, `net_error` says why until the next call. `net_check` ends the scenario
 * with that message. Texts and lists that come back are the caller's to free; `net_free_list` frees a list of texts. Those in
 * `net_error` and in a `ping_result` are not: they last until the next call that fails, and to the end.
 *
 * Handles are numbers that the host knows. Dropping one removes nothing from the network; a scenario that makes very many drops
 * what it needs no more, as it may hold 100,000 at a time.
 */
#ifndef ORCHESTRATOR_H
#define ORCHESTRATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NET_IMPORT(interface, function)                                                                                   \
    __attribute__((import_module("orchestrator:net/" interface "@0.1.0"), import_name(function))) extern

typedef struct { int32_t handle; } netns_t;
typedef struct { int32_t handle; } link_t;

/* wit/errors.wit */
typedef enum {
    NET_DENIED, NET_ALREADY_EXISTS, NET_NOT_FOUND, NET_IN_USE, NET_INVALID_ARGUMENT, NET_UNSUPPORTED, NET_UNREACHABLE,
    NET_TIMED_OUT, NET_LIMIT, NET_KERNEL,
} net_error_code;

/* Why the last call that failed did: what to match on, one line for people, and the name of Linux's errno or "". */
__attribute__((weak)) struct { net_error_code code; const char *message; const char *errno_name; } net_error;

typedef enum { PING_REPLY, PING_NO_REPLY, PING_UNREACHABLE } ping_outcome;

/* wit/probe.wit; `message` is "" for a reply. */
typedef struct {
    ping_outcome outcome;
    const char *message, *errno_name;
    uint32_t sent, received, round_trip_us;
} ping_result;

typedef struct { char **items; size_t length; } net_texts;
typedef struct { link_t *items; size_t length; } net_links;
typedef struct { netns_t *items; size_t length; } net_namespaces;

/* --- how values come back (the canonical ABI of the component model) -------------------------------------------------- */

/* The host asks for a place for each text or list. One byte more than it asks for, 0, ends a text as C wants it. */
__attribute__((export_name("cabi_realloc"), weak, used))
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    (void)align; /* malloc's is enough for all of them */
    char *place = realloc(old, size + 1);
    if (!place) abort();
    if (size > old_size) memset(place + old_size, 0, size - old_size);
    place[size] = 0;
    return place;
}

typedef struct { char *text; size_t length; } net_text_;
typedef struct { uint8_t outcome; net_text_ message, errno_name; uint32_t sent, received, round_trip_us; } net_pinged_;

static struct {
    uint8_t failed;
    union {
        int32_t handles[2];
        uint32_t number;
        uint8_t byte;
        net_text_ text;
        struct { void *items; size_t length; } list;
        struct { uint8_t code; net_text_ message, errno_name; } error;
        net_pinged_ ping;
    } is;
} net_answer_;

static inline bool net_succeeded_(void) {
    if (!net_answer_.failed) return true;
    free((void *)net_error.message);
    free((void *)net_error.errno_name);
    net_error.code = (net_error_code)net_answer_.is.error.code;
    net_error.message = net_answer_.is.error.message.text;
    net_error.errno_name = net_answer_.is.error.errno_name.text;
    return false;
}

static inline bool net_link_(link_t *link) {
    if (!net_succeeded_()) return false;
    link->handle = net_answer_.is.handles[0];
    return true;
}

static inline bool net_texts_(net_texts *texts) {
    if (!net_succeeded_()) return false;
    net_text_ *items = net_answer_.is.list.items;
    texts->length = net_answer_.is.list.length;
    texts->items = malloc(sizeof *texts->items * (texts->length + 1));
    if (!texts->items) abort();
    for (size_t i = 0; i < texts->length; i++) texts->items[i] = items[i].text;
    free(items);
    return true;
}

static inline bool net_links_(net_links *links) {
    if (!net_succeeded_()) return false;
    links->items = net_answer_.is.list.items;
    links->length = net_answer_.is.list.length;
    return true;
}

/* Ends the scenario, and with it the lab, with the reason of the call that failed. */
static inline void net_check(bool succeeded) {
    if (succeeded) return;
    fprintf(stderr, "%s\n", net_error.message);
    exit(1);
}

static inline void net_free_list(net_texts texts) {
    for (size_t i = 0; i < texts.length; i++) free(texts.items[i]);
    free(texts.items);
}

/* --- wit/netns.wit ------------------------------------------------------------------------------------------------------ */

NET_IMPORT("netns", "host") int32_t net_netns_host_(void);
NET_IMPORT("netns", "add") void net_netns_add_(const char *, size_t, void *);
NET_IMPORT("netns", "get") void net_netns_get_(const char *, size_t, void *);
NET_IMPORT("netns", "list") void net_netns_list_(void *);
NET_IMPORT("netns", "[method]netns.name") void net_netns_name_(int32_t, void *);
NET_IMPORT("netns", "[method]netns.forwarding") void net_netns_forwarding_(int32_t, void *);
NET_IMPORT("netns", "[method]netns.set-forwarding") void net_netns_set_forwarding_(int32_t, int32_t, void *);
NET_IMPORT("netns", "[method]netns.autoconfiguration") void net_netns_autoconfiguration_(int32_t, void *);
NET_IMPORT("netns", "[method]netns.set-autoconfiguration") void net_netns_set_autoconfiguration_(int32_t, int32_t, void *);
NET_IMPORT("netns", "[method]netns.remove") void net_netns_remove_(int32_t, void *);
NET_IMPORT("netns", "[resource-drop]netns") void net_netns_drop_(int32_t);

static inline netns_t netns_host(void) { return (netns_t){net_netns_host_()}; }

static inline bool net_netns_found_(netns_t *netns) {
    if (!net_succeeded_()) return false;
    netns->handle = net_answer_.is.handles[0];
    return true;
}

static inline bool netns_add(const char *name, netns_t *netns) {
    net_netns_add_(name, strlen(name), &net_answer_);
    return net_netns_found_(netns);
}

static inline bool netns_get(const char *name, netns_t *netns) {
    net_netns_get_(name, strlen(name), &net_answer_);
    return net_netns_found_(netns);
}

static inline net_namespaces netns_list(void) {
    struct { netns_t *items; size_t length; } answer;
    net_netns_list_(&answer);
    return (net_namespaces){answer.items, answer.length};
}

static inline char *netns_name(netns_t netns) {
    net_text_ name;
    net_netns_name_(netns.handle, &name);
    return name.text;
}

static inline bool netns_forwarding(netns_t netns, bool *on) {
    net_netns_forwarding_(netns.handle, &net_answer_);
    return net_succeeded_() && (*on = net_answer_.is.byte, true);
}

static inline bool netns_set_forwarding(netns_t netns, bool on) {
    net_netns_set_forwarding_(netns.handle, on, &net_answer_);
    return net_succeeded_();
}

static inline bool netns_autoconfiguration(netns_t netns, bool *on) {
    net_netns_autoconfiguration_(netns.handle, &net_answer_);
    return net_succeeded_() && (*on = net_answer_.is.byte, true);
}

static inline bool netns_set_autoconfiguration(netns_t netns, bool on) {
    net_netns_set_autoconfiguration_(netns.handle, on, &net_answer_);
    return net_succeeded_();
}

static inline bool netns_remove(netns_t netns) {
    net_netns_remove_(netns.handle, &net_answer_);
    return net_succeeded_();
}

static inline void netns_drop(netns_t netns) { net_netns_drop_(netns.handle); }

/* --- wit/link.wit ------------------------------------------------------------------------------------------------------- */

NET_IMPORT("link", "get") void net_link_get_(int32_t, const char *, size_t, void *);
NET_IMPORT("link", "list") void net_link_list_(int32_t, void *);
NET_IMPORT("link", "[method]link.name") void net_link_name_(int32_t, void *);
NET_IMPORT("link", "[method]link.netns-name") void net_link_netns_name_(int32_t, void *);
NET_IMPORT("link", "[method]link.kind") void net_link_kind_(int32_t, void *);
NET_IMPORT("link", "[method]link.mac-address") void net_link_mac_address_(int32_t, void *);
NET_IMPORT("link", "[method]link.mtu") void net_link_mtu_(int32_t, void *);
NET_IMPORT("link", "[method]link.is-up") void net_link_is_up_(int32_t, void *);
NET_IMPORT("link", "[method]link.set-up") void net_link_set_up_(int32_t, void *);
NET_IMPORT("link", "[method]link.set-down") void net_link_set_down_(int32_t, void *);
NET_IMPORT("link", "[method]link.set-mtu") void net_link_set_mtu_(int32_t, uint32_t, void *);
NET_IMPORT("link", "[method]link.set-name") void net_link_set_name_(int32_t, const char *, size_t, void *);
NET_IMPORT("link", "[method]link.set-netns") void net_link_set_netns_(int32_t, int32_t, void *);
NET_IMPORT("link", "[method]link.remove") void net_link_remove_(int32_t, void *);
NET_IMPORT("link", "[resource-drop]link") void net_link_drop_(int32_t);

static inline bool link_get(netns_t netns, const char *name, link_t *link) {
    net_link_get_(netns.handle, name, strlen(name), &net_answer_);
    return net_link_(link);
}

static inline bool link_list(netns_t netns, net_links *links) {
    net_link_list_(netns.handle, &net_answer_);
    return net_links_(links);
}

static inline char *link_name(link_t link) {
    net_text_ name;
    net_link_name_(link.handle, &name);
    return name.text;
}

static inline char *link_netns_name(link_t link) {
    net_text_ name;
    net_link_netns_name_(link.handle, &name);
    return name.text;
}

static inline char *link_kind(link_t link) {
    net_text_ kind;
    net_link_kind_(link.handle, &kind);
    return kind.text;
}

static inline bool link_mac_address(link_t link, char **address) {
    net_link_mac_address_(link.handle, &net_answer_);
    return net_succeeded_() && (*address = net_answer_.is.text.text, true);
}

static inline bool link_mtu(link_t link, uint32_t *mtu) {
    net_link_mtu_(link.handle, &net_answer_);
    return net_succeeded_() && (*mtu = net_answer_.is.number, true);
}

static inline bool link_is_up(link_t link, bool *up) {
    net_link_is_up_(link.handle, &net_answer_);
    return net_succeeded_() && (*up = net_answer_.is.byte, true);
}

static inline bool link_set_up(link_t link) {
    net_link_set_up_(link.handle, &net_answer_);
    return net_succeeded_();
}

static inline bool link_set_down(link_t link) {
    net_link_set_down_(link.handle, &net_answer_);
    return net_succeeded_();
}

static inline bool link_set_mtu(link_t link, uint32_t mtu) {
    net_link_set_mtu_(link.handle, mtu, &net_answer_);
    return net_succeeded_();
}

static inline bool link_set_name(link_t link, const char *name) {
    net_link_set_name_(link.handle, name, strlen(name), &net_answer_);
    return net_succeeded_();
}

static inline bool link_set_netns(link_t link, netns_t target) {
    net_link_set_netns_(link.handle, target.handle, &net_answer_);
    return net_succeeded_();
}

static inline bool link_remove(link_t link) {
    net_link_remove_(link.handle, &net_answer_);
    return net_succeeded_();
}

static inline void link_drop(link_t link) { net_link_drop_(link.handle); }

/* --- wit/veth.wit ------------------------------------------------------------------------------------------------------- */

NET_IMPORT("veth", "add") void net_veth_add_(int32_t, const char *, size_t, int32_t, const char *, size_t, void *);
NET_IMPORT("veth", "add-with-queues")
void net_veth_add_with_queues_(int32_t, const char *, size_t, int32_t, const char *, size_t, uint32_t, void *);
NET_IMPORT("veth", "peer") void net_veth_peer_(int32_t, void *);

static inline bool net_pair_(link_t *link, link_t *peer) {
    if (!net_succeeded_()) return false;
    link->handle = net_answer_.is.handles[0];
    peer->handle = net_answer_.is.handles[1];
    return true;
}

static inline bool veth_add(netns_t netns, const char *name, netns_t peer_netns, const char *peer_name, link_t *link,
                            link_t *peer) {
    net_veth_add_(netns.handle, name, strlen(name), peer_netns.handle, peer_name, strlen(peer_name), &net_answer_);
    return net_pair_(link, peer);
}

static inline bool veth_add_with_queues(netns_t netns, const char *name, netns_t peer_netns, const char *peer_name,
                                        uint32_t queues, link_t *link, link_t *peer) {
    net_veth_add_with_queues_(netns.handle, name, strlen(name), peer_netns.handle, peer_name, strlen(peer_name), queues,
                              &net_answer_);
    return net_pair_(link, peer);
}

static inline bool veth_peer(link_t link, link_t *peer) {
    net_veth_peer_(link.handle, &net_answer_);
    return net_link_(peer);
}

/* --- wit/bridge.wit ----------------------------------------------------------------------------------------------------- */

NET_IMPORT("bridge", "add") void net_bridge_add_(int32_t, const char *, size_t, void *);
NET_IMPORT("bridge", "add-port") void net_bridge_add_port_(int32_t, int32_t, void *);
NET_IMPORT("bridge", "remove-port") void net_bridge_remove_port_(int32_t, void *);
NET_IMPORT("bridge", "ports") void net_bridge_ports_(int32_t, void *);

static inline bool bridge_add(netns_t netns, const char *name, link_t *bridge) {
    net_bridge_add_(netns.handle, name, strlen(name), &net_answer_);
    return net_link_(bridge);
}

static inline bool bridge_add_port(link_t bridge, link_t port) {
    net_bridge_add_port_(bridge.handle, port.handle, &net_answer_);
    return net_succeeded_();
}

static inline bool bridge_remove_port(link_t port) {
    net_bridge_remove_port_(port.handle, &net_answer_);
    return net_succeeded_();
}

static inline bool bridge_ports(link_t bridge, net_links *ports) {
    net_bridge_ports_(bridge.handle, &net_answer_);
    return net_links_(ports);
}

/* --- wit/address.wit ---------------------------------------------------------------------------------------------------- */

NET_IMPORT("address", "add") void net_address_add_(int32_t, const char *, size_t, void *);
NET_IMPORT("address", "remove") void net_address_remove_(int32_t, const char *, size_t, void *);
NET_IMPORT("address", "list") void net_address_list_(int32_t, void *);

static inline bool address_add(link_t link, const char *cidr) {
    net_address_add_(link.handle, cidr, strlen(cidr), &net_answer_);
    return net_succeeded_();
}

static inline bool address_remove(link_t link, const char *cidr) {
    net_address_remove_(link.handle, cidr, strlen(cidr), &net_answer_);
    return net_succeeded_();
}

static inline bool address_list(link_t link, net_texts *cidrs) {
    net_address_list_(link.handle, &net_answer_);
    return net_texts_(cidrs);
}

/* --- wit/route.wit ------------------------------------------------------------------------------------------------------ */

NET_IMPORT("route", "add") void net_route_add_(int32_t, const char *, size_t, const char *, size_t, void *);
NET_IMPORT("route", "add-via") void net_route_add_via_(int32_t, const char *, size_t, const char *, size_t, void *);
NET_IMPORT("route", "add-on-link") void net_route_add_on_link_(int32_t, const char *, size_t, void *);
NET_IMPORT("route", "remove") void net_route_remove_(int32_t, const char *, size_t, void *);
NET_IMPORT("route", "list") void net_route_list_(int32_t, void *);

static inline bool route_add(netns_t netns, const char *destination, const char *gateway) {
    net_route_add_(netns.handle, destination, strlen(destination), gateway, strlen(gateway), &net_answer_);
    return net_succeeded_();
}

static inline bool route_add_via(link_t link, const char *destination, const char *gateway) {
    net_route_add_via_(link.handle, destination, strlen(destination), gateway, strlen(gateway), &net_answer_);
    return net_succeeded_();
}

static inline bool route_add_on_link(link_t link, const char *destination) {
    net_route_add_on_link_(link.handle, destination, strlen(destination), &net_answer_);
    return net_succeeded_();
}

static inline bool route_remove(netns_t netns, const char *destination) {
    net_route_remove_(netns.handle, destination, strlen(destination), &net_answer_);
    return net_succeeded_();
}

static inline bool route_list(netns_t netns, net_texts *routes) {
    net_route_list_(netns.handle, &net_answer_);
    return net_texts_(routes);
}

/* --- wit/lab.wit -------------------------------------------------------------------------------------------------------- */

NET_IMPORT("lab", "name") void net_lab_name_(void *);
NET_IMPORT("lab", "apply") void net_lab_apply_(void *);
NET_IMPORT("lab", "wait") void net_lab_wait_(uint32_t, void *);
NET_IMPORT("lab", "log") void net_lab_log_(const char *, size_t);

static inline char *lab_name(void) {
    net_text_ name;
    net_lab_name_(&name);
    return name.text;
}

static inline bool lab_apply(void) {
    net_lab_apply_(&net_answer_);
    return net_succeeded_();
}

static inline bool lab_wait(uint32_t timeout_ms) {
    net_lab_wait_(timeout_ms, &net_answer_);
    return net_succeeded_();
}

static inline void lab_log(const char *message) { net_lab_log_(message, strlen(message)); }

/* --- wit/probe.wit ------------------------------------------------------------------------------------------------------ */

NET_IMPORT("probe", "ping") void net_probe_ping_(int32_t, const char *, size_t, void *);
NET_IMPORT("probe", "ping-within") void net_probe_ping_within_(int32_t, const char *, size_t, uint32_t, uint32_t, void *);
NET_IMPORT("probe", "ping-all")
void net_probe_ping_all_(const netns_t *, size_t, const net_text_ *, size_t, uint32_t, void *);
NET_IMPORT("probe", "links") void net_probe_links_(int32_t, void *);
NET_IMPORT("probe", "addresses") void net_probe_addresses_(int32_t, void *);
NET_IMPORT("probe", "routes") void net_probe_routes_(int32_t, void *);

/* Most are empty, as a ping that was answered has nothing more to say. */
static inline const char *net_lasting_(net_text_ text) {
    if (text.length) return text.text;
    free(text.text);
    return "";
}

static inline ping_result net_pinged_from_(const net_pinged_ *pinged) {
    return (ping_result){
        .outcome = (ping_outcome)pinged->outcome,
        .message = net_lasting_(pinged->message),
        .errno_name = net_lasting_(pinged->errno_name),
        .sent = pinged->sent,
        .received = pinged->received,
        .round_trip_us = pinged->round_trip_us,
    };
}

static inline bool probe_ping(netns_t source, const char *target, ping_result *result) {
    net_probe_ping_(source.handle, target, strlen(target), &net_answer_);
    return net_succeeded_() && (*result = net_pinged_from_(&net_answer_.is.ping), true);
}

static inline bool probe_ping_within(netns_t source, const char *target, uint32_t count, uint32_t timeout_ms,
                                     ping_result *result) {
    net_probe_ping_within_(source.handle, target, strlen(target), count, timeout_ms, &net_answer_);
    return net_succeeded_() && (*result = net_pinged_from_(&net_answer_.is.ping), true);
}

/* Each of `length` sources pings the target at its place, all at once; there has to be room for as many results. */
static inline bool probe_ping_all(const netns_t *sources, char *const *targets, size_t length, uint32_t timeout_ms,
                                  ping_result *results) {
    net_text_ *texts = malloc(sizeof *texts * (length + 1));
    if (!texts) abort();
    for (size_t i = 0; i < length; i++) texts[i] = (net_text_){targets[i], strlen(targets[i])};
    net_probe_ping_all_(sources, length, texts, length, timeout_ms, &net_answer_);
    free(texts);
    if (!net_succeeded_()) return false;
    net_pinged_ *pinged = net_answer_.is.list.items;
    for (size_t i = 0; i < length; i++) results[i] = net_pinged_from_(&pinged[i]);
    free(pinged);
    return true;
}

static inline bool probe_links(netns_t netns, net_texts *links) {
    net_probe_links_(netns.handle, &net_answer_);
    return net_texts_(links);
}

static inline bool probe_addresses(netns_t netns, net_texts *addresses) {
    net_probe_addresses_(netns.handle, &net_answer_);
    return net_texts_(addresses);
}

static inline bool probe_routes(netns_t netns, net_texts *routes) {
    net_probe_routes_(netns.handle, &net_answer_);
    return net_texts_(routes);
}

/* What a scenario says of itself, before it is run (wit/describe.wit):
 *
 *     static const net_argument arguments[] = {
 *         net_positional("containers", "How many there are", net_integer(1, 64), net_default("2")),
 *         net_named("ipv6", "Give them IPv6 addresses too", net_flag, net_optional),
 *     };
 *     NET_DESCRIBE("Containers on a bridge", "", arguments)
 *
 * `main` is then given arguments that are right by this: the positional ones in order, then the named ones, with the defaults. */
typedef struct {
    const char *text;
    size_t length;
} net_constant;

typedef struct {
    net_constant name, summary;
    uint8_t position;
    struct {
        uint8_t is;
        union {
            struct { int64_t min, max; } integer;
            struct { double min, max; } decimal;
            struct { const net_constant *texts; size_t length; } choice;
        } of;
    } type;
    struct {
        uint8_t is;
        net_constant value;
    } presence;
} net_argument;

typedef struct {
    net_constant title, summary;
    const net_argument *arguments;
    size_t length;
} net_description;

#define NET_TEXT(TEXT) { (TEXT), sizeof(TEXT) - 1 }

#define net_positional(NAME, SUMMARY, TYPE, PRESENCE) { NET_TEXT(NAME), NET_TEXT(SUMMARY), 0, TYPE, PRESENCE }
#define net_named(NAME, SUMMARY, TYPE, PRESENCE) { NET_TEXT(NAME), NET_TEXT(SUMMARY), 1, TYPE, PRESENCE }

#define net_flag { .is = 0 }
#define net_integer(MIN, MAX) { .is = 1, .of.integer = { (MIN), (MAX) } }
#define net_decimal(MIN, MAX) { .is = 2, .of.decimal = { (MIN), (MAX) } }
#define net_any_text { .is = 3 }
/* One of an array of `net_constant`, each a NET_TEXT. */
#define net_choice(TEXTS) { .is = 4, .of.choice = { (TEXTS), sizeof(TEXTS) / sizeof *(TEXTS) } }
#define net_address { .is = 5 }
#define net_cidr { .is = 6 }

#define net_required { .is = 0 }
#define net_optional { .is = 1 }
#define net_default(VALUE) { .is = 2, .value = NET_TEXT(VALUE) }

#define NET_DESCRIBE(TITLE, SUMMARY, ARGUMENTS)                                                                     \
    __attribute__((export_name("orchestrator:net/describe@0.1.0#describe"))) const net_description *net_describe_(void); \
    const net_description *net_describe_(void) {                                                                    \
        static const net_description description = {                                                                \
            NET_TEXT(TITLE), NET_TEXT(SUMMARY), (ARGUMENTS), sizeof(ARGUMENTS) / sizeof *(ARGUMENTS)};              \
        return &description;                                                                                        \
    }

#endif
