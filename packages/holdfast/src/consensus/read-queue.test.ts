import { describe, expect, it } from "vitest";
import { simulate, type World } from "../runtime/index.ts";
import { ReadQueue } from "./read-queue.ts";

interface Setting {
  readonly world: World;
  readonly queue: ReadQueue;
  /** The rounds asked for so far. */
  readonly asked: number[];
  readonly served: string[];
  applied: number;
  thrown: number;
  readonly add: (name: string) => () => void;
  /** Lets deferred work happen, but no retry. */
  readonly turn: () => Promise<void>;
}

const retryMs = 500;

function withQueue(test: (setting: Setting) => Promise<void>): Promise<unknown> {
  return simulate({ seed: 1 }, async (world) => {
    const process = world.process("n1");
    process.start(() => undefined);
    const { clock, random } = process.runtime;
    const asked: number[] = [];
    const served: string[] = [];
    const setting: Setting = {
      world,
      asked,
      served,
      applied: 0,
      thrown: 0,
      queue: new ReadQueue({
        clock,
        random,
        retryMs,
        ask: (id) => asked.push(id),
        applied: () => setting.applied,
        onThrown: () => setting.thrown++,
      }),
      add: (name) => setting.queue.add(() => served.push(name)),
      turn: () => world.clock.sleep(1),
    };
    await test(setting);
  });
}

describe("a read queue", () => {
  it("serves the others when one of them throws", () =>
    withQueue(async (setting) => {
      const { queue, asked, served, add, turn } = setting;
      queue.add(() => {
        throw new Error("a bug of theirs");
      });
      add("b");
      await turn();
      queue.answered(asked[0]!, 0);
      expect(served).toEqual(["b"]);
      expect(setting.thrown).toBe(1);
    }));

  it("asks once for all reads of one turn, and serves them when their index is applied", () =>
    withQueue(async (setting) => {
      const { queue, asked, served, add, turn } = setting;
      for (const name of ["a", "b", "c"]) add(name);
      await turn();
      expect(asked).toHaveLength(1);
      add("d");
      await turn();
      expect(asked).toHaveLength(2);
      setting.applied = 4;
      queue.answered(asked[0]!, 5);
      expect(served).toEqual([]);
      queue.onApplied(4);
      expect(served).toEqual([]);
      queue.onApplied(5);
      expect(served).toEqual(["a", "b", "c"]);
      setting.applied = 5;
      queue.answered(asked[1]!, 5);
      expect(served).toEqual(["a", "b", "c", "d"]);
    }));

  it("never takes a late answer to a repeated round for one to the new round", () =>
    withQueue(async ({ world, queue, asked, served, add, turn }) => {
      add("a");
      await turn();
      await world.clock.sleep(retryMs);
      queue.tick();
      await turn();
      expect(asked).toHaveLength(2);
      expect(asked[1]).not.toBe(asked[0]);
      queue.answered(asked[0]!, 0);
      queue.answered(12, 0);
      expect(served).toEqual([]);
      queue.answered(asked[1]!, 0);
      queue.answered(asked[1]!, 0);
      expect(served).toEqual(["a"]);
    }));

  it("repeats only rounds whose time is over", () =>
    withQueue(async ({ world, queue, asked, add, turn }) => {
      add("a");
      await turn();
      await world.clock.sleep(retryMs - 10);
      queue.tick();
      add("b");
      await turn();
      expect(asked).toHaveLength(2);
      await world.clock.sleep(50);
      queue.tick();
      expect(asked).toHaveLength(3);
      queue.tick();
      expect(asked).toHaveLength(3);
    }));

  it("asks again at the next tick for what nobody could answer, all in one round", () =>
    withQueue(async ({ queue, asked, served, add, turn }) => {
      add("a");
      await turn();
      add("b");
      await turn();
      queue.dropped(asked[0]!);
      queue.dropped(asked[1]!);
      await turn();
      expect(asked).toHaveLength(2);
      queue.tick();
      expect(asked).toHaveLength(3);
      queue.answered(asked[2]!, 0);
      expect(served.toSorted()).toEqual(["a", "b"]);
    }));

  it("does not ask for reads that were taken back, and never serves them", () =>
    withQueue(async (setting) => {
      const { queue, asked, served, add, turn } = setting;
      const takeBack = ["a", "b", "c"].map(add);
      takeBack[0]!();
      await turn();
      expect(asked).toHaveLength(1);
      queue.answered(asked[0]!, 3);
      takeBack[1]!();
      setting.applied = 3;
      queue.onApplied(3);
      expect(served).toEqual(["c"]);
      add("d")();
      await turn();
      queue.tick();
      expect(asked).toHaveLength(1);
    }));

  it("forgets what was taken back while nobody could answer", () =>
    withQueue(async ({ queue, asked, add, turn }) => {
      const takeBack = Array.from({ length: 1000 }, (_, at) => add(String(at)));
      await turn();
      queue.dropped(asked[0]!);
      queue.tick();
      expect(asked).toHaveLength(2);
      for (const each of takeBack) each();
      queue.dropped(asked[1]!);
      for (let tick = 0; tick < 10; tick++) queue.tick();
      expect(asked).toHaveLength(2);
    }));

  it("numbers its rounds so that two lives of a node share none", () =>
    simulate({ seed: 3 }, async (world) => {
      const process = world.process("n1");
      const seen = new Set<number>();
      for (let life = 0; life < 20; life++) {
        process.start(() => undefined);
        const { clock, random } = process.runtime;
        const ask = (id: number): void => {
          expect(seen.has(id)).toBe(false);
          seen.add(id);
        };
        const queue = new ReadQueue({ clock, random, retryMs, ask, applied: () => 0, onThrown: () => undefined });
        for (let round = 0; round < 50; round++) {
          queue.add(() => undefined);
          await world.clock.sleep(1);
        }
        process.kill();
      }
      expect(seen.size).toBe(1000);
    }));
});
