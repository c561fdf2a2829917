// The host and a container, joined by a veth pair.

import * as address from 'orchestrator:net/address@0.1.0';
import * as lab from 'orchestrator:net/lab@0.1.0';
import * as netns from 'orchestrator:net/netns@0.1.0';
import * as probe from 'orchestrator:net/probe@0.1.0';
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

  // A veth pair is a cable: one end in the host, the other in the container.
  const [veth1, ceth1] = veth.add(host, 'veth1', container1, 'ceth1');
  veth1.setUp();
  ceth1.setUp();
  address.add(veth1, '172.16.0.1/24');
  address.add(ceth1, '172.16.0.2/24');

  const { message } = probe.ping(host, '172.16.0.2');
  lab.log(`host -> container1: ${message || 'reply'}`);
}
