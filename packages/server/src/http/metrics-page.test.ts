import { createMemoryMember } from "holdfast/coordination";
import { createMetrics } from "holdfast/telemetry";
import { expect, it } from "vitest";
import { createMetricsPage } from "./metrics-page.ts";

const lineOf = /^(\w+)(?:\{((?:\w+="[^"]*",?)+)\})? (\d+(?:\.\d+)?(?:e-?\d+)?)$/;

it("is Prometheus' text: each metric is described once, and each series has one value", async () => {
  const member = createMemoryMember();
  for (const key of ["a", "b"]) await member.put({ key: Buffer.from(key), value: Buffer.from("1") });
  const metrics = createMetrics();
  metrics.counter({ name: "shop_orders_total", help: "Orders." }).with().add(2);
  const names = ["n1", "n2"];
  const membership = {
    members: () => names.map((name) => ({ name, state: name === "n1" ? "alive" : "dead" })),
    heardMsAgo: (name: string) => (name === "n1" ? 0 : 2_500),
  };
  const page = createMetricsPage({ member, membership: membership as never, metrics });
  const request = { type: "request", method: "/etcdserverpb.KV/Put", transport: "grpc", durationMs: 3 } as const;
  page.onStart("grpc", request.method);
  page.onStart("http", request.method);
  page.onStart("grpc", "/etcdserverpb.Watch/Watch");
  page.onRequest({ ...request, code: 0 });
  page.onRequest({ ...request, code: 14 });
  page.onRequest({ ...request, method: "/etcdserverpb.Watch/Watch", code: 0, durationMs: 9e9 });

  const text = await page.render();
  expect(page.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
  const values = new Map<string, number>();
  const described = new Set<string>();
  for (const block of text.trimEnd().split("\n\n")) {
    const [helpLine, typeLine, ...lines] = block.split("\n");
    const [, name = ""] = /^# HELP (\w+) \S.*\.$/.exec(helpLine ?? "") ?? [];
    expect(typeLine).toMatch(new RegExp(`^# TYPE ${name} (gauge|counter|histogram)$`));
    expect(described.has(name)).toBe(false);
    described.add(name);
    for (const line of lines) {
      expect(line).toMatch(lineOf);
      const [, metric = "", labels = "", value = ""] = lineOf.exec(line) ?? [];
      expect(metric.startsWith(name)).toBe(true);
      const series = labels === "" ? metric : `${metric}{${labels}}`;
      expect(values.has(series)).toBe(false);
      values.set(series, Number(value));
    }
  }
  expect(values.get("etcd_debugging_mvcc_current_revision")).toBe(3);
  expect(values.get("etcd_server_has_leader")).toBe(1);
  expect(values.get("etcd_server_is_learner")).toBe(0);
  expect(values.get('raft_role{role="leader"}')).toBe(1);
  expect(values.get('holdfast_alarms{alarm="NOSPACE"}')).toBe(0);
  expect(values.get('membership_members{state="dead"}')).toBe(1);
  expect(values.get('membership_last_heard_seconds{member="n2"}')).toBe(2.5);
  expect(values.get("shop_orders_total")).toBe(2);
  const labels = 'grpc_type="unary",grpc_service="etcdserverpb.KV",grpc_method="Put"';
  expect(values.get(`grpc_server_handled_total{${labels},grpc_code="OK"}`)).toBe(1);
  expect(values.get(`grpc_server_handled_total{${labels},grpc_code="Unavailable"}`)).toBe(1);
  expect(values.get('holdfast_requests_total{transport="grpc",method="/etcdserverpb.Watch/Watch",code="0"}')).toBe(1);
  expect(values.get('holdfast_request_duration_seconds_count{method="/etcdserverpb.KV/Put"}')).toBe(2);
  expect(values.has('holdfast_request_duration_seconds_count{method="/etcdserverpb.Watch/Watch"}')).toBe(false);
  expect(values.get(`grpc_server_started_total{${labels}}`)).toBe(1);
  expect(values.get(`grpc_server_handling_seconds_count{${labels}}`)).toBe(2);
  const watch = 'grpc_type="bidi_stream",grpc_service="etcdserverpb.Watch",grpc_method="Watch"';
  expect(values.get(`grpc_server_started_total{${watch}}`)).toBe(1);
  expect(values.get(`grpc_server_handled_total{${watch},grpc_code="OK"}`)).toBe(1);
  expect([...values.keys()].filter((name) => name.startsWith("grpc_server_handling_seconds_count"))).toHaveLength(1);
  expect(values.get("process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
  expect(values.get("process_start_time_seconds")).toBeGreaterThan(1.5e9);
  await member.close();
});
