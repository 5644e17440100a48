import { describe, expect, it } from "vitest";
import { BreakerMachine, type BreakerReason, type BreakerSettings, type BreakerState } from "./breaker-state.ts";

const settings: BreakerSettings = {
  window: { kind: "count", size: 6 },
  failureRate: 0.5,
  slowRate: 0.75,
  minimumCalls: 3,
  probes: 3,
  successRate: 0.6,
  maxHalfOpenMs: 40,
  afterMaxMs: "open",
  openMs: (times) => 10 * times,
  askedMs: (ms) => Math.min(ms, 50),
  rampUpMs: 0,
  startShare: 0.25,
};

describe("the breaker's state machine", () => {
  it.each([
    { rate: 0.07, calls: 100, failures: 7, opens: true },
    { rate: 0.07, calls: 100, failures: 6, opens: false },
    { rate: 0.5, calls: 10, failures: 5, opens: true },
    { rate: 0.5, calls: 200, failures: 99, opens: false },
    { rate: 0.29, calls: 100, failures: 29, opens: true },
    { rate: 1 / 3, calls: 3, failures: 1, opens: true },
  ])("pitfall 24: $failures of $calls reaches a rate of $rate: $opens", ({ rate, calls, failures, opens }) => {
    const window = { kind: "count", size: calls } as const;
    const machine = new BreakerMachine(
      { ...settings, window, failureRate: rate, minimumCalls: calls },
      { now: () => 0 },
      () => undefined,
    );
    for (let call = 0; call < calls; call++) machine.record(machine.epoch, call < failures ? 1 : 0);
    expect(machine.state).toBe(opens ? "open" : "closed");
  });

  it("pitfall 5: admits exactly its probes of a crowd, and decides when the verdict is certain", () => {
    const clock = { time: 0, now: () => clock.time };
    const machine = new BreakerMachine({ ...settings, probes: 5, successRate: 0.6 }, clock, () => undefined);
    machine.openFor(machine.epoch, 10, 1);
    clock.time = 10;
    expect(Array.from({ length: 100 }, () => machine.admit()).filter(Boolean)).toHaveLength(5);
    const { epoch } = machine;
    for (const bits of [1, 0, 0]) machine.record(epoch, bits);
    expect(machine.state).toBe("halfOpen");
    machine.record(epoch, 0);
    expect(machine.state).toBe("closed");
    machine.record(epoch, 1);
    expect(machine.totals.late).toBe(1);
  });

  it("goes on where another machine was saved, through JSON and on another clock", () => {
    for (const state of ["closed", "open", "rampUp", "forcedOpen", "disabled", "metricsOnly"] as const) {
      const clock = { time: 500, now: () => clock.time };
      const machine = new BreakerMachine({ ...settings, rampUpMs: 20 }, clock, () => undefined);
      if (state === "rampUp" || state === "open") machine.openFor(machine.epoch, 30, 1);
      if (state === "rampUp") {
        clock.time += 30;
        for (let probe = 0; probe < 2; probe++) if (machine.admit()) machine.record(machine.epoch, 0);
      } else if (state !== "open" && state !== "closed") machine.set(state);
      clock.time += 7;
      if (state === "closed") machine.record(machine.epoch, 1);
      const snapshot = JSON.parse(JSON.stringify(machine.save()));
      expect(snapshot.state).toBe(state);
      const later = { time: 9_000, now: () => later.time };
      const restored = new BreakerMachine({ ...settings, rampUpMs: 20 }, later, () => undefined);
      restored.restore(snapshot);
      expect(restored.save()).toEqual(snapshot);
      expect(restored.window.failures).toBe(state === "closed" ? 1 : 0);
      later.time += 23;
      clock.time += 23;
      expect(restored.state).toBe(machine.state);
    }
  });

  it.each<[BreakerState, BreakerReason, Partial<BreakerSettings>, (step: Steps) => void]>([
    ["open", "failures", {}, ({ report }) => report(1, 1, 0)],
    ["open", "failures", { window: { kind: "consecutive", failures: 1 } }, ({ report }) => report(1)],
    ["open", "slowCalls", {}, ({ report }) => report(2, 2, 2)],
    ["open", "openOn", {}, ({ machine }) => machine.openFor(machine.epoch, 10, 1)],
    ["halfOpen", "time", {}, ({ open, wait }) => (open(), wait(10))],
    ["open", "probes", { probes: 1 }, ({ open, wait, report }) => (open(), wait(10), report(1))],
    ["closed", "probes", { probes: 1 }, ({ open, wait, report }) => (open(), wait(10), report(0))],
    ["rampUp", "probes", { probes: 1, rampUpMs: 9 }, ({ open, wait, report }) => (open(), wait(10), report(0))],
    ["closed", "time", { probes: 1, rampUpMs: 9 }, ({ open, wait, report }) => (open(), wait(10), report(0), wait(9))],
    ["open", "probeTimeout", {}, ({ open, wait, machine }) => (open(), wait(10), machine.admit(), wait(40))],
    [
      "closed",
      "probeTimeout",
      { afterMaxMs: "closed" },
      ({ open, wait, machine }) => (open(), wait(10), machine.admit(), wait(40)),
    ],
    ["forcedOpen", "manual", {}, ({ machine }) => machine.set("forcedOpen")],
  ])("tells that it is %s because of %s", (state, reason, options, act) => {
    const { steps, told } = begin(options);
    act(steps);
    // What was due is told when somebody asks.
    expect(steps.machine.state).toBe(state);
    expect(told.at(-1)).toEqual([state, reason]);
    expect(steps.machine.totals.stateChanges).toBe(told.length);
  });

  it("counts no change of state where there is none", () => {
    const { steps } = begin();
    steps.machine.set("closed");
    expect(steps.machine.totals.stateChanges).toBe(0);
  });

  it("knows when the state began, to the time that was due and not to the time of asking", () => {
    const { steps } = begin();
    steps.open(30);
    expect([steps.machine.state, steps.machine.since]).toEqual(["open", 0]);
    steps.wait(100);
    expect([steps.machine.state, steps.machine.since]).toEqual(["halfOpen", 30]);
    expect(steps.machine.save()).toMatchObject({ state: "halfOpen", stateMs: 70 });
  });

  it("does what was due before it takes a report, though nobody asked in the meantime", () => {
    for (const report of ["record", "openFor"] as const) {
      const { steps } = begin();
      const { machine } = steps;
      steps.open();
      steps.wait(10);
      expect(machine.admit()).toBe(true);
      const { epoch } = machine;
      steps.wait(40);
      if (report === "record") machine.record(epoch, 0);
      else machine.openFor(epoch, 5, 0);
      expect(machine.totals).toMatchObject({ late: 1, successes: 0 });
      expect(machine).toMatchObject({ state: "open", timesOpened: 2, remainingOpenMs: 20 });
    }
  });

  it("saves what was due, though nobody asked in the meantime", () => {
    const { steps } = begin();
    steps.open();
    steps.wait(10);
    expect(steps.machine.save()).toMatchObject({ state: "halfOpen", stateMs: 0, remainingOpenMs: 0 });
  });

  it("lengthens nothing that is over when it takes other settings", () => {
    const { steps } = begin({ probes: 1, rampUpMs: 20 });
    steps.open();
    steps.wait(10);
    steps.report(0);
    steps.wait(20);
    steps.machine.update({ ...settings, rampUpMs: 1000 });
    expect(steps.machine.state).toBe("closed");
  });

  it("judges its probes again when it takes other settings", () => {
    for (const [bits, probes, state] of [
      [0, 1, "closed"],
      [1, 1, "open"],
      [1, 9, "halfOpen"],
    ] as const) {
      const { steps } = begin({ probes: 3, successRate: 0.6 });
      steps.open();
      steps.wait(10);
      steps.report(bits);
      expect(steps.machine.state).toBe("halfOpen");
      steps.machine.update({ ...settings, probes });
      expect(steps.machine.state).toBe(state);
    }
  });

  it("what a ramp-up leaves under way is late once it has opened again", () => {
    const { steps } = begin({ probes: 1, rampUpMs: 60, startShare: 1, minimumCalls: 1 });
    const { machine } = steps;
    steps.open();
    steps.wait(10);
    steps.report(0);
    expect([machine.admit(), machine.admit(), machine.admit(), machine.state]).toEqual([true, true, true, "rampUp"]);
    const { epoch } = machine;
    machine.record(epoch, 1);
    expect(machine.state).toBe("open");
    machine.record(epoch, 0);
    steps.wait(20);
    machine.record(epoch, 0);
    expect(machine.totals.late).toBe(2);
    expect(machine.state).toBe("halfOpen");
  });

  it("admits the same share of a ramp-up that it was restored in", () => {
    const snapshot = { version: 1, state: "rampUp", stateMs: 0, remainingOpenMs: 0, timesOpened: 1 } as const;
    const { steps } = begin({ rampUpMs: 1e9 });
    steps.machine.restore({ ...snapshot, window: { kind: "count", outcomes: "" } });
    expect(Array.from({ length: 8 }, () => steps.machine.admit()).map(Number)).toEqual([1, 0, 0, 0, 1, 0, 0, 0]);
  });

  it("counts how calls ended, and nothing of them while it is disabled", () => {
    const { steps } = begin({ minimumCalls: 6 });
    const { machine } = steps;
    steps.report(0, 1, 2, 3);
    machine.release(machine.epoch);
    machine.openFor(machine.epoch, 10, undefined);
    machine.set("closed");
    machine.openFor(machine.epoch, 10, 3);
    const totals = { successes: 2, failures: 3, slow: 3, ignored: 2 };
    expect(machine.totals).toMatchObject(totals);
    machine.set("disabled");
    steps.report(0, 1, 2, 3);
    machine.release(machine.epoch);
    machine.openFor(machine.epoch, 10, 3);
    expect(machine.totals).toMatchObject(totals);
    expect(machine.probing).toBe(0);
  });

  it("does not open for an outcome while it only measures, and counts it", () => {
    const { steps } = begin();
    steps.machine.set("metricsOnly");
    steps.machine.openFor(steps.machine.epoch, 10, 1);
    expect(steps.machine).toMatchObject({ state: "metricsOnly", totals: { failures: 1 }, window: { failures: 1 } });
  });

  it("stays open for no time more once it was closed by hand", () => {
    const { steps } = begin();
    steps.open(50);
    steps.machine.set("closed");
    expect(steps.machine.remainingOpenMs).toBe(0);
    steps.machine.set("forcedOpen");
    expect(steps.machine.remainingOpenMs).toBe(Infinity);
  });
});

interface Steps {
  readonly machine: BreakerMachine;
  readonly wait: (ms: number) => void;
  readonly open: (ms?: number) => void;
  /** Calls that are admitted and end so, one after the other. */
  readonly report: (...bits: number[]) => void;
}

/** A machine to take by hand from state to state, and what it told. */
function begin(options: Partial<BreakerSettings> = {}): {
  readonly steps: Steps;
  readonly told: [BreakerState, BreakerReason][];
} {
  const clock = { time: 0, now: () => clock.time };
  const told: [BreakerState, BreakerReason][] = [];
  const machine = new BreakerMachine({ ...settings, ...options }, clock, (_, to, reason) => told.push([to, reason]));
  const wait = (ms: number): void => {
    clock.time += ms;
  };
  const open = (ms = 10): void => machine.openFor(machine.epoch, ms, undefined);
  const report = (...all: number[]): void => {
    for (const bits of all) {
      expect(machine.admit()).toBe(true);
      machine.record(machine.epoch, bits);
    }
  };
  return { steps: { machine, wait, open, report }, told };
}
