import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import { failurePriorities, readReport } from "./failure.ts";
import type { RecoveryEvent, RecoveryTransition } from "./recovery-input.ts";
import { checkAutomaticRecoveryOptions } from "./recovery-options.ts";
import { explainedBy, nextDueAt, newRecoveryState, openTasks, type RecoveryState } from "./recovery-state.ts";
import { step } from "./recovery-step.ts";

const settings = checkAutomaticRecoveryOptions({
  strategies: [
    { name: "one", handles: ["x", "y"], run: () => undefined },
    { name: "two", handles: ["*"], run: () => undefined, endsWhenWell: true },
  ],
  dependsOn: { t0: ["t3"], t1: ["t0"] },
  maxRunning: 2,
  maxTasks: 6,
  maxAttempts: 2,
  attemptWindowMs: 300_000,
  verifyMs: 500,
  backoffMs: 1_000,
  maxBackoffMs: 8_000,
  coolDownMs: 2_000,
  symptomGraceMs: 1_000,
  ageingMs: 10_000,
});

/** Drives the core by hand, and checks with every step what must always be so. */
class Model {
  readonly state: RecoveryState = newRecoveryState();
  readonly random = seededRandom(3);
  at = 0;
  /** Strategies that have begun and not ended, by target. */
  readonly running = new Map<string, { readonly task: string; readonly attempt: number }>();
  /** When attempts began, since a person was there. */
  readonly starts = new Map<string, number[]>();
  readonly begun = { starts: 0, calls: 0, held: 0, dropped: 0, again: 0, stuck: 0 };

  feed(event: RecoveryEvent): RecoveryTransition {
    const transition = step(this.state, { ...event, at: this.at, draw: this.random.next() }, settings);
    for (const effect of transition.effects) {
      if (effect.type === "callPerson") this.begun.calls++;
      if (effect.type === "decided") {
        const { decision, because } = effect.entry;
        expect(because).not.toBe("");
        if (decision === "held") this.begun.held++;
        if (decision === "dropped") this.begun.dropped++;
        if (decision === "startedAgain") this.begun.again++;
        if (decision === "acknowledged") this.starts.delete(effect.entry.target);
        // A person answers for what does not end.
        if (decision === "abandoned") this.running.delete(effect.entry.target);
        if (decision === "stuck") this.begun.stuck++;
      }
      if (effect.type !== "start") continue;
      const { task, attempt } = effect;
      this.begun.starts++;
      const isAgain = task.record.at(-1)?.decision === "startedAgain";
      expect(task.record.at(-1)?.decision).toBe(isAgain ? "startedAgain" : "started");
      // One at a target at a time.
      expect(this.running.get(task.target)).toBe(undefined);
      this.running.set(task.target, { task: task.id, attempt });
      if (isAgain) continue;
      // No symptom is treated.
      expect(explainedBy(this.state, task.target, settings)).toBe(null);
      const starts = [...(this.starts.get(task.target) ?? []), this.at];
      this.starts.set(task.target, starts);
      // Never above the ceiling.
      const recent = starts.filter((start) => start > this.at - settings.attemptWindowMs);
      expect(recent.length).toBeLessThanOrEqual(settings.maxAttempts);
    }
    const open = [...openTasks(this.state)];
    expect(open.length).toBeLessThanOrEqual(settings.maxTasks);
    const running = open.filter(({ status }) => status === "running").length;
    expect(running - this.#stuck()).toBeLessThanOrEqual(settings.maxRunning);
    // What is kept is what was said to have changed.
    for (const [name, target] of this.state.targets) expect(target.target).toBe(name);
    return transition;
  }

  #stuck(): number {
    return [...this.state.targets.values()].filter(({ person }) => person?.isStuck === true).length;
  }

  end(target: string, outcome: "succeeded" | "failed" | "timedOut"): void {
    const running = this.running.get(target);
    if (running === undefined) return;
    this.running.delete(target);
    this.feed({ type: "ended", target, ...running, outcome, error: null });
  }

  stick(target: string): void {
    const running = this.running.get(target);
    if (running !== undefined) this.feed({ type: "stuck", target, ...running });
  }

