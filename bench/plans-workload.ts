/** What both sides execute: plans of so many steps, one after another, that do nothing: what is measured is the record. */
export const stepsPerPlan = 5;

/** Plans that are asked for at the same time, as after a failure of much at once. */
export const plansAtOnce = 1_000;

/** What a side is asked, and what it says, one JSON document a line. */
export type PlansRequest =
  /** All at once; says how long until the last has ended. */
  | { readonly kind: "burst"; readonly plans: number }
  /** One plan after another, for so long; says how long each took. */
  | { readonly kind: "sequence"; readonly ms: number };

export type PlansAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "burst"; readonly ms: number; readonly maxRssMiB: number; readonly heapAfterMiB: number }
  | { readonly kind: "sequence"; readonly planMs: readonly number[] };

/** Executes one plan to its end, durably. */
export type ExecutePlan = (name: string) => Promise<void>;

/** Answers requests from the parent process, until it has gone. */
export async function serveRequests(execute: ExecutePlan, close: () => Promise<void>): Promise<void> {
  let burst = 0;
  const answer = (message: PlansAnswer): void => void process.send?.(message);
  const work = async (request: PlansRequest): Promise<void> => {
    burst++;
    const from = performance.now();
    if (request.kind === "burst") {
      await Promise.all(Array.from({ length: request.plans }, (_, at) => execute(`burst-${burst}-${at}`)));
      const ms = performance.now() - from;
      globalThis.gc?.();
      const maxRssMiB = process.resourceUsage().maxRSS / 1024;
      return answer({ kind: "burst", ms, maxRssMiB, heapAfterMiB: process.memoryUsage().heapUsed / 2 ** 20 });
    }
    const planMs: number[] = [];
    while (performance.now() - from < request.ms) {
      const began = performance.now();
      await execute(`sequence-${burst}-${planMs.length}`);
      planMs.push(performance.now() - began);
    }
    answer({ kind: "sequence", planMs });
  };
  const { promise: parentGone, resolve } = Promise.withResolvers<void>();
  process.once("disconnect", resolve);
  process.on("message", (request: PlansRequest) => void work(request));
  answer({ kind: "ready" });
  await parentGone;
  await close();
}
