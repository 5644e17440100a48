/** A service that knows how it is, and stops without turning anybody away: SIGTERM comes while an order is under way. */
import { once } from "node:events";
import fastify from "fastify";
import { healthPlugin } from "holdfast/adapters/fastify";
import { createHealth } from "holdfast/telemetry";

const mailServer = { isUp: false };
const health = createHealth({
  components: {
    database: { check: () => undefined },
    // Orders are taken without it: it is told, and takes nothing out of the balancer.
    mail: {
      critical: false,
      check: () => {
        if (!mailServer.isUp) throw new Error("connection refused");
      },
    },
  },
  onEvent: (event) => {
    if (event.type === "healthChanged") console.log(`the shop is ${event.state}, ready: ${event.isReady}`);
    else console.log(`${event.component} is ${event.state}`);
  },
});

const app = fastify();
await app.register(healthPlugin, { health });
app.post("/orders", async () => {
  await new Promise((resolve) => setTimeout(resolve, 250));
  return { order: "taken" };
});
const url = await app.listen({ host: "127.0.0.1", port: 0 });

const stopped = stopOn("SIGTERM");

// Its clients, and a balancer.
const status = async (path: string, method = "GET"): Promise<number> => {
  const answer = await fetch(url + path, { method });
  await answer.text();
  return answer.status;
};
while ((await status("/readyz")) !== 200) await new Promise((resolve) => setTimeout(resolve, 5));

const underway = status("/orders", "POST");
while (health.inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
process.kill(process.pid, "SIGTERM");
while (!health.isDraining) await new Promise((resolve) => setImmediate(resolve));
const [live, ready, late] = await Promise.all([status("/livez"), status("/readyz"), status("/orders", "POST")]);
console.log(`after SIGTERM: livez ${live}, readyz ${ready}, a late order ${late}, the one under way ${await underway}`);

await stopped;
const refused = await status("/orders", "POST").catch(
  (error: Error) => (error.cause as { readonly code?: string }).code,
);
if (live !== 200 || ready !== 503 || refused !== "ECONNREFUSED") throw new Error("it did not stop as it should");
console.log(`ok: 2 orders were answered ${late} and ${await underway} after SIGTERM, and then the door was closed`);

async function stopOn(signal: NodeJS.Signals): Promise<void> {
  await once(process, signal);
  // Some seconds where a balancer asks every few.
  const { left } = await health.drain({ graceMs: 100, timeoutMs: 10_000 });
  await app.close();
  health.close();
  console.log(`drained, ${left} requests left`);
}
