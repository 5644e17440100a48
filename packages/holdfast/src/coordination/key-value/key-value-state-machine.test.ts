import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidArgumentError } from "../../errors/index.ts";
import { MalformedError } from "../../wire/index.ts";
import type { CommandOperation, Outcome } from "./command.ts";
import { encodeCommand } from "./command-codec.ts";
import type { RequestIdentity } from "../coordination.ts";
import { createKeyValueStateMachine, type KeyValueStateMachine } from "./key-value-state-machine.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const all = { key: bytes("\0"), rangeEnd: bytes("\0") };

/** A machine and its log. */
function start(machine: KeyValueStateMachine = createKeyValueStateMachine()) {
  let index = 0;
  const applyData = (data: Uint8Array): Outcome => {
    index++;
    return machine.apply({ index, term: 1, kind: "command", data });
  };
  const apply = (operation: CommandOperation, identity?: RequestIdentity): Outcome =>
    applyData(encodeCommand(identity === undefined ? { operation } : { identity, operation }));
  const put = (key: string, value: string, identity?: RequestIdentity): Outcome =>
    apply({ type: "put", request: { key: bytes(key), value: bytes(value) } }, identity);
  return { machine, apply, applyData, put };
}

function drain(machine: KeyValueStateMachine): Uint8Array[] {
  const source = machine.snapshot();
  const chunks: Uint8Array[] = [];
  for (let chunk = source.next(); chunk !== undefined; chunk = source.next()) chunks.push(chunk);
  source.release();
  return chunks;
}

function restored(chunks: readonly Uint8Array[]): KeyValueStateMachine {
  const machine = createKeyValueStateMachine();
  machine.restore(chunks);
  return machine;
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}

const member = (id: bigint, name: string) => ({ id, name, peerUrls: ["a:1"], clientUrls: [], httpUrls: ["http://ü"] });

/** Keys with history, tombstones, compacted garbage not yet freed, leases, sessions and members. */
function eventful(): ReturnType<typeof start> {
  const log = start();
  for (let round = 0; round < 4; round++) {
    for (let key = 0; key < 1500; key++) log.put(`key-${key}`, `${"v".repeat(100)}${round}`);
    log.apply({ type: "deleteRange", request: { key: bytes("key-1"), rangeEnd: bytes("key-2") } });
  }
  for (let id = 1n; id <= 30n; id++) {
    log.apply({ type: "leaseGrant", request: { id, ttlSeconds: Number(id) } });
    log.apply({ type: "put", request: { key: bytes(`leased-${id % 10n}`), value: bytes("v"), lease: id } });
    log.apply({ type: "clockTick", request: { term: 1, elapsedMs: 500 } });
  }
  log.apply({ type: "leaseKeepAlive", request: { ids: [29n, 28n] } });
  for (let client = 1; client <= 50; client++) log.put("s", "1", { client, sequence: client, acknowledged: 0 });
  log.apply({ type: "memberAttributes", request: member(9n, "two") });
  log.apply({ type: "memberAttributes", request: member(3n, "one") });
  log.apply({ type: "compact", request: { revision: log.machine.revision - 500 } });
  return log;
}

describe("apply", () => {
  it("gives the answer and the revision", () => {
    const { apply, put, machine } = start();
    expect(put("a", "1")).toEqual({ type: "put", response: {}, revision: 2 });
    const request = { ...all, previousPairs: true };
    expect(apply({ type: "deleteRange", request })).toMatchObject({ type: "deleteRange", revision: 3 });
    expect(apply({ type: "compact", request: { revision: 3 } })).toEqual({
      type: "compact",
      response: {},
      revision: 3,
    });
    expect(machine.compactedRevision).toBe(3);
  });

  it("answers a repeated request without applying it, refusals too", () => {
    const { apply, put, machine } = start();
    const first = put("a", "1", { client: 7, sequence: 1, acknowledged: 0 });
    put("a", "2");
    expect(put("a", "1", { client: 7, sequence: 1, acknowledged: 0 })).toEqual(first);
    const compact = { type: "compact", request: { revision: 9 } } as const;
    const refused = apply(compact, { client: 7, sequence: 2, acknowledged: 0 });
    expect(refused).toMatchObject({ type: "refused", error: { code: "FUTURE_REVISION" } });
    for (let round = 0; round < 9; round++) put("b", "1");
    expect(apply(compact, { client: 7, sequence: 2, acknowledged: 0 })).toEqual(refused);
    expect(machine.compactedRevision).toBe(-1);
    expect(machine.range({ key: bytes("a") }).pairs[0]?.version).toBe(2);
  });

  it("refuses what it cannot read, alike everywhere, and goes on", () => {
    const { applyData, put, machine } = start();
    for (const data of [
      new Uint8Array(0),
      Uint8Array.of(1),
      Uint8Array.of(9, 9),
      Uint8Array.of(1, 0, 0, 1, 65, 0, 0),
    ]) {
      const outcome = applyData(data);
      expect(outcome.type === "refused" && outcome.error).toBeInstanceOf(MalformedError);
    }
    expect(machine.revision).toBe(1);
    expect(put("a", "1")).toMatchObject({ revision: 2 });
  });

  it("keeps nothing of the entry's bytes", () => {
    const { machine, applyData } = start();
    const data = encodeCommand({ operation: { type: "put", request: { key: bytes("k"), value: bytes("value") } } });
    applyData(data);
    data.fill(0);
    expect(machine.range(all).pairs[0]).toMatchObject({ key: bytes("k"), value: bytes("value") });
  });

  it("knows the members by what they said last", () => {
    const { apply, machine } = start();
    apply({ type: "memberAttributes", request: member(9n, "two") });
    apply({ type: "memberAttributes", request: member(3n, "old") });
    apply({ type: "memberAttributes", request: member(3n, "one") });
    expect(machine.members()).toEqual([member(3n, "one"), member(9n, "two")]);
    expect(machine.revision).toBe(1);
  });

  it("runs transactions that only read outside the log", () => {
    const { machine, put } = start();
    put("a", "1");
    const range = { type: "range", request: all } as const;
    const response = machine.readTxn({ compare: [], success: [range], failure: [] });
    expect(response).toMatchObject({ succeeded: true, responses: [{ response: { count: 1 } }] });
    const hidden = { compare: [], success: [range], failure: [{ type: "deleteRange", request: all }] } as const;
    expect(() => machine.readTxn(hidden)).toThrow(InvalidArgumentError);
  });
});

