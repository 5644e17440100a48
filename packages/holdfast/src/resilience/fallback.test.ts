import { getEventListeners } from "node:events";
import { describe, expect, expectTypeOf, it } from "vitest";
import { explain } from "./explain.ts";
import {
  fallback,
  fallbackChain,
  FallbackFailedError,
  redirect,
  ResultRefusedError,
  type FallbackChainPolicy,
  type FallbackEvent,
  type FallbackPolicy,
} from "./fallback.ts";
import { pipeline } from "./pipeline.ts";
import type { Policy } from "./policy.ts";

const boom = new Error("boom");
const fails = (): Promise<number> => Promise.reject(boom);

describe("fallback", () => {
  it.each<readonly [string, Policy<unknown>, unknown]>([
    ["a value", fallback(7), 7],
    ["undefined", fallback(undefined), undefined],
    ["an empty list", fallback([]), []],
    ["a function", fallback((error) => (error as Error).message), "boom"],
    ["a function's promise", fallback(() => Promise.resolve("later")), "later"],
    ["another operation", fallback(redirect(({ attempt }) => attempt)), 1],
    ["another operation under a policy", fallback(redirect(fails, fallback("second"))), "second"],
  ])("answers with %s", async (_what, policy, expected) => {
    expect(await policy.execute(fails)).toEqual(expected);
    expect(
      await policy.execute(() => {
        throw boom;
      }),
    ).toEqual(expected);
  });

  it("pitfall 15: leaves results alone, also undefined, thenables and synchronous ones", async () => {
    const policy = fallback(7);
    expect(await policy.execute(() => 1)).toBe(1);
    expect(await policy.execute(() => undefined)).toBeUndefined();
    // oxlint-disable-next-line unicorn/no-thenable
    const thenable = { then: (resolve: (value: string) => void) => resolve("thenable") };
    expect(await policy.execute(() => thenable as unknown as PromiseLike<string>)).toBe("thenable");
  });

  it("answers the failures that `on` chooses", async () => {
    const policy = fallback(7, { on: (error) => error !== boom });
    await expect(policy.execute(fails)).rejects.toBe(boom);
    expect(await policy.execute(() => Promise.reject(new Error("other")))).toBe(7);
  });

  it("answers results that `onResult` refuses, and tells the function which", async () => {
    const policy = fallback((error) => (error as ResultRefusedError).result, { onResult: (result) => result === null });
    expect(await policy.execute(() => null)).toBeNull();
    expect(await policy.execute(() => 1)).toBe(1);
    const told: unknown[] = [];
    await fallback((error) => told.push(error), { onResult: () => true }).execute(() => 5);
    expect(told).toEqual([expect.any(ResultRefusedError)]);
    expect(told[0]).toMatchObject({
      name: "ResultRefusedError",
      message: "the operation's result was refused",
      code: "RESULT_REFUSED",
      kind: "business",
      result: 5,
    });
  });

  it("asks several targets in order, each told the failure before it", async () => {
    const told: unknown[] = [];
    const second = new Error("second");
    const events: FallbackEvent[] = [];
    const policy = fallbackChain(
      [
        (error: unknown) => {
          told.push(error);
          throw second;
        },
        (error: unknown) => told.push(error),
        "never",
      ],
      { onEvent: (event) => events.push(event), name: "items" },
    );
    expect(await policy.execute(fails)).toBe(2);
    expect(told).toEqual([boom, second]);
    expect(events).toMatchObject([{ type: "fallbackUsed", policy: "items", error: boom, target: 1 }]);
  });

  it("tells all failures when no target has an answer", async () => {
    const other = new Error("other");
    const events: FallbackEvent[] = [];
    const policy = fallback(() => Promise.reject(other), { onEvent: (event) => events.push(event) });
    const error = await policy.execute(fails).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(FallbackFailedError);
    expect(error).toMatchObject({
      name: "FallbackFailedError",
      message: "the operation failed and its fallback too",
      code: "FALLBACK_FAILED",
      kind: "system",
      cause: boom,
      errors: [boom, other],
    });
    expect(events).toMatchObject([{ type: "fallbackFailed", policy: "", errors: [boom, other] }]);
    const chain = fallbackChain([fails, () => Promise.reject(other), fails]);
    await expect(chain.execute(fails)).rejects.toMatchObject({
      message: "the operation failed and 3 fallbacks too",
      errors: [boom, boom, other, boom],
    });
  });

  it("answers nobody who gave up, and leaves no listener", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    let asked = 0;
    const policy = fallback(() => ++asked);
    const result = policy.execute(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      { signal: controller.signal },
    );
    controller.abort(reason);
    await expect(result).rejects.toBe(reason);
    expect(asked).toBe(0);
    const free = new AbortController();
    await policy.execute(fails, { signal: free.signal });
    expect(getEventListeners(free.signal, "abort")).toEqual([]);
  });

  it("asks nobody about a result that is refused after its caller gave up, nor a second target", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const asked: string[] = [];
    const refusing = fallback(() => asked.push("for a result"), { onResult: () => true });
    const giveUp = (): null => {
      controller.abort(reason);
      return null;
    };
    await expect(refusing.execute(giveUp, { signal: controller.signal })).rejects.toBe(reason);
    const second = new AbortController();
    const chain = fallbackChain([
      () => {
        asked.push("first");
        second.abort(reason);
        throw boom;
      },
      () => asked.push("second"),
    ]);
    await expect(chain.execute(fails, { signal: second.signal })).rejects.toBe(reason);
    expect(asked).toEqual(["first"]);
  });

  it("cancels another operation under a policy when its caller gives up", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const told: unknown[] = [];
    const policy = fallback(
      redirect(({ signal }) => {
        controller.abort(reason);
        told.push(signal.reason);
      }, pipeline()),
    );
    await expect(policy.execute(fails, { signal: controller.signal })).rejects.toBe(reason);
    expect(told).toEqual([reason]);
  });

  it("pitfall 25: a listener that throws changes no answer", async () => {
    const policy = fallback(7, {
      onEvent: () => {
        throw new Error("listener");
      },
    });
    expect(await policy.execute(fails)).toBe(7);
  });

  it("takes another target and other conditions for calls from then on", async () => {
    const policy = fallback<number | undefined>(7);
    const before = Promise.withResolvers<never>();
    const running = policy.execute(() => before.promise);
    policy.update({ target: () => 8, on: (error) => error === boom, onResult: (result) => result === null });
    expect(await policy.execute(fails)).toBe(8);
    expect(await policy.execute(() => null)).toBe(8);
    await expect(policy.execute(() => Promise.reject(new TypeError("other")))).rejects.toThrow("other");
    before.reject(new TypeError("other"));
    expect(await running).toBe(7);
    policy.update({ target: undefined });
    expect(await policy.execute(fails)).toBeUndefined();
    expect(await policy.execute(() => null)).toBeUndefined();
  });

  it("answers a call under way from the chain it began with, also when targets are being asked", async () => {
    const first = Promise.withResolvers<number>();
    const chain = fallbackChain<readonly unknown[]>([() => first.promise, "second"]);
    const running = chain.execute(fails);
    chain.update({ targets: ["other"] });
    expect(await pipeline(chain).execute(fails)).toBe("other");
    first.reject(boom);
    expect(await running).toBe("second");
  });

  it("takes other conditions for a chain, whose targets stay", async () => {
    const chain = fallbackChain([fails, 8], { name: "items" });
    chain.update({ on: (error) => error === boom, onResult: (result) => result === null });
    expect(await chain.execute(fails)).toBe(8);
    expect(await chain.execute(() => null)).toBe(8);
    await expect(chain.execute(() => Promise.reject(new TypeError("other")))).rejects.toThrow("other");
    expect(String(explain(chain))).toContain('"items" (targets: 2)');
    chain.update({ targets: [9] });
    expect(String(explain(chain))).toContain('"items" (targets: 1)');
  });

  it.each([
    [() => fallback(1).update({ target: 2, on: 3 as never }), "fallback.on must be a function (got 3)"],
    [() => fallback(1).update({ name: "x" } as never), "fallback.name is no option; there are target, on, onResult"],
    [() => fallbackChain([1]).update({ targets: [] }), "fallbackChain.targets must be a list of at least one"],
    [() => fallbackChain([1]).update({ target: 1 } as never), "fallbackChain.target is no option"],
  ])("refuses the update %s", (update, message) => {
    expect(update).toThrow(message);
  });

  it("changes nothing by an update that it refuses", async () => {
    const policy = fallback<number>(7);
    expect(() => policy.update({ target: 8, onResult: 9 as never })).toThrow("fallback.onResult must be a function");
    expect(await policy.execute(fails)).toBe(7);
  });

  it("has the types of what it may answer", () => {
    expectTypeOf(fallback(() => "text")).toEqualTypeOf<FallbackPolicy<string>>();
    expectTypeOf(fallbackChain([() => 1, "two"])).toEqualTypeOf<FallbackChainPolicy<1 | "two">>();
    expectTypeOf(pipeline(fallbackChain([() => Promise.resolve(1), "two"])).execute(() => true)).resolves.toEqualTypeOf<
      boolean | number | "two"
    >();
  });

  it.each([
    [() => fallback(1, { on: 1 as never }), "fallback.on must be a function (got 1)"],
    [() => fallback(1, { ob: 1 } as never), "fallback.ob is no option"],
    [() => fallback(1, { onEvent: 1 as never }), "fallback.onEvent must be a function (got 1)"],
    [() => fallbackChain([1], { on: 1 as never }), "fallbackChain.on must be a function (got 1)"],
    [() => redirect(1 as never), "redirect.operation must be a function (got 1)"],
    [() => fallbackChain([]), "fallbackChain.targets must be a list of at least one (got an array of 0)"],
  ])("refuses %s", (make, message) => {
    expect(make).toThrow(message);
  });
});
