"""A host at each of two leaves, by the library leaf-spine. How to build it is in ../README.md."""

import sys

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import fabric, probe
from wit_world.imports.probe import PingOutcome


class Run(exports.Run):
    def run(self) -> None:
        try:
            draw()
        except Err as error:
            # A call that was refused, by the library or by what it calls; its message is one line for people.
            sys.exit(error.value.message)


def draw() -> None:
    leaf1, leaf2 = fabric.build(leaves=2, spines=2)
    web = leaf1.add_host("web")
    db = leaf2.add_host("db")

    result = probe.ping(web.netns, db.address)
    answer = f"reply in {result.round_trip_us / 1000:.2f} ms" if result.received else result.message
    print(f"web -> db, {db.address}: {answer}")
    if result.outcome != PingOutcome.REPLY:
        sys.exit("the leaves do not reach each other")
