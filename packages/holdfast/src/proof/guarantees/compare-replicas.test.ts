import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { compareReplicas, type CompareReplicasOptions, type ReplicaReader } from "./compare-replicas.ts";
import type { ReplicaItem, ReplicaVerdict } from "./replica-verdict.ts";

/** What a replica holds of the only item: an item, nothing, or an error. */
type Held = ReplicaItem | undefined | Error;

const reader =
  (held: Held): ReplicaReader =>
  async () => {
    if (held instanceof Error) throw held;
    return held;
  };

const down = new Error("down");

async function settle<Value>(clock: VirtualClock, running: Promise<Value>): Promise<Value> {
  const state = { done: false };
  const watched = running.finally(() => (state.done = true));
  watched.catch(() => {});
  while (!state.done) await clock.advance(10);
  return watched;
}

function compare(replicas: readonly Held[], options: Partial<CompareReplicasOptions> = {}) {
  const clock = new VirtualClock();
  const readers = Object.fromEntries(replicas.map((held, i) => [`n${i + 1}`, reader(held)]));
  return settle(clock, compareReplicas({ replicas: readers, ids: ["x"], clock, ...options }));
}

describe("what a comparison finds", () => {
  const v = (value: unknown, version?: number): ReplicaItem => ({
    value,
    ...(version === undefined ? {} : { version }),
  });

  it.each<[string, readonly Held[], ReplicaVerdict]>([
    ["the same", [v(1, 1), v(1, 1), v(1, 1)], "consistent"],
    ["the same, but for the order of fields", [v({ a: 1, b: [2] }), v({ b: [2], a: 1 })], "consistent"],
    ["the same, of which one has no version", [v(1, 1), v(1)], "consistent"],
    ["one is behind", [v(2, 2), v(1, 1)], "stale"],
    ["newer without a change", [v(1, 2), v(1, 1)], "stale"],
    ["two values of one version", [v(1, 1), v(2, 1)], "diverged"],
    ["two values without versions", [v(1), v(2)], "diverged"],
    ["lists and objects", [v([]), v({})], "diverged"],
    ["diverged and behind", [v(1, 2), v(2, 2), v(0, 1)], "diverged"],
    ["nowhere", [undefined, undefined], "absent-everywhere"],
    ["in some places", [v(1, 1), undefined], "partially-absent"],
    ["cannot be asked", [down, down], "unavailable"],
    ["what can be asked agrees", [v(1, 1), v(1, 1), down], "unavailable"],
    ["what can be asked has nothing", [undefined, undefined, down], "unavailable"],
    ["diverged, and one cannot be asked", [v(1, 1), v(2, 1), down], "diverged"],
    ["behind, and one cannot be asked", [v(1, 1), v(2, 2), down], "stale"],
  ])("%s", async (_, replicas, verdict) => {
    const { items, counts, consistent } = await compare(replicas);
    expect(items[0]?.verdict).toBe(verdict);
    expect(counts[verdict]).toBe(1);
    expect(consistent).toBe(verdict === "consistent" || verdict === "absent-everywhere");
  });

  it("tells what each said, and how far it is behind", async () => {
    const { items } = await compare([v("new", 7), v("old", 4), down, undefined]);
    expect(items[0]?.lag).toEqual({ n1: 0, n2: 3 });
    expect(items[0]?.answers).toEqual({
      n1: { kind: "item", item: { value: "new", version: 7 } },
      n2: { kind: "item", item: { value: "old", version: 4 } },
      n3: { kind: "unavailable", error: down },
      n4: { kind: "absent" },
    });
  });

  it("takes the caller's word for what is equal", async () => {
    const options = { equal: (a: unknown, b: unknown) => String(a).toLowerCase() === String(b).toLowerCase() };
    expect((await compare([v("A"), v("a")], options)).consistent).toBe(true);
  });
});

