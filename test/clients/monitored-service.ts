import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Registry } from "prom-client";
import {
  bulkhead,
  cache,
  circuitBreaker,
  degradation,
  fallback,
  hedge,
  measure,
  pipeline,
  policyReader,
  rateLimiter,
  retry,
  timeout,
} from "holdfast/resilience";
import { nodeRuntime } from "holdfast/runtime";
import {
  callMetrics,
  createMetrics,
  createTelemetry,
  recordPolicies,
  recordTelemetry,
  telemetryListener,
} from "holdfast/telemetry";
import { exportToPromClient } from "holdfast/adapters/prom-client";

/** A small shop whose policies are scraped, and which does a little of everything until it is closed. */
export interface MonitoredService {
  /** `HOST:PORT` for Prometheus. */
  readonly address: string;
  readonly text: () => Promise<string>;
  /** Everything goes wrong from now on: calls fail, hang and are too many, and somebody counts by user. */
  goWrong(): void;
  close(): Promise<void>;
}

export async function startMonitoredService(): Promise<MonitoredService> {
  const metrics = createMetrics({ maxSeries: 100 });
  const telemetry = createTelemetry({ clock: nodeRuntime().clock, nodeId: "shop" });
  recordTelemetry(metrics, telemetry);
  const onEvent = telemetryListener(telemetry);

  const common = { name: "stock", onEvent };
  const breaker = circuitBreaker({ ...common, window: { kind: "consecutive", failures: 5 }, openMs: 3_600_000 });
  const flapping = circuitBreaker({ name: "prices", onEvent });
  const limit = timeout({ ...common, timeoutMs: 20 });
  const few = bulkhead({ ...common, maxConcurrent: 2, maxQueue: 0 });
  const observer = callMetrics(metrics, { name: "stock" });
  const stock = pipeline(
    measure({ observer }),
    fallback(() => "unknown", common),
    retry({ ...common, maxAttempts: 2, backoff: () => 1 }),
    breaker,
    limit,
    few,
  );
  const mail = retry({ name: "mail", onEvent, maxAttempts: 2, backoff: () => 1 });
  const limited = rateLimiter({ ...common, limits: { permits: 1_000, perMs: 1_000 }, maxWaitMs: 0 });
  const hedged = hedge({ ...common, delayMs: 1 });
  const users = cache({ ...common, ttlMs: 100 });
  const picks = degradation({ ...common, checkIntervalMs: 3_600_000 });
  const picked = picks.service<void, string>("picks", {
    full: () => Promise.reject(new Error("no picks")),
    degraded: () => "popular",
  });
  recordPolicies(metrics, policyReader(stock, mail, flapping, limited, hedged, users, picks));
  const byUser = metrics.counter({ name: "shop_visits_total", help: "Visits by user.", labels: ["user"] });

  const registry = new Registry();
  exportToPromClient(metrics, registry);
  const server = createServer((_request, response) => {
    void registry.metrics().then((text) => response.setHeader("content-type", registry.contentType).end(text));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  let isWrong = false;
  const closing = new AbortController();
  let turn = 0;

  /** One visit: while all is well one try in four fails, and one call in four is slow enough to be hedged. */
  async function visit(): Promise<void> {
    turn++;
    let tries = 0;
    const asked = stock.execute(async () => {
      if (isWrong || (turn % 4 === 0 && tries++ === 0)) throw new Error("out of order");
      return 1;
    });
    await Promise.all([
      asked,
      limited.execute(() => 1),
      hedged.execute(() => delay(turn % 4 === 0 ? 5 : 0)),
      users.execute(() => 1, { key: "anna" }),
      picked.run(),
    ]);
    if (!isWrong) return;
    await mail.execute(() => Promise.reject(new Error("no mail today"))).catch(() => undefined);
    picks.override("full");
    flapping.forceOpen();
    flapping.close();
    byUser.with({ user: `u${turn}` }).add();
    // As if each were a call that holds a place, one that finds none, and one that hangs.
    const held = [few.tryAcquire(), few.tryAcquire()];
    await few.execute(() => 1).catch(() => undefined);
    for (const place of held) place?.release();
    await limit.execute(() => new Promise(() => {})).catch(() => undefined);
  }

  const working = (async () => {
    while (!closing.signal.aborted) {
      await visit();
      await delay(10);
    }
  })();

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    text: () => registry.metrics(),
    goWrong() {
      isWrong = true;
    },
    async close() {
      closing.abort();
      await working;
      await picks.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
