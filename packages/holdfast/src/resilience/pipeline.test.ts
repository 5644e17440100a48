import { describe, expect, expectTypeOf, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { Call } from "./call.ts";
import { pipeline } from "./pipeline.ts";
import type { CallContext, Policy } from "./policy.ts";
import { retry } from "./retry.ts";
import { policyOf, stageOf, type Staged } from "./stage.ts";

const seen: string[] = [];

function noting(name: string): Policy & Staged {
  return policyOf<never>({
    run: async (call, next) => {
      seen.push(`${name}:in`);
      try {
        return await next(call);
      } finally {
        seen.push(`${name}:out`);
      }
    },
  });
}

async function orderOf(policy: Policy): Promise<string> {
  seen.length = 0;
  await policy.execute(() => void seen.push("operation"));
  return seen.join(" ");
}

const inOrder = "a:in b:in c:in operation c:out b:out a:out";

describe("a pipeline", () => {
  it("runs outermost first", async () => {
    expect(await orderOf(pipeline(noting("a"), noting("b"), noting("c")))).toBe(inOrder);
  });

  it.each([
    ["first", () => pipeline(pipeline(noting("a"), noting("b")), noting("c"))],
    ["last", () => pipeline(noting("a"), pipeline(noting("b"), noting("c")))],
    ["alone", () => pipeline(pipeline(pipeline(noting("a"), noting("b"), noting("c"))))],
  ])("runs another pipeline inside: %s", async (_, make) => {
    expect(await orderOf(make())).toBe(inOrder);
  });

  it("of no policies only makes a promise", async () => {
    expect(await pipeline().execute(() => 7)).toBe(7);
  });

  it("may be called by a stage that goes on elsewhere", async () => {
    const inner = pipeline(noting("a"), noting("b")) as Policy & Staged;
    const outer = policyOf<never>({
      run: (call, next) =>
        inner[stageOf].run(call, (call) => {
          seen.push("elsewhere");
          return next(call);
        }),
    });
    expect(await orderOf(outer)).toBe("a:in b:in elsewhere operation b:out a:out");
  });

  it.each([undefined, null, 4, {}, () => 1])("refuses %j as a policy, with its place", (value) => {
    expect(() => pipeline(noting("a"), value as never)).toThrow(/^pipeline\[1\] must be a policy \(got /);
  });

  it("lets a stage call the operation again", async () => {
    const twice = policyOf<never>({
      run: async (call, next) => {
        await next(call);
        return next(call);
      },
    });
    let calls = 0;
    expect(await pipeline(noting("a"), twice).execute(() => ++calls)).toBe(2);
  });
});

describe("a policy of another make", () => {
  const foreign = (execute: Policy["execute"]): Policy => ({
    execute,
    wrap:
      (fn) =>
      async (...args) =>
        fn(...args),
  });

  it("takes part through its public face", async () => {
    const policy = foreign(async (operation, options) => {
      seen.push("b:in");
      const result = await operation({ signal: options?.signal ?? new AbortController().signal, attempt: 1 });
      seen.push("b:out");
      return result;
    });
    expect(await orderOf(pipeline(noting("a"), policy, noting("c")))).toBe(inOrder);
  });

  it("hands on the signal and the attempt that it gives", async () => {
    const { signal } = new AbortController();
    const policy = foreign(async (operation) => operation({ signal, attempt: 9 }));
    const context = await pipeline(policy).execute((context: CallContext) => [context.signal, context.attempt]);
    expect(context).toEqual([signal, 9]);
    expect(context[0]).toBe(signal);
  });

  it("that tells nothing leaves the caller's signal", async () => {
    const { signal } = new AbortController();
    const policy = foreign(async (operation) => (operation as () => never)());
    expect(await pipeline(policy).execute((context) => context.signal, { signal })).toBe(signal);
  });

  it("is told what the caller said about the call, and hands it on, with the attempt", async () => {
    const told: unknown[] = [];
    const policy = foreign(async (operation, options) => {
      told.push(options);
      return (operation as () => never)();
    });
    const { signal } = new AbortController();
    let attempts = 0;
    const again = policyOf<never>({ run: (call, next) => next(new Call(call.operation, call, 2, call.options)) });
    const inner = policyOf<never>({
      run: (call, next) => {
        told.push(call.options);
        return next(call);
      },
    });
    const said = { signal, priority: 3, key: "tenant" };
    await pipeline(again, policy, inner).execute(({ attempt }) => (attempts = attempt), said);
    expect(told).toEqual([said, said]);
    expect((told[0] as typeof said).signal).toBe(signal);
    expect(attempts).toBe(2);
  });

  it("cancels what is inside it by the signal that it gives", async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const policy = foreign(async (operation) => operation({ signal: controller.signal, attempt: 1 }));
    const result = pipeline(policy, retry({ clock, jitter: "none" })).execute(() =>
      Promise.reject(new Error("failed")),
    );
    result.catch(() => undefined);
    await clock.advance(50);
    controller.abort("enough");
    await expect(result).rejects.toBe("enough");
    expect(clock.pending).toBe(0);
  });

  it("that throws rejects", async () => {
    const policy = foreign(() => {
      throw new Error("broken");
    });
    await expect(pipeline(policy).execute(() => 1)).rejects.toThrow("broken");
  });
});

describe("the type of a pipeline", () => {
  const plain: Policy = policyOf<never>({ run: (call, next) => next(call) });
  const orNull: Policy<null> = policyOf<null>({ run: (call, next) => next(call) });
  const orText: Policy<"none"> = policyOf<"none">({ run: (call, next) => next(call) });

  it("is the operation's result alone where no policy answers itself", () => {
    expectTypeOf(pipeline(plain, plain).execute(() => 1)).toEqualTypeOf<Promise<number>>();
  });

  it("widens by each policy's fallback, for any number of policies", () => {
    const many = pipeline(orNull, plain, plain, plain, plain, plain, plain, plain, orText);
    expectTypeOf(many.execute(async () => 1)).toEqualTypeOf<Promise<number | null | "none">>();
    expectTypeOf(pipeline(plain, many).execute(async () => 1)).toEqualTypeOf<Promise<number | null | "none">>();
  });
});
