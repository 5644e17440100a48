import { describe, expect, it } from "vitest";
import { heartbeatWatchers } from "./heartbeat-watchers.ts";
import type { World } from "holdfast/runtime";
import { observe, target, type Observed, type Watchers } from "./observation.ts";
import { swimWatchers } from "./swim-watchers.ts";

const durationMs = 15_000;
const seeds = [1, 2, 3];

/** What others come to think of the node that the fault strikes: failed within so many milliseconds, or nothing. */
type Outcome = number | "unnoticed";

interface Row {
  readonly fault: { readonly type: string; readonly [option: string]: unknown };
  /** What the world must have counted for the fault to have happened, where it counts such things. */
  readonly happened: string | undefined;
  readonly heartbeat: Outcome;
  readonly phi: Outcome;
  readonly swim: Outcome;
  /** Whether the target itself may come to accuse the others, who are healthy. */
  readonly targetAccuses?: true;
}

/** A timeout of 1 s, phi after a pause of 0.5 s, each checked every 50 ms; SWIM by its profile for one machine. */
const [timeoutMs, phiMs, swimMs] = [1_150, 900, 9_000];
const gone = { heartbeat: timeoutMs, phi: phiMs, swim: swimMs } as const;
const nothing = { heartbeat: "unnoticed", phi: "unnoticed", swim: "unnoticed" } as const;

const rows: readonly Row[] = [
  { fault: { type: "crash" }, happened: "crash", ...gone },
  // They are told, and do not have to notice.
  { fault: { type: "failStop" }, happened: "fail-stop", heartbeat: 10, phi: 10, swim: 1_000 },
  { fault: { type: "slow" }, happened: "pause", ...gone },
  { fault: { type: "slow", share: 0.6 }, happened: "pause", ...nothing },
  { fault: { type: "byzantine", behaviour: "silent" }, happened: "message-silenced", ...gone, targetAccuses: true },
  // Whoever speaks for others is not heard himself; SWIM's members object to false news about them.
  {
    fault: { type: "byzantine", behaviour: "wrong" },
    happened: "message-wrong",
    heartbeat: timeoutMs,
    phi: phiMs,
    swim: "unnoticed",
    targetAccuses: true,
  },
  { fault: { type: "byzantine", behaviour: "delayed", delayMs: 300 }, happened: "message-delayed", ...nothing },
  {
    fault: { type: "byzantine", behaviour: "delayed", delayMs: 2_000 },
    happened: "message-delayed",
    heartbeat: timeoutMs,
    phi: phiMs,
    swim: "unnoticed",
  },
  { fault: { type: "byzantine", behaviour: "duplicate" }, happened: "message-duplicated", ...nothing },
  { fault: { type: "partition" }, happened: "partition", ...gone, targetAccuses: true },
  { fault: { type: "partition", shape: "oneWay" }, happened: "partition", ...gone, targetAccuses: true },
  { fault: { type: "clog" }, happened: "clog", ...gone, targetAccuses: true },
  { fault: { type: "delay", delayMs: 100, jitterMs: 20 }, happened: undefined, ...nothing },
  { fault: { type: "loss", share: 0.3 }, happened: "datagram-lost", ...nothing },
  { fault: { type: "duplication", share: 0.5 }, happened: "datagram-duplicated", ...nothing },
  { fault: { type: "reordering", share: 0.5 }, happened: undefined, ...nothing },
  { fault: { type: "clockSkew", byMs: 3_600_000 }, happened: "wall-jump", ...nothing },
  { fault: { type: "clockSkew", byMs: -3_600_000 }, happened: "wall-jump", ...nothing },
  { fault: { type: "clockDrift", ppm: -500_000 }, happened: "clock-drift", ...nothing },
  { fault: { type: "clockDrift", ppm: 500_000 }, happened: "clock-drift", ...nothing },
  // It sends nothing of its own accord, and answers what it is asked.
  {
    fault: { type: "clockStop" },
    happened: "clock-stopped",
    heartbeat: timeoutMs,
    phi: phiMs,
    swim: "unnoticed",
  },
  { fault: { type: "slowDisk", extraMs: 1_000 }, happened: undefined, ...nothing },
  { fault: { type: "fullDisk" }, happened: undefined, ...nothing },
];

