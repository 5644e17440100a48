import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MalformedError } from "../../wire/index.ts";
import type { AuthChange } from "../auth/auth.ts";
import type { Command, CommandOperation } from "./command.ts";
import { decodeCommand, encodeCommand } from "./command-codec.ts";
import { CoordinationError } from "../coordination-error.ts";
import type { Compare, RequestOp, TxnRequest } from "./key-value.ts";

const safe = fc.oneof(fc.nat(300), fc.maxSafeNat());
const signed = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.maxSafeInteger());
const bytes = fc.uint8Array({ maxLength: 300 });
const lease = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
const yes = fc.constant(true as const);
const ranged = { key: bytes, rangeEnd: fc.uint8Array({ minLength: 1, maxLength: 9 }) };
/** Zero is what an absent number means, and it is read back absent. */
const number = signed.filter((value) => value !== 0);

const put = fc.record(
  {
    key: bytes,
    value: bytes,
    lease: lease.filter((id) => id !== 0n),
    previousPair: yes,
    ignoreValue: yes,
    ignoreLease: yes,
  },
  { requiredKeys: ["key", "value"] },
);
const deleteRange = fc.record({ ...ranged, previousPairs: yes }, { requiredKeys: ["key"] });
const range = fc.record(
  {
    ...ranged,
    limit: number,
    revision: number,
    serializable: yes,
    keysOnly: yes,
    countOnly: yes,
    minModRevision: number,
    maxModRevision: number,
    minCreateRevision: number,
    maxCreateRevision: number,
    sortOrder: fc.constantFrom("ascend" as const, "descend" as const),
    sortTarget: fc.constantFrom("version" as const, "create" as const, "mod" as const, "value" as const),
  },
  { requiredKeys: ["key"] },
);
const compare: fc.Arbitrary<Compare> = fc
  .tuple(
    fc.record(ranged, { requiredKeys: ["key"] }),
    fc.constantFrom("equal" as const, "greater" as const, "less" as const, "notEqual" as const),
    fc.oneof(
      fc.record({ target: fc.constantFrom("version" as const, "create" as const, "mod" as const), operand: signed }),
      fc.record({ target: fc.constant("value" as const), operand: bytes }),
      fc.record({ target: fc.constant("lease" as const), operand: lease }),
    ),
  )
  .map(([keys, result, rest]) => ({ ...keys, result, ...rest }));

const { txn } = fc.letrec<{ txn: TxnRequest; operation: RequestOp }>((tie) => ({
  operation: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.record({ type: fc.constant("put" as const), request: put }),
    fc.record({ type: fc.constant("deleteRange" as const), request: deleteRange }),
    fc.record({ type: fc.constant("range" as const), request: range }),
    fc.record({ type: fc.constant("txn" as const), request: tie("txn") }),
  ),
  txn: fc.record({
    compare: fc.array(compare, { maxLength: 3 }),
    success: fc.array(tie("operation"), { maxLength: 3 }),
    failure: fc.array(tie("operation"), { maxLength: 3 }),
  }),
}));

const name = fc.string({ unit: "grapheme" });
const keys = fc.record(ranged, { requiredKeys: ["key"] });
const authChange: fc.Arbitrary<AuthChange> = fc.oneof(
  fc.record({ type: fc.constantFrom("authEnable" as const, "authDisable" as const) }),
  fc.record({ type: fc.constant("userAdd" as const), name, passwordHash: name }, { requiredKeys: ["type", "name"] }),
  fc.record({ type: fc.constantFrom("userDelete" as const, "roleAdd" as const, "roleDelete" as const), name }),
  fc.record({ type: fc.constant("userChangePassword" as const), name, passwordHash: name }),
  fc.record({ type: fc.constantFrom("userGrantRole" as const, "userRevokeRole" as const), name, role: name }),
  fc
    .tuple(keys, fc.constantFrom("read" as const, "write" as const, "readWrite" as const), name)
    .map(([range, type, role]) => ({
      type: "roleGrantPermission" as const,
      name: role,
      permission: { type, ...range },
    })),
  fc.tuple(keys, name).map(([range, role]) => ({ type: "roleRevokePermission" as const, name: role, ...range })),
);
const urls = fc.array(fc.string({ unit: "grapheme" }), { maxLength: 3 });
const operation: fc.Arbitrary<CommandOperation> = fc.oneof(
  fc.record({ type: fc.constant("put" as const), request: put }),
  fc.record({ type: fc.constant("deleteRange" as const), request: deleteRange }),
  fc.record({ type: fc.constant("txn" as const), request: txn }),
  fc.record({ type: fc.constant("compact" as const), request: fc.record({ revision: signed }) }),
  fc.record({
    type: fc.constant("memberAttributes" as const),
    request: fc.record({
      id: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      name: fc.string({ unit: "grapheme" }),
      peerUrls: urls,
      clientUrls: urls,
      httpUrls: urls,
    }),
  }),
  fc.record({ type: fc.constant("leaseGrant" as const), request: fc.record({ id: lease, ttlSeconds: signed }) }),
  fc.record({ type: fc.constant("leaseRevoke" as const), request: fc.record({ id: lease }) }),
  fc.record({
    type: fc.constant("leaseKeepAlive" as const),
    request: fc.record({ ids: fc.array(lease, { maxLength: 5 }) }),
  }),
  fc.record({ type: fc.constant("clockTick" as const), request: fc.record({ term: safe, elapsedMs: safe }) }),
  fc.record({ type: fc.constant("auth" as const), request: authChange }),
  fc.record({
    type: fc.constant("authenticate" as const),
    request: fc.record({ user: name, token: name, authRevision: safe }),
  }),
);
const identity = fc
  .tuple(safe, safe, safe, safe)
  .filter(([client, sequence, acknowledged]) => client > 0 && acknowledged < sequence)
  .map(([client, sequence, acknowledged, since]) =>
    since === 0 ? { client, sequence, acknowledged } : { client, sequence, acknowledged, since },
  );
