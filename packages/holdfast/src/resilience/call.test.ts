import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { Call, ScopedCall } from "./call.ts";

const operation = (): number => 1;

function scopeOf(call: Call, attempt: number = call.attempt): ScopedCall {
  return new ScopedCall(operation, call, attempt);
}

function listeners(signal: AbortSignal): number {
  return getEventListeners(signal, "abort").length;
}

describe("a call's signal", () => {
  it("is the caller's own when there is one", () => {
    const { signal } = new AbortController();
    expect(new Call(operation, signal, 1).signal).toBe(signal);
  });

  it("without a caller's is made once, and for this call alone", () => {
    const call = new Call(operation, undefined, 1);
    expect(call.signal).toBe(call.signal);
    expect(call.signal.aborted).toBe(false);
    expect(call.signal).not.toBe(new Call(operation, undefined, 1).signal);
  });

  it("of a call that nobody can give up is not listened to", () => {
    const call = new Call(operation, undefined, 1);
    const inner = new Call(operation, call, 1);
    for (const each of [call, inner]) {
      expect([each.abortable, each.aborted, each.reason]).toEqual([false, false, undefined]);
      expect(each.onAbort(() => undefined)).toBeUndefined();
      expect(listeners(each.signal)).toBe(0);
    }
    const { signal } = new AbortController();
    const abortable = new Call(operation, signal, 1);
    const unlisten = abortable.onAbort(() => undefined);
    expect([abortable.abortable, listeners(signal)]).toEqual([true, 1]);
    unlisten?.();
    expect(listeners(signal)).toBe(0);
  });

  it("passes through a layer that cannot be aborted by itself", () => {
    const { signal } = new AbortController();
    const call = new Call(operation, new Call(operation, signal, 1), 2);
    expect(call.signal).toBe(signal);
    expect(call.attempt).toBe(2);
  });
});

describe("a scope", () => {
  it("registers nothing until its signal is read, and nothing after its end", () => {
    const { signal } = new AbortController();
    const scope = scopeOf(new Call(operation, signal, 1));
    expect(listeners(signal)).toBe(0);
    expect(scope.signal.aborted).toBe(false);
    expect(listeners(signal)).toBe(1);
    scope.end();
    expect(listeners(signal)).toBe(0);
  });

  it("read for the first time after its end registers nothing either", () => {
    const { signal } = new AbortController();
    const scope = scopeOf(new Call(operation, signal, 1));
    scope.end();
    expect(scope.signal.aborted).toBe(false);
    expect(listeners(signal)).toBe(0);
  });

  it("is aborted with what is around it, at any depth, with the same reason", () => {
    const controller = new AbortController();
    const inner = scopeOf(scopeOf(new Call(operation, controller.signal, 1)), 3);
    const { signal } = inner;
    controller.abort("enough");
    expect([signal.aborted, signal.reason, inner.attempt]).toEqual([true, "enough", 3]);
  });

  it.each([
    ["before its signal is read", false],
    ["after", true],
  ])("aborted alone %s leaves the outer one", (_, readFirst) => {
    const controller = new AbortController();
    const call = new Call(operation, controller.signal, 1);
    const scope = scopeOf(call);
    const sibling = scopeOf(call);
    if (readFirst) expect(scope.signal.aborted).toBe(false);
    scope.abort("too late");
    scope.abort("again");
    expect([scope.signal.aborted, scope.signal.reason]).toEqual([true, "too late"]);
    expect([sibling.signal.aborted, call.signal.aborted]).toEqual([false, false]);
    sibling.end();
    expect(listeners(controller.signal)).toBe(0);
  });

  it("of a scope that was aborted unseen is aborted when read", () => {
    const scope = scopeOf(new Call(operation, undefined, 1));
    const inner = scopeOf(scope);
    scope.abort("gone");
    expect([inner.signal.aborted, inner.signal.reason]).toEqual([true, "gone"]);
  });

  it("of a caller who has given up is aborted when read", () => {
    const scope = scopeOf(new Call(operation, AbortSignal.abort("no"), 1));
    expect([scope.signal.aborted, scope.signal.reason]).toEqual([true, "no"]);
  });

  it("pitfall 8: many on one long-lived signal leave no listener behind", () => {
    const { signal } = new AbortController();
    const scopes = Array.from({ length: 50 }, () => scopeOf(new Call(operation, signal, 1)));
    for (const scope of scopes) expect(scope.signal.aborted).toBe(false);
    expect(listeners(signal)).toBe(1);
    for (const [at, scope] of scopes.entries()) {
      if (at % 2 === 0) scope.end();
      else scope.abort("over");
    }
    expect(listeners(signal)).toBe(0);
  });
});
