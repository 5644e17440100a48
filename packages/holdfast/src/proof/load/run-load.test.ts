import { describe, expect, it } from "vitest";
import { seededRandom, simulate } from "../../runtime/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import type { LoadOptions } from "./load-options.ts";
import type { LoadReport } from "./load-report.ts";
import { runLoad, startLoad } from "./run-load.ts";

interface Trial extends Partial<Omit<LoadOptions, "operation">> {
  readonly clock?: VirtualClock;
  readonly operation: (clock: VirtualClock) => LoadOptions["operation"];
}

/** Runs to the end on virtual time; by the end no timer is left. */
async function trial({ operation, clock = new VirtualClock(), ...options }: Trial): Promise<LoadReport> {
  const run = runLoad({ clock, random: seededRandom(1), operation: operation(clock), ...options });
  await clock.advance(60_000);
  const report = await run;
  expect(clock.pending).toBe(0);
  return report;
}

const takes =
  (ms: number) =>
  (clock: VirtualClock): LoadOptions["operation"] =>
  ({ signal }) =>
    clock.sleep(ms, { signal });

/** Answers in 2 ms, except that it answers nobody from second 4 to second 5. */
const stalling =
  (clock: VirtualClock): LoadOptions["operation"] =>
  () =>
    clock.sleep(clock.now() >= 4_000 && clock.now() < 5_000 ? 5_002 - clock.now() : 2);

describe("a service that stalls for a second of ten", () => {
  const open = { operation: stalling, ratePerSecond: 100, durationMs: 10_000 };

  it("is found out by an open loop", async () => {
    const report = await trial(open);
    expect(report).toMatchObject({ offered: 1_000, started: 1_000, succeeded: 1_000, failed: 0, dropped: 0 });
    expect(report.latency.p50Ms).toBe(2);
    // One in ten came during the stall; a hundredth of all waited 900 ms and more.
    expect(report.latency.p95Ms).toBeGreaterThan(450);
    expect(report.latency.p99Ms).toBeGreaterThan(890);
    expect(report.latency.maxMs).toBe(1_002);
    const [before, during, after] = [report.timeline[3]!, report.timeline[4]!, report.timeline[5]!];
    expect([before.succeeded, before.maxMs]).toEqual([100, 2]);
    expect([during.offered, during.succeeded, during.p50Ms]).toEqual([100, 0, null]);
    expect([after.succeeded, after.maxMs]).toEqual([200, 1_002]);
  });

  it("is hidden by a closed loop, whose client waits with it", async () => {
    const report = await trial({ operation: stalling, mode: "closed", thinkTimeMs: 8, durationMs: 10_000 });
    expect(report.succeeded).toBe(900);
    expect(report.latency.maxMs).toBe(1_002);
    expect([report.latency.p50Ms, report.latency.p99Ms, report.latency.p999Ms]).toEqual([2, 2, 1_002]);
  });
});

