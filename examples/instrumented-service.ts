/** A shop whose policies, errors, health and requests appear in the dashboard of the cluster it belongs to. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fastify from "fastify";
import { instrumentPlugin } from "holdfast/adapters/fastify";
import { createMember } from "holdfast/coordination";
import { createErrorAggregator } from "holdfast/errors";
import { circuitBreaker, measure, pipeline, policyReader, timeout } from "holdfast/resilience";
import { nodeRuntime } from "holdfast/runtime";
import { instrumentService, type ServiceReport } from "holdfast/telemetry";
import { serveMember } from "@holdfast/server";

// A cluster of one, which serves the dashboard. Yours runs already: holdfast up.
const directory = await mkdtemp(join(tmpdir(), "holdfast-example-"));
const peer = { host: "127.0.0.1", port: 0 };
const cluster = { name: "holdfast", members: [{ name: "n1", peer }] };
const member = await createMember({
  runtime: nodeRuntime(),
  name: "n1",
  directory,
  peer,
  cluster,
  clientUrls: [],
  httpUrls: [],
});
const local = { host: "127.0.0.1", port: 0 };
const served = await serveMember({ member, client: local, http: local, dashboard: {} });
const url = `http://127.0.0.1:${served.httpAddress?.port}`;

// The shop, as it was: a breaker before a bank that fails, and an aggregator of its errors.
const breaker = circuitBreaker({ name: "bank", window: { kind: "consecutive", failures: 3 }, openMs: 60_000 });
const errors = createErrorAggregator();
const app = fastify();
app.setErrorHandler((error, _request, reply) => {
  errors.record(error);
  return reply.code(502).send({ error: "the bank does not answer" });
});

// The three lines.
const service = instrumentService({ service: "shop", endpoints: [url], policies: policyReader(breaker), errors });
const bank = pipeline(measure({ observer: service.observer("bank") }), breaker, timeout({ timeoutMs: 500 }));
await app.register(instrumentPlugin, { service });

app.get("/catalog/:item", (request) => request.params);
app.post("/orders", () => bank.execute(() => Promise.reject(new Error("the bank is closed"))));
const shop = await app.listen({ host: "127.0.0.1", port: 0 });

for (let item = 1; item <= 10; item++) await (await fetch(`${shop}/catalog/${item}`)).text();
for (let order = 1; order <= 5; order++) await (await fetch(`${shop}/orders`, { method: "POST" })).text();

const shown = await untilShown((report) => report.policies.some(({ state }) => state === "open"));
for (const { kind, name, state, counts } of shown.policies) {
  console.log(`${kind.padEnd(14)} ${name.padEnd(20)} ${(state ?? "-").padEnd(6)} ${JSON.stringify(counts)}`);
}
const open = shown.policies.filter(({ state }) => state === "open").map(({ name }) => name);
const routes = shown.policies.filter(({ kind }) => kind === "route").map(({ name }) => name);

await app.close();
await served.close();
await member.close();
await rm(directory, { recursive: true });
console.log(
  `ok: ${url}/dashboard/ shows ${routes.toSorted().join(" and ")}, and the breaker of the ${open.join()} open`,
);

/** What the dashboard has been told by now. */
async function untilShown(condition: (report: ServiceReport) => boolean): Promise<ServiceReport> {
  for (;;) {
    const answer = await fetch(`${url}/holdfast/v1/dashboard/services`);
    const { services } = (await answer.json()) as { readonly services: readonly { readonly report: ServiceReport }[] };
    const found = services.map(({ report }) => report).find(condition);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
