import { describe, expect, it } from "vitest";
import { BusinessError, classify, NetworkError } from "../errors/index.ts";
import { VirtualClock } from "../testing/index.ts";
import { createErrorHandler } from "./error-handler.ts";
import type { StrategyTable } from "./error-strategy.ts";

/** What became of an operation that always fails so. */
async function endOf(error: Error, strategies: Partial<StrategyTable>) {
  const clock = new VirtualClock();
  const otherOperations = { retry: { maxAttempts: 3 }, fallback: () => "instead" };
  const handler = createErrorHandler({ classify, clock, strategies, otherOperations });
  const running = handler.run("read", () => {
    throw error;
  });
  await clock.advance(60_000);
  const { ok, strategy, attempts } = await running;
  return { ok, strategy, attempts };
}

describe("the table of strategies", () => {
  it.each([
    ["what may go away and is not to be retried", { transient: "none" }, { ok: false, strategy: "none", attempts: 1 }],
    [
      "what may go away and has another strategy",
      { transient: "fallback", medium: "none" },
      { ok: true, strategy: "fallback", attempts: 1 },
    ],
    ["what is left when the tries are used up", { medium: "none" }, { ok: false, strategy: "none", attempts: 3 }],
    ["a retry of what has used up its tries", { medium: "retry" }, { ok: false, strategy: "none", attempts: 3 }],
  ] as const)("decides about %s", async (_what, table, end) => {
    expect(await endOf(new NetworkError("lost"), table)).toEqual(end);
  });

  it("retries also what will not go away by itself, where it says so, and then passes it on", async () => {
    expect(await endOf(new BusinessError("no"), { low: "retry" })).toEqual({
      ok: false,
      strategy: "none",
      attempts: 3,
    });
  });
});
