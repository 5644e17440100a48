import { describe, expect, it } from "vitest";
import type { CrashPolicy } from "./crash-policy.ts";
import type { Disk, Runtime } from "./runtime.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { simulate, type SimulationOptions, type SimulationResult, type World } from "./simulation.ts";

/** Runs `work` as a process's code, and then `after` once it has done its work. */
function onDisk<T>(
  options: Partial<SimulationOptions>,
  work: (disk: Disk, runtime: Runtime, process: SimulatedProcess) => Promise<void>,
  after: (process: SimulatedProcess, world: World) => T | Promise<T>,
): Promise<SimulationResult<T>> {
  return simulate({ seed: 1, ...options }, async (world) => {
    const process = world.process("a");
    await new Promise<void>((done) => {
      process.start(async (runtime) => {
        await runtime.disk.makeDirectory("/d");
        await work(runtime.disk, runtime, process);
        done();
      });
    });
    return after(process, world);
  });
}

const filled = (byte: number, length = 1): Uint8Array => new Uint8Array(length).fill(byte);

/** A file of `size` ones, durable with its name. */
async function durableFile(disk: Disk, path: string, size: number): Promise<Awaited<ReturnType<Disk["open"]>>> {
  const file = await disk.open(path, { create: true });
  await file.write(0, [filled(1, size)]);
  await file.sync();
  await disk.syncDirectory("/d");
  return file;
}

const seeds = Array.from({ length: 40 }, (_, seed) => seed);

