import type { FaultView } from "holdfast/telemetry";
import { isRecord } from "../stream/message-shape.ts";
import { parsedJson, problemText } from "../stream/problem-text.ts";
import { authorization } from "./session-token.ts";

/** What a person asks the server for. Each rejects with a sentence for that person. */
export interface DashboardRequests {
  injectFault(request: FaultRequest): Promise<FaultView>;
  removeFault(id: string): Promise<void>;
  heal(): Promise<Healed>;
  planReport(execution: string): Promise<unknown>;
  approve(execution: string, step: string, approved: boolean, comment: string): Promise<void>;
  cancelPlan(execution: string): Promise<void>;
  /** The JSON gateway's range: keys and values in base64, numbers as texts. */
  range(request: Readonly<Record<string, unknown>>): Promise<RangeAnswer>;
}

/** How many faults are gone, and how many resist and are tried again. */
export interface Healed {
  readonly removed: number;
  readonly stuck: number;
}

export interface FaultRequest {
  readonly target: string;
  readonly kind: string;
  readonly parameters: Readonly<Record<string, number>>;
  readonly durationMs: number;
  /** Whether it may take the quorum. */
  readonly force?: boolean;
}

export interface RangeAnswer {
  readonly header?: { readonly revision?: string };
  readonly kvs?: readonly KeyValue[];
  readonly more?: boolean;
  readonly count?: string;
}

export interface KeyValue {
  readonly key: string;
  readonly value?: string;
  readonly create_revision?: string;
  readonly mod_revision?: string;
  readonly version?: string;
  readonly lease?: string;
}

const timeoutMs = 15_000;

/** The page stands in `/dashboard/`; the rest beside it, below whatever path all of it has. */
export const dashboardUrl: URL = new URL("../holdfast/v1/dashboard/", document.baseURI);
const gatewayUrl = new URL("../v3/", document.baseURI);

export function dashboardRequests(): DashboardRequests {
  const own = (method: string, path: string, body?: object): Promise<unknown> =>
    send(method, new URL(path, dashboardUrl), body);
  const plan = (execution: string): string => `plans/${encodeURIComponent(execution)}`;
  return {
    injectFault: async (request) => (await own("POST", "faults", request)) as FaultView,
    async removeFault(id) {
      await own("DELETE", `faults/${encodeURIComponent(id)}`);
    },
    async heal() {
      const answer = await own("POST", "heal", {});
      const count = (name: string): number => {
        const value = isRecord(answer) ? answer[name] : undefined;
        return typeof value === "number" ? value : 0;
      };
      return { removed: count("removed"), stuck: count("stuck") };
    },
    planReport: (execution) => own("GET", plan(execution)),
    async approve(execution, step, approved, comment) {
      await own("POST", `${plan(execution)}/approve`, { step, approved, comment });
    },
    async cancelPlan(execution) {
      await own("POST", `${plan(execution)}/cancel`, {});
    },
    range: async (request) => (await send("POST", new URL("kv/range", gatewayUrl), request)) as RangeAnswer,
  };
}

async function send(method: string, url: URL, body?: object): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { ...authorization(), ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(timeoutMs),
    cache: "no-store",
  }).catch((error: unknown) => {
    const timedOut = error instanceof DOMException && error.name === "TimeoutError";
    throw new Error(timedOut ? `No answer within ${timeoutMs / 1000} s.` : "The server cannot be reached.", {
      cause: error,
    });
  });
  const text = await response.text();
  if (response.ok) return parsedJson(text);
  throw new Error(problemText(text) ?? `The server answered ${response.status} ${response.statusText}.`);
}
