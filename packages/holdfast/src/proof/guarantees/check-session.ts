import { checkFunction, checkOneOf, checkOptionNames } from "../../errors/base.ts";
import { HistoryError } from "../history-error.ts";
import { pairOperations, type HistoryEvent, type Operation } from "../history.ts";
import { digraph } from "../transactions/digraph.ts";
import { componentCycles } from "../transactions/find-cycles.ts";
import {
  sessionClaims,
  sessionGuarantees,
  type SessionClaim,
  type SessionGuarantee,
  type VersionedOperation,
} from "./session-claims.ts";

export interface SessionCheckOptions {
  /** What the system promises: the verdict is about these. Default: all four. */
  readonly guarantees?: readonly SessionGuarantee[];
  /**
   * The number of the version that an operation read or wrote, where the store tells one: higher is newer, for each key.
   * Undefined leaves the operation out. Without this option, what is written must be unique for its key.
   */
  readonly versionOf?: (operation: Operation) => number | undefined;
}

export interface SessionViolation {
  /** One that is broken, or several that cannot all have held. */
  readonly guarantees: readonly SessionGuarantee[];
  readonly key: string | undefined;
  /** The lines of the operations that show it. */
  readonly lines: readonly number[];
  readonly explanation: string;
}

export interface SessionCheck {
  /** `unknown`: there was nothing to compare. Not a pass. */
  readonly verdict: "ok" | "violation" | "unknown";
  /** At most one for each key and set of guarantees, promised or not. */
  readonly violations: readonly SessionViolation[];
  readonly operations: number;
  /** How many pairs of operations were compared. */
  readonly comparisons: number;
  /** The verdict's reason, for people. */
  readonly explanation: string;
}

/**
 * Whether each process of a history over registers or keys (`read` and `write`, or `get` and `put`) saw what session
 * guarantees promise, for each key by itself. With version numbers each guarantee is judged by itself. Without, the order
 * of the versions is unknown, and a set of guarantees is broken when no order suits all of them: a session that reads
 * backwards what another wrote forwards breaks monotonic reads or monotonic writes, and nobody can say which.
 * @throws HistoryError when the history breaks its format's rules, or a value is written twice to a key
 *
 * @example
 * const { verdict, explanation } = checkSession(recorder.events, { guarantees: ["read-your-writes"] });
 */
export function checkSession(history: readonly HistoryEvent[], options: SessionCheckOptions = {}): SessionCheck {
  checkOptionNames("checkSession", options, ["guarantees", "versionOf"]);
  const { guarantees = sessionGuarantees, versionOf } = options;
  for (const guarantee of guarantees) checkOneOf("checkSession.guarantees", guarantee, sessionGuarantees);
  checkFunction("checkSession.versionOf", versionOf);

  const operations = pairOperations(history);
  const violations: SessionViolation[] = [];
  let comparisons = 0;
  for (const [key, ofKey] of Map.groupBy(operations, (operation) => operation.key)) {
    if (versionOf === undefined) checkUnique(ofKey);
    const claims = sessionClaims(ofKey, versionOf);
    comparisons += claims.length;
    violations.push(...(versionOf === undefined ? judgeByOrder(key, claims) : judgeByNumber(key, claims)));
  }
  const broken = violations.filter((violation) => violation.guarantees.every((name) => guarantees.includes(name)));
  const verdict = broken.length > 0 ? "violation" : comparisons === 0 ? "unknown" : "ok";
  const explanation =
    verdict === "violation"
      ? broken.map((violation) => violation.explanation).join("\n")
      : verdict === "unknown"
        ? "no session used a key twice: nothing was checked"
        : `${comparisons} comparisons of ${operations.length} operations are in keeping with ${guarantees.join(", ")}`;
  return { verdict, violations, operations: operations.length, comparisons, explanation };
}

function checkUnique(operations: readonly Operation[]): void {
  const lines = new Map<string, number>();
  for (const { f, input, line } of operations) {
    if (f !== "write" && f !== "put") continue;
    const value = JSON.stringify(input) ?? "null";
    const before = lines.get(value);
    if (before !== undefined) {
      throw new HistoryError(line, `writes ${value} as line ${before} does: values must be unique without versionOf`);
    }
    lines.set(value, line);
  }
}

function judgeByNumber(key: string | undefined, claims: readonly SessionClaim[]): SessionViolation[] {
  return sessionGuarantees.flatMap((guarantee) => {
    const broken = claims.find(
      ({ guarantee: of, earlier, later }) => of === guarantee && (earlier.version ?? 0) > (later.version ?? 0),
    );
    return broken === undefined ? [] : [violation([guarantee], key, [broken])];
  });
}

/** Every set of guarantees, small before large. */
const sets: readonly (readonly SessionGuarantee[])[] = Array.from({ length: 15 }, (_, i) =>
  sessionGuarantees.filter((_, bit) => ((i + 1) >> bit) & 1),
).sort((a, b) => a.length - b.length);

function judgeByOrder(key: string | undefined, claims: readonly SessionClaim[]): SessionViolation[] {
  const numbers = new Map<string, number>([["null", 0]]);
  for (const { earlier, later } of claims) {
    for (const { value } of [earlier, later]) if (!numbers.has(value)) numbers.set(value, numbers.size);
  }
  const told = claims.filter(({ earlier, later }) => earlier.value !== later.value);
  const found: SessionViolation[] = [];
  for (const set of sets) {
    if (found.some(({ guarantees }) => guarantees.every((guarantee) => set.includes(guarantee)))) continue;
    const chosen = told.filter(({ guarantee }) => set.includes(guarantee));
    const cycle = shortestCycle(numbers, chosen);
    if (cycle !== undefined) found.push(violation(set, key, cycle));
  }
  return found;
}

/** Claims that lead back to the version where they begin, by way of the initial one, which comes before all, if need be. */
function shortestCycle(
  numbers: ReadonlyMap<string, number>,
  claims: readonly SessionClaim[],
): SessionClaim[] | undefined {
  const back = claims.find(({ later }) => later.value === "null");
  if (back !== undefined) return [back];
  const from = claims.map(({ earlier }) => numbers.get(earlier.value)!);
  const to = claims.map(({ later }) => numbers.get(later.value)!);
  const edges = digraph(numbers.size, from, to);
  const cycles = componentCycles(edges, () => {}).sort((a, b) => a.edges.length - b.edges.length);
  return cycles[0]?.edges.map((edge) => claims[edges.origins[edge]!]!);
}

function violation(
  guarantees: readonly SessionGuarantee[],
  key: string | undefined,
  claims: readonly SessionClaim[],
): SessionViolation {
  const where = key === undefined ? "" : `key ${JSON.stringify(key)}: `;
  const what = claims.map(
    ({ earlier, later }) => `process ${later.operation.process} ${tell(earlier)}, then ${tell(later)}`,
  );
  const names = guarantees.join(" and ");
  const verdict = guarantees.length === 1 ? `${names} is broken` : `${names} cannot all hold`;
  const lines = [...new Set(claims.flatMap(({ earlier, later }) => [earlier.operation.line, later.operation.line]))];
  return { guarantees, key, lines, explanation: `${where}${verdict}: ${what.join("; ")}` };
}

function tell({ operation, writes, value, version }: VersionedOperation): string {
  const number = version === undefined ? "" : ` of version ${version}`;
  return `${writes ? "wrote" : "read"} ${value}${number} (line ${operation.line})`;
}
