import { describe, expect, it } from "vitest";
import type { FaultModel } from "../proof/index.ts";
import type { World } from "../runtime/index.ts";
import { assertProperty, checkProperty } from "./check-property.ts";
import { checkDeterminism } from "./determinism.ts";
import type { PropertyContext, ServiceMain } from "./property-context.ts";
import type { PropertyOptions } from "./property-options.ts";
import { describeProperty } from "./property-report.ts";
import { serve } from "./serve.ts";
import { simulatedFetch } from "./simulated-fetch.ts";

/** A counter with a read, an await and a write: two requests at once may lose one, if the point between is given time. */
function counter(isLocked: boolean): ServiceMain {
  return async (runtime, { point, sometimes }) => {
    let count = 0;
    let open = 0;
    let turn: Promise<unknown> = Promise.resolve();
    const add = async (): Promise<void> => {
      const before = count;
      await point("after-read");
      count = before + 1;
    };
    await serve(runtime, async (request) => {
      if (request.method === "GET") return new Response(String(count));
      sometimes("two at once", ++open > 1);
      if (isLocked) await (turn = turn.then(add));
      else await add();
      open--;
      return new Response(null, { status: 204 });
    });
  };
}

function countingRun(main: ServiceMain) {
  return async (world: World, context: PropertyContext): Promise<void> => {
    context.service("counter", main);
    const clients = Array.from({ length: 4 }, (_, at) =>
      context.client(`client ${at}`, async (runtime) => {
        const fetch = simulatedFetch(runtime);
        for (let added = 0; added < 5; added++) {
          await runtime.clock.sleep(1 + runtime.random.next() * 20);
          await fetch("http://counter/", { method: "POST" });
        }
        return fetch;
      }),
    );
    const [fetch] = await Promise.all(clients);
    await world.clock.sleep(1_000);
    const counted = await (await fetch!("http://counter/")).text();
    context.check("every call counts", counted === "20", `${counted} of 20`);
  };
}

/** A service that keeps its number in memory alone, and one bug that takes two faults, a crash and then a cut. */
const bothFaults: PropertyOptions = {
  name: "not both",
  seeds: 20,
  faultLengthMs: 4_000,
  faults: [
    { type: "crash", targets: ["one"], probability: 0.3, perMs: 500, durationMs: [50, 200] },
    { type: "partition", targets: ["one"], probability: 0.3, perMs: 500, durationMs: [50, 200] },
    { type: "delay", targets: "all", delayMs: 5, probability: 0.3, perMs: 500, durationMs: 100 },
  ],
  async run(world, context) {
    let starts = 0;
    let cuts = 0;
    context.service("one", () => void starts++);
    context.service("two", () => undefined);
    context.always("never both", () => starts < 2 || cuts < 1);
    const injection = context.injectFaults();
    world.onStep(() => void (cuts = injection.struck.partition ?? 0));
    await injection.finished;
  },
};

