import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createMemoryMember } from "holdfast/coordination";
import { nodeRuntime } from "holdfast/runtime";
import {
  callMetrics,
  createHealth,
  createMetrics,
  createLogger,
  createTelemetry,
  httpMetrics,
  recordHealth,
  recordLogs,
  recordPolicies,
  recordTelemetry,
  type Metrics,
  type MetricView,
} from "holdfast/telemetry";
import { defineMemberMetrics } from "../packages/server/src/metrics/member-metrics.ts";
import { createNodeMetrics } from "../packages/server/src/metrics/node-metrics.ts";
import { requestMetrics } from "../packages/server/src/metrics/request-metrics.ts";

const page = join(import.meta.dirname, "../docs/metrics.md");

const intro = `# Metrics

Every metric that Holdfast has; made from the source by \`node --conditions=source scripts/metrics-page.ts\`. How to get at
them, and how to make your own, is in [telemetry.md](telemetry.md#metrics). Durations are seconds, sizes bytes. Histograms
have the usual \`_bucket\`, \`_sum\` and \`_count\`.

No metric has more series than its bound allows: what is beyond shares one series, whose labels are all \`overflow\`.
`;

/** The metrics that something defines, without those that every registry has. */
function definedBy(define: (metrics: Metrics) => void): readonly MetricView[] {
  const metrics = createMetrics();
  const before = new Set(metrics.all.map(({ name }) => name));
  define(metrics);
  return metrics.all.filter(({ name }) => !before.has(name));
}

export async function renderMetricsPage(): Promise<string> {
  const telemetry = createTelemetry({ clock: nodeRuntime().clock, nodeId: "page" });
  const member = createMemoryMember();
  const membership = { members: () => [], heardMsAgo: () => undefined };
  const events = definedBy((metrics) => recordTelemetry(metrics, telemetry));
  const known = new Set(events.map(({ name }) => name));
  const sections: readonly (readonly [title: string, words: string, metrics: readonly MetricView[]])[] = [
    [
      "Policies",
      "What `recordPolicies` reads. Label `policy` is the policy's name, or its kind where it has none; of several alike the " +
        "second has ` 2` after it. A service of a degradation is a `policy` too.",
      definedBy((metrics) => recordPolicies(metrics, () => [])),
    ],
    [
      "Calls",
      "What `callMetrics` records for `measure`.",
      definedBy((metrics) => callMetrics(metrics, { name: "page" })),
    ],
    [
      "HTTP",
      "What `httpMetrics` records of a server of yours; `path` is the template of the route, `active_connections` counts " +
        "requests.",
      definedBy((metrics) => httpMetrics(metrics)),
    ],
    [
      "Logs",
      "What `recordLogs` reads from a logger and its [sinks](logs.md#sinks).",
      definedBy((metrics) => recordLogs(metrics, { logger: createLogger({ service: "page", sinks: [] }) })),
    ],
    [
      "Health",
      "What `recordHealth` reads from a service's [health](health.md).",
      definedBy((metrics) => recordHealth(metrics, createHealth())),
    ],
    ["Events", "What `recordTelemetry` records; every node has these.", events],
    [
      "A node",
      "What `/metrics` of a member has besides: under etcd's names where etcd has one.",
      [
        ...definedBy((metrics) => defineMemberMetrics(metrics, member, membership)),
        ...definedBy((metrics) => requestMetrics(metrics)),
        ...createNodeMetrics(telemetry, 1).metrics.all.filter(
          ({ name }) => !known.has(name) && !createMetrics().all.some((own) => own.name === name),
        ),
      ],
    ],
    ["Every registry", "What metrics tell of themselves.", createMetrics().all],
  ];
  await member.close();
  return [intro, ...sections.map(([title, words, metrics]) => renderSection(title, words, metrics))].join("\n");
}

function renderSection(title: string, words: string, metrics: readonly MetricView[]): string {
  const rows = metrics.map(({ name, type, labelNames, help }) => {
    const labels = labelNames.map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${type} | ${labels} | ${help} |`;
  });
  return [`## ${title}`, "", words, "", "| metric | type | labels | |", "| --- | --- | --- | --- |", ...rows, ""].join(
    "\n",
  );
}

if (process.argv[1] === import.meta.filename) writeFileSync(page, await renderMetricsPage());
