import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { createMemoryMember } from "../memory-member.ts";
import { AutoCompaction } from "./auto-compaction.ts";
import { checkAutoCompaction, type AutoCompactionOptions } from "./auto-compaction-options.ts";

const hourMs = 3_600_000;

/** A member that leads, and whose compactions are carried out at once unless they are held. */
function start(options: AutoCompactionOptions) {
  const clock = new VirtualClock();
  const state = { revision: 1, compacted: -1, leads: true };
  const held: PromiseWithResolvers<void>[] = [];
  const asked: (readonly [atMs: number, revision: number])[] = [];
  let hold = false;
  const compaction = new AutoCompaction(options, {
    clock,
    revision: () => state.revision,
    compactedRevision: () => state.compacted,
    leads: () => state.leads,
    async compact(revision) {
      asked.push([clock.now(), revision]);
      if (hold) {
        const answer = Promise.withResolvers<void>();
        held.push(answer);
        await answer.promise;
      }
      state.compacted = revision;
    },
  });
  /** Lets time pass as the member does, which looks every 100 ms; less often where that would be very often. */
  const pass = async (ms: number, writesPerSecond = 0): Promise<typeof asked> => {
    const step = 100 * Math.max(1, Math.floor(ms / 100_000));
    for (let left = ms; left > 0; left -= step) {
      compaction.tick();
      state.revision += (writesPerSecond * step) / 1_000;
      await clock.advance(step);
    }
    return asked.splice(0);
  };
  return { clock, state, held, pass, hold: (on: boolean) => void (hold = on) };
}

describe("compaction by time", () => {
  it("keeps whatever can have been the state in the last retention, and not a tenth more", async () => {
    const { state, pass } = start({ mode: "periodic", retentionMs: 60_000 });
    expect(await pass(60_000, 10)).toEqual([]);
    const asked = await pass(120_000, 10);
    expect(asked.length).toBe(19);
    for (const [at, revision] of asked) expect(revision).toBe(1 + (at - 60_000) / 100);
    expect(asked.map(([at]) => at)).toEqual(Array.from({ length: 19 }, (_, step) => 66_000 + 6_000 * step));
    expect(state.revision - state.compacted).toBeLessThanOrEqual(660);
  });

  it("goes on to the last revision when nothing is written any more, and is quiet then", async () => {
    const { pass, state } = start({ mode: "periodic", retentionMs: 10_000 });
    await pass(5_000, 10);
    expect(state.revision).toBe(51);
    const asked = await pass(60_000);
    expect(asked.at(-1)).toEqual([15_000, 51]);
    expect(asked.length).toBe(5);
    expect(await pass(60_000)).toEqual([]);
    state.revision++;
    expect(await pass(60_000)).toEqual([[135_000, 52]]);
  });

  it.each([
    [1_000, 1_000],
    [60_000, 6_000],
    [hourMs, 360_000],
    [10 * hourMs, 360_000],
    [1_000 * hourMs, 3_600_000],
  ])("of %i ms compacts every %i ms, as old as that and no older than one more step", async (retentionMs, stepMs) => {
    const { pass } = start({ mode: "periodic", retentionMs });
    await pass(retentionMs, 10);
    const times = (await pass(5 * stepMs + 1, 10)).map(([at]) => at);
    expect(times.length).toBeGreaterThanOrEqual(4);
    for (const [position, at] of times.entries()) {
      // The loop above looks a thousand times in each stretch.
      if (position > 0) expect(Math.abs(at - times[position - 1]! - stepMs)).toBeLessThanOrEqual(stepMs / 100 + 100);
    }
  });

  it("is the leader's; another that comes to lead goes by what it has seen itself", async () => {
    const { state, pass } = start({ mode: "periodic", retentionMs: 10_000 });
    state.leads = false;
    expect(await pass(30_000, 10)).toEqual([]);
    state.leads = true;
    expect(await pass(1_000, 10)).toEqual([[30_000, 201]]);
    // One that began when much was there already cannot know how old it is.
    const late = start({ mode: "periodic", retentionMs: 10_000 });
    late.state.revision = 5_000;
    expect(await late.pass(10_000, 10)).toEqual([]);
    expect(await late.pass(1_000, 10)).toEqual([[10_000, 5_000]]);
  });

  it("counts the time that the process stood still, and no write of it", async () => {
    const { clock, state, pass } = start({ mode: "periodic", retentionMs: 10_000 });
    await pass(5_000, 10);
    await clock.advance(hourMs);
    // Others wrote meanwhile, and this member hears of it all at once.
    state.revision += 1_000;
    const [first, ...rest] = await pass(10_000);
    expect(first![1]).toBeLessThanOrEqual(51);
    expect(rest).toEqual([]);
    expect(await pass(1_000)).toEqual([[hourMs + 15_000, 1_051]]);
  });

  it("leaves alone what somebody else has compacted further", async () => {
    const { state, pass } = start({ mode: "periodic", retentionMs: 10_000 });
    await pass(5_000, 10);
    state.compacted = 40;
    const asked = await pass(60_000);
    expect(asked).toEqual([
      [14_000, 41],
      [15_000, 51],
    ]);
  });
});