describe("checkProperty", () => {
  it("finds what an interleaving point shows, and the one pause that it takes", async () => {
    const options = { name: "counting", seeds: 50, sometimes: ["two at once"], run: countingRun(counter(false)) };
    const { holds, failure, points } = await checkProperty(options);
    expect(holds).toBe(false);
    expect(failure).toMatchObject({ invariant: "every call counts", isMinimal: true, difference: undefined });
    expect(failure!.interruptions).toHaveLength(1);
    expect(failure!.drawn).toBeGreaterThan(1);
    expect(failure!.interruptions[0]).toMatchObject({ host: "counter", point: "after-read", type: "pause" });
    expect(points["after-read"]).toBeGreaterThan(19);
    const { seed, keep, traceHash } = failure!;
    const again = await checkProperty({ ...options, repeat: { seed, keep } });
    expect(again.failure).toMatchObject({ seed, keep, traceHash, drawn: 1 });
    const without = await checkProperty({ ...options, repeat: { seed, keep: [] } });
    expect(without.holds).toBe(true);
  });

  it("finds nothing in what is right, and counts what it saw", async () => {
    const report = await checkProperty({ name: "counting", seeds: 10, run: countingRun(counter(true)) });
    expect(report).toMatchObject({ holds: true, seeds: 10, failure: undefined, neverSeen: [] });
    expect(report.marks["two at once"]).toBeGreaterThan(0);
    expect(report.faultsHappened["point-pause"]).toBeGreaterThan(0);
    expect(report.virtualMs).toBeGreaterThan(10_000);
    expect(describeProperty(report)).toMatch(/^counting: holds in 10 seeds, 0\.\d minutes of virtual time$/);
  });

  it("reduces a schedule to the two faults that it takes", async () => {
    const { failure, struck } = await checkProperty(bothFaults);
    expect(failure!.invariant).toBe("never both");
    expect(failure!.faults.map(({ type }) => type).toSorted()).toEqual(["crash", "partition"]);
    expect(failure!.drawn).toBeGreaterThan(4);
    expect(struck.crash).toBeGreaterThan(0);
    const whole = await checkProperty({ ...bothFaults, seeds: [failure!.seed], shrink: false });
    expect(whole.failure!.keep).toHaveLength(failure!.drawn);
  });

  it("tells in words what happened and how to repeat it", async () => {
    const report = await checkProperty(bothFaults);
    const text = describeProperty(report);
    const { seed, keep, drawn } = report.failure!;
    expect(text).toContain(`not both: does not hold with seed ${seed}: never both`);
    expect(text).toContain(`the shortest schedule has 2 of ${drawn} faults:`);
    expect(text).toMatch(/ {4}at \d+ ms: crash of one for \d+ ms/);
    expect(text).toContain(`HOLDFAST_SEED=${seed} HOLDFAST_KEEP='${keep.join(",")}'`);
    await expect(assertProperty(bothFaults)).rejects.toMatchObject({
      code: "PROPERTY_VIOLATED",
      invariant: "never both",
      message: expect.stringContaining("from its trace:"),
    });
  });

  it("does not hold when what it should see was never there", async () => {
    const neverTrue: FaultModel = { type: "crash", targets: "absent", atMs: 1, durationMs: 1 };
    const report = await checkProperty({
      name: "blind",
      seeds: 3,
      sometimes: ["leader changed"],
      faults: [neverTrue],
      faultLengthMs: 10,
      async run(_, context) {
        context.service("one", (_, { sometimes }) => sometimes("stale", false));
        context.selector("absent", () => undefined);
        await context.injectFaults().finished;
      },
    });
    expect(report).toMatchObject({ holds: false, failure: undefined, seeds: 3 });
    expect(report.neverSeen).toEqual(["leader changed", "stale", "fault crash"]);
    expect(describeProperty(report)).toContain("was not tested by 3 seeds");
    expect(describeProperty(report)).toContain("  fault crash");
  });

  it("crashes at a point, and starts the process again", async () => {
    const starts: number[] = [];
    const run: PropertyOptions["run"] = async (world, context) => {
      let lives = 0;
      context.service("one", async ({ clock }, { point }) => {
        lives++;
        for (;;) {
          await clock.sleep(10);
          await point("working");
        }
      });
      await world.clock.sleep(5_000);
      starts.push(lives);
    };
    const points = { probability: 0, crashProbability: 0.1, how: "kill" } as const;
    const { faultsHappened, holds } = await checkProperty({
      name: "restarts",
      seeds: 6,
      points,
      checkDeterminism: false,
      run,
    });
    expect(holds).toBe(true);
    expect(faultsHappened["kill"]).toBeGreaterThan(1);
    // Each kill is followed by a start, but one at the very end.
    const born = starts.reduce((sum, lives) => sum + lives - 1, 0);
    expect(faultsHappened["kill"]! - born).toBeLessThanOrEqual(6);
    // A seed leaves some points alone.
    expect(starts).toContain(1);
  });

  it("starts again what ends by itself, when it is asked to", async () => {
    let starts = 0;
    const run =
      (restart: { readonly restartMs?: number }): PropertyOptions["run"] =>
      async (world, context) => {
        starts = 0;
        const main: ServiceMain = async ({ clock }) => {
          starts++;
          await clock.sleep(10);
          if (starts < 3) throw new Error("no database yet");
        };
        context.service("one", main, restart);
        await world.clock.sleep(1_000);
        context.check("it came up", starts === 3);
      };
    const { holds, faultsHappened } = await checkProperty({ name: "up", seeds: 2, run: run({ restartMs: 100 }) });
    expect(holds).toBe(true);
    expect(faultsHappened["exit"]).toBe(4);
    const { failure } = await checkProperty({ name: "down", seeds: 2, run: run({}) });
    expect(failure).toMatchObject({ invariant: "Error: no database yet" });
  });

  it.each([
    ["a promise that waits for ever", () => new Promise<void>(() => undefined), /nothing is left to happen/],
    [
      "a run without end",
      async ({ clock }: World) => {
        for (;;) await clock.sleep(100);
      },
      /beyond maxVirtualMs \(2000\)/,
    ],
  ])("reports %s", async (_, run, message) => {
    const { failure } = await checkProperty({ name: "ends", timeoutMs: 2_000, run });
    expect((failure!.error as Error).message).toMatch(message);
    expect(failure!.keep).toEqual([]);
  });

  it("draws a world for each seed, and strikes what a selector finds", async () => {
    const latencies = new Set<number>();
    const struck: string[] = [];
    const report = await checkProperty({
      name: "drawn",
      seeds: 5,
      world(random) {
        const latencyMs = random.integer(1, 1_000);
        latencies.add(latencyMs);
        return { network: { latencyMs, jitterMs: 0 } };
      },
      faults: [{ type: "crash", how: "kill", targets: "leader", atMs: 50, durationMs: 10 }],
      faultLengthMs: 100,
      async run(world, context) {
        for (const name of ["one", "two"]) context.service(name, () => undefined, { struck: false });
        context.selector("leader", (found) => {
          found(["two"]);
          return undefined;
        });
        world.clock.setTimer(55, () => struck.push(world.process("one").state, world.process("two").state));
        await context.injectFaults().finished;
      },
    });
    expect(report).toMatchObject({ holds: true, struck: { crash: 5 } });
    expect(latencies.size).toBe(5);
    expect(struck.slice(0, 2)).toEqual(["running", "crashed"]);
  });

  it("spares clients, which a cut of all services is between", async () => {
    const report = await checkProperty({
      name: "spared",
      seeds: 3,
      faults: [
        { type: "crash", how: "kill", targets: "all", atMs: 50, durationMs: 10 },
        { type: "partition", targets: "all", atMs: 100, durationMs: 10 },
      ],
      faultLengthMs: 200,
      async run(world, context) {
        context.service("server", (runtime) => void serve(runtime, () => new Response("here")));
        const client = context.client("client", async (runtime) => {
          const fetch = simulatedFetch(runtime);
          await runtime.clock.sleep(101);
          const startedAt = runtime.clock.now();
          await fetch("http://server/");
          return runtime.clock.now() - startedAt;
        });
        await context.injectFaults().finished;
        context.check("it waited for the cut to end", (await client) > 8, String(await client));
        context.check("it lives", world.process("client").state === "running");
      },
    });
    expect(describeProperty(report)).toContain("holds in 3 seeds");
    expect(report.faultsHappened["kill"]).toBe(3);
  });

  it("refuses names that stand for another process, or for several", async () => {
    const run =
      (...names: readonly string[]): PropertyOptions["run"] =>
      (_, context) => {
        for (const name of names) context.service(name, () => undefined);
      };
    const twice = await checkProperty({ name: "twice", run: run("a", "a") });
    expect(String(twice.failure!.error)).toContain('context.service must have a name of its own (got "a")');
    const comma = await checkProperty({ name: "comma", run: run("a,b") });
    expect(String(comma.failure!.error)).toContain("must be named by a text without commas");
  });

  it("leads into rare paths, and finds the one that breaks a promise", async () => {
    const { failure, points } = await checkProperty({
      name: "rare",
      seeds: 20,
      async run(world, context) {
        let misses = 0;
        context.service("cache", async ({ clock }, { rarely }) => {
          for (;;) {
            await clock.sleep(10);
            if (rarely("cache misses")) misses++;
          }
        });
        context.always("misses come alone", () => misses < 2);
        await world.clock.sleep(1_000);
      },
    });
    expect(failure).toMatchObject({ invariant: "misses come alone", isMinimal: true, faults: [] });
    expect(failure!.interruptions).toHaveLength(2);
    expect(failure!.interruptions.map(({ type }) => type)).toEqual(["rare", "rare"]);
    expect(points["cache misses"]).toBeGreaterThan(10);
  });

  it("fails by a check whose error somebody catches", async () => {
    const { failure } = await checkProperty({
      name: "caught",
      async run(world, context) {
        context.service("careless", async ({ clock }) => {
          await clock.sleep(10);
          try {
            context.check("it is so", false);
          } catch {
            // Everything is caught here.
          }
        });
        await world.clock.sleep(100);
      },
    });
    expect(failure).toMatchObject({ invariant: "it is so", virtualMs: 10 });
  });

  it("asks for the faults it describes", async () => {
    const { failure } = await checkProperty({ ...bothFaults, run: () => undefined });
    expect((failure!.error as Error).message).toContain("never called context.injectFaults()");
  });

  it.each([
    [{ seeds: 0 }, "property.seeds must be an integer >= 1"],
    [{ seeds: [] }, "property.seeds must not be empty"],
    [{ name: "" }, "property.name must be a text"],
    [{ run: 1 }, "property.run must be a function"],
    [{ timeoutMs: 0 }, "property.timeoutMs must be a number >= 1"],
    [{ fault: [] }, "property.fault is no option"],
    [{ points: { pauseMs: [5, 1] } }, "property.points.pauseMs[1] must be a number >= 5 (got 1)"],
    [{ faults: [{ type: "storm" }] }, "faults[0]"],
  ])("refuses %j", async (wrong, message) => {
    const options = { name: "x", run: () => undefined, ...wrong } as PropertyOptions;
    await expect(checkProperty(options)).rejects.toThrow(message);
  });
});

