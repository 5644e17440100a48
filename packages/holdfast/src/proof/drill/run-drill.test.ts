import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { checkScenario } from "./check-scenario.ts";
import type { DrillMeasures, DrillReport } from "./drill-report.ts";
import type { DrillFaultPlan } from "./drill-scenario.ts";
import type { DrillStage, StageContext, StageFault, StageLoad } from "./drill-stage.ts";
import { runDrill } from "./run-drill.ts";

/** A system of lamps, on virtual time: what it does in each phase can be told, and what is asked of it is written down. */
class Lamps implements DrillStage {
  readonly log: string[] = [];
  readonly clock: VirtualClock;
  /** How long each part takes; Infinity: it hangs, and does not listen to its signal. */
  readonly takesMs: Record<string, number> = {};
  readonly fails: Record<string, string> = {};
  lit = 3;
  happened = true;
  found: DrillMeasures = { lost: 0, right: true };
  strange: string | undefined;
  aborted: string[] = [];

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  checkFault(): void {}

  async setup(context: StageContext): Promise<void> {
    await this.#part("setup", context);
  }

  async probe(): Promise<DrillMeasures> {
    return { lit: this.lit };
  }

  async startLoad(_: unknown, round: number, context: StageContext): Promise<StageLoad> {
    await this.#part(`load ${round}`, context);
    return {
      stop: async () => {
        await this.#part("stop", context);
      },
    };
  }

  async inject(fault: DrillFaultPlan, context: StageContext): Promise<StageFault> {
    await this.#part("inject", context);
    this.lit--;
    return {
      what: "a lamp is out",
      untilServing: (inner) => this.#part(`serving ${fault.id}`, inner),
      heal: async (inner) => {
        await this.#part("heal", inner);
        this.lit++;
      },
      records: () => [{ target: "lamp", happened: this.happened, watts: 60 }],
    };
  }

  async settle(context: StageContext): Promise<void> {
    await this.#part("settle", context);
  }

  async check(context: StageContext): Promise<void> {
    await this.#part("check", context);
  }

  async teardown(context: StageContext): Promise<void> {
    await this.#part("teardown", context);
  }

  measures(): DrillMeasures {
    return this.found;
  }

  series(): [] {
    return [];
  }

  surprise(): string | undefined {
    return this.strange;
  }

  async #part(name: string, { signal }: StageContext): Promise<void> {
    this.log.push(`${this.clock.now()} ${name}`);
    signal.addEventListener("abort", () => this.aborted.push(name), { once: true });
    const ms = this.takesMs[name] ?? 0;
    if (ms === Infinity) return await new Promise(() => {});
    if (ms > 0) await this.clock.sleep(ms);
    const failure = this.fails[name];
    if (failure !== undefined) throw new Error(failure);
  }
}

const lampOut = {
  name: "lamp-out",
  load: { for: "5s" },
  steadyState: ["lit == 3"],
  faults: [{ kind: "out", target: "one", after: "1s", for: "2s" }],
  invariants: ["lost == 0"],
  expect: ["right"],
  timeouts: { setup: "10s", steady: "1s", fault: "4s", recovery: "10s", settle: "10s", check: "10s", teardown: "10s" },
};

interface Setting {
  readonly scenario?: object;
  readonly prepare?: (lamps: Lamps) => void;
  readonly abortAtMs?: number;
}

async function drill({ scenario = {}, prepare, abortAtMs }: Setting): Promise<{ report: DrillReport; lamps: Lamps }> {
  const clock = new VirtualClock();
  const lamps = new Lamps(clock);
  prepare?.(lamps);
  const stopping = new AbortController();
  if (abortAtMs !== undefined) clock.setTimer(abortAtMs, () => stopping.abort("SIGINT"));
  const running = runDrill({
    scenario: checkScenario({ ...lampOut, ...scenario }),
    stage: lamps,
    clock,
    signal: stopping.signal,
  });
  await clock.advance(600_000);
  const report = await running;
  expect(clock.pending).toBe(0);
  expect(lamps.log.filter((line) => line.endsWith(" teardown"))).toHaveLength(1);
  return { report, lamps };
}