describe("compaction by number", () => {
  it("keeps so many revisions before the current one, looking every ten seconds", async () => {
    const { pass } = start({ mode: "revision", retention: 100 });
    expect(await pass(30_001, 5)).toEqual([[30_000, 51]]);
    expect(await pass(20_000, 5)).toEqual([
      [40_000, 101],
      [50_000, 151],
    ]);
    expect((await pass(60_000)).length).toBeLessThanOrEqual(1);
  });

  it("has nothing to do for fewer revisions", async () => {
    const { pass } = start({ mode: "revision", retention: 1_000 });
    expect(await pass(100_000, 10)).toEqual([]);
  });
});

describe.each<AutoCompactionOptions>([
  { mode: "periodic", retentionMs: 10_000 },
  { mode: "revision", retention: 10 },
])("compaction in mode $mode", (options) => {
  it("waits for the one under way, and tries again a step after one that failed", async () => {
    const { held, pass, hold, state } = start(options);
    hold(true);
    expect((await pass(60_000, 10)).length).toBe(1);
    expect(state.compacted).toBe(-1);
    held.pop()!.reject(new Error("nobody leads"));
    const again = await pass(30_000, 10);
    expect(again.length).toBe(1);
    held.pop()!.resolve();
    await pass(100);
    expect(state.compacted).toBe(again[0]![1]);
    hold(false);
    expect((await pass(30_000, 10)).length).toBeGreaterThanOrEqual(2);
  });
});

describe("the options of compaction", () => {
  it.each<[unknown, RegExp]>([
    [{ mode: "hourly" }, /^autoCompaction\.mode must be "periodic" or "revision" \(got "hourly"\)$/],
    [{ mode: "periodic" }, /^autoCompaction\.retentionMs must be an integer >= 1000 \(got undefined\)$/],
    [{ mode: "periodic", retentionMs: 999 }, /^autoCompaction\.retentionMs must be an integer >= 1000 \(got 999\)$/],
    [{ mode: "periodic", retentionMs: Infinity }, /^autoCompaction\.retentionMs must be an integer/],
    [{ mode: "revision", retention: 0 }, /^autoCompaction\.retention must be an integer >= 1 \(got 0\)$/],
    [{ mode: "revision", retentionMs: 5_000 }, /^autoCompaction\.retentionMs is no option; there are mode, retention/],
    [{ mode: "revision", retention: 5, every: 1 }, /^autoCompaction\.every is no option/],
    [true, /^autoCompaction options must be an object \(got true\)$/],
  ])("%j is refused", (given, message) => {
    expect(() => checkAutoCompaction(given as AutoCompactionOptions)).toThrow(message);
    expect(() => createMemoryMember({ autoCompaction: given as AutoCompactionOptions })).toThrow(message);
  });

  it("are off by default", () => {
    expect(checkAutoCompaction(undefined)).toBeUndefined();
  });
});

describe("a member in memory", () => {
  it("lets its history go, with users enabled, too", async () => {
    const clock = new VirtualClock();
    const member = createMemoryMember({ clock, autoCompaction: { mode: "periodic", retentionMs: 5_000 } });
    const key = new TextEncoder().encode("k");
    for (let second = 0; second < 20; second++) {
      if (second === 10) {
        await member.auth.change({ type: "userAdd", name: "root" });
        await member.auth.change({ type: "userGrantRole", name: "root", role: "root" });
        await member.auth.change({ type: "authEnable" });
      }
      await member.put({ key, value: key }, { credentials: { user: "root" } });
      await clock.advance(1_000);
    }
    // Revision 2 at second 0; the state of second 15 may still be read.
    const credentials = { user: "root" };
    expect((await member.range({ key, revision: 16 }, { credentials })).pairs).toHaveLength(1);
    await expect(member.range({ key, revision: 14 }, { credentials })).rejects.toMatchObject({ code: "COMPACTED" });
    await member.close();
    await clock.advance(60_000);
    expect(clock.pending).toBe(0);
  });
});
