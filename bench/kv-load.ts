import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Etcd3 } from "etcd3";
import { remoteCoordination } from "holdfast/coordination";
import { nodeRuntime } from "holdfast/runtime";

/** What one stretch of load achieved. */
export interface LoadResult {
  readonly operations: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoadOptions {
  /** Client URLs, the leader's first. */
  readonly urls: readonly string[];
  /** How many operations are under way at once. */
  readonly clients: number;
  readonly seconds: number;
  /** For files that a load generator needs. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** Puts of one value under keys taken in turn, or linearizable reads of them. @throws Error when one fails */
export interface KvLoad {
  readonly name: string;
  readonly operation: "put" | "read";
  run(options: LoadOptions): Promise<LoadResult>;
}

const keys = 10_000;
/** Few enough that every load of puts before has written them. */
const readKeys = 1_000;
const value = "v".repeat(256);
const keyAt = (index: number): string => `bench/${String(index % keys).padStart(6, "0")}`;

/** The npm client `etcd3` in this process, over gRPC, with all three members as endpoints. */
export const grpcLoad: KvLoad = {
  name: "gRPC (etcd3)",
  operation: "put",
  run: (options) => withEtcd3(options, (client, key) => client.put(key).value(value).exec()),
};

/** The same client and the same keys, read with the client's default: linearizable. */
export const grpcReadLoad: KvLoad = {
  name: "gRPC reads (etcd3)",
  operation: "read",
  run: (options) =>
    withEtcd3({ ...options, keys: readKeys }, async (client, key) => {
      if ((await client.get(key).buffer())?.length !== value.length) throw new Error(`${key} was not read as put`);
    }),
};

async function withEtcd3(
  options: TurnOptions,
  operation: (client: Etcd3, key: string) => PromiseLike<unknown>,
): Promise<LoadResult> {
  const client = new Etcd3({ hosts: [...options.urls] });
  try {
    return await inTurn(options, (key) => operation(client, key));
  } finally {
    client.close();
  }
}

/** Holdfast's own client in this process, over its own protocol, with all three members as endpoints. */
const remoteLoad: KvLoad = {
  name: "own client",
  operation: "put",
  async run(options) {
    const client = remoteCoordination({ runtime: nodeRuntime(), endpoints: options.urls });
    const encoder = new TextEncoder();
    const encoded = encoder.encode(value);
    try {
      return await inTurn(options, (key) => client.put({ key: encoder.encode(key), value: encoded }));
    } finally {
      await client.close();
    }
  },
};

/** Each system through the fastest client for Node that is made for it: of etcd, the npm client. */
export const ownLoad = (system: string): KvLoad =>
  system === "holdfast" ? remoteLoad : { ...grpcLoad, name: remoteLoad.name };

interface TurnOptions extends LoadOptions {
  /** How many keys there are to take. Default all. */
  readonly keys?: number;
}

async function inTurn(
  { clients, seconds, signal, keys: count = keys }: TurnOptions,
  operation: (key: string) => PromiseLike<unknown>,
): Promise<LoadResult> {
  const latencies: number[] = [];
  let next = 0;
  const start = performance.now();
  const deadline = start + seconds * 1000;
  const loop = async (): Promise<void> => {
    for (let now = performance.now(); now < deadline && !signal.aborted;) {
      await operation(keyAt(next++ % count));
      const after = performance.now();
      latencies.push(after - now);
      now = after;
    }
  };
  await Promise.all(Array.from({ length: clients }, loop));
  signal.throwIfAborted();
  const elapsed = performance.now() - start;
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(share * (latencies.length - 1))] ?? Number.NaN;
  const operations = latencies.length;
  return { operations, perSecond: (operations / elapsed) * 1000, p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** `wrk` against the leader's JSON gateway: a load generator that leaves the processors to the servers. */
export const wrkLoad: KvLoad = {
  name: "JSON gateway (wrk)",
  operation: "put",
  async run({ urls: [leader = ""], clients, seconds, directory, signal }) {
    const script = join(directory, "put.lua");
    writeFileSync(script, luaScript());
    const args = ["-t1", `-c${clients}`, `-d${seconds}s`, "--timeout", "10s", "-s", script, leader];
    const { stdout } = await promisify(execFile)("wrk", args, { signal });
    const line = stdout.split("\n").find((text) => text.startsWith("{"));
    if (line === undefined) throw new Error(`wrk printed no summary:\n${stdout}`);
    const summary = JSON.parse(line) as WrkSummary;
    if (summary.errors > 0) throw new Error(`${summary.errors} of ${summary.requests} requests failed:\n${stdout}`);
    return {
      operations: summary.requests,
      perSecond: summary.requests / (summary.microseconds / 1e6),
      p50Ms: summary.p50 / 1000,
      p99Ms: summary.p99 / 1000,
    };
  },
};

interface WrkSummary {
  readonly requests: number;
  readonly microseconds: number;
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
}

/** Requests are made before the load starts: what is measured is the server. */
function luaScript(): string {
  const encode = (text: string): string => Buffer.from(text).toString("base64");
  const encodedKeys = Array.from({ length: keys }, (_, i) => `"${encode(keyAt(i))}"`);
  return `
local keys = { ${encodedKeys.join(",")} }
local requests = {}
local at = 0

function init(args)
  wrk.method = "POST"
  wrk.path = "/v3/kv/put"
  wrk.headers["Content-Type"] = "application/json"
  for i, key in ipairs(keys) do
    requests[i] = wrk.format(nil, nil, nil, '{"key":"' .. key .. '","value":"${encode(value)}"}')
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"microseconds":%d,"errors":%d,"p50":%d,"p99":%d}\\n', summary.requests,
    summary.duration, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50),
    latency:percentile(99)))
end
`;
}