const caller = fc.record({ user: name, authRevision: safe });
const command: fc.Arbitrary<Command> = fc.record({ identity, caller, operation }, { requiredKeys: ["operation"] });

const nest = (depth: number): TxnRequest => {
  let request: TxnRequest = { compare: [], success: [], failure: [] };
  for (let level = 1; level < depth; level++) {
    request = { compare: [], success: [{ type: "txn", request }], failure: [] };
  }
  return request;
};

describe("command codec", () => {
  it("reads back what it wrote", () => {
    fc.assert(
      fc.property(command, (command) => {
        expect(decodeCommand(encodeCommand(command))).toEqual(command);
      }),
    );
  });

  it("leaves out what has its default", () => {
    const key = Uint8Array.of(1);
    const bare = encodeCommand({ operation: { type: "deleteRange", request: { key } } });
    const full = { key, rangeEnd: new Uint8Array(0), previousPairs: false };
    expect(encodeCommand({ operation: { type: "deleteRange", request: full } })).toEqual(bare);
    expect(bare).toHaveLength(6);
  });

  it("writes into memory of its own", () => {
    const operation = { type: "put", request: { key: Uint8Array.of(1), value: Uint8Array.of(2) } } as const;
    const first = encodeCommand({ operation });
    const copy = first.slice();
    encodeCommand({ operation: { type: "put", request: { key: Uint8Array.of(9, 9), value: Uint8Array.of(9) } } });
    expect(first).toEqual(copy);
    expect(first.buffer.byteLength).toBe(first.length);
  });

  it("answers any bytes with a command or a MalformedError", () => {
    const outcomes = new Map<string, number>();
    const attempt = (bytes: Uint8Array): void => {
      let outcome = "command";
      try {
        decodeCommand(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError);
        outcome = "malformed";
      }
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), attempt), { numRuns: 2000 });
    // Bytes that begin well come further.
    fc.assert(
      fc.property(fc.nat(10), fc.boolean(), fc.uint8Array({ maxLength: 100 }), (kind, named, rest) =>
        attempt(Uint8Array.of(1, kind | (named ? 0x80 : 0), ...rest)),
      ),
      { numRuns: 5000 },
    );
    fc.assert(
      fc.property(
        command,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        (command, edits) => {
          const bytes = encodeCommand(command);
          for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
          attempt(bytes);
        },
      ),
      { numRuns: 1000 },
    );
    expect(outcomes.get("malformed")).toBeGreaterThan(1000);
    expect(outcomes.get("command")).toBeGreaterThan(10);
  });

  it("refuses every command that is cut short or goes on", () => {
    fc.assert(
      fc.property(command, fc.nat(), (command, cut) => {
        const bytes = encodeCommand(command);
        expect(() => decodeCommand(bytes.subarray(0, cut % bytes.length))).toThrow(MalformedError);
        expect(() => decodeCommand(Uint8Array.of(...bytes, 0))).toThrow(MalformedError);
      }),
    );
  });

  it("bounds how deep transactions nest, both ways", () => {
    const deepest = nest(256);
    expect(decodeCommand(encodeCommand({ operation: { type: "txn", request: deepest } }))).toBeDefined();
    expect(() => encodeCommand({ operation: { type: "txn", request: nest(257) } })).toThrow(CoordinationError);
    const level = [0, 1, 3];
    const levels = Array.from({ length: 100_000 }, () => level).flat();
    const bytes = Uint8Array.from([1, 2, ...levels, ...new Uint8Array(200_000)]);
    expect(() => decodeCommand(bytes)).toThrow("nested at most 256 deep");
  });

  it("names the field that is wrong", () => {
    expect(() => decodeCommand(Uint8Array.of(7))).toThrow("command.version at byte 0 must be 1 (got 7)");
    expect(() => decodeCommand(Uint8Array.of(1, 63))).toThrow(
      /^command\.operation at byte 1 must be below \d+ \(got 63\)$/,
    );
    expect(() => decodeCommand(Uint8Array.of(1, 0x80, 5, 1, 1, 0))).toThrow("must have acknowledged 1 < sequence 1");
    expect(() => decodeCommand(Uint8Array.of(1, 0, 0, 200, 1, 0))).toThrow("put.key");
  });
});
