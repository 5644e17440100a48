import type { Coordination } from "../../coordination/index.ts";
import { StepFailure } from "./step-failure.ts";

/** As much of `fetch` as a check needs. */
export type FetchLike = (
  url: string,
  options: {
    readonly signal: AbortSignal;
    readonly redirect: "manual";
    readonly headers?: Readonly<Record<string, string>>;
  },
) => Promise<{ readonly status: number; text(): Promise<string> }>;

/** As much of a runtime's network as a check needs. */
export interface Dialer {
  connect(
    address: { readonly host: string; readonly port: number },
    options: { readonly signal: AbortSignal },
  ): Promise<{ destroy(): void }>;
}

/** Asks a server of gRPC's health protocol about a service, "" for all of it; gives its answer's word, like `SERVING`. */
export type GrpcHealthProbe = (
  url: string,
  service: string,
  options: { readonly signal: AbortSignal },
) => Promise<string>;

/** How services are asked. A check whose way of asking is not given is refused when its plan is registered. */
export interface HealthProbes {
  readonly fetch?: FetchLike;
  /** For `tcp`: a runtime's network. */
  readonly network?: Dialer;
  /** For `grpc`: that of `holdfast/adapters/grpc-health`. */
  readonly grpc?: GrpcHealthProbe;
  /** For `coordination`. */
  readonly coordination?: Pick<Coordination, "range">;
}

/** `HOST:PORT`, an IPv6 address in brackets; undefined for anything else. */
export function addressOf(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s/]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

export function isHttpUrl(text: unknown): text is string {
  return typeof text === "string" && URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** The answer to a GET of a URL. @throws StepFailure (service) for a status that is not wanted */
export async function get(
  fetch: FetchLike,
  url: string,
  { status: wanted, signal }: { readonly status: unknown; readonly signal: AbortSignal },
): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(url, { signal, redirect: "manual" });
  const { status } = response;
  // Also where nobody looks at it: a body that is not read keeps its connection.
  const body = await response.text();
  if (wanted === undefined ? status >= 200 && status <= 299 : status === wanted) return { status, body };
  const rule = wanted === undefined ? "200 to 299" : JSON.stringify(wanted);
  throw new StepFailure("service", `answered ${status}, not ${rule}`);
}
