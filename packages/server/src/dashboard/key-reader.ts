import { openConnections, type ClientTls } from "../client/connections.ts";
import { exchange } from "../client/http-exchange.ts";
import { Problem } from "./problem.ts";

/** What a member answered. */
export interface GatewayAnswer {
  readonly status: number;
  readonly body: string;
}

/** Hands on what the page asks about keys to a member that answers. */
export interface KeyReader {
  /** @throws Problem 503 when no member does */
  range(body: string): Promise<GatewayAnswer>;
  close(): void;
}

const timeoutMs = 2_000;

export function keyReader({
  endpoints,
  tls,
}: {
  readonly endpoints: readonly string[];
  readonly tls?: ClientTls | undefined;
}): KeyReader {
  const connections = openConnections({ tls });
  /** The one that answered last. */
  let preferred = 0;
  return {
    async range(body) {
      for (const _ of endpoints) {
        const origin = endpoints[preferred % endpoints.length] ?? "";
        const answer = await exchange(connections, { origin, method: "POST", path: "/v3/kv/range", body, timeoutMs });
        if (answer.kind === "answered" && answer.status !== 503) return answer;
        preferred++;
      }
      throw new Problem(503, "no member answers");
    },
    close: () => connections.close(),
  };
}
