/** A shop whose policies, errors, health and requests appear in the dashboard of the cluster it belongs to. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import fastify from "fastify";
import { instrumentPlugin } from "holdfast/adapters/fastify";
import { createMember } from "holdfast/coordination";
import { bulkhead, circuitBreaker, fallback, pipeline, policyReader, timeout } from "holdfast/resilience";
import { nodeRuntime } from "holdfast/runtime";
import { createHealth, instrumentService, type ServiceReport } from "holdfast/telemetry";
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
const dashboard = `http://127.0.0.1:${served.httpAddress?.port}`;

// What the shop depends on: a bank that answers until it does not.
let isOpen = true;
const bankServer = createServer((_request, response) => response.writeHead(isOpen ? 200 : 503).end());
await new Promise<void>((resolve) => void bankServer.listen(0, "127.0.0.1", resolve));
const bankUrl = `http://127.0.0.1:${(bankServer.address() as AddressInfo).port}`;
async function askBank(): Promise<string> {
  const { ok, status } = await fetch(bankUrl);
  if (!ok) throw new Error(`the bank answers ${status}`);
  return "paid";
}

// The shop as it was: policies in front of the bank, and its health.
const bank = circuitBreaker({ name: "bank", window: { kind: "consecutive", failures: 3 }, openMs: 60_000 });
const stock = bulkhead({ name: "stock", maxConcurrent: 20 });
const health = createHealth();
health.add("bank", { check: () => askBank(), critical: false, intervalMs: 200, failureThreshold: 1 });
const orders = pipeline(bank, timeout({ timeoutMs: 500 }));
const quotes = pipeline(
  fallback(() => "yesterday's price"),
  stock,
);
const app = fastify();

// The lines that make it appear.
const service = instrumentService({
  service: "shop",
  endpoints: [dashboard],
  policies: policyReader(stock, bank),
  health,
});
await app.register(instrumentPlugin, { service });

app.get("/quotes/:item", () => quotes.execute(async () => "12.50"));
app.post("/orders", () => orders.execute(askBank));
const shop = await app.listen({ host: "127.0.0.1", port: 0 });

for (let item = 1; item <= 10; item++) await (await fetch(`${shop}/quotes/${item}`)).text();
await order();
await untilShown(({ policies }) => policies.some(({ name, state }) => name === "bank" && state === "closed"));

isOpen = false;
for (let call = 1; call <= 5; call++) await order();
const shown = await untilShown(
  ({ policies, errors, health: told }) =>
    policies.some(({ name, state }) => name === "bank" && state === "open") &&
    errors.some(({ message }) => message.startsWith("the bank answers")) &&
    told?.state === "degraded",
);
for (const { kind, name, state, counts } of shown.policies) {
  console.log(`${kind.padEnd(14)} ${name.padEnd(20)} ${(state ?? "-").padEnd(6)} ${JSON.stringify(counts)}`);
}
for (const { message, count } of shown.errors) console.log(`error          ${message}, ${count} times`);
for (const { name, state, details } of shown.health?.components ?? []) {
  console.log(`component      ${name} ${state}: ${details}`);
}
const routes = shown.policies.filter(({ kind }) => kind === "route").map(({ name }) => name);

// It takes leave as it closes.
await app.close();
const { services } = await told();
health.close();
bankServer.close();
bankServer.closeAllConnections();
await served.close();
await member.close();
await rm(directory, { recursive: true });
console.log(
  `ok: ${dashboard}/dashboard/ shows ${routes.toSorted().join(" and ")}, the bank's breaker open, its errors and the shop's health; ${services.length} instances once it has left`,
);

async function order(): Promise<void> {
  await (await fetch(`${shop}/orders`, { method: "POST" })).text();
}

/** What the dashboard has been told by now. */
async function told(): Promise<{ readonly services: readonly { readonly report: ServiceReport }[] }> {
  const answer = await fetch(`${dashboard}/holdfast/v1/dashboard/services`);
  return (await answer.json()) as { readonly services: readonly { readonly report: ServiceReport }[] };
}

async function untilShown(condition: (report: ServiceReport) => boolean): Promise<ServiceReport> {
  for (;;) {
    const found = (await told()).services.map(({ report }) => report).find(condition);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
