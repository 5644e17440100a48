import type { LiveMessage } from "holdfast/telemetry";
import { isRecord, misshapen, type Shape } from "./message-shape.ts";

/** The version of the format that this page knows. */
export const messageVersion = 1;

const nullableText: Shape = { orNull: "string" };
const nullableNumber: Shape = { orNull: "number" };
const nullableTime: Shape = { orNull: "time" };

const member: Shape = {
  fields: {
    id: "string",
    name: "string",
    liveness: "word",
    sinceMs: nullableNumber,
    role: { orNull: "word" },
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
    links: { listOf: { fields: { to: "string", state: "word", lastHeardMs: "number" } } },
  },
};

const cluster: Shape = {
  fields: {
    at: "time",
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
  fields: { name: "string", state: "word", isCritical: "boolean", details: nullableText, checkedAt: nullableTime },
};

const policy: Shape = {
  fields: {
    kind: "word",
    name: "string",
    state: { orNull: "word" },
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
    kind: "word",
    code: "string",
    message: "string",
    count: "number",
    ratePerSecond: "number",
    firstAt: "time",
    lastAt: "time",
  },
};

const service: Shape = {
  fields: {
    service: "string",
    instance: "string",
    at: "time",
    startedAt: "time",
    health: {
      orNull: {
        fields: {
          state: "word",
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
    status: "word",
    startedAt: "time",
    endedAt: nullableTime,
    steps: {
      listOf: { fields: { id: "string", type: "string", status: "word", attempts: "number", error: nullableText } },
    },
    approvals: { listOf: "string" },
    cause: nullableText,
  },
};

const drill: Shape = {
  fields: {
    drill: "string",
    verdict: "word",
    phase: "string",
    startedAt: "time",
    endedAt: nullableTime,
    measures: "object",
  },
};

const fault: Shape = {
  fields: {
    id: "string",
    target: "string",
    kind: "word",
    parameters: "object",
    injectedAt: "time",
    endsAt: "time",
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
          kind: "word",
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

const values: Shape = { listOf: nullableNumber };

const history: Shape = {
  fields: {
    times: { listOf: "time" },
    cluster: { orNull: { fields: { commitsPerSecond: values, lagEntries: values, residentBytes: values } } },
    policies: {
      listOf: {
        fields: {
          service: "string",
          kind: "string",
          name: "string",
          callsPerSecond: values,
          failedPerSecond: values,
          p50: values,
          p90: values,
          p99: values,
        },
      },
    },
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
            event: { fields: { type: "string", at: "time", nodeId: "string", seq: "number" } },
          },
        },
      },
    },
  },
  lost: { fields: { nodeId: "string", count: nullableNumber } },
  history,
};

/** What a message came to: itself, perhaps without some of what was in it; or why it is not shown. */
export type ReadMessage =
  | { readonly message: LiveMessage; readonly problem?: string | undefined }
  | { readonly message?: undefined; readonly problem: string };

/** Checks what came from outside, so that no view meets what it cannot draw. */
export function readMessage(value: unknown): ReadMessage {
  if (!isRecord(value) || typeof value["type"] !== "string") return { problem: "a message without a type" };
  const { type } = value;
  if (!Object.hasOwn(shapes, type)) return { problem: `a message of the unknown type ${type.slice(0, 40)}` };
  const shape = shapes[type as LiveMessage["type"]];
  const wrong = misshapen(value, shape);
  if (wrong !== undefined) {
    const problem = `${type}${wrong} is not what it should be`;
    const message = withoutMisshapen(value, shape);
    const isFit = message !== undefined && misshapen(message, shape) === undefined;
    return isFit ? { message: message as unknown as LiveMessage, problem } : { problem };
  }
  if (type === "hello" && value["version"] !== messageVersion) {
    return { problem: `format version ${String(value["version"])}: this page knows version ${messageVersion}` };
  }
  return { message: value as unknown as LiveMessage };
}

/** One thing of many that cannot be shown does not hide the others; undefined where nothing would be left of a list. */
function withoutMisshapen(
  value: Readonly<Record<string, unknown>>,
  shape: Shape,
): Readonly<Record<string, unknown>> | undefined {
  if (typeof shape === "string" || !("fields" in shape)) return undefined;
  const message: Record<string, unknown> = { ...value };
  for (const [name, field] of Object.entries(shape.fields)) {
    const list = value[name];
    if (typeof field === "string" || !("listOf" in field) || !Array.isArray(list)) continue;
    const kept = list.filter((each) => misshapen(each, field.listOf) === undefined);
    if (kept.length === 0 && list.length > 0) return undefined;
    message[name] = kept;
  }
  return message;
}
