import type { Clock } from "holdfast/runtime";
import type { MembershipMetrics } from "holdfast/membership";

export interface KeyWarningOptions {
  readonly clock: Pick<Clock, "setTimer">;
  /** How often packets were dropped, by reason, so far. */
  readonly dropped: () => Pick<MembershipMetrics["dropped"], "forged" | "plain" | "sealed">;
  readonly say: (line: string) => void;
}

const checkMs = 2_000;
/** A node that is set up wrongly sends for ever: once in so many checks is enough. */
const silentChecks = 30;

/**
 * Says so, now and then, when packets come that cannot be read for want of a common key: the nodes do not see each other,
 * and nothing else would tell why. Returns what ends it.
 */
export function warnOfForeignKeys({ clock, dropped, say }: KeyWarningOptions): () => void {
  let told = dropped();
  let silent = 0;
  const check = (): void => {
    timer = clock.setTimer(checkMs, check);
    if (silent > 0) silent--;
    const now = dropped();
    const reason = explain(now.plain - told.plain, now.sealed - told.sealed, now.forged - told.forged);
    if (reason === undefined || silent > 0) return;
    told = now;
    silent = silentChecks;
    say(`gossip is dropped: ${reason}`);
  };
  let timer = clock.setTimer(checkMs, check);
  return () => timer.cancel();
}

function explain(plain: number, sealed: number, forged: number): string | undefined {
  if (sealed > 0) return "it comes sealed, and this node has no --gossip-keyring";
  if (plain > 0) return "it comes unsealed, from a node without --gossip-keyring";
  if (forged > 0) return "it is sealed with a key that this node's keyring does not hold, or is damaged";
  return undefined;
}
