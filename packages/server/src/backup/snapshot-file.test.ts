import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { createMemoryMember, type BackupContents, type Member, type StoredVersion } from "holdfast/coordination";
import { afterAll, describe, expect, it } from "vitest";
import { snapshotFile } from "./snapshot-file.ts";
import { openSnapshot, type ReadOptions, type Snapshot } from "./snapshot-reader.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-backup-"));
afterAll(() => rmSync(directory, { recursive: true }));
const path = join(directory, "backup.db");
const text = (value: string): Uint8Array => Buffer.from(value);

/** Saves a member's state at `path`. */
async function save(member: Member, meanwhile?: () => Promise<unknown>): Promise<number> {
  const backup = await member.maintenance.backup();
  const { bytes, parts } = await snapshotFile(backup, member);
  const all: Buffer[] = [];
  for await (const part of parts) {
    all.push(part);
    await meanwhile?.();
  }
  backup.release();
  writeFileSync(path, Buffer.concat(all));
  expect(readFileSync(path).length).toBe(bytes);
  return all.length;
}

function opened<T>(use: (snapshot: Snapshot) => T, options?: ReadOptions): T {
  const snapshot = openSnapshot(path, options);
  try {
    return use(snapshot);
  } finally {
    snapshot.close();
  }
}

async function contents(
  options?: ReadOptions,
): Promise<Omit<BackupContents, "versions"> & { readonly versions: StoredVersion[] }> {
  const snapshot = openSnapshot(path, options);
  try {
    const { versions, ...rest } = snapshot.contents();
    return { ...rest, versions: (await Array.fromAsync(versions())).flat() };
  } finally {
    snapshot.close();
  }
}

