import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { retry } from "./retry.ts";

describe("retry on results", () => {
  const retryOnResult = (result: unknown): boolean => result === "no";

  it("tries again, and gives a result that is still refused in the end", async () => {
    const clock = new VirtualClock();
    let calls = 0;
    const policy = retry({ clock, retryOnResult });
    const result = policy.execute(() => (++calls < 9 ? "no" : "yes"));
    await clock.advance(60_000);
    expect([await result, calls, policy.metrics.exhausted]).toEqual(["no", 3, 1]);
  });

  it("pitfall 21: disposes refused results, cancels unread bodies, and leaves the one that is given", async () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    const results = [
      { [Symbol.dispose]: () => log.push("disposed"), refused: true },
      { [Symbol.asyncDispose]: async () => log.push("disposed later"), refused: true },
      { body: new ReadableStream({ cancel: () => void log.push("cancelled") }), refused: true },
      { [Symbol.dispose]: () => log.push("wrong"), refused: false },
    ];
    const result = retry({
      clock,
      maxAttempts: 4,
      retryOnResult: (result) => (result as { readonly refused: boolean }).refused,
    }).execute(({ attempt }) => results[attempt - 1]);
    await clock.advance(60_000);
    expect(await result).toBe(results[3]);
    expect(log).toEqual(["disposed", "disposed later", "cancelled"]);
  });

  it("waits as long as a refused response asks", async () => {
    const clock = new VirtualClock();
    const at: number[] = [];
    const result = retry({ clock, retryOnResult: (result) => (result as Response).status === 503 }).execute(() => {
      at.push(clock.now());
      return new Response("", at.length === 1 ? { status: 503, headers: { "Retry-After": "7" } } : {});
    });
    await clock.advance(60_000);
    expect([(await result).status, at]).toEqual([200, [0, 7_000]]);
  });

  it("pitfall 15: an operation that returns undefined, a value or a thenable, or throws at once, is one like another", async () => {
    const clock = new VirtualClock();
    // oxlint-disable-next-line unicorn/no-thenable -- what this is about
    const thenable = { then: (resolve: (value: number) => void) => resolve(7) };
    const answers: (() => unknown)[] = [
      () => {
        throw new Error("at once");
      },
      () => undefined,
    ];
    const first = retry({ clock }).execute(({ attempt }) => answers[attempt - 1]?.());
    await clock.advance(1_000);
    expect(await first).toBeUndefined();
    expect(await retry({ clock }).execute(() => 5)).toBe(5);
    expect(await retry({ clock }).execute(() => thenable as PromiseLike<number>)).toBe(7);
  });

  it("asks retryOn about errors only", async () => {
    const clock = new VirtualClock();
    const policy = retry({ clock, retryOnResult, retryOn: () => expect.unreachable() });
    const result = policy.execute(({ attempt }) => (attempt < 3 ? "no" : "yes"));
    await clock.advance(60_000);
    expect(await result).toBe("yes");
  });
});
