import type { ProblemRequest, ProblemResponse } from "../http-server/index.ts";

/** Node's own request and response. */
export interface NodePair {
  readonly incoming: ProblemRequest;
  readonly outgoing: ProblemResponse;
}

/** Where Hono runs on Node, its server puts Node's own objects there. */
export function nodeOf(env: unknown): NodePair | undefined {
  const pair = env as Partial<NodePair> | null | undefined;
  return typeof pair?.outgoing?.writeHead === "function" && pair.incoming !== undefined
    ? (pair as NodePair)
    : undefined;
}
