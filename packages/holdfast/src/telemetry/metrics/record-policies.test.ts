import { describe, expect, it } from "vitest";
import {
  breakerRegistry,
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
  tieredTimeout,
  timeout,
} from "../../resilience/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { telemetryListener } from "../listener.ts";
import { createTelemetry } from "../telemetry.ts";
import { callMetrics } from "./call-metrics.ts";
import { createMetrics, type Metrics } from "./create-metrics.ts";
import { policyMetrics } from "./policy-metric.ts";
import { recordPolicies } from "./record-policies.ts";
import { recordTelemetry } from "./record-telemetry.ts";

function values(metrics: Metrics, name: string): Record<string, unknown> {
  const found = metrics.all.find((metric) => metric.name === name);
  if (found === undefined) throw new Error(`no metric ${name}`);
  return Object.fromEntries(found.read().map(({ labels, value }) => [labels.join(), value]));
}

const refuse = (): Promise<never> => Promise.reject(new Error("refused"));

describe("recordPolicies", () => {
  it("reads a pipeline's retries, breaker, timeouts and bulkhead, each by its name", async () => {
    const clock = new VirtualClock();
    const common = { clock, name: "stock" };
    const breaker = circuitBreaker({ ...common, window: { kind: "consecutive", failures: 3 } });
    const full = bulkhead({ ...common, maxConcurrent: 1, maxQueue: 0 });
    const policy = pipeline(
      timeout({ ...common, timeoutMs: 60_000 }),
      retry({ ...common, maxAttempts: 2, jitter: "none" }),
      breaker,
      timeout({ ...common, timeoutMs: 50 }),
      full,
    );
    const metrics = createMetrics();
    recordPolicies(metrics, policyReader(policy));
    expect(values(metrics, "recovery_circuit_breaker_state")).toEqual({ stock: 0 });

    const refused = expect(policy.execute(refuse)).rejects.toMatchObject({ code: "RETRIES_EXHAUSTED" });
    await clock.advance(1_000);
    await refused;
    await policy.execute(() => 1);
    const late = expect(policy.execute(() => clock.sleep(80))).rejects.toMatchObject({ code: "RETRIES_EXHAUSTED" });
    await clock.advance(20);
    expect(values(metrics, "recovery_bulkhead_active_connections")).toEqual({ stock: 1 });
    await clock.advance(5_000);
    await late;
    await expect(full.tryAcquire() && full.execute(refuse)).rejects.toMatchObject({ code: "BULKHEAD_FULL" });

    expect(values(metrics, "recovery_retry_attempts_total")).toEqual({ stock: 2 });
    expect(values(metrics, "recovery_retry_failure_total")).toEqual({ stock: 2 });
    expect(values(metrics, "recovery_circuit_breaker_failures_total")).toEqual({ stock: 4 });
    expect(values(metrics, "recovery_circuit_breaker_successes_total")).toEqual({ stock: 1 });
    expect(values(metrics, "recovery_timeout_events_total")).toEqual({ stock: 0, "stock 2": 2 });
    expect(values(metrics, "recovery_bulkhead_rejections_total")).toEqual({ "stock,full": 1, "stock,waited": 0 });
  });

  it("counts a change of state only when the state changes", async () => {
    const clock = new VirtualClock();
    const window = { kind: "consecutive", failures: 1 } as const;
    const breaker = circuitBreaker({ clock, name: "b", openMs: 100, halfOpen: { probes: 1 }, window });
    const metrics = createMetrics();
    recordPolicies(metrics, policyReader(breaker));
    const changes = async (): Promise<unknown> => {
      // What was read stands until then.
      await Promise.resolve();
      const [state, times] = ["state", "state_changes_total"].map((name) =>
        values(metrics, `recovery_circuit_breaker_${name}`),
      );
      return [state?.["b"], times?.["b"]];
    };
    breaker.close();
    breaker.close();
    expect(await changes()).toEqual([0, 0]);
    await expect(breaker.execute(refuse)).rejects.toThrow("refused");
    expect(await changes()).toEqual([1, 1]);
    await expect(breaker.execute(refuse)).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
    expect(await changes()).toEqual([1, 1]);
    await clock.advance(100);
    await breaker.execute(() => 1);
    expect(await changes()).toEqual([0, 3]);
    breaker.forceOpen();
    breaker.forceOpen();
    expect(await changes()).toEqual([1, 4]);
    expect(values(metrics, "recovery_circuit_breaker_forced")).toEqual({ b: 1 });
  });

  it("gives how long each mode of a degradation was in force, and the share of degraded answers", async () => {
    const clock = new VirtualClock();
    await using shop = degradation({ clock, name: "shop", checkIntervalMs: 1_000 });
    let works = true;
    const service = shop.service<void, string>("picks", {
      full: () => "full",
      degraded: () => (works ? "popular" : Promise.reject(new Error("empty"))),
    });
    const metrics = createMetrics();
    recordPolicies(metrics, policyReader(shop));
    expect(values(metrics, "recovery_degradation_success_rate")).toEqual({});
    await clock.advance(3_000);
    shop.override("full");
    for (let at = 0; at < 4; at++) {
      works = at > 0;
      await service.run().catch(() => "none");
    }
    await clock.advance(2_000);
    expect(values(metrics, "recovery_degradation_mode")).toEqual({
      "shop,normal": 0,
      "shop,partial": 0,
      "shop,full": 1,
    });
    expect(values(metrics, "recovery_degradation_mode_duration_seconds")).toEqual({
      "shop,normal": 3,
      "shop,partial": 0,
      "shop,full": 2,
    });
    expect(values(metrics, "recovery_degradation_success_rate")).toEqual({ picks: 0.75 });
    expect(values(metrics, "recovery_degradation_events_total")).toEqual({ shop: 1 });
  });

  it("reads everything else that has numbers", async () => {
    const clock = new VirtualClock();
    const breakers = breakerRegistry({ create: () => ({ clock }), clock });
    await breakers.execute("a", () => 1);
    await breakers.execute("b", () => 1);
    const users = cache({ clock, name: "users" });
    for (let at = 0; at < 3; at++) await users.execute(() => 1, { key: "k" });
    const limited = rateLimiter({ clock, limits: { permits: 1, perMs: 1_000 }, maxWaitMs: 0 });
    await limited.execute(() => 1);
    await expect(limited.execute(() => 1)).rejects.toMatchObject({ code: "RATE_LIMITED" });
    const popular = fallback("popular", { name: "f" });
    await popular.execute(refuse);
    using tiers = tieredTimeout({ clock, name: "db" });
    const metrics = createMetrics();
    recordPolicies(metrics, policyReader(breakers, users, limited, popular, tiers, hedge({ clock })));
    expect(values(metrics, "recovery_circuit_breaker_successes_total")).toEqual({ a: 1, b: 1 });
    expect(values(metrics, "recovery_cache_hits_total")).toEqual({ users: 2 });
    expect(values(metrics, "recovery_rate_limiter_rejections_total")).toEqual({ rateLimiter: 1 });
    expect(values(metrics, "recovery_fallback_answers_total")).toEqual({ f: 1 });
    expect(values(metrics, "recovery_timeout_events_total")).toMatchObject({ "db.database": 0 });
    expect(values(metrics, "recovery_hedge_attempts_total")).toEqual({ hedge: 0 });
  });

  it("reads the policies once for all metrics of one collection", async () => {
    let reads = 0;
    const metrics = createMetrics();
    recordPolicies(metrics, () => (reads++, []));
    const collect = (): unknown => metrics.all.map((metric) => metric.read());
    collect();
    expect(reads).toBe(1);
    await Promise.resolve();
    collect();
    expect(reads).toBe(2);
    expect(policyMetrics.length).toBeGreaterThan(30);
  });

  it("refuses what cannot be read", () => {
    expect(() => policyReader({} as never)).toThrow("policyReader[0] must be a policy");
  });
});

