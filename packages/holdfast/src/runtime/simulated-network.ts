import { checkFaults, type LinkFaults } from "./faults.ts";
import type { Random } from "./runtime.ts";
import { Link } from "./simulated-link.ts";
import { Machine } from "./simulated-machine.ts";
import type { StreamEnd, StreamMedium } from "./simulated-stream.ts";
import type { EventOwner, SimulationEngine } from "./simulation-engine.ts";

/** What a test does to the network. Hosts are named as in `world.process(host)`. */
export interface NetworkControl {
  /** Cuts every link from `a` to `b`, and back unless `oneWay`. Returns what takes this cut back, and no other. */
  partition(a: readonly string[], b: readonly string[], options?: { readonly oneWay?: boolean }): () => void;
  /** Cuts a machine off from all others: what it sends, what it should get, or both (default). Returns as `partition`. */
  isolate(host: string, direction?: "out" | "in" | "both"): () => void;
  /** Takes back every partition and isolation. */
  heal(): void;
  /** Lets nothing pass in one direction for a time, and then all of it. */
  clog(from: string, to: string, durationMs: number): void;
  /** Changes how one direction treats what is sent from now on. */
  setLink(from: string, to: string, faults: Partial<LinkFaults>): void;
  /** Changes how every direction between different machines does. */
  setLinks(faults: Partial<LinkFaults>): void;
  /**
   * Makes one direction worse than it is, until what it returns is called: times come on top, shares are chances of
   * their own. Several at once add up.
   */
  disturb(from: string, to: string, faults: Partial<LinkFaults>): () => void;
  /** Resets connections: all of them, those of one machine, or those between two. Returns how many. */
  breakConnections(a?: string, b?: string): number;
}

/** What is cut; undefined means every machine. */
interface Cut {
  readonly from: ReadonlySet<string> | undefined;
  readonly to: ReadonlySet<string> | undefined;
}

const loopback: LinkFaults = { latencyMs: 0.02, jitterMs: 0.02, loss: 0, duplicate: 0, reorder: 0, split: 0.05 };

