import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { CommandOperation, Outcome } from "../key-value/command.ts";
import { encodeCommand } from "../key-value/command-codec.ts";
import { createKeyValueStateMachine, type KeyValueStateMachine } from "../key-value/key-value-state-machine.ts";
import type { LeaseId } from "../key-value/key-value.ts";

/**
 * Leases against the plainest model there is: a list in which every lease counts down. A second machine applies the same
 * entries, and is replaced at random by one that was restored from its snapshot.
 */
interface ModelLease {
  readonly id: LeaseId;
  readonly ttlSeconds: number;
  /** Undefined until the next tick. */
  leftMs: number | undefined;
}

const maxLeases = 4;
const tickMs = 500;

class Model {
  leases: ModelLease[] = [];
  /** Which lease each key has, by key; 0n for none. */
  readonly keys = new Map<string, LeaseId>();
  revision = 1;
  expired = 0;

  find(id: LeaseId): ModelLease | undefined {
    return this.leases.find((lease) => lease.id === id);
  }

  grant(id: LeaseId, ttlSeconds: number): string {
    if (id === 0n) return "LEASE_NOT_FOUND";
    if (ttlSeconds > 9_000_000_000) return "LEASE_TTL_TOO_LARGE";
    if (this.find(id) !== undefined) return "LEASE_EXISTS";
    if (this.leases.length === maxLeases) return "TOO_MANY_LEASES";
    this.leases.push({ id, ttlSeconds: Math.max(1, ttlSeconds), leftMs: undefined });
    return "ok";
  }

  revoke(id: LeaseId): string {
    if (this.find(id) === undefined) return "LEASE_NOT_FOUND";
    this.leases = this.leases.filter((lease) => lease.id !== id);
    this.remove((_, lease) => lease === id);
    return "ok";
  }

  keepAlive(ids: readonly LeaseId[]): number[] {
    return ids.map((id) => {
      const lease = this.find(id);
      if (lease !== undefined) lease.leftMs = undefined;
      return lease?.ttlSeconds ?? 0;
    });
  }

  tick(elapsedMs: number): number {
    for (const lease of this.leases) {
      lease.leftMs = lease.leftMs === undefined ? lease.ttlSeconds * 1000 : lease.leftMs - elapsedMs;
    }
    const over = this.inOrder().filter(({ leftMs }) => leftMs! <= 0);
    for (const { id } of over) this.revoke(id);
    this.expired += over.length;
    return over.length;
  }

  put(key: string, lease: LeaseId | "kept"): string {
    if (lease === "kept" && !this.keys.has(key)) return "KEY_NOT_FOUND";
    if (lease !== "kept" && lease !== 0n && this.find(lease) === undefined) return "LEASE_NOT_FOUND";
    if (lease !== "kept") this.keys.set(key, lease);
    this.revision++;
    return "ok";
  }

  remove(doomed: (key: string, lease: LeaseId) => boolean): void {
    const before = this.keys.size;
    for (const [key, lease] of this.keys) if (doomed(key, lease)) this.keys.delete(key);
    if (this.keys.size < before) this.revision++;
  }

  inOrder(): ModelLease[] {
    return this.leases.toSorted((left, right) => leftOf(left) - leftOf(right));
  }
}

