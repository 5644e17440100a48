import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderMetricsPage } from "./metrics-page.ts";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(root, "docs/metrics.md"), "utf8");
const documented = [...page.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \|/gm)].map(([, name = ""]) => name);

describe("docs/metrics.md", () => {
  it("is what the source says: node --conditions=source scripts/metrics-page.ts writes it", async () => {
    expect(page).toBe(await renderMetricsPage());
    expect(new Set(documented).size).toBe(documented.length);
    expect(documented).toEqual(expect.arrayContaining(["recovery_circuit_breaker_state", "etcd_server_has_leader"]));
  });

  it("has every metric that the dashboards and alerts ask for", () => {
    const shipped = ["grafana-cluster.json", "grafana-policies.json", "alerts.yml"];
    const asked = shipped.flatMap((file) =>
      [
        ...readFileSync(join(root, "packages/server/monitoring", file), "utf8").matchAll(
          /\b((?:recovery|raft|etcd|holdfast|membership|telemetry|proof|nodejs|process)_\w+)(?=[{[)\s"])/g,
        ),
      ].map(([, name = ""]) => name.replace(/_(?:bucket|sum|count)$/, "")),
    );
    expect(new Set(asked).size).toBeGreaterThan(40);
    expect([...new Set(asked)].filter((name) => !documented.includes(name))).toEqual([]);
  });
});