type Detector = "heartbeat" | "phi" | "swim";

const makers: Readonly<Record<Detector, (world: World) => Watchers>> = {
  heartbeat: (world) => heartbeatWatchers(world, "heartbeat"),
  phi: (world) => heartbeatWatchers(world, "phi"),
  swim: (world) => swimWatchers(world),
};

function expectOutcome(observed: Observed, outcome: Outcome): void {
  if (outcome === "unnoticed") {
    expect(observed.firstFailedMs).toBeUndefined();
  } else {
    expect(observed.allFailedMs).toBeLessThan(outcome);
  }
}

for (const name of ["heartbeat", "phi", "swim"] as const) {
  describe(`what ${name} makes of`, () => {
    it.each(rows.map((row) => [JSON.stringify(row.fault), row] as const))("%s at one node of five", async (_, row) => {
      for (const seed of seeds) {
        const observed = await observe(seed, makers[name], { durationMs, ...row.fault });
        expect(observed.struck).toEqual({ [row.fault.type]: 1 });
        if (row.happened !== undefined) expect(observed.happened[row.happened], row.happened).toBeGreaterThan(0);
        expectOutcome(observed, row[name]);
        if (row.targetAccuses !== true) expect(observed.accusedByTarget).toEqual([]);
        // What a node that was cut off believed may be passed on when it is back, until the accused object.
        if (row.targetAccuses !== true || name !== "swim") expect(observed.accused).toEqual([]);
        expect(observed.agreedAfterMs).toBeLessThan(20_000);
      }
    });
  });
}

describe("a node that is cut off", () => {
  it.each(["heartbeat", "phi"] as const)("holds all the others for failed, by %s", async (name) => {
    const { accusedByTarget, accused } = await observe(1, makers[name], { type: "partition", durationMs });
    expect(accusedByTarget).toEqual(["n0", "n1", "n3", "n4"]);
    expect(accused).not.toContain(target);
  });
});

describe("a node that speaks for a dead one", () => {
  it.each(["heartbeat", "phi"] as const)("has it held for alive, by %s", async (name) => {
    const crash = { type: "crash", targets: ["n3"], atMs: 1_000, durationMs: 10_000 };
    const honest = await observe(1, makers[name], { type: "slowDisk", extraMs: 1, durationMs }, [crash]);
    expect(honest.accused).toEqual(["n3"]);
    const lies = { type: "byzantine", behaviour: "wrong", durationMs };
    const lying = await observe(1, (world) => heartbeatWatchers(world, name, "n3"), lies, [crash]);
    expect(lying.happened).toMatchObject({
      crash: 1,
      "message-wrong": expect.toSatisfy((count: number) => count > 400),
    });
    expect(lying.accused).toEqual([]);
  });
});

describe("a SWIM member", () => {
  it("that spreads false news has healthy ones held for dead, until they object", async () => {
    const accused = new Set<string>();
    for (const seed of [1, 2, 3, 4, 5]) {
      const fault = { type: "byzantine", behaviour: "wrong", durationMs };
      const observed = await observe(seed, makers.swim, fault);
      for (const name of observed.accused) accused.add(name);
      expect(observed.agreedAfterMs).toBeLessThan(5_000);
    }
    expect(accused.size).toBeGreaterThan(0);
  });

  it("whose packets are sealed and whose clock is far off is not heard any more: they look like recordings", async () => {
    const sealed = (world: World): Watchers => swimWatchers(world, new Uint8Array(32).fill(7));
    const slightly = await observe(1, sealed, { type: "clockSkew", byMs: 60_000, durationMs });
    expect(slightly.firstFailedMs).toBeUndefined();
    const far = await observe(1, sealed, { type: "clockSkew", byMs: 3_600_000, durationMs: 30_000 });
    expect(far.struck).toEqual({ clockSkew: 1 });
    expect(far.allFailedMs).toBeLessThan(swimMs);
    expect(far.agreedAfterMs).toBeLessThan(20_000);
  });
});
