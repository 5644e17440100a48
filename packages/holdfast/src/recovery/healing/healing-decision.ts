import type { HealingAction } from "./healing-action.ts";
import type { GuardName } from "./healing-guards.ts";

/** How an action ended. `unknown`: nobody can tell whether it was done; the next look will. */
export type HealingOutcome = "done" | "refused" | "failed" | "unknown";

/** What healing has decided, and why; also why it did nothing. `text` says the action, or what was found, in words. */
export type HealingDecision = { readonly atMs: number; readonly text: string } & (
  | { readonly type: "started"; readonly action: HealingAction; readonly because: string }
  | {
      readonly type: "ended";
      readonly action: HealingAction;
      readonly outcome: HealingOutcome;
      /** Null when it was done. */
      readonly reason: string | null;
      readonly tookMs: number;
    }
  | {
      readonly type: "withheld";
      readonly action: HealingAction;
      readonly because: string;
      readonly guard: GuardName;
      /** What speaks against it. */
      readonly reason: string;
    }
  | { readonly type: "personWanted"; readonly reason: string }
  /** The cluster is not at full strength. */
  | { readonly type: "weakened"; readonly reason: string }
  | { readonly type: "restored"; readonly tookMs: number }
);