describe("after a crash", () => {
  it("what was synced is there, whatever the policy", async () => {
    for (const seed of seeds) {
      const { value } = await onDisk(
        { seed },
        async (disk) => {
          await durableFile(disk, "/d/f", 3000);
        },
        (process) => {
          process.crash();
          return process.disk.content("/d/f");
        },
      );
      expect(value).toEqual(filled(1, 3000));
    }
  });

  /** Two unsynced writes over durable ones: 2000 twos at 100, then 1000 threes at 5000, beyond the end. */
  async function crashWith(seed: number, unsynced?: CrashPolicy): Promise<SimulationResult<Uint8Array>> {
    return onDisk(
      { seed },
      async (disk) => {
        const file = await durableFile(disk, "/d/f", 3000);
        await file.write(100, [filled(2, 1500), filled(2, 500)]);
        await file.write(5000, [filled(3, 1000)]);
      },
      (process) => {
        process.crash(unsynced === undefined ? {} : { unsynced });
        expect(process.disk.content("/d/f")).toEqual(process.disk.content("/d/f", "durable"));
        return process.disk.content("/d/f") as Uint8Array;
      },
    );
  }

  const count = (bytes: Uint8Array, byte: number): number => bytes.filter((one) => one === byte).length;

  it("policy none leaves nothing that was not synced", async () => {
    const { value, faults } = await crashWith(1, "none");
    expect(value).toEqual(filled(1, 3000));
    expect(faults).toMatchObject({ crash: 1, "unsynced-lost": 1 });
    expect(faults).not.toHaveProperty("torn-write");
  });

  it("policy all leaves everything", async () => {
    const { value, faults } = await crashWith(1, "all");
    expect([value.length, count(value, 2), count(value, 3)]).toEqual([6000, 2000, 1000]);
    expect(faults).toEqual({ crash: 1 });
  });

  it("policy prefix keeps the order of writes, and tears at the border of a sector", async () => {
    const seen = new Set<string>();
    let torn = 0;
    for (const seed of seeds) {
      const { value, faults } = await crashWith(seed, "prefix");
      const [twos, threes] = [count(value, 2), count(value, 3)];
      // The second write survives only after all of the first.
      if (threes > 0) expect(twos).toBe(2000);
      for (const byte of [2, 3]) {
        const end = value.lastIndexOf(byte) + 1;
        const whole = byte === 2 ? 2100 : 6000;
        if (end > 0 && end !== whole) expect(end % 512).toBe(0);
      }
      torn += faults["torn-write"] ?? 0;
      seen.add(`${twos},${threes}`);
    }
    expect(seen.size).toBeGreaterThan(4);
    expect(torn).toBeGreaterThan(4);
  });

  it("policy subset keeps any of the sectors", async () => {
    let later = 0;
    let sizeAlone = 0;
    for (const seed of seeds) {
      const { value } = await crashWith(seed, "subset");
      for (let at = 0; at < value.length; at += 512) {
        const sector = value.subarray(Math.max(at, 100), Math.min(at + 512, 2100));
        if (at < 2100) expect(new Set(sector).size).toBe(1);
      }
      if (count(value, 3) > 0 && count(value, 2) < 2000) later++;
      if (value.length === 6000 && value[5999] === 0) sizeAlone++;
    }
    expect(later).toBeGreaterThan(10);
    expect(sizeAlone).toBeGreaterThan(0);
  });

  it("without a policy, each is drawn", async () => {
    const outcomes = new Set<string>();
    for (const seed of seeds) {
      const { value } = await crashWith(seed);
      outcomes.add(`${count(value, 2)},${count(value, 3)}`);
    }
    expect(outcomes).toContain("0,0");
    expect(outcomes).toContain("2000,1000");
    expect(outcomes.size).toBeGreaterThan(5);
  });

  it("a truncation that was not synced may be undone", async () => {
    const { value } = await onDisk(
      {},
      async (disk) => {
        const file = await durableFile(disk, "/d/f", 3000);
        await file.truncate(10);
      },
      (process) => {
        const before = process.disk.content("/d/f")?.length;
        process.crash({ unsynced: "none" });
        return [before, process.disk.content("/d/f")?.length];
      },
    );
    expect(value).toEqual([10, 3000]);
  });

  it("a write on its way to the disk happened, or did not, or in part", async () => {
    const sizes = new Set<number>();
    for (const seed of seeds) {
      const { value } = await onDisk(
        { seed },
        async (disk, _, process) => {
          const file = await durableFile(disk, "/d/f", 0);
          process.disk.delay("write", 50);
          void file.write(0, [filled(5, 4000)]);
        },
        (process) => {
          process.kill();
          return process.disk.content("/d/f")?.length ?? -1;
        },
      );
      sizes.add(value);
    }
    expect(sizes).toContain(0);
    expect(sizes).toContain(4000);
    expect(sizes.size).toBeGreaterThan(3);
  });

  it("a sync covers what was written before it was called, and no more", async () => {
    const { value } = await onDisk(
      {},
      async (disk, _, process) => {
        const file = await durableFile(disk, "/d/f", 0);
        process.disk.delay("sync", 50);
        await file.write(0, [filled(1, 10)]);
        const syncing = file.sync();
        await file.write(10, [filled(2, 10)]);
        await syncing;
      },
      (process) => process.disk.content("/d/f", "durable")?.length,
    );
    expect(value).toBe(10);
  });
});

