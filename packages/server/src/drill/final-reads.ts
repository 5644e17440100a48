import type { HistoryRecorder } from "holdfast/proof";
import type { ClientTls } from "../client/connections.ts";
import { gatewayClient } from "../client/gateway-client.ts";
import type { WorkloadRecord } from "./workload.ts";

const chunkKeys = 500;

/**
 * Reads every key the load wrote, records the reads, and names the acknowledged writes that are not there.
 *
 * One range read answers for many keys; each is recorded as a read of its own by a process of its own, from before the
 * request to after the answer, which is true of each of them.
 */
export async function readEverything(
  endpoints: readonly string[],
  recorder: HistoryRecorder,
  record: WorkloadRecord,
  tls?: ClientTls,
): Promise<readonly string[]> {
  const client = gatewayClient({ endpoints, timeoutMs: 10_000, ...(tls && { tls }) });
  const found = new Map<string, string>();
  try {
    for (const keys of [chunk([...record.attempted.keys()]), chunk([...record.registers])].flat()) {
      const pending = keys.map((key) => ({ key, read: recorder.process().invoke({ f: "get", key }) }));
      const answer = await client.range({
        key: Buffer.from(keys[0] ?? ""),
        rangeEnd: Buffer.from(`${keys.at(-1) ?? ""}\0`),
      });
      for (const pair of answer.pairs) {
        found.set(Buffer.from(pair.key).toString("utf8"), Buffer.from(pair.value).toString("utf8"));
      }
      for (const { key, read } of pending) read.ok(found.get(key) ?? null);
    }
  } finally {
    client.close();
  }
  return lostWrites(record, found);
}

/** Acknowledged unique keys that are missing or hold another value. */
export function lostWrites(
  record: Pick<WorkloadRecord, "acknowledged" | "attempted">,
  found: ReadonlyMap<string, string>,
): readonly string[] {
  return [...record.acknowledged].filter((key) => found.get(key) !== record.attempted.get(key));
}

function chunk(keys: readonly string[]): string[][] {
  const sorted = [...keys].sort();
  const chunks: string[][] = [];
  for (let at = 0; at < sorted.length; at += chunkKeys) chunks.push(sorted.slice(at, at + chunkKeys));
  return chunks;
}
