import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { Call } from "./call.ts";
import { RetryLater, type RetryLaterOptions } from "./retry-later.ts";
import { TimeoutError } from "./timeout-error.ts";
import { wheelOf } from "./timer-wheel.ts";

const timedOut = new TimeoutError("", 5);

function setup(options: Partial<RetryLaterOptions> = {}) {
  const clock = new VirtualClock();
  const wheel = wheelOf(clock);
  const queue = new RetryLater(
    "jobs",
    { maxQueue: 10, delayMs: 10, maxDelayMs: 1_000, maxAttempts: 9, ...options },
    wheel,
  );
  const log: string[] = [];
  /** Waits in the queue, and tries what `tries` give one after the other; `done` is how it ended. */
  const add = (name: string, tries: readonly unknown[], signal?: AbortSignal) => {
    const seen: { value?: unknown; error?: unknown } = {};
    let at = 0;
    const attempt = async (): Promise<unknown> => {
      log.push(`${name}@${Math.round(clock.now())}`);
      const next = tries[at++];
      if (next instanceof Error) throw next;
      return next;
    };
    queue.add(new Call(() => undefined, signal, 1), timedOut, attempt).then(
      (value) => (seen.value = value),
      (error: unknown) => (seen.error = error),
    );
    return seen;
  };
  return { clock, wheel, queue, log, add };
}

describe("calls that are tried later", () => {
  it("are tried after the delay of the first, however many join it", async () => {
    const { clock, log, add, wheel } = setup();
    const first = add("a", [1]);
    await clock.advance(6);
    const second = add("b", [undefined]);
    const third = add("c", [3]);
    await clock.advance(5);
    expect(log).toEqual(["a@10", "b@10", "c@10"]);
    expect([first, second, third]).toEqual([{ value: 1 }, { value: undefined }, { value: 3 }]);
    expect(wheel.size).toBe(0);
  });

  it("wait twice as long after each try that ran out of time, and from the beginning after a success", async () => {
    const { clock, log, add } = setup({ maxDelayMs: 35 });
    add("a", [timedOut, timedOut, timedOut, 1]);
    add("b", [2]);
    await clock.advance(200);
    // After 10, 20, 35 and 35; who comes behind waits with it.
    expect(log).toEqual(["a@10", "a@30", "a@65", "a@100", "b@100"]);
    add("c", [3]);
    await clock.advance(10);
    expect(log.at(-1)).toBe("c@210");
  });

  it("are given up after so many tries, with the last timeout", async () => {
    const { clock, log, add } = setup({ maxAttempts: 2 });
    const last = new TimeoutError("", 7);
    const seen = add("a", [timedOut, last, "never"]);
    await clock.advance(1_000);
    expect(log).toEqual(["a@10", "a@30"]);
    expect(seen.error).toBe(last);
  });

  it("are given up when they fail otherwise, and the next is tried at once", async () => {
    const { clock, log, add } = setup();
    const broken = new Error("broken");
    const seen = [add("a", [broken]), add("b", [2])];
    await clock.advance(10);
    expect(log).toEqual(["a@10", "b@10"]);
    expect(seen).toEqual([{ error: broken }, { value: 2 }]);
  });

  it("leave when they are given up; with the last one nothing is left of the queue", async () => {
    const { clock, wheel, log, add, queue } = setup();
    const controllers = [new AbortController(), new AbortController()] as const;
    const seen = controllers.map(({ signal }, at) => add(`${at}`, [1], signal));
    controllers[0].abort("first");
    await clock.advance(0);
    expect([queue.size, wheel.size, seen[0]]).toEqual([1, 1, { error: "first" }]);
    controllers[1].abort("second");
    await clock.advance(0);
    expect([queue.size, wheel.size, seen[1]]).toEqual([0, 0, { error: "second" }]);
    await clock.advance(100);
    expect(log).toEqual([]);
    const later = add("later", [1]);
    await clock.advance(10);
    expect([log, later]).toEqual([["later@110"], { value: 1 }]);
  });

  it("that leave while they are tried get nothing more, and their result is disposed", async () => {
    const { clock, add, wheel } = setup();
    const disposed: string[] = [];
    const disposable = (name: string): object => ({ [Symbol.dispose]: () => disposed.push(name) });
    const given = disposable("given");
    const controller = new AbortController();
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const seen = add("a", [promise], controller.signal);
    const behind = add("b", [given]);
    await clock.advance(10);
    controller.abort("enough");
    await clock.advance(0);
    expect(seen).toEqual({ error: "enough" });
    const joined = add("c", [3]);
    resolve(disposable("too late"));
    await clock.advance(0);
    expect(disposed).toEqual(["too late"]);
    expect([behind, joined]).toEqual([{ value: given }, { value: 3 }]);
    expect(wheel.size).toBe(0);
  });

  it("are tried one at a time, also behind one that has left while it was tried", async () => {
    const { clock, add, log } = setup();
    const controller = new AbortController();
    const { promise, resolve } = Promise.withResolvers<unknown>();
    add("a", [promise], controller.signal);
    await clock.advance(10);
    controller.abort("enough");
    const behind = add("b", [2]);
    await clock.advance(100);
    expect(log).toEqual(["a@10"]);
    resolve(1);
    await clock.advance(0);
    expect([log, behind]).toEqual([["a@10", "b@110"], { value: 2 }]);
  });

  it("get their own timeout when the queue is closed, and nobody is let in any more", async () => {
    const { clock, wheel, queue, log, add } = setup();
    const seen = [add("a", [1]), add("b", [2])];
    queue.close();
    await clock.advance(0);
    expect(seen).toEqual([{ error: timedOut }, { error: timedOut }]);
    expect([queue.size, wheel.size]).toEqual([0, 0]);
    const late = add("late", [1]);
    await clock.advance(100);
    expect(late.error).toMatchObject({ code: "RETRY_QUEUE_FULL", cause: timedOut });
    expect(log).toEqual([]);
  });
});
