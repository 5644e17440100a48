import type { Member } from "holdfast/coordination";
import { etcdClusterVersion, etcdCompatibleVersion } from "../etcd/version.ts";

type Labels = Readonly<Record<string, string>>;
type Metric = readonly [name: string, type: "gauge" | "counter", help: string, value: number, labels?: Labels];

/**
 * What `GET /metrics` answers, in Prometheus' text format: one member and its process under the names that etcd and
 * Prometheus' own clients give them, so that a dashboard or an alert made for etcd finds what it asks for.
 */
export function metricsPage(member: Member): string {
  const lines: string[] = [];
  for (const [name, type, help, value, labels] of metricsOf(member)) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, `${name}${labelText(labels)} ${value}`);
  }
  return `${lines.join("\n")}\n`;
}

export const metricsContentType = "text/plain; version=0.0.4; charset=utf-8";

function metricsOf(member: Member): readonly Metric[] {
  const { role, leader, commitIndex, appliedIndex, revision, storeBytes, logBytes, isLearner } = member.status();
  const { user, system } = process.cpuUsage();
  return [
    ["etcd_cluster_version", "gauge", "The version of etcd whose cluster this is like.", 1, cluster],
    ["etcd_server_version", "gauge", "The version of etcd whose protocol is served.", 1, server],
    ["etcd_server_id", "gauge", "The member's id.", 1, { server_id: member.id.toString(16) }],
    ["etcd_server_has_leader", "gauge", "Whether the member knows a leader.", leader === 0n ? 0 : 1],
    ["etcd_server_is_leader", "gauge", "Whether the member leads.", role === "leader" ? 1 : 0],
    ["etcd_server_is_learner", "gauge", "Whether the member learns.", isLearner ? 1 : 0],
    ["etcd_server_proposals_committed_total", "gauge", "The last entry committed.", commitIndex],
    ["etcd_server_proposals_applied_total", "gauge", "The last entry applied.", appliedIndex],
    ["etcd_debugging_mvcc_current_revision", "gauge", "The revision of the store.", revision],
    ["etcd_mvcc_db_total_size_in_bytes", "gauge", "Keys and values held, all revisions.", storeBytes],
    ["etcd_mvcc_db_total_size_in_use_in_bytes", "gauge", "Keys and values held, all revisions.", storeBytes],
    ["holdfast_log_size_bytes", "gauge", "The log on the disk.", logBytes],
    ["process_cpu_seconds_total", "counter", "Processor time used.", (user + system) / 1e6],
    ["process_resident_memory_bytes", "gauge", "Memory in use.", process.memoryUsage.rss()],
    ["process_start_time_seconds", "gauge", "When the process started, since 1970.", performance.timeOrigin / 1000],
  ];
}

const cluster: Labels = { cluster_version: etcdClusterVersion.split(".", 2).join(".") };
const server: Labels = { server_version: etcdCompatibleVersion };

/** No value here has a character that would need to be escaped. */
function labelText(labels: Labels = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return pairs.length === 0 ? "" : `{${pairs.join()}}`;
}