describe("callMetrics", () => {
  it("has the calls under way, down again on every way out, and how long they took", async () => {
    const clock = new VirtualClock();
    const metrics = createMetrics();
    const observer = callMetrics(metrics, { name: "stock", buckets: [0.05, 1] });
    const policy = measure({ observer, clock });
    const inFlight = (): unknown => values(metrics, "recovery_calls_in_flight")["stock"];
    const gone = new AbortController();
    const ends = [
      policy.execute(() => clock.sleep(20)),
      policy.execute(() => clock.sleep(100).then(refuse)),
      policy.execute(() => {
        throw new Error("at once");
      }),
      // One that never ends, given up.
      policy.execute(() => new Promise(() => {}), { signal: gone.signal }),
    ];
    const settled = Promise.allSettled(ends);
    expect(inFlight()).toBe(4);
    await clock.advance(200);
    expect(inFlight()).toBe(1);
    gone.abort();
    await settled;
    expect(inFlight()).toBe(0);
    expect(values(metrics, "recovery_call_duration_seconds")).toEqual({
      "stock,succeeded": { counts: [1, 0, 0], sum: 0.02, count: 1 },
      "stock,failed": { counts: [1, 1, 0], sum: 0.1, count: 2 },
      "stock,abandoned": { counts: [0, 1, 0], sum: 0.2, count: 1 },
    });
  });

  it("counts a call once that ends and is given up at the same time, and is no burden when it throws", async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const observer = {
      started: () => {
        throw new Error("broken");
      },
      ended: (outcome: string) => {
        seen.push(outcome);
        throw new Error("broken");
      },
    };
    const policy = pipeline(timeout({ timeoutMs: 10, clock }), measure({ observer, clock }));
    const call = expect(policy.execute(() => clock.sleep(10))).rejects.toMatchObject({ code: "OPERATION_TIMED_OUT" });
    await clock.advance(50);
    await call;
    expect(await policy.execute(() => 7)).toBe(7);
    expect(seen).toEqual(["abandoned", "succeeded"]);
  });
});

