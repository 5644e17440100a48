import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BreakerMachine, type BreakerSettings, type BreakerState } from "./breaker-state.ts";

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

/**
 * The breaker as one would tell it: time passes a millisecond at a time, and what is due happens then; an epoch is the
 * list that the calls of one state are in.
 */
class Model {
  state: BreakerState = "closed";
  results: number[] = [];
  live: Set<object> = new Set();
  leftMs = 0;
  times = 0;
  waitedMs = 0;
  admitted = 0;
  credit = 0;
  readonly #settings: BreakerSettings;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
  }

  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed++) {
      this.waitedMs++;
      if (this.state === "open" && --this.leftMs === 0) this.enter("halfOpen");
      else if (this.state === "halfOpen" && this.live.size > 0 && this.waitedMs === this.#settings.maxHalfOpenMs) {
        if (this.#settings.afterMaxMs === "open") this.open();
        else this.heal();
      } else if (this.state === "rampUp" && this.waitedMs === this.#settings.rampUpMs) {
        this.state = "closed";
        this.times = 0;
      }
    }
  }

  admit(): object | undefined {
    const { probes, rampUpMs, startShare } = this.#settings;
    if (this.state === "open" || this.state === "forcedOpen") return undefined;
    if (this.state === "halfOpen") {
      if (this.live.size + this.results.length >= probes) return undefined;
      this.waitedMs = 0;
    }
    if (this.state === "rampUp") {
      this.credit += startShare + (1 - startShare) * (this.waitedMs / rampUpMs);
      if (this.credit < 1 - 1e-9) return undefined;
      this.credit--;
    }
    const call = {};
    this.live.add(call);
    return call;
  }

  end(call: object, bits: number | undefined): void {
    if (!this.live.delete(call) || bits === undefined || this.state === "disabled") return;
    this.results.push(bits);
    const { probes, successRate, minimumCalls, failureRate, slowRate } = this.#settings;
    if (this.state === "halfOpen") {
      const good = this.results.filter((bits) => bits === 0).length;
      const bad = this.results.length - good;
      if (good > 0 && good / probes >= successRate) this.heal();
      else if (bad > 0 && (probes - bad) / probes < successRate) this.open();
      return;
    }
    if (this.state === "metricsOnly") return;
    const last = this.results.slice(-6);
    const failed = last.filter((bits) => (bits & 1) !== 0).length;
    const slow = last.filter((bits) => (bits & 2) !== 0).length;
    if (last.length < minimumCalls) return;
    if (failed / last.length >= failureRate || slow / last.length >= slowRate) this.open();
  }

  open(ms = 10 * (this.times + 1)): void {
    this.times++;
    this.leftMs = ms;
    this.enter("open");
  }

  heal(): void {
    if (this.#settings.rampUpMs > 0) {
      this.credit = 1 - this.#settings.startShare;
      this.enter("rampUp");
    } else this.close();
  }

  close(): void {
    this.times = 0;
    this.enter("closed");
  }

  enter(state: BreakerState): void {
    this.state = state;
    this.live = new Set();
    this.results = [];
    this.waitedMs = 0;
  }
}

const manual = ["closed", "forcedOpen", "disabled", "metricsOnly"] as const;

const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant("start" as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("end" as const),
      // Mostly one of the latest calls, sometimes one of long ago.
      which: fc.oneof({ weight: 4, arbitrary: fc.nat(2) }, fc.nat(20)),
      bits: fc.constantFrom(0, 0, 0, 0, 1, 1, 2, 3, undefined),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 45 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("ask" as const), which: fc.nat(20), ms: fc.integer({ min: 1, max: 80 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("set" as const), state: fc.constantFrom("closed" as const, ...manual) }),
  },
);

const variants = fc.record({
  rampUpMs: fc.constantFrom(0, 60),
  afterMaxMs: fc.constantFrom("open" as const, "closed" as const),
  probes: fc.integer({ min: 1, max: 4 }),
  successRate: fc.constantFrom(0.5, 0.6, 1),
});

describe("the breaker's state machine and a model of it", () => {
  it("pitfall 2, 3: does what the model does, for any calls in any order at any time", () => {
    const visited = new Set<BreakerState>();
    let late = 0;
    fc.assert(
      fc.property(variants, fc.array(step, { minLength: 50, maxLength: 200 }), (variant, steps) => {
        const clock = { time: 0, now: () => clock.time };
        const machine = new BreakerMachine({ ...settings, ...variant }, clock, () => undefined);
        const model = new Model({ ...settings, ...variant });
        const calls: { readonly epoch: number; readonly modelled: object }[] = [];
        for (const step of steps) {
          if (step.do === "wait") {
            clock.time += step.ms;
            model.pass(step.ms);
          } else if (step.do === "start") {
            const modelled = model.admit();
            expect(machine.admit()).toBe(modelled !== undefined);
            if (modelled !== undefined) calls.push({ epoch: machine.epoch, modelled });
          } else if (step.do === "set") {
            machine.set(step.state);
            if (step.state === "closed") model.times = 0;
            model.enter(step.state);
          } else if (calls.length > 0) {
            const [call] = calls.splice(-1 - (step.which % calls.length), 1);
            if (call === undefined) throw new Error("there are calls");
            if (step.do === "end") {
              if (step.bits === undefined) machine.release(call.epoch);
              else machine.record(call.epoch, step.bits);
              model.end(call.modelled, step.bits);
            } else {
              machine.openFor(call.epoch, step.ms, undefined);
              const current = model.live.has(call.modelled);
              model.end(call.modelled, undefined);
              if (current && model.state !== "disabled" && model.state !== "metricsOnly")
                model.open(Math.min(step.ms, 50));
            }
          }
          expect(machine.state).toBe(model.state);
          expect(machine.timesOpened).toBe(model.times);
          if (model.state === "open") expect(machine.remainingOpenMs).toBe(model.leftMs);
          if (model.state === "halfOpen") expect(machine.probing).toBe(model.live.size);
          visited.add(model.state);
        }
        late += machine.totals.late;
      }),
      { numRuns: 400 },
    );
    expect([...visited].toSorted()).toEqual(
      ["closed", "disabled", "forcedOpen", "halfOpen", "metricsOnly", "open", "rampUp"].toSorted(),
    );
    expect(late).toBeGreaterThan(100);
  });
});
