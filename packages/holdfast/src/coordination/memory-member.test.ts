import { describe, expect, it } from "vitest";
import { InvalidArgumentError } from "../errors/index.ts";
import { createMemoryMember } from "./memory-member.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const put = (key: string, value: string) => ({ key: bytes(key), value: bytes(value) });
const code = (code: string) => expect.objectContaining({ code });

describe("createMemoryMember", () => {
  it("answers with who it is and as of when", async () => {
    const member = createMemoryMember({ name: "one" });
    const { header } = await member.put(put("a", "1"));
    expect(header).toEqual({ clusterId: member.clusterId, memberId: member.id, revision: 2, term: 1 });
    expect(await member.range({ key: bytes("a") })).toMatchObject({ count: 1, header });
    expect(await member.deleteRange({ key: bytes("a") })).toMatchObject({ deleted: 1, header: { revision: 3 } });
    expect(await member.txn({ compare: [], success: [], failure: [] })).toMatchObject({ succeeded: true });
    expect(await member.compact({ revision: 3 })).toEqual({ header: { ...header, revision: 3 } });
    expect(member.status()).toMatchObject({ role: "leader", leader: member.id, revision: 3, appliedIndex: 4 });
    expect(member.members()).toEqual([expect.objectContaining({ id: member.id, name: "one" })]);
  });

  it("has ids of its name", () => {
    const [one, same, two] = ["one", "one", "two"].map((name) => createMemoryMember({ name }));
    expect(one!.id).toBe(same!.id);
    expect(new Set([one!.id, two!.id, one!.clusterId, two!.clusterId]).size).toBe(4);
    expect(one!.id).not.toBe(0n);
    expect(() => createMemoryMember({ name: "" })).toThrow(InvalidArgumentError);
  });

  it("applies a request with an identity once", async () => {
    const member = createMemoryMember();
    const identity = { client: 7, sequence: 1, acknowledged: 0 };
    const first = await member.put(put("a", "1"), { identity });
    expect(await member.put(put("a", "1"), { identity })).toEqual(first);
    await member.put(put("a", "1"), { identity: { ...identity, sequence: 2, acknowledged: 1 } });
    await expect(member.put(put("a", "1"), { identity })).rejects.toEqual(code("SESSION_EXPIRED"));
    expect((await member.range({ key: bytes("a") })).pairs[0]?.version).toBe(2);
  });

  it("refuses before anything is applied", async () => {
    const member = createMemoryMember({ maxTxnOps: 1 });
    const signal = AbortSignal.abort(new Error("no longer wanted"));
    const operation = { type: "put", request: put("a", "1") } as const;
    const txn = { compare: [], success: [operation, operation], failure: [] };
    await expect(member.put(put("", "1"))).rejects.toEqual(code("EMPTY_KEY"));
    await expect(member.txn(txn)).rejects.toEqual(code("TOO_MANY_OPERATIONS"));
    await expect(member.range({ key: bytes("a"), revision: 9 })).rejects.toEqual(code("FUTURE_REVISION"));
    await expect(member.put(put("a", "1"), { signal })).rejects.toThrow("no longer wanted");
    const identity = { client: 7, sequence: 1, acknowledged: 1 };
    await expect(member.put(put("a", "1"), { identity })).rejects.toBeInstanceOf(InvalidArgumentError);
    expect(member.status()).toMatchObject({ revision: 1, appliedIndex: 0, storeBytes: 0 });
  });

  it("can be watched", async () => {
    const member = createMemoryMember({ watches: { maxWatchers: 1 } });
    const watcher = await member.watch({ key: bytes("a") });
    expect(watcher).toMatchObject({ startRevision: 2, header: { memberId: member.id, revision: 1 } });
    await expect(member.watch({ key: bytes("a") })).rejects.toEqual(code("TOO_MANY_REQUESTS"));
    const { header } = await member.put(put("a", "1"));
    expect(await watcher.next()).toMatchObject({ value: { header, events: [{ type: "put" }] } });
    await member.close();
    expect(await watcher.next()).toMatchObject({ value: { canceled: true, cancelReason: "STOPPED" } });
    await expect(member.watch({ key: bytes("a") })).rejects.toEqual(code("STOPPED"));
  });

  it.each([
    [{ maxWatchers: 0 }, "watches.maxWatchers must be an integer >= 1 (got 0)"],
    [{ progressIntervalMs: 99 }, "watches.progressIntervalMs must be an integer >= 100 (got 99)"],
    [{ maxWatcher: 1 }, "watches.maxWatcher is no option; there are maxWatchers, progressIntervalMs (got 1)"],
  ])("refuses the limits %o", (watches, message) => {
    expect(() => createMemoryMember({ watches: watches as object })).toThrow(message);
  });

  it("stops when closed", async () => {
    const member = createMemoryMember();
    await member.close();
    await member.close();
    await expect(member.range({ key: bytes("a") })).rejects.toEqual(code("STOPPED"));
    await expect(member.put(put("a", "1"))).rejects.toEqual(code("STOPPED"));
  });
});
