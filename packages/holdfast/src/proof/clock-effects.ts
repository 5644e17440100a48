import type { SimulatedClock } from "../runtime/index.ts";
import type { Effect, StruckNode } from "./fault-effects.ts";
import { HoldCount } from "./hold-count.ts";

/** Clocks that are wrong for a time. */
export class ClockEffects {
  readonly #stopped = new HoldCount();
  /** By name: what the rate was before, and the wrong rates that it has since been given, the last of which counts. */
  readonly #drifts = new Map<string, { readonly before: number; readonly ppm: { readonly value: number }[] }>();

  beginSkew(nodes: readonly StruckNode[], byMs: number): Effect {
    for (const { target } of nodes) target.process.clock.jump(byMs);
    return {
      end() {
        for (const { target } of nodes) target.process.clock.jump(-byMs);
      },
    };
  }

  beginDrift(nodes: readonly StruckNode[], ppm: number): Effect {
    const mine = { value: ppm };
    for (const { name, target } of nodes) {
      const drift = this.#drifts.get(name) ?? { before: target.process.clock.driftPpm, ppm: [] };
      this.#drifts.set(name, drift);
      drift.ppm.push(mine);
      target.process.clock.setDrift(ppm);
    }
    return {
      end: () => {
        for (const { name, target } of nodes) this.#endDrift(name, target.process.clock, mine);
      },
    };
  }

  #endDrift(name: string, clock: SimulatedClock, mine: { readonly value: number }): void {
    const drift = this.#drifts.get(name);
    if (drift === undefined) return;
    drift.ppm.splice(drift.ppm.indexOf(mine), 1);
    const last = drift.ppm.at(-1);
    if (last === undefined) this.#drifts.delete(name);
    clock.setDrift(last?.value ?? drift.before);
  }

  beginStop(nodes: readonly StruckNode[]): Effect {
    for (const { name, target } of nodes) if (this.#stopped.hold(name)) target.process.clock.stop();
    return {
      end: () => {
        for (const { name, target } of nodes) if (this.#stopped.release(name)) target.process.clock.start();
      },
    };
  }
}
