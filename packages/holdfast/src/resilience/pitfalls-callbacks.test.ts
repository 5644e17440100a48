import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import {
  breakerRegistry,
  bulkhead,
  cache,
  circuitBreaker,
  concurrencyLimiter,
  fallback,
  hedge,
  isRejection,
  pipeline,
  rateLimiter,
  retry,
  throttle,
  timeout,
  type Policy,
  type PolicyEvent,
} from "./index.ts";

/** Mistakes at the edges: with what operations give, what listeners do, what is kept, and how methods are wrapped. */

const boom = new Error("boom");

type Make = (clock: VirtualClock, onEvent?: (event: PolicyEvent) => void) => Policy<unknown>;

const all: readonly [string, Make][] = [
  ["retry", (clock, onEvent = ignore) => retry({ clock, onEvent })],
  ["circuitBreaker", (clock, onEvent = ignore) => circuitBreaker({ clock, onEvent, slowCall: { ms: 50 } })],
  ["timeout", (clock, onEvent = ignore) => timeout({ clock, onEvent })],
  ["bulkhead", (clock, onEvent = ignore) => bulkhead({ clock, onEvent })],
  ["hedge", (clock, onEvent = ignore) => hedge({ clock, onEvent })],
  ["throttle", (clock, onEvent = ignore) => throttle({ clock, onEvent })],
  ["concurrencyLimiter", (clock, onEvent = ignore) => concurrencyLimiter({ clock, onEvent })],
  ["rateLimiter", (clock, onEvent = ignore) => rateLimiter({ clock, onEvent, limits: { permits: 99, perMs: 1_000 } })],
  ["fallback", (clock, onEvent = ignore) => fallback("answer", { clock, onEvent, on: (error) => error !== boom })],
];

function ignore(): void {
  // Nobody listens.
}