describe("runDrill", () => {
  it("tells a telemetry of its beginning, its phases, its faults and its end", async () => {
    const clock = new VirtualClock();
    const told: unknown[] = [];
    const telemetry = { publish: (fact: unknown) => void told.push(fact) };
    const running = runDrill({ scenario: checkScenario(lampOut), stage: new Lamps(clock), clock, telemetry });
    await clock.advance(600_000);
    const { verdict, reason, durationMs, phases } = await running;
    const drill = "lamp-out";
    expect(phases).toHaveLength(7);
    const fault = { fault: "out-1", target: "one", kind: "out" };
    const began = phases.map(({ phase }) => ({ type: "drillPhaseBegan", drill, phase }));
    expect(told).toEqual([
      { type: "drillStarted", drill },
      ...began.slice(0, 3),
      { type: "faultInjected", ...fault, parameters: {}, durationMs: 2_000 },
      { type: "faultRemoved", ...fault, reason: "expired", lastedMs: 2_000, struck: null },
      ...began.slice(3),
      { type: "drillEnded", drill, verdict, reason, durationMs },
    ]);
    expect(verdict).toBe("passed");
  });

  it("goes through its phases in order, each fault at its time", async () => {
    const { report, lamps } = await drill({});
    expect(lamps.log).toEqual([
      "0 setup",
      "0 load 1",
      "1000 inject",
      "3000 heal",
      "3000 serving out-1",
      "5000 stop",
      "5000 settle",
      "5000 check",
      "5000 teardown",
    ]);
    expect(report).toMatchObject({ drill: "lamp-out", verdict: "passed", reason: "", durationMs: 5000 });
    expect(report.faults).toEqual([
      { id: "out-1", kind: "out", target: "lamp", round: 1, atMs: 1000, lastedMs: 2000, happened: true, watts: 60 },
    ]);
    expect(report.phases.map(({ phase }) => phase)).toEqual([
      "setup",
      "steady state before",
      "load and faults",
      "settle",
      "steady state after",
      "check",
      "teardown",
    ]);
    expect(report.steadyState.after).toEqual([{ rule: "lit == 3", actual: 3, holds: true }]);
    expect(report.events.filter(({ kind }) => kind !== "phase").map(({ atMs, text }) => [atMs, text])).toEqual([
      [1000, "out-1: a lamp is out"],
      [3000, "out-1 is over"],
    ]);
  });

  it("waits for service in spite of a fault that has no end of its own", async () => {
    const fault = { kind: "out", target: "one", after: "1s" };
    const { report } = await drill({
      scenario: { faults: [fault] },
      prepare: (lamps) => (lamps.takesMs["serving out-1"] = 700),
    });
    // Once with the fault, once without it.
    expect(report.faults[0]).toMatchObject({ atMs: 1000, lastedMs: 700 });
    expect(report.verdict).toBe("passed");
  });

  it("repeats load and faults", async () => {
    const { report, lamps } = await drill({ scenario: { rounds: 3 } });
    expect(report.faults.map(({ round, atMs }) => [round, atMs])).toEqual([
      [1, 1000],
      [2, 6000],
      [3, 11_000],
    ]);
    expect(lamps.log.filter((line) => line.includes("load"))).toEqual(["0 load 1", "5000 load 2", "10000 load 3"]);
  });

  it.each<[string, Setting, DrillReport["verdict"], string | RegExp]>([
    ["setup fails", { prepare: (l) => (l.fails["setup"] = "no bulbs") }, "inconclusive", "setup: no bulbs"],
    [
      "setup hangs",
      { prepare: (l) => (l.takesMs["setup"] = Infinity) },
      "inconclusive",
      /setup took longer than 10000 ms/,
    ],
    [
      "it was dark before",
      { prepare: (l) => (l.lit = 2) },
      "inconclusive",
      "no steady state before the faults: lit == 3 (was 2)",
    ],
    ["no load", { prepare: (l) => (l.fails["load 1"] = "no users") }, "inconclusive", "no load: no users"],
    [
      "the fault cannot begin",
      { prepare: (l) => (l.fails["inject"] = "fuse") },
      "inconclusive",
      "out-1 did not happen: fuse",
    ],
    [
      "the fault has no effect",
      { prepare: (l) => (l.happened = false) },
      "inconclusive",
      "out-1 had no effect on lamp",
    ],
    [
      "the fault hangs",
      { prepare: (l) => (l.takesMs["inject"] = Infinity) },
      "inconclusive",
      /out-1 beginning took longer/,
    ],
    ["healing fails", { prepare: (l) => (l.fails["heal"] = "broken glass") }, "failed", "out-1: broken glass"],
    [
      "service stays away",
      { prepare: (l) => (l.takesMs["serving out-1"] = Infinity) },
      "timeout",
      /service after it took longer/,
    ],
    ["it never settles", { prepare: (l) => (l.takesMs["settle"] = Infinity) }, "timeout", /settle took longer/],
    ["an invariant is broken", { prepare: (l) => (l.found = { lost: 3, right: true }) }, "failed", "lost == 0 (was 3)"],
    [
      "an expectation is not met",
      { prepare: (l) => (l.found = { lost: 0, right: false }) },
      "failed",
      "right (was false)",
    ],
    ["nothing was measured", { prepare: (l) => (l.found = {}) }, "inconclusive", "lost == 0 (not measured)"],
    ["the check ends in doubt", { prepare: (l) => (l.fails["check"] = "too dark") }, "inconclusive", "check: too dark"],
    ["something strange happens", { prepare: (l) => (l.strange = "a ghost") }, "failed", "a ghost"],
    ["teardown fails", { prepare: (l) => (l.fails["teardown"] = "stuck") }, "failed", "teardown: stuck"],
    ["teardown hangs", { prepare: (l) => (l.takesMs["teardown"] = Infinity) }, "timeout", /teardown took longer/],
    ["somebody interrupts", { abortAtMs: 2_000 }, "inconclusive", "interrupted by SIGINT"],
    [
      "somebody interrupts setup",
      { prepare: (l) => (l.takesMs["setup"] = Infinity), abortAtMs: 5 },
      "inconclusive",
      "interrupted by SIGINT",
    ],
  ])("when %s, tears down once and says so", async (_, setting, verdict, reason) => {
    const { report } = await drill(setting);
    expect(report.verdict).toBe(verdict);
    expect(report.reason).toMatch(reason);
  });

  it("takes back what goes on when somebody interrupts, and checks nothing", async () => {
    const { report, lamps } = await drill({ abortAtMs: 2_000, prepare: (l) => (l.takesMs["stop"] = 300) });
    expect(lamps.log.slice(-3)).toEqual(["2000 heal", "2000 stop", "2300 teardown"]);
    expect(lamps.lit).toBe(3);
    expect(report.faults[0]).toMatchObject({ lastedMs: 1000 });
  });

  it("leaves nothing behind, whenever somebody interrupts", async () => {
    let struck = 0;
    for (let moment = 0; moment < 200; moment++) {
      const { lamps, report } = await drill({
        scenario: {
          rounds: 2,
          faults: [0, 700, 900].map((ms) => ({ kind: "out", target: "one", after: ms, for: 1_000 + ms })),
        },
        prepare: (l) =>
          Object.assign(l.takesMs, { setup: 300, inject: 200, heal: 150, stop: 100, settle: 200, check: 300 }),
        abortAtMs: moment * 67,
      });
      expect(lamps.lit).toBe(3);
      const count = (part: string): number => lamps.log.filter((line) => line.endsWith(part)).length;
      expect([count(" stop"), count(" teardown")]).toEqual([
        lamps.log.filter((line) => line.includes(" load ")).length,
        1,
      ]);
      struck += report.faults.length;
    }
    expect(struck).toBeGreaterThan(300);
  });

  it("abandons what goes on when a rule that must stay true does not hold", async () => {
    const faults = [{ kind: "out", target: "one", after: "1200ms", for: "2s" }];
    const { report, lamps } = await drill({ scenario: { rounds: 2, abortUnless: ["lit >= 3"], faults } });
    expect(report).toMatchObject({ verdict: "failed", reason: "abandoned: lit >= 3 (was 2)" });
    expect(lamps.log.slice(2, 6)).toEqual(["1200 inject", "2000 heal", "2000 stop", "2000 check"]);
    expect(lamps.lit).toBe(3);
    const { report: fine } = await drill({ scenario: { abortUnless: ["lit >= 2"] } });
    expect(fine.verdict).toBe("passed");
  });

  it("tells what does not end in time, by its signal", async () => {
    const { lamps } = await drill({ prepare: (l) => (l.takesMs["settle"] = Infinity) });
    expect(lamps.aborted).toEqual(["settle"]);
  });

  it("ends the rounds after one in which something went wrong, and still checks", async () => {
    const { report, lamps } = await drill({
      scenario: { rounds: 3 },
      prepare: (l) => {
        l.takesMs["serving out-1"] = Infinity;
        l.found = { lost: 1, right: true };
      },
    });
    expect(lamps.log.filter((line) => line.includes("load"))).toHaveLength(1);
    // What is lost outranks what came too late.
    expect(report).toMatchObject({ verdict: "failed", reason: "lost == 0 (was 1)" });
  });

  it("does not hold a fault that did not happen against what was expected of it", async () => {
    const { report } = await drill({
      prepare: (l) => {
        l.happened = false;
        l.found = { lost: 0, right: false };
      },
    });
    expect(report).toMatchObject({ verdict: "inconclusive", reason: "out-1 had no effect on lamp" });
  });

  it("fails when it stays dark after the faults", async () => {
    const { report } = await drill({ prepare: (l) => (l.lit = 3), scenario: { steadyState: ["lit >= 3"] } });
    expect(report.verdict).toBe("passed");
    const dark = await drill({
      prepare: (l) => {
        const inject = l.inject.bind(l);
        l.inject = async (...given) => {
          l.lit--;
          return await inject(...given);
        };
      },
    });
    expect(dark.report).toMatchObject({
      verdict: "failed",
      reason: "no steady state after the faults: lit == 3 (was 2)",
    });
  });
});
