import { getEventListeners } from "node:events";
import { describe, expect, expectTypeOf, it } from "vitest";
import { InvalidArgumentError } from "../errors/index.ts";
import type { CallContext, Operation } from "./policy.ts";
import { policyOf } from "./stage.ts";

const through = policyOf<never>({ run: (call, next) => next(call) });

describe("execute", () => {
  const thenable: PromiseLike<string> = {
    // A thenable on purpose: operations may return one.
    // oxlint-disable-next-line unicorn/no-thenable
    then: (resolve) => Promise.resolve("thenable").then(resolve),
  };
  const failure = new Error("failed");

  it.each<[string, Operation<unknown>, unknown]>([
    ["a promise", () => Promise.resolve(1), 1],
    ["a value", () => 2, 2],
    ["pitfall 15: undefined", () => undefined, undefined],
    ["pitfall 15: null", () => null, null],
    ["a thenable", () => thenable, "thenable"],
    ["an async function", async () => "async", "async"],
  ])("resolves for %s", async (_, operation, expected) => {
    const result = through.execute(operation);
    expect(result).toBeInstanceOf(Promise);
    expect(await result).toBe(expected);
  });

  it.each<[string, Operation<unknown>]>([
    ["a rejection", () => Promise.reject(failure)],
    [
      "pitfall 15: a synchronous throw",
      () => {
        throw failure;
      },
    ],
    [
      "a thenable that cannot be read",
      () => ({
        // oxlint-disable-next-line unicorn/no-thenable
        get then(): never {
          throw failure;
        },
      }),
    ],
  ])("rejects with the very error for %s", async (_, operation) => {
    await expect(through.execute(operation)).rejects.toBe(failure);
  });

  it.each([undefined, null, 3, "fetch", {}])("refuses %j as an operation, by rejecting", async (operation) => {
    const result = through.execute(operation as never);
    await expect(result).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(result).rejects.toThrow(/^execute\.operation must be a function \(got /);
  });

  it("tells the operation the attempt and a signal", async () => {
    const context = await through.execute((context) => ({
      ...context,
      attempt: context.attempt,
      signal: context.signal,
    }));
    expect(context.attempt).toBe(1);
    expect(context.signal.aborted).toBe(false);
  });

  it("gives the operation the caller's signal", async () => {
    const { signal } = new AbortController();
    expect(await through.execute((context) => context.signal, { signal })).toBe(signal);
  });
});

describe("the caller's abort", () => {
  it("before the call: the operation is not called", async () => {
    let calls = 0;
    const result = through.execute(() => calls++, { signal: AbortSignal.abort("no") });
    await expect(result).rejects.toBe("no");
    expect(calls).toBe(0);
  });

  it("pitfall 30: wins over an operation that never settles, with the signal's reason", async () => {
    const controller = new AbortController();
    const result = through.execute(() => new Promise<never>(() => {}), { signal: controller.signal });
    const reason = new Error("the user has left");
    controller.abort(reason);
    await expect(result).rejects.toBe(reason);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
  });

  it("from inside the operation wins too", async () => {
    const controller = new AbortController();
    const result = through.execute(
      () => {
        controller.abort("inside");
        return new Promise<never>(() => {});
      },
      { signal: controller.signal },
    );
    await expect(result).rejects.toBe("inside");
  });

  it.each([
    ["a success", () => Promise.resolve(1)],
    ["a failure", () => Promise.reject(new Error("failed"))],
    [
      "a synchronous throw",
      () => {
        throw new Error("failed");
      },
    ],
  ])("pitfall 8: no listener stays after %s", async (_, operation: Operation<unknown>) => {
    const { signal } = new AbortController();
    const result = through.execute(operation, { signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    await result.catch(() => {});
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("pitfall 13: what the operation does afterwards reaches nobody", async () => {
    const controller = new AbortController();
    const late = Promise.withResolvers<never>();
    const unhandled: unknown[] = [];
    const onUnhandled = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", onUnhandled);
    const result = through.execute(() => late.promise, { signal: controller.signal });
    controller.abort("left");
    await expect(result).rejects.toBe("left");
    late.reject(new Error("late"));
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", onUnhandled);
    expect(unhandled).toEqual([]);
  });
});

describe("wrap", () => {
  it("passes arguments and results, with their types", async () => {
    const add = through.wrap(async (a: number, b: number) => a + b);
    expectTypeOf(add).toEqualTypeOf<(a: number, b: number) => Promise<number>>();
    expect(await add(2, 3)).toBe(5);
  });

  it("makes of a synchronous throw a rejection", async () => {
    const parse = through.wrap((text: string) => JSON.parse(text) as unknown);
    await expect(parse("{")).rejects.toBeInstanceOf(SyntaxError);
  });

  it("refuses what is no function, at once", () => {
    expect(() => through.wrap(undefined as never)).toThrow("wrap.fn must be a function (got undefined)");
  });

  it("widens the result by the policy's fallback", () => {
    const orNull = policyOf<null>({ run: (call, next) => next(call).catch(() => null) });
    expectTypeOf(orNull.wrap((id: string) => id.length)).toEqualTypeOf<(id: string) => Promise<number | null>>();
    expectTypeOf(orNull.execute((context: CallContext) => context.attempt)).toEqualTypeOf<Promise<number | null>>();
  });

  it("disposes a result that comes after its caller has left", async () => {
    let disposed = 0;
    const { promise, resolve } = Promise.withResolvers<object>();
    const controller = new AbortController();
    const given = through.execute(() => promise, { signal: controller.signal });
    controller.abort("enough");
    await expect(given).rejects.toBe("enough");
    resolve({ [Symbol.dispose]: () => disposed++ });
    await promise;
    await Promise.resolve();
    expect(disposed).toBe(1);
  });
});
