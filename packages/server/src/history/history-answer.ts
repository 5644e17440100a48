import { historyStepMs, historySteps, type HistoryRing } from "./history-ring.ts";
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

/** Numbers of so many steps, a column each. */
export interface Rows {
  readonly from: number;
  readonly length: number;
  readonly columns: readonly (Float32Array | Float64Array)[];
}

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
  ring: HistoryRing<readonly (Float32Array | Float64Array)[]>,
  since: number,
  to: number,
  Numbers: Float32ArrayConstructor | Float64ArrayConstructor,
): Packed | undefined {
  const from = Math.max(since, ring.first, to - historySteps + 1);
  const length = Math.min(to, ring.last) - from + 1;
  if (!(length > 0)) return undefined;
  const all = new Numbers(ring.columns.length * length);
  for (const [which, column] of ring.columns.entries()) {
    for (let at = 0; at < length; at++) all[which * length + at] = column[(from + at) % historySteps]!;
  }
  return { from, base64: Buffer.from(all.buffer).toString("base64") };
}

/** What another has said, without what cannot be; undefined where it is nothing of the kind. */
export function readHistory(value: unknown): ReadHistory | undefined {
  if (!isRecord(value)) return undefined;
  const { stepMs, step, to, member, policies } = value;
  if (stepMs !== historyStepMs || !isStep(step) || !isStep(to) || to > step || !Array.isArray(policies))
    return undefined;
  const bounds = { from: to - historySteps + 1, to };
  return {
    step,
    to,
    member: unpacked(member, memberColumns.length, Float64Array, bounds),
    policies: policies.slice(0, maxPolicies).flatMap((policy: unknown) => {
      const name = nameOf(policy);
      const rows = unpacked(policy, policyColumns.length, Float32Array, bounds);
      return name === undefined || rows === undefined ? [] : [{ name, rows }];
    }),
  };
}

function unpacked(
  value: unknown,
  columns: number,
  Numbers: Float32ArrayConstructor | Float64ArrayConstructor,
  { from: least, to }: { readonly from: number; readonly to: number },
): Rows | undefined {
  if (!isRecord(value)) return undefined;
  const { from, base64 } = value;
  if (!isStep(from) || typeof base64 !== "string") return undefined;
  const bytesPerStep = columns * Numbers.BYTES_PER_ELEMENT;
  if (base64.length > 2 * historySteps * bytesPerStep) return undefined;
  const bytes = Buffer.from(base64, "base64");
  const length = bytes.length / bytesPerStep;
  if (!Number.isInteger(length) || from < least || from + length - 1 > to) return undefined;
  // A copy of its own: small buffers begin anywhere in a larger one.
  const numbers = new Numbers(Uint8Array.from(bytes).buffer);
  for (let at = 0; at < numbers.length; at++) {
    if (!(numbers[at]! >= 0 && numbers[at]! < Number.POSITIVE_INFINITY)) numbers[at] = Number.NaN;
  }
  const part = (column: number): Float32Array | Float64Array =>
    numbers.subarray(column * length, (column + 1) * length);
  return { from, length, columns: Array.from({ length: columns }, (_, column) => part(column)) };
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
