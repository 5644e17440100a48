import { describe, expect, it } from "vitest";
import {
  BusinessError,
  classify,
  ConsistencyError,
  NetworkError,
  ResourceError,
  SystemError,
} from "../errors/index.ts";
import { VirtualClock } from "../testing/index.ts";
import {
  createErrorHandler,
  type ErrorHandledEvent,
  type ErrorHandler,
  type ErrorHandlerOptions,
} from "./error-handler.ts";
import type { CallContext } from "./policy.ts";

const lost = (): NetworkError => new NetworkError("connection lost");
const unreachable = (): NetworkError => new NetworkError("no such host", { transient: false });

function handlerOf(options: Partial<ErrorHandlerOptions> = {}): { handler: ErrorHandler; clock: VirtualClock } {
  const clock = new VirtualClock();
  return { clock, handler: createErrorHandler({ classify, clock, ...options }) };
}

/** Runs to the end on virtual time. */
async function settled<T>(clock: VirtualClock, result: Promise<T>): Promise<T> {
  const waited = result.then(
    () => undefined,
    () => undefined,
  );
  await clock.advance(300_000);
  await waited;
  return result;
}

/** Fails with these in turn, then succeeds. */
function failing(...errors: readonly unknown[]): () => string {
  const left = [...errors];
  return () => {
    if (left.length > 0) throw left.shift();
    return "done";
  };
}

