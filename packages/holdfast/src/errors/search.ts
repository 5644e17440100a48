import type { Classifier, OwnRule, Rule, Verdict } from "./classifier.ts";
import { isArray, items } from "./error-json.ts";
import { ErrorShape } from "./error-shape.ts";
import { failureMeanings, type FailureErrorCode, type FailureMeaning } from "./failure-codes.ts";
import { transientKinds } from "./failure.ts";
import type { ErrorKind } from "./holdfast-error.ts";
import { ownRule } from "./own-rule.ts";

/** How deep causes are followed, and how many errors are looked at in all. */
const maxDepth = 8;
const maxErrors = 64;

/** Where errors keep what they wrap, besides `errors`. */
const inside = ["cause", "originalError", "error", "reason", "err"];

/** Looks an error up in the tables of classifiers: itself first, then what it wraps, then by the tables of last resort. */
export class Search {
  readonly #classifiers: readonly Classifier[];
  readonly #seen = new Set<unknown>();

  constructor(classifiers: readonly Classifier[]) {
    this.#classifiers = classifiers;
  }

  find(shape: ErrorShape, depth = 0): Verdict | undefined {
    if (depth > maxDepth || this.#seen.size >= maxErrors || this.#seen.has(shape.value)) return undefined;
    this.#seen.add(shape.value);
    return this.#lookUp(shape, false) ?? this.#wrapped(shape, depth) ?? this.#lookUp(shape, true);
  }

  #wrapped(shape: ErrorShape, depth: number): Verdict | undefined {
    if (!shape.isObject) return undefined;
    for (const key of inside) {
      const child = shape.child(key);
      const verdict = child.isObject ? this.find(child, depth + 1) : undefined;
      if (verdict !== undefined) return verdict;
    }
    const errors = shape.get("errors");
    if (!isArray(errors)) return undefined;
    const verdicts = items(errors).map((error) => this.find(new ErrorShape(error), depth + 1));
    return worst(verdicts.filter((verdict) => verdict !== undefined));
  }

  #lookUp(shape: ErrorShape, lastResort: boolean): Verdict | undefined {
    if (!shape.isObject) return undefined;
    const own = lastResort ? undefined : ownRule(shape.value);
    if (own !== undefined) return verdictOf(own, "holdfast", own.code, shape);
    for (const classifier of this.#classifiers) {
      if ((classifier.lastResort ?? false) !== lastResort) continue;
      for (const key of keysOf(classifier, shape)) {
        // Own rows only: a key may be `constructor`.
        if (!Object.hasOwn(classifier.rules, key)) continue;
        const rule = classifier.rules[key];
        if (rule !== undefined) return verdictOf(rule, classifier.system, key, shape);
      }
    }
    return undefined;
  }
}

/** A classifier of somebody else that throws knows nothing. */
function keysOf(classifier: Classifier, shape: ErrorShape): readonly string[] {
  try {
    const keys = classifier.keys(shape);
    return isArray(keys) ? keys : [];
  } catch {
    return [];
  }
}

function verdictOf(rule: Rule, system: string, key: string, shape: ErrorShape): Verdict {
  const found = { system, rule: `${system} ${key}`, shape };
  if (typeof rule === "string") return { ...found, code: rule, meaning: failureMeanings[rule] };
  if ("kind" in rule) return { ...found, code: rule.code, meaning: meaningOf(rule) };
  const [code, effect] = rule;
  const [kind, transient] = failureMeanings[code satisfies FailureErrorCode];
  return { ...found, code, meaning: [kind, transient, effect] };
}

function meaningOf({ kind, transient, effect }: OwnRule): FailureMeaning {
  return [kind, transient ?? transientKinds[kind], effect ?? "unknown"];
}

const order: readonly ErrorKind[] = ["network", "timeout", "business", "resource", "consistency", "system"];

/** Of many, one that does not go away decides, then the gravest; an effect is only ruled out when all rule it out. */
function worst(verdicts: readonly Verdict[]): Verdict | undefined {
  const rank = ({ meaning: [kind, transient] }: Verdict): number =>
    order.indexOf(kind) + (transient ? 0 : order.length);
  const [first, ...rest] = verdicts;
  if (first === undefined) return undefined;
  const chosen = rest.reduce((worst, verdict) => (rank(verdict) > rank(worst) ? verdict : worst), first);
  const effect = verdicts.every(({ meaning }) => meaning[2] === "none") ? "none" : "unknown";
  return { ...chosen, meaning: [chosen.meaning[0], chosen.meaning[1], effect] };
}
