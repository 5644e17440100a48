import type { Member } from "holdfast/coordination";
import {
  liveChecks,
  readyChecks,
  runChecks,
  type CheckName,
  type CheckOutcome,
  type Warnings,
} from "./health-checks.ts";

/** How often it is looked at while somebody watches. */
const watchIntervalMs = 1_000;

/** How a member that is served is, for whoever decides about restarts and traffic. */
export interface MemberHealth {
  /** Whether the process should go on. */
  live(except?: readonly string[]): Promise<readonly CheckOutcome[]>;
  /** Whether clients should come; with `stopping` first. */
  ready(except?: readonly string[]): Promise<readonly CheckOutcome[]>;
  /** Whether all that `ready` checks is well. */
  isReady(): Promise<boolean>;
  /** Tells once it is known whether it is ready, and then every change. Returns what ends it. */
  watch(listener: (isReady: boolean) => void): () => void;
  /** From now on it is not ready, and never again; those who watch hear so at once. */
  stop(): void;
}

export function memberHealth(
  member: Member,
  { intervalMs = watchIntervalMs, warnings = {} }: { readonly intervalMs?: number; readonly warnings?: Warnings } = {},
): MemberHealth {
  const listeners = new Map<(isReady: boolean) => void, boolean | undefined>();
  let isStopping = false;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;

  const run = (names: readonly CheckName[], except: readonly string[]): Promise<readonly CheckOutcome[]> =>
    runChecks(
      member,
      names.filter((name) => !except.includes(name)),
    );

  async function isReady(): Promise<boolean> {
    if (isStopping) return false;
    const outcomes = await run(readyChecks, []);
    return !isStopping && outcomes.every(({ failure }) => failure === undefined);
  }

  function tell(isReadyNow: boolean): void {
    for (const [listener, told] of listeners) {
      if (told === isReadyNow) continue;
      listeners.set(listener, isReadyNow);
      listener(isReadyNow);
    }
  }

  /** One look at a time, however many watch. */
  function look(): void {
    looking ??= isReady()
      .then(tell)
      .finally(() => (looking = undefined));
  }

  return {
    live: (except = []) => run(liveChecks, except),
    async ready(except = []) {
      const stopping = { name: "stopping", failure: isStopping ? "it takes no new clients" : undefined };
      const outcomes = await run(readyChecks, except);
      const warned = Object.entries(warnings).map(([name, look]) => ({ name, failure: undefined, warning: look() }));
      return [stopping, ...outcomes, ...warned].filter(({ name }) => !except.includes(name));
    },
    isReady,
    watch(listener) {
      listeners.set(listener, undefined);
      timer ??= setInterval(look, intervalMs).unref();
      look();
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
    stop() {
      isStopping = true;
      tell(false);
    },
  };
}