describe("an open loop", () => {
  it("charges for what the generator itself is late by, and says so", async () => {
    const clock = new VirtualClock();
    let isFirst = true;
    const late: LoadOptions["clock"] = {
      now: () => clock.now(),
      wallTime: () => clock.wallTime(),
      defer: (callback) => clock.defer(callback),
      sleep: (ms, options) => clock.sleep(ms, options),
      // The first timer of an arrival fires 500 ms after its time.
      setTimer(delayMs, callback) {
        const lateMs = isFirst ? 500 : 0;
        isFirst = false;
        return clock.setTimer(delayMs + lateMs, callback);
      },
    };
    const run = runLoad({
      clock: late,
      random: seededRandom(1),
      operation: () => clock.sleep(5),
      ratePerSecond: 100,
      durationMs: 2_000,
    });
    await clock.advance(10_000);
    const report = await run;
    expect(report.succeeded).toBe(200);
    expect([report.lateness.maxMs, report.latency.maxMs, report.service.maxMs]).toEqual([500, 505, 5]);
  });

  it("drops what is due beyond maxInFlight, and counts it as an error", async () => {
    const report = await trial({ operation: takes(1_000), ratePerSecond: 100, durationMs: 1_000, maxInFlight: 10 });
    expect(report).toMatchObject({ offered: 100, started: 10, succeeded: 10, dropped: 90, errorRatio: 0.9 });
    expect(report.timeline.map(({ offered, dropped, succeeded }) => [offered, dropped, succeeded])).toEqual([
      [100, 90, 0],
      [0, 0, 10],
    ]);
    expect([report.durationMs, report.elapsedMs, report.throughputPerSecond]).toEqual([1_000, 1_090, 10 / 1.09]);
  });

  it("gives each client its turn", async () => {
    const seen: number[] = [];
    await trial({
      operation:
        () =>
        ({ client, sequence }) =>
          void (seen[sequence] = client),
      ratePerSecond: 10,
      durationMs: 700,
      clients: 3,
    });
    expect(seen).toEqual([0, 1, 2, 0, 1, 2, 0]);
  });

  it("leaves the warm-up out", async () => {
    let calls = 0;
    const report = await trial({
      operation: (clock) => () => (calls++, clock.sleep(clock.now() < 1_000 ? 400 : 3)),
      ratePerSecond: 50,
      warmUpMs: 1_000,
      durationMs: 2_000,
    });
    expect(calls).toBe(150);
    expect(report).toMatchObject({ offered: 100, succeeded: 100, durationMs: 2_000 });
    expect(report.latency.maxMs).toBe(3);
    expect(report.timeline[0]).toMatchObject({ atMs: 0, forMs: 1_000, offered: 50 });
    expect(report.startedAt).toBe(new VirtualClock().wallTime() + 1_000);
  });

  it("stops when asked, and reports what was", async () => {
    const clock = new VirtualClock();
    const run = startLoad({
      clock,
      random: seededRandom(1),
      operation: () => clock.sleep(100),
      ratePerSecond: 100,
      durationMs: 10_000,
    });
    await clock.advance(995);
    expect(run.inFlight).toBe(10);
    run.stop();
    await clock.advance(100);
    const report = await run.finished;
    expect(report).toMatchObject({ durationMs: 995, offered: 100, succeeded: 100, unfinished: 0 });
    expect(clock.pending).toBe(0);
  });
});

describe("operations that fail", () => {
  it("are counted by kind and code, apart from the latencies of the others", async () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", syscall: "connect" });
    const report = await trial({
      operation:
        (clock) =>
        async ({ sequence }) => {
          await clock.sleep(sequence % 4 === 0 ? 50 : 2);
          if (sequence % 4 === 0) throw refused;
          if (sequence % 10 === 1) throw new Error("odd");
        },
      ratePerSecond: 100,
      durationMs: 1_000,
    });
    expect(report).toMatchObject({ succeeded: 65, failed: 35, errorRatio: 0.35 });
    expect(report.failures).toEqual([
      { kind: "network", code: "CONNECTION_REFUSED", count: 25, message: "connect ECONNREFUSED" },
      { kind: "system", code: "UNCLASSIFIED", count: 10, message: "odd" },
    ]);
    expect([report.latency.maxMs, report.failedLatency.maxMs, report.failedLatency.count]).toEqual([2, 50, 35]);
  });

  it("may be of any number of codes", async () => {
    const report = await trial({
      operation:
        () =>
        ({ sequence }) => {
          throw Object.assign(new Error("x".repeat(1_000)), { kind: "business", code: `E_${sequence}`, name: "Own" });
        },
      ratePerSecond: 300,
      durationMs: 1_000,
    });
    expect(report.failed).toBe(300);
    expect(report.failures.length).toBeLessThanOrEqual(101);
    expect(report.failures.reduce((sum, { count }) => sum + count, 0)).toBe(300);
    expect(report.failures[0]?.message).toHaveLength(200);
  });

  it("fail at the timeout, with their signal aborted; a late answer changes nothing", async () => {
    const aborted: unknown[] = [];
    const report = await trial({
      operation: (clock) => async (call) => {
        if (call.sequence % 2 === 0) call.signal.addEventListener("abort", () => aborted.push(call.signal.reason));
        await clock.sleep(1_000);
        if (call.sequence % 2 === 1) aborted.push(call.signal.reason);
      },
      ratePerSecond: 10,
      durationMs: 1_000,
      timeoutMs: 100,
    });
    expect(report).toMatchObject({ succeeded: 0, failed: 10, unfinished: 0, errorRatio: 1 });
    expect(report.failures).toEqual([
      { kind: "timeout", code: "OPERATION_TIMED_OUT", count: 10, message: "no answer within 100 ms" },
    ]);
    expect(report.failedLatency.maxMs).toBe(100);
    expect(aborted).toHaveLength(10);
    for (const reason of aborted) expect(reason).toMatchObject({ code: "OPERATION_TIMED_OUT" });
  });

  it("are unfinished when they outlive the run, and told so", async () => {
    const aborted: unknown[] = [];
    const report = await trial({
      operation:
        () =>
        ({ signal }) =>
          new Promise(() => signal.addEventListener("abort", () => aborted.push(signal.reason))),
      ratePerSecond: 10,
      durationMs: 1_000,
      drainMs: 500,
    });
    expect(report).toMatchObject({ started: 10, succeeded: 0, failed: 0, unfinished: 10, errorRatio: 1 });
    expect(aborted).toHaveLength(10);
  });
});

