// A host at each of two leaves, by the library leaf-spine. How to build it is in ../README.md.

import * as fabric from 'example:leaf-spine/fabric@0.1.0';
import * as lab from 'orchestrator:net/lab@0.1.0';
import * as probe from 'orchestrator:net/probe@0.1.0';
import { exit } from 'wasi:cli/exit@0.2.12';

export const run = {
  run() {
    try {
      draw();
    } catch (error) {
      // A call that was refused, by the library or by what it calls; its message is one line for people.
      const message = error.payload?.message ?? `${error.message}\n${error.stack}`;
      message.split('\n').forEach((line) => lab.log(line));
      exit({ tag: 'err' });
    }
  },
};

function draw() {
  const [leaf1, leaf2] = fabric.build(2, 2);
  const web = leaf1.addHost('web');
  const db = leaf2.addHost('db');

  const result = probe.ping(web.netns, db.address);
  const answer = result.received ? `reply in ${(result.roundTripUs / 1000).toFixed(2)} ms` : result.message;
  lab.log(`web -> db, ${db.address}: ${answer}`);
  if (result.outcome !== 'reply') {
    throw new Error('the leaves do not reach each other');
  }
}