describe("an error handler", () => {
  it("leaves a success alone", async () => {
    const { handler, clock } = handlerOf();
    const handled = await settled(clock, handler.run("read", failing()));
    expect(handled).toEqual({
      ok: true,
      value: "done",
      failure: undefined,
      strategy: "none",
      attempts: 1,
      durationMs: 0,
    });
    expect(Object.values(handler.metrics)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("retries what may go away, and says how long it took", async () => {
    const { handler, clock } = handlerOf({ otherOperations: { retry: { jitter: "none" } } });
    await clock.advance(7);
    const handled = await settled(clock, handler.run("read", failing(lost(), lost())));
    expect(handled).toMatchObject({ ok: true, value: "done", strategy: "retry", attempts: 3, durationMs: 300 });
  });

  it("handles by severity what is left when the tries are used up", async () => {
    const operations = { read: { fallback: (failure: Error) => `instead of ${failure.message}` } };
    const { handler, clock } = handlerOf({ operations });
    const busy = new ResourceError("too busy");
    const handled = await settled(clock, handler.run("read", failing(busy, busy, busy)));
    expect(handled).toMatchObject({ ok: true, value: "instead of too busy", strategy: "fallback", attempts: 3 });
    expect(handled.failure).toBe(busy);
  });

  it("answers a high failure by the fallback, and passes it on where there is none", async () => {
    const { handler, clock } = handlerOf({ operations: { cart: { fallback: () => "empty" } } });
    const conflict = new ConsistencyError("changed meanwhile");
    const answered = await settled(clock, handler.run("cart", failing(conflict)));
    expect(answered).toMatchObject({ ok: true, value: "empty", strategy: "fallback", attempts: 1, failure: conflict });
    const passed = await settled(clock, handler.run("other", failing(conflict)));
    expect(passed).toMatchObject({ ok: false, failure: conflict, strategy: "none", attempts: 1 });
    // A failure that calls for something else is not its business.
    const refused = await settled(clock, handler.run("cart", failing(new BusinessError("no"))));
    expect(refused).toMatchObject({ ok: false, strategy: "timeout" });
  });

  it("asks the fallback as one more try, which its caller may give up", async () => {
    const contexts: CallContext[] = [];
    const controller = new AbortController();
    const fallback = (_failure: unknown, context: CallContext): string => {
      contexts.push(context);
      if (contexts.length === 1) return "empty";
      controller.abort(new Error("gone"));
      throw new SystemError("the cache is gone");
    };
    const { handler, clock } = handlerOf({ operations: { cart: { fallback } } });
    const busy = new ResourceError("too busy");
    expect(await settled(clock, handler.run("cart", failing(busy, busy, busy)))).toMatchObject({ attempts: 3 });
    const conflict = failing(new ConsistencyError("changed"));
    await expect(handler.run("cart", conflict, { signal: controller.signal })).rejects.toThrow("gone");
    expect(contexts.map(({ attempt }) => attempt)).toEqual([4, 2]);
    expect(contexts[0]?.signal.aborted).toBe(false);
    expect(contexts[1]?.signal).toBe(controller.signal);
    expect(handler.metrics.fallback).toBe(1);
  });

  it("classifies each error once, and also what is no object", async () => {
    const seen: unknown[] = [];
    const { handler, clock } = handlerOf({
      classify: (error, context) => {
        seen.push(error);
        return classify(error, context);
      },
    });
    const broken = new Error("disk failed");
    const handled = await settled(clock, handler.run("write", failing(broken)));
    expect(handled).toMatchObject({ ok: false, failure: { cause: broken } });
    expect(seen).toEqual([broken]);
    for (const thrown of ["no reason", null, undefined]) {
      seen.length = 0;
      const result = await settled(clock, handler.run("write", failing(thrown)));
      expect(result).toMatchObject({ ok: false, failure: { code: "UNCLASSIFIED" } });
      expect(seen).toContain(thrown);
    }
  });

  it("a fallback that fails has the last word", async () => {
    const operations = {
      cart: {
        fallback: () => {
          throw new SystemError("the cache is gone");
        },
      },
    };
    const { handler, clock } = handlerOf({ operations });
    const handled = await settled(clock, handler.run("cart", failing(new ConsistencyError("changed"))));
    expect(handled).toMatchObject({ ok: false, strategy: "fallback", failure: { message: "the cache is gone" } });
  });

  it("critical failures trip the operation's breaker, and no other's; it recovers", async () => {
    const window = { kind: "consecutive", failures: 3 } as const;
    const { handler, clock } = handlerOf({ otherOperations: { circuitBreaker: { window, openMs: 10_000 } } });
    const broken = failing(...Array.from({ length: 3 }, () => new SystemError("disk failed")));
    for (let call = 1; call <= 3; call++) {
      const handled = await handler.run("write", broken);
      expect(handled).toMatchObject({ ok: false, strategy: "circuitBreaker", attempts: 1 });
    }
    const refused = await handler.run("write", broken);
    expect(refused).toMatchObject({ ok: false, strategy: "circuitBreaker", attempts: 0 });
    expect(await handler.run("read", failing())).toMatchObject({ ok: true });
    await clock.advance(10_000);
    expect(await settled(clock, handler.run("write", broken))).toMatchObject({ ok: true, value: "done" });
  });

  it("failures of other severities leave the breaker alone", async () => {
    const window = { kind: "consecutive", failures: 1 } as const;
    const { handler, clock } = handlerOf({ otherOperations: { circuitBreaker: { window } } });
    for (const failure of [unreachable(), new ConsistencyError("changed"), new BusinessError("no"), lost()]) {
      await settled(clock, handler.run("read", failing(failure)));
    }
    expect(handler.operation("read").circuitBreaker.state).toBe("closed");
  });

  it("the fallback answers for an open breaker", async () => {
    const circuitBreaker = { window: { kind: "consecutive", failures: 1 } as const };
    const { handler } = handlerOf({ operations: { read: { circuitBreaker, fallback: () => "old" } } });
    await handler.run("read", failing(new SystemError("disk failed")));
    expect(await handler.run("read", failing())).toMatchObject({ ok: true, value: "old", attempts: 0 });
  });

  it("after a medium failure an operation is confined until it succeeds", async () => {
    const { handler } = handlerOf({ otherOperations: { bulkhead: { maxConcurrent: 1, maxQueue: 0 } } });
    expect(await handler.run("read", failing(unreachable()))).toMatchObject({ ok: false, strategy: "bulkhead" });
    const first = Promise.withResolvers<string>();
    const running = handler.run("read", () => first.promise);
    expect(await handler.run("read", failing())).toMatchObject({ ok: false, strategy: "bulkhead", attempts: 0 });
    first.resolve("done");
    expect(await running).toMatchObject({ ok: true, value: "done" });
    const both = await Promise.all([handler.run("read", async () => 1), handler.run("read", async () => 2)]);
    expect(both).toMatchObject([{ value: 1 }, { value: 2 }]);
  });

  it("after a low failure an operation is held to its time limit until it succeeds", async () => {
    const { handler, clock } = handlerOf({
      otherOperations: { timeout: { timeoutMs: 1_000 }, retry: { maxAttempts: 1 } },
    });
    expect(await handler.run("read", failing(new BusinessError("no")))).toMatchObject({ strategy: "timeout" });
    const hanging = handler.run("read", () => new Promise<never>(() => undefined));
    expect(await settled(clock, hanging)).toMatchObject({ ok: false, failure: { kind: "timeout" } });
    expect(handler.operation("read").limited).toBe(true);
    await handler.run("read", failing());
    expect(handler.operation("read").limited).toBe(false);
  });

  it("takes another table, or a function", async () => {
    const table = handlerOf({ strategies: { low: "fallback" }, operations: { read: { fallback: () => "instead" } } });
    const refused = await table.handler.run("read", failing(new BusinessError("no")));
    expect(refused).toMatchObject({ ok: true, value: "instead" });
    const chosen = handlerOf({ strategies: ({ kind }) => (kind === "network" ? "none" : "retry") });
    expect(await chosen.handler.run("read", failing(lost()))).toMatchObject({
      ok: false,
      strategy: "none",
      attempts: 1,
    });
  });

  it("an abort of the caller wins over the wait, and is no failure", async () => {
    const { handler } = handlerOf();
    const controller = new AbortController();
    const result = handler.run("read", failing(lost(), lost()), { signal: controller.signal });
    controller.abort(new Error("gone"));
    await expect(result).rejects.toThrow("gone");
    expect(Object.values(handler.metrics)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("execute gives the value or throws the failure, with what was thrown as its cause", async () => {
    const { handler, clock } = handlerOf();
    expect(await settled(clock, handler.execute("read", failing()))).toBe("done");
    const thrown = Object.assign(new Error("getaddrinfo ENOTFOUND db"), { code: "ENOTFOUND", syscall: "getaddrinfo" });
    const rejected = settled(clock, handler.execute("read", failing(thrown, thrown, thrown, thrown)));
    await expect(rejected).rejects.toMatchObject({ kind: "network", cause: thrown });
  });

  it("tells a listener, whose own failure changes nothing, and counts", async () => {
    const events: ErrorHandledEvent[] = [];
    const { handler, clock } = handlerOf({
      name: "api",
      onEvent: (event) => {
        events.push(event);
        throw new Error("broken listener");
      },
    });
    await settled(clock, handler.run("read", failing(new BusinessError("no"))));
    await settled(clock, handler.run("read", failing()));
    expect(events).toMatchObject([
      { type: "errorHandled", policy: "api", operation: "read", ok: false, strategy: "timeout", attempts: 1 },
    ]);
    expect(handler.metrics).toMatchObject({ timeout: 1, retry: 0 });
    const unnamed = handlerOf({ onEvent: (event) => events.push(event) });
    await unnamed.handler.run("read", failing(new BusinessError("no")));
    expect(events[1]?.policy).toBe("");
  });

  it("forgets the operation that was unused longest", () => {
    const { handler } = handlerOf({ maxOperations: 2 });
    const [a, b] = [handler.operation("a"), handler.operation("b")];
    expect(handler.operation("a")).toBe(a);
    handler.operation("c");
    expect(handler.operation("a")).toBe(a);
    expect(handler.operation("b")).not.toBe(b);
  });

  it.each<[object, string]>([
    [{}, "createErrorHandler.classify must be a function (got undefined)"],
    [{ classify, color: 1 }, "createErrorHandler.color is no option"],
    [{ classify, onEvent: 1 }, "createErrorHandler.onEvent must be a function (got 1)"],
    [{ classify, operations: [] }, "createErrorHandler.operations options must be an object"],
    [{ classify, maxOperations: 0 }, "createErrorHandler.maxOperations must be an integer >= 1 (got 0)"],
    [{ classify, strategies: { fatal: "none" } }, "createErrorHandler.strategies.fatal is no option"],
    [{ classify, strategies: { low: "panic" } }, "createErrorHandler.strategies.low must be"],
    [{ classify, operations: { read: { tries: 3 } } }, "createErrorHandler.operations.read.tries is no option"],
    [{ classify, operations: { read: { retry: { maxAttempts: 0 } } } }, "retry.maxAttempts must be an integer >= 1"],
    [{ classify, otherOperations: { fallback: 1 } }, "createErrorHandler.otherOperations.fallback must be a function"],
  ])("refuses %j", (options, message) => {
    expect(() => createErrorHandler(options as ErrorHandlerOptions)).toThrow(message);
  });

  it("refuses what is no operation, and one without a name", async () => {
    const { handler } = handlerOf();
    await expect(handler.run("", failing())).rejects.toThrow("errorHandler.name must be the operation's name");
    await expect(handler.run(5 as never, failing())).rejects.toThrow("errorHandler.name must be the operation's name");
    await expect(handler.run("read", 5 as never)).rejects.toThrow("errorHandler.operation must be a function");
  });
});