describe("names after a crash", () => {
  interface Case {
    readonly does: string;
    readonly change: (disk: Disk) => Promise<unknown>;
    readonly before: readonly string[];
    readonly after: readonly string[];
    readonly fault: string;
  }

  const cases: readonly Case[] = [
    {
      does: "a creation",
      change: async (disk) => (await disk.open("/d/new", { create: true })).sync(),
      before: ["f"],
      after: ["f", "new"],
      fault: "entry-vanished",
    },
    {
      does: "a rename",
      change: (disk) => disk.rename("/d/f", "/d/g"),
      before: ["f"],
      after: ["g"],
      fault: "rename-undone",
    },
    { does: "a removal", change: (disk) => disk.remove("/d/f"), before: ["f"], after: [], fault: "removal-undone" },
  ];

  it.each(cases)("$does is durable after syncDirectory, and may vanish without", async (one) => {
    const crashed = (sync: boolean, entries: CrashPolicy): Promise<SimulationResult<readonly string[] | undefined>> =>
      onDisk(
        {},
        async (disk) => {
          await durableFile(disk, "/d/f", 10);
          await one.change(disk);
          if (sync) await disk.syncDirectory("/d");
        },
        (process) => {
          expect(process.disk.names("/d")).toEqual(one.after);
          expect(process.disk.names("/d", "durable")).toEqual(sync ? one.after : one.before);
          process.crash({ entries });
          return process.disk.names("/d");
        },
      );
    const lost = await crashed(false, "none");
    expect(lost.value).toEqual(one.before);
    expect(lost.faults[one.fault]).toBe(1);
    for (const [sync, policy] of [
      [false, "all"],
      [true, "none"],
    ] as const) {
      const kept = await crashed(sync, policy);
      expect(kept.value).toEqual(one.after);
      expect(kept.faults).not.toHaveProperty(one.fault);
    }
  });

  it("a rename over a file leaves the old or the new one, never neither", async () => {
    const contents = new Set<number>();
    for (const seed of seeds) {
      const { value } = await onDisk(
        { seed },
        async (disk) => {
          await durableFile(disk, "/d/f", 10);
          const fresh = await disk.open("/d/f.tmp", { create: true });
          await fresh.write(0, [filled(2, 10)]);
          await fresh.sync();
          await disk.rename("/d/f.tmp", "/d/f");
        },
        (process) => {
          process.crash();
          return process.disk.content("/d/f");
        },
      );
      expect(value).toHaveLength(10);
      contents.add(value?.[0] ?? -1);
    }
    expect([...contents].sort((a, b) => a - b)).toEqual([1, 2]);
  });

  it("a rename without a sync of the content may leave a file without its bytes", async () => {
    const { value } = await onDisk(
      {},
      async (disk) => {
        const fresh = await disk.open("/d/f.tmp", { create: true });
        await fresh.write(0, [filled(2, 10)]);
        await disk.rename("/d/f.tmp", "/d/f");
        await disk.syncDirectory("/d");
      },
      (process) => {
        process.crash({ unsynced: "none" });
        return process.disk.content("/d/f");
      },
    );
    expect(value).toEqual(new Uint8Array(0));
  });

  it("syncing the target's directory makes a rename between directories durable at both ends", async () => {
    const { value } = await onDisk(
      {},
      async (disk) => {
        await disk.makeDirectory("/e");
        const file = await disk.open("/d/f", { create: true });
        await file.sync();
        await disk.rename("/d/f", "/e/f");
        await disk.syncDirectory("/e");
      },
      (process) => {
        process.crash({ entries: "all" });
        return [process.disk.names("/d"), process.disk.names("/e")];
      },
    );
    expect(value).toEqual([[], ["f"]]);
  });

  it("a syncDirectory covers what was done before it was called, and no more", async () => {
    const { value } = await onDisk(
      {},
      async (disk, _, process) => {
        process.disk.delay("syncDirectory", 50);
        await disk.open("/d/before", { create: true });
        const syncing = disk.syncDirectory("/d");
        await disk.open("/d/after", { create: true });
        await syncing;
      },
      (process) => process.disk.names("/d", "durable"),
    );
    expect(value).toEqual(["before"]);
  });
});

