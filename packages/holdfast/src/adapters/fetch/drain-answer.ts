import type { Clock } from "../../runtime/system.ts";

export interface DrainLimits {
  readonly maxBytes: number;
  readonly maxMs: number;
  readonly clock: Clock;
  /** Ends the wait with the attempt. */
  readonly signal: AbortSignal;
}

/**
 * Reads a copy of an answer's body, so that its connection serves others while a retry waits, and the answer can still be
 * read should it be the last. A body that was never read keeps its connection; one that is cancelled early, breaks it.
 *
 * Waits until the body has come or a limit is reached; then the rest stays where it is. Never rejects.
 */
export async function drainAnswer(response: Response, limits: DrainLimits): Promise<void> {
  const { maxBytes, maxMs, clock, signal } = limits;
  if (maxBytes === 0 || response.body === null) return;
  const copy = response.clone().body?.getReader();
  if (copy === undefined) return;
  const over = Promise.withResolvers<void>();
  const timer = clock.setTimer(maxMs, over.resolve);
  const onAbort = (): void => over.resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([drain(copy, maxBytes), over.promise]);
    // The client takes the connection back a turn after it has given the last of the body.
    await new Promise<void>((resolve) => clock.defer(resolve));
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", onAbort);
    // Of the two copies, the caller's goes on; when it is let go too, the connection is.
    void copy.cancel().catch(ignore);
  }
}

async function drain(copy: ReadableStreamDefaultReader<Uint8Array>, maxBytes: number): Promise<void> {
  try {
    for (let size = 0; size <= maxBytes;) {
      const { done, value } = await copy.read();
      if (done) return;
      size += value.byteLength;
    }
  } catch {
    // Whoever reads the answer will meet it there.
  }
}

function ignore(): void {
  // As above.
}
