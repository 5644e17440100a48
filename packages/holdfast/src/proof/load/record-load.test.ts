import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { recordLoad, type RecordLoadOptions } from "./record-load.ts";
import type { RecordStore } from "./record-store.ts";
import { runLoad } from "./run-load.ts";
import type { LoadReport } from "./load-report.ts";
import { ycsbWorkloads, type RecordOperation } from "./ycsb-workloads.ts";

interface Table extends RecordStore {
  readonly rows: Map<string, Uint8Array>;
  readonly asked: Map<string, number>;
  readonly limits: number[];
}

/** A small database in memory, whose every answer takes a while. */
function table(clock: VirtualClock, refuse: (key: string) => boolean = () => false): Table {
  const rows = new Map<string, Uint8Array>();
  const asked = new Map<string, number>();
  const limits: number[] = [];
  const read = async (key: string): Promise<Uint8Array | undefined> => {
    asked.set(key, (asked.get(key) ?? 0) + 1);
    await clock.sleep(2);
    return rows.get(key);
  };
  const write = async (key: string, value: Uint8Array): Promise<void> => {
    await clock.sleep(3);
    if (refuse(key)) throw Object.assign(new Error("refused"), { code: "ECONNREFUSED", syscall: "connect" });
    rows.set(key, value);
  };
  return {
    rows,
    asked,
    limits,
    read,
    insert: write,
    async update(key, value) {
      if (!rows.has(key)) throw new Error(`no ${key}`);
      await write(key, value);
    },
    async scan(key, limit) {
      limits.push(limit);
      await clock.sleep(4);
      return [...rows.keys()].filter((candidate) => candidate >= key).slice(0, limit).length;
    },
    async readModifyWrite(key, change) {
      const value = await read(key);
      await write(key, change(value));
    },
  };
}

async function trial(
  workload: RecordLoadOptions["workload"],
  options: Partial<RecordLoadOptions> & { readonly refuse?: (key: string) => boolean } = {},
): Promise<{ report: LoadReport; store: Table }> {
  const clock = new VirtualClock();
  const { refuse, ...own } = options;
  const store = table(clock, refuse);
  const random = seededRandom(4);
  const load = recordLoad({ workload, stores: [store], random, records: 200, ...own });
  const filled = load.preload();
  await clock.advance(1_000);
  await filled;
  expect(store.rows.size).toBe(own.records ?? 200);
  const run = runLoad({ clock, random, operation: load.operation, ratePerSecond: 1_000, durationMs: 2_000 });
  await clock.advance(10_000);
  return { report: await run, store };
}

