import type { JoinedCluster } from "holdfast/coordination";
import { simulate, type Disk } from "holdfast/runtime";
import { describe, expect, it } from "vitest";
import { recallCluster, rememberCluster } from "./remembered-cluster.ts";

const directory = "/data/n3";
const members: JoinedCluster = {
  clusterId: 0xabcdef0123456789n,
  memberId: 3n,
  members: [
    { id: 1n, name: "n1", peer: { host: "10.0.0.1", port: 2380 } },
    { id: 3n, name: "n3", peer: { host: "::1", port: 2380 } },
  ],
};
const newer: JoinedCluster = { ...members, members: members.members.slice(1) };
const path = `${directory}/learned-cluster.json`;

async function onDisk(task: (disk: Disk) => Promise<void>): Promise<void> {
  await simulate({ seed: 1 }, async (world) => {
    const ended = Promise.withResolvers<void>();
    world.process("n3").start(async ({ disk }) => {
      await disk.makeDirectory(directory);
      await task(disk);
      ended.resolve();
    });
    await ended.promise;
  });
}

async function change(disk: Disk, edit: (text: string) => string): Promise<void> {
  const file = await disk.open(path);
  const bytes = await file.read(0, await file.size());
  const edited = Buffer.from(edit(Buffer.from(bytes).toString()));
  await file.truncate(0);
  await file.write(0, [edited]);
  await file.close();
}

describe("what a node has learned of its cluster", () => {
  it("is there at the next start, and not before there was any", async () => {
    await onDisk(async (disk) => {
      const place = { disk, directory, clusterName: "c" };
      expect(await recallCluster(place)).toBeUndefined();
      expect(await recallCluster({ ...place, directory: "/nowhere" })).toBeUndefined();
      await rememberCluster(place, members);
      expect(await recallCluster(place)).toEqual(members);
      expect(await disk.list(directory)).toEqual(["learned-cluster.json"]);
      await rememberCluster(place, newer);
      expect(await recallCluster(place)).toEqual(newer);
    });
  });

  it.each([
    ["cut short", (text: string) => text.slice(0, -20)],
    ["empty", () => ""],
    ["with another port", (text: string) => text.replace("2380", "2381")],
    ["of another format", (text: string) => text.replace('"format": 2', '"format": 3')],
    ["of no members", () => "{}"],
    ["of nothing", () => "null"],
  ])("is refused when it is %s, with what to do", async (_, edit) => {
    await onDisk(async (disk) => {
      const place = { disk, directory, clusterName: "c" };
      await rememberCluster(place, members);
      await change(disk, edit);
      await expect(recallCluster(place)).rejects.toMatchObject({
        exitCode: 3,
        message: `${path} is damaged; remove it to learn the cluster again from a running member, or name all with --cluster`,
      });
    });
  });

  it("is refused for another cluster", async () => {
    await onDisk(async (disk) => {
      await rememberCluster({ disk, directory, clusterName: "c" }, members);
      await expect(recallCluster({ disk, directory, clusterName: "d" })).rejects.toThrow(
        `${path} tells of cluster "c", not "d"; name another directory: --data DIR, or that cluster: --cluster-name NAME`,
      );
    });
  });

  it("is the old or the new after a crash at any moment, and never damaged", async () => {
    const seen = { old: 0, new: 0 };
    const faults: Record<string, number> = {};
    for (let seed = 1; seed <= 100; seed++) {
      const run = await simulate({ seed }, async (world) => {
        const n3 = world.process("n3");
        const written = Promise.withResolvers<void>();
        n3.start(async ({ disk }) => {
          await disk.makeDirectory(directory);
          await rememberCluster({ disk, directory, clusterName: "c" }, members);
          written.resolve();
          await rememberCluster({ disk, directory, clusterName: "c" }, newer);
        });
        await written.promise;
        await world.clock.sleep(world.random.next() * 3);
        n3.crash();
        const recalled = Promise.withResolvers<JoinedCluster | undefined>();
        n3.start(async ({ disk }) => recalled.resolve(await recallCluster({ disk, directory, clusterName: "c" })));
        return await recalled.promise;
      });
      expect([members, newer], `seed ${seed}`).toContainEqual(run.value);
      seen[run.value?.members.length === 1 ? "new" : "old"]++;
      for (const [kind, count] of Object.entries(run.faults)) faults[kind] = (faults[kind] ?? 0) + count;
    }
    expect([seen.old > 5, seen.new > 5, faults["crash"]]).toEqual([true, true, 100]);
    expect(faults["unsynced-lost"]).toBeGreaterThan(0);
    expect(faults["rename-undone"]).toBeGreaterThan(0);
  });
});
