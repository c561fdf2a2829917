"""Any number of containers in one network: `n-containers N [--ipv6]`. The drawing is in ../README.md."""

import sys

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import address, bridge, environment, link, netns, probe, route, veth
from wit_world.imports.link import Link
from wit_world.imports.netns import Netns
from wit_world.imports.probe import PingOutcome

USAGE = "usage: n-containers N [--ipv6]"

# The addresses of 10.0.0.0/16, less the first one, the host's and the last one.
MOST = (1 << 16) - 3

# Linux gives a bridge 1,023 ports, and lets about 1,000 packets of a broadcast wait: for more there is a row of bridges.
MOST_ON_ONE = 1_000
EACH_IN_A_ROW = 400


class Run(exports.Run):
    def run(self) -> None:
        try:
            draw(*arguments())
        except Err as error:
            print(error.value.message, file=sys.stderr)
            raise


def arguments() -> tuple[int, bool]:
    words = environment.get_arguments()[1:]
    numbers = [word for word in words if word != "--ipv6"]
    if len(numbers) != 1 or not numbers[0].isdecimal() or not 1 <= int(numbers[0]) <= MOST:
        sys.exit(f"it takes one number from 1 to {MOST}\n{USAGE}")
    return int(numbers[0]), "--ipv6" in words


def ipv4(number: int) -> str:
    return f"10.0.{number // 256}.{number % 256}"


def ipv6(number: int) -> str:
    return f"fd00:a::{number:x}"


def draw(count: int, with_ipv6: bool) -> None:
    networks = [(ipv4, 16), (ipv6, 64)] if with_ipv6 else [(ipv4, 16)]
    host = netns.host()
    each = MOST_ON_ONE if count <= MOST_ON_ONE else EACH_IN_A_ROW
    bridges = add_bridges(host, -(-count // each))
    for text, length in networks:
        address.add(bridges[0], f"{text(1)}/{length}")

    for i in range(1, count + 1):
        container = netns.add(f"c{i}")
        link.get(container, "lo").set_up()
        # The far end is added where it belongs.
        end, ceth = veth.add(host, f"veth{i}", container, f"ceth{i}")
        bridge.add_port(bridges[(i - 1) // each], end)
        end.set_up()
        ceth.set_up()
        for text, length in networks:
            address.add(ceth, f"{text(i + 1)}/{length}")
            route.add(container, "default", text(1))
    for own in bridges:
        own.set_up()

    first, last = netns.get("c1"), netns.get(f"c{count}")
    for text, _ in networks:
        expect_reply(first, text(count + 1))
        expect_reply(last, text(1))


def add_bridges(host: Netns, count: int) -> list[Link]:
    """Adds a row of bridges, each joined to the next by a veth pair."""
    row = [bridge.add(host, "br0")]
    for j in range(1, count):
        row.append(bridge.add(host, f"br{j}"))
        pair = veth.add(host, f"br{j - 1}-br{j}", host, f"br{j}-br{j - 1}")
        for own, port in zip(row[-2:], pair):
            bridge.add_port(own, port)
            port.set_up()
    return row


def expect_reply(source: Netns, target: str) -> None:
    result = probe.ping(source, target)
    if result.outcome != PingOutcome.REPLY:
        sys.exit(f"{source.name()} -> {target}: {result.message}")
    print(f"{source.name()} -> {target}: reply in {result.round_trip_us / 1000:.2f} ms")
