import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePortRange } from "../process/free-ports.ts";
import { until } from "../process/holdfast-command.ts";

/** A Prometheus of Debian's, which scrapes and judges twice a second. */
export interface Prometheus {
  /** The series that a query has now. */
  query(expr: string): Promise<readonly { readonly metric: Readonly<Record<string, string>> }[]>;
  /** The names of the alerts that fire now. */
  firing(): Promise<ReadonlySet<string>>;
  close(): Promise<void>;
}

/** Starts it with rules, and the addresses of each job. */
export async function startPrometheus(
  jobs: Readonly<Record<string, readonly string[]>>,
  rules: string,
): Promise<Prometheus> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-prometheus-"));
  const config = join(directory, "prometheus.json");
  writeFileSync(join(directory, "rules.yml"), rules);
  const every = { scrape_interval: "500ms", scrape_timeout: "500ms", evaluation_interval: "500ms" };
  const scrape = Object.entries(jobs).map(([name, targets]) => ({
    job_name: name,
    static_configs: [{ targets }],
  }));
  // JSON is YAML.
  writeFileSync(config, JSON.stringify({ global: every, rule_files: ["rules.yml"], scrape_configs: scrape }));
  mkdirSync(join(directory, "data"));
  const port = await freePortRange(1);
  const origin = `http://127.0.0.1:${port}`;
  const child = spawn(
    "prometheus",
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(directory, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const ended = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  });

  async function ask<Data>(path: string): Promise<Data> {
    const answer = await fetch(`${origin}${path}`);
    const { status, data, error } = (await answer.json()) as { status: string; data: Data; error?: string };
    if (status !== "success") throw new Error(`${path}: ${error}`);
    return data;
  }

  const prometheus: Prometheus = {
    async query(expr) {
      const { result } = await ask<{ result: { metric: Record<string, string> }[] }>(
        `/api/v1/query?query=${encodeURIComponent(expr)}`,
      );
      return result;
    },
    async firing() {
      type Alert = { readonly state: string; readonly labels: { readonly alertname: string } };
      const { alerts } = await ask<{ alerts: readonly Alert[] }>("/api/v1/alerts");
      return new Set(alerts.flatMap(({ state, labels }) => (state === "firing" ? [labels.alertname] : [])));
    },
    async close() {
      child.kill("SIGKILL");
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await until("Prometheus is ready", 10_000, () =>
      fetch(`${origin}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  } catch (error) {
    await prometheus.close();
    throw error;
  }
  return prometheus;
}

/** What Prometheus' own tool says of text that it is given. */
export function promtool(args: readonly string[], input = ""): { readonly code: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync("promtool", args, { input, encoding: "utf8" });
  return { code: status, text: stdout + stderr };
}

const shipped = join(import.meta.dirname, "../../packages/server/monitoring");

export const rulesPath: string = join(shipped, "alerts.yml");

/** The rules that are shipped, for people in a hurry: they look at seconds where the original looks at minutes. */
export function hastyRules(): string {
  return readFileSync(rulesPath, "utf8")
    .replaceAll(/^( +for:) .*$/gm, "$1 1s")
    .replaceAll(/\[(?:5|10)m\]/g, "[4s]")
    .replaceAll("[15m]", "[40s]")
    .replaceAll('job="holdfast"', 'job=~"holdfast|lone"');
}

export function alertNames(): string[] {
  return [...readFileSync(rulesPath, "utf8").matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);
}

/** Each panel's queries, with what a viewer would have chosen put in. */
export function panelQueries(dashboard: string): { readonly title: string; readonly expr: string }[] {
  type Panel = { readonly title: string; readonly targets?: readonly { readonly expr: string }[] };
  const { panels } = JSON.parse(readFileSync(join(shipped, `${dashboard}.json`), "utf8")) as { panels: Panel[] };
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      title,
      expr: expr
        .replaceAll("$__rate_interval", "4s")
        .replaceAll('job=~"$job"', `job=~"${dashboard === "grafana-cluster" ? "holdfast" : "shop"}"`)
        .replaceAll(/\$(?:instance|policy)/g, ".*"),
    })),
  );
}
