/** One trace through two services: a request, the calls it makes, their tries, and what answers them; the logs carry it. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { resilientFetch, tracedFetch } from "holdfast/adapters/fetch";
import { constantBackoff, pipeline, retry, timeout, traced } from "holdfast/resilience";
import { createLogger, createTracer, parseTraceContext, type FinishedSpan } from "holdfast/telemetry";

const spans: FinishedSpan[] = [];
const tracer = createTracer({ sinks: [{ write: (span) => void spans.push(span) }] });

// A stock service that fails at first. Its span goes on with the trace that the request names.
let asked = 0;
const server = createServer((request, response) => {
  const { traceparent, tracestate } = request.headers;
  const parent = parseTraceContext(traceparent, tracestate) ?? null;
  const span = tracer.startSpan("GET /stock", { kind: "server", parent });
  response.writeHead(++asked === 1 ? 503 : 200).end("7");
  span.end();
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;

// The shop: a span for the call with its waits, one for each request that is sent.
const policy = pipeline(
  traced({ tracer, name: "stock" }),
  retry({ backoff: constantBackoff(20) }),
  timeout({ timeoutMs: 500 }),
);
const get = resilientFetch(policy, { fetch: tracedFetch(tracer) });
const lines: { readonly message: string; readonly traceId?: string }[] = [];
const logger = createLogger({
  service: "shop",
  sinks: [{ write: (line) => void lines.push(line) }],
  span: () => tracer.current(),
});
await tracer.inSpan("checkout", async (span) => {
  const response = await get(`http://127.0.0.1:${port}/stock`);
  span.setAttribute("stock", Number(await response.text()));
  logger.info("stock was asked for");
});
server.close();
server.closeAllConnections();
await tracer.close();

const byParent = Map.groupBy(spans, ({ parentSpanId }) => parentSpanId);
function draw(parent: string | undefined, depth: number): void {
  for (const { spanId, name, kind, status } of (byParent.get(parent) ?? []).toSorted(
    (a, b) => a.startedAt - b.startedAt,
  )) {
    console.log(`${"  ".repeat(depth)}${name} (${kind})${status.code === "error" ? ": failed" : ""}`);
    draw(spanId, depth + 1);
  }
}
draw(undefined, 0);
const traces = new Set(spans.map(({ traceId }) => traceId));
const logged = lines.filter(({ traceId }) => traceId !== undefined && traces.has(traceId)).length;
console.log(`ok: ${spans.length} spans in ${traces.size} trace, and ${logged} line of a log`);
