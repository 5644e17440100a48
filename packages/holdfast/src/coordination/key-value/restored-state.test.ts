import { describe, expect, it } from "vitest";
import { KeyValueStore } from "./key-value-store.ts";
import { LeaseTable } from "../leases/lease-table.ts";
import { restoredState } from "./restored-state.ts";
import type { BackupContents, StoredVersion } from "./state-backup.ts";
import { readState, writeState } from "./state-snapshot.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function stored(modRevision: number, key: string, more: Partial<StoredVersion> = {}): StoredVersion {
  const version = { value: "v", subRevision: 0, createRevision: modRevision, version: 1, lease: 0n };
  return { key, modRevision, ...version, ...more };
}

function backup(versions: readonly StoredVersion[], more: Partial<BackupContents> = {}): BackupContents {
  return {
    revision: 9,
    compactedRevision: -1,
    leases: [],
    auth: { enabled: false, revision: 1, users: [], roles: [] },
    versions: () => [versions.slice(0, 2), versions.slice(2)],
    ...more,
  };
}

/** As it comes back from the file that a restored member starts with. */
async function restored(contents: BackupContents): Promise<KeyValueStore> {
  const state = readState([...writeState(await restoredState(contents))]);
  const leases = new LeaseTable();
  leases.restore(state.leases);
  return new KeyValueStore({ leases }, state.store);
}

describe("the state that a backup makes", () => {
  it("has the history, without what is compacted", async () => {
    const versions = [
      stored(2, "a"),
      stored(3, "b"),
      stored(4, "a", { value: "w", createRevision: 2, version: 2 }),
      stored(5, "b", { value: undefined }),
      stored(6, "unknown", { value: undefined }),
      stored(8, "b"),
    ];
    const store = await restored(backup(versions, { compactedRevision: 4 }));
    expect([store.revision, store.compactedRevision, store.keyCount]).toEqual([9, 4, 2]);
    const read = (revision: number): string[] =>
      store
        .range({ key: text("\0"), rangeEnd: text("\0"), revision })
        .pairs.map(({ key, value }) => `${new TextDecoder().decode(key)}=${new TextDecoder().decode(value)}`);
    expect(read(4)).toEqual(["a=w", "b=v"]);
    expect(read(7)).toEqual(["a=w"]);
    expect(read(9)).toEqual(["a=w", "b=v"]);
    expect(() => read(3)).toThrow(expect.objectContaining({ code: "COMPACTED" }) as Error);
  });

  it("keeps a key whose lease is gone, tied to none", async () => {
    const leases = [{ id: 7n, ttlSeconds: 60, remainingSeconds: 20 }];
    const versions = [stored(2, "a", { lease: 7n }), stored(3, "b", { lease: 8n })];
    const store = await restored(backup(versions, { leases }));
    const leaseOf = (key: string): bigint | undefined => store.range({ key: text(key) }).pairs[0]?.lease;
    expect([leaseOf("a"), leaseOf("b")]).toEqual([7n, 0n]);
  });

  it("gives leases the time that was left", async () => {
    const leases = [
      { id: 7n, ttlSeconds: 60, remainingSeconds: 20 },
      { id: 8n, ttlSeconds: 60, remainingSeconds: 60 },
    ];
    const state = await restoredState(backup([], { leases }));
    expect(state.leases.leases).toEqual([
      { id: 7n, ttlSeconds: 60, deadlineMs: 20_000 },
      { id: 8n, ttlSeconds: 60, deadlineMs: undefined },
    ]);
  });

  it("refuses clients that may repeat what the other cluster has answered, and nobody where nothing was written", async () => {
    expect((await restoredState(backup([stored(9, "a")]))).sessions).toEqual({ horizon: 8, sessions: [] });
    expect((await restoredState(backup([], { revision: 1 }))).sessions.horizon).toBe(-1);
  });

  it.each<[string, BackupContents, string]>([
    [
      "an earlier version after a later one",
      backup([stored(3, "a"), stored(2, "b")]),
      "backup.versions must be in order",
    ],
    ["a version twice", backup([stored(3, "a"), stored(3, "b")]), "backup.versions must be in order"],
    [
      "a version above the revision",
      backup([stored(10, "a")]),
      "backup.versions must be in order of revision, up to 9",
    ],
    ["no key", backup([stored(2, "")]), "backup.versions must have a key"],
    [
      "a key made after it was changed",
      backup([stored(2, "a", { createRevision: 3 })]),
      "backup.versions must have a key",
    ],
    ["a key that was never made", backup([stored(2, "a", { version: 0 })]), "backup.versions must have a key"],
    ["no revision", backup([], { revision: 0 }), "backup.revision must be a safe integer >= 1 (got 0)"],
    [
      "a compaction of the future",
      backup([], { compactedRevision: 10 }),
      "backup.compactedRevision must not be above 9",
    ],
    [
      "a lease without an id",
      backup([], { leases: [{ id: 0n, ttlSeconds: 1, remainingSeconds: 1 }] }),
      "backup.leases",
    ],
    ["a lease without time", backup([], { leases: [{ id: 1n, ttlSeconds: 0, remainingSeconds: 1 }] }), "backup.leases"],
  ])("is refused with %s", async (_, contents, message) => {
    await expect(restoredState(contents)).rejects.toThrow(message);
  });
});