describe("a snapshot", () => {
  it("of nothing holds nothing", async () => {
    const member = createMemoryMember();
    await save(member);
    expect(await contents()).toEqual({
      revision: 1,
      compactedRevision: -1,
      leases: [],
      auth: { enabled: false, revision: 1, users: [], roles: [] },
      versions: [],
    });
    // The version of the cluster, its one member, the index, and the revision of its users.
    expect(opened((snapshot) => snapshot.status())).toMatchObject({ revision: 1, totalKeys: 4 });
    await member.close();
  });

  it("holds the history, leases, users and roles", async () => {
    const passwords = {
      hash: (password: string) => Promise.resolve(`hash of ${password}`),
      verify: () => Promise.resolve(true),
      token: () => "token",
    };
    const member = createMemoryMember({ passwords });
    await member.put({ key: text("gone"), value: text("1") });
    await member.put({ key: text("kept"), value: text("1") });
    await member.deleteRange({ key: text("gone") });
    await member.compact({ revision: 4 });
    await member.leaseGrant({ id: -5n, ttlSeconds: 100 });
    await member.leaseGrant({ id: 7n, ttlSeconds: 200 });
    await member.put({ key: text("kept"), value: new Uint8Array([0, 255, 128]), lease: -5n });
    await member.put({ key: text("empty"), value: text("") });
    await member.deleteRange({ key: text("empty") });
    await member.txn({
      compare: [],
      success: ["a", "b"].map((key) => ({ type: "put", request: { key: text(key), value: text(key) } })),
      failure: [],
    });
    const { auth } = member;
    await auth.change({ type: "userAdd", name: "ann" });
    await auth.change({ type: "userAdd", name: "root", password: "secret" });
    await auth.change({ type: "roleAdd", name: "clerk" });
    const rights = { type: "roleGrantPermission", name: "clerk" } as const;
    await auth.change({ ...rights, permission: { type: "readWrite", key: text("k"), rangeEnd: text("l") } });
    await auth.change({ ...rights, permission: { type: "read", key: text(""), rangeEnd: Buffer.of(0) } });
    await auth.change({ ...rights, permission: { type: "write", key: text("w") } });
    await auth.change({ type: "userGrantRole", name: "ann", role: "clerk" });
    await auth.change({ type: "userGrantRole", name: "root", role: "root" });
    await auth.change({ type: "authEnable" });
    const root = { credentials: { user: "root" } };
    await member.maintenance.raiseAlarm({ member: member.id, type: "NOSPACE" }, root);
    const { revision } = member.status();
    const backup = await member.maintenance.backup(root);
    const { parts } = await snapshotFile(backup, member);
    writeFileSync(path, Buffer.concat(await Array.fromAsync(parts)));
    const { auth: users, leases, versions, ...rest } = await contents();
    expect(rest).toEqual({ revision, compactedRevision: 4 });
    expect(leases).toEqual([
      { id: 7n, ttlSeconds: 200, remainingSeconds: 200 },
      { id: -5n, ttlSeconds: 100, remainingSeconds: 100 },
    ]);
    expect(users).toEqual({
      enabled: true,
      revision: backup.auth.revision,
      users: [
        { name: "ann", roles: ["clerk"] },
        { name: "root", roles: ["root"], passwordHash: "hash of secret" },
      ],
      roles: [
        {
          name: "clerk",
          permissions: [
            { type: "read", key: Uint8Array.of(), rangeEnd: Uint8Array.of(0) },
            { type: "readWrite", key: new Uint8Array(text("k")), rangeEnd: new Uint8Array(text("l")) },
            { type: "write", key: new Uint8Array(text("w")) },
          ],
        },
      ],
    });
    const short = versions.map(({ key, value, modRevision, subRevision, createRevision, version, lease }) =>
      [key, value, modRevision, subRevision, createRevision, version, lease].join(" "),
    );
    expect(short).toEqual([
      "kept 1 3 0 3 1 0",
      // What happened at the compacted revision can still be watched.
      "gone  4 0 0 0 0",
      "kept \0\xff\x80 5 0 3 2 -5",
      "empty  6 0 6 1 0",
      "empty  7 0 0 0 0",
      "a a 8 0 8 1 0",
      "b b 8 1 8 1 0",
    ]);
    expect(versions.find(({ modRevision }) => modRevision === 6)?.value).toBe("");
    expect(versions.find(({ modRevision }) => modRevision === 7)?.value).toBeUndefined();
    backup.release();
    await member.close();
  });

  it("is of one moment, though writes go on, and comes in pieces", async () => {
    const member = createMemoryMember();
    const large = Buffer.alloc(300_000, "x");
    for (let at = 0; at < 500; at++) await member.put({ key: text(`k${at % 200}`), value: Buffer.alloc(300, at) });
    await member.put({ key: text("large"), value: large });
    let more = 0;
    const pieces = await save(member, () => member.put({ key: text(`k${more++}`), value: text("later") }));
    expect(pieces).toBeGreaterThan(5);
    expect(more).toBe(pieces);
    const { revision, versions } = await contents();
    expect(revision).toBe(502);
    expect(versions.map(({ modRevision }) => modRevision)).toEqual(Array.from({ length: 501 }, (_, at) => at + 2));
    expect(versions.filter(({ value }) => value === "later")).toEqual([]);
    expect(versions.at(-1)?.value).toBe(large.toString("latin1"));
    await member.close();
  });

  it("is given up when nobody wants it any more", async () => {
    const member = createMemoryMember();
    for (let at = 0; at < 1000; at++) await member.put({ key: text(`k${at}`), value: Buffer.alloc(500, at) });
    const backup = await member.maintenance.backup();
    await expect(snapshotFile(backup, member, AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
    const leaver = new AbortController();
    const { parts } = await snapshotFile(backup, member, leaver.signal);
    let taken = 0;
    const takeAll = async (): Promise<void> => {
      for await (const _ of parts) if (++taken === 2) leaver.abort(new Error("left"));
    };
    await expect(takeAll()).rejects.toThrow("left");
    expect(taken).toBeLessThan(5);
    backup.release();
    await member.close();
  });
});

describe("a file that is no snapshot, or damaged", () => {
  it.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ["cut short", (bytes) => bytes.subarray(0, -1), /backup.db has no SHA-256 at its end: it is cut short/],
    ["cut to whole pages", (bytes) => bytes.subarray(0, 8192), /has no SHA-256 at its end/],
    [
      "without its middle",
      (bytes) => Buffer.concat([bytes.subarray(0, 8192), bytes.subarray(-32)]),
      /is damaged: its SHA/,
    ],
    [
      "longer",
      (bytes) => Buffer.concat([bytes, Buffer.alloc(512)]),
      /is damaged: its SHA-256 is [0-9a-f]{64}, not 0{64}/,
    ],
    ["changed", (bytes) => bytes.fill(1, 9000, 9001), /is damaged: its SHA-256 is/],
    ["changed in its digest", (bytes) => bytes.fill(1, bytes.length - 1), /is damaged: its SHA-256 is/],
    ["something else", () => Buffer.alloc(5000, "SQLite format 3"), /backup.db is no snapshot of Holdfast's or etcd's/],
    ["empty", () => Buffer.alloc(0), /is no snapshot/],
  ])("is refused when it is %s", async (_, damage, message) => {
    const member = createMemoryMember();
    for (let at = 0; at < 100; at++) await member.put({ key: text(`k${at}`), value: Buffer.alloc(100, at) });
    await save(member);
    await member.close();
    expect(opened((snapshot) => snapshot.status()).totalKeys).toBe(104);
    writeFileSync(path, damage(readFileSync(path)));
    const refusal = { exitCode: 3, message: expect.stringMatching(message) as string };
    expect(() => openSnapshot(path)).toThrow(expect.objectContaining(refusal) as Error);
  });

  it("is damaged, too, when its pages or messages are, whatever its digest", async () => {
    const member = createMemoryMember();
    for (let at = 0; at < 100; at++) await member.put({ key: text(`k${at}`), value: Buffer.alloc(100, at) });
    await save(member);
    await member.close();
    const whole = readFileSync(path).subarray(0, -32);
    const pages = Buffer.from(whole).fill(255, 3 * 4096, 3 * 4096 + 16);
    const value = whole.indexOf(Buffer.from("\n\u0003k50"));
    const messages = Buffer.from(whole).fill(127, value + 1, value + 2);
    for (const [bytes, message] of [
      [pages, /backup.db is damaged: page.id at byte 12288 must be 3/],
      [messages, /backup.db is damaged: key at byte 0 must be a message of etcd's/],
    ] as const) {
      writeFileSync(path, bytes);
      const refusal = { exitCode: 3, message: expect.stringMatching(message) as string };
      await expect(contents({ skipHashCheck: true })).rejects.toMatchObject(refusal);
    }
  });

  it("whatever changes in it, is read or refused by name and nothing else", async () => {
    const member = createMemoryMember();
    for (let at = 0; at < 200; at++) await member.put({ key: text(`k${at}`), value: Buffer.alloc(50, at) });
    await member.leaseGrant({ id: 1n, ttlSeconds: 60 });
    await member.auth.change({ type: "userAdd", name: "ann" });
    await member.auth.change({ type: "roleAdd", name: "clerk" });
    const permission = { type: "readWrite", key: text("k") } as const;
    await member.auth.change({ type: "roleGrantPermission", name: "clerk", permission });
    await save(member);
    await member.close();
    const whole = readFileSync(path).subarray(0, -32);
    let refused = 0;
    const change = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 5, maxLength: 60 }), async (changes) => {
        const bytes = Buffer.from(whole);
        // The meta stays: it is there twice, and much else would not be read at all.
        for (const { at, byte } of changes) if (at > 4096) bytes[at] = byte;
        writeFileSync(path, bytes);
        try {
          opened((snapshot) => snapshot.status(), { skipHashCheck: true });
          await contents({ skipHashCheck: true });
        } catch (error) {
          expect(error).toMatchObject({
            exitCode: 3,
            message: expect.stringContaining(`${path} is damaged: `) as string,
          });
          refused++;
        }
      }),
      { numRuns: 150 },
    );
    expect(refused).toBeGreaterThan(50);
  });

  it("must be there", () => {
    expect(() => openSnapshot(join(directory, "none"))).toThrow(/cannot read .*none \(ENOENT\)/);
  });
});