describe("stateHash", () => {
  it("is the same for the same entries, and differs with any outcome", () => {
    const [one, two] = [start(), start()];
    const hashes = new Set([one.machine.stateHash]);
    for (const value of ["1", "2", "3"]) {
      for (const log of [one, two]) log.put("a", value);
      expect(one.machine.stateHash).toBe(two.machine.stateHash);
      hashes.add(one.machine.stateHash);
    }
    expect(hashes.size).toBe(4);
    expect(one.machine.stateHash).toMatch(/^[0-9a-f]{16}$/);
    one.apply({ type: "deleteRange", request: { key: bytes("a") } });
    two.apply({ type: "deleteRange", request: { key: bytes("x") } });
    expect(one.machine.stateHash).not.toBe(two.machine.stateHash);
  });
});

describe("snapshot", () => {
  it("restores everything, byte for byte", () => {
    const { machine } = eventful();
    const chunks = drain(machine);
    expect(chunks.length).toBeGreaterThan(5);
    for (const chunk of chunks) expect(chunk.length).toBeLessThan(70_000);
    const copy = restored(chunks);
    expect(join(drain(copy))).toEqual(join(chunks));
    expect(copy.members()).toEqual(machine.members());
    expect([copy.revision, copy.compactedRevision, copy.keyCount, copy.sessionCount, copy.stateHash]).toEqual([
      machine.revision,
      machine.compactedRevision,
      machine.keyCount,
      machine.sessionCount,
      machine.stateHash,
    ]);
    for (const revision of [machine.compactedRevision, machine.revision - 200, machine.revision]) {
      expect(copy.range({ ...all, revision })).toEqual(machine.range({ ...all, revision }));
    }
  });

  it("depends on the state alone, not on when garbage is freed", () => {
    const { machine } = eventful();
    const before = join(drain(machine));
    expect(machine.sweep(100)).toBe(true);
    expect(join(drain(machine))).toEqual(before);
    while (machine.sweep(1000)) continue;
    expect(join(drain(machine))).toEqual(before);
    expect(restored([before]).storeBytes).toBe(machine.storeBytes);
  });

  it("goes on alike after it, sessions included", () => {
    const original = eventful();
    const copy = start(restored(drain(original.machine)));
    for (const log of [original, copy]) {
      log.put("s", "2", { client: 5, sequence: 5, acknowledged: 0 });
      log.put("s", "2", { client: 5, sequence: 6, acknowledged: 5 });
      log.apply({ type: "compact", request: { revision: log.machine.revision } });
      log.apply({ type: "deleteRange", request: all });
    }
    expect(copy.machine.revision).toBe(original.machine.revision);
    expect(join(drain(copy.machine)).subarray(100)).toEqual(join(drain(original.machine)).subarray(100));
  });

  it("shows the moment it was taken while writes, deletes and compactions go on", () => {
    const { machine, apply, put } = eventful();
    const expected = join(drain(machine));
    const taken = machine.revision;
    const source = machine.snapshot();
    const chunks: Uint8Array[] = [];
    for (let chunk = source.next(), round = 0; chunk !== undefined; chunk = source.next(), round++) {
      chunks.push(chunk);
      put(`key-${round}`, "later");
      put(`new-${round}`, "later", { client: 1 + round, sequence: 99, acknowledged: 98 });
      put(`aaa-${round}`, "later", { client: 1000 + round, sequence: 1, acknowledged: 0 });
      apply({ type: "deleteRange", request: { key: bytes(`key-${100 + round}`) } });
      apply({ type: "compact", request: { revision: machine.revision } });
      apply({ type: "memberAttributes", request: member(BigInt(100 + round), "later") });
      apply({ type: "leaseGrant", request: { id: BigInt(100 + round), ttlSeconds: 5 } });
      apply({ type: "leaseRevoke", request: { id: BigInt(30 - round) } });
      apply({ type: "clockTick", request: { term: 1, elapsedMs: 1000 } });
    }
    expect(machine.revision).toBeGreaterThan(taken + 20);
    expect(() => machine.range({ ...all, revision: taken })).toThrow("compacted");
    expect(join(chunks)).toEqual(expected);
    const held = machine.storeBytes;
    source.release();
    while (machine.sweep(1000)) continue;
    expect(machine.storeBytes).toBeLessThan(held);
  });

  it("is two snapshots when two are open", () => {
    const { machine, put } = start();
    put("a", "1");
    const first = machine.snapshot();
    put("a", "2");
    const second = machine.snapshot();
    put("a", "3");
    const valueIn = (source: typeof first): string => {
      const chunks: Uint8Array[] = [];
      for (let chunk = source.next(); chunk !== undefined; chunk = source.next()) chunks.push(chunk);
      return new TextDecoder().decode(restored(chunks).range(all).pairs[0]!.value);
    };
    expect([valueIn(second), valueIn(first)]).toEqual(["2", "1"]);
  });

  it("may be let go of unread, and ends then", () => {
    const { machine, put, apply } = start();
    for (let round = 0; round < 100; round++) put("a", "1");
    const source = machine.snapshot();
    source.next();
    source.release();
    source.release();
    expect(source.next()).toBeUndefined();
    const held = machine.storeBytes;
    apply({ type: "compact", request: { revision: machine.revision } });
    expect(machine.storeBytes).toBeLessThan(held);
  });

  it("loses the sessions when that bug is planted, and nothing else", () => {
    const planted = start(createKeyValueStateMachine({ plant: { dropSessionsInSnapshot: true } }));
    planted.put("a", "1", { client: 7, sequence: 1, acknowledged: 0 });
    const copy = start(restored(drain(planted.machine)));
    expect(copy.machine.sessionCount).toBe(0);
    copy.put("a", "1", { client: 7, sequence: 1, acknowledged: 0 });
    expect(copy.machine.range(all).pairs[0]?.version).toBe(2);
  });
});

