import type { RefusedReports, TelemetryEvent } from "holdfast/telemetry";
import type { MembersDocument } from "../http/members-document.ts";
import type { StatusDocument } from "../http/member-status.ts";
import { checkReport } from "./check-report.ts";
import type { AgedLeave, AgedReport } from "./service-shelf.ts";

/**
 * What came from where a member should be, known to be what a member says: somebody else may listen there, or a member of
 * another release. Fields that are not known here are let be.
 */
type Check = (value: unknown) => boolean;

const maxText = 1_024;
const maxMembers = 1_000;
/** The last moment that a date can stand for. */
const lastMs = 8.64e15;

const text: Check = (value) => typeof value === "string" && value.length <= maxText;
const amount: Check = (value) => typeof value === "number" && Number.isFinite(value) && value >= 0;
const truth: Check = (value) => typeof value === "boolean";

const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

const orAbsent =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

const list =
  (most: number, check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every(check);

const object =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isRecord(value) && Object.entries(fields).every(([name, check]) => check(value[name]));

const urls = list(100, text);

const isStatus = object({
  clusterId: text,
  member: object({
    id: text,
    name: text,
    role: text,
    term: amount,
    leader: text,
    commitIndex: amount,
    appliedIndex: amount,
    storeBytes: amount,
    residentBytes: amount,
  }),
  members: list(
    maxMembers,
    object({ id: text, name: text, peerUrls: urls, clientUrls: urls, httpUrls: urls, isLearner: truth }),
  ),
  contacts: orAbsent(list(maxMembers, object({ id: text, state: text, lastHeardMs: orNull(amount) }))),
});

const isMembers = object({
  members: list(maxMembers, object({ name: text, state: text, sinceMs: orNull(amount), lastHeardMs: amount })),
});

const isRefused = object({ count: amount, detail: text, at: amount });
const isLeft = list(100, object({ service: text, instance: text, startedAt: amount, ageMs: amount }));

const isEvent = object({
  type: text,
  nodeId: text,
  at: (value) => typeof value === "number" && Math.abs(value) <= lastMs,
  seq: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
});

export function readStatus(value: unknown): StatusDocument | undefined {
  return isStatus(value) ? (value as StatusDocument) : undefined;
}

export function readMembers(value: unknown): MembersDocument | undefined {
  return isMembers(value) ? (value as MembersDocument) : undefined;
}

export function readEvent(value: unknown): TelemetryEvent | undefined {
  return isEvent(value) ? (value as TelemetryEvent) : undefined;
}

/** What services have told another member. */
export interface ToldReports {
  readonly version: number;
  readonly services: readonly AgedReport[];
  readonly left: readonly AgedLeave[];
  readonly refused?: RefusedReports;
}

/** The reports among what another member has, without what is none. */
export function readReports(value: unknown): ToldReports | undefined {
  if (!isRecord(value) || typeof value["version"] !== "number" || !Array.isArray(value["services"])) return undefined;
  const { version, services, left, refused } = value;
  return {
    version,
    services: services.filter(isAged),
    left: isLeft(left) ? (left as readonly AgedLeave[]) : [],
    ...(isRefused(refused) ? { refused: refused as RefusedReports } : {}),
  };
}

function isAged(value: unknown): value is AgedReport {
  if (!isRecord(value) || !amount(value["ageMs"])) return false;
  try {
    checkReport(value["report"]);
    return true;
  } catch {
    return false;
  }
}

/** Where a member's HTTP is; undefined where nobody could ask: no address, or not one of HTTP. */
export function originOf(url: string | null): string | undefined {
  const parsed = url === null ? null : URL.parse(url);
  return parsed !== null && /^https?:$/.test(parsed.protocol) ? parsed.origin : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
