import { parseRetryAfter } from "../errors/base.ts";
import type { Clock } from "../runtime/system.ts";
import type { SendOutcome } from "./batch-queue.ts";
import type { LogFetch } from "./logs/http-sink.ts";

/** What may be otherwise the next time: too many requests, and a time that was up. */
const passing: ReadonlySet<number> = new Set([408, 425, 429]);
const tooLargeStatus = 413;

interface BatchPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

/**
 * Posts a batch. Throws for what may pass, with `retryAfterMs` where the other side has said when.
 *
 * A redirect is an error: most turn the POST into a GET, whose 200 (of a page to log in, say) would take nothing.
 */
export async function postBatch(
  fetch: LogFetch,
  { url, headers, body, signal }: BatchPost,
  clock: Pick<Clock, "wallTime">,
): Promise<SendOutcome> {
  const answer = await fetch(url, { method: "POST", headers, body, signal, redirect: "error" });
  const { status } = answer;
  // What is not read keeps a connection. That it cannot be thrown away changes nothing about what was taken.
  void answer.body?.cancel().catch(() => undefined);
  if (status >= 200 && status < 300) return "sent";
  if (status === tooLargeStatus) return "tooLarge";
  if (status >= 400 && status < 500 && !passing.has(status)) return "refused";
  const retryAfterMs = parseRetryAfter(answer.headers?.get("retry-after") ?? "", clock);
  throw Object.assign(new Error(`the server answered ${status}`), { retryAfterMs });
}
