import { InvalidArgumentError } from "../errors/base.ts";
import { Call } from "./call.ts";
import type { PolicyDescription } from "./policy-description.ts";
import type { answer, Policy } from "./policy.ts";
import { descriptionOf, invoke, policyOf, rejected, stageOf, type Next, type Stage, type Staged } from "./stage.ts";

/** What the policies of a pipeline may answer besides the operation's result. */
type FallbackOf<Policies extends readonly Policy<unknown>[]> = Policies[number] extends {
  readonly [answer]?: () => infer Fallback;
}
  ? Fallback
  : never;

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
  const stages = policies.flatMap((policy, at) => toStages(policy, `pipeline[${at}]`));
  const wholly = compose(stages, invoke);
  // An execution ends at the operation itself, unless another stage calls this one.
  const run: Stage["run"] = (call, next) => (next === invoke ? wholly(call) : compose(stages, next)(call));
  return policyOf<FallbackOf<Policies>>({ run }, policies);
}

function toStages(policy: Policy<unknown> & Partial<Staged>, name: string): Stage[] {
  if (typeof policy?.execute !== "function") throw new InvalidArgumentError(name, "must be a policy", policy);
  const description = policy[descriptionOf];
  // A pipeline inside a pipeline: its policies take part themselves.
  if (isList(description)) return description.flatMap((inner, at) => toStages(inner, `${name}[${at}]`));
  return [policy[stageOf] ?? { run: (call, next) => runForeign(policy, call, next) }];
}

/** A policy of another make takes part through its public face; what it cancels is cancelled inside. */
function runForeign(policy: Policy<unknown>, call: Call, next: Next): Promise<unknown> {
  try {
    return Promise.resolve(
      policy.execute(
        (context) =>
          next(new Call(call.operation, context?.signal ?? call, context?.attempt ?? call.attempt, call.options)),
        { ...call.options, signal: call.signal },
      ),
    );
  } catch (error) {
    return rejected(error);
  }
}

function compose(stages: readonly Stage[], last: Next): Next {
  return stages.reduceRight<Next>((next, stage) => (call) => stage.run(call, next), last);
}

function isList(
  description: PolicyDescription | readonly Policy<unknown>[] | undefined,
): description is readonly Policy<unknown>[] {
  return Array.isArray(description);
}
