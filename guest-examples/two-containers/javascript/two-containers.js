// Two containers on a bridge, step by step as with `ip`. The drawing is in ../README.md.

import * as address from 'orchestrator:net/address@0.1.0';
import * as bridge from 'orchestrator:net/bridge@0.1.0';
import * as lab from 'orchestrator:net/lab@0.1.0';
import * as link from 'orchestrator:net/link@0.1.0';
import * as netns from 'orchestrator:net/netns@0.1.0';
import * as probe from 'orchestrator:net/probe@0.1.0';
import * as route from 'orchestrator:net/route@0.1.0';
import * as veth from 'orchestrator:net/veth@0.1.0';
import { exit } from 'wasi:cli/exit@0.2.12';

// Code out here is run when the module is built. What draws belongs in here.
export const run = {
  run() {
    try {
      draw();
    } catch (error) {
      // A call that was refused has its reason in `payload`: the message is one line for people.
      const message = error.payload?.message ?? `${error.message}\n${error.stack}`;
      message.split('\n').forEach((line) => lab.log(line));
      exit({ tag: 'err' });
    }
  },
};

function draw() {
  const host = netns.host();
  const container1 = netns.add('container1');
  const container2 = netns.add('container2');

  // A veth pair is a cable. One end stays in the host, the other moves into the container.
  const [veth1, ceth1] = veth.add(host, 'veth1', host, 'ceth1');
  ceth1.setNetns(container1);
  const [veth2, ceth2] = veth.add(host, 'veth2', host, 'ceth2');
  ceth2.setNetns(container2);

  for (const [container, ceth, cidr] of [
    [container1, ceth1, '172.16.0.2/24'],
    [container2, ceth2, '172.16.0.3/24'],
  ]) {
    link.get(container, 'lo').setUp();
    ceth.setUp();
    address.add(ceth, cidr);
  }

  // The bridge is the switch between the ends that stayed, and the host's own way into their network.
  const br0 = bridge.add(host, 'br0');
  for (const end of [veth1, veth2]) {
    bridge.addPort(br0, end);
    end.setUp();
  }
  br0.setUp();
  address.add(br0, '172.16.0.1/24');

  // A bridge without ports plays the host's other interface: all that counts is its address.
  const uplink0 = bridge.add(host, 'uplink0');
  uplink0.setUp();
  address.add(uplink0, '192.168.100.1/24');

  // The first look at the kernel makes all of the above.
  ping(container1, '172.16.0.3', 'reply');
  ping(host, '172.16.0.2', 'reply');
  ping(host, '172.16.0.3', 'reply');

  // A ping that fails is an answer and no error: container1 knows only its own network.
  ping(container1, '192.168.100.1', 'unreachable');
  route.addVia(ceth1, 'default', '172.16.0.1');
  ping(container1, '192.168.100.1', 'reply');
}

// Pings, says what came of it, and ends the scenario if it was to be something else.
function ping(source, target, expected) {
  const { outcome, message, roundTripUs } = probe.ping(source, target);
  const answer = outcome === 'reply' ? `reply in ${(roundTripUs / 1000).toFixed(2)} ms` : message;
  lab.log(`${source.name()} -> ${target}: ${answer}`);
  if (outcome !== expected) {
    throw new Error(`the ping was to end as ${expected}`);
  }
}
