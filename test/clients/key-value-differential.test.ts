import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CoordinationError,
  createMemoryMember,
  type Compare,
  type KeyValue,
  type Member,
  type RangeRequest,
  type RequestOp,
  type ResponseOp,
  type TxnRequest,
} from "holdfast/coordination";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePorts } from "../process/free-ports.ts";

/**
 * Runs the same random operations on a real etcd and on the key-value model, and compares every answer, errors and
 * their messages included. HOLDFAST_DIFFERENTIAL_SEED and _OPERATIONS choose another run.
 */
const seed = Number(process.env["HOLDFAST_DIFFERENTIAL_SEED"] ?? 1);
const operationCount = Number(process.env["HOLDFAST_DIFFERENTIAL_OPERATIONS"] ?? 3000);
const maxTxnOps = 6;

/** Few enough (12 at most) that etcd's unstable sort is stable, and close enough to meet in every way. */
const keys = ["\0", "\0\0", "a", "a\0", "ab", "b", "c", "d", "\x7f", "\xc3\xbc", "\xff", "\xff\xff"];
const values = ["", "\0", "1", "2", "10", "\xff"];

type Operation =
  | { readonly type: "range"; readonly request: RangeRequest }
  | Exclude<RequestOp, { type: "range" }>
  | { readonly type: "compact"; readonly request: { readonly revision: number } };

type Json = { readonly [name: string]: unknown };

let etcd: ChildProcess | undefined;
let directory = "";
let endpoint = "";

