import type { Random, World } from "../runtime/index.ts";
import { ClockEffects } from "./clock-effects.ts";
import { beginCorruptDisk, DiskEffects } from "./disk-effects.ts";
import type { Fault } from "./fault.ts";
import type { FaultTarget, FaultTargets } from "./fault-targets.ts";
import type { MessageFault } from "./message-tap.ts";
import {
  beginClog,
  beginLinkFault,
  beginMessageFault,
  beginPartition,
  beginReset,
  type Sides,
} from "./network-effects.ts";
import { beginByzantine, beginCrash, beginFailStop, NodeEffects } from "./node-effects.ts";

/** A fault that goes on. */
export interface Effect {
  /** Whether its targets are down, and come back only when they have recovered. */
  readonly staysDown?: true;
  end(): void;
}

/** What effects are made with. */
export interface EffectContext {
  readonly world: World;
  readonly targets: FaultTargets;
  readonly random: Random;
}

/** One of the nodes that a fault strikes. */
export interface StruckNode {
  readonly name: string;
  readonly target: FaultTarget;
}

/** Begins faults; several of a kind at one target end when the last of them does. */
export class FaultEffects {
  readonly #context: EffectContext;
  readonly #nodes = new NodeEffects();
  readonly #disks = new DiskEffects();
  readonly #clocks = new ClockEffects();

  constructor(world: World, targets: FaultTargets, random: Random) {
    this.#context = { world, targets, random };
  }

  /** Undefined when there is nothing that could be struck: a node that is down already, a cut with nobody behind it. */
  begin(fault: Fault, names: readonly string[], leftMs: number): Effect | undefined {
    const context = this.#context;
    const { nodes } = context.targets;
    const all = Array.from(nodes, ([name, target]) => ({ name, target }));
    const struck = names.map((name) => ({ name, target: nodes.get(name)! }));
    const sides: Sides = { struck, others: all.filter(({ name }) => !names.includes(name)) };
    switch (fault.type) {
      case "crash":
        return beginCrash(struck, fault.how ?? "power");
      case "failStop":
        return beginFailStop(context, struck);
      case "slow":
        return this.#nodes.beginSlow(context, struck, fault);
      case "byzantine":
        return beginByzantine(context, struck, fault);
      case "partition":
        return beginPartition(context, sides, fault.shape ?? "split");
      case "delay":
        return beginLinkFault(context, sides, { latencyMs: fault.delayMs, jitterMs: fault.jitterMs ?? 0 });
      case "loss":
        return beginLinkFault(context, sides, { loss: fault.share });
      case "duplication":
      case "reordering":
        return beginBoth(context, sides, fault);
      case "clog":
        return beginClog(context, sides, Math.min(fault.durationMs, leftMs));
      case "reset":
        return beginReset(context, sides);
      case "corruptDisk":
        return beginCorruptDisk(context, struck, fault);
      case "fullDisk":
        return this.#disks.beginFull(struck, fault.freeBytes ?? 0);
      case "slowDisk":
        return this.#disks.disturb(struck, { slowSync: fault.share ?? 1, slowSyncMs: fault.extraMs });
      case "failingSync":
        return this.#disks.disturb(struck, { syncError: fault.share ?? 1 });
      case "clockSkew":
        return this.#clocks.beginSkew(struck, fault.byMs);
      case "clockDrift":
        return this.#clocks.beginDrift(struck, fault.ppm);
      default:
        return this.#clocks.beginStop(struck);
    }
  }
}

/** Datagrams are repeated and overtaken on the link; what travels over streams can only be so before it gets there. */
function beginBoth(
  context: EffectContext,
  sides: Sides,
  { type, share, withinMs = 10 }: Extract<Fault, { type: "duplication" | "reordering" }>,
): Effect | undefined {
  const kind: MessageFault["kind"] = type === "duplication" ? "duplicate" : "reordered";
  const link = beginLinkFault(context, sides, type === "duplication" ? { duplicate: share } : { reorder: share });
  const messages = beginMessageFault(context, sides, { kind, share, delayMs: withinMs });
  if (link === undefined && messages === undefined) return undefined;
  return {
    end() {
      link?.end();
      messages?.end();
    },
  };
}
