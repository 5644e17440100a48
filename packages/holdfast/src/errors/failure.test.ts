import { spawn } from "node:child_process";
import { once } from "node:events";
import { anything, assert, constantFrom, double, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { aggregateErrors } from "./aggregate-errors.ts";
import { errorContext, isTransient, retryDelayMs } from "./assessment.ts";
import { severityOf } from "./severity.ts";
import { serializeError } from "./error-json.ts";
import {
  BusinessError,
  ConsistencyError,
  NetworkError,
  OperationTimeoutError,
  ResourceError,
  SystemError,
  type AnyFailure,
} from "./failure-kinds.ts";
import { HoldfastError } from "./holdfast-error.ts";
import { reviveError } from "./revive-error.ts";

const clock = { wallTime: (): number => 1_000_000 };
const cause = new TypeError("inner", { cause: Object.assign(new Error("innermost"), { code: "EPIPE" }) });

const failures: readonly (readonly [AnyFailure, boolean, string])[] = [
  [
    new NetworkError("gone", { code: "CONNECTION_LOST", retryAfterMs: 5, cause, context: { host: "a", port: 1 } }),
    true,
    "medium",
  ],
  [
    new OperationTimeoutError("late", { operation: "read", timeoutMs: 100, retryCount: 3, effect: "none" }),
    true,
    "medium",
  ],
  [
    new ConsistencyError("changed", { expectedState: { version: 1 }, actualState: [2], conflictResolution: "merge" }),
    false,
    "high",
  ],
  [
    new ResourceError("full", { code: "DISK_FULL", resourceType: "disk", resourceId: "/", isRecoverable: false }),
    false,
    "high",
  ],
  [new ResourceError("busy", { resourceType: "connections", retryAfterMs: 70 }), true, "high"],
  [new BusinessError("refused", { code: "SOLD_OUT", context: { item: "x", left: 0, final: true } }), false, "low"],
  [new SystemError("broken", { component: "log", details: "fsync", clock }), false, "critical"],
];

describe.each(failures)("%s", (failure, transient, severity) => {
  it("has its kind's meaning", () => {
    expect(isTransient(failure)).toBe(transient);
    expect(severityOf(failure)).toBe(severity);
    expect(HoldfastError.is(failure)).toBe(true);
  });

  it("comes back from JSON as it was", () => {
    const revived = reviveError(JSON.parse(JSON.stringify(failure)));
    expect(revived).toBeInstanceOf(failure.constructor);
    expect(JSON.stringify(revived)).toBe(JSON.stringify(failure));
    expect(Object.entries(revived)).toEqual(Object.entries(failure));
    expect(revived.name).toBe(failure.name);
  });

  it("has a flat context", () => {
    for (const value of Object.values(errorContext(failure))) expect(typeof value).toMatch(/string|number|boolean/);
    expect(errorContext(failure)).toMatchObject({ code: failure.code, kind: failure.kind, severity, transient });
  });
});

describe("retryDelayMs", () => {
  it("is what the other side asked for, within the bound", () => {
    expect(retryDelayMs(new NetworkError("x", { retryAfterMs: 70 }))).toBe(70);
    expect(retryDelayMs(new NetworkError("x", { retryAfterMs: Infinity }))).toBe(60_000);
    expect(retryDelayMs(new NetworkError("x", { retryAfterMs: -1 }))).toBe(0);
    expect(retryDelayMs(new NetworkError("x"))).toBeUndefined();
    expect(retryDelayMs(new ResourceError("x", { retryAfterMs: 70, isRecoverable: false }))).toBeUndefined();
  });

  it("doubles a timeout with every retry, and never overflows", () => {
    const delay = (timeoutMs: number, retryCount: number, maxDelayMs = 60_000): number | undefined =>
      retryDelayMs(new OperationTimeoutError("x", { timeoutMs, retryCount }), { maxDelayMs });
    expect(delay(100, 0)).toBe(100);
    expect(delay(100, 3)).toBe(800);
    assert(
      property(double({ min: 0, noNaN: true }), double({ noNaN: true }), (timeoutMs, retryCount) => {
        const given = delay(timeoutMs, retryCount, 5000)!;
        expect(given >= 0 && given <= 5000).toBe(true);
      }),
    );
    expect(() => delay(1, 1, NaN)).toThrow("retryDelayMs.maxDelayMs must be >= 0 (got NaN)");
  });
});

describe("JSON", () => {
  it("keeps causes and aggregates", () => {
    const error = new AggregateError([cause, "text", new NetworkError("gone")], "all", { cause });
    const revived = reviveError(JSON.parse(JSON.stringify(serializeError(error)))) as AggregateError;
    expect(revived).toBeInstanceOf(AggregateError);
    expect(revived.errors.map(String)).toEqual(["TypeError: inner", "text", "NetworkError: gone"]);
    expect(revived.errors[2]).toBeInstanceOf(NetworkError);
    expect(((revived.cause as Error).cause as { readonly code: string }).code).toBe("EPIPE");
  });

  it("says where it was cut: cycles, depth and size", () => {
    const cyclic = new Error("a");
    cyclic.cause = new Error("b", { cause: cyclic });
    expect(serializeError(cyclic)).toMatchObject({ cause: { cause: { message: "a", omitted: "cycle" } } });
    let deep = new Error("deep");
    for (let at = 0; at < 100; at++) deep = new Error("deep", { cause: deep });
    expect(JSON.stringify(serializeError(deep))).toContain('"omitted":"depth"');
    const wide = new AggregateError(
      Array.from({ length: 32 }, () => new AggregateError(Array.from({ length: 32 }, () => new Error("x")))),
    );
    const text = JSON.stringify(serializeError(wide));
    expect(text).toContain('"omitted":"size"');
    expect(text.length).toBeLessThan(100_000);
    expect(() => reviveError(serializeError(deep))).not.toThrow();
  });

  it("keeps secrets of foreign errors out, and stacks unless they are asked for", () => {
    const error = Object.assign(new Error("x"), { config: { password: "secret" }, code: "EPIPE" });
    expect(serializeError(error)).toEqual({ name: "Error", message: "x", code: "EPIPE" });
    expect(serializeError(error, { stack: true }).stack).toContain("failure.test.ts");
  });

  it("revives an error of another room by its kind, under its name", () => {
    class LeaseLostError extends HoldfastError {}
    const error = new LeaseLostError("lost", { code: "LEASE_LOST", kind: "consistency" });
    const revived = reviveError(JSON.parse(JSON.stringify(serializeError(error))));
    expect(revived).toBeInstanceOf(ConsistencyError);
    expect(revived).toMatchObject({ name: "LeaseLostError", code: "LEASE_LOST", retryable: false });
  });

  it("revives anything without throwing", () => {
    assert(
      property(
        anything(),
        constantFrom("network", "timeout", "consistency", "resource", "business", "system", "x"),
        (value, kind) => {
          expect(reviveError(value)).toBeInstanceOf(Error);
          expect(
            reviveError({ kind, message: value, cause: value, errors: value, context: value, code: value }),
          ).toBeInstanceOf(Error);
        },
      ),
    );
    const polluted = reviveError(JSON.parse('{"kind":"business","context":{"__proto__":1,"a":2},"message":"x"}'));
    expect(Object.getPrototypeOf((polluted as BusinessError).context)).toBe(Object.prototype);
  });

  it("crosses to another process and back", async () => {
    const child = spawn(
      process.execPath,
      ["-e", "process.on('message', (m) => process.send(m, () => process.exit()))"],
      {
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      },
    );
    child.send(serializeError(failures[0]![0]));
    const [answer] = (await once(child, "message")) as unknown[];
    expect(reviveError(answer)).toBeInstanceOf(NetworkError);
    expect(reviveError(answer)).toMatchObject({ code: "CONNECTION_LOST", retryAfterMs: 5, kind: "network" });
    await once(child, "exit");
  });
});

describe("aggregateErrors", () => {
  it("takes aggregates apart, and counts what is the same", () => {
    const shared = new Error("b");
    const all = aggregateErrors(
      [new Error("a"), new AggregateError([shared, new AggregateError([new Error("a")])]), shared],
      "send",
    );
    expect(all).toBeInstanceOf(AggregateError);
    expect(all.errors).toHaveLength(3);
    expect(all.message).toBe("send: a (2 times), b");
  });

  it("is bounded, and ends for an aggregate of itself", () => {
    const cyclic = new AggregateError([new Error("x")]);
    cyclic.errors.push(cyclic);
    expect(aggregateErrors([cyclic]).errors).toHaveLength(1);
    const many = aggregateErrors(Array.from({ length: 20_000 }, (_, at) => new Error(`m${at}`)));
    expect(many.errors).toHaveLength(1000);
    expect(many.message.length).toBeLessThan(1100);
    expect(() => aggregateErrors([])).toThrow("must be a list of at least one error");
  });
});