describe("the workloads of YCSB", () => {
  it.each(Object.values(ycsbWorkloads).map((workload) => [workload.name, workload] as const))(
    "%s: what it says, in its shares, without a failure",
    async (_, workload) => {
      const { report } = await trial(workload);
      expect(report).toMatchObject({ offered: 2_000, succeeded: 2_000, failures: [] });
      expect(Object.keys(report.operations).toSorted()).toEqual(Object.keys(workload.mix).toSorted());
      for (const [name, share] of Object.entries(workload.mix)) {
        const { succeeded } = report.operations[name]!;
        expect(Math.abs(succeeded - 2_000 * share)).toBeLessThanOrEqual(4.5 * Math.sqrt(2_000 * share * (1 - share)));
      }
      const waits: Readonly<Record<RecordOperation, number>> = {
        read: 2,
        update: 3,
        insert: 3,
        scan: 4,
        readModifyWrite: 5,
      };
      for (const [name, { latency }] of Object.entries(report.operations)) {
        expect(latency.maxMs).toBe(waits[name as RecordOperation]);
      }
    },
  );

  it("a: a few records are asked for most of the time", async () => {
    const { store } = await trial(ycsbWorkloads.a);
    const most = [...store.asked.values()].toSorted((a, b) => b - a);
    expect(most[0]!).toBeGreaterThan(100);
    expect(most[0]!).toBeGreaterThan(10 * most[100]!);
  });

  it("d: what was inserted last is asked for most, once it is there", async () => {
    const { report, store } = await trial(ycsbWorkloads.d);
    const inserted = report.operations["insert"]!.succeeded;
    expect(store.rows.size).toBe(200 + inserted);
    const isNew = (key: string): boolean => Number(key.slice(4)) >= 200;
    const asked = [...store.asked].reduce((sum, [key, count]) => sum + (isNew(key) ? count : 0), 0);
    expect(asked).toBeGreaterThan(report.operations["read"]!.succeeded / 2);
  });

  it("d: what could not be inserted is not asked for", async () => {
    const refuse = (key: string): boolean => Number(key.slice(4)) >= 200 && Number(key.slice(4)) % 2 === 0;
    const { report, store } = await trial(ycsbWorkloads.d, { refuse });
    expect(report.operations["insert"]!.failed).toBeGreaterThan(10);
    expect(report.operations["read"]!.failed).toBe(0);
    expect([...store.asked.keys()].filter(refuse)).toEqual([]);
    expect([...store.asked.keys()].some((key) => Number(key.slice(4)) >= 200)).toBe(true);
  });

  it("e: scans are of one to a hundred records", async () => {
    const { store } = await trial(ycsbWorkloads.e);
    expect([Math.min(...store.limits), Math.max(...store.limits)]).toEqual([1, 100]);
  });

  it("count a record that is gone as a failure", async () => {
    const clock = new VirtualClock();
    const random = seededRandom(1);
    const load = recordLoad({ workload: ycsbWorkloads.f, stores: [table(clock)], random });
    const run = runLoad({ clock, random, operation: load.operation, ratePerSecond: 100, durationMs: 1_000 });
    await clock.advance(5_000);
    const report = await run;
    expect(report.failed).toBe(100);
    expect(report.failures).toMatchObject([{ kind: "business", code: "NOT_FOUND", count: 100 }]);
  });
});

describe("a load of records", () => {
  it("gives each client its store", async () => {
    const clock = new VirtualClock();
    const stores = [table(clock), table(clock)];
    const load = recordLoad({ workload: ycsbWorkloads.c, stores, random: seededRandom(1), records: 10 });
    const filled = load.preload({ atOnce: 2 });
    await clock.advance(1_000);
    await filled;
    expect(stores.map(({ rows }) => rows.size)).toEqual([5, 5]);
  });

  it("fills no further after an error", async () => {
    const clock = new VirtualClock();
    const store = table(clock, (key) => key.endsWith("5"));
    const load = recordLoad({ workload: ycsbWorkloads.c, stores: [store], random: seededRandom(1), records: 1_000 });
    const failed = expect(load.preload({ atOnce: 4 })).rejects.toThrow("refused");
    await clock.advance(10_000);
    await failed;
    expect(store.rows.size).toBeLessThan(10);
  });

  it("takes other keys and payloads", async () => {
    const { report, store } = await trial(
      { ...ycsbWorkloads.a, mix: { update: 1 } },
      { keys: { type: "sequential" }, payload: { type: "uniform", minBytes: 1, maxBytes: 9 } },
    );
    expect(report.operations["update"]?.succeeded).toBe(2_000);
    const sizes = new Set([...store.rows.values()].map(({ length }) => length));
    expect(Math.max(...sizes)).toBe(9);
  });

  it.each<[Partial<Record<keyof RecordLoadOptions | "x", unknown>>, string]>([
    [{ x: 1 }, "recordLoad.x is no option"],
    [{ stores: [] }, "recordLoad.stores must be a list of at least one"],
    [{ records: 0 }, "recordLoad.records must be an integer >= 1"],
    [{ workload: { mix: { read: 0.5 } } }, "recordLoad.workload.mix must add up to 1"],
    [{ workload: { mix: { delete: 1 } } }, "recordLoad.workload.mix.delete is no option"],
    [{ keys: { type: "odd" } }, "keyDistribution.type must be"],
    [{ payload: { type: "constant", bytes: -1 } }, "payload.bytes must be"],
  ])("refuses %j", (change, message) => {
    const good = { workload: ycsbWorkloads.a, stores: [table(new VirtualClock())], random: seededRandom(1) };
    expect(() => recordLoad({ ...good, ...change } as RecordLoadOptions)).toThrow(message);
  });
});