describe("mistakes at the edges", () => {
  it.each(all)("pitfall 15: %s takes results that are no promises, undefined, and throws at once", async (_, make) => {
    const policy = make(new VirtualClock());
    for (const value of [undefined, null, 0, "", false]) expect(await policy.execute(() => value)).toBe(value);
    // oxlint-disable-next-line unicorn/no-thenable -- that is what it is to take
    const thenable = { then: (resolve: (value: number) => void) => resolve(7) } as unknown as PromiseLike<number>;
    expect(await policy.execute(() => thenable)).toBe(7);
    const abort = new DOMException("not worth another try", "AbortError");
    const failures = [
      () => Promise.reject(abort),
      () => {
        throw abort;
      },
    ].map((operation) => policy.execute(operation).catch((error: unknown) => ({ error })));
    const [late, atOnce] = await Promise.all(failures);
    expect(atOnce).toEqual(late);
    expect([{ error: abort }, "answer"]).toContainEqual(atOnce);
  });

  it("pitfall 25: listeners that throw make no success a failure, run nothing twice, and hide no error", async () => {
    const clock = new VirtualClock();
    let told = 0;
    const angry = (): never => {
      told++;
      throw new Error("listener");
    };
    for (const [name, make] of all) {
      const policy = make(clock, angry);
      let calls = 0;
      expect(await policy.execute(() => ++calls)).toBe(1);
      expect([name, calls]).toEqual([name, 1]);
    }
    const policy = pipeline(
      fallback("answer", { clock, onEvent: angry }),
      retry({ clock, onEvent: angry, maxAttempts: 2 }),
      circuitBreaker({ clock, onEvent: angry, window: { kind: "consecutive", failures: 2 } }),
      timeout({ clock, onEvent: angry, timeoutMs: 10 }),
      bulkhead({ clock, onEvent: angry, maxConcurrent: 1 }),
    );
    let calls = 0;
    const operation = (): Promise<never> => {
      calls++;
      return clock.sleep(50).then(() => Promise.reject(boom));
    };
    const results = Promise.all([policy.execute(operation), policy.execute(operation)]);
    await clock.advance(60_000);
    expect(await results).toEqual(["answer", "answer"]);
    // The other waited for its place until its time was over, and then the breaker was open.
    expect(calls).toBe(1);
    expect(told).toBeGreaterThan(5);
  });

  it("pitfall 26: who leaves takes nobody else along, in whatever order they leave", async () => {
    const clock = new VirtualClock();
    const places = bulkhead({ clock, maxConcurrent: 1 });
    const { signal: shared } = new AbortController();
    const permit = places.tryAcquire();
    const controllers = [new AbortController(), new AbortController(), new AbortController()] as const;
    const waiting = controllers.map(({ signal }, at) => places.execute(() => at, { signal }));
    const other = places.execute(() => "other", { signal: shared });
    controllers[0].abort("first");
    controllers[1].abort("second");
    await expect(waiting[0]).rejects.toBe("first");
    await expect(waiting[1]).rejects.toBe("second");
    permit?.release();
    expect(await Promise.all([waiting[2], other])).toEqual([2, "other"]);
  });

  it("pitfall 26: nothing keeps a policy that nobody uses any more", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const clock = new VirtualClock();
    const policies: WeakRef<object>[] = [];
    const use = async (): Promise<void> => {
      for (let turn = 0; turn < 50; turn++) {
        const made = [...all.map(([, make]) => make(clock)), cache({ clock })];
        const whole = pipeline(...made);
        await whole.execute(() => turn, { key: "one" });
        const keyed = breakerRegistry({ create: () => ({}), clock });
        await keyed.execute("key", () => turn);
        policies.push(...[...made, whole, keyed].map((policy) => new WeakRef(policy)));
      }
    };
    await use();
    let kept = policies.length;
    for (let turn = 0; turn < 10 && kept > 0; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
      kept = policies.filter((policy) => policy.deref() !== undefined).length;
    }
    expect(policies.length).toBe(600);
    // The last round may still be on a stack or in a register.
    expect(kept).toBeLessThan(30);
    // The timer that all limits of one clock share comes once more, finds nothing, and is not set again.
    await clock.advance(60_000);
    expect(clock.pending).toBe(0);
  });

  it("pitfall 29: errors of another copy of the package are known, where instanceof fails", async () => {
    // Another copy has other classes, the same code and the same registered symbol.
    class HoldfastErrorOfAnotherCopy extends Error {
      readonly code: string = "CIRCUIT_OPEN";
      readonly retryable: boolean = true;
    }
    Object.defineProperty(HoldfastErrorOfAnotherCopy.prototype, Symbol.for("holdfast.error"), { value: true });
    const foreign = new HoldfastErrorOfAnotherCopy("open");
    expect(isRejection(foreign)).toBe(true);
    expect(isRejection(Object.assign(new Error("open"), { code: "CIRCUIT_OPEN" }))).toBe(false);

    const clock = new VirtualClock();
    const breaker = circuitBreaker({ clock, window: { kind: "consecutive", failures: 1 } });
    let calls = 0;
    const policy = pipeline(retry({ clock }), breaker);
    const result = policy.execute(() => {
      calls++;
      return Promise.reject(foreign);
    });
    await expect(result).rejects.toBe(foreign);
    // Neither tried again nor held against what is protected.
    expect([calls, breaker.state, breaker.metrics.totals.ignored]).toEqual([1, "closed", 1]);
  });

  it("pitfall 31: methods are wrapped without decorators, as fields, and know what they are methods of", async () => {
    const clock = new VirtualClock();
    const breaker = circuitBreaker({ clock, window: { kind: "consecutive", failures: 2 } });
    const policy = pipeline(
      fallback((error) => (error as Error).message),
      breaker,
    );
    class Quotes {
      readonly #prices: ReadonlyMap<string, number>;
      readonly price: (symbol: string) => Promise<number | string> = policy.wrap((symbol) => this.#read(symbol));

      constructor(prices: Readonly<Record<string, number>>) {
        this.#prices = new Map(Object.entries(prices));
      }

      #read(symbol: string): number {
        const price = this.#prices.get(symbol);
        if (price === undefined) throw new Error(`no ${symbol}`);
        return price;
      }
    }
    const [one, other] = [new Quotes({ a: 1 }), new Quotes({ a: 2 })];
    expect([await one.price("a"), await other.price("a"), await one.price("b")]).toEqual([1, 2, "no b"]);
    const { price } = other;
    expect(await price("a")).toBe(2);
    // What is shared by all instances is the policy.
    await other.price("c");
    await one.price("d");
    expect(breaker.state).toBe("open");
  });

  it("pitfall 31: wrap as a decorator works by the standard's calling convention and by the older one", async () => {
    const policy = retry({ clock: new VirtualClock() });
    type Method = (this: Counter, by: number) => unknown;
    // eslint-disable-next-line unbound-method -- as a decorator takes it
    const resilient: (method: Method) => Method = policy.wrap;
    class Counter {
      total = 0;
      add(by: number): unknown {
        return (this.total += by);
      }
    }
    const { value: add } = Object.getOwnPropertyDescriptor(Counter.prototype, "add") as { value: Method };
    // Standard: a function of the method and its context, which gives the method to put there.
    const context = { kind: "method", name: "add", static: false, private: false };
    const standard = (resilient as (method: Method, of: object) => Method)(add, context);
    // Older: a function of the prototype, the name and a descriptor, whose value it replaces.
    const descriptor: { value: Method } = { value: add };
    descriptor.value = resilient(descriptor.value);
    for (const method of [standard, descriptor.value]) {
      const counter = new Counter();
      expect(await method.call(counter, 5)).toBe(5);
      expect(counter.total).toBe(5);
    }
  });
});