function leftOf({ leftMs, ttlSeconds }: ModelLease): number {
  return leftMs ?? ttlSeconds * 1000;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (key: Uint8Array): string => new TextDecoder().decode(key);

const ids = [-2n, 0n, 1n, 2n, 3n, 4n, 9n];
const id = fc.constantFrom(...ids);
const tick = fc.record({
  type: fc.constant("tick" as const),
  elapsedMs: fc.constantFrom(0, 1, 250, 499, 500, 1000, 1001, 3000),
  stale: fc.constantFrom(false, false, false, true),
});
const key = fc.constantFrom("a", "b", "c", "d", "e");
const action = fc.oneof(
  fc.record({
    type: fc.constant("grant" as const),
    id,
    ttlSeconds: fc.constantFrom(-1, 1, 1, 2, 2, 3, 3, 4, 9_000_000_000, 9_000_000_001),
  }),
  fc.record({ type: fc.constant("revoke" as const), id }),
  fc.record({ type: fc.constant("keepAlive" as const), ids: fc.array(id, { maxLength: 4 }) }),
  tick,
  tick,
  tick,
  fc.record({
    type: fc.constant("put" as const),
    key,
    lease: fc.oneof(fc.constantFrom(0n, "kept" as const), id, id, id),
    inTxn: fc.boolean(),
  }),
  fc.record({ type: fc.constant("delete" as const), from: key, to: key }),
  fc.record({ type: fc.constant("restore" as const) }),
);

function start() {
  let index = 0;
  const machine = createKeyValueStateMachine({ maxLeases });
  return (operation: CommandOperation, other: KeyValueStateMachine): Outcome => {
    const entry = { index: ++index, term: 3, kind: "command", data: encodeCommand({ operation }) } as const;
    const outcome = machine.apply(entry);
    expect(other.apply(entry)).toEqual(outcome);
    expect(other.stateHash).toBe(machine.stateHash);
    return outcome;
  };
}

function drain(machine: KeyValueStateMachine): Uint8Array[] {
  const source = machine.snapshot();
  const chunks: Uint8Array[] = [];
  for (let chunk = source.next(); chunk !== undefined; chunk = source.next()) chunks.push(chunk);
  source.release();
  return chunks;
}

const codeOf = (outcome: Outcome): string => (outcome.type === "refused" ? outcome.error.code : "ok");

function putOf(name: string, lease: LeaseId | "kept", inTxn: boolean): CommandOperation {
  const request = { key: bytes(name), value: bytes("v"), ...(lease === "kept" ? { ignoreLease: true } : { lease }) };
  const operation = { type: "put", request } as const;
  return inTxn ? { type: "txn", request: { compare: [], success: [operation], failure: [] } } : operation;
}

function check(machine: KeyValueStateMachine, model: Model): void {
  expect(machine.revision).toBe(model.revision);
  const { pairs } = machine.range({ key: bytes("a"), rangeEnd: bytes("z") });
  expect(new Map(pairs.map((pair) => [text(pair.key), pair.lease]))).toEqual(model.keys);
  expect(machine.leases.list()).toEqual(model.inOrder().map((lease) => lease.id));
  for (const lease of ids) {
    const told = machine.leases.timeToLive({ id: lease, keys: true }, tickMs);
    const known = model.find(lease);
    const keys = [...model.keys].flatMap(([name, held]) => (held === lease && lease !== 0n ? [name] : [])).sort();
    expect({ ...told, keys: told.keys.map(text) }).toEqual({
      id: lease,
      ttlSeconds: known === undefined ? -1 : Math.max(0, Math.floor((leftOf(known) - tickMs) / 1000)),
      grantedTtlSeconds: known?.ttlSeconds ?? 0,
      keys,
    });
  }
}

it("equals a list of countdowns, on two members, and so does what snapshots carry on", () => {
  let expired = 0;
  let restored = 0;
  const codes = new Set<string>();
  fc.assert(
    fc.property(fc.array(action, { minLength: 40, maxLength: 120, size: "max" }), (actions) => {
      const model = new Model();
      const apply = start();
      let machine = createKeyValueStateMachine({ maxLeases });
      for (const step of actions) {
        if (step.type === "grant") {
          const outcome = apply({ type: "leaseGrant", request: { id: step.id, ttlSeconds: step.ttlSeconds } }, machine);
          expect(codeOf(outcome)).toBe(model.grant(step.id, step.ttlSeconds));
          codes.add(codeOf(outcome));
          if (outcome.type === "leaseGrant") {
            expect(outcome.response).toEqual({ id: step.id, ttlSeconds: Math.max(1, step.ttlSeconds) });
          }
        } else if (step.type === "revoke") {
          const outcome = apply({ type: "leaseRevoke", request: { id: step.id } }, machine);
          expect(codeOf(outcome)).toBe(model.revoke(step.id));
        } else if (step.type === "keepAlive") {
          const outcome = apply({ type: "leaseKeepAlive", request: { ids: step.ids } }, machine);
          expect(outcome).toMatchObject({ response: { ttlSeconds: model.keepAlive(step.ids) } });
        } else if (step.type === "tick") {
          const { stale, elapsedMs } = step;
          const outcome = apply({ type: "clockTick", request: { term: stale ? 2 : 3, elapsedMs } }, machine);
          expect(outcome).toMatchObject({ response: { expired: stale ? 0 : model.tick(elapsedMs) } });
        } else if (step.type === "put") {
          const outcome = apply(putOf(step.key, step.lease, step.inTxn), machine);
          expect(codeOf(outcome)).toBe(model.put(step.key, step.lease));
        } else if (step.type === "delete") {
          apply({ type: "deleteRange", request: { key: bytes(step.from), rangeEnd: bytes(step.to) } }, machine);
          model.remove((name) => name >= step.from && name < step.to);
        } else {
          const chunks = drain(machine);
          machine = createKeyValueStateMachine({ maxLeases });
          machine.restore(chunks);
          expect(drain(machine)).toEqual(chunks);
          restored++;
        }
        check(machine, model);
      }
      expired += model.expired;
    }),
    { numRuns: 100 },
  );
  expect(expired).toBeGreaterThan(50);
  expect(restored).toBeGreaterThan(100);
  expect([...codes].sort()).toEqual([
    "LEASE_EXISTS",
    "LEASE_NOT_FOUND",
    "LEASE_TTL_TOO_LARGE",
    "TOO_MANY_LEASES",
    "ok",
  ]);
});
