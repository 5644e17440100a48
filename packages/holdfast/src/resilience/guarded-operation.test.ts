import { describe, expect, it } from "vitest";
import { BusinessError, classify, ConsistencyError, NetworkError, SystemError } from "../errors/index.ts";
import { VirtualClock } from "../testing/index.ts";
import { createErrorHandler, type ErrorHandler } from "./error-handler.ts";
import type { OperationRules } from "./guarded-operation.ts";
import type { CallContext } from "./policy.ts";
import { RateLimitedError } from "./rate-limited-error.ts";

const fail = (error: unknown) => (): never => {
  throw error;
};

function handlerOf(rules: OperationRules = {}): { handler: ErrorHandler; clock: VirtualClock } {
  const clock = new VirtualClock();
  return { clock, handler: createErrorHandler({ classify, clock, otherOperations: rules }) };
}

const untried: OperationRules = { retry: { maxAttempts: 1 } };

describe("an operation under an error handler", () => {
  it("is neither confined nor limited at first, nor by a failure that calls for something else", async () => {
    const { handler } = handlerOf();
    const read = handler.operation("read");
    expect([read.confined, read.limited]).toEqual([false, false]);
    await handler.run("read", fail(new ConsistencyError("changed")));
    expect([read.confined, read.limited]).toEqual([false, false]);
    await handler.run("read", fail(new BusinessError("no")));
    expect([read.confined, read.limited]).toEqual([false, true]);
    await handler.run("read", () => 1);
    await handler.run("read", fail(new NetworkError("no such host", { transient: false })));
    expect([read.confined, read.limited]).toEqual([true, false]);
  });

  it.each<readonly [string, Error, object]>([
    ["a critical failure against it", new SystemError("disk failed"), { failures: 1, successes: 0, ignored: 0 }],
    [
      "a critical failure that may go away against it",
      new SystemError("restarting", { transient: true }),
      { failures: 1, successes: 0, ignored: 0 },
    ],
    ["a refusal by the rules for it", new BusinessError("no"), { failures: 0, successes: 1, ignored: 0 }],
    ["a high failure not at all", new ConsistencyError("changed"), { failures: 0, successes: 0, ignored: 1 }],
    ["a medium failure not at all", new NetworkError("lost"), { failures: 0, successes: 0, ignored: 1 }],
    [
      "what another policy turned away not at all",
      new RateLimitedError(5, undefined),
      { failures: 0, successes: 0, ignored: 1 },
    ],
  ])("its breaker counts %s", async (_what, error, totals) => {
    const { handler } = handlerOf(untried);
    await handler.run("read", fail(error));
    expect(handler.operation("read").circuitBreaker.metrics.totals).toMatchObject(totals);
  });

  it.each([
    ["alone", { confined: false, limited: false }],
    ["in its bulkhead", { confined: true, limited: false }],
    ["under its time limit", { confined: false, limited: true }],
    ["in both", { confined: true, limited: true }],
  ])("is told which try it is, and when its caller gives up: %s", async (_where, state) => {
    const { handler, clock } = handlerOf({ retry: { jitter: "none" }, timeout: { timeoutMs: 10_000 } });
    Object.assign(handler.operation("read"), state);
    const controller = new AbortController();
    const contexts: CallContext[] = [];
    const running = handler.run(
      "read",
      (context) => {
        contexts.push({ signal: context.signal, attempt: context.attempt });
        if (contexts.length === 1) throw new NetworkError("lost");
        return new Promise<never>(() => undefined);
      },
      { signal: controller.signal },
    );
    running.catch(() => undefined);
    await clock.advance(1_000);
    expect(contexts.map(({ attempt, signal }) => [attempt, signal.aborted])).toEqual([
      [1, false],
      [2, false],
    ]);
    controller.abort(new Error("gone"));
    await expect(running).rejects.toThrow("gone");
    expect(contexts[1]?.signal.reason).toBe(controller.signal.reason);
  });

  it("waits for its bulkhead with the priority of the call", async () => {
    const { handler, clock } = handlerOf({ bulkhead: { maxConcurrent: 1, maxQueue: 9 } });
    handler.operation("read").confined = true;
    const order: string[] = [];
    const first = Promise.withResolvers<void>();
    const running = [
      handler.run("read", () => first.promise),
      handler.run("read", () => order.push("usual")),
      handler.run("read", () => order.push("urgent"), { priority: 5 }),
    ];
    await clock.advance(0);
    expect(handler.operation("read").bulkhead.metrics).toMatchObject({ active: 1, waiting: 2 });
    first.resolve();
    await Promise.all(running);
    expect(order).toEqual(["urgent", "usual"]);
  });
});
