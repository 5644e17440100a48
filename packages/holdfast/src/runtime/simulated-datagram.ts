import type { Address } from "./runtime.ts";
import type { Link } from "./simulated-link.ts";
import type { OpenSocket } from "./simulated-machine.ts";
import type { SimulatedNetwork } from "./simulated-network.ts";

/** The most a datagram holds over IPv4 (RFC 768, RFC 791). */
const largestDatagram = 65_507;
/** How many datagrams a machine keeps for a socket whose process is paused. */
const receiveQueue = 256;

/** Sends one datagram: it arrives once, twice, late or never. */
export function sendDatagram(network: SimulatedNetwork, from: Address, bytes: Uint8Array, to: Address): void {
  if (bytes.length > largestDatagram || !network.machines.has(to.host)) return;
  const { engine } = network;
  const link = network.link(from.host, to.host);
  const number = ++link.sentDatagrams;
  if (link.blocked) {
    engine.fault("datagram-blocked", from.host);
    return;
  }
  if (link.happens(link.faults.loss)) {
    engine.fault("datagram-lost", from.host);
    return;
  }
  const held = link.happens(link.faults.reorder) ? link.drawReorderDelay() : 0;
  schedule(network, link, number, from, bytes.slice(), to, held);
  if (link.happens(link.faults.duplicate)) {
    engine.fault("datagram-duplicated", from.host);
    schedule(network, link, number, from, bytes.slice(), to, 0);
  }
}

function schedule(
  network: SimulatedNetwork,
  link: Link,
  number: number,
  from: Address,
  bytes: Uint8Array,
  to: Address,
  heldMs: number,
): void {
  const { engine } = network;
  const at = Math.max(engine.now + heldMs + link.drawLatency(), link.cloggedUntil);
  const arrive = (): void => {
    if (link.cloggedUntil > engine.now) {
      engine.schedule(link.cloggedUntil, "datagram", link.to, undefined, arrive, bytes.length);
      return;
    }
    if (link.blocked) {
      engine.fault("datagram-blocked", link.to);
      return;
    }
    const machine = network.machines.get(to.host);
    const socket = machine?.isOn === true ? machine.sockets.get(to.port) : undefined;
    if (socket === undefined) return;
    if (number < link.latestArrived) engine.fault("datagram-reordered", link.to);
    link.latestArrived = Math.max(link.latestArrived, number);
    receive(network, socket, bytes, from);
  };
  engine.schedule(at, "datagram", link.to, undefined, arrive, bytes.length);
}

function receive(network: SimulatedNetwork, socket: OpenSocket, bytes: Uint8Array, from: Address): void {
  const { engine } = network;
  const { owner } = socket;
  if (!owner.paused) {
    engine.guard(owner, () => socket.onMessage(bytes, from));
    return;
  }
  if (socket.waiting === receiveQueue) {
    engine.fault("datagram-dropped", socket.address.host);
    return;
  }
  socket.waiting++;
  engine.hold(
    owner,
    "datagram",
    socket.address.host,
    () => {
      socket.waiting--;
      if (socket.isOpen) socket.onMessage(bytes, from);
    },
    bytes.length,
  );
}
