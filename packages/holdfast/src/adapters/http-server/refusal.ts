import { HoldfastError } from "../../errors/index.ts";
import { isRejection } from "../../resilience/index.ts";
import { problemMembers, type RequestFacts } from "./problem-members.ts";
import { codeOfStatus } from "./problem-status.ts";
import type { SheddingSettings } from "./shedding-options.ts";

/** The answer to a request that is turned away: a problem document (RFC 9457) that tells nothing of the inside. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Undefined when `error` is no policy's decision but a defect, which the framework's own handling is for. */
export function refusalOf<Request>(
  error: unknown,
  facts: RequestFacts<Request>,
  settings: SheddingSettings<Request>,
): Refusal | undefined {
  if (!HoldfastError.is(error)) return undefined;
  if (!isRejection(error) && error.kind !== "timeout" && error.code !== "REQUEST_REPLACED") return undefined;
  const status = settings.status ?? (error.code === "RATE_LIMITED" ? 429 : 503);
  const code = isRejection(error) || error.code === "OPERATION_TIMED_OUT" ? error.code : codeOfStatus(status);
  const retryAfterMs = retryAfterOf(error) ?? (settings.retryAfterMs === 0 ? undefined : settings.retryAfterMs);
  const { body, durationMs, traceId } = problemMembers(facts, settings, { status, code });
  tell(settings, { request: facts.request, error, status, code, retryAfterMs, durationMs, traceId });
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
