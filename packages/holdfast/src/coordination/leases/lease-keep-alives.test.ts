import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import type { Answer } from "../coordination.ts";
import { CoordinationError } from "../coordination-error.ts";
import type { LeaseId } from "../key-value/key-value.ts";
import { LeaseKeepAlives, type LeaseRenewals } from "./lease-keep-alives.ts";

const header = { clusterId: 1n, memberId: 2n, revision: 3, term: 4 };
const never = new AbortController().signal;

interface Sent {
  readonly ids: readonly LeaseId[];
  readonly at: number;
  readonly deadline: number;
  readonly signal: AbortSignal;
  readonly resolve: (answer: Answer<LeaseRenewals>) => void;
  readonly reject: (error: Error) => void;
}

function start(maxWaiting = 100_000) {
  const clock = new VirtualClock();
  const sent: Sent[] = [];
  const keepAlives = new LeaseKeepAlives({
    clock,
    renew: (ids, deadline, signal) =>
      new Promise((resolve, reject) => sent.push({ ids, deadline, signal, resolve, reject, at: clock.now() })),
    maxWaiting,
  });
  const add = (id: LeaseId, deadline = 5000, signal: AbortSignal = never) => keepAlives.add(id, deadline, signal);
  return { clock, sent, keepAlives, add };
}

describe("keep-alives", () => {
  it("of one turn leave together, each lease once, and each is answered for its own", async () => {
    const { clock, sent, add } = start();
    const asked = [7n, 8n, 7n, 9n].map((id) => add(id));
    await clock.advance(0);
    expect(sent.map(({ ids, at }) => [ids, at])).toEqual([[[7n, 8n, 9n], 0]]);
    sent[0]!.resolve({ ttlSeconds: [60, 0, 5], header });
    expect(await Promise.all(asked)).toEqual([
      { id: 7n, ttlSeconds: 60, header },
      { id: 8n, ttlSeconds: 0, header },
      { id: 7n, ttlSeconds: 60, header },
      { id: 9n, ttlSeconds: 5, header },
    ]);
  });

  it("that come soon after go a window later, whatever became of the first", async () => {
    const { clock, sent, add } = start();
    const asked = [add(1n)];
    await clock.advance(5);
    asked.push(add(2n));
    await clock.advance(10);
    asked.push(add(3n));
    await clock.advance(4);
    expect(sent).toHaveLength(1);
    await clock.advance(1);
    expect(sent.map(({ ids, at }) => [ids, at])).toEqual([
      [[1n], 0],
      [[2n, 3n], 20],
    ]);
    sent[1]!.resolve({ ttlSeconds: [6, 6], header });
    sent[0]!.reject(new CoordinationError("TIMED_OUT"));
    const ended = await Promise.allSettled(asked);
    expect(ended.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
  });

  it("leave at once when there are very many", async () => {
    const { clock, sent, add } = start();
    for (let id = 1n; id <= 4096n; id++) void add(id);
    expect(sent.map(({ ids }) => ids.length)).toEqual([4096]);
    await clock.advance(100);
    expect(sent).toHaveLength(1);
  });

  it("are bounded", async () => {
    const { sent, add, clock } = start(2);
    const asked = [add(1n), add(2n)];
    await expect(add(3n)).rejects.toMatchObject({ code: "TOO_MANY_REQUESTS" });
    await clock.advance(0);
    sent[0]!.resolve({ ttlSeconds: [1, 1], header });
    await Promise.all(asked);
    void add(3n);
    await clock.advance(20);
    expect(sent[1]!.ids).toEqual([3n]);
  });
});

describe("callers that leave", () => {
  it("at their deadline or signal let the others go on", async () => {
    const { clock, sent, keepAlives, add } = start();
    const controller = new AbortController();
    const hasty = add(1n, 200);
    const gone = add(2n, 5000, controller.signal);
    const patient = add(3n, 4000);
    await clock.advance(0);
    expect(sent[0]!.deadline).toBe(5000);
    keepAlives.tick(199);
    controller.abort(new Error("left"));
    await expect(gone).rejects.toThrow("left");
    keepAlives.tick(200);
    await expect(hasty).rejects.toMatchObject({ code: "TIMED_OUT" });
    expect(sent[0]!.signal.aborted).toBe(false);
    sent[0]!.resolve({ ttlSeconds: [1, 2, 3], header });
    expect((await patient).ttlSeconds).toBe(3);
  });

  it("all take the command back, or never send it", async () => {
    const { clock, sent, add } = start();
    const controller = new AbortController();
    const first = add(1n, 5000, controller.signal);
    await clock.advance(0);
    const second = add(2n, 5000, controller.signal);
    controller.abort(new Error("left"));
    expect(sent[0]!.signal.aborted).toBe(true);
    await expect(first).rejects.toThrow("left");
    await expect(second).rejects.toThrow("left");
    await expect(add(3n, 5000, controller.signal)).rejects.toThrow("left");
    await clock.advance(100);
    expect(sent).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it("are told when the member closes", async () => {
    const { clock, sent, keepAlives, add } = start();
    void add(1n).catch(() => undefined);
    await clock.advance(0);
    const second = add(2n);
    keepAlives.close(new CoordinationError("TIMED_OUT"));
    await expect(second).rejects.toMatchObject({ code: "TIMED_OUT" });
    expect(clock.pending).toBe(0);
    expect(sent[0]!.signal.aborted).toBe(true);
  });
});