describe("settling", () => {
  /** Has the item from some time on. */
  const from =
    (clock: VirtualClock, at: number, asked: string[] = []): ReplicaReader =>
    async (id) => {
      asked.push(id);
      return clock.now() >= at ? { value: 1 } : undefined;
    };

  it("waits for those that lag, and measures how long they took", async () => {
    const clock = new VirtualClock();
    const replicas = { a: from(clock, 0), b: from(clock, 250) };
    const compared = await settle(clock, compareReplicas({ replicas, ids: ["x"], clock, settleMs: 1000 }));
    expect(compared).toMatchObject({ consistent: true, convergedMs: 300, rounds: 4 });
  });

  it("judges at the end of the time to settle, not before and not later", async () => {
    const clock = new VirtualClock();
    const replicas = { a: from(clock, 0), b: from(clock, 2000) };
    const compared = await settle(clock, compareReplicas({ replicas, ids: ["x"], clock, settleMs: 250 }));
    expect(compared.items[0]?.verdict).toBe("partially-absent");
    expect(compared).toMatchObject({ consistent: false, convergedMs: undefined, durationMs: 250, rounds: 4 });
  });

  it("asks again only for what does not agree", async () => {
    const clock = new VirtualClock();
    const asked: string[] = [];
    const whole = from(clock, 0, asked);
    const late: ReplicaReader = async (id, options) =>
      id === "late" ? from(clock, 200)(id, options) : whole(id, options);
    const replicas = { a: whole, b: late };
    await settle(clock, compareReplicas({ replicas, ids: ["soon", "late", "soon"], clock, settleMs: 1000 }));
    expect(asked.filter((id) => id === "soon")).toHaveLength(2);
  });

  it("gives up a question that nobody answers, and tells its reader", async () => {
    const clock = new VirtualClock();
    let told: unknown;
    const silent: ReplicaReader = (_, { signal }) => {
      signal.addEventListener("abort", () => (told = signal.reason));
      return new Promise(() => {});
    };
    const options = { replicas: { a: silent, b: from(clock, 0) }, ids: ["x"], clock, readTimeoutMs: 70 };
    const { items, durationMs } = await settle(clock, compareReplicas(options));
    expect(items[0]?.verdict).toBe("unavailable");
    expect(durationMs).toBe(70);
    expect(told).toEqual(new Error("no answer within 70 ms"));
    expect(clock.pending).toBe(0);
  });

  it("asks no more at a time than it may", async () => {
    const clock = new VirtualClock();
    let [now, most] = [0, 0];
    const slow: ReplicaReader = async () => {
      most = Math.max(most, ++now);
      await clock.sleep(10);
      now--;
      return { value: 1 };
    };
    const ids = Array.from({ length: 10 }, (_, i) => `${i}`);
    const compared = await settle(
      clock,
      compareReplicas({ replicas: { a: slow, b: slow }, ids, clock, maxConcurrent: 3 }),
    );
    expect([most, compared.counts.consistent]).toEqual([3, 10]);
  });

  it.each(["while it asks", "while it waits"])("stops when it is told to, %s", async (when) => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const silent: ReplicaReader = () => new Promise(() => {});
    const replicas = { a: from(clock, 0), b: when === "while it asks" ? silent : from(clock, 5000) };
    const running = compareReplicas({ replicas, ids: ["x"], clock, settleMs: 1000, signal: controller.signal });
    clock.setTimer(45, () => controller.abort(new Error("enough")));
    await expect(settle(clock, running)).rejects.toThrow("enough");
    expect(clock.pending).toBe(0);
  });

  it.each<[Record<string, unknown>, string]>([
    [{ replicas: { a: reader(undefined) } }, "compareReplicas.replicas must be at least two (got 1)"],
    [{ replicas: { a: 1, b: 2 } }, "compareReplicas.replicas.a must be a function (got 1)"],
    [{ settleMs: -1 }, "compareReplicas.settleMs must be a number >= 0 (got -1)"],
    [{ maxConcurrent: 0 }, "compareReplicas.maxConcurrent must be an integer >= 1 (got 0)"],
    [{ retries: 3 }, "compareReplicas.retries is no option"],
  ])("refuses %o", async (wrong, message) => {
    const replicas = { a: reader(undefined), b: reader(undefined) };
    const options = { replicas, ids: [], clock: new VirtualClock(), ...wrong } as unknown as CompareReplicasOptions;
    await expect(compareReplicas(options)).rejects.toThrow(message);
  });
});
