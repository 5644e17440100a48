import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "./holdfast-command.ts";
import { startFleet, stopAll, untilAllSee, type MemberProcess } from "./membership-fleet.ts";

const started: MemberProcess[] = [];

async function five(plan: Parameters<typeof startFleet>[1]): Promise<MemberProcess[]> {
  const fleet = await startFleet(5, plan);
  started.push(...fleet);
  return fleet;
}

afterAll(() => stopAll(started));

const key = "1f".repeat(32);
const names = ["n1", "n2", "n3", "n4", "n5"];

/** Everything said of this kind, as `teller: subject`. */
function said(members: readonly MemberProcess[], event: string): string[] {
  return members
    .flatMap(({ name, reports }) => reports.filter((each) => each.event === event).map(({ of }) => `${name}: ${of}`))
    .toSorted();
}

// They mostly wait: each test has a fleet of its own, and all are there before one of them begins to measure.
describe.concurrent("five processes joined through one", () => {
  let sealed: MemberProcess[];
  let left: MemberProcess[];
  let stopped: MemberProcess[];
  let blocked: MemberProcess[];

  beforeAll(async () => {
    [sealed, left, stopped, blocked] = await Promise.all([
      five(() => ({ profile: "local", keys: [key] })),
      five(() => ({ profile: "local" })),
      five(() => ({ profile: "local" })),
      five((at) => ({ profile: "local", ...(at === 1 ? { block: { everyMs: 5000, forMs: 2000 } } : {}) })),
    ]);
  });

  it("all notice a kill -9, and accuse nobody else", async () => {
    const survivors = sealed.slice(0, 4);
    const killedAtMs = performance.now();
    sealed[4]!.child.kill("SIGKILL");
    expect((await sealed[4]!.gone).signal).toBe("SIGKILL");
    await until("all report n5 failed", 20_000, () => said(survivors, "failed").length >= 4);
    const took = performance.now() - killedAtMs;
    expect(said(survivors, "failed")).toEqual(["n1: n5", "n2: n5", "n3: n5", "n4: n5"]);
    // The shortest a suspicion takes is three probe intervals.
    expect(took).toBeGreaterThan(3000);
    expect(took).toBeLessThan(10_000);
    await untilAllSee(survivors, ["n1 alive", "n2 alive", "n3 alive", "n4 alive", "n5 dead"], 5000);
    for (const survivor of survivors) {
      const { metrics } = await survivor.look();
      expect(Object.values(metrics.dropped).reduce((sum, count) => sum + count)).toBe(0);
    }
  });

  it("know one that leaves to have left", async () => {
    left[2]!.leave();
    expect(await left[2]!.gone).toEqual({ code: 0, signal: null });
    const others = left.filter(({ name }) => name !== "n3");
    await untilAllSee(others, ["n1 alive", "n2 alive", "n3 left", "n4 alive", "n5 alive"], 5000);
    // Long enough for a probe to fail, and for a suspicion to end.
    await new Promise((resolve) => setTimeout(resolve, 6000));
    expect(said(others, "failed")).toEqual([]);
    expect(said(others, "left")).toEqual(others.map(({ name }) => `${name}: n3`));
  });

  it("declare nobody dead while one is stopped for 3 s, nor does that one when it goes on", async () => {
    const sleeper = stopped[3]!;
    for (let time = 0; time < 2; time++) {
      sleeper.child.kill("SIGSTOP");
      await new Promise((resolve) => setTimeout(resolve, 3000));
      sleeper.child.kill("SIGCONT");
      await new Promise((resolve) => setTimeout(resolve, 4000));
    }
    await untilAllSee(
      stopped,
      names.map((name) => `${name} alive`),
      10_000,
    );
    expect(said(stopped, "failed")).toEqual([]);
    expect(said([sleeper], "suspect")).toEqual([]);
    const { metrics } = await sleeper.look();
    expect(metrics.longestStallMs).toBeGreaterThan(1500);
  });

  it("declare nobody healthy dead while one of them blocks its event loop 2 s in every 5", async () => {
    await new Promise((resolve) => setTimeout(resolve, 30_000));
    expect(said(blocked, "failed").filter((line) => !line.endsWith(": n2"))).toEqual([]);
    const { metrics } = await blocked[1]!.look();
    expect(metrics.longestStallMs).toBeGreaterThan(1000);
  });
});
