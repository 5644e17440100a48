import { Agent, request } from "node:http";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { installCommands } from "../scripts/debian-packages.ts";
import { Samples, type Benchmark, type BenchmarkContext } from "./benchmark.ts";
import { etcd, holdfast, type KvSystem } from "./kv-cluster.ts";
import { realDisk } from "./real-disk.ts";

const keys = 1_000_000;
const valueBytes = 256;
const putsInOne = 100;
const connections = 8;

/**
 * A million keys of 256 bytes in one member: what memory it takes when they are in, and after a restart on the same
 * directory, and how long that restart takes until the member serves a put and a linearizable read again.
 */
export const capacity: Benchmark = {
  name: "capacity",
  summary: "memory and restart of one member that holds 1,000,000 keys of 256 bytes, against etcd",
  async run(context) {
    const missing = installCommands(["etcd"]);
    if (missing.length > 0) throw new Error(missing.map(({ reason }) => reason).join("\n"));
    const directory = mkdtempSync(join(realDisk(), "holdfast-bench-"));
    const samples = new Samples();
    try {
      for (let round = 0; round < context.rounds; round++) {
        for (const system of round % 2 === 0 ? [holdfast, etcd] : [etcd, holdfast]) {
          const ofRound = join(directory, `${system.name}-${round}`);
          mkdirSync(ofRound);
          context.progress(`round ${round + 1} of ${context.rounds}: ${system.name}`);
          await measure(system, ofRound, samples, context);
          rmSync(ofRound, { recursive: true });
        }
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
    return samples.measurements(holdfast.name);
  },
};

async function measure(
  system: KvSystem,
  directory: string,
  samples: Samples,
  { signal, progress }: BenchmarkContext,
): Promise<void> {
  const first = await system.start(directory, signal, 1);
  try {
    const startedAt = performance.now();
    await fill(first.urls[0] ?? "", signal);
    const seconds = (performance.now() - startedAt) / 1000;
    samples.add(system.name, { case: "fill, puts in transactions", unit: "puts/s", better: "higher" }, keys / seconds);
    report(system.name, "memory when filled", residentMiB(first.pids));
  } finally {
    await first.stop();
  }
  const startedAt = performance.now();
  const second = await system.start(directory, signal, 1);
  try {
    const seconds = (performance.now() - startedAt) / 1000;
    samples.add(system.name, { case: "restart", unit: "s", better: "lower" }, seconds);
    progress(`  restart ${seconds.toFixed(2)} s`);
    const kept = await countKeys(second.urls[0] ?? "");
    if (kept !== keys) throw new Error(`${system.name} holds ${kept} keys after its restart`);
    report(system.name, "memory after the restart", residentMiB(second.pids));
  } finally {
    await second.stop();
  }

  function report(name: string, what: string, value: number): void {
    samples.add(name, { case: what, unit: "MiB", better: "lower" }, value);
    progress(`  ${what}: ${Math.round(value)} MiB`);
  }
}

/** Puts every key once, many in one transaction. */
async function fill(url: string, signal: AbortSignal): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const value = Buffer.alloc(valueBytes, "v").toString("base64");
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < keys) {
      signal.throwIfAborted();
      const from = next;
      next += putsInOne;
      const success = Array.from({ length: putsInOne }, (_, at) => {
        const key = Buffer.from(`capacity/${String(from + at).padStart(9, "0")}`).toString("base64");
        return { request_put: { key, value } };
      });
      await post(agent, `${url}/v3/kv/txn`, JSON.stringify({ success }));
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, work));
  } finally {
    agent.destroy();
  }
}

async function countKeys(url: string): Promise<number> {
  const agent = new Agent();
  const [key, rangeEnd] = ["capacity/", "capacity0"].map((text) => Buffer.from(text).toString("base64"));
  const body = JSON.stringify({ key, range_end: rangeEnd, count_only: true });
  const { count } = JSON.parse(await post(agent, `${url}/v3/kv/range`, body)) as { readonly count?: string };
  return Number(count ?? 0);
}

function post(agent: Agent, url: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method: "POST", headers: { "content-length": Buffer.byteLength(body) } });
    sent.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`answered with ${response.statusCode}: ${text}`));
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function residentMiB(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return sum + Number(kib) / 1024;
  }, 0);
}
