import type { RetryOptions } from "../../../resilience/index.ts";
import type { Clock } from "../../../runtime/system.ts";

/** Retry options whose waits take no time at all, on a clock that is moved by hand; and how long they would have been. */
export function skippedWaits<C extends Clock & { advance(byMs: number): Promise<void> }>(
  clock: C,
): Required<Pick<RetryOptions, "jitter" | "onEvent">> & { readonly clock: C; readonly delays: number[] } {
  const delays: number[] = [];
  return {
    clock,
    delays,
    jitter: "none",
    onEvent: (event) => {
      if (event.type !== "retry") return;
      delays.push(event.delayMs);
      // The wait begins after its event.
      setImmediate(() => void clock.advance(event.delayMs));
    },
  };
}
