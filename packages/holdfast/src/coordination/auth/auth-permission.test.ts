import { describe, expect, it } from "vitest";
import type { AuthChange, Caller, PermissionType } from "./auth.ts";
import type { CommandOperation, Outcome } from "../key-value/command.ts";
import { encodeCommand } from "../key-value/command-codec.ts";
import type { RequestIdentity } from "../coordination.ts";
import { createKeyValueStateMachine, type KeyValueStateMachine } from "../key-value/key-value-state-machine.ts";
import type { RequestOp, TxnRequest } from "../key-value/key-value.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A machine and its log, with a user who may read `r*`, write `w*` and both `b*`; lease 1 hangs on b1, lease 2 on r1. */
class Log {
  readonly machine: KeyValueStateMachine = createKeyValueStateMachine();
  #index = 0;

  apply(operation: CommandOperation, caller?: Caller, identity?: RequestIdentity): Outcome {
    const named = identity === undefined ? {} : { identity };
    const data = encodeCommand({ ...named, ...(caller === undefined ? {} : { caller }), operation });
    return this.machine.apply({ index: ++this.#index, term: 1, kind: "command", data });
  }

  change(change: AuthChange, caller?: Caller): Outcome {
    return this.apply({ type: "auth", request: change }, caller);
  }

  as(user: string): Caller {
    return { user, authRevision: this.machine.auth.status().revision };
  }

  grant(type: PermissionType, prefix: string): void {
    const end = String.fromCharCode(prefix.charCodeAt(0) + 1);
    const permission = { type, key: bytes(prefix), rangeEnd: bytes(end) };
    this.change({ type: "roleGrantPermission", name: "clerk", permission }, this.as("root"));
  }
}

function prepared(): Log {
  const log = new Log();
  log.change({ type: "userAdd", name: "root", passwordHash: "r" });
  log.change({ type: "userGrantRole", name: "root", role: "root" });
  log.change({ type: "userAdd", name: "ann", passwordHash: "a" });
  log.change({ type: "roleAdd", name: "clerk" });
  log.change({ type: "userGrantRole", name: "ann", role: "clerk" });
  log.grant("read", "r");
  log.grant("write", "w");
  log.grant("readWrite", "b");
  for (const [id, key] of [
    [1n, "b1"],
    [2n, "r1"],
  ] as const) {
    log.apply({ type: "leaseGrant", request: { id, ttlSeconds: 60 } });
    log.apply({ type: "put", request: { key: bytes(key), value: bytes("v"), lease: id } });
  }
  log.change({ type: "authEnable" });
  return log;
}

const codeOf = (outcome: Outcome): string => (outcome.type === "refused" ? outcome.error.code : "ok");
const put = (key: string, more: object = {}) =>
  ({ type: "put", request: { key: bytes(key), value: bytes("v"), ...more } }) as const;
const remove = (key: string, rangeEnd?: string, more: object = {}) =>
  ({
    type: "deleteRange",
    request: { key: bytes(key), ...(rangeEnd === undefined ? {} : { rangeEnd: bytes(rangeEnd) }), ...more },
  }) as const;
const range = (key: string): RequestOp => ({ type: "range", request: { key: bytes(key) } });
const txn = (part: Partial<TxnRequest>): CommandOperation & { readonly type: "txn" } => ({
  type: "txn",
  request: { compare: [], success: [], failure: [], ...part },
});
const compare = (key: string): TxnRequest["compare"] => [
  { key: bytes(key), target: "version", result: "equal", operand: 0 },
];

describe("while users are enabled", () => {
  it.each<[string, string, CommandOperation]>([
    ["ok", "a put", put("w1")],
    ["PERMISSION_DENIED", "a put of what may only be read", put("r1")],
    ["PERMISSION_DENIED", "a put that tells what was there", put("w1", { previousPair: true })],
    ["ok", "a put that tells what may be read, too", put("b1", { previousPair: true })],
    ["ok", "a put with a lease of one's own keys", put("w1", { lease: 1n })],
    ["PERMISSION_DENIED", "a put with a lease of others' keys", put("w1", { lease: 2n })],
    ["LEASE_NOT_FOUND", "a put with a lease that there is not", put("w1", { lease: 9n })],
    ["ok", "a delete", remove("w1", "w9")],
    ["PERMISSION_DENIED", "a delete beyond what is granted", remove("w1", "y")],
    ["PERMISSION_DENIED", "a delete that tells what was there", remove("w1", undefined, { previousPairs: true })],
    ["ok", "a transaction", txn({ compare: compare("r1"), success: [put("w1"), range("b1")] })],
    ["PERMISSION_DENIED", "a condition on what may not be read", txn({ compare: compare("w1"), success: [put("w2")] })],
    ["PERMISSION_DENIED", "a read within one", txn({ success: [put("w1"), range("w2")] })],
    ["PERMISSION_DENIED", "a put on the branch not taken", txn({ success: [put("w1")], failure: [put("r1")] })],
    ["PERMISSION_DENIED", "a delete within one", txn({ success: [remove("r1")] })],
    ["PERMISSION_DENIED", "a put two deep", txn({ success: [txn({ success: [put("r1")] })] })],
    ["PERMISSION_DENIED", "a condition two deep", txn({ success: [txn({ compare: compare("w1") })] })],
    ["PERMISSION_DENIED", "a lease within one", txn({ success: [put("w1", { lease: 2n })] })],
    ["ok", "the end of a lease", { type: "leaseRevoke", request: { id: 1n } }],
    ["PERMISSION_DENIED", "the end of others' lease", { type: "leaseRevoke", request: { id: 2n } }],
    ["LEASE_NOT_FOUND", "the end of no lease", { type: "leaseRevoke", request: { id: 9n } }],
    ["ok", "a grant", { type: "leaseGrant", request: { id: 3n, ttlSeconds: 9 } }],
    ["ok", "a compaction", { type: "compact", request: { revision: 2 } }],
    ["PERMISSION_DENIED", "a change of users", { type: "auth", request: { type: "userDelete", name: "root" } }],
    ["PERMISSION_DENIED", "their end", { type: "auth", request: { type: "authDisable" } }],
  ])("%s: %s", (code, _, operation) => {
    const log = prepared();
    const { revision } = log.machine;
    expect(codeOf(log.apply(operation, log.as("ann")))).toBe(code);
    if (code !== "ok") expect(log.machine.revision).toBe(revision);
    expect(codeOf(prepared().apply(operation))).toBe("USER_EMPTY");
    expect(codeOf(prepared().apply(operation, { user: "gone", authRevision: 99 }))).toBe("PERMISSION_DENIED");
    expect(codeOf(prepared().apply(operation, log.as("root")))).not.toBe("USER_EMPTY");
  });

  it("what members say of themselves needs nobody", () => {
    const log = prepared();
    const member = { id: 1n, name: "a", peerUrls: [], clientUrls: [], httpUrls: [] };
    expect(codeOf(log.apply({ type: "memberAttributes", request: member }))).toBe("ok");
    expect(codeOf(log.apply({ type: "clockTick", request: { term: 1, elapsedMs: 1 } }))).toBe("ok");
    expect(codeOf(log.apply({ type: "leaseKeepAlive", request: { ids: [1n] } }))).toBe("ok");
  });
});

describe("a request that users overtake", () => {
  const identity = { client: 7, sequence: 1, acknowledged: 0 };

  it("is refused unapplied, and applied once when it is asked again under the same name", () => {
    const log = prepared();
    const before = log.as("ann");
    log.grant("readWrite", "x");
    expect(codeOf(log.apply(put("x1"), before, identity))).toBe("AUTH_OLD_REVISION");
    const { revision } = log.machine;
    expect(log.apply(put("x1"), log.as("ann"), identity)).toMatchObject({ type: "put", revision: revision + 1 });
    expect(codeOf(log.apply(put("x1"), before, identity))).toBe("AUTH_OLD_REVISION");
    expect(log.apply(put("x1"), log.as("ann"), identity)).toMatchObject({ type: "put", revision: revision + 1 });
    expect(log.machine.revision).toBe(revision + 1);
  });

  it("is done for somebody when nobody in particular was refused before, who makes no session", () => {
    const log = prepared();
    for (let client = 1; client <= 10; client++) {
      const named = { client, sequence: 1, acknowledged: 0 };
      expect(codeOf(log.apply(put("w1"), undefined, named))).toBe("USER_EMPTY");
    }
    expect(log.machine.sessionCount).toBe(0);
    const named = { client: 10, sequence: 1, acknowledged: 0 };
    expect(codeOf(log.apply(put("w1"), log.as("ann"), named))).toBe("ok");
  });

  it("is judged by what is granted when it is applied", () => {
    const log = prepared();
    log.change({ type: "userRevokeRole", name: "ann", role: "clerk" }, log.as("root"));
    expect(codeOf(log.apply(put("w1"), log.as("ann"), identity))).toBe("PERMISSION_DENIED");
    // A refusal is an answer like others: it does not turn into something else when it is asked for again.
    log.change({ type: "userGrantRole", name: "ann", role: "clerk" }, log.as("root"));
    expect(codeOf(log.apply(put("w1"), log.as("ann"), identity))).toBe("PERMISSION_DENIED");
  });
});

it("two machines that apply the same are the same, and one that is restored goes on alike", () => {
  const [left, right] = [prepared(), prepared()];
  expect(left.machine.stateHash).toBe(right.machine.stateHash);
  const source = left.machine.snapshot();
  const chunks: Uint8Array[] = [];
  for (let chunk = source.next(); chunk !== undefined; chunk = source.next()) chunks.push(chunk);
  source.release();
  const restored = createKeyValueStateMachine();
  restored.restore(chunks);
  expect(restored.auth.capture()).toEqual(left.machine.auth.capture());
  expect(restored.stateHash).toBe(left.machine.stateHash);
  const entry = (caller: Caller) => ({
    index: 1000,
    term: 1,
    kind: "command" as const,
    data: encodeCommand({ caller, operation: put("w1") }),
  });
  expect(codeOf(restored.apply(entry(right.as("ann"))))).toBe("ok");
  expect(codeOf(restored.apply(entry({ user: "bob", authRevision: 99 })))).toBe("PERMISSION_DENIED");
});