describe("arrivals by chance, through stages", () => {
  it("are as many as the rates say, for as long as the stages take", async () => {
    const report = await trial({
      operation: takes(2),
      arrivals: "poisson",
      ratePerSecond: [
        { ratePerSecond: 100, forMs: 2_000 },
        { fromPerSecond: 100, toPerSecond: 900, forMs: 2_000 },
      ],
    });
    expect(report.durationMs).toBe(4_000);
    const offered = report.timeline.slice(0, 4).map((entry) => entry.offered);
    for (const [at, expected] of [100, 100, 300, 700].entries()) {
      expect(Math.abs(offered[at]! - expected)).toBeLessThan(4 * Math.sqrt(expected));
    }
    // They come between the ticks of timers, which latency counts.
    expect(report.lateness.maxMs).toBeGreaterThan(0);
    expect(report.lateness.maxMs).toBeLessThanOrEqual(1);
  });

  it("are the same from the same seed in a simulation, with all that follows", async () => {
    const run = async (seed: number): Promise<[LoadReport, string]> => {
      const { value, traceHash } = await simulate({ seed }, (world) =>
        runLoad({
          clock: world.clock,
          random: world.random,
          operation: () => world.clock.sleep(world.random.integer(1, 50)),
          arrivals: "poisson",
          ratePerSecond: 200,
          durationMs: 2_000,
          timeoutMs: 45,
        }),
      );
      return [value, traceHash];
    };
    const [first, again, other] = [await run(1), await run(1), await run(2)];
    expect(first[0].failed).toBeGreaterThan(0);
    expect(again).toEqual(first);
    expect(other[0].latency).not.toEqual(first[0].latency);
  });
});

describe("a closed loop", () => {
  it("has as many under way as there are clients", async () => {
    let most = 0;
    let now = 0;
    const report = await trial({
      operation: (clock) => async () => {
        most = Math.max(most, ++now);
        await clock.sleep(10);
        now--;
      },
      mode: "closed",
      clients: 7,
      durationMs: 1_000,
    });
    expect(most).toBe(7);
    expect(report).toMatchObject({ mode: "closed", offered: 700, succeeded: 700, throughputPerSecond: 700 });
  });

  it("lets time pass though the operation takes none", async () => {
    const report = await trial({ operation: () => () => 1, mode: "closed", durationMs: 1_000 });
    expect(report.succeeded).toBe(1_000);
  });
});

