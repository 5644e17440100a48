import { HoldfastError } from "../../errors/index.ts";
import { isRejection } from "../../resilience/index.ts";
import type { SheddingSettings } from "./shedding-options.ts";

/** The answer to a request that is turned away: a problem document (RFC 9457) that tells nothing of the inside. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The standard's titles; for others the class of the status must do. */
const titles: Readonly<Record<number, string>> = {
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** Undefined when `error` is no policy's decision but a defect, which the framework's own handling is for. */
export function refusalOf<Request>(
  error: unknown,
  request: Request,
  settings: SheddingSettings<Request>,
): Refusal | undefined {
  if (!HoldfastError.is(error)) return undefined;
  if (!isRejection(error) && error.kind !== "timeout" && error.code !== "REQUEST_REPLACED") return undefined;
  const status = settings.status ?? (error.code === "RATE_LIMITED" ? 429 : 503);
  const retryAfterMs = retryAfterOf(error) ?? (settings.retryAfterMs === 0 ? undefined : settings.retryAfterMs);
  tell(settings, { request, error, status, retryAfterMs });
  const body = JSON.stringify({ type: "about:blank", title: titles[status] ?? titleOfClass(status), status });
  return {
    status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...(retryAfterMs === undefined ? {} : { "retry-after": secondsOf(retryAfterMs) }),
    },
    body,
  };
}

function retryAfterOf(error: HoldfastError): number | undefined {
  const { retryAfterMs } = error as { readonly retryAfterMs?: unknown };
  return typeof retryAfterMs === "number" && Number.isFinite(retryAfterMs) ? retryAfterMs : undefined;
}

/** RFC 9110, 10.2.3: whole seconds. Never 0, which asks for the next request at once. */
function secondsOf(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1000)));
}

function titleOfClass(status: number): string {
  return status < 500 ? "Request Refused" : "Server Error";
}

function tell<Request>(
  { onShed }: SheddingSettings<Request>,
  event: Parameters<NonNullable<SheddingSettings<Request>["onShed"]>>[0],
): void {
  if (onShed === undefined) return;
  try {
    onShed(event);
  } catch {
    // A listener never changes what the client gets.
  }
}