describe("recordTelemetry", () => {
  it("has what retrying added to calls, timeouts, and how often what happened", async () => {
    const clock = new VirtualClock();
    const telemetry = createTelemetry({ clock, nodeId: "n1" });
    const metrics = createMetrics();
    const stop = recordTelemetry(metrics, telemetry);
    const onEvent = telemetryListener(telemetry);
    const policy = retry({ clock, name: "stock", onEvent, jitter: "none", backoff: () => 200, maxAttempts: 2 });
    let calls = 0;
    const call = policy.execute(() => (++calls === 1 ? refuse() : 1));
    await clock.advance(500);
    expect(await call).toBe(1);
    const lost = expect(policy.execute(refuse)).rejects.toThrow();
    await clock.advance(500);
    await lost;
    const latency = values(metrics, "recovery_retry_latency_seconds");
    expect(latency).toMatchObject({
      "stock,succeeded": { sum: 0.2, count: 1 },
      "stock,failed": { sum: 0.2, count: 1 },
    });
    expect(values(metrics, "telemetry_events_total")).toMatchObject({
      "resilience,recovered": 1,
      "resilience,retriesExhausted": 1,
      "membership,memberFailed": 0,
    });
    expect([telemetry.wants("breakerRejected"), telemetry.wants("cacheHit")]).toEqual([false, false]);
    stop();
    expect(telemetry.active).toBe(false);
  });

  it("follows consensus, and faults that begin and end", () => {
    const telemetry = createTelemetry({ clock: new VirtualClock(), nodeId: "n1" });
    const metrics = createMetrics();
    recordTelemetry(metrics, telemetry);
    telemetry.publish({ type: "leaderChanged", leader: "n2", term: 1 });
    telemetry.publish({ type: "leaderChanged", leader: null, term: 2 });
    telemetry.publish({ type: "roleChanged", role: "candidate", term: 2 });
    telemetry.publish({ type: "roleChanged", role: "follower", term: 2 });
    telemetry.publish({ type: "quorumLost", term: 2 });
    telemetry.publish({ type: "logTruncated", from: 3, to: 5 });
    telemetry.publish({ type: "diskStalled", waitMs: 900 });
    const of = (name: string): unknown => values(metrics, name)[""];
    expect(
      ["leader_changes", "elections", "quorum_losses", "truncated_entries"].map((name) => of(`raft_${name}_total`)),
    ).toEqual([1, 1, 1, 3]);
    expect(of("raft_disk_stalled")).toBe(1);
    telemetry.publish({ type: "diskRecovered" });
    expect(of("raft_disk_stalled")).toBe(0);

    const fault = { fault: "f1", target: "n1", kind: "latency" } as const;
    telemetry.publish({ ...fault, type: "faultInjected", parameters: {}, durationMs: 5 });
    telemetry.publish({ ...fault, type: "faultInjected", parameters: {}, durationMs: 5 });
    expect(values(metrics, "proof_faults_active")).toEqual({ latency: 1 });
    const removed = { ...fault, type: "faultRemoved", reason: "expired", lastedMs: 5, struck: null } as const;
    telemetry.publish(removed);
    telemetry.publish(removed);
    telemetry.publish({ ...removed, fault: "of before" });
    expect(values(metrics, "proof_faults_active")).toEqual({ latency: 0 });
  });
});