describe("a run", () => {
  it("rejects with the signal's reason, ends what is under way and leaves nothing behind", async () => {
    for (const mode of ["open", "closed"] as const) {
      const clock = new VirtualClock();
      const controller = new AbortController();
      const ended: unknown[] = [];
      const run = runLoad({
        clock,
        random: seededRandom(1),
        operation: ({ signal }) => clock.sleep(5_000, { signal }).catch((error: unknown) => ended.push(error)),
        mode,
        ...(mode === "open" ? { ratePerSecond: 10 } : { clients: 10 }),
        durationMs: 10_000,
        signal: controller.signal,
      });
      const outcome = expect(run).rejects.toBe("enough");
      await clock.advance(950);
      controller.abort("enough");
      await outcome;
      await clock.advance(0);
      expect(ended).toEqual(Array.from({ length: 10 }, () => "enough"));
      expect(clock.pending).toBe(0);
    }
  });

  it("tells names apart, up to 32", async () => {
    const report = await trial({
      operation: (clock) => async (call) => {
        call.name = call.sequence < 200 ? `n${call.sequence % 2}` : `own${call.sequence}`;
        await clock.sleep(call.name === "n0" ? 3 : 7);
      },
      ratePerSecond: 300,
      durationMs: 1_000,
    });
    expect(report.operations["n0"]).toMatchObject({ succeeded: 100, failed: 0, latency: { count: 100, maxMs: 3 } });
    expect(report.operations["n1"]).toMatchObject({ succeeded: 100, latency: { p50Ms: 7 } });
    expect(report.operations["other"]?.succeeded).toBe(70);
    expect(Object.keys(report.operations)).toHaveLength(33);
  });

  it("tells each interval once it is over, whatever the listener does", async () => {
    const seen: number[] = [];
    const report = await trial({
      operation: takes(2),
      ratePerSecond: 100,
      durationMs: 1_000,
      intervalMs: 250,
      onInterval(entry) {
        seen.push(entry.atMs);
        throw new Error("listener");
      },
    });
    expect(seen).toEqual([0, 250, 500, 750]);
    expect(report.timeline.map(({ offered }) => offered)).toEqual([25, 25, 25, 25]);
  });

  it("is JSON as it is", async () => {
    const report = await trial({ operation: takes(2), ratePerSecond: 100, durationMs: 500 });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});

describe("options", () => {
  const good: LoadOptions = {
    clock: new VirtualClock(),
    random: seededRandom(1),
    operation: () => 1,
    ratePerSecond: 1,
    durationMs: 1,
  };
  it.each<[Partial<Record<keyof LoadOptions | "rate", unknown>>, string]>([
    [{ rate: 1 }, "runLoad.rate is no option; there are clock, random, "],
    [{ operation: 1 }, "runLoad.operation must be a function (got 1)"],
    [{ clock: undefined }, "runLoad.clock must be given"],
    [{ mode: "half" }, 'runLoad.mode must be "open" or "closed" (got "half")'],
    [{ arrivals: "x" }, 'runLoad.arrivals must be "constant" or "poisson" (got "x")'],
    [{ ratePerSecond: 0 }, "runLoad.ratePerSecond must be a number > 0 (got 0)"],
    [{ ratePerSecond: undefined }, "runLoad.ratePerSecond must be a number >= 0 (got undefined)"],
    [{ ratePerSecond: [] }, "runLoad.ratePerSecond must be a number or a list of stages"],
    [{ ratePerSecond: [{ ratePerSecond: 1 }] }, "runLoad.ratePerSecond[0].forMs must be a number >= 0"],
    [
      { ratePerSecond: [{ fromPerSecond: 1, toPerSecond: -1, forMs: 1 }] },
      "runLoad.ratePerSecond[0].toPerSecond must be a number >= 0 (got -1)",
    ],
    [{ mode: "closed" }, "runLoad.ratePerSecond is of an open loop; a closed one goes as fast as answers come (got 1)"],
    [{ durationMs: undefined }, "runLoad.durationMs must be a number >= 1"],
    [{ maxInFlight: 0 }, "runLoad.maxInFlight must be an integer >= 1 (got 0)"],
    [{ timeoutMs: 0 }, "runLoad.timeoutMs must be a number >= 1 (got 0)"],
    [{ intervalMs: 1, durationMs: 86_400_000 }, "runLoad.intervalMs must give at most 100000 intervals (got 1)"],
  ])("refuses %j", (change, message) => {
    expect(() => runLoad({ ...good, ...change } as LoadOptions)).toThrow(message);
  });
});