beforeAll(async () => {
  if (spawnSync("etcd", ["--version"]).status !== 0) throw new Error("etcd must be on PATH (Debian: etcd-server)");
  directory = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "holdfast-etcd-"));
  const [client, peer] = await freePorts(2);
  endpoint = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  etcd = spawn(
    "etcd",
    [
      `--data-dir=${join(directory, "data")}`,
      `--max-txn-ops=${maxTxnOps}`,
      `--listen-client-urls=${endpoint}`,
      `--advertise-client-urls=${endpoint}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
    ],
    { stdio: "ignore" },
  );
  for (let attempt = 0; ; attempt++) {
    const healthy = await fetch(`${endpoint}/health`).then(
      (response) => response.ok,
      () => false,
    );
    if (healthy) return;
    if (attempt === 150) throw new Error(`etcd at ${endpoint} did not become healthy within 15 s`);
    await sleep(100);
  }
});

afterAll(async () => {
  if (etcd !== undefined && etcd.exitCode === null) {
    const exited = new Promise((resolve) => etcd!.once("exit", resolve));
    etcd.kill("SIGKILL");
    await exited;
  }
  if (directory !== "") rmSync(directory, { recursive: true, force: true });
});

it(`answers ${operationCount} random operations as etcd does (seed ${seed})`, { timeout: 600_000 }, async () => {
  const member = createMemoryMember({ maxTxnOps });
  const draw = generator(seed);
  const seen = new Map<string, number>();
  for (let number = 0; number < operationCount; number++) {
    const operation = randomOperation(draw, member.status().revision);
    if (operation.type === "txn" && crashesEtcd(operation.request)) continue;
    const theirs = await askEtcd(operation);
    const ours = await askMember(member, operation);
    const context = `operation ${number} of seed ${seed}: ${JSON.stringify(operationToJson(operation))}`;
    expect(ours, context).toEqual(theirs);
    const kind = `${operation.type} ${typeof ours["error"] === "string" ? ours["error"] : "ok"}`;
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
  }
  // The comparison means something only if every kind of answer came up.
  for (const type of ["range", "put", "deleteRange", "txn", "compact"])
    expect(seen.get(`${type} ok`)).toBeGreaterThan(9);
  for (const error of expectedErrors)
    expect(
      [...seen.keys()].some((kind) => kind.endsWith(error)),
      error,
    ).toBe(true);
});

const expectedErrors = [
  "key is not provided",
  "key not found",
  "value is provided",
  "lease is provided",
  "requested lease not found",
  "duplicate key given in txn request",
  "too many operations in txn request",
  "required revision has been compacted",
  "required revision is a future revision",
];

async function askEtcd(operation: Operation): Promise<Json> {
  const paths = { range: "range", put: "put", deleteRange: "deleterange", txn: "txn", compact: "compaction" };
  const response = await fetch(`${endpoint}/v3/kv/${paths[operation.type]}`, {
    method: "POST",
    body: JSON.stringify(operationToJson(operation)),
  });
  const body = (await response.json()) as Json;
  if (typeof body["error"] === "string") return { error: body["error"].replace(/^etcdserver: (mvcc: )?/, "") };
  return { ...withoutHeaders(body), revision: (body["header"] as Json)["revision"] };
}

/** Only the outer header has a place in the answers compared here. */
function withoutHeaders(body: unknown): Json {
  return JSON.parse(JSON.stringify(body, (name, value: unknown) => (name === "header" ? undefined : value))) as Json;
}

async function askMember(member: Member, operation: Operation): Promise<Json> {
  try {
    const { header, ...json } = await perform(member, operation);
    return { ...withoutHeaders(json), revision: String(header.revision) };
  } catch (error) {
    if (error instanceof CoordinationError) return { error: error.message };
    throw error;
  }
}

async function perform(member: Member, operation: Operation): Promise<Json & { header: { revision: number } }> {
  if (operation.type === "compact") return member.compact(operation.request);
  if (operation.type === "range") {
    const { header, ...response } = await member.range(operation.request);
    return { header, ...responseToJson({ type: "range", response }) };
  }
  if (operation.type === "put") {
    const { header, ...response } = await member.put(operation.request);
    return { header, ...responseToJson({ type: "put", response }) };
  }
  if (operation.type === "deleteRange") {
    const { header, ...response } = await member.deleteRange(operation.request);
    return { header, ...responseToJson({ type: "deleteRange", response }) };
  }
  const { header, ...response } = await member.txn(operation.request);
  return { header, ...responseToJson({ type: "txn", response }) };
}

// The gateway's JSON: 64-bit numbers are strings, bytes are base64, and what is zero or empty is left out.

function operationToJson({ type, request }: Operation): Json {
  if (type === "compact") return { revision: request.revision };
  if (type === "put") {
    return {
      key: base64(request.key),
      value: base64(request.value),
      lease: String(request.lease ?? 0n),
      prev_kv: request.previousPair,
      ignore_value: request.ignoreValue,
      ignore_lease: request.ignoreLease,
    };
  }
  if (type === "deleteRange") return { ...rangeToJson(request), prev_kv: request.previousPairs };
  if (type === "txn") return txnToJson(request);
  return {
    ...rangeToJson(request),
    limit: request.limit,
    revision: request.revision,
    sort_order: request.sortOrder?.toUpperCase(),
    sort_target: request.sortTarget?.toUpperCase(),
    keys_only: request.keysOnly,
    count_only: request.countOnly,
    min_mod_revision: request.minModRevision,
    max_mod_revision: request.maxModRevision,
    min_create_revision: request.minCreateRevision,
    max_create_revision: request.maxCreateRevision,
  };
}

function rangeToJson(request: { readonly key: Uint8Array; readonly rangeEnd?: Uint8Array }): Json {
  return { key: base64(request.key), range_end: request.rangeEnd && base64(request.rangeEnd) };
}

function txnToJson({ compare, success, failure }: TxnRequest): Json {
  const names = { put: "request_put", deleteRange: "request_delete_range", range: "request_range", txn: "request_txn" };
  const branch = (operations: readonly RequestOp[]): Json[] =>
    operations.map((operation) => ({ [names[operation.type]]: operationToJson(operation) }));
  return { compare: compare.map(compareToJson), success: branch(success), failure: branch(failure) };
}

function compareToJson(condition: Compare): Json {
  const { result, target, operand } = condition;
  const names = { version: "version", create: "create_revision", mod: "mod_revision", value: "value", lease: "lease" };
  return {
    ...rangeToJson(condition),
    result: result === "notEqual" ? "NOT_EQUAL" : result.toUpperCase(),
    target: target.toUpperCase(),
    [names[target]]: operand instanceof Uint8Array ? base64(operand) : String(operand),
  };
}

function responseToJson(answer: ResponseOp): Json {
  if (answer.type === "put")
    return leaveOutEmpty({ prev_kv: answer.response.previousPair && pairToJson(answer.response.previousPair) });
  if (answer.type === "range") {
    const { pairs, more, count } = answer.response;
    return leaveOutEmpty({ kvs: pairs.map(pairToJson), more, count: String(count) });
  }
  if (answer.type === "deleteRange") {
    const { deleted, previousPairs } = answer.response;
    return leaveOutEmpty({ deleted: String(deleted), prev_kvs: previousPairs.map(pairToJson) });
  }
  const names = {
    put: "response_put",
    deleteRange: "response_delete_range",
    range: "response_range",
    txn: "response_txn",
  };
  const { succeeded, responses } = answer.response;
  const nested = responses.map((response) => ({ [names[response.type]]: responseToJson(response) }));
  return leaveOutEmpty({ succeeded, responses: nested });
}

function pairToJson(pair: KeyValue): Json {
  return leaveOutEmpty({
    key: base64(pair.key),
    value: base64(pair.value),
    create_revision: String(pair.createRevision),
    mod_revision: String(pair.modRevision),
    version: String(pair.version),
    lease: String(pair.lease),
  });
}

function leaveOutEmpty(json: Json): Json {
  const empty = (value: unknown): boolean =>
    value === undefined ||
    value === "" ||
    value === "0" ||
    value === false ||
    (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(json).filter(([, value]) => !empty(value)));
}

/**
 * etcd 3.4 stops with a panic when a transaction deletes to the end of all keys and then puts one of them keeping its
 * value or lease, so no transaction with both is tried.
 */
function crashesEtcd(request: TxnRequest): boolean {
  const operations = flatten(request);
  const keeps = operations.some(({ type, request }) => type === "put" && (request.ignoreValue ?? request.ignoreLease));
  const deletes = operations.some(({ type, request }) => type === "deleteRange" && request.rangeEnd?.[0] === 0);
  return keeps && deletes;
}

function flatten({ success, failure }: TxnRequest): RequestOp[] {
  return [...success, ...failure].flatMap((operation) =>
    operation.type === "txn" ? flatten(operation.request) : [operation],
  );
}

interface Draw {
  /** An integer from 0 up to but without `limit`. */
  below(limit: number): number;
  pick<T>(choices: readonly T[]): T;
  /** True once in `times`. */
  once(times: number): boolean;
}

function randomOperation(draw: Draw, revision: number): Operation {
  const dice = draw.below(100);
  if (dice < 35) return { type: "put", request: randomPut(draw) };
  if (dice < 43) return { type: "deleteRange", request: randomDeleteRange(draw) };
  if (dice < 72) return { type: "range", request: randomRange(draw, revision) };
  if (dice < 97) return { type: "txn", request: randomTxn(draw, revision, 1) };
  const offset = draw.below(12) - 10;
  return { type: "compact", request: { revision: draw.once(8) ? draw.below(3) - 1 : revision + offset } };
}

function randomTxn(draw: Draw, revision: number, depth: number): TxnRequest {
  const list = <T>(make: () => T, largest: number): T[] => Array.from({ length: draw.below(largest + 1) }, make);
  const branch = (): RequestOp[] => list(() => randomTxnOperation(draw, revision, depth), draw.once(20) ? 7 : 3);
  return {
    compare: list(() => randomCompare(draw, revision), draw.once(20) ? 7 : 2),
    success: branch(),
    failure: branch(),
  };
}

function randomTxnOperation(draw: Draw, revision: number, depth: number): RequestOp {
  const dice = draw.below(10);
  if (dice < 4) return { type: "put", request: randomPut(draw) };
  if (dice < 6) return { type: "deleteRange", request: randomDeleteRange(draw) };
  if (dice < 8 || depth === 4) return { type: "range", request: randomRange(draw, revision) };
  return { type: "txn", request: randomTxn(draw, revision, depth + 1) };
}

function randomCompare(draw: Draw, revision: number): Compare {
  const range = { ...randomKeys(draw), result: draw.pick(["equal", "notEqual", "greater", "less"] as const) };
  const target = draw.pick(["version", "create", "mod", "value", "lease"] as const);
  if (target === "value") return { ...range, target, operand: bytes(draw.pick(values)) };
  if (target === "lease") return { ...range, target, operand: BigInt(draw.below(3) - 1) };
  return {
    ...range,
    target,
    operand: target === "version" ? draw.below(5) - 1 : draw.pick([-1, 0, revision - draw.below(20)]),
  };
}

function randomRange(draw: Draw, revision: number): RangeRequest {
  const near = (): number => revision - draw.below(15) + (draw.once(20) ? 15 : 0);
  return {
    ...randomKeys(draw),
    ...(draw.once(2) ? { limit: draw.below(6) - 1 } : {}),
    ...(draw.once(4) ? { revision: near() } : {}),
    ...(draw.once(2) ? { sortOrder: draw.pick(["none", "ascend", "descend"] as const) } : {}),
    ...(draw.once(2) ? { sortTarget: draw.pick(["key", "version", "create", "mod", "value"] as const) } : {}),
    ...(draw.once(8) ? { keysOnly: true } : {}),
    ...(draw.once(8) ? { countOnly: true } : {}),
    ...(draw.once(8) ? { minModRevision: near() } : {}),
    ...(draw.once(8) ? { maxModRevision: near() } : {}),
    ...(draw.once(8) ? { minCreateRevision: near() } : {}),
    ...(draw.once(8) ? { maxCreateRevision: near() } : {}),
  };
}

function randomPut(draw: Draw): Extract<RequestOp, { type: "put" }>["request"] {
  const ignoreValue = draw.once(8);
  return {
    key: bytes(draw.once(80) ? "" : draw.pick(keys)),
    value: bytes(ignoreValue && !draw.once(8) ? "" : draw.pick(values)),
    ...(draw.once(40) ? { lease: 7n } : {}),
    ...(draw.once(3) ? { previousPair: true } : {}),
    ...(ignoreValue ? { ignoreValue } : {}),
    ...(draw.once(10) ? { ignoreLease: true } : {}),
  };
}

function randomDeleteRange(draw: Draw): Extract<RequestOp, { type: "deleteRange" }>["request"] {
  return { ...randomKeys(draw), ...(draw.once(2) ? { previousPairs: true } : {}) };
}

function randomKeys(draw: Draw): { readonly key: Uint8Array; readonly rangeEnd?: Uint8Array } {
  const key = bytes(draw.once(80) ? "" : draw.pick(keys));
  if (draw.once(2)) return { key };
  return { key, rangeEnd: bytes(draw.pick(["", "\0", ...keys])) };
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** Mulberry32. */
function generator(seed: number): Draw {
  let state = seed;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
  return { below, pick: (choices) => choices[below(choices.length)]!, once: (times) => below(times) === 0 };
}
