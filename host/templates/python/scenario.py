"""The host and a container, joined by a veth pair."""

import sys

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import address, netns, probe, veth


class Run(exports.Run):
    def run(self) -> None:
        try:
            draw()
        except Err as error:
            # A call that was refused; its message is one line for people.
            sys.exit(error.value.message)


def draw() -> None:
    host = netns.host()
    container1 = netns.add("container1")

    # A veth pair is a cable: one end in the host, the other in the container.
    veth1, ceth1 = veth.add(host, "veth1", container1, "ceth1")
    veth1.set_up()
    ceth1.set_up()
    address.add(veth1, "172.16.0.1/24")
    address.add(ceth1, "172.16.0.2/24")

    result = probe.ping(host, "172.16.0.2")
    print("host -> container1:", result.message or "reply")