describe("restore", () => {
  const chunks = drain(eventful().machine);
  const whole = join(chunks);

  it("takes chunks cut anywhere", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 6 }), (cuts) => {
        const ends = [...cuts.sort((left, right) => left - right), whole.length];
        const pieces = ends.map((end, at) => whole.subarray(at === 0 ? 0 : ends[at - 1], end));
        expect(join(drain(restored(pieces))).length).toBe(whole.length);
      }),
      { numRuns: 20 },
    );
    const small = drain(start().machine);
    const single = Array.from(join(small), (byte) => Uint8Array.of(byte));
    expect(join(drain(restored(single)))).toEqual(join(small));
  });

  it("refuses what is cut short, goes on, or is something else, and keeps its state", () => {
    const { machine, put } = start();
    put("a", "1");
    const hash = machine.stateHash;
    const bad: readonly (readonly Uint8Array[])[] = [
      [],
      [new Uint8Array(0)],
      [whole.subarray(0, 3)],
      [whole.subarray(0, whole.length - 1)],
      [whole.subarray(0, whole.length - 5)],
      [whole, Uint8Array.of(0)],
      [whole, whole],
      [bytes("something else that is long enough")],
      [Uint8Array.of(255, 255, 255, 255, 0)],
      chunks.slice(1),
      chunks.toReversed(),
      [chunks[0]!, ...chunks.slice(2), chunks[1]!],
    ];
    for (const chunks of bad) expect(() => machine.restore(chunks)).toThrow(MalformedError);
    expect(machine.stateHash).toBe(hash);
    expect(machine.range(all).count).toBe(1);
  });

  it("answers any damage with a state or a MalformedError", () => {
    const { machine, put, apply } = start();
    for (let round = 0; round < 3; round++) put(`k${round}`, "v", { client: 3, sequence: round + 1, acknowledged: 0 });
    apply({ type: "deleteRange", request: { key: bytes("k1") } });
    apply({ type: "memberAttributes", request: member(3n, "one") });
    for (const id of [5n, -6n]) apply({ type: "leaseGrant", request: { id, ttlSeconds: 7 } });
    apply({ type: "clockTick", request: { term: 1, elapsedMs: 1000 } });
    apply({ type: "put", request: { key: bytes("leased"), value: bytes("v"), lease: 5n } });
    const intact = join(drain(machine));
    let refused = 0;
    fc.assert(
      fc.property(fc.nat(intact.length - 1), fc.nat(255), (at, byte) => {
        const damaged = intact.slice();
        damaged[at] = byte;
        try {
          restored([damaged]);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
          refused++;
        }
      }),
      { numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(200);
  });
});