  /** A process is lost: what ran there is gone. */
  crash(): void {
    this.running.clear();
    this.feed({ type: "resumed", by: "another" });
  }

  /** To the next time at which something is due, or on by so much. */
  pass(byMs: number): void {
    const until = this.at + byMs;
    for (let due = nextDueAt(this.state); due <= until; due = nextDueAt(this.state)) {
      expect(due).toBeGreaterThanOrEqual(this.at);
      this.at = Math.max(this.at, due);
      const before = due;
      this.feed({ type: "tick" });
      // A tick at its time has done what was due: there is no loop without time passing.
      expect(nextDueAt(this.state)).toBeGreaterThan(before);
    }
    this.at = until;
  }
}

const target = fc.constantFrom("t0", "t1", "t2", "t3", "t4", "t5", "t6");
const act = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("report" as const),
      target,
      type: fc.constantFrom("x", "y", "z"),
      priority: fc.constantFrom(...failurePriorities),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 20_000 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("end" as const),
      which: fc.nat({ max: 3 }),
      outcome: fc.constantFrom("succeeded" as const, "failed" as const, "timedOut" as const, "stuck" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("recover" as const), target }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("acknowledge" as const), target }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const) }) },
);

describe("automatic recovery, whatever happens", () => {
  it("does one thing at a target, no more than its limits, and treats no symptoms", () => {
    const seen = { starts: 0, calls: 0, held: 0, dropped: 0, again: 0, stuck: 0 };
    fc.assert(
      fc.property(fc.array(act, { minLength: 10, maxLength: 80 }), (acts) => {
        const model = new Model();
        for (const each of acts) {
          if (each.do === "report") {
            const { type, priority } = each;
            model.feed({ type: "failed", failure: readReport({ target: each.target, type, priority }) });
          } else if (each.do === "pass") model.pass(each.ms);
          else if (each.do === "end") {
            const names = [...model.running.keys()];
            const name = names[each.which % names.length] ?? "";
            if (each.outcome === "stuck") model.stick(name);
            else model.end(name, each.outcome);
          } else if (each.do === "recover") {
            model.feed({ type: "recovered", target: each.target, failure: null, because: "so" });
          } else if (each.do === "acknowledge") {
            model.feed({ type: "acknowledged", target: each.target, by: "kim", comment: "" });
          } else model.crash();
        }
        for (const [name, count] of Object.entries(model.begun)) seen[name as keyof typeof seen] += count;
      }),
      { numRuns: 300, seed: 20 },
    );
    expect(Object.entries(seen).filter(([, count]) => count <= 20)).toEqual([]);
  });

  it("forgets targets that nothing was the matter with for long", () => {
    const model = new Model();
    for (let n = 0; n < 150; n++) {
      model.feed({ type: "failed", failure: readReport({ target: `host-${n}`, type: "x" }) });
      model.end(`host-${n}`, "succeeded");
      model.pass(5_000);
    }
    expect(model.begun.starts).toBe(150);
    expect(model.state.targets.size).toBeLessThanOrEqual(61);
  });

  it("lets nothing starve: what waits long enough comes before what is more pressing", () => {
    const model = new Model();
    model.feed({ type: "failed", failure: readReport({ target: "low", type: "x", priority: "low" }) });
    // Under way at once; again after its failure, when it has to stand in line.
    model.end("low", "failed");
    let made = 0;
    const critical = (): void => {
      // Always more than there is room for.
      while ([...openTasks(model.state)].length < 6) {
        const name = `critical-${made++}`;
        model.feed({ type: "failed", failure: readReport({ target: name, type: "x", priority: "critical" }) });
      }
    };
    let seconds = 0;
    for (; seconds < 400 && !model.running.has("low"); seconds++) {
      critical();
      for (const name of Array.from(model.running.keys())) {
        model.end(name, "succeeded");
        model.feed({ type: "recovered", target: name, failure: null, because: "so" });
        critical();
      }
      model.pass(1_000);
    }
    expect(model.running.has("low")).toBe(true);
    // More than three priorities below: 3 × ageingMs, and what is under way.
    expect(seconds).toBeGreaterThan(25);
    expect(seconds).toBeLessThan(35);
    expect(made).toBeGreaterThan(40);
  });
});
