import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { bulkhead, type BulkheadEvent, type BulkheadOptions } from "./bulkhead.ts";
import { pipeline } from "./pipeline.ts";
import { policyOf } from "./stage.ts";
import { timeout } from "./timeout.ts";
import { wheelOf } from "./timer-wheel.ts";

function setup(options: BulkheadOptions = {}) {
  const clock = new VirtualClock();
  const events: BulkheadEvent[] = [];
  const policy = bulkhead({
    maxConcurrent: 1,
    maxQueue: 10,
    clock,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { clock, events, policy };
}

/** An operation that ends when told to. */
function gate(): { operation: () => Promise<string>; open: (value?: string) => void; fail: (error: Error) => void } {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return { operation: () => promise, open: (value = "done") => resolve(value), fail: reject };
}

function watch(promise: Promise<unknown>): { value?: unknown; error?: unknown } {
  const seen: { value?: unknown; error?: unknown } = {};
  promise.then(
    (value) => (seen.value = value),
    (error: unknown) => (seen.error = error),
  );
  return seen;
}

describe("bulkhead", () => {
  it("runs no more than maxConcurrent, queues maxQueue, and turns the next away", async () => {
    const { clock, events, policy } = setup({ maxConcurrent: 2, maxQueue: 1, name: "db" });
    const gates = [gate(), gate(), gate()];
    const seen = gates.map((each) => watch(policy.execute(each.operation)));
    expect(policy.metrics).toEqual({ active: 2, free: 0, waiting: 1, rejected: 0, waitTimeouts: 0 });
    expect(policy.state).toBe("full");
    await expect(policy.execute(() => 1)).rejects.toMatchObject({
      code: "BULKHEAD_FULL",
      retryable: true,
      message: "db is full: 2 calls running, 1 waiting",
    });
    gates[0]?.open("first");
    await clock.advance(0);
    expect(seen[0]).toEqual({ value: "first" });
    expect(policy.metrics).toMatchObject({ active: 2, waiting: 0, rejected: 1 });
    gates[1]?.fail(new Error("broken"));
    gates[2]?.open("third");
    await clock.advance(0);
    expect(seen[1]?.error).toEqual(new Error("broken"));
    expect(seen[2]).toEqual({ value: "third" });
    expect(policy.metrics).toMatchObject({ active: 0, free: 2 });
    expect(policy.state).toBe("open");
    expect(events.map((event) => event.type)).toEqual(["bulkheadQueued", "bulkheadRejected"]);
  });

  it("a call waits no longer than maxWaitMs", async () => {
    const { clock, policy, events } = setup({ maxWaitMs: 100 });
    const first = gate();
    watch(policy.execute(first.operation));
    let ran = 0;
    const second = watch(policy.execute(() => ran++));
    await clock.advance(103);
    expect(second.error).toMatchObject({ code: "BULKHEAD_WAIT_TIMEOUT", maxWaitMs: 100 });
    first.open();
    await clock.advance(1_000);
    expect(ran).toBe(0);
    expect(policy.metrics).toMatchObject({ active: 0, waiting: 0, waitTimeouts: 1 });
    expect(events.at(-1)?.type).toBe("bulkheadWaitTimeout");
    expect(clock.pending).toBe(0);
  });

  it("lets higher priorities go first and keys take turns", async () => {
    const { clock, policy } = setup();
    const first = gate();
    watch(policy.execute(first.operation));
    const order: string[] = [];
    const add = (name: string, options: { priority?: number; key?: string }) =>
      watch(policy.execute(() => void order.push(name), options));
    for (const name of ["a1", "a2", "a3"]) add(name, { key: "a" });
    add("b1", { key: "b" });
    add("urgent", { priority: 1, key: "a" });
    first.open();
    await clock.advance(0);
    expect(order).toEqual(["urgent", "a1", "b1", "a2", "a3"]);
  });

  it("carries priority through the policies around it", async () => {
    const { clock, policy } = setup();
    const first = gate();
    watch(policy.execute(first.operation));
    const order: number[] = [];
    const around = pipeline(timeout({ timeoutMs: 1_000, clock }), policy);
    for (const priority of [0, 2, 1]) watch(around.execute(() => void order.push(priority), { priority }));
    first.open();
    await clock.advance(0);
    expect(order).toEqual([2, 1, 0]);
  });

  it("refuses a priority that is no integer", async () => {
    const { policy } = setup();
    watch(policy.execute(gate().operation));
    await expect(policy.execute(() => 1, { priority: 0.5 })).rejects.toThrow("execute.priority must be an integer");
    expect(policy.metrics.waiting).toBe(0);
  });

  it("update: raised limits let waiting calls go, lowered ones stop nobody", async () => {
    const { clock, policy } = setup();
    const gates = [gate(), gate(), gate()];
    for (const each of gates) watch(policy.execute(each.operation));
    policy.update({ maxConcurrent: 3 });
    expect(policy.metrics).toMatchObject({ active: 3, waiting: 0 });
    policy.update({ maxConcurrent: 1 });
    const fourth = watch(policy.execute(() => "ran"));
    gates[0]?.open();
    gates[1]?.open();
    await clock.advance(0);
    expect(policy.metrics).toMatchObject({ active: 1, free: 0, waiting: 1 });
    expect(fourth).toEqual({});
    gates[2]?.open();
    await clock.advance(0);
    expect(fourth).toEqual({ value: "ran" });
    expect(() => policy.update({ maxConcurrent: 0 })).toThrow("bulkhead.maxConcurrent must be an integer >= 1 (got 0)");
  });

  it("close turns away who waits and who comes; who runs ends", async () => {
    const { clock, policy } = setup();
    const first = gate();
    const running = watch(policy.execute(first.operation));
    const waiting = watch(policy.execute(() => 1));
    policy.close();
    policy.close();
    await clock.advance(0);
    expect(waiting.error).toMatchObject({ code: "BULKHEAD_CLOSED" });
    await expect(policy.execute(() => 1)).rejects.toMatchObject({ code: "BULKHEAD_CLOSED" });
    expect(policy.state).toBe("closed");
    first.open();
    await clock.advance(0);
    expect(running).toEqual({ value: "done" });
    expect(policy.tryAcquire()).toBeUndefined();
  });

  it.each<{ options: object; message: string }>([
    { options: { maxConcurrent: 1.5 }, message: "bulkhead.maxConcurrent must be an integer >= 1 (got 1.5)" },
    { options: { maxQueue: -1 }, message: "bulkhead.maxQueue must be an integer >= 0 (got -1)" },
    { options: { maxWaitMs: Number.NaN }, message: "bulkhead.maxWaitMs must be a number >= 0 (got NaN)" },
    { options: { holdUntilSettled: 1 }, message: "bulkhead.holdUntilSettled must be true or false (got 1)" },
    { options: { limit: 1 }, message: "bulkhead.limit is no option" },
  ])("refuses $message", ({ options, message }) => {
    expect(() => bulkhead(options)).toThrow(message);
  });

  it("pitfall 8: a long-lived signal keeps no listener of a call that waited", async () => {
    const { clock, policy } = setup();
    const { signal } = new AbortController();
    const first = gate();
    watch(policy.execute(first.operation));
    const second = watch(policy.execute(() => "ran", { signal }));
    expect(getEventListeners(signal, "abort").length).toBeGreaterThan(0);
    first.open();
    await clock.advance(0);
    expect(second).toEqual({ value: "ran" });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("pitfall 10: with holdUntilSettled an abandoned operation keeps its permit; without, it does not", async () => {
    for (const options of [{ holdUntilSettled: true }, { holdUntilSettled: false }, {}]) {
      const { clock, policy } = setup({ ...options, maxConcurrent: 2, maxQueue: 0 });
      const guarded = pipeline(policy, timeout({ timeoutMs: 20, clock }));
      let running = 0;
      let most = 0;
      const work = async (): Promise<void> => {
        most = Math.max(most, ++running);
        await clock.sleep(200);
        running--;
      };
      for (let at = 0; at < 10; at++) {
        watch(guarded.execute(work));
        await clock.advance(25);
      }
      expect(most).toBe(options.holdUntilSettled === true ? 2 : 8);
      await clock.advance(1_000);
      expect(policy.metrics.active).toBe(0);
    }
  });

  it("pitfall 10: holdUntilSettled gives the permit back once, also for operations that throw or run twice", async () => {
    const { clock, policy } = setup({ holdUntilSettled: true, maxConcurrent: 3 });
    watch(
      policy.execute(() => {
        throw new Error("sync");
      }),
    );
    watch(policy.execute(() => undefined));
    const guarded = pipeline(policy, timeout({ timeoutMs: 20, clock }), timeout({ timeoutMs: 10, clock }));
    watch(guarded.execute(() => clock.sleep(50)));
    await clock.advance(0);
    expect(policy.metrics.active).toBe(1);
    await clock.advance(100);
    expect(policy.metrics).toMatchObject({ active: 0, free: 3 });
  });

  it("pitfall 10: holdUntilSettled gives the permit back once, also when it is called again after its end", async () => {
    const { clock, policy } = setup({ holdUntilSettled: true });
    let calls = 0;
    const again = policyOf<never>({
      run: async (call, next) => {
        const result = await next(call);
        const goOn = async (): Promise<void> => {
          await clock.sleep(10);
          await next(call);
        };
        void goOn();
        return result;
      },
    });
    await pipeline(policy, again).execute(() => ++calls);
    await clock.advance(20);
    expect(calls).toBe(2);
    expect(policy.metrics).toMatchObject({ active: 0, free: 1 });
  });

  it("neither runs nor queues a call that was given up on the way", async () => {
    const { events, policy } = setup();
    const permit = policy.tryAcquire();
    const controller = new AbortController();
    const giveUp = policyOf<never>({
      run: (call, next) => {
        controller.abort("enough");
        return next(call);
      },
    });
    const outer = bulkhead();
    const result = pipeline(outer, giveUp, policy).execute(() => 1, { signal: controller.signal });
    await expect(result).rejects.toBe("enough");
    expect([policy.metrics.waiting, outer.metrics.active, events]).toEqual([0, 0, []]);
    permit?.release();
  });

  it("pitfall 11: an abort frees the place in the queue at once and rejects with the reason", async () => {
    const { clock, policy } = setup({ maxQueue: 1 });
    const first = gate();
    watch(policy.execute(first.operation));
    const controller = new AbortController();
    let ran = 0;
    const second = watch(policy.execute(() => ran++, { signal: controller.signal }));
    controller.abort("enough");
    expect(policy.metrics.waiting).toBe(0);
    const third = watch(policy.execute(() => "third"));
    first.open();
    await clock.advance(0);
    expect(second).toEqual({ error: "enough" });
    expect(third).toEqual({ value: "third" });
    expect(ran).toBe(0);
  });

  it("pitfall 11: a permit freed by the same abort is not given to a call that is being aborted", async () => {
    const { clock, policy } = setup();
    const controller = new AbortController();
    const permit = policy.tryAcquire();
    // Registered first, so it runs before the waiting call hears of the abort.
    controller.signal.addEventListener("abort", () => permit?.release());
    let ran = 0;
    const outer = bulkhead({ clock });
    const aborted = watch(pipeline(outer, policy).execute(() => ran++, { signal: controller.signal }));
    const next = watch(policy.execute(() => "next"));
    controller.abort("enough");
    await clock.advance(0);
    expect(ran).toBe(0);
    expect(aborted).toEqual({ error: "enough" });
    expect(next).toEqual({ value: "next" });
    expect(policy.metrics).toMatchObject({ active: 0, waiting: 0 });
    // Nobody further out waits for it for ever.
    expect(outer.metrics.active).toBe(0);
  });

  it("pitfall 12: releasing a permit again does nothing", async () => {
    const { policy } = setup({ maxConcurrent: 2 });
    const permit = policy.tryAcquire();
    const other = policy.tryAcquire();
    expect(policy.tryAcquire()).toBeUndefined();
    permit?.release();
    permit?.release();
    permit?.[Symbol.dispose]();
    expect(policy.metrics).toMatchObject({ active: 1, free: 1 });
    other?.release();
    expect(policy.metrics).toMatchObject({ active: 0, free: 2 });
  });

  it("pitfall 15: operations that throw or give a plain value at once give their permit back", async () => {
    const { policy } = setup({ maxQueue: 0 });
    expect(await policy.execute(() => undefined)).toBeUndefined();
    await expect(
      policy.execute(() => {
        throw new Error("sync");
      }),
    ).rejects.toThrow("sync");
    expect(await policy.execute(() => 7)).toBe(7);
    expect(policy.metrics.active).toBe(0);
  });

  it("an operation that throws at once fails its call, also with holdUntilSettled", async () => {
    const { policy } = setup({ holdUntilSettled: true });
    const broken = new Error("broken");
    const result = policy.execute(() => {
      throw broken;
    });
    await expect(result).rejects.toBe(broken);
    expect(policy.metrics.active).toBe(0);
  });

  it("limits may be raised while nobody waits", async () => {
    const { policy } = setup();
    policy.update({ maxConcurrent: 2 });
    expect(policy.metrics).toMatchObject({ active: 0, free: 2 });
    expect(await policy.execute(() => 1)).toBe(1);
  });

  it("keeps no timer for those who have left the queue, whichever way", async () => {
    const { clock, policy, events } = setup();
    const { size } = wheelOf(clock);
    const first = gate();
    const running = policy.execute(first.operation);
    const controller = new AbortController();
    const leaving = policy.execute(() => 2, { signal: controller.signal });
    const waiting = policy.execute(() => 3);
    expect(events).toEqual(
      [1, 2].map((waiting) => ({ type: "bulkheadQueued", at: clock.wallTime(), policy: "", active: 1, waiting })),
    );
    expect(wheelOf(clock).size - size).toBe(2);
    controller.abort("enough");
    await expect(leaving).rejects.toBe("enough");
    expect(wheelOf(clock).size - size).toBe(1);
    first.open();
    expect(await Promise.all([running, waiting])).toEqual(["done", 3]);
    expect(wheelOf(clock).size - size).toBe(0);
  });
});
