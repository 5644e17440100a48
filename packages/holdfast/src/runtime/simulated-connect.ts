import { platformError } from "./platform-error.ts";
import type { Address, Connection } from "./runtime.ts";
import type { Machine, OpenListener } from "./simulated-machine.ts";
import type { SimulatedNetwork } from "./simulated-network.ts";
import { StreamEnd } from "./simulated-stream.ts";
import type { EventOwner } from "./simulation-engine.ts";

export interface ConnectOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * The handshake: a question to the other machine, which accepts, or refuses, or is not heard; and its answer.
 *
 * While a link is cut or the machine is off, the attempt waits and asks again when that changes, until its timeout.
 */
export function connectStream(
  network: SimulatedNetwork,
  machine: Machine,
  owner: EventOwner,
  address: Address,
  options: ConnectOptions | undefined,
): Promise<Connection> {
  const { engine } = network;
  const signal = options?.signal;
  const timeoutMs = options?.timeoutMs ?? network.streamTimeoutMs;
  const subject = `${address.host}:${address.port}`;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const host = machine.resolve(address.host);
    let settled = false;
    let mine: StreamEnd | undefined;
    let refused = false;

    const onAbort = (): void => giveUp(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const timeout = engine.schedule(engine.now + timeoutMs, "connect-timeout", machine.host, owner, () => {
      engine.fault("connect-timeout", machine.host);
      giveUp(platformError("ETIMEDOUT", "connect", subject, `no answer in ${timeoutMs} ms`));
    });

    function settle(): void {
      settled = true;
      engine.cancel(timeout);
      network.waiting.delete(proceed);
      signal?.removeEventListener("abort", onAbort);
    }
    function giveUp(reason: unknown): void {
      if (settled) return;
      settle();
      mine?.destroy();
      reject(reason);
    }

    if (!network.machines.has(host)) {
      engine.schedule(engine.now + 1, "resolve", machine.host, owner, () => {
        giveUp(platformError("ENOTFOUND", "getaddrinfo", address.host));
      });
      return;
    }
    const out = network.link(machine.host, host);
    const back = network.link(host, machine.host);

    /** Takes the next step of the handshake, or waits until the world changes. */
    function proceed(): void {
      network.waiting.delete(proceed);
      if (settled || !owner.alive) return;
      const answering = mine !== undefined || refused;
      const link = answering ? back : out;
      if (!network.canPass(link)) {
        network.waiting.add(proceed);
        return;
      }
      const at = Math.max(engine.now + link.drawLatency(), link.cloggedUntil);
      if (answering) engine.schedule(at, "connect-answer", machine.host, owner, onAnswer);
      else engine.schedule(at, "connect", host, undefined, onQuestion);
    }

    function onQuestion(): void {
      if (settled || !owner.alive) return;
      if (!network.canPass(out)) {
        network.waiting.add(proceed);
        return;
      }
      const listener = network.machines.get(host)?.listeners.get(address.port);
      if (listener === undefined) refused = true;
      else mine = accept(network, machine, owner, listener, host);
      proceed();
    }

    function onAnswer(): void {
      if (settled) return;
      if (!network.canPass(back)) {
        network.waiting.add(proceed);
        return;
      }
      if (mine === undefined) {
        giveUp(platformError("ECONNREFUSED", "connect", subject));
        return;
      }
      settle();
      resolve(mine);
    }

    proceed();
  });
}

/** Makes both ends; the listener gets its one at once, or when it is resumed. */
function accept(
  network: SimulatedNetwork,
  machine: Machine,
  owner: EventOwner,
  listener: OpenListener,
  host: string,
): StreamEnd {
  const { engine } = network;
  const out = network.link(machine.host, host);
  const back = network.link(host, machine.host);
  const local = { host: machine.host, port: machine.dynamicPort(machine.listeners) };
  const remote = { host, port: listener.address.port };
  const mine = new StreamEnd(network, owner, local, remote, out, back);
  const theirs = new StreamEnd(network, listener.owner, remote, local, back, out);
  mine.peer = theirs;
  theirs.peer = mine;
  engine.schedule(engine.now, "accept", host, listener.owner, () => listener.onConnection(theirs));
  return mine;
}
