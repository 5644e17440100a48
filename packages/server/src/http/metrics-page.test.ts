import { createMemoryMember } from "holdfast/coordination";
import { expect, it } from "vitest";
import { metricsPage } from "./metrics-page.ts";

it("is Prometheus' text, each metric described once and measured once", async () => {
  const member = createMemoryMember();
  for (const key of ["a", "b"]) await member.put({ key: Buffer.from(key), value: Buffer.from("1") });
  const page = metricsPage(member);
  expect(page.endsWith("\n")).toBe(true);
  const lines = page.trimEnd().split("\n");
  const values = new Map<string, number>();
  for (let at = 0; at < lines.length; at += 3) {
    const [, name] = /^# HELP (\w+) \S.*\.$/.exec(lines[at]!)!;
    expect(lines[at + 1]).toMatch(new RegExp(`^# TYPE ${name} (gauge|counter)$`));
    const [, value] = new RegExp(`^${name}(?:{\\w+="[\\w.]+"})? (\\d+(?:\\.\\d+)?)$`).exec(lines[at + 2]!)!;
    expect(values.has(name!)).toBe(false);
    values.set(name!, Number(value));
  }
  expect(values.get("etcd_debugging_mvcc_current_revision")).toBe(3);
  expect(values.get("etcd_server_has_leader")).toBe(1);
  expect(values.get("etcd_server_is_learner")).toBe(0);
  expect(values.get("process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
  expect(values.get("process_start_time_seconds")).toBeGreaterThan(1.5e9);
  await member.close();
});
