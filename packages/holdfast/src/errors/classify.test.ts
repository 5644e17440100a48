import { runInNewContext } from "node:vm";
import { anything, assert, constantFrom, dictionary, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { classify, createClassifier, maxRegisteredClassifiers, registerClassifier } from "./classify.ts";
import type { Classifier } from "./classifier.ts";
import { builtInClassifiers } from "./classifiers/built-in.ts";
import { failureMeanings } from "./failure-codes.ts";
import { HoldfastError } from "./holdfast-error.ts";
import { BusinessError, type NetworkError } from "./failure-kinds.ts";
import { InvalidArgumentError } from "./invalid-argument.ts";

const reset = (): Error => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", syscall: "read" });
const refused = (): Error => Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

const shop: Classifier = {
  system: "shop",
  rules: {
    E1: "NOT_FOUND",
    E2: ["CONNECTION_LOST", "none"],
    E3: { code: "SOLD_OUT", kind: "business", effect: "none" },
  },
  keys: (error) => [error.text("shopCode") ?? ""],
};

const shopError = (shopCode: string): Error => Object.assign(new Error("shop"), { shopCode });

describe("what is inside", () => {
  it("is found behind causes, whatever they are called", () => {
    for (const key of ["cause", "originalError", "error", "reason", "err"]) {
      const outer = Object.assign(new Error("outer"), { [key]: new Error("middle", { cause: reset() }) });
      expect(classify(outer)).toMatchObject({
        rule: "node ECONNRESET",
        cause: outer,
        message: "outer: read ECONNRESET",
      });
    }
  });

  it("is found 8 levels deep, and no deeper", () => {
    const nest = (levels: number): Error =>
      levels === 0 ? reset() : new Error(`level ${levels}`, { cause: nest(levels - 1) });
    expect(classify(nest(8)).code).toBe("CONNECTION_LOST");
    expect(classify(nest(9)).code).toBe("UNCLASSIFIED");
  });

  it("of many, one that does not go away decides", () => {
    const denied = Object.assign(new Error("no"), { status: 403 });
    const failure = classify(new AggregateError([refused(), denied, reset()]));
    expect(failure).toMatchObject({ rule: "http 403", retryable: false, effect: "unknown" });
  });

  it("had no effect only when none of many had", () => {
    expect(classify(new AggregateError([refused(), refused()]))).toMatchObject({ effect: "none", retryable: true });
    expect(classify(new AggregateError([refused(), reset()]))).toMatchObject({ effect: "unknown", retryable: true });
  });

  it("may be a failure already", () => {
    const failure = new BusinessError("sold out", { code: "SOLD_OUT" });
    expect(classify(failure)).toBe(failure);
    expect(classify(new Error("order", { cause: failure }))).toMatchObject({ kind: "business", code: "SOLD_OUT" });
  });

  it("keeps what a Holdfast error says of itself", () => {
    const own = new HoldfastError("stopped", { code: "STOPPED", kind: "system", retryable: true });
    expect(classify(own)).toMatchObject({ kind: "system", code: "STOPPED", retryable: true, cause: own });
  });
});

describe("whatever can be thrown", () => {
  const cyclic = new Error("cyclic");
  cyclic.cause = new AggregateError([cyclic, cyclic], "inner", { cause: cyclic });
  const throwing = new Proxy(
    {},
    {
      get: () => {
        throw new Error("no");
      },
      has: () => {
        throw new Error("no");
      },
      ownKeys: () => {
        throw new Error("no");
      },
      getPrototypeOf: () => {
        throw new Error("no");
      },
    },
  );
  const endless: object = new Proxy({}, { get: (_target, key) => (key === "errors" ? [endless, endless] : endless) });
  const { proxy: revoked, revoke } = Proxy.revocable([], {});
  revoke();
  const getters = Object.defineProperties(new Error("x"), {
    code: {
      get() {
        throw new Error("no");
      },
    },
    cause: {
      get: () => new Error("another at each look"),
    },
  });

  it.each<[string, unknown]>([
    ["undefined", undefined],
    ["null", null],
    ["a text", "broken"],
    ["a number", NaN],
    ["a bigint", 7n],
    ["a symbol", Symbol("x")],
    ["a function", () => {}],
    ["a class", HoldfastError],
    ["the prototype", HoldfastError.prototype],
    ["an empty object", {}],
    ["an object without a prototype", Object.create(null)],
    ["a cyclic error", cyclic],
    ["a proxy that throws", throwing],
    ["a proxy that never ends", endless],
    ["a revoked proxy", revoked],
    ["an aggregate of a revoked proxy", { errors: revoked }],
    ["getters that throw", getters],
    ["keys of Object.prototype", { code: "constructor", name: "__proto__", message: "toString" }],
    ["fields of wrong kinds", { code: {}, name: 7, message: [], status: "x", errors: "no", cause: 3, headers: 4 }],
    ["a wide aggregate", new AggregateError(Array.from({ length: 100_000 }, () => new Error("x")))],
    [
      "a wide tree",
      { errors: Array.from({ length: 1000 }, () => ({ errors: Array.from({ length: 1000 }, () => ({})) })) },
    ],
  ])("%s", (_, thrown) => {
    const failure = classify(thrown);
    expect(failure.code).toBe("UNCLASSIFIED");
    expect(failure).toMatchObject({ kind: "system", retryable: false, effect: "unknown" });
    expect(failure.cause).toBe(thrown);
    expect(() => JSON.stringify(failure)).not.toThrow();
    expect(JSON.stringify(failure).length).toBeLessThan(200_000);
  });

  it("a message of 10 MB is cut, and a body of 10 MB is not read", () => {
    const text = "x".repeat(10_000_000);
    const failure = classify(Object.assign(new Error(text), { status: 500, data: `{"title":"${text}"}` }));
    expect(failure.code).toBe("SERVER_FAILED");
    expect(failure.message.length).toBeLessThan(1100);
    expect(JSON.stringify(failure).length).toBeLessThan(5000);
  });

  it("errors of another realm", () => {
    const error: unknown = runInNewContext(
      "new TypeError('x', { cause: Object.assign(new Error('y'), { code: 'EPIPE' }) })",
    );
    expect(error).not.toBeInstanceOf(Error);
    expect(classify(error)).toMatchObject({ rule: "node EPIPE", cause: error });
  });

  it("anything at all gives one of the six kinds", () => {
    const kinds = ["network", "timeout", "consistency", "resource", "business", "system"];
    const whatever = anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true });
    assert(
      property(
        whatever,
        dictionary(constantFrom("code", "cause", "errors", "status", "name", "message"), whatever),
        (value, fields) => {
          const thrown: unknown = typeof value === "object" && value !== null ? { ...value, ...fields } : value;
          const failure = classify(thrown);
          expect(kinds).toContain(failure.kind);
          expect(() => JSON.stringify(failure)).not.toThrow();
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("facts", () => {
  it("of the call are kept", () => {
    const failure = classify(AbortSignal.abort(new DOMException("late", "TimeoutError")).reason, {
      operation: "debit",
      timeoutMs: 250,
      retryCount: 2,
      context: { account: 7 },
    });
    expect(failure).toMatchObject({ operation: "debit", timeoutMs: 250, retryCount: 2 });
    expect(failure.context).toEqual({ operation: "debit", account: 7 });
  });

  it("of a Retry-After date are counted from the given clock", () => {
    const clock = new VirtualClock();
    const date = new Date(clock.wallTime() + 30_000).toUTCString();
    const failure = classify({ status: 503, headers: { "retry-after": date } }, { clock });
    expect(failure).toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    expect((failure as NetworkError).retryAfterMs).toBeGreaterThan(29_000);
    expect((failure as NetworkError).retryAfterMs).toBeLessThanOrEqual(30_000);
  });

  it("of what nobody knows are the caller's choice", () => {
    expect(classify(new Error("?"), { unclassified: "SERVICE_UNAVAILABLE" })).toMatchObject({ kind: "resource" });
  });
});

describe("classifiers of the program", () => {
  it("are asked first, until they are taken back", () => {
    const error = Object.assign(reset(), { shopCode: "E3" });
    expect(classify(error).rule).toBe("node ECONNRESET");
    const unregister = registerClassifier(shop);
    try {
      expect(classify(error)).toMatchObject({ rule: "shop E3", code: "SOLD_OUT", kind: "business", effect: "none" });
      expect(classify(shopError("E1"))).toMatchObject({ code: "NOT_FOUND", kind: "business" });
      expect(classify(shopError("E2"))).toMatchObject({ code: "CONNECTION_LOST", effect: "none" });
    } finally {
      unregister();
    }
    unregister();
    expect(classify(error).rule).toBe("node ECONNRESET");
  });

  it("of createClassifier change nothing elsewhere", () => {
    const own = createClassifier({ classifiers: [shop] });
    expect(own(shopError("E1")).code).toBe("NOT_FOUND");
    expect(own(reset()).code).toBe("CONNECTION_LOST");
    expect(classify(shopError("E1")).code).toBe("UNCLASSIFIED");
    expect(createClassifier({ classifiers: [shop], builtIn: false })(reset()).code).toBe("UNCLASSIFIED");
  });

  it("that throw know nothing", () => {
    const broken: Classifier = {
      ...shop,
      keys() {
        throw new Error("broken");
      },
    };
    expect(createClassifier({ classifiers: [broken] })(reset()).code).toBe("CONNECTION_LOST");
  });

  it.each<[string, () => unknown, string]>([
    ["no system", () => registerClassifier({ ...shop, system: "" }), "registerClassifier.system must be a name"],
    [
      "no keys",
      () => registerClassifier({ ...shop, keys: 7 as never }),
      "registerClassifier.keys must be a function (got 7)",
    ],
    [
      "a wrong rule",
      () => registerClassifier({ ...shop, rules: { X: "NOPE" as never } }),
      'registerClassifier.rules["X"]',
    ],
    ["an option", () => createClassifier({ nope: 1 } as never), "createClassifier.nope is not an option"],
    [
      "no list",
      () => createClassifier({ classifiers: 7 as never }),
      "createClassifier.classifiers must be a list (got 7)",
    ],
  ])("are refused with %s", (_, make, message) => {
    expect(make).toThrow(InvalidArgumentError);
    expect(make).toThrow(message);
  });

  it("are bounded", () => {
    const taken = Array.from({ length: maxRegisteredClassifiers }, () => registerClassifier(shop));
    expect(() => registerClassifier(shop)).toThrow(`takes at most ${maxRegisteredClassifiers}`);
    for (const unregister of taken) unregister();
    expect(classify(shopError("E1")).code).toBe("UNCLASSIFIED");
  });
});

it("the tables name codes that have a meaning, and no system twice", () => {
  const systems = builtInClassifiers.map(({ system }) => system);
  expect(new Set(systems).size).toBe(systems.length);
  for (const { rules } of builtInClassifiers) {
    for (const rule of Object.values(rules)) {
      const code = typeof rule === "string" ? rule : "kind" in rule ? undefined : rule[0];
      expect(Object.keys(failureMeanings)).toContain(code);
    }
  }
});
