// Any number of containers in one network: `n-containers N [--ipv6]`. The drawing is in ../README.md.

import * as address from 'orchestrator:net/address@0.1.0';
import * as bridge from 'orchestrator:net/bridge@0.1.0';
import * as lab from 'orchestrator:net/lab@0.1.0';
import * as link from 'orchestrator:net/link@0.1.0';
import * as netns from 'orchestrator:net/netns@0.1.0';
import * as probe from 'orchestrator:net/probe@0.1.0';
import * as route from 'orchestrator:net/route@0.1.0';
import * as veth from 'orchestrator:net/veth@0.1.0';
import { getArguments } from 'wasi:cli/environment@0.2.12';
import { exit } from 'wasi:cli/exit@0.2.12';

const USAGE = 'usage: n-containers N [--ipv6]';

// The addresses of 10.0.0.0/16, less the first one, the host's and the last one.
const MOST = (1 << 16) - 3;

// Linux gives a bridge 1,023 ports, and lets about 1,000 packets of a broadcast wait: for more there is a row of bridges.
const MOST_ON_ONE = 1000;
const EACH_IN_A_ROW = 400;

const IPV4 = { text: (number) => `10.0.${number >> 8}.${number & 255}`, length: 16 };
const IPV6 = { text: (number) => `fd00:a::${number.toString(16)}`, length: 64 };

export const run = {
  run() {
    try {
      draw(...parse(getArguments().slice(1)));
    } catch (error) {
      // A call that was refused has its reason in `payload`: the message is one line for people.
      const message = error.payload?.message ?? error.message;
      message.split('\n').forEach((line) => lab.log(line));
      exit({ tag: 'err' });
    }
  },
};

function parse(words) {
  const numbers = words.filter((word) => word !== '--ipv6');
  const count = /^\d+$/.test(numbers[0]) ? Number(numbers[0]) : 0;
  if (numbers.length !== 1 || count < 1 || count > MOST) {
    throw new Error(`it takes one number from 1 to ${MOST}\n${USAGE}`);
  }
  return [count, words.includes('--ipv6') ? [IPV4, IPV6] : [IPV4]];
}

function draw(count, networks) {
  const host = netns.host();
  const each = count <= MOST_ON_ONE ? MOST_ON_ONE : EACH_IN_A_ROW;
  const bridges = addBridges(host, Math.ceil(count / each));
  for (const { text, length } of networks) {
    address.add(bridges[0], `${text(1)}/${length}`);
  }

  for (let i = 1; i <= count; i++) {
    const container = netns.add(`c${i}`);
    link.get(container, 'lo').setUp();
    // The far end is added where it belongs.
    const [end, ceth] = veth.add(host, `veth${i}`, container, `ceth${i}`);
    bridge.addPort(bridges[Math.floor((i - 1) / each)], end);
    end.setUp();
    ceth.setUp();
    for (const { text, length } of networks) {
      address.add(ceth, `${text(i + 1)}/${length}`);
      route.add(container, 'default', text(1));
    }
  }
  for (const own of bridges) {
    own.setUp();
  }

  const [first, last] = [netns.get('c1'), netns.get(`c${count}`)];
  for (const { text } of networks) {
    expectReply(first, text(count + 1));
    expectReply(last, text(1));
  }
}

// Adds a row of bridges, each joined to the next by a veth pair.
function addBridges(host, count) {
  const row = [bridge.add(host, 'br0')];
  for (let j = 1; j < count; j++) {
    row.push(bridge.add(host, `br${j}`));
    const pair = veth.add(host, `br${j - 1}-br${j}`, host, `br${j}-br${j - 1}`);
    row.slice(-2).forEach((own, at) => {
      bridge.addPort(own, pair[at]);
      pair[at].setUp();
    });
  }
  return row;
}

function expectReply(source, target) {
  const { outcome, message, roundTripUs } = probe.ping(source, target);
  if (outcome !== 'reply') {
    throw new Error(`${source.name()} -> ${target}: ${message}`);
  }
  lab.log(`${source.name()} -> ${target}: reply in ${(roundTripUs / 1000).toFixed(2)} ms`);
}
