import { HistoryRing, historyStepMs, historySteps } from "./history-ring.ts";
import { memberColumns, type MemberRing } from "./member-history.ts";
import { maxPolicies, policyColumns, type PolicyBook, type PolicyName } from "./policy-book.ts";

/** What one member remembers, as it tells another: numbers as they are in memory, so that it costs neither much. */
export interface HistoryDocument {
  readonly stepMs: number;
  /** By its clock, now. */
  readonly step: number;
  /** The newest step that is told of: later ones are not complete. */
  readonly to: number;
  readonly member: Packed | null;
  readonly policies: readonly (PolicyName & Packed)[];
}

/** One column after the other, little-endian: of 8 bytes each a member's numbers, of 4 a policy's. */
interface Packed {
  /** The step of the first. */
  readonly from: number;
  readonly base64: string;
}

export interface ReadHistory {
  readonly step: number;
  readonly to: number;
  readonly member: Rows | undefined;
  readonly policies: readonly { readonly name: PolicyName; readonly rows: Rows }[];
}

/** What each step has, a value for each column. */
export type Rows = readonly { readonly step: number; readonly values: readonly number[] }[];

/** A report comes every ten seconds at least, and tells of what was since the one before. */
const settledSteps = 2;
const maxName = 1_024;

/** What is known of the steps from one on. */
export function historyDocument(
  step: number,
  since: number,
  member: MemberRing | undefined,
  book: PolicyBook,
): HistoryDocument {
  const to = step - settledSteps;
  return {
    stepMs: historyStepMs,
    step,
    to,
    member: (member && packed(member, since, to, Float64Array)) ?? null,
    policies: book.all().flatMap(({ service, kind, name, ring }) => {
      const numbers = packed(ring, since, to, Float32Array);
      return numbers === undefined ? [] : [{ service, kind, name, ...numbers }];
    }),
  };
}

function packed(
  ring: HistoryRing<readonly Float32Array[] | readonly Float64Array[]>,
  since: number,
  to: number,
  Numbers: Float32ArrayConstructor | Float64ArrayConstructor,
): Packed | undefined {
  const from = Math.max(since, ring.first);
  const length = Math.min(to, ring.last) - from + 1;
  if (!(length > 0)) return undefined;
  const all = new Numbers(ring.columns.length * length);
  for (let column = 0; column < ring.columns.length; column++) {
    for (let at = 0; at < length; at++) all[column * length + at] = ring.value(column, from + at);
  }
  return { from, base64: Buffer.from(all.buffer).toString("base64") };
}

/** What another has said, without what cannot be; undefined where it is nothing of the kind. */
export function readHistory(value: unknown): ReadHistory | undefined {
  if (!isRecord(value)) return undefined;
  const { stepMs, step, to, member, policies } = value;
  if (stepMs !== historyStepMs || !isStep(step) || !isStep(to) || to > step || !Array.isArray(policies)) return undefined;
  const bounds = { from: to - historySteps + 1, to };
  return {
    step,
    to,
    member: unpacked(member, memberColumns.length, 8, bounds),
    policies: policies.slice(0, maxPolicies).flatMap((policy: unknown) => {
      const name = nameOf(policy);
      const rows = unpacked(policy, policyColumns.length, 4, bounds);
      return name === undefined || rows === undefined ? [] : [{ name, rows }];
    }),
  };
}

function unpacked(
  value: unknown,
  columns: number,
  size: 4 | 8,
  { from: least, to }: { readonly from: number; readonly to: number },
): Rows | undefined {
  if (!isRecord(value)) return undefined;
  const { from, base64 } = value;
  if (!isStep(from) || typeof base64 !== "string") return undefined;
  if (base64.length > 2 * historySteps * columns * size) return undefined;
  const bytes = Buffer.from(base64, "base64");
  const length = bytes.length / (columns * size);
  if (!Number.isInteger(length) || from < least || from + length - 1 > to) return undefined;
  const read = (at: number): number => {
    const number = size === 8 ? bytes.readDoubleLE(at * 8) : bytes.readFloatLE(at * 4);
    return number >= 0 && number < Number.POSITIVE_INFINITY ? number : Number.NaN;
  };
  return Array.from({ length }, (_, at) => ({
    step: from + at,
    values: Array.from({ length: columns }, (_each, column) => read(column * length + at)),
  }));
}

function nameOf(value: unknown): PolicyName | undefined {
  if (!isRecord(value)) return undefined;
  const { service, kind, name } = value;
  return isName(service) && isName(kind) && isName(name) ? { service, kind, name } : undefined;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= maxName;
}

function isStep(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= Number.MAX_SAFE_INTEGER / 1e6;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
