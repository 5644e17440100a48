import type { EventOf, TelemetryEvent, TelemetryEventType } from "holdfast/telemetry";

import { isRecord } from "../stream/message-shape.ts";
import { visibleText } from "./visible-text.ts";
import { workDescribers } from "./describe-work.ts";
import { spanText } from "./span-text.ts";

/** What it means for those who watch: `bad` and `warn` are trouble, `good` is its end. */
export type EventTone = "bad" | "warn" | "good" | "plain";

interface Described {
  readonly summary: string;
  readonly tone: EventTone;
}

type Describers = { readonly [Type in TelemetryEventType]?: (event: EventOf<Type>) => string };

const describers: Describers = {
  ...workDescribers,
  memberJoined: ({ member }) => `${member} joined`,
  memberReturned: ({ member }) => `${member} returned`,
  memberSuspect: ({ member, from }) => `${member} is suspect, says ${from}`,
  memberCleared: ({ member }) => `${member} is cleared`,
  memberFailed: ({ member, from, lastHeardMs }) =>
    `${member} failed, says ${from}; last heard ${spanText(lastHeardMs)} ago`,
  memberLeft: ({ member }) => `${member} left`,
  memberUpdated: ({ member, host, port }) => `${member} updated: ${host}:${port}`,
  memberForgotten: ({ member }) => `${member} forgotten`,
  nameConflict: ({ member, known, other }) => `two use the name ${member}: ${known} keeps it, ${other} is ignored`,
  selfRefuted: ({ incarnation }) => `was accused, and has overruled it (incarnation ${incarnation})`,
  selfStalled: ({ lagMs }) => `its process was held up for ${spanText(lagMs)}`,
  roleChanged: ({ role, term }) => `became ${roleWords[role]} in term ${term}`,
  leaderChanged: ({ leader, term }) =>
    leader === null ? `knows no leader, term ${term}` : `follows ${leader}, term ${term}`,
  quorumLost: ({ term }) => `lost the quorum and steps down, term ${term}`,
  logTruncated: ({ from, to }) => `dropped its entries ${from} to ${to}, never committed`,
  configurationChanged: ({ voters, committed }) =>
    `voters ${voters.join(", ")}${committed ? "" : " (not committed yet)"}`,
  request: ({ method, code, durationMs, error }) =>
    `${method} code ${code} in ${durationMs.toFixed(1)} ms${error === null ? "" : `: ${error}`}`,
  historyCompacted: ({ compactedRevision, revision }) =>
    `forgot the history before revision ${compactedRevision}, at ${revision}`,
  certificateExpiring: ({ certificate, validUntil, daysLeft }) =>
    `its certificate ${certificate} ${daysLeft === 0 ? "has less than a day, or has expired" : `is valid for ${daysLeft} more ${daysLeft === 1 ? "day" : "days"}`}: until ${new Date(validUntil).toISOString()}`,
  certificateRenewed: ({ certificate, validUntil }) =>
    `its certificate ${certificate} was renewed, until ${new Date(validUntil).toISOString()}`,
  breakerOpened: ({ policy, reason, openMs }) =>
    `${policy} opened (${reason})${openMs === null ? "" : ` for ${spanText(openMs)}`}`,
  breakerHalfOpened: ({ policy }) => `${policy} is half-open: it lets a few calls through`,
  breakerClosed: ({ policy, reason }) => `${policy} closed (${reason})`,
  breakerForcedOpen: ({ policy }) => `${policy} was opened by hand`,
  faultInjected: ({ fault, target, kind, durationMs }) => `${kind} on ${target} for ${spanText(durationMs)} (${fault})`,
  faultRemoved: ({ fault, target, kind, reason, struck }) =>
    `${kind} on ${target} ${reason}${struck === null ? "" : `, struck ${struck} times`} (${fault})`,
  drillStarted: ({ drill }) => `${drill} begins`,
  drillPhaseBegan: ({ drill, phase }) => `${drill}: ${phase}`,
  drillEnded: ({ drill, verdict, reason, durationMs }) =>
    `${drill} ${verdict} after ${spanText(durationMs)}${reason === "" ? "" : `: ${reason}`}`,
};

const roleWords = { leader: "leader", follower: "follower", candidate: "candidate", preCandidate: "pre-candidate" };

const verdictTones: { readonly [verdict: string]: EventTone } = { passed: "good", inconclusive: "warn" };

/** By what a type is called, so that one that is new has its tone too. The first that fits counts. */
const tones: readonly (readonly [RegExp, EventTone])[] = [
  [/(?:Failed|Lost|Conflict|breakerOpened|ForcedOpen|Weakened|Exhausted|noAgreement|personWanted)$/i, "bad"],
  [/(?:Recovered|Returned|Cleared|Completed|Closed|Restored|Removed|Renewed)$/i, "good"],
  [/(?:Suspect|Suspected|Stalled|Truncated|Injected|Rejected|TimedOut|Timeout|Limited|Degraded|HalfOpened)$/i, "warn"],
  [/(?:Wanted|Refused|Withheld|Shed|throttled|Cancelled|rollbackStarted|Stale)$/i, "warn"],
];

/** An event in words. One of a type, or with fields, that the page does not know is shown field by field. */
export function describeEvent(event: TelemetryEvent): Described {
  const known = Object.hasOwn(describers, event.type) ? describers[event.type] : undefined;
  const describe = known as ((event: TelemetryEvent) => string) | undefined;
  const summary = (describe && inWords(describe, event)) ?? fieldsOf(event);
  return { summary: visibleText(summary.slice(0, maxSummaryChars)), tone: toneOf(event) };
}

function inWords(describe: (event: TelemetryEvent) => string, event: TelemetryEvent): string | undefined {
  try {
    const words = describe(event);
    return /\b(?:undefined|NaN)\b/.test(words) ? undefined : words;
  } catch {
    return undefined;
  }
}

function toneOf(event: TelemetryEvent): EventTone {
  if (event.type === "leaderChanged") return event.leader === null ? "bad" : "good";
  if (event.type === "drillEnded") {
    return (Object.hasOwn(verdictTones, event.verdict) ? verdictTones[event.verdict] : undefined) ?? "bad";
  }
  if (event.type === "certificateExpiring") return event.daysLeft === 0 ? "bad" : "warn";
  if (event.type === "request") return event.code === 0 ? "plain" : "warn";
  return tones.find(([pattern]) => pattern.test(event.type))?.[1] ?? "plain";
}

const stamp: ReadonlySet<string> = new Set(["type", "at", "nodeId", "seq", "traceId"]);
const maxFieldChars = 200;
const maxSummaryChars = 1_000;

function fieldsOf(event: TelemetryEvent): string {
  const fields = Object.entries(event).filter(([name, value]) => !stamp.has(name) && value !== null);
  const words = fields.map(([name, value]) => `${name} ${valueText(value)}`);
  return words.join(", ").slice(0, maxFieldChars);
}

/** Of an error what it says; of another object all it has. */
function valueText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(6)));
  if (isRecord(value) && typeof value["message"] === "string") return value["message"];
  return JSON.stringify(value);
}
