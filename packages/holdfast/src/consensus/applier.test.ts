import { describe, expect, it } from "vitest";
import { simulate, type Clock, type World } from "../runtime/index.ts";
import { Applier } from "./applier.ts";
import type { Entry } from "./entry.ts";
import { createRaft, type Raft } from "./raft.ts";
import type { StateMachine } from "./state-machine.ts";
import { step } from "./step.ts";
import { configurationOf } from "./configuration.ts";

/** A state machine that notes what it is given, and takes `costMs` of its clock for each entry. */
class Notes implements StateMachine {
  readonly applied: number[] = [];
  costMs = 0;
  spentMs = 0;
  failAt = Infinity;

  apply(entry: Entry): number {
    if (entry.index === this.failAt) throw new Error(`cannot apply ${entry.index}`);
    this.spentMs += this.costMs;
    this.applied.push(entry.index);
    return entry.index * 10;
  }

  snapshot(): never {
    throw new Error("not needed here");
  }

  restore(): never {
    throw new Error("not needed here");
  }
}

interface Setting {
  readonly world: World;
  readonly raft: Raft;
  readonly machine: Notes;
  readonly applier: Applier;
  readonly results: (readonly [index: number, result: unknown])[];
  readonly progress: number[];
  readonly errors: Error[];
}

/** The applier of a cluster of one, whose leader commits what is proposed. */
function withApplier(test: (setting: Setting) => Promise<void>): Promise<unknown> {
  return simulate({ seed: 1 }, async (world) => {
    const process = world.process("n1");
    process.start(() => undefined);
    const { clock, random } = process.runtime;
    const machine = new Notes();
    // Time passes while the state machine works, as it does on a real processor.
    const worked: Clock = { ...clock, now: () => clock.now() + machine.spentMs };
    const raft = createRaft({
      id: 1,
      snapshot: { index: 0, term: 0, configuration: configurationOf([1]) },
      hardState: { term: 0, vote: 0 },
      entries: [],
      random,
      electionTimeoutMs: 100,
      heartbeatMs: 10,
    });
    const results: (readonly [number, unknown])[] = [];
    const progress: number[] = [];
    const errors: Error[] = [];
    const applier = new Applier({
      raft,
      stateMachine: machine,
      clock: worked,
      onApplied: (entry, result) => results.push([entry.index, result]),
      onProgress: (applied) => progress.push(applied),
      onError: (error) => errors.push(error),
    });
    commit(raft, { type: "tick", now: 1000 });
    await test({ world, raft, machine, applier, results, progress, errors });
  });
}

/** Feeds an input and what it makes durable at once. */
function commit(raft: Raft, input: Parameters<typeof step>[1]): void {
  const effects = step(raft, input);
  for (const message of effects.messagesAfterSync) commit(raft, { type: "message", message });
  if (effects.mark !== undefined) commit(raft, { type: "synced", mark: effects.mark });
}

function propose(raft: Raft, count: number): void {
  commit(raft, { type: "propose", commands: Array.from({ length: count }, () => Uint8Array.of(1)) });
}

/** The leader's first entry is empty, so commands begin at 2. */
const indexes = (to: number): number[] => Array.from({ length: to - 1 }, (_, at) => at + 2);

describe("an applier", () => {
  it("applies commands in order, once each, and passes their results on", () =>
    withApplier(async ({ world, raft, machine, applier, results, progress }) => {
      propose(raft, 2);
      applier.advance();
      applier.advance();
      propose(raft, 1);
      applier.advance();
      await world.clock.sleep(10);
      expect(machine.applied).toEqual([2, 3, 4]);
      expect(results).toEqual([
        [2, 20],
        [3, 30],
        [4, 40],
      ]);
      expect([applier.applied, progress.at(-1)]).toEqual([4, 4]);
    }));

  it("gives others their turn after a slice, and goes on by itself", () =>
    withApplier(async ({ world, raft, machine, applier, progress }) => {
      machine.costMs = 0.1;
      propose(raft, 500);
      applier.advance();
      const first = applier.applied;
      expect(first).toBeGreaterThan(31);
      expect(first).toBeLessThan(100);
      // A call meanwhile does not start a second run.
      applier.advance();
      expect(applier.applied).toBe(first);
      await world.clock.sleep(10);
      expect(machine.applied).toEqual(indexes(501));
      expect(progress.length).toBeGreaterThan(5);
      expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    }));

  it("applies everything at once when it is quick", () =>
    withApplier(async ({ raft, machine, applier }) => {
      propose(raft, 5000);
      applier.advance();
      expect(machine.applied).toEqual(indexes(5001));
    }));

  it("applies nothing while it is held, and goes on from where the state then stands", () =>
    withApplier(async ({ world, raft, machine, applier, progress }) => {
      machine.costMs = 1;
      propose(raft, 100);
      applier.advance();
      const before = machine.applied.length;
      applier.hold();
      await world.clock.sleep(10);
      applier.advance();
      expect(machine.applied).toHaveLength(before);
      applier.resume(90);
      await world.clock.sleep(10);
      expect(progress).toContain(90);
      expect(machine.applied.slice(before)).toEqual(indexes(101).filter((index) => index > 90));
      expect(applier.applied).toBe(101);
    }));

  it("stops for good when the state machine fails", () =>
    withApplier(async ({ world, raft, machine, applier, errors }) => {
      machine.failAt = 5;
      propose(raft, 10);
      applier.advance();
      await world.clock.sleep(10);
      propose(raft, 1);
      applier.advance();
      expect(errors.map((error) => error.message)).toEqual(["cannot apply 5"]);
      expect(machine.applied).toEqual([2, 3, 4]);
    }));

  it("says so when a committed entry is not in the log", () =>
    withApplier(async ({ raft, applier, errors, machine }) => {
      propose(raft, 3);
      commit(raft, { type: "compact", index: 2 });
      applier.advance();
      expect(errors.map((error) => error.message)).toEqual(["entry 1 is committed but not in the log"]);
      expect(machine.applied).toEqual([]);
    }));
});