describe("determinism", () => {
  const seen = { runs: 0 };
  const run: PropertyOptions["run"] = async (world) => {
    await world.clock.sleep(10);
    // Something from outside that differs between two runs.
    if (++seen.runs % 2 === 0) await world.clock.sleep(3);
    await world.clock.sleep(10);
  };

  it("is checked with the first seed, and the difference is shown", async () => {
    seen.runs = 0;
    const report = await checkProperty({ name: "leaky", seeds: 5, run });
    expect(report.failure).toMatchObject({ invariant: "determinism", difference: { line: 2 } });
    expect(report.failure!.difference!.first).not.toBe(report.failure!.difference!.second);
    expect(describeProperty(report)).toContain("two runs of this seed differ");
  });

  it("of a failing seed comes before its reduction", async () => {
    let runs = 0;
    const { failure } = await checkProperty({
      name: "fickle",
      async run(world) {
        await world.clock.sleep(10);
        throw new Error(++runs === 1 ? "once" : "ever after");
      },
    });
    expect(failure!.difference).toMatchObject({ first: expect.stringContaining("Error: once") });
    expect(failure!.isMinimal).toBe(false);
  });

  it("can be checked alone", async () => {
    seen.runs = 0;
    expect(await checkDeterminism({ name: "leaky", seeds: 3, run })).toMatchObject({ seed: 1, line: 2 });
    expect(await checkDeterminism({ ...bothFaults, seeds: 5 })).toBeUndefined();
  });
});
