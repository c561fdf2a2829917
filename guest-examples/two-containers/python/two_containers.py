"""Two containers on a bridge, step by step as with `ip`. The drawing is in ../README.md."""

import sys

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import address, bridge, link, netns, probe, route, veth
from wit_world.imports.probe import PingOutcome


class Run(exports.Run):
    def run(self) -> None:
        try:
            draw()
        except Err as error:
            # A call that was refused; its message is one line for people.
            print(error.value.message, file=sys.stderr)
            raise


def draw() -> None:
    host = netns.host()
    container1 = netns.add("container1")
    container2 = netns.add("container2")

    # A veth pair is a cable. One end stays in the host, the other moves into the container.
    veth1, ceth1 = veth.add(host, "veth1", host, "ceth1")
    ceth1.set_netns(container1)
    veth2, ceth2 = veth.add(host, "veth2", host, "ceth2")
    ceth2.set_netns(container2)

    for container, ceth, cidr in [(container1, ceth1, "172.16.0.2/24"), (container2, ceth2, "172.16.0.3/24")]:
        link.get(container, "lo").set_up()
        ceth.set_up()
        address.add(ceth, cidr)

    # The bridge is the switch between the ends that stayed, and the host's own way into their network.
    br0 = bridge.add(host, "br0")
    for end in [veth1, veth2]:
        bridge.add_port(br0, end)
        end.set_up()
    br0.set_up()
    address.add(br0, "172.16.0.1/24")

    # A bridge without ports plays the host's other interface: all that counts is its address.
    uplink0 = bridge.add(host, "uplink0")
    uplink0.set_up()
    address.add(uplink0, "192.168.100.1/24")

    # The first look at the kernel makes all of the above.
    ping(container1, "172.16.0.3", PingOutcome.REPLY)
    ping(host, "172.16.0.2", PingOutcome.REPLY)
    ping(host, "172.16.0.3", PingOutcome.REPLY)

    # A ping that fails is an answer and no error: container1 knows only its own network.
    ping(container1, "192.168.100.1", PingOutcome.UNREACHABLE)
    route.add_via(ceth1, "default", "172.16.0.1")
    ping(container1, "192.168.100.1", PingOutcome.REPLY)


def ping(source: netns.Netns, target: str, expected: PingOutcome) -> None:
    """Pings, says what came of it, and ends the scenario if it was to be something else."""
    result = probe.ping(source, target)
    answer = f"reply in {result.round_trip_us / 1000:.2f} ms" if result.received else result.message
    print(f"{source.name()} -> {target}: {answer}")
    if result.outcome != expected:
        sys.exit(f"the ping was to end as {expected.name.lower()}")
