import { describe, expect, it } from "vitest";
import { MalformedError } from "../../wire/index.ts";
import type { CommandOperation, Outcome } from "../key-value/command.ts";
import { encodeCommand } from "../key-value/command-codec.ts";
import type { RequestIdentity } from "../coordination.ts";
import { createKeyValueStateMachine, type KeyValueStateMachine } from "../key-value/key-value-state-machine.ts";
import { KeyValueStore } from "../key-value/key-value-store.ts";
import type { LeaseId, PutRequest } from "../key-value/key-value.ts";
import { readState, writeState } from "../key-value/state-snapshot.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (key: Uint8Array): string => new TextDecoder().decode(key);

class Log {
  readonly machine: KeyValueStateMachine = createKeyValueStateMachine();
  #index = 0;

  apply(operation: CommandOperation, identity?: RequestIdentity): Outcome {
    const data = encodeCommand(identity === undefined ? { operation } : { identity, operation });
    return this.machine.apply({ index: ++this.#index, term: 1, kind: "command", data });
  }

  grant(id: LeaseId, ttlSeconds: number = 10): Outcome {
    return this.apply({ type: "leaseGrant", request: { id, ttlSeconds } });
  }

  put(key: string, request: Omit<PutRequest, "key" | "value"> = {}): Outcome {
    return this.apply({ type: "put", request: { key: bytes(key), value: bytes("v"), ...request } });
  }

  tick(elapsedMs: number): Outcome {
    return this.apply({ type: "clockTick", request: { term: 1, elapsedMs } });
  }

  keysOf(id: LeaseId): string[] {
    return this.machine.leases.timeToLive({ id, keys: true }, 0).keys.map(text);
  }

  /** Keys with the revisions at which they were put. */
  get keys(): string[] {
    const { pairs } = this.machine.range({ key: bytes("\0"), rangeEnd: bytes("\0") });
    return pairs.map(({ key, modRevision }) => `${text(key)}@${modRevision}`);
  }
}

describe("a key", () => {
  it("hangs on the lease of its last put, until it is deleted", () => {
    const log = new Log();
    log.grant(1n);
    log.grant(2n);
    const seen = [
      () => log.put("k", { lease: 1n }),
      () => log.put("k", { lease: 2n }),
      () => log.put("k", { ignoreLease: true }),
      () => log.put("k", { lease: 1n }),
      () => log.put("k"),
      () => log.put("k", { lease: 1n }),
      () => log.apply({ type: "deleteRange", request: { key: bytes("k") } }),
      () => log.put("k"),
    ].map((change) => {
      change();
      return [log.keysOf(1n), log.keysOf(2n)].map((keys) => keys.length).join("");
    });
    expect(seen).toEqual(["10", "01", "01", "10", "00", "10", "00", "00"]);
    log.apply({ type: "leaseRevoke", request: { id: 1n } });
    expect(log.keys).toEqual(["k@9"]);
  });

  it("cannot be put with a lease that was revoked or ran out", () => {
    const log = new Log();
    for (const id of [1n, 2n]) log.grant(id, 5);
    log.apply({ type: "leaseRevoke", request: { id: 1n } });
    log.tick(0);
    log.tick(5000);
    for (const lease of [1n, 2n]) expect(log.put("k", { lease })).toMatchObject({ error: { code: "LEASE_NOT_FOUND" } });
    expect(log.machine.revision).toBe(1);
  });
});

describe("the end of leases", () => {
  it("deletes the keys of each in a revision of its own, and takes none for one without keys", () => {
    const log = new Log();
    for (const [id, ttlSeconds] of [
      [1n, 3],
      [2n, 1],
      [3n, 2],
    ] as const) {
      log.grant(id, ttlSeconds);
    }
    for (const key of ["b", "a"]) log.put(key, { lease: 1n });
    log.put("c", { lease: 2n });
    log.put("d");
    log.tick(0);
    expect(log.tick(60_000)).toMatchObject({ type: "clockTick", response: { expired: 3 }, revision: 7 });
    expect(log.keys).toEqual(["d@5"]);
    const at = (revision: number) =>
      log.machine.range({ key: bytes("a"), rangeEnd: bytes("z"), revision }).pairs.map(({ key }) => text(key));
    expect([at(5), at(6), at(7)]).toEqual([["a", "b", "c", "d"], ["a", "b", "d"], ["d"]]);
    log.grant(4n);
    expect(log.apply({ type: "leaseRevoke", request: { id: 4n } })).toMatchObject({ revision: 7 });
  });

  it("is not brought about by a tick of another term", () => {
    const log = new Log();
    log.grant(1n, 1);
    log.tick(0);
    const stale = { type: "clockTick", request: { term: 2, elapsedMs: 60_000 } } as const;
    expect(log.apply(stale)).toMatchObject({ response: { expired: 0 } });
    expect(log.machine.leases.has(1n)).toBe(true);
    expect(log.machine.leases.clockMs).toBe(0);
  });
});

it("answers requests that are repeated from memory", () => {
  const log = new Log();
  const named = (sequence: number): RequestIdentity => ({ client: 7, sequence, acknowledged: 0 });
  const requests: readonly CommandOperation[] = [
    { type: "leaseGrant", request: { id: -5n, ttlSeconds: 9_000_000_000 } },
    { type: "leaseGrant", request: { id: -5n, ttlSeconds: 3 } },
    { type: "leaseKeepAlive", request: { ids: [-5n, 6n] } },
    { type: "leaseRevoke", request: { id: -5n } },
    { type: "leaseRevoke", request: { id: -5n } },
    { type: "clockTick", request: { term: 1, elapsedMs: 3 } },
  ];
  const answer = (): Outcome[] => requests.map((operation, at) => log.apply(operation, named(at + 1)));
  const first = answer();
  expect(first).toEqual([
    { type: "leaseGrant", response: { id: -5n, ttlSeconds: 9_000_000_000 }, revision: 1 },
    expect.objectContaining({ error: expect.objectContaining({ code: "LEASE_EXISTS" }) }),
    { type: "leaseKeepAlive", response: { ttlSeconds: [9_000_000_000, 0] }, revision: 1 },
    { type: "leaseRevoke", response: {}, revision: 1 },
    expect.objectContaining({ error: expect.objectContaining({ code: "LEASE_NOT_FOUND" }) }),
    { type: "clockTick", response: { expired: 0 }, revision: 1 },
  ]);
  expect(answer()).toEqual(first);
  expect(log.machine.leases.clockMs).toBe(3);
});

describe("a snapshot", () => {
  function chunksOf(machine: KeyValueStateMachine): Uint8Array[] {
    const source = machine.snapshot();
    const chunks: Uint8Array[] = [];
    for (let chunk = source.next(); chunk !== undefined; chunk = source.next()) chunks.push(chunk);
    source.release();
    return chunks;
  }

  it("brings back which keys hang on which lease", () => {
    const log = new Log();
    log.grant(1n);
    log.grant(2n);
    for (const [key, lease] of [
      ["moved", 1n],
      ["moved", 2n],
      ["freed", 1n],
      ["freed", 0n],
      ["gone", 1n],
      ["kept", 1n],
    ] as const) {
      log.put(key, { lease });
    }
    log.apply({ type: "deleteRange", request: { key: bytes("gone") } });
    const copy = new Log();
    copy.grant(77n);
    copy.machine.restore(chunksOf(log.machine));
    expect(copy.machine.leases.list()).toEqual([1n, 2n]);
    expect([copy.keysOf(1n), copy.keysOf(2n)]).toEqual([["kept"], ["moved"]]);
    expect(chunksOf(copy.machine)).toEqual(chunksOf(log.machine));
  });

  it("does not show what happens to leases after it was taken", () => {
    const log = new Log();
    for (let id = 1n; id <= 9000n; id++) log.grant(id, 5);
    log.tick(0);
    const before = chunksOf(log.machine);
    const source = log.machine.snapshot();
    const chunks = [source.next()!];
    log.tick(60_000);
    log.grant(9001n);
    for (let chunk = source.next(); chunk !== undefined; chunk = source.next()) chunks.push(chunk);
    source.release();
    expect(chunks).toEqual(before);
    expect(log.machine.leases.size).toBeLessThan(9000);
  });

  it("is refused when a key has a lease that is not granted, or a lease is there twice", () => {
    const leases = { has: () => true, attach: () => undefined, detach: () => undefined };
    const store = new KeyValueStore({ leases });
    store.put({ key: bytes("k"), value: bytes("v"), lease: 5n });
    const stateWith = (...ids: LeaseId[]) => {
      const contents = store.openSnapshot();
      const granted = ids.map((id) => ({ id, ttlSeconds: 3, deadlineMs: undefined }));
      return [
        ...writeState({
          store: contents,
          leases: { clockMs: 0, leases: granted },
          sessions: { horizon: -1, sessions: [] },
          members: [],
          auth: { enabled: false, revision: 1, users: [], roles: [] },
          cluster: { asks: [], told: [], removed: [], alarms: [] },
          hash: [0, 0],
        }),
      ];
    };
    expect(readState(stateWith(5n)).leases.leases).toHaveLength(1);
    expect(() => readState(stateWith(6n))).toThrow(MalformedError);
    expect(() => readState(stateWith(6n))).toThrow("version.lease");
    expect(() => readState(stateWith(5n, 5n))).toThrow("lease.id");
    expect(() => readState(stateWith(5n, 0n))).toThrow("must have an id");
  });
});
