import type { ClientTls } from "../client/connections.ts";
import { gatewayClient } from "../client/gateway-client.ts";

const pageKeys = 2_000;

/** What one member holds itself: keys with the revision of their last change, and the value. */
async function contentsOf(endpoint: string, tls: ClientTls | undefined): Promise<ReadonlyMap<string, string>> {
  const client = gatewayClient({ endpoints: [endpoint], timeoutMs: 10_000, ...(tls && { tls }) });
  const contents = new Map<string, string>();
  try {
    let key: Uint8Array = Buffer.from([0]);
    for (;;) {
      const answer = await client.range({ key, rangeEnd: Buffer.from([0]), limit: pageKeys, serializable: true });
      for (const pair of answer.pairs) {
        const value = Buffer.from(pair.value).toString("base64");
        contents.set(Buffer.from(pair.key).toString("base64"), `${String(pair.modRevision)} ${value}`);
      }
      const last = answer.pairs.at(-1);
      if (last === undefined || answer.pairs.length < pageKeys) return contents;
      key = Buffer.concat([last.key, Buffer.from([0])]);
    }
  } finally {
    client.close();
  }
}

/** How many keys the members, which have all applied the same entries, do not agree on. */
export async function divergedKeys(endpoints: readonly string[], tls: ClientTls | undefined): Promise<number> {
  const replicas = await Promise.all(endpoints.map((endpoint) => contentsOf(endpoint, tls)));
  return countDiverged(replicas);
}

export function countDiverged(replicas: readonly ReadonlyMap<string, string>[]): number {
  const keys = new Set(replicas.flatMap((replica) => [...replica.keys()]));
  return [...keys].filter((key) => new Set(replicas.map((replica) => replica.get(key))).size > 1).length;
}
