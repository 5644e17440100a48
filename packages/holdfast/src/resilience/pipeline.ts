import { InvalidArgumentError } from "../errors/index.ts";
import type { Policy } from "./policy.ts";
import { policyOf, stageOf, type Next, type Stage, type Staged } from "./stage.ts";

/** What the policies of a pipeline may answer besides the operation's result. */
type FallbackOf<Policies extends readonly Policy<unknown>[]> =
  Policies[number] extends Policy<infer Fallback> ? Fallback : never;

/**
 * One policy made of several, outermost first: the first sees what all others make of a call.
 *
 * @throws InvalidArgumentError for anything that is no policy
 * @example
 * const quote = pipeline(fallback(() => 0), retry({ maxAttempts: 3 }), timeout({ timeoutMs: 1_000 }));
 * const price = await quote.execute(({ signal }) => fetchPrice({ signal }));
 */
export function pipeline<const Policies extends readonly Policy<unknown>[]>(
  ...policies: Policies
): Policy<FallbackOf<Policies>> {
  const stages = policies.map((policy, at) => toStage(policy, at));
  return policyOf<FallbackOf<Policies>>({ run: (call, next) => compose(stages, next)(call) });
}

function toStage(policy: Policy<unknown>, at: number): Stage {
  if (typeof policy?.execute !== "function") {
    throw new InvalidArgumentError(`pipeline[${at}]`, "must be a policy", policy);
  }
  const stage = (policy as Policy<unknown> & Partial<Staged>)[stageOf];
  // A policy of another make takes part through its public face.
  return stage ?? { run: (call, next) => policy.execute(() => next(call), { signal: call.signal }) };
}

function compose(stages: readonly Stage[], last: Next): Next {
  return stages.reduceRight<Next>((next, stage) => (call) => stage.run(call, next), last);
}