/** The machines, the links between them, and what passes. */
export class SimulatedNetwork implements NetworkControl, StreamMedium {
  readonly engine: SimulationEngine;
  readonly streamTimeoutMs: number;
  readonly machines: Map<string, Machine> = new Map();
  /** Connection attempts that wait for a link or a machine. */
  readonly waiting: Set<() => void> = new Set();
  readonly #random: Random;
  readonly #links = new Map<string, Map<string, Link>>();
  readonly #ends = new Set<StreamEnd>();
  #faults: LinkFaults;
  #cuts: Cut[] = [];
  readonly #disturbances = new Set<{
    readonly from: string;
    readonly to: string;
    readonly faults: Partial<LinkFaults>;
  }>();

  constructor(engine: SimulationEngine, random: Random, faults: LinkFaults, streamTimeoutMs: number) {
    this.engine = engine;
    this.streamTimeoutMs = streamTimeoutMs;
    this.#random = random;
    this.#faults = faults;
  }

  addMachine(host: string): Machine {
    const machine = new Machine(host);
    this.machines.set(host, machine);
    return machine;
  }

  link(from: string, to: string): Link {
    let links = this.#links.get(from);
    if (links === undefined) this.#links.set(from, (links = new Map<string, Link>()));
    let link = links.get(to);
    if (link === undefined) {
      const faults = from === to ? loopback : this.#faults;
      link = new Link(from, to, this.#random.fork(`${from}>${to}`), faults);
      link.blocked = this.#isCut(link);
      link.disturb(this.#disturbancesOf(link));
      links.set(to, link);
    }
    return link;
  }

  canPass(link: Link): boolean {
    return !link.blocked && this.machines.get(link.to)?.isOn === true;
  }

  remember(end: StreamEnd): void {
    this.#ends.add(end);
  }

  forget(end: StreamEnd): void {
    this.#ends.delete(end);
  }

  partition(a: readonly string[], b: readonly string[], options?: { readonly oneWay?: boolean }): () => void {
    this.#check(...a, ...b);
    const [from, to] = [new Set(a), new Set(b)];
    return this.#cut(
      "partition",
      a.join(),
      options?.oneWay === true
        ? [{ from, to }]
        : [
            { from, to },
            { from: to, to: from },
          ],
    );
  }

  isolate(host: string, direction: "out" | "in" | "both" = "both"): () => void {
    this.#check(host);
    const alone = new Set([host]);
    const cuts: Cut[] = [];
    if (direction !== "in") cuts.push({ from: alone, to: undefined });
    if (direction !== "out") cuts.push({ from: undefined, to: alone });
    return this.#cut("isolation", host, cuts);
  }

  heal(): void {
    this.engine.trace.note("heal", this.engine.now);
    this.#keepCuts(() => false);
  }

  clog(from: string, to: string, durationMs: number): void {
    this.#check(from, to);
    if (!(durationMs >= 0)) throw new RangeError(`clog.durationMs must be a number >= 0 (got ${durationMs})`);
    const link = this.link(from, to);
    link.cloggedUntil = Math.max(link.cloggedUntil, this.engine.now + durationMs);
    this.engine.fault("clog", from, durationMs);
  }

  setLink(from: string, to: string, faults: Partial<LinkFaults>): void {
    this.#check(from, to);
    checkFaults("setLink", faults);
    const link = this.link(from, to);
    link.change(faults);
    if (this.canPass(link)) this.#opened(link);
  }

  setLinks(faults: Partial<LinkFaults>): void {
    checkFaults("setLinks", faults);
    this.#faults = { ...this.#faults, ...faults };
    for (const link of this.#allLinks()) {
      if (link.from !== link.to) this.setLink(link.from, link.to, faults);
    }
  }

  disturb(from: string, to: string, faults: Partial<LinkFaults>): () => void {
    this.#check(from, to);
    checkFaults("disturb", faults);
    const disturbance = { from, to, faults };
    const apply = (): void => {
      const link = this.link(from, to);
      link.disturb(this.#disturbancesOf(link));
      if (this.canPass(link)) this.#opened(link);
    };
    this.#disturbances.add(disturbance);
    apply();
    return () => {
      if (this.#disturbances.delete(disturbance)) apply();
    };
  }

  breakConnections(a?: string, b?: string): number {
    let broken = 0;
    for (const end of Array.from(this.#ends)) {
      const [x, y] = [end.local.host, end.remote.host];
      const concerned = (a === undefined || a === x || a === y) && (b === undefined || b === x || b === y);
      if (!concerned || end.isClosed || (b !== undefined && x === y)) continue;
      broken++;
      end.break("ECONNRESET", "connection-reset");
      end.peer.break("ECONNRESET", "connection-reset");
    }
    return broken;
  }

  /** The machine is on again: what was sent to it meanwhile arrives. */
  turnOn(machine: Machine): void {
    if (machine.isOn) return;
    machine.isOn = true;
    for (const link of this.#allLinks()) if (link.to === machine.host && !link.blocked) this.#opened(link);
    this.#retryWaiting();
  }

  /** A process ended. Its machine resets its connections, or is off and can tell nobody. */
  endLife(machine: Machine, owner: EventOwner, isOff: boolean): void {
    machine.closeAll();
    if (isOff) machine.isOn = false;
    for (const end of Array.from(this.#ends)) {
      if (end.owner !== owner) continue;
      if (isOff) end.vanish();
      else end.reset();
      end.peer.readerGone();
    }
  }

  #cut(kind: string, host: string, cuts: readonly Cut[]): () => void {
    this.#cuts.push(...cuts);
    this.engine.fault(kind, host);
    for (const link of this.#allLinks()) link.blocked = this.#isCut(link);
    return () => {
      if (!this.#cuts.some((cut) => cuts.includes(cut))) return;
      this.engine.trace.note("mend", this.engine.now);
      this.#keepCuts((cut) => !cuts.includes(cut));
    };
  }

  #keepCuts(isKept: (cut: Cut) => boolean): void {
    this.#cuts = this.#cuts.filter(isKept);
    for (const link of this.#allLinks()) {
      if (!link.blocked || this.#isCut(link)) continue;
      link.blocked = false;
      if (this.canPass(link)) this.#opened(link);
    }
    this.#retryWaiting();
  }

  #disturbancesOf({ from, to }: Link): Partial<LinkFaults>[] {
    return [...this.#disturbances].filter((one) => one.from === from && one.to === to).map(({ faults }) => faults);
  }

  #isCut(link: Link): boolean {
    if (link.from === link.to) return false;
    return this.#cuts.some((cut) => cut.from?.has(link.from) !== false && cut.to?.has(link.to) !== false);
  }

  #opened(link: Link): void {
    for (const end of Array.from(this.#ends)) end.linkOpened(link);
  }

  #retryWaiting(): void {
    for (const retry of Array.from(this.waiting)) retry();
  }

  #allLinks(): Link[] {
    return [...this.#links.values()].flatMap((links) => [...links.values()]);
  }

  #check(...hosts: readonly string[]): void {
    for (const host of hosts) {
      if (!this.machines.has(host)) throw new RangeError(`host must be a process of this world (got "${host}")`);
    }
  }
}
