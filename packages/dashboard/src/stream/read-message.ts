import type { LiveMessage } from "holdfast/telemetry";
import { isRecord, misshapen, type Shape } from "./message-shape.ts";

/** The version of the format that this page knows. */
export const messageVersion = 1;

const nullableText: Shape = { orNull: "string" };
const nullableNumber: Shape = { orNull: "number" };

const member: Shape = {
  fields: {
    id: "string",
    name: "string",
    liveness: "string",
    sinceMs: nullableNumber,
    role: nullableText,
    isLearner: "boolean",
    isWitness: "boolean",
    term: nullableNumber,
    commitIndex: nullableNumber,
    appliedIndex: nullableNumber,
    lagEntries: nullableNumber,
    storeBytes: nullableNumber,
    residentBytes: nullableNumber,
    clientUrl: nullableText,
    httpUrl: nullableText,
    links: { listOf: { fields: { to: "string", state: "string", lastHeardMs: "number" } } },
  },
};

const cluster: Shape = {
  fields: {
    at: "number",
    servedBy: "string",
    clusterId: "string",
    leader: nullableText,
    term: "number",
    quorum: { fields: { needed: "number", answering: "number", voters: "number" } },
    members: { listOf: member },
    commitsPerSecond: nullableNumber,
  },
};

const component: Shape = {
  fields: { name: "string", state: "string", isCritical: "boolean", details: nullableText, checkedAt: nullableNumber },
};

const policy: Shape = {
  fields: {
    kind: "string",
    name: "string",
    state: nullableText,
    isForced: "boolean",
    callsPerSecond: "number",
    failureRatio: nullableNumber,
    durationMs: { orNull: { fields: { p50: "number", p90: "number", p99: "number" } } },
    counts: "object",
    gauges: "object",
    configuration: "object",
  },
};

const errorGroup: Shape = {
  fields: {
    fingerprint: "string",
    kind: "string",
    code: "string",
    message: "string",
    count: "number",
    ratePerSecond: "number",
    firstAt: "number",
    lastAt: "number",
  },
};

const service: Shape = {
  fields: {
    service: "string",
    instance: "string",
    at: "number",
    startedAt: "number",
    health: {
      orNull: {
        fields: {
          state: "string",
          isLive: "boolean",
          isReady: "boolean",
          isDraining: "boolean",
          components: { listOf: component },
        },
      },
    },
    policies: { listOf: policy },
    errors: { listOf: errorGroup },
    omitted: "number",
  },
};

const plan: Shape = {
  fields: {
    execution: "string",
    plan: "string",
    status: "string",
    startedAt: "number",
    endedAt: nullableNumber,
    steps: {
      listOf: { fields: { id: "string", type: "string", status: "string", attempts: "number", error: nullableText } },
    },
    approvals: { listOf: "string" },
    cause: nullableText,
  },
};

const drill: Shape = {
  fields: {
    drill: "string",
    verdict: "string",
    phase: "string",
    startedAt: "number",
    endedAt: nullableNumber,
    measures: "object",
  },
};

const fault: Shape = {
  fields: {
    id: "string",
    target: "string",
    kind: "string",
    parameters: "object",
    injectedAt: "number",
    endsAt: "number",
    struck: nullableNumber,
  },
};

const target: Shape = {
  fields: {
    name: "string",
    label: "string",
    kinds: {
      listOf: {
        fields: {
          kind: "string",
          label: "string",
          parameters: {
            listOf: {
              fields: { name: "string", unit: "string", defaultValue: "number", min: "number", max: "number" },
            },
          },
        },
      },
    },
    members: { listOf: "string" },
  },
};

const shapes: { readonly [Type in LiveMessage["type"]]: Shape } = {
  hello: {
    fields: {
      version: "number",
      servedBy: "string",
      release: "string",
      allows: { fields: { faults: "boolean", plans: "boolean", keys: "boolean" } },
      everyMs: "number",
    },
  },
  cluster: { fields: { cluster } },
  services: { fields: { services: { listOf: service } } },
  plans: { fields: { plans: { listOf: plan } } },
  drills: { fields: { drills: { listOf: drill } } },
  faults: { fields: { faults: { listOf: fault }, targets: { listOf: target } } },
  events: {
    fields: {
      events: {
        listOf: {
          fields: {
            id: "string",
            event: { fields: { type: "string", at: "number", nodeId: "string", seq: "number" } },
          },
        },
      },
    },
  },
  lost: { fields: { nodeId: "string", count: nullableNumber } },
};

/** What a message came to: itself, or why it is not shown. */
export type ReadMessage =
  | { readonly message: LiveMessage; readonly problem?: undefined }
  | { readonly message?: undefined; readonly problem: string };

/** Checks what came from outside, so that no view meets what it cannot draw. */
export function readMessage(value: unknown): ReadMessage {
  if (!isRecord(value) || typeof value["type"] !== "string") return { problem: "a message without a type" };
  const { type } = value;
  if (!Object.hasOwn(shapes, type)) return { problem: `a message of the unknown type ${type.slice(0, 40)}` };
  const wrong = misshapen(value, shapes[type as LiveMessage["type"]]);
  if (wrong !== undefined) return { problem: `${type}${wrong} is not what it should be` };
  if (type === "hello" && value["version"] !== messageVersion) {
    return { problem: `format version ${String(value["version"])}: this page knows version ${messageVersion}` };
  }
  return { message: value as unknown as LiveMessage };
}
