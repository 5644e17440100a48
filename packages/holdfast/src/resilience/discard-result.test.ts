import { describe, expect, it } from "vitest";
import { discardResult } from "./discard-result.ts";

/** What was called on a result while it was discarded; `this` is the result each time. */
function discarded(make: (log: (what: string) => () => unknown) => object): string[] {
  const calls: string[] = [];
  const owners: unknown[] = [];
  const result = make(
    (what) =>
      function (this: object) {
        owners.push(this);
        calls.push(what);
        return undefined;
      },
  );
  discardResult(result);
  for (const owner of owners) expect([result, (result as { readonly body?: object }).body]).toContain(owner);
  return calls;
}

describe("a result that nobody gets", () => {
  it.each<[string, (log: (what: string) => () => unknown) => object, string[]]>([
    ["is disposed", (log) => ({ [Symbol.dispose]: log("sync") }), ["sync"]],
    [
      "is disposed in its own time, if it can be",
      (log) => ({ [Symbol.dispose]: log("sync"), [Symbol.asyncDispose]: log("async") }),
      ["async"],
    ],
    [
      "is disposed, body and all",
      (log) => ({ [Symbol.dispose]: log("sync"), body: { cancel: log("body") } }),
      ["sync"],
    ],
    ["has its unread body cancelled", (log) => ({ body: { cancel: log("body"), locked: false } }), ["body"]],
    ["keeps a body that somebody reads", (log) => ({ body: { cancel: log("body"), locked: true } }), []],
    ["keeps a body that is no stream", (log) => ({ body: { cancel: log("body") } }), []],
    ["keeps a body that cannot be cancelled", () => ({ body: { cancel: 5, locked: false } }), []],
    ["may have no body", () => ({ body: null }), []],
    ["may have a text for a body", () => ({ body: "text" }), []],
    ["may be anything", () => ({ [Symbol.dispose]: 5, [Symbol.asyncDispose]: null }), []],
  ])("%s", (_, make, expected) => {
    expect(discarded(make)).toEqual(expected);
  });

  it("may be no object at all", () => {
    const values = [undefined, null, 5, "text"];
    for (const value of values) expect(() => discardResult(value)).not.toThrow();
  });

  it("may fail to be disposed, now or later, without anybody being told", async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (error: unknown): unknown => unhandled.push(error);
    process.on("unhandledRejection", onUnhandled);
    let calls = 0;
    discardResult({
      [Symbol.dispose]() {
        calls++;
        throw new Error("now");
      },
    });
    discardResult({
      [Symbol.asyncDispose]: () => {
        calls++;
        return Promise.reject(new Error("later"));
      },
    });
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", onUnhandled);
    expect([calls, unhandled]).toEqual([2, []]);
  });
});
