import type { Protect, ResilienceCase } from "./resilience-cases.ts";

/** The same calls with nothing around them, and through a policy. */
export interface GuardedLoop {
  readonly bare: (count: number) => Promise<void>;
  readonly guarded: (count: number) => Promise<void>;
  /** How many have failed. */
  readonly settled: () => number;
}

/** Once a process: what is compiled for one policy must not slow another. */
export function guardedLoop(kind: ResilienceCase["operation"], protect: Protect): GuardedLoop {
  const failure = new Error("refused");
  let turn = 0;
  const operation =
    kind === "succeeds"
      ? async (): Promise<number> => 42
      : async (): Promise<number> => {
          if ((++turn & 7) !== 0) throw failure;
          return 42;
        };
  const call = protect(operation);
  let settled = 0;

  // The same loop twice: each gets its own machine code.
  async function bare(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      try {
        await operation();
      } catch {
        settled++;
      }
    }
  }

  async function guarded(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      try {
        await call();
      } catch {
        settled++;
      }
    }
  }

  return { bare, guarded, settled: () => settled };
}