describe("disk faults", () => {
  it("a kill loses nothing that was written", async () => {
    const { value, faults } = await onDisk(
      {},
      async (disk) => {
        const file = await disk.open("/d/f", { create: true });
        await file.write(0, [filled(4, 100)]);
      },
      (process) => {
        process.kill();
        return process.disk.content("/d/f");
      },
    );
    expect(value).toEqual(filled(4, 100));
    expect(faults).toEqual({ kill: 1 });
  });

  it("a failed sync keeps or drops what it had; dropped, it is readable and yet never durable", async () => {
    for (const [unsynced, durable] of [
      ["kept", 10],
      ["dropped", 0],
    ] as const) {
      const { value, faults } = await onDisk(
        {},
        async (disk, _, process) => {
          const file = await durableFile(disk, "/d/f", 0);
          await file.write(0, [filled(1, 10)]);
          process.disk.failNext("sync", { unsynced });
          await expect(file.sync()).rejects.toMatchObject({ code: "EIO" });
          expect((await file.read(0, 10)).length).toBe(10);
          await file.sync();
        },
        (process) => [process.disk.content("/d/f")?.length, process.disk.content("/d/f", "durable")?.length],
      );
      expect(value).toEqual([10, durable]);
      expect(faults).toEqual({ "sync-failed": 1 });
    }
  });

  it("a full disk takes what fits, and fails with ENOSPC until there is room", async () => {
    const { value, faults } = await onDisk(
      {},
      async (disk, _, process) => {
        const file = await durableFile(disk, "/d/f", 100);
        process.disk.limitFree(50);
        await file.write(100, [filled(2, 30)]);
        await expect(file.write(130, [filled(3, 30)])).rejects.toMatchObject({ code: "ENOSPC" });
        expect(await file.size()).toBe(150);
        // Bytes that are there already need no room.
        await file.write(0, [filled(4, 150)]);
        await expect(file.write(150, [filled(5)])).rejects.toMatchObject({ code: "ENOSPC" });
        process.disk.limitFree(undefined);
        await file.write(150, [filled(6)]);
      },
      (process) => process.disk.content("/d/f")?.length,
    );
    expect(value).toBe(151);
    expect(faults).toEqual({ "disk-full": 2 });
  });

  it("a turned bit stays turned", async () => {
    const { value, faults } = await onDisk(
      {},
      async (disk) => {
        await durableFile(disk, "/d/f", 3);
      },
      (process) => {
        process.disk.flipBit("/d/f", 1, 7);
        process.crash();
        expect(() => process.disk.flipBit("/d/f", 3)).toThrow("flipBit.offset must be in 0..2 (got 3)");
        return process.disk.content("/d/f");
      },
    );
    expect(value).toEqual(Uint8Array.of(1, 129, 1));
    expect(faults).toEqual({ crash: 1, "bit-rot": 1 });
  });

  it("bits rot while they are read, as often as drawn", async () => {
    const { value, faults } = await onDisk(
      { disk: { bitRot: 0.5 } },
      async (disk) => {
        const file = await durableFile(disk, "/d/f", 1000);
        for (let count = 0; count < 20; count++) await file.read(0, 1000);
      },
      (process) => process.disk.content("/d/f", "durable")?.filter((byte) => byte !== 1).length,
    );
    expect(faults["bit-rot"]).toBeGreaterThan(3);
    expect(value).toBe(faults["bit-rot"]);
  });

  it("operations fail as drawn, and each failure is counted", async () => {
    let failures = 0;
    const { faults } = await onDisk(
      { disk: { readError: 0.2, writeError: 0.2, syncError: 0.2 } },
      async (disk) => {
        const file = await disk.open("/d/f", { create: true });
        const fails = (error: Error & { code: string }): void => {
          expect(error.code).toBe("EIO");
          failures++;
        };
        for (let count = 0; count < 50; count++) {
          await file.write(0, [filled(1)]).catch(fails);
          await file.read(0, 1).catch(fails);
          await file.sync().catch(fails);
        }
      },
      () => undefined,
    );
    for (const kind of ["read-failed", "write-failed", "sync-failed"]) expect(faults[kind]).toBeGreaterThan(2);
    expect(Object.values(faults).reduce((sum, count) => sum + count, 0)).toBe(failures);
  });

  it("a stalled operation waits for its release, a slow one takes longer", async () => {
    const { value, faults } = await onDisk(
      { disk: { slowSync: 1, slowSyncMs: 300 } },
      async (disk, { clock }, process) => {
        const file = await disk.open("/d/f", { create: true });
        const start = clock.now();
        await file.sync();
        expect(clock.now() - start).toBeGreaterThan(300);
        process.disk.stall("write");
        clock.setTimer(5000, () => process.disk.release());
        await file.write(0, [filled(1)]);
        expect(clock.now() - start).toBeGreaterThan(5300);
        process.disk.delay("read", 70);
        const before = clock.now();
        await file.read(0, 1);
        expect(clock.now() - before).toBeGreaterThan(70);
      },
      () => true,
    );
    expect(value).toBe(true);
    expect(faults).toEqual({ "slow-sync": 2, "disk-stalled": 1 });
  });
});
