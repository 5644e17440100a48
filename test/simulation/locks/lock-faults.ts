import type { World } from "holdfast/runtime";
import { hosts, leasePace } from "./lock-scene.ts";

/** Kills, pauses and cuts off processes, one after the other, mostly one at a time. */
export class LockFaults {
  readonly #world: World;
  readonly #pace: number;
  readonly #start: (host: string) => void;
  readonly #undo = new Set<() => void>();

  constructor(world: World, pace: number, start: (host: string) => void) {
    this.#world = world;
    this.#pace = pace;
    this.#start = start;
  }

  async rage(durationMs: number): Promise<void> {
    const { clock, random } = this.#world;
    const endMs = clock.now() + durationMs;
    while (clock.now() < endMs) {
      await clock.sleep(this.#pace * random.integer(1_000, 20_000));
      this.#befall(hosts[random.integer(0, hosts.length - 1)]!);
    }
  }

  /** Everything is well again. */
  stop(): void {
    for (const undo of this.#undo) undo();
    this.#world.network.heal();
  }

  #befall(host: string): void {
    const world = this.#world;
    const { random, network } = world;
    const process = world.process(host);
    const lastMs = leasePace(this.#pace) * random.integer(100, random.next() < 0.3 ? 30_000 : 5_000);
    switch (random.integer(0, 6)) {
      case 0:
        if (process.state === "crashed") return;
        process.kill();
        return this.#later(lastMs, () => this.#restart(host));
      case 1:
        if (process.state === "crashed") return;
        process.crash();
        return this.#later(lastMs, () => this.#restart(host));
      case 2:
      case 3:
        process.pause();
        return this.#later(lastMs, () => process.resume());
      case 4:
        world.fault("isolate", host);
        return this.#later(lastMs, network.isolate(host, (["out", "in", "both"] as const)[random.integer(0, 2)]));
      case 5: {
        const other = hosts[(hosts.indexOf(host as "a") + 1) % hosts.length]!;
        world.fault("partition", host);
        return this.#later(lastMs, network.partition([host], [other], { oneWay: random.next() < 0.5 }));
      }
      default: {
        const others = hosts.filter((other) => other !== host);
        world.fault("slow-links", host);
        const undo = others.map((other) => network.disturb(host, other, { latencyMs: 200, jitterMs: 300, loss: 0.1 }));
        return this.#later(lastMs, () => undo.forEach((one) => one()));
      }
    }
  }

  #restart(host: string): void {
    if (this.#world.process(host).state === "crashed") this.#start(host);
  }

  #later(delayMs: number, undo: () => void): void {
    const once = (): void => {
      timer.cancel();
      if (this.#undo.delete(once)) undo();
    };
    const timer = this.#world.clock.setTimer(delayMs, once);
    this.#undo.add(once);
  }
}
