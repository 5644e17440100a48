import { describe, expect, it } from "vitest";
import { simulate, type Clock } from "../runtime/index.ts";
import { PendingReads } from "./pending-reads.ts";

interface Setting {
  readonly clock: Clock;
  readonly reads: PendingReads;
  /** What was asked of the node and neither answered nor taken back. */
  readonly open: Set<() => void>;
  readonly add: (options?: { timeoutMs?: number; signal?: AbortSignal }) => Promise<void>;
  readonly pass: (ms: number) => Promise<void>;
}

async function withReads(maxWaiting: number, test: (setting: Setting) => Promise<void>): Promise<void> {
  await simulate({ seed: 1 }, async ({ clock }) => {
    const open = new Set<() => void>();
    const reads = new PendingReads({
      maxWaiting,
      read(ready) {
        open.add(ready);
        return () => open.delete(ready);
      },
    });
    await test({
      clock,
      reads,
      open,
      add: ({ timeoutMs = 5000, signal } = {}) => reads.add(clock.now() + timeoutMs, signal),
      async pass(ms) {
        for (let at = 0; at < ms; at += 50) {
          await clock.sleep(50);
          reads.tick(clock.now());
        }
      },
    });
  });
}

describe("pending reads", () => {
  it("resolve when the node says that they may be answered", () =>
    withReads(10, async ({ open, add, pass }) => {
      const [first, second] = [add(), add({ timeoutMs: 1000 })];
      const [ready] = open;
      ready!();
      await first;
      const late = expect(second).rejects.toMatchObject({ code: "TIMED_OUT" });
      await pass(1000);
      await late;
      // An answer that comes after the deadline finds nobody.
      ready!();
      expect(open.size).toBe(1);
    }));

  it("take their question back when they give up", () =>
    withReads(10, async ({ reads, open, add, pass }) => {
      const controller = new AbortController();
      const all = Promise.allSettled([add({ timeoutMs: 100 }), add({ signal: controller.signal }), add()]);
      expect(open.size).toBe(3);
      await pass(150);
      expect(open.size).toBe(2);
      controller.abort(new Error("gone"));
      expect(open.size).toBe(1);
      reads.close(new Error("stopped"));
      expect(open.size).toBe(0);
      expect(await all).toMatchObject([
        { reason: { code: "TIMED_OUT" } },
        { reason: { message: "gone" } },
        { reason: { message: "stopped" } },
      ]);
    }));

  it("do not begin for a signal that has fired", () =>
    withReads(10, async ({ open, add }) => {
      const reason = new Error("gone");
      await expect(add({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(open.size).toBe(0);
    }));

  it("leave nothing behind when 10 000 callers leave", () =>
    withReads(10_000, async ({ open, add }) => {
      for (let round = 0; round < 3; round++) {
        const callers = Array.from({ length: 10_000 }, () => new AbortController());
        const all = callers.map(({ signal }) => add({ signal }));
        await expect(add()).rejects.toMatchObject({ code: "TOO_MANY_REQUESTS" });
        for (const caller of callers) caller.abort(new Error("gone"));
        for (const one of await Promise.allSettled(all)) expect(one).toMatchObject({ reason: { message: "gone" } });
        expect(open.size).toBe(0);
      }
    }));
});
