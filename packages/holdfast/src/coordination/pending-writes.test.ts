import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { simulate, type Clock } from "../runtime/index.ts";
import type { Outcome } from "./key-value/command.ts";
import type { RequestIdentity } from "./coordination.ts";
import { PendingWrites } from "./pending-writes.ts";

const retryMs = 500;
const outcome: Outcome = { type: "put", response: {}, revision: 4 };

interface Setting {
  readonly clock: Clock;
  readonly writes: PendingWrites;
  /** First bytes of the commands proposed so far. */
  readonly proposed: number[];
  leading: boolean;
  term: number;
  /** Adds a write whose command is its sequence. */
  readonly add: (sequence: number, options?: { timeoutMs?: number; signal?: AbortSignal }) => Promise<Outcome>;
  /** Lets time pass, with a tick every 50 ms. */
  readonly pass: (ms: number) => Promise<void>;
}

async function withWrites(maxWaiting: number, test: (setting: Setting) => Promise<void>): Promise<void> {
  await simulate({ seed: 1 }, async ({ clock }) => {
    const proposed: number[] = [];
    const setting: Setting = {
      clock,
      proposed,
      leading: false,
      term: 1,
      writes: new PendingWrites({
        now: () => clock.now(),
        propose: (command) => proposed.push(command[0]!),
        leading: () => setting.leading,
        term: () => setting.term,
        retryMs,
        maxWaiting,
      }),
      add: (sequence, { timeoutMs = 5000, signal } = {}) =>
        setting.writes.add(named(sequence), Uint8Array.of(sequence), clock.now() + timeoutMs, signal),
      async pass(ms) {
        for (let at = 0; at < ms; at += 50) {
          await clock.sleep(50);
          setting.writes.tick();
        }
      },
    };
    await test(setting);
  });
}

function named(sequence: number): RequestIdentity {
  return { client: 9, sequence, acknowledged: 0 };
}

describe("pending writes", () => {
  it("answer everyone who waits for the same write, proposed once", () =>
    withWrites(10, async ({ writes, proposed, add }) => {
      const both = [add(1), add(1)];
      const other = add(2);
      writes.onApplied(named(1), outcome);
      expect(await Promise.all(both)).toEqual([outcome, outcome]);
      expect(proposed).toEqual([1, 2]);
      writes.onApplied(named(1), { ...outcome, revision: 5 });
      writes.onApplied(named(77), outcome);
      writes.onApplied(named(2), { ...outcome, revision: 6 });
      expect(await other).toMatchObject({ revision: 6 });
    }));

  it("time out at their own deadlines", () =>
    withWrites(10, async ({ clock, proposed, add, pass }) => {
      const startedAt = clock.now();
      const ended: number[] = [];
      for (const timeoutMs of [1000, 300, 2000]) {
        add(1, { timeoutMs }).catch((error: Error & { code?: string }) => {
          expect(error.code).toBe("TIMED_OUT");
          ended.push(clock.now() - startedAt);
        });
      }
      await pass(1500);
      expect(ended).toEqual([300, 1000]);
      await pass(600);
      expect(ended).toEqual([300, 1000, 2000]);
      const before = proposed.length;
      await pass(5000);
      expect(proposed).toHaveLength(before);
    }));

  it.each([
    ["after the retry time where another leads", false, 500],
    ["late where this member leads, as a leader keeps what it took", true, 2000],
  ])("are proposed again %s", (_, leading, afterMs) =>
    withWrites(10, async (setting) => {
      setting.leading = leading;
      const written = setting.add(1);
      await setting.pass(afterMs - 50);
      expect(setting.proposed).toEqual([1]);
      await setting.pass(50);
      expect(setting.proposed).toEqual([1, 1]);
      setting.writes.onApplied(named(1), outcome);
      await written;
      await setting.pass(3000);
      expect(setting.proposed).toEqual([1, 1]);
    }),
  );

  it("are not trusted to a leadership that ended in between", () =>
    withWrites(10, async (setting) => {
      setting.leading = true;
      void setting.add(1);
      setting.term = 3;
      await setting.pass(500);
      expect(setting.proposed).toEqual([1, 1]);
    }));

  it("are all proposed again, in order, when a leader is found", () =>
    withWrites(10, async ({ writes, proposed, add }) => {
      for (const sequence of [1, 2, 3]) void add(sequence);
      writes.proposeAgain();
      expect(proposed).toEqual([1, 2, 3, 1, 2, 3]);
    }));

  it("are refused above the bound, and taken again below it", () =>
    withWrites(2, async ({ writes, proposed, add }) => {
      const first = add(1);
      void add(2);
      await expect(add(3)).rejects.toMatchObject({ code: "TOO_MANY_REQUESTS", retryable: true });
      expect(proposed).toEqual([1, 2]);
      writes.onApplied(named(1), outcome);
      await first;
      void add(3);
      expect(proposed).toEqual([1, 2, 3]);
    }));

  it("end with the reason of their signal, at once, also when it had fired before", () =>
    withWrites(10, async ({ writes, proposed, add }) => {
      const reason = new Error("the caller left");
      await expect(add(1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(proposed).toEqual([]);
      const controller = new AbortController();
      const leaving = add(2, { signal: controller.signal });
      const staying = add(2);
      controller.abort(reason);
      await expect(leaving).rejects.toBe(reason);
      writes.onApplied(named(2), outcome);
      expect(await staying).toBe(outcome);
    }));

  it("leave nothing behind when 10 000 callers leave", () =>
    withWrites(10_000, async ({ writes, proposed, add, pass }) => {
      for (let round = 0; round < 3; round++) {
        const callers = Array.from({ length: 10_000 }, () => new AbortController());
        const all = callers.map(({ signal }, at) => add(at + 1, { signal }));
        // The bound is reached: had the round before left one waiter, one of these would have been refused.
        await expect(add(20_000)).rejects.toMatchObject({ code: "TOO_MANY_REQUESTS" });
        for (const caller of callers) caller.abort(new Error("gone"));
        for (const one of await Promise.allSettled(all)) expect(one).toMatchObject({ reason: { message: "gone" } });
      }
      const before = proposed.length;
      await pass(2000);
      writes.proposeAgain();
      expect(proposed).toHaveLength(before);
    }));

  it("leave no listener on a signal that outlives them", () =>
    withWrites(10, async ({ writes, add, pass }) => {
      const { signal } = new AbortController();
      const written = add(1, { signal });
      const late = expect(add(2, { signal, timeoutMs: 100 })).rejects.toMatchObject({ code: "TIMED_OUT" });
      expect(getEventListeners(signal, "abort")).toHaveLength(2);
      writes.onApplied(named(1), outcome);
      await written;
      await pass(200);
      await late;
      expect(getEventListeners(signal, "abort")).toEqual([]);
    }));

  it("all end when the member stops", () =>
    withWrites(10, async ({ writes, add }) => {
      const all = Promise.allSettled([add(1), add(1), add(2)]);
      const error = new Error("stopped");
      writes.close(error);
      for (const one of await all) expect(one).toMatchObject({ reason: error });
    }));
});
