import { InvalidArgumentError } from "../errors/base.ts";
import { doubtfulOrders } from "./doubtful-orders.ts";
import type { PolicyDescription } from "./policy-description.ts";
import type { Policy } from "./policy.ts";
import { descriptionOf, type Staged } from "./stage.ts";

/** An order of policies that seldom does what was meant. */
export interface Doubt {
  /** The two policies, as drawn: the outer one and the one somewhere inside it. */
  readonly outer: string;
  readonly inner: string;
  readonly reason: string;
}

export interface Explanation {
  /** The policies, outermost first. */
  readonly policies: readonly PolicyDescription[];
  readonly doubts: readonly Doubt[];
  /** The drawing, then the doubts: one text for a log or a terminal. */
  toString(): string;
}

/**
 * Draws a pipeline as text and names the orders in it that are doubtful, with the reason.
 *
 * @throws InvalidArgumentError for anything that is no policy
 * @example
 * console.log(String(explain(pipeline(bulkhead(), retry()))));
 * expect(explain(payments).doubts).toEqual([]);
 */
export function explain(policy: Policy<unknown>): Explanation {
  if (typeof policy?.execute !== "function") {
    throw new InvalidArgumentError("explain.policy", "must be a policy", policy);
  }
  const policies = describe(policy);
  const doubts = doubtsOf(policies);
  return { policies, doubts, toString: () => draw(policies, doubts) };
}

function describe(policy: Policy<unknown> & Partial<Staged>): PolicyDescription[] {
  const description = policy[descriptionOf];
  if (description === undefined) return [{ kind: "policy" }];
  return "kind" in description ? [description] : description.flatMap(describe);
}

function doubtsOf(policies: readonly PolicyDescription[]): Doubt[] {
  return policies.flatMap((outer, at) => {
    const within = policies.slice(at + 1);
    return within.flatMap((inner, offset) => {
      const place = { outer, inner, after: within.slice(offset + 1) };
      return doubtfulOrders
        .filter((order) => order.outer.includes(outer.kind) && order.inner.includes(inner.kind))
        .filter((order) => order.when?.(place) ?? true)
        .map(({ reason }) => ({ outer: title(outer), inner: title(inner), reason }));
    });
  });
}

function title({ kind, name }: PolicyDescription): string {
  return name === undefined || name === "" ? kind : `${kind} "${name}"`;
}

function draw(policies: readonly PolicyDescription[], doubts: readonly Doubt[]): string {
  const lines = [...policies.map((policy) => `${title(policy)}${summary(policy)}`), "the operation"];
  return [
    ...lines.map((line, depth) => (depth === 0 ? line : `${"   ".repeat(depth - 1)}└─ ${line}`)),
    ...doubts.map(({ outer, inner, reason }) => `doubtful: ${inner} inside ${outer}: ${reason}`),
  ].join("\n");
}

function summary({ options = {} }: PolicyDescription): string {
  const shown = settings("", options);
  return shown.length === 0 ? "" : ` (${shown.join(", ")})`;
}

/** `openMs: 30000`, `window.size: 100`, …: what has a short text, at any depth. */
function settings(path: string, options: object): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (typeof value === "function") return [`${path}${name}: a function`];
    if (typeof value === "object" && value !== null) return settings(`${path}${name}.`, value);
    return ["number", "string", "boolean"].includes(typeof value) ? [`${path}${name}: ${String(value)}`] : [];
  });
}
