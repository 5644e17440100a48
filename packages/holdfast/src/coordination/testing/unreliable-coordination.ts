import { CoordinationError } from "../coordination-error.ts";
import type { Coordination } from "../coordination.ts";

/** What happens to one request: it is lost, or its answer is; or it and its answer take their time. */
export type Mishap = "requestLost" | "answerLost" | { readonly delay: Promise<void> };

/** A real service behind a bad line: `next` says what happens to each request. */
export function unreliable(
  service: Coordination,
  next: (method: keyof Coordination) => Mishap | undefined,
): Coordination & { readonly mishaps: readonly string[] } {
  const mishaps: string[] = [];
  const methods = Object.fromEntries(
    (["range", "put", "deleteRange", "txn", "compact", "watch"] as const)
      .concat(["leaseGrant", "leaseRevoke", "leaseKeepAlive", "leaseTimeToLive", "leases"] as never[])
      .map((method: keyof Coordination) => [
        method,
        async (...args: never[]) => {
          const mishap = next(method);
          if (mishap !== undefined) mishaps.push(method);
          if (mishap === "requestLost") throw new CoordinationError("TIMED_OUT");
          const answer: unknown = await (service[method] as (...args: never[]) => Promise<unknown>)(...args);
          if (mishap === "answerLost") throw new CoordinationError("TIMED_OUT");
          if (mishap !== undefined) await mishap.delay;
          return answer;
        },
      ]),
  ) as unknown as Coordination;
  return { ...methods, mishaps };
}
